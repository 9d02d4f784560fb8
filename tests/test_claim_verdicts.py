"""The verdicts of a claim: each is reached, pays for its tests, and says what it could have found."""

from __future__ import annotations

import re
import shutil
from math import log10
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.zoo.changes import ALL, CHANGES, changed
from tests import claims
from tests.claims import VERDICTS, claim, result
from tests.models import child, config, weights, write
from tests.reports import words
from verify import ClaimReport, Fingerprint
from verify.claim import combine, decide
from verify.claim.evidence import exact_line
from verify.statistics import EXACT_TESTS, ExactResult

fingerprints, models, reports = claims.fingerprints, claims.models, claims.reports


# ---- verdicts


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_is_reached(reports: dict[str, ClaimReport], verdict: str) -> None:
    """By a child, a stranger, the model itself, and a model that shares no shape or token."""
    report = reports[verdict]
    assert report.verdict == verdict
    assert (report.log10_p is not None) == (verdict in ("dependent", "no_evidence"))
    assert list(report.tests) == [test.id for test in EXACT_TESTS]


def test_a_child_is_found_by_every_test(reports: dict[str, ClaimReport]) -> None:
    """The report's p-value is below the level by a lot, and so is each test's, but of four heads' too few to be."""
    report = reports["dependent"]
    assert report.log10_p is not None
    assert report.log10_p < -50
    applicable = [test for test in report.tests.values() if test.applicable]
    for test in applicable:
        assert test.adjusted_log10_p is not None
        assert test.adjusted_log10_p < -3 or test.id == "head_identity"
    (heads,) = (test for test in applicable if test.id == "head_identity")
    assert heads.log10_p == heads.attainable_log10_p


def test_a_stranger_is_told_what_would_have_been_found(reports: dict[str, ClaimReport]) -> None:
    """A negative has a sentence on power, with the share that would have been enough."""
    report = reports["no_evidence"]
    assert report.log10_p is not None
    assert report.log10_p > -3
    assert report.power is not None
    shares = [float(x) for x in re.findall(r"0\.\d+", report.power)]
    assert shares
    assert all(0 < x < 1 for x in shares)
    assert "95% power" in report.power
    assert report.power in report.to_markdown()
    assert any("not evidence of independence" in sentence for sentence in report.limitations)


def test_untestable_gives_the_reason_of_each_test(reports: dict[str, ClaimReport]) -> None:
    """No test applies, and each says why."""
    report = reports["untestable"]
    assert not any(test.applicable for test in report.tests.values())
    assert all(test.reason and test.log10_p is None for test in report.tests.values())
    assert "widths (32 and 24)" in report.to_markdown()
    assert "no tokenizer was found in A" in report.to_markdown()


def test_identical_whatever_the_files_are_called(tmp_path: Path, models: dict[str, Path]) -> None:
    """A copy under another name, resharded, or as F64: the same weights, and nothing to test."""
    shutil.copytree(models["parent"], tmp_path / "renamed")
    (tmp_path / "renamed" / "model.safetensors").rename(tmp_path / "renamed" / "other.safetensors")
    c = config()
    for copy in (
        tmp_path / "renamed",
        write(tmp_path / "sharded", weights(0, c), c, shards=4),
        write(tmp_path / "doubles", weights(0, c), c, dtype="F64"),
    ):
        report = claim(copy, models["parent"])
        assert (report.verdict, report.log10_p) == ("identical", None)
        assert not any(test.applicable for test in report.tests.values())
    assert claim(models["child"], models["parent"]).verdict == "dependent"


def test_no_files_are_not_the_same_files(fingerprints: dict[str, Fingerprint]) -> None:
    """Two records that list no file share none."""
    a, b = (
        Fingerprint(fingerprints[name].record.model_copy(update={"files": ()}), fingerprints[name].arrays)
        for name in ("child", "stranger")
    )
    assert claim(a, b).verdict == "no_evidence"


