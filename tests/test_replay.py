"""A report that can be checked from its bytes, and made again: whatever is changed in it is found and named."""

from __future__ import annotations

import copy
import json
import os
import pickle
import random
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import verify
from tests.models import config, weights, write
from tests.reports import changed, sealed, with_results, words
from verify import ClaimReport, Fingerprint, InputError, ReportError, fingerprint, replay, test_lineage
from verify.base import Phrase, canonical
from verify.cli import main
from verify.data import model
from verify.replay.agreement import Replay, Tolerance, compare, leaves
from verify.replay.check import TOLERANCES, check
from verify.replay.recompute import recompute
from verify.replay.unchecked import INPUTS, UNCHECKED, unchecked

EXAMPLES = Path(__file__).parents[1] / "examples"
CREATED = "2026-01-31T12:00:00+00:00"
PAIRS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "stranger": ("stranger-1", "reference", {}),
    "less effort": ("fine-tuned", "reference", {"effort": "screen"}),
    "searched": ("stranger-2", "reference", {"searched": 50, "alpha": 0.01, "chronology": "B came first"}),
    "child": ("continued-3x", "reference", {}),
    "experts": ("moe-fine", "reference", {}),
    "fewer tests": ("gpt2-stranger", "reference", {}),
    "layer norm": ("gpt2-fine-tuned", "gpt2-reference", {}),
    "fewer layers": ("depth-pruned-healed", "reference", {}),
    "itself": ("reference", "reference", {}),
    "panel": ("obfuscated", "reference", {"panel": "default", "panel_alpha": 0.05, "corpus": "zoo-code"}),
}
PLAIN = [name for name in PAIRS if name != "panel"]


@cache
def made(name: str) -> ClaimReport:
    """A report on shipped models."""
    a, b, options = PAIRS[name]
    return test_lineage(model(a), model(b), created=CREATED, **options)


def text(name: str) -> bytes:
    """Its file."""
    return made(name).to_json().encode() + b"\n"


def outcome(source: bytes) -> Replay | ReportError:
    """What a check says, or why it refuses."""
    try:
        return check(source)
    except ReportError as error:
        return error


def caught(source: bytes) -> bool:
    """Whether anything is found wrong, by name."""
    found = outcome(source)
    if isinstance(found, ReportError):
        assert str(found).isprintable()
        return True
    assert found.agrees == (not found.disagreements)
    assert all(item.field.startswith("$") and item.tolerance for item in found.disagreements)
    return not found.agrees


# ---- from the record alone


@pytest.mark.parametrize("name", PAIRS)
def test_a_report_agrees_with_itself(name: str) -> None:
    found = check(text(name))
    assert found.disagreements == ()
    assert found.agrees
    assert found.compared > 30
    assert found.basis == "the record alone"
    assert (found.digest, found.verdict) == (made(name).digest, made(name).verdict)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("**/report.json")), ids=lambda path: path.parent.name)
def test_the_examples_agree_with_themselves(path: Path) -> None:
    assert check(path.read_bytes()).disagreements == ()


def flipped(name: str, data: st.DataObject) -> None:
    source = text(name)
    at, bit = data.draw(st.integers(0, len(source) - 1)), data.draw(st.integers(0, 7))
    other = source[:at] + bytes([source[at] ^ 1 << bit]) + source[at + 1 :]
    assert caught(other)
    found = outcome(other)
    if isinstance(found, Replay) and json.loads(other) == json.loads(source):
        assert [item.field for item in found.disagreements] == ["$"]
        assert f"not canonical from byte {at}" in str(found.disagreements[0].recorded)


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_flipped_bit_is_found(data: st.DataObject) -> None:
    flipped(data.draw(st.sampled_from(PLAIN)), data)


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_flipped_bit_of_a_report_with_a_panel_is_found(data: st.DataObject) -> None:
    flipped("panel", data)


@pytest.mark.parametrize(
    "change",
    [
        lambda source: source[:-1],
        lambda source: source + b"\n",
        lambda source: b" " + source,
        lambda source: json.dumps(json.loads(source)).encode() + b"\n",
        lambda source: canonical(dict(reversed(json.loads(source).items()))),
    ],
)
def test_one_content_has_one_byte_form(change: Callable[[bytes], bytes]) -> None:
    """Other bytes of the same content are a finding of their own, and the only one."""
    found = check(change(text("stranger")))
    assert [item.field for item in found.disagreements] == ["$"]
    assert "canonical JSON and one newline" in str(found.disagreements[0].recomputed)


