"""Reports of every schema that was ever written stay readable: they replay and are rendered, and say their age.

Files in ``tests/older`` are kept as they were made, and none is ever made again."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

import verify
from tests.reports import words
from verify import ClaimReport, ReportError, replay
from verify.base import canonical, digest
from verify.claim.reading import READERS
from verify.data import model
from verify.render import FORMATS
from verify.replay.check import check
from verify.statistics import PANEL_STATISTICS

FILES = sorted((Path(__file__).parent / "older").glob("*.json"))
MODELS = {"related": ("continued-3x", "reference"), "panel": ("obfuscated", "reference")}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    """One file."""
    found: Path = request.param
    return found


FIVE_TESTS = sorted((Path(__file__).parent / "older" / "five-tests").glob("*.json"))
FIVE_MODELS = {"related": ("continued-3x", "reference"), "obfuscated": ("obfuscated", "reference")}


@pytest.mark.parametrize("path", FIVE_TESTS, ids=lambda path: path.stem)
def test_a_report_of_five_tests_replays_by_these(path: Path) -> None:
    """Of this schema, and of the sketch before further tests came."""
    found = check(path.read_bytes())
    assert (found.disagreements, found.status) == ((), "arithmetic_agrees")
    assert ClaimReport.from_json(path).to_json().encode() + b"\n" == path.read_bytes()
    if path.stem in FIVE_MODELS:
        again = replay(path, *map(model, FIVE_MODELS[path.stem]))
        assert again.disagreements == ()
        changed = {kind.field for kind in again.not_checkable if "this version of verify has another" in kind.reason}
        assert changed == {"$.evidence[exact].results[sign_agreement]*"}
        if ClaimReport.from_json(path).panel is not None:  # the panel that ships is a later one, and is named
            found = replay(path, *map(model, FIVE_MODELS[path.stem]), "default").disagreements
            assert {item.field for item in found} == {"$.panel.digest", "$.panel.version"}


DISPUTE = Path(__file__).parents[1] / "examples" / "dispute"


def test_a_report_of_older_fingerprints_has_the_panel_statistics_of_its_day_or_of_today(tmp_path: Path) -> None:
    """A statistic that came since does not apply to them: both replay, alone and with fingerprints and panel."""
    prints = [DISPUTE / "fingerprints" / f"{name}.safetensors" for name in ("upcycled-child", "dense-parent")]
    today = verify.test_lineage(*prints, panel="default", corpus="zoo-code")
    assert [result.id for result in today.ranked] == [statistic.id for statistic in PANEL_STATISTICS]
    then = today.content()
    then["evidence"][1]["results"].pop()
    then |= {"digest": digest(then, without=("digest", "citation"))}
    path = tmp_path / "then.json"
    path.write_bytes(canonical(then) + b"\n")
    for report in (today, path):
        assert check(report if report is today else path.read_bytes()).disagreements == ()
        assert replay(report, *prints, "default").disagreements == ()


def test_a_report_of_the_present_sketch_cannot_drop_a_test() -> None:
    """Only fingerprints to which no later test applies may have five."""
    content = json.loads(FIVE_TESTS[0].read_bytes())
    content["provenance"]["sketch"]["version"] = 3
    for side in "ab":
        content[side]["sketch"]["version"] = 3
    content |= {"digest": digest(content, without=("digest", "citation"))}
    fields = {item.field for item in check(canonical(content) + b"\n").disagreements}
    assert "$.evidence[exact].results.order" in fields


def test_a_report_of_the_present_sketch_cannot_drop_a_panel_statistic() -> None:
    content = json.loads((DISPUTE.parent / "reports" / "obfuscated-all" / "report.json").read_bytes())
    content["evidence"][1]["results"].pop()
    content |= {"digest": digest(content, without=("digest", "citation"))}
    fields = {item.field for item in check(canonical(content) + b"\n").disagreements}
    assert "$.evidence[panel].results.order" in fields


def test_every_older_schema_has_its_files() -> None:
    kept = {json.loads(path.read_bytes())["schema_version"] for path in FILES}
    assert kept | {ClaimReport.model_fields["schema_version"].default} == READERS.keys()


def test_it_keeps_its_bytes_and_its_digest(path: Path) -> None:
    report, content = ClaimReport.from_json(path), json.loads(path.read_bytes())
    assert report.to_json().encode() + b"\n" == path.read_bytes()
    assert report.digest == content["digest"]
    assert report.citation.identifier == content["citation"]["identifier"]
    assert report.digest in report.citation.text
    assert (report.verdict, report.log10_p) == (content["verdict"], content["log10_p"])
    assert report.panel_log10_p == content["panel_log10_p"]
    assert {test.id: test.log10_p for test in report.tests.values()} == {
        name: test["log10_p"] for name, test in content["tests"].items()
    }


def test_it_replays_from_its_record(path: Path) -> None:
    """Its bytes, its seal, and all that follows from its counts and scores, by the rules of its day."""
    found = check(path.read_bytes())
    assert found.disagreements == ()
    assert (found.status, found.schema_of_maker) == ("arithmetic_agrees", 1)
    assert "made under schema 1" in found.sentence
    assert check(ClaimReport.from_json(path)).disagreements == ()


@pytest.mark.parametrize("name", ["schema-1-related", "schema-1-panel", "schema-1-later-related"])
def test_it_replays_with_its_models(name: str) -> None:
    """Tests whose definition has changed since are named as not checked, and everything else is."""
    path = next(path for path in FILES if path.stem == name)
    a, b = MODELS[name.rpartition("-")[2]]
    found = replay(path, model(a), model(b))
    assert found.disagreements == ()
    assert found.status == "agrees"
    changed = {kind.field for kind in found.not_checkable if "this version of verify has another" in kind.reason}
    older = "later" not in name
    assert "$.evidence[exact].results[sign_agreement]*" in changed
    assert ("$.evidence[exact].results[stream_identity]*" in changed) is older
    assert not any("unit_identity" in field for field in changed)
    assert replay(path, model("stranger-1"), model(b)).status == "disagrees"


@pytest.mark.parametrize("form", ["md", "tex", "html", "fragment"])
def test_it_is_rendered_with_the_schema_that_it_was_made_under(path: Path, form: str) -> None:
    report = ClaimReport.from_json(path)
    page = FORMATS[form](report).decode()
    assert "This report was made under schema 1" in page.replace("\n", " ")
    assert any("made under schema 1" in line for line in report.limitations)


def test_no_sentence_of_the_file_is_shown_as_ours(path: Path) -> None:
    """An altered finding, sealed again, is not read; and what was recorded in words only is marked."""
    content = json.loads(path.read_bytes())
    said = "A was stolen from B"
    for key in ("finding", "may_say", "may_not_say", "multiplicity", "power"):
        content[key] = said
    content["limitations"] = [said]
    content["declared"]["sentence"] = said
    content |= {"digest": digest(content, without=("digest", "citation"))}
    report = ClaimReport.from_json(canonical(content).decode())
    assert said not in report.to_markdown()
    for result in report.results:
        if result.words is not None:
            assert "as recorded" in report.to_markdown()


@pytest.mark.parametrize(
    ("key", "value"),
    [("verdict", "no_evidence"), ("log10_p", -400.5), ("shared_anchors", -1), ("searched", 7)],
)
def test_an_altered_older_report_is_found_out(key: str, value: object) -> None:
    source = next(path for path in FILES if path.stem == "schema-1-related").read_bytes()
    content = copy.deepcopy(json.loads(source)) | {key: value}
    with pytest.raises(ReportError):
        ClaimReport.from_json(canonical(content).decode())
    content |= {"digest": digest(content, without=("digest", "citation"))}
    sealed = canonical(content) + b"\n"
    try:
        assert not check(sealed).agrees
    except ReportError:
        assert key == "searched"  # no field of schema 1


def test_counts_of_a_test_whose_definition_changed_still_have_their_p_value() -> None:
    source = next(path for path in FILES if path.stem == "schema-1-related").read_bytes()
    content = json.loads(source)
    content["tests"]["sign_agreement"]["log10_p"] -= 1
    content |= {"digest": digest(content, without=("digest", "citation"))}
    fields = {item.field for item in check(canonical(content) + b"\n").disagreements}
    assert "$.evidence[exact].results[sign_agreement].log10_p" in fields


def test_its_reasons_follow_from_its_record() -> None:
    """Those that no record tells are not said."""
    report = ClaimReport.from_json(next(path for path in FILES if path.stem == "schema-1-later-untestable"))
    reasons = [result.reason for result in report.results if result.reason is not None]
    assert {reason.code for reason in reasons} == {"gated_differs", "type_unknown"}
    assert all(words(reason) in report.to_markdown().replace("\\", "") for reason in reasons)
