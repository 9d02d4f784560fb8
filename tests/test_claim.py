"""A claim report: the five verdicts, their words, and bytes that betray any change."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import ValidationError

from benchmarks.zoo.derive import permute_channels, permute_units, rotate_stream
from tests.models import child, config, weights, write
from tests.reports import words
from verify import ClaimReport, Fingerprint, InputError, ReportError, VerifyError, fingerprint, test_lineage
from verify.claim import canonical, combine, decide, digest
from verify.claim.evidence import EvidenceLine, exact_line
from verify.statistics import EXACT_TESTS, ExactResult

CREATED = "2026-01-31T12:00:00+00:00"
Write = Callable[..., Path]


def claim(a: Any, b: Any, **options: Any) -> ClaimReport:
    """A report with a fixed clock."""
    return test_lineage(a, b, **({"created": CREATED} | options))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A parent, its child, and a stranger."""
    root, c = tmp_path_factory.mktemp("models"), config()
    made = {"parent": weights(0, c), "child": child(weights(0, c), 1), "stranger": weights(2, c)}
    return {name: write(root / name, w, c) for name, w in made.items()}


@pytest.fixture(scope="module")
def fingerprints(models: dict[str, Path]) -> dict[str, Fingerprint]:
    """Of the three."""
    return {name: fingerprint(folder) for name, folder in models.items()}


@pytest.fixture(scope="module")
def reports(fingerprints: dict[str, Fingerprint], tmp_path_factory: pytest.TempPathFactory) -> dict[str, ClaimReport]:
    """One report of each verdict that needs no panel."""
    root = tmp_path_factory.mktemp("untestable")
    wide = fingerprint(write(root / "wide", weights(3, config(width=32)), config(width=32), tokens=False))
    parent = fingerprints["parent"]
    return {
        "dependent": claim(fingerprints["child"], parent),
        "no_evidence": claim(fingerprints["stranger"], parent),
        "identical": claim(parent, parent),
        "untestable": claim(wide, parent),
    }


def one_sentence(error: Exception) -> None:
    """A message is a single printable line."""
    assert str(error).isprintable()


VERDICTS = ["dependent", "no_evidence", "identical", "untestable"]

# ---- verdicts


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_is_reached(reports: dict[str, ClaimReport], verdict: str) -> None:
    """By a child, a stranger, the model itself, and a model that shares no shape or token."""
    report = reports[verdict]
    assert report.verdict == verdict
    assert (report.log10_p is not None) == (verdict in ("dependent", "no_evidence"))
    assert list(report.tests) == [test.id for test in EXACT_TESTS]


def test_a_child_is_found_by_every_test(reports: dict[str, ClaimReport]) -> None:
    """The report's p-value is below the level by a lot, and so is each test's."""
    report = reports["dependent"]
    assert report.log10_p is not None
    assert report.log10_p < -50
    for test in report.tests.values():
        assert test.adjusted_log10_p is not None
        assert test.adjusted_log10_p < -3


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


def result(log10_p: float | None, attainable: float = -100.0) -> ExactResult:
    """A result of which only the p-values matter."""
    applicable = {"log10_p": log10_p, "attainable_log10_p": attainable} if log10_p is not None else {}
    return ExactResult(id="x", version=1, applicable=log10_p is not None, **applicable)


def verdict_of(results: list[ExactResult], log10_p: float | None, alpha: float) -> str:
    """The verdict of exact tests alone."""
    return decide([exact_line(results, log10_p, alpha)])


def test_the_level_itself_rejects() -> None:
    """P(p <= alpha) <= alpha: at the level exactly is a rejection, the next number above it is not."""
    level = log10(1e-3)
    assert verdict_of([result(level)], level, 1e-3) == "dependent"
    above = float(np.nextafter(level, 0))
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
        assert len(values) == len(tests) == 5
        expected = min(0.0, log10(5) + min(values))
        assert reports[verdict].log10_p == pytest.approx(expected, abs=1e-12)
        assert min(t.adjusted_log10_p for t in tests if t.adjusted_log10_p is not None) == pytest.approx(expected)
        assert reports[verdict].multiplicity.startswith("5 of 5 exact tests apply")


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