def numbers(name: str) -> list[tuple[str, float]]:
    """Numbers of a report that are checked."""
    kinds = unchecked(made(name))
    return [
        (field, value)
        for field, value in leaves(json.loads(text(name)))
        if isinstance(value, int | float) and not isinstance(value, bool) and not any(k.covers(field) for k in kinds)
        if field != "$.shared_anchors"  # an input that decides by a threshold alone
    ]


def others(field: str, value: float) -> list[float]:
    """Other values for a number: close, and far."""
    whole = isinstance(value, int) and "log10" not in field
    return [value + 1, value - 1] if whole else [value * (1 + 1e-6) + 1e-7, value / 2 - 1e-3]


@pytest.mark.parametrize("name", PLAIN)
def test_any_changed_number_is_found_though_sealed_again(name: str) -> None:
    """Every number of a report but those of `UNCHECKED`; of all but one report, one of each kind of number.

    A kind is a path but for the places in lists: the same test, the same field.
    """
    content, found = json.loads(text(name)), numbers(name)
    assert len(found) >= (0 if name == "itself" else 60)
    if name != "child":
        random.Random(name).shuffle(found)
        found = [*{re.sub(r"\d+", "0", field): (field, value) for field, value in found}.values()]
    missed = [
        (field, other)
        for field, value in found
        for other in others(field, value)
        if not caught(sealed(changed(content, field, other)))
    ]
    assert missed == []


def test_any_changed_number_of_a_panel_test_is_found_though_sealed_again() -> None:
    """A sample of those beyond the exact tests, each kind of number at least once."""
    content, rng = json.loads(text("panel")), random.Random(0)
    kinds: dict[str, list[tuple[str, float]]] = {}
    for field, value in numbers("panel"):
        kind = re.sub(r"\d+", "0", field)
        if "panel" in field or "robust" in field or "ranks" in field or "match" in field:
            kinds.setdefault(kind, []).append((field, value))
    assert len(kinds) > 25
    for fields in kinds.values():
        field, value = rng.choice(fields)
        if field.startswith("$.evidence[panel].results[response_match].scores"):
            continue  # caught where it moves a rank, which is listed
        assert caught(sealed(changed(content, field, rng.choice(others(field, value))))), field


@pytest.mark.parametrize("name", ["stranger", "child", "fewer tests", "itself"])
def test_any_changed_text_is_found_though_sealed_again(name: str) -> None:
    """Verdict, sentences, nulls, assumptions, reasons, truth values; all but those of `UNCHECKED`."""
    content, kinds, missed = json.loads(text(name)), unchecked(made(name)), []
    for field, value in leaves(content):
        if not isinstance(value, str | bool) or any(kind.covers(field) for kind in kinds):
            continue
        if field == "$.digest" or field.endswith(".order"):  # an order is no field of its own
            continue
        if not caught(sealed(changed(content, field, not value if isinstance(value, bool) else value + "."))):
            missed.append(field)
    assert missed == []


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("child", "$.verdict", "no_evidence"),
        ("stranger", "$.verdict", "dependent"),
        ("stranger", "$.verdict", "identical"),
        ("child", "$.evidence[exact].log10_p", -500),
        ("child", "$.evidence[exact].results[unit_identity].log10_p", -999),
        ("child", "$.evidence[exact].results[unit_identity].adjusted_log10_p", -0.5),
        ("child", "$.evidence[exact].alpha", 0.01),
        ("searched", "$.searched", 1),
        ("child", "$.evidence[exact].line", "other"),
        ("child", "$.evidence[exact].asked.code", "other"),
        ("child", "$.evidence[exact].assumes", []),
        ("child", "$.evidence[exact].attainable_log10_p", -1),
        ("child", "$.declared.status", "declared_confirmed"),
        ("child", "$.provenance.effort", "screen"),
        ("less effort", "$.provenance.effort", "standard"),
        ("less effort", "$.provenance.sketch.units", 64),
        ("child", "$.evidence[exact].results[sign_agreement].applicable", False),
        ("child", "$.evidence[exact].results[unit_identity].counts[0].live", 3),
        ("child", "$.evidence[exact].results[unit_identity].by_layer[0].live", 3),
        ("child", "$.evidence[exact].results[unit_identity].set_aside", ["hidden units"]),
        ("child", "$.evidence[exact].results[sign_agreement].set_aside", ["signs of hidden units"]),
        ("child", "$.evidence[exact].results[stream_identity].set_aside", ["signs"]),
        ("child", "$.evidence[exact].results[unit_identity].effect.cosine_identified", 7.5),
        ("child", "$.evidence[exact].results[unit_identity].by_layer[0].layer_a", 9),
        ("child", "$.created", "once"),
        ("panel", "$.verdict", "dependent"),
        ("panel", "$.evidence[panel].log10_p", -4),
        ("panel", "$.panel.critical_odds_ratio", 50),
        ("panel", "$.panel.false_match.bound", 0.01),
        ("panel", "$.panel.audit.sizes[0].excess_p", 0.5),
        ("panel", "$.evidence[panel].results[response_match].scores[0]", 0.99),
        ("panel", "$.evidence[panel].results[response_match].scores", [0.9]),
        ("panel", "$.evidence[panel].results[response_match].scores[400]", 0.99),
        ("panel", "$.evidence[panel].results[response_match].by_cell[0].log10_p", -4),
        ("panel", "$.evidence[panel].results[spread_correlation].ranks[0].rank", 1),
        ("panel", "$.panel.members[0].stratum", "another"),
        ("panel", "$.panel.primary", "spread_correlation"),
        ("panel", "$.panel.stratum_a", "another"),
        ("panel", "$.panel.corpus_a", ""),
        ("panel", "$.panel.corpus_b", "another"),
        ("panel", "$.panel.like_a.both", 29),
        ("panel", "$.panel.members[0].corpus", "another"),
    ],
)
def test_a_change_that_matters_is_found_though_sealed_again(name: str, field: str, value: Any) -> None:
    found = outcome(sealed(changed(json.loads(text(name)), field, value)))
    assert isinstance(found, Replay)
    assert not found.agrees
    assert not {item.field for item in found.disagreements} & {"$", "$.digest"}


