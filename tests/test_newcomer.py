"""What a newcomer, or a hostile file, meets first."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path

import pytest

import verify
from verify.base import Phrase
from verify.base.canonical_json import canonical, digest
from verify.claim import EvidenceLine
from verify.data import model

REPORTS = Path(__file__).parents[1] / "examples" / "reports"


def _altered(change) -> str:
    content = json.loads((REPORTS / "related" / "report.json").read_text("utf-8"))
    change(content)
    content["digest"] = digest(content, without=("digest",))
    return canonical(content).decode()


def _set(*path):
    *keys, last, value = path

    def change(content):
        for key in keys:
            content = content[key]
        content[last] = value

    return change


def test_parts_that_no_subject_has_show_no_traceback():
    part = {"a": "", "b": "", "verdict": "dependent", "log10_p": None, "adjusted_log10_p": None}
    text = _altered(_set("parts", [part]))
    with contextlib.suppress(verify.VerifyError):
        verify.ClaimReport.from_json(text).to("md")


@pytest.mark.parametrize(
    "change",
    [
        _set("searched", True),
        _set("searched", "1"),
        _set("evidence", 0, "results", 0, "applicable", "yes"),
        _set("evidence", 0, "results", 0, "counts", 0, "count", "252"),
        _set("parts", []),
        lambda content: content.pop("panel"),
        lambda content: content["provenance"].pop("effort"),
    ],
)
def test_a_report_that_is_read_is_written_as_it_was(change):
    """One content has one byte form: what agrees in replay can be written, and signed, under its digest."""
    text = _altered(change)
    try:
        report = verify.ClaimReport.from_json(text)
    except verify.ReportError:
        return
    if verify.replay(text).agrees:
        assert report.is_intact()
        assert report.to_json() == text


def test_an_error_about_a_report_is_short_and_printable():
    text = _altered(_set("evidence", 0, "results", 0, "kind", "\x1b[31m" + "x" * 10_000))
    with pytest.raises(verify.ReportError) as error:
        verify.ClaimReport.from_json(text)
    assert len(str(error.value)) < 500
    assert str(error.value).isprintable()


def test_no_word_is_said_twice_of_a_file_that_is_no_report():
    with pytest.raises(verify.ReportError) as error:
        verify.ClaimReport.from_json("{}")
    assert "it it" not in str(error.value)


@pytest.mark.parametrize("source", [3, None, b"x", {}, []])
def test_from_json_refuses_what_is_no_text_and_no_path(source):
    with pytest.raises(verify.InputError):
        verify.ClaimReport.from_json(source)


@pytest.mark.parametrize("own", [None, 3, [3], "abc", lambda *_: None])
def test_own_refuses_what_is_no_list_of_functions(own):
    pair = [verify.fingerprint(model(name), effort="screen") for name in ("fine-tuned", "reference")]
    with pytest.raises(verify.InputError):
        verify.test_lineage(*pair, own=own)


def test_sentences_of_others_end_once():
    def line(*_):
        return EvidenceLine(
            line="mine", asked=Phrase.quoted("Is it mine?"), assumes=(Phrase.quoted("I assume this"),), alpha=None,
            log10_p=None, attainable_log10_p=None, results=(),
        )  # fmt: skip

    pair = [verify.fingerprint(model(name), effort="screen") for name in ("fine-tuned", "reference")]
    page = verify.test_lineage(*pair, own=[line], chronology="B was first.").to_markdown()
    assert "first.." not in page
    assert "?." not in page
    assert "I assume this" in page


def test_the_words_of_a_catalogue_that_is_not_there_are_refused():
    report = verify.ClaimReport.from_json(REPORTS / "related" / "report.json")
    for version in ("x", 0, True, [], 99):
        with pytest.raises(verify.InputError):
            report.in_words_of(copy.copy(version))