def test_unequal_widths_leave_the_tests_by_response(tmp_path: Path, models: dict[str, Path]) -> None:
    """Only responses to shared tokens compare streams of different width."""
    wide = config(width=32)
    report = claim(write(tmp_path, weights(5, wide), wide), models["parent"])
    assert [test.id for test in report.tests.values() if test.applicable] == ["response_identity"]
    assert report.verdict == "no_evidence"
    for test in report.tests.values():
        assert test.applicable or "different widths (32 and 24)" in words(test.reason)


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
    assert [test.id for test in report.tests.values() if test.applicable] == ["response_identity"]


def test_a_rotated_child_is_found_by_response_alone(tmp_path: Path, models: dict[str, Path]) -> None:
    """The other tests are blind to it, and say nothing false."""
    rotated = rotate_stream(child(weights(0, config()), 7), config(), np.random.default_rng(1))
    report = claim(write(tmp_path, rotated, config()), models["parent"])
    below = [test.id for test in report.tests.values() if (test.adjusted_log10_p or 0) <= -3]
    assert (report.verdict, below) == ("dependent", ["response_identity"])


def test_a_copy_of_which_all_was_permuted_is_out_of_reach(tmp_path: Path, models: dict[str, Path]) -> None:
    """No evidence is no statement of independence: this copy computes the same function."""
    rng, c = np.random.default_rng(2), config()
    evaded = permute_channels(permute_units(rotate_stream(weights(0, c), c, rng), c, rng), c, rng)
    report = claim(write(tmp_path, evaded, c), models["parent"])
    assert report.verdict == "no_evidence"
    assert any("a panel of unrelated models like them can find them" in sentence for sentence in report.limitations)


# ---- arguments


@pytest.mark.parametrize("alpha", [0, 1, -1, 2, float("nan"), float("inf")])
def test_a_level_is_between_zero_and_one(alpha: float) -> None:
    """Said before any work."""
    with pytest.raises(InputError, match="alpha"):
        claim("absent", "absent", alpha=alpha)


def test_the_smallest_level_is_no_error(fingerprints: dict[str, Fingerprint]) -> None:
    """A level divided by the number of tests may underflow; its logarithm does not."""
    assert claim(fingerprints["child"], fingerprints["parent"], alpha=5e-324).alpha == 5e-324


@pytest.mark.parametrize("created", ["yesterday", "", "2026-13-01", "<script>", "2026-01-31T12:00:00Z\n"])
def test_the_clock_is_a_time(created: str) -> None:
    """Said before any work."""
    with pytest.raises(InputError, match="created"):
        claim("absent", "absent", created=created)


def test_chronology_is_recorded_as_stated(fingerprints: dict[str, Fingerprint]) -> None:
    """In the record and on the page; what no file can hold is refused."""
    report = claim(fingerprints["child"], fingerprints["parent"], chronology="B was published in May 2024")
    assert report.chronology == "B was published in May 2024"
    assert "B was published in May 2024" in report.to_markdown()
    with pytest.raises(InputError, match="chronology"):
        claim("absent", "absent", chronology="\ud800")


def test_folders_files_and_objects_give_the_same_bytes(
    tmp_path: Path, models: dict[str, Path], fingerprints: dict[str, Fingerprint]
) -> None:
    """A fingerprint stands for its model; of one that is read from a file, the report says that, and nothing else."""
    files = {name: tmp_path / f"{name}.safetensors" for name in fingerprints}
    for name, path in files.items():
        fingerprints[name].save(path)
    for a in ("child", "stranger"):
        assert claim(models[a], models["parent"]) == claim(fingerprints[a], fingerprints["parent"])
        weights_read = json.loads(claim(str(models[a]), models["parent"]).to_json())
        file_read = json.loads(claim(str(models[a]), files["parent"]).to_json())
        assert file_read["b"].pop("arrays_sha256") == fingerprints["parent"].record.arrays_sha256
        assert (file_read["b"].pop("read_from"), weights_read["b"].pop("read_from")) == ("fingerprint", "weights")
        last = claim(str(models[a]), files["parent"]).limitations[-1]
        assert last.startswith("B was given as a fingerprint, not as weights")
        for content in (file_read, weights_read):
            del content["digest"]
        assert file_read == weights_read