@pytest.mark.parametrize(
    "name",
    [
        "the vocabularies share 3 anchor tokens",
        "the vocabularies share 3 anchor tokens, fewer than 32",
        "the weights are identical, so there is nothing to test",
        "2 pairs of blocks look like copies of one another and were merged into 1 (the largest of 2).",
        "Hidden units were left out: signs",
        "best_of_50",
    ],
)
def test_nothing_is_read_out_of_a_sentence(name: str) -> None:
    """Models named like sentences of the library, in reasons that name them, make no report disagree."""
    models = []
    for which in ("fine-tuned", "reference"):
        found = fingerprint(model(which))
        shape = found.record.architecture.model_copy(update={"positions": "unknown", "model_type": name})
        record = found.record.model_copy(update={"name": name, "architecture": shape})
        models.append(Fingerprint(record, found.arrays))
    report = test_lineage(*models, created=CREATED)
    assert any(name in words(test.reason) for test in report.tests.values())
    assert report.tests["response_identity"].applicable
    assert check(report).disagreements == ()
    assert replay(report, *models).disagreements == ()


@pytest.mark.parametrize("test", ["unit_identity", "value_identity", "response_identity", "stream_identity"])
def test_a_test_cannot_be_dropped_by_stating_a_reason(test: str) -> None:
    """Neither as it is, nor with all that follows from it made to fit."""
    report = made("child")
    said = Phrase.of("few_shared_anchors", shared=3, least=32)
    empty = report.tests[test].model_copy(
        update={"applicable": False, "reason": said, "counts": (), "by_layer": (), "effect": None, "log10_p": None}
    )
    dropped = with_results(report, empty)
    assert f"$.evidence[exact].results[{test}].applicable" in {
        item.field for item in check(dropped.sealed()).disagreements
    }
    fitting, _ = recompute(dropped)
    found = check(fitting)
    if test == "stream_identity":  # how many dimensions are compared follows from the record: none of them matched
        assert fitting.tests[test].counts[0].n == report.tests[test].counts[0].n
    else:
        assert [item.field for item in found.disagreements] == [f"$.evidence[exact].results[{test}].counts[0].n"]


