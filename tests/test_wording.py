"""The catalogue of sentences: every version stays as it was published, and every phrase of the code has its words."""

from __future__ import annotations

import ast
import json
import string
from pathlib import Path
from typing import Any

import pytest

import verify
from verify import test_lineage
from verify.base import Phrase
from verify.data import model
from verify.statistics import EXACT_TESTS, PANEL_STATISTICS, Words, words_of
from verify.wording import LATEST, VERSIONS, said, say

HERE = Path(__file__).parent
SOURCE = Path(verify.__file__).parent


def published(version: int) -> dict[str, dict[str, Any]]:
    """All words of a version: its phrases, and what statistics say of themselves."""
    words = {test.id: test.words.model_dump(mode="json") for test in EXACT_TESTS}
    return {"phrases": VERSIONS[version].PHRASES, "tests": words}


def changed_since(kept: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> list[str]:
    """Codes of what was published and has other words now, or none."""
    return sorted(code for kind, words in kept.items() for code in words if now[kind].get(code) != words[code])


def codes() -> dict[str, set[str]]:
    """Codes of phrases that the code makes, with the names of what fills them where these are all written out."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) != "Phrase.of" or not node.args:
                continue
            given = {keyword.arg for keyword in node.keywords}
            for code in _written(node.args[0]):
                found.setdefault(code, set()).update(name or "**" for name in given)
    return found


def _written(node: ast.expr) -> list[str]:
    """Codes that an expression is, or chooses between; those put together of parts are none."""
    if isinstance(node, ast.IfExp):
        return [*_written(node.body), *_written(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def fields(template: str) -> set[str]:
    """Names that a template needs."""
    return {name.split(".")[0] for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_stays_as_it_was(version: int) -> None:
    """A sentence that was published is never changed: other words are another version, or a phrase of another code.

    A phrase that is new joins the version, since no record of before holds it: `python -m tests.test_wording` adds it
    to the file, and changes nothing there.
    """
    kept = json.loads((HERE / "wording" / f"{version}.json").read_text("utf-8"))
    now = published(version)
    assert changed_since(kept, now) == []
    assert {kind: set(words) for kind, words in now.items()} == {kind: set(words) for kind, words in kept.items()}


def test_a_changed_sentence_is_seen() -> None:
    """And one that is gone, and not one that is new."""
    before = published(LATEST)
    code = min(before["phrases"])
    assert changed_since(before, before) == []
    assert changed_since(before, before | {"phrases": before["phrases"] | {code: "Other words."}}) == [code]
    assert changed_since(before | {"phrases": before["phrases"] | {"gone": "Words."}}, before) == ["gone"]
    assert changed_since(before, before | {"phrases": before["phrases"] | {"new": "Words."}}) == []


def test_every_phrase_of_the_code_has_words_and_what_fills_them() -> None:
    phrases = VERSIONS[LATEST].PHRASES
    made = codes()
    assert len(made) > 60
    for code, given in made.items():
        if code in phrases and "**" not in given:
            assert fields(phrases[code]) <= given, code
    assert {code for code in made if code not in phrases} <= {
        "shared_arrangement",  # what is asked: the catalogue has both propositions of it
        "closer_than_members",
    }


def test_a_phrase_is_filled_by_its_values_alone() -> None:
    """Braces of a stranger's name are text; and no value is evaluated."""
    hostile = "{0.__class__} {model} %s"
    assert hostile in say(Phrase.of("quoted", text=hostile))
    assert "{model}" in say(Phrase.of("panel.member_refused", name="{model}", why=Phrase.quoted("x")))


def test_what_a_version_lacks_is_left_out_of_its_pages() -> None:
    """A phrase that a later version brings is none of an earlier one's."""
    assert said([Phrase.of("of_a_later_version"), Phrase.of("limit.untested")]) == [
        "It is not evidence of independence: no test could decide."
    ]


def test_a_mended_sentence_is_a_new_version_and_no_report_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """The facts and the digest are the same; only the page differs, by the version that it is read in."""
    report = test_lineage(model("fine-tuned"), model("reference"), created="2026-01-31T12:00:00+00:00")
    old, mended = VERSIONS[1].PHRASES["dependent.finding"], "They are related ({p})."

    class Later:
        PHRASES = VERSIONS[1].PHRASES | {"dependent.finding": mended}
        FORMATS = VERSIONS[1].FORMATS

    monkeypatch.setitem(VERSIONS, 2, Later)
    later = report.in_words_of(2)
    assert later.finding.startswith("They are related (p <")
    assert old != mended
    assert report.finding.startswith("A and B share initial weights")
    assert later.digest == report.digest
    assert verify.replay(report).agrees
    assert "They are related" in later.to_markdown()
    assert "They are related" not in report.to_markdown()


def test_every_test_has_words() -> None:
    for test in EXACT_TESTS:
        words = words_of(test.refused("x"))
        assert words == test.words
        assert all((words.title, words.null, words.assumptions, words.survives, words.blind_to))
        assert any("invariant under" in sentence for sentence in words.assumptions), test.id
    for statistic in PANEL_STATISTICS:
        assert statistic.words.title
    assert isinstance(words_of(EXACT_TESTS[0].refused("x").model_copy(update={"id": "unheard_of"})), Words)


def test_no_record_holds_a_sentence() -> None:
    """Texts of a report are names, codes, digests and versions: nothing in it ends like a sentence."""
    for names in (("fine-tuned", "reference"), ("stranger-1", "reference"), ("gpt2-stranger", "reference")):
        content = test_lineage(*map(model, names)).facts()
        texts = [value for value in _texts(content) if " " in value]
        assert not [text for text in texts if text.endswith(".") or len(text.split()) > 6], texts


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


if __name__ == "__main__":
    for number in VERSIONS:
        file = HERE / "wording" / f"{number}.json"
        words = published(number)
        if file.exists() and (other := changed_since(json.loads(file.read_text("utf-8")), words)):
            raise SystemExit(f"Version {number} says otherwise of {', '.join(other)}; give new words a new version.")
        file.write_text(json.dumps(words, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