def verdict_of(results: list[ExactResult], log10_p: float | None, alpha: float) -> str:
    """The verdict of exact tests alone."""
    return decide([exact_line(results, log10_p, alpha)])


def test_the_level_itself_rejects() -> None:
    """P(p <= alpha) <= alpha: at the level, but for rounding, is a rejection, and what is above it is not."""
    level = log10(1e-3)
    for reached in (level, float(np.nextafter(level, 0))):
        assert verdict_of([result(reached)], reached, 1e-3) == "dependent"
    above = level + 1e-11
    assert verdict_of([result(above)], above, 1e-3) == "no_evidence"


def test_what_cannot_reject_is_untestable() -> None:
    """Attainable p-values pay for their number too."""
    assert verdict_of([], None, 1e-3) == "untestable"
    assert verdict_of([result(-1.0, attainable=-2.9)], -1.0, 1e-3) == "untestable"
    assert verdict_of([result(-1.0, attainable=-3.0)], -1.0, 1e-3) == "no_evidence"
    pair = [result(-1.0, attainable=-3.2), result(-1.0, attainable=-3.2)]
    assert verdict_of(pair, -0.7, 1e-3) == "untestable"
    assert verdict_of(pair, -0.7, 1e-2) == "no_evidence"


@given(st.lists(st.none() | st.floats(-500, 0), min_size=1, max_size=6))
def test_holm_by_hand(values: list[float | None]) -> None:
    """Adjusted values are those of Holm's definition, in plain arithmetic; tests that do not apply pay nothing."""
    results, smallest = combine([result(value) for value in values])
    finite = sorted(value for value in values if value is not None)
    assert (smallest is None) == (not finite)
    for value, found in zip(values, results, strict=True):
        if value is None:
            assert found.adjusted_log10_p is None
            continue
        below = [j for j, other in enumerate(finite) if other <= value]
        expected = min(0.0, max(finite[j] + log10(len(finite) - j) for j in below))
        assert found.adjusted_log10_p == pytest.approx(expected, abs=1e-9)
        assert smallest is not None
        assert found.adjusted_log10_p >= smallest - 1e-9
    if finite:
        assert smallest == pytest.approx(min(0.0, finite[0] + log10(len(finite))), abs=1e-9)


def test_the_report_pays_for_its_tests(reports: dict[str, ClaimReport]) -> None:
    """The family-wise p-value is the number of tests that apply times the smallest; so is its Holm value."""
    for verdict in ("dependent", "no_evidence"):
        tests = [test for test in reports[verdict].tests.values() if test.applicable]
        values = [test.log10_p for test in tests if test.log10_p is not None]
        assert len(values) == len(tests) == 7
        expected = min(0.0, log10(7) + min(values))
        assert reports[verdict].log10_p == pytest.approx(expected, abs=1e-12)
        assert min(t.adjusted_log10_p for t in tests if t.adjusted_log10_p is not None) == pytest.approx(expected)
        assert reports[verdict].multiplicity.startswith(f"7 of {len(EXACT_TESTS)} exact tests apply")


# ---- unequal shapes, and evasions


def test_unequal_hidden_sizes_compare_common_indices(tmp_path: Path, models: dict[str, Path]) -> None:
    """A child whose MLPs lost their last units keeps the others where they were."""
    narrow, w = config(hidden=30), child(weights(0, config()), 4)
    for i in range(narrow.layers):
        for role in ("gate", "up", "down"):
            name = f"model.layers.{i}.mlp.{role}_proj.weight"
            w[name] = np.ascontiguousarray(w[name][:, :30] if role == "down" else w[name][:30])
    report = claim(write(tmp_path, w, narrow), models["parent"])
    test = report.tests["unit_identity"]
    assert report.verdict == "dependent"
    assert test.counts[0].n == 2 * 30
    assert test.statistic is not None
    assert test.statistic > 50
    stranger = claim(write(tmp_path / "s", weights(9, narrow), narrow), models["parent"])
    assert stranger.verdict == "no_evidence"
    assert stranger.tests["unit_identity"].counts[0].n == 2 * 30


