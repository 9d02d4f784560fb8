"""Declared lineage: what makers say, matched by name, beside the verdict and never part of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models import child, config, weights, write
from tests.reports import CREATED, sealed, words
from tests.strategies import stranger
from verify import ClaimReport, Fingerprint, FingerprintError, fingerprint, replay, test_lineage
from verify.base import Phrase
from verify.checkpoint import open_checkpoint
from verify.claim import Subject
from verify.claim.declared import Declared, declared
from verify.claim.evidence import Verdict
from verify.claim.said import declared as in_phrases
from verify.replay.check import check
from verify.wording import say

VERDICTS: tuple[Verdict, ...] = ("identical", "dependent", "similar_beyond_panel", "no_evidence", "untestable")
BASE = Subject.of(stranger(0).record)


def subject(name: str = "model", *bases: str, origin: str | None = None, onto: str | None = None) -> Subject:
    """A model that declares bases."""
    return BASE.model_copy(update={"name": name, "declared_bases": bases, "origin": origin, "merged_onto": onto})


# ---- matching


@pytest.mark.parametrize(
    ("base", "name", "origin", "match"),
    [
        ("org/model", "model", "hf://org/model", "address"),
        ("Org/Model", "x", "hf://org/mODEL", "address"),
        ("org/model", "sub", "hf://org/model/sub", "address"),
        ("org/model", "model", "hf://other/model", None),
        ("org/model", "model", "hf://org/model2", None),
        ("org/model", "model", None, "name"),
        ("org/model", "MODEL", None, "name"),
        ("org/model", "model", "s3://bucket/model", "name"),
        ("model", "model", None, "name"),
        ("model", "model", "hf://org/model", "name"),
        ("org/model", "model-2", None, None),
        ("org/model", "org", None, None),
        ("org/model", "odel", None, None),
        ("", "model", None, None),
    ],
)
def test_a_name_is_matched_as_the_hub_does(base: str, name: str, origin: str | None, match: str | None) -> None:
    """Whole, in any case, by the address where there is one; by the last part of the name where there is none."""
    one, other = subject("one", base), subject(name, origin=origin)
    assert declared(one, other, "dependent").a_names_b == match
    assert declared(other, one, "dependent").b_names_a == match


def sentence(a: Subject, b: Subject, verdict: Verdict) -> str:
    """What a report says of it."""
    merged = a.merged_onto is not None or b.merged_onto is not None
    return words(in_phrases(declared(a, b, verdict), verdict, merged=merged))


def test_a_match_by_name_only_is_said_to_be() -> None:
    """And one by address is not."""
    only = "last part of its name only"
    assert only in sentence(subject("a", "org/b"), subject("b"), "dependent")
    assert only not in sentence(subject("a", "org/b"), subject("b", origin="hf://org/b"), "dependent")


# ---- status


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("who", ["a", "b", "both", "common", "nobody", "another"])
def test_the_status_follows_from_names_and_verdict(verdict: Verdict, who: str) -> None:
    """Declared by either, or through one base; confirmed where the verdict finds a relation."""
    a, b = {
        "a": (subject("a", "org/b"), subject("b")),
        "b": (subject("a"), subject("b", "org/a")),
        "both": (subject("a", "org/b"), subject("b", "org/a")),
        "common": (subject("a", "org/c", "org/d"), subject("b", "Org/D")),
        "nobody": (subject("a"), subject("b")),
        "another": (subject("a", "org/c"), subject("b", "org/d")),
    }[who]
    found = verdict in ("identical", "dependent")
    expected = {True: "declared_confirmed", False: "declared_not_confirmed"}
    if who in ("nobody", "another"):
        expected = {True: "undeclared_found", False: "nothing"}
    result = declared(a, b, verdict)
    assert result.status == expected[found]
    named = say(Phrase.of(f"answer.{verdict}")) in sentence(a, b, verdict)
    assert named == (result.status != "undeclared_found")  # that would sound like something hidden
    assert "No test uses what makers declare." in sentence(a, b, verdict)


@given(
    st.lists(st.text(max_size=20), max_size=3), st.lists(st.text(max_size=20), max_size=3), st.sampled_from(VERDICTS)
)
def test_no_text_of_a_stranger_is_in_the_sentence(a: list[str], b: list[str], verdict: Verdict) -> None:
    """The sentence depends on what was matched alone, so no declared name can word it."""
    sentences = {
        sentence(subject("a"), subject("b"), verdict),
        sentence(subject("a", "o/x"), subject("b", "o/x"), verdict),
        sentence(subject("a", "o/b"), subject("b"), verdict),
        sentence(subject("a"), subject("b", "o/a"), verdict),
        sentence(subject("a", "o/b"), subject("b", "o/a"), verdict),
        sentence(subject("a", "o/b", "o/a"), subject("b", "o/a"), verdict),
        sentence(subject("a", "o/b"), subject("b", "o/b"), verdict),
        sentence(subject("a", "o/b", "o/a"), subject("b", "o/a", "o/b"), verdict),
    }
    assert sentence(subject("a", *a), subject("b", *b), verdict) in sentences


@pytest.mark.parametrize("verdict", VERDICTS)
def test_what_was_merged_for_the_comparison_confirms_nothing(verdict: Verdict) -> None:
    """An adapter's own declaration would be confirmed by the merging, whatever it was trained on."""
    lora = subject("lora", "org/base", onto="base")
    for other in (subject("base", origin="hf://org/base"), subject("sibling", "org/base")):
        for a, b in ((lora, other), (other, lora)):
            assert declared(a, b, verdict).status == "declared_not_confirmed"
            assert ("is of the merging" in sentence(a, b, verdict)) is (verdict in ("identical", "dependent"))
    published = subject("published", "org/lora")
    assert declared(published, lora, "dependent").status == "declared_confirmed"