def test_exchanging_a_and_b_keeps_the_verdict(fingerprints: dict[str, Fingerprint]) -> None:
    """Which is questioned is a matter of words."""
    for a in ("child", "stranger"):
        one, other = claim(fingerprints[a], fingerprints["parent"]), claim(fingerprints["parent"], fingerprints[a])
        assert one.verdict == other.verdict
        assert (one.a, one.b) == (other.b, other.a)


# ---- bytes


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_report_comes_back_as_it_was(tmp_path: Path, reports: dict[str, ClaimReport], verdict: str) -> None:
    """From text and from a file; written again it is the same bytes, which are canonical JSON."""
    report, path = reports[verdict], tmp_path / "sub" / "report.json"
    text = report.to_json(path)
    assert path.read_bytes() == text.encode() + b"\n"
    for read in (ClaimReport.from_json(text), ClaimReport.from_json(path), ClaimReport.from_json(str(path))):
        assert read == report
        assert read.to_json() == text
        assert read.to_markdown() == report.to_markdown()
    assert canonical(json.loads(text)) == text.encode()
    assert report.is_intact()


def test_the_digest_is_of_everything_but_itself(reports: dict[str, ClaimReport]) -> None:
    """As the page tells a reader to check it."""
    report = reports["dependent"]
    content = json.loads(report.to_json())
    assert report.digest == digest({k: v for k, v in content.items() if k != "digest"})
    assert re.fullmatch("sha256:[0-9a-f]{64}", report.digest)
    assert report.digest in report.to_markdown()
    assert report.digest in report.citation.bibtex
    assert report.digest in report.citation.text


def test_layout_is_not_content(reports: dict[str, ClaimReport]) -> None:
    """Indented, or with keys in another order, it is the same report."""
    content = json.loads(reports["dependent"].to_json())
    turned = dict(reversed(content.items()))
    assert ClaimReport.from_json(json.dumps(turned, indent=2)) == reports["dependent"]