def test_tests_dropped_by_a_stated_number_are_listed_and_the_models_show_it() -> None:
    """How many anchors are shared is recorded as a number, and listed among what was not checked."""
    report = made("child")
    forged, problems = recompute(report.model_copy(update={"shared_anchors": 3}))
    assert not problems
    assert not forged.tests["stream_identity"].applicable
    assert "share 3 anchor tokens" in words(forged.tests["stream_identity"].reason)
    found = check(forged)
    assert found.agrees
    assert any(kind.covers("$.shared_anchors") for kind in found.not_checkable)
    a, b, _ = PAIRS["child"]
    assert "$.shared_anchors" in {item.field for item in replay(forged, model(a), model(b)).disagreements}


def test_what_all_rests_on_is_listed_first() -> None:
    """Counts, and with a panel the scores: whether they are of these models, no arithmetic tells."""
    for name, fields in (
        (
            "child",
            [
                "$.evidence[exact].results[unit_identity].counts[0].count",
                "$.evidence[exact].results[unit_identity].by_layer[0].n",
            ],
        ),
        (
            "panel",
            [
                "$.evidence[panel].results[response_match].scores[3]",
                "$.evidence[panel].results[spread_correlation].ranks[0].rank",
            ],
        ),
    ):
        listed = check(text(name)).not_checkable
        first = next(i for i, kind in enumerate(listed) if kind in UNCHECKED)
        assert all(any(kind.covers(field) for kind in listed[:first]) for field in fields)
    assert check(text("child")).not_checkable[0] == INPUTS[0]


def test_what_was_emptied_is_listed() -> None:
    """Files and declared bases that a forger took away are named as not checked, as those that are there are."""
    content = json.loads(text("child"))
    emptied = sealed(changed(changed(content, "$.a.files", []), "$.a.declared_bases", []))
    found = check(emptied)
    assert all(any(k.covers(f) for k in found.not_checkable) for f in ("$.a.files", "$.a.declared_bases"))
    a, b, _ = PAIRS["child"]
    found = replay(emptied.decode(), model(a), model(b))
    assert any(kind.covers("$.a.files") for kind in found.not_checkable)


def test_another_models_identity_does_not_read_as_a_success(run: Run, tmp_path: Path) -> None:
    """A stranger's record in the report of a related pair, sealed again: the first words say what was not checked."""
    a, b, _ = PAIRS["child"]
    forged = sealed(json.loads(text("child")) | {"a": json.loads(text("stranger"))["a"]})
    found = replay(forged.decode())
    assert (found.status, found.models) == ("arithmetic_agrees", None)
    assert "whether the counts are those of these two models was not checked: give --a and --b" in found.sentence
    (tmp_path / "report.json").write_bytes(forged)
    status, out, _ = run("replay", tmp_path / "report.json")
    assert (status, out.splitlines()[0]) == (0, f"{found.sentence}.")
    assert run("replay", tmp_path / "report.json", "--require-models")[0] == 4
    assert replay(forged.decode(), model(a), model(b)).status == "disagrees"
    assert replay(forged.decode(), model("stranger-1"), model(b)).status == "disagrees"


@pytest.mark.parametrize("name", ["child", "itself", "panel"])
def test_every_documented_kind_of_report_is_taken(name: str, tmp_path: Path) -> None:
    """An object, its text, the text of its file, and a path as text or Path."""
    report, path = made(name), tmp_path / "report.json"
    report.to_json(path)
    outcomes = [replay(source) for source in (report, report.to_json(), path.read_text("utf-8"), path, str(path))]
    assert all(found == outcomes[0] for found in outcomes)
    assert outcomes[0].agrees


@pytest.mark.parametrize("source", [None, 3, b"{}", {"schema_version": 1}])
def test_what_is_no_kind_of_report_is_refused_in_a_sentence(source: Any) -> None:
    with pytest.raises(InputError, match="give a report, its JSON text, or the path"):
        replay(source)


def test_a_report_can_be_copied_and_sent_to_another_process() -> None:
    report = made("child")
    for again in (pickle.loads(pickle.dumps(report)), copy.deepcopy(report), report.model_copy(deep=True)):
        assert again == report
        assert list(again.tests) == list(report.tests)
        assert again.to_json() == report.to_json()
    with pytest.raises(TypeError):
        report.tests["x"] = report.tests["unit_identity"]  # type: ignore[index]  # which is the point


def test_a_broken_seal_is_named() -> None:
    content = json.loads(text("stranger"))
    broken = check(canonical(content | {"chronology": "A came first"}) + b"\n")
    assert broken.disagreements[0].field == "$.digest"


