"""Replay from the record alone: a sound report agrees with itself, and what cannot be checked is said."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import replays
from tests.replays import PAIRS, Run, caught, made, outcome, text
from tests.reports import CREATED, changed, sealed
from verify import Fingerprint, InputError, ReportError, fingerprint, replay, test_lineage
from verify.base import canonical
from verify.data import model
from verify.replay.agreement import Tolerance, compare
from verify.replay.check import TOLERANCES, check
from verify.replay.unchecked import UNCHECKED

run = replays.run

EXAMPLES = Path(__file__).parents[1] / "examples"


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