@given(st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_byte_is_noticed(tmp_path: Path, reports: dict[str, ClaimReport], data: st.DataObject) -> None:
    """At any position of any report: it is refused, unless a number's last digits say the same number."""
    report = reports[data.draw(st.sampled_from(VERDICTS))]
    content = bytearray(report.to_json().encode())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
    path = tmp_path / "report.json"
    path.write_bytes(content)
    try:
        read = ClaimReport.from_json(path)
    except ReportError as error:
        one_sentence(error)
        return
    assert read.to_json() == report.to_json()
    assert chr(content[at]) in "0123456789"


@pytest.mark.parametrize(("where", "text"), [("digest", "sha256:0"), ("verdict", "dependent"), ("created", "2020")])
def test_no_text_can_be_exchanged(reports: dict[str, ClaimReport], where: str, text: str) -> None:
    """Not even the digest."""
    content = json.loads(reports["no_evidence"].to_json()) | {where: text}
    with pytest.raises(ReportError, match="altered"):
        ClaimReport.from_json(json.dumps(content))


def resealed(content: dict[str, Any]) -> str:
    """The text with a digest that fits."""
    return json.dumps(content | {"digest": digest(content, without=("digest",))})


@pytest.mark.parametrize(
    "change",
    [{"searched": 0}, {"schema_version": True}, {"schema_version": 1}, {"schema_version": 3}, {"surprise": 1},
     {"verdict": "guilty"}, {"evidence": {}}, {"wording": 0}, {"finding": "A was copied."}, {"created": 5}],
)  # fmt: skip
def test_a_digest_that_fits_is_not_enough(reports: dict[str, ClaimReport], change: dict[str, Any]) -> None:
    """Whoever changes a report can compute its digest; what is no report of this schema is refused all the same."""
    with pytest.raises(ReportError):
        ClaimReport.from_json(resealed(json.loads(reports["dependent"].to_json()) | change))


@pytest.mark.parametrize(
    "text",
    ["{}", '{"a": NaN}', "{", '{"a": 1, "a": 1}', '{"a":' * 5000, '{"a": ' + "9" * 5000 + "}", '{"\\ud800": 1}',
     '{"alpha": 1e999}'],
)  # fmt: skip
def test_what_is_no_report_is_refused_in_one_sentence(text: str) -> None:
    """Whatever JSON can say."""
    with pytest.raises(ReportError) as caught:
        ClaimReport.from_json(text)
    assert str(caught.value).isprintable()


def test_a_key_given_twice_is_refused(reports: dict[str, ClaimReport]) -> None:
    """Readers differ on which of the two counts."""
    text = reports["no_evidence"].to_json()
    with pytest.raises(ReportError, match="twice"):
        ClaimReport.from_json('{"verdict":"dependent",' + text[1:])


@pytest.mark.parametrize("field", ["non_finite", "bytes_read"])
def test_integers_that_json_cannot_hold_are_refused(reports: dict[str, ClaimReport], field: str) -> None:
    """Beyond 2**53 readers differ."""
    text = reports["dependent"].to_json()
    changed = re.sub(rf'"{field}":\d+', f'"{field}":{2**60}', text)
    assert changed != text
    with pytest.raises(ReportError):
        ClaimReport.from_json(changed)


def test_files_that_are_no_report(tmp_path: Path) -> None:
    """Absent, a folder, bytes, or not a path at all."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "bytes", "nul\0", "x" * 5000):
        with pytest.raises(ReportError) as caught:
            ClaimReport.from_json(path)
        assert str(tmp_path) not in str(caught.value)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_are_finite(reports: dict[str, ClaimReport], value: float) -> None:
    """A p-value of zero cannot be written, and neither can anything that JSON lacks."""
    report = reports["dependent"]
    with pytest.raises(ValidationError):
        ClaimReport.model_validate(report.model_dump() | {"robust_log10_p": value})
    for where in ("log10_p", "alpha", "attainable_log10_p"):
        with pytest.raises(ValidationError):
            EvidenceLine.model_validate(report.evidence[0].model_dump() | {where: value})
    with pytest.raises(ValidationError):
        result(value)
    with pytest.raises(ValueError, match=r"[Ff]loat|JSON|nan|inf"):
        canonical({"x": value})


def test_a_report_cannot_be_changed(reports: dict[str, ClaimReport]) -> None:
    """Neither its fields nor its tests."""
    report = reports["dependent"]
    with pytest.raises(ValidationError):
        report.verdict = "no_evidence"
    with pytest.raises(TypeError):
        report.tests["unit_identity"] = report.tests["value_identity"]  # type: ignore[index]


# ---- words


FORBIDDEN = re.compile(
    r"\bprove[sdn]?\b|stol|steal|theft|probability that|likely|certain|innocent|guilty", re.IGNORECASE
)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_no_report_says_more_than_was_shown(reports: dict[str, ClaimReport], verdict: str) -> None:
    """No page or record speaks of proof, theft or the probability of a hypothesis."""
    report = reports[verdict]
    assert FORBIDDEN.findall(report.to_markdown()) == []
    assert FORBIDDEN.findall(report.to_json()) == []


def test_a_positive_says_what_it_cannot_tell(reports: dict[str, ClaimReport]) -> None:
    """Who copied, a shared seed, a forged match, and which came first."""
    page = " ".join(reports["dependent"].limitations)
    for said in ("who made which", "shared initial seed", "forged", "which file existed first"):
        assert said in page


@pytest.mark.parametrize("verdict", VERDICTS)
def test_nothing_names_a_place_on_this_machine(reports: dict[str, ClaimReport], verdict: str, models: Any) -> None:
    """Subjects are named by folder; no absolute path is in record or page."""
    assert reports[verdict].b.name == "parent"
    for text in (reports[verdict].to_json(), reports[verdict].to_markdown()):
        assert str(models["parent"].parent) not in text
        assert "/tmp" not in text


# ---- hostile names


HOSTILE = [
    "$(rm -rf ~)", "`rm`", "``` x", "<script>alert(1)</script>", "<img src=x onerror=y>", "![x](http://y)",
    "[x](javascript:y)", "http://evil.example", "www.evil.example", "<http://evil.example>", "a|b|c", "a\n\n# H",
    "a\r\n- item", "\u202egpj.exe", "\u2066x\u2069", "$x^2$", "&lt;b&gt;", "{{ report }}", "{% raw %}",
    "*a* _b_ ~~c~~", "\x1b[31mred", "\x00", "\\", "x" * 10_000, "a\u2028b", "# h", "1. x", "---", "",
]  # fmt: skip


def rendered(page: str) -> tuple[list[str], set[str]]:
    """All text of a Markdown page as shown, and the kinds of markup on it."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(page)
    leaves = [leaf for token in tokens for leaf in (token.children or [token])]
    return [leaf.content for leaf in leaves if leaf.content], {leaf.type for leaf in [*tokens, *leaves]}


def renamed(model: Fingerprint, text: str) -> Fingerprint:
    """The same model with a hostile text wherever a record holds one."""
    record = model.record
    files = tuple(file.model_copy(update={"name": text}) for file in record.files)
    shape = record.architecture.model_copy(update={"family": text, "model_type": text})
    update = {"name": text, "files": files, "architecture": shape, "unrecognised": (text,)}
    return Fingerprint(record.model_copy(update=update), model.arrays)


def check_inert(page: str, plain: str, text: str) -> None:
    """A page has the markup and the lines of the same page with a harmless name, and shows no hidden character."""
    (_, kinds), (_, expected) = rendered(page), rendered(plain)
    assert kinds <= expected | {"text_special", "softbreak"}
    assert not kinds & {"html_inline", "html_block", "image", "link_open"}
    assert page.count("\n") == plain.count("\n")
    assert len(page) < len(plain) + 30_000
    assert all(c == "\n" or c.isprintable() for c in page)
    if len(text) > 1000:
        assert text not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_inert_on_the_page(fingerprints: dict[str, Fingerprint], text: str) -> None:
    """Markup, links, HTML, mathematics, control and bidirectional characters, and endless names stay text."""
    parent, stranger = fingerprints["parent"], fingerprints["stranger"]
    plain = claim(renamed(stranger, "model"), parent, chronology="model").to_markdown()
    check_inert(claim(renamed(stranger, text), parent, chronology=text or None).to_markdown(), plain, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_inert_in_reasons(fingerprints: dict[str, Fingerprint], text: str) -> None:
    """A reason, a note and a finding may hold a name, and are as inert."""
    parent = fingerprints["parent"]

    def untestable(name: str) -> str:
        model = renamed(fingerprints["stranger"], name)
        shape = model.record.architecture.model_copy(update={"odd_in_up": False, "positions": "sinusoidal"})
        return claim(
            Fingerprint(model.record.model_copy(update={"architecture": shape}), model.arrays), parent
        ).to_markdown()

    check_inert(untestable(text), untestable("model"), text)


@given(st.text(max_size=40))
@example("![x](http://y)")
@settings(max_examples=60, deadline=None)
def test_no_name_becomes_markup(reports: dict[str, ClaimReport], text: str) -> None:
    """Whatever the name."""
    report = reports["no_evidence"]

    def page(name: str) -> str:
        return report.model_copy(update={"a": report.a.model_copy(update={"name": name})}).to_markdown()

    check_inert(page(text), page("model"), text)


# ---- data frames


def test_a_frame_has_a_row_for_each_test(reports: dict[str, ClaimReport]) -> None:
    """By id, with the numbers of the record."""
    pytest.importorskip("pandas")
    frame = reports["dependent"].to_frame()
    assert list(frame.index) == list(reports["dependent"].tests)
    assert frame.loc["unit_identity", "log10_p"] == reports["dependent"].tests["unit_identity"].log10_p


def test_a_frame_without_pandas_says_what_is_missing(
    reports: dict[str, ClaimReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not everybody has it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(VerifyError, match="needs pandas"):
        reports["dependent"].to_frame()