def test_a_report_on_tensors_not_understood_agrees_with_itself() -> None:
    """A test that they refuse is refused again."""
    one = fingerprint(model("fine-tuned"))
    strange = ("model.layers.0.self_attn.v_norm.weight",)
    odd = Fingerprint(
        one.record.model_copy(update=dict.fromkeys(("unrecognised", "unrecognised_inside"), strange)), one.arrays
    )
    report = test_lineage(odd, model("reference"), created=CREATED)
    assert not report.tests["value_identity"].applicable
    assert check(report).disagreements == ()


@pytest.mark.parametrize("effort", ["standard", "full"])
def test_more_effort_than_was_made_is_found_with_the_models_too(effort: str) -> None:
    a, b, _ = PAIRS["less effort"]
    source = sealed(changed(json.loads(text("less effort")), "$.provenance.effort", effort)).decode()
    assert "$.provenance.effort" in {item.field for item in replay(source, model(a), model(b)).disagreements}


def test_numbers_no_count_can_have_cost_no_memory() -> None:
    content = json.loads(text("stranger"))
    for place in ("[sign_agreement].counts[0]", "[unit_identity].by_layer[0]", "[stream_identity].counts[0]"):
        for field, value in (("count", -1), ("n", 2**52), ("n", -1), ("groups", 2**52)):
            assert caught(sealed(changed(content, f"$.evidence[exact].results{place}.{field}", value)))
    for field in ("anchors", "architecture.layers", "architecture.hidden"):
        for value in (-1, 0, 2**52):
            outcome(sealed(changed(content, f"$.a.{field}", value)))


def test_what_cannot_be_checked_is_said() -> None:
    """With its reason; and nothing is listed that the report does not have."""
    kinds = check(text("panel")).not_checkable
    assert any(
        "by_cell" in kind.field and kind.reason.startswith("not checkable without the panel") for kind in kinds
    )
    assert not any(
        "panel" in kind.field
        for kind in check(text("itself")).not_checkable
        if kind.field != "$.evidence[panel].alpha"
    )
    assert all(kind.reason for kind in UNCHECKED)
    rows = check(text("panel")).to_dicts()
    assert {row["status"] for row in rows} == {"not checkable"}
    assert len({tuple(row) for row in rows}) == 1


@pytest.mark.parametrize(
    "source", [b"", b"{}", b"[1]", b"\xff", b'{"schema_version": 1}', b'{"a": 1, "a": 1}', b"9" * 99]
)
def test_what_is_no_report_is_refused_in_a_sentence(source: bytes) -> None:
    assert isinstance(outcome(source), ReportError)


@pytest.mark.parametrize("version", [3, 0, "1", True, None, 1.5])
def test_an_unknown_schema_is_refused_in_a_sentence(version: Any) -> None:
    content = json.loads(text("stranger")) | {"schema_version": version}
    with pytest.raises(ReportError, match=r"schema .*reads \[1, 2\]"):
        check(canonical(content) + b"\n")


def test_tolerances() -> None:
    """Only numbers that are not integers have one; the first pattern that fits decides."""
    assert compare({"x": 2}, {"x": 2.0}, TOLERANCES) == []
    assert compare({"x": True}, {"x": 1}, TOLERANCES)
    assert compare({"x": 1.0 + 1e-6}, {"x": 1.0}, TOLERANCES)
    assert not compare({"x": 1.0 + 1e-10}, {"x": 1.0}, TOLERANCES)
    assert compare({"x": [1, 2]}, {"x": [1]}, TOLERANCES)
    assert compare({"x": "(absent)"}, {}, TOLERANCES)
    assert str(Tolerance(1e-9, 1e-12)) == "1e-09 relative, 1e-12 absolute"


# ---- with weights


@pytest.mark.parametrize("name", PAIRS)
def test_shipped_models_give_the_report_again(name: str) -> None:
    """From a file, as from the object; with the panel where one was used."""
    a, b, options = PAIRS[name]
    found = replay(made(name), model(a), model(b), options.get("panel"))
    assert found.disagreements == ()
    assert found.compared > check(text(name)).compared
    left = {kind.field for kind in found.not_checkable}
    assert left <= {
        *("$.evidence[exact].alpha", "$.evidence[panel].alpha", "$.panel.families*", "$.panel.corpus_*"),
        *("$.chronology", "$.created", "$.wording"),
        *("$.provenance.software*", "$.provenance.options*", "$.provenance.effort"),
        *(f"$.{side}.{what}*" for side in "ab" for what in ("name", "software")),
    }