# ---- from cards to reports


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A parent; two children, of which one declares it; and a stranger that declares it too."""
    root, c = tmp_path_factory.mktemp("models"), config()
    made = {"parent": weights(0, c), "child": child(weights(0, c), 1), "quiet": child(weights(0, c), 2)}
    folders = {name: write(root / name, w, c) for name, w in (made | {"stranger": weights(3, c)}).items()}
    for name, front in (("child", "base_model: org/parent"), ("stranger", "base_model:\n- org/other\n- ORG/Parent")):
        (folders[name] / "README.md").write_text(f"---\nlicense: mit\n{front}\n---\n# A model\nbase_model: org/no\n")
    return folders


STATUS = {
    "child": "declared_confirmed",
    "quiet": "undeclared_found",
    "stranger": "declared_not_confirmed",
}


def report_of(models: dict[str, Path], name: str) -> ClaimReport:
    """A model against the parent."""
    return test_lineage(models[name], models["parent"], created=CREATED)


def test_a_fingerprint_holds_what_the_card_declares(models: dict[str, Path], tmp_path: Path) -> None:
    """Names in order, at any effort, saved and loaded; none without a card."""
    made = fingerprint(models["stranger"])
    made.save(tmp_path / "f.safetensors")
    loaded = Fingerprint.load(tmp_path / "f.safetensors")
    assert loaded.record.declared_bases == ("org/other", "ORG/Parent")
    assert fingerprint(models["stranger"], effort="screen").record.declared_bases == ("org/other", "ORG/Parent")
    assert fingerprint(models["quiet"]).record.declared_bases == ()


@pytest.mark.parametrize("name", STATUS)
def test_the_report_sets_it_beside_the_verdict(models: dict[str, Path], name: str) -> None:
    """In the record and in every rendering; the verdict and all p-values are those without any card."""
    report = report_of(models, name)
    assert report.declared.status == STATUS[name]
    words = {
        "declared_confirmed": "agrees that they are related",
        "declared_not_confirmed": "does not confirm it",
        "undeclared_found": "either model names the other as a base",
    }[STATUS[name]]
    for page in (report.to_markdown(), report.to_latex(), report.to_html()):
        assert words in page
        assert "No test uses what makers declare" in page
    bare = [
        Fingerprint(made.record.model_copy(update={"declared_bases": ()}), made.arrays)
        for made in (fingerprint(models[side]) for side in (name, "parent"))
    ]
    other = test_lineage(*bare, created=CREATED)
    assert other.verdict == report.verdict
    assert (other.tests, other.log10_p, other.finding) == (report.tests, report.log10_p, report.finding)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "nothing"),
        ("a_names_b", None),
        ("a_names_b", "address"),
        ("b_names_a", "name"),
        ("common", True),
    ],
)
def test_a_change_of_it_is_found_in_a_sealed_report(models: dict[str, Path], field: str, value: Any) -> None:
    """It is recomputed from the subjects and the verdict."""
    content = json.loads(report_of(models, "child").to_json())
    assert check(sealed(content)).agrees
    content["declared"][field] = value
    found = check(sealed(content))
    assert not found.agrees
    assert {f"$.declared.{field}"} == {item.field for item in found.disagreements}


def test_a_change_of_a_declared_name_is_found_where_it_moves_the_match(models: dict[str, Path]) -> None:
    """And is listed as something that weights cannot tell where it does not."""
    content = json.loads(report_of(models, "child").to_json())
    content["a"]["declared_bases"] = ["org/other"]
    assert not check(sealed(content)).agrees


def test_a_report_is_replayed_with_weights_that_have_no_card(models: dict[str, Path], tmp_path: Path) -> None:
    """What was declared is of the files that the report was made from, and said not to be checked."""
    report = report_of(models, "child")
    copy = write(tmp_path / "elsewhere", child(weights(0, config()), 1), config())
    outcome = replay(report, copy, models["parent"])
    assert outcome.agrees
    assert any(kind.field == "$.a.declared_bases*" for kind in outcome.not_checkable)


# ---- hostile cards and records


@pytest.mark.parametrize(
    "card",
    [
        "",
        "---",
        "---\nbase_model: org/x",
        "---\nbase_model: &a [*a, *a]\n---",
        "---\nbase_model: !!python/object/apply:os.system ['true']\n---",
        "---\nbase_model: {a: b}\n---",
        "---\nbase_model: |\n  text of\n  many lines\n---",
        "---\nbase_model: " + "x" * 10**5 + "\n---",
        "---\nbase_model:\n" + "- org/m\n" * 10**4 + "---",
        "---\nbase_model:\n" + "".join(f"- org/m{i}\n" for i in range(10**4)) + "---",
        "---\nbase_model: a\u202eb\x1b[0m\n---",
    ],
)
def test_no_card_costs_a_fingerprint(tmp_path: Path, card: str) -> None:
    """What is read of it is bounded and printable, and its record can be loaded again."""
    folder = write(tmp_path / "model", weights(0, config()), config())
    (folder / "README.md").write_text(card, encoding="utf-8")
    fingerprint(folder).save(tmp_path / "f.safetensors")
    names = Fingerprint.load(tmp_path / "f.safetensors").record.declared_bases
    assert len(names) <= 64
    assert all(name.isprintable() and len(name) <= 200 for name in names)
    assert open_checkpoint(folder).declared_bases == names


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"declared_bases": tuple(f"m{i}" for i in range(65))}, "declared_bases"),
        ({"declared_bases": ("x" * 513,)}, "at most 512 characters"),
        ({"declared_bases": ("a\x00b",)}, "printable"),
        ({"merged_onto": "x" * 513}, "at most 512 characters"),
        ({"merged_onto": "\u202e"}, "printable"),
    ],
)
def test_a_record_with_impossible_declarations_is_refused(
    tmp_path: Path, models: dict[str, Path], changes: dict[str, Any], expected: str
) -> None:
    """Too many, too long or not printable."""
    made = fingerprint(models["parent"])
    Fingerprint(made.record.model_copy(update=changes), made.arrays).save(tmp_path / "f.safetensors")
    with pytest.raises(FingerprintError, match=expected):
        Fingerprint.load(tmp_path / "f.safetensors")


def test_the_record_is_public(models: dict[str, Path]) -> None:
    """It is part of the report's own schema."""
    report = report_of(models, "quiet")
    assert Declared.model_validate(json.loads(report.to_json())["declared"]) == report.declared