def test_unequal_widths_leave_the_tests_by_response(
    tmp_path: Path, models: dict[str, Path], reports: dict[str, ClaimReport]
) -> None:
    """Only responses to shared tokens compare streams of different width."""
    wide = config(width=36, heads=6, kv_heads=3)
    report = claim(write(tmp_path, weights(5, wide), wide), models["parent"])
    by_response = ["response_identity", "head_identity", "rotary_phase"]
    assert [test.id for test in report.tests.values() if test.applicable] == by_response
    assert report.verdict == "no_evidence"
    for test in reports["no_evidence"].tests.values():  # of equal widths
        if test.applicable and test.id not in by_response:
            assert "different widths (36 and 24)" in words(report.tests[test.id].reason)


def test_a_widened_child_is_found_by_response(tmp_path: Path, models: dict[str, Path]) -> None:
    """A stream with dimensions that nothing writes to answers tokens as before."""
    wide, padded = config(width=32), {}
    for name, x in child(weights(0, config()), 6, noise=0.05).items():
        writes = x.ndim == 1 or "o_proj" in name or "down_proj" in name
        padded[name] = np.pad(x, [(0, 8 * writes), (0, 8 * (not writes))][: x.ndim])
    for i in range(wide.layers):  # heads of 8 channels, of which the last two read and write nothing
        for role, heads in (("q", 4), ("k", 2), ("v", 2), ("o", 4)):
            name = f"model.layers.{i}.self_attn.{role}_proj.weight"
            x = padded[name].T if role == "o" else padded[name]
            x = np.pad(x.reshape(heads, 6, 32), [(0, 0), (0, 2), (0, 0)]).reshape(heads * 8, 32)
            padded[name] = np.ascontiguousarray(x.T if role == "o" else x)
    report = claim(write(tmp_path, padded, wide), models["parent"])
    assert report.verdict == "dependent"
    applicable = [test.id for test in report.tests.values() if test.applicable]
    assert applicable == ["response_identity", "head_identity"]  # its planes are of other channels


def test_a_rotated_child_is_found_by_response(tmp_path: Path, models: dict[str, Path]) -> None:
    """The tests by weights alone are blind to it, and say nothing false."""
    rotated = changed(child(weights(0, config()), 7), config(), np.random.default_rng(1), "stream_rotation")
    report = claim(write(tmp_path, rotated, config()), models["parent"])
    below = [test.id for test in report.tests.values() if (test.adjusted_log10_p or 0) <= -3]
    assert (report.verdict, below) == ("dependent", ["response_identity", "sign_agreement", "rotary_phase"])


def test_a_copy_of_which_units_values_and_stream_were_changed_is_found_by_its_planes(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    """Their phases are left, and no other test has anything."""
    some = ("stream_rotation", "unit_order", "unit_signs", "value_order", "value_signs")
    evaded = changed(weights(0, config()), config(), np.random.default_rng(2), *some)
    report = claim(write(tmp_path, evaded, config()), models["parent"])
    below = [test.id for test in report.tests.values() if (test.adjusted_log10_p or 0) <= -3]
    assert (report.verdict, below) == ("dependent", ["rotary_phase"])


def test_a_copy_of_which_all_was_changed_is_out_of_reach(tmp_path: Path, models: dict[str, Path]) -> None:
    """No evidence is no statement of independence: this copy computes the same function."""
    rng, c = np.random.default_rng(2), config()
    every = [name for name in ALL if CHANGES[name].applies(c) and name != "unused_redrawn"]  # all tokens are used
    evaded = changed(weights(0, c), c, rng, *every)
    report = claim(write(tmp_path, evaded, c), models["parent"])
    assert report.verdict == "no_evidence"
    assert any("a panel of unrelated models like them can find it" in sentence for sentence in report.limitations)