def test_fingerprints_stand_for_models(tmp_path: Path) -> None:
    a, b, _ = PAIRS["child"]
    files = [tmp_path / f"{side}.fp" for side in "ab"]
    for file, name in zip(files, (a, b), strict=True):
        fingerprint(model(name)).save(file)
    found = replay(made("child"), *files)
    assert found.disagreements == ()
    assert (found.status, found.models) == ("agrees_with_fingerprints", "fingerprints")
    assert "whether the numbers are of the weights stated was not checked" in found.sentence
    assert [kind.field for kind in found.not_checkable[:2]] == ["$.a.*", "$.b.*"]
    mixed = replay(made("child"), fingerprint(model(a)), files[1])
    assert (mixed.status, mixed.basis) == ("agrees_with_fingerprints", "the fingerprint of B")
    assert not replay(made("child"), *reversed(files)).agrees


@pytest.mark.parametrize("bound", [True, False])
def test_a_forged_fingerprint_is_not_taken_for_weights(tmp_path: Path, bound: bool) -> None:
    """A stranger's record over a child's arrays, bound to them or to nothing: no arithmetic can tell, and the report
    and its check say what they rest on; the weights show it."""
    stranger, child, parent = (fingerprint(model(name)) for name in ("stranger-1", "fine-tuned", "reference"))
    forged = Fingerprint(stranger.record.model_copy(update={"arrays_sha256": ""}), child.arrays)
    (forged.sealed() if bound else forged).save(tmp_path / "a.fp")
    report = test_lineage(tmp_path / "a.fp", parent, created=CREATED)
    assert (report.verdict, report.a.read_from, report.b.read_from) == ("dependent", "fingerprint", "weights")
    assert bool(report.a.arrays_sha256) is bound
    said = [line for line in report.limitations if "given as a fingerprint" in line]
    assert [line.startswith("A ") and ("nothing binds them" in line) is not bound for line in said] == [True]
    found = replay(report, tmp_path / "a.fp", model("reference"))
    assert found.status == "agrees_with_fingerprints"
    assert any(kind.covers("$.a.content_sha256") for kind in found.not_checkable)
    assert not any(kind.covers("$.b.content_sha256") for kind in found.not_checkable)
    with_weights = replay(report, model("stranger-1"), model("reference"))
    assert with_weights.status == "disagrees"
    assert any(
        item.field.startswith("$.evidence[exact].results[unit_identity]") for item in with_weights.disagreements
    )


def test_exchanged_or_other_models_are_named_by_digest() -> None:
    """First of all, and nothing is compared with them."""
    a, b, _ = PAIRS["child"]
    swapped = replay(made("child"), model(b), model(a))
    assert [item.field for item in swapped.disagreements] == ["$.a.content_sha256", "$.b.content_sha256"]
    other = replay(made("child"), model(a), model("stranger-1"))
    assert [item.field for item in other.disagreements] == ["$.b.content_sha256"]
    assert other.disagreements[0].recorded == made("child").b.content_sha256


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("$.a.anchors", 95),
        ("$.a.architecture.hidden", 175),
        ("$.a.non_finite", 3),
        ("$.a.files[0].size", 5),
        ("$.a.bytes_read", 5),
        ("$.evidence[exact].results[unit_identity].effect.cosine_identified", 0.5),
        ("$.evidence[exact].results[unit_identity].effect.cosine_background", 0.5),
        ("$.evidence[exact].results[unit_identity].notes", [{"code": "quoted", "values": {"text": "x"}}]),
    ],
)
def test_what_the_record_cannot_tell_the_weights_do(field: str, value: Any) -> None:
    a, b, _ = PAIRS["child"]
    source = sealed(changed(json.loads(text("child")), field, value)).decode()
    found = replay(source, model(a), model(b))
    if field == "$.a.files[0].size":  # other files, so the weights alone identify the model
        assert "$.a.files*" in {kind.field for kind in found.not_checkable}
    else:
        assert any(item.field.startswith(field) for item in found.disagreements)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("$.evidence[panel].results[response_match].scores[200]", 0.02),
        ("$.evidence[panel].results[response_match].grid[0][1]", 0.5),
        ("$.evidence[panel].results[spread_correlation].score", 0.5),
        ("$.panel.members[0].family", "another"),
        ("$.panel.dropped[0].reason.code", "quoted"),
        ("$.panel.version", "9"),
        ("$.panel.anchors", 90),
    ],
)
def test_what_the_record_cannot_tell_the_panel_does(field: str, value: Any) -> None:
    a, b, _ = PAIRS["panel"]
    source = sealed(changed(json.loads(text("panel")), field, value)).decode()
    assert any(item.field == field for item in replay(source, model(a), model(b), "default").disagreements)


def test_the_panel_must_be_the_one_named() -> None:
    a, b, _ = PAIRS["panel"]
    source = sealed(changed(json.loads(text("panel")), "$.panel.digest", "sha256:" + "0" * 64)).decode()
    for models in ((), (model(a), model(b))):
        found = replay(source, *models, panel="default")
        assert [item.field for item in found.disagreements] == ["$.panel.digest"]
    with pytest.raises(InputError, match="no panel"):
        replay(made("child"), panel="default")


def test_without_the_panel_the_rest_is_made_again() -> None:
    a, b, _ = PAIRS["panel"]
    found = replay(made("panel"), model(a), model(b))
    assert found.agrees
    assert any("by_cell" in kind.field for kind in found.not_checkable)
    assert found.sentence.endswith("whether the panel's members score as recorded was not checked: give --panel")
    alone = replay(made("panel"), panel="default")
    assert (alone.agrees, alone.status) == (True, "arithmetic_agrees")
    assert "whether the counts and scores are those of these two models was not checked" in alone.sentence


def test_a_renamed_and_resharded_model_is_the_same(tmp_path: Path) -> None:
    """How it was stored is not compared, and the outcome says so."""
    c = config()
    one, other = (write(tmp_path / name, weights(seed, c), c) for name, seed in (("one", 1), ("other", 2)))
    report = test_lineage(one, other, created=CREATED)
    again = write(tmp_path / "elsewhere", weights(1, c), c, shards=3)
    found = replay(report, again, other)
    assert found.disagreements == ()
    assert {"$.a.files*", "$.a.name*"} <= {kind.field for kind in found.not_checkable}


def test_one_model_is_not_enough() -> None:
    with pytest.raises(InputError, match="give both"):
        replay(made("child"), model("reference"))


@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_do_not_matter(threads: str) -> None:
    """The same bytes from another process, whatever the number of threads of its linear algebra."""
    code = (
        "import sys\nfrom verify import test_lineage\nfrom verify.data import model\n"
        f"for a, b, options in {[PAIRS[name] for name in ('stranger', 'panel')]!r}:\n"
        f"    report = test_lineage(model(a), model(b), created={CREATED!r}, **options)\n"
        "    sys.stdout.write(report.to_json() + '\\n')"
    )
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, threads)
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert result.stdout == text("stranger") + text("panel")


# ---- at the command line


class Run:
    """``verify`` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        self.monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        return (status, *self.capsys.readouterr())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made("child").to_json(tmp_path / "report.json")
    return tmp_path / "report.json"


def test_a_model_is_reached_as_it_was_for_the_report(run: Run, tmp_path: Path) -> None:
    """A layout that was stated is stated again; as another family, it is another model."""
    a, b, _ = PAIRS["child"]
    run("lineage", model(a), model(b), "--layout-a", "llama", "-o", tmp_path, "--format", "json")
    again = ("replay", tmp_path / "report.json", "--a", model(a), "--b", model(b))
    assert run(*again, "--layout-a", "llama")[0] == 0
    status, out, _ = run(*again)
    assert status == 1
    assert "$.a.architecture.family" in out


def test_exit_statuses(run: Run, file: Path) -> None:
    """0 agrees, 1 disagrees and says where, 2 not a report, 4 agrees without the models that were required."""
    a, b, _ = PAIRS["child"]
    for models in ((), ("--a", model(a), "--b", model(b))):
        status, out, err = run("replay", file, *models)
        assert (status, err) == (0, "")
        assert out.startswith("Agrees with the weights of both models." if models else "The arithmetic follows from ")
        assert out.splitlines()[1].endswith("0 disagree")
        assert run("replay", file, *models, "--require-models")[0] == (0 if models else 4)
    status, out, err = run("replay", file, "--a", model(b), "--b", model(a))
    assert (status, err) == (1, "")
    assert "$.a.content_sha256" in out
    assert out.startswith("DISAGREES with both models.")
    file.write_bytes(file.read_bytes().replace(b'"verdict":"dependent"', b'"verdict":"untestable"'))
    status, out, err = run("replay", file)
    assert (status, err) == (1, "")
    assert "$.digest" in out
    assert "$.verdict" in out
    file.write_bytes(file.read_bytes()[:-9])
    status, out, err = run("replay", file)
    assert (status, out, err.count("\n")) == (2, "", 1)
    for arguments in (("absent",), (file.parent,), (file, "--a", model(a))):
        status, out, err = run("replay", *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)


def test_the_outcome_as_json(run: Run, file: Path) -> None:
    status, out, _ = run("replay", file, "--json")
    assert status == 0
    assert Replay.model_validate_json(out) == check(file.read_bytes())


def test_hostile_texts_are_inert_in_the_terminal(run: Run, file: Path) -> None:
    content = changed(json.loads(text("child")), "$.evidence[exact].asked.code", "\x1b[31m\n| a |\u202e" + "x" * 500)
    file.write_bytes(sealed(content))
    status, out, _ = run("replay", file)
    assert status == 1
    assert all(c == "\n" or c.isprintable() for c in out)


def test_an_old_report_is_rendered(run: Run, file: Path, tmp_path: Path) -> None:
    status, out, err = run("render", file, "--format", "md,tex,html,json", "-o", tmp_path / "out")
    assert (status, err) == (0, "")
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == ["report.html", "report.json", "report.md", "report.tex"]
    assert (tmp_path / "out" / "report.json").read_bytes() == file.read_bytes()
    assert (tmp_path / "out" / "report.md").read_text("utf-8") == made("child").to_markdown()
    assert str(tmp_path / "out" / "report.tex") in out


def test_an_altered_report_is_not_rendered(run: Run, file: Path, tmp_path: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"dependent", b"untestable"))
    status, out, err = run("render", file, "-o", tmp_path / "out")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "docx"], "'docx'"),
        (["--format", "md,fragment"], "'fragment'"),
        (["--format", ","], "names nothing"),
        (["--format", "json,pdf"], "neither pdflatex nor typst"),
    ],
)
def test_a_format_that_cannot_be_made_is_refused_before_the_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], says: str
) -> None:
    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("verify.lineage.test_lineage", unwanted)
    monkeypatch.setattr("verify.cli.output.shutil.which", lambda _: None)
    monkeypatch.setattr("verify.cli.output.find_spec", lambda _: None)
    for command in (("lineage", "a", "b"), ("render", "report.json")):
        status, out, err = run(*command, "-o", tmp_path / "out", *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert says in err
        assert not (tmp_path / "out").exists()


def test_formats_of_a_new_report(run: Run, tmp_path: Path) -> None:
    a, b, _ = PAIRS["child"]
    status, out, err = run(
        "lineage", model(a), model(b), "--format", "tex,json", "-o", tmp_path, "--created", CREATED
    )
    assert (status, err) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "report.tex"]
    assert str(tmp_path / "report.tex") in out
    assert (tmp_path / "report.json").read_bytes() == text("child")
    status, _, err = run("lineage", model(a), model(b), "--format", "tex")
    assert (status, err.count("\n")) == (2, 1)
    assert "-o" in err


def test_the_demo_says_what_it_left_out(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("verify.cli.output.shutil.which", lambda _: None)
    monkeypatch.setattr("verify.cli.output.find_spec", lambda _: None)
    status, out, err = run("demo", "-o", tmp_path)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].startswith("Left out report.pdf: there is neither")
    for pair in ("related", "unrelated"):
        names = sorted(path.name for path in (tmp_path / pair).iterdir())
        assert names == ["report.html", "report.json", "report.md", "report.tex"]


def test_what_is_computed_is_not_lost_for_want_of_a_typesetter(
    run: Run, monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path
) -> None:
    """A TeX that lacks a package is noticed late: the other files are there, and one sentence says what is not."""

    def broken(_: ClaimReport) -> bytes:
        raise InputError("A PDF needs more.")

    monkeypatch.setitem(verify.render.FORMATS, "pdf", broken)
    monkeypatch.setattr("verify.cli.output.shutil.which", lambda _: "pdflatex")
    status, out, err = run("render", file, "--format", "pdf,md", "-o", tmp_path / "out")
    assert (status, out, err) == (2, "", "A PDF needs more.\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.md"]
    status, out, err = run("demo", "-o", tmp_path / "demo")
    assert (status, err) == (0, "")
    assert out.endswith("Left out report.pdf: A PDF needs more.\n")
