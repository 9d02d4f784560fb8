"""What a result shows of itself: printed, in a notebook, as rows, and to whoever completes a name."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tests import claims
from tests.claims import HOSTILE, VERDICTS, claim, renamed
from tests.renderings import Page
from tests.results import held, records
from verify import ClaimReport, Fingerprint, VerifyError, replay
from verify.base import Record
from verify.base.card import Card
from verify.base.display import Displayed, Tabular

fingerprints, models, reports = claims.fingerprints, claims.models, claims.reports

NAMES = [
    "related", "unrelated", "agrees", "disagrees", "screen", "panel", "fingerprint", "checkpoint", "calibration",
    "strangers", "tests", "exact", "signs", "refused", "primary", "similarity", "score", "estimate",
]  # fmt: skip
TABULAR = [name for name in NAMES if name != "checkpoint"]
ELEMENTS = {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"}
LARGEST = 10_000  # characters of a result in a notebook


def shown(result: Displayed) -> Page:
    """A result as a notebook shows it, which must hold nothing but tables and text, and be small."""
    html = result._repr_html_()
    assert len(html) < LARGEST
    page = Page(html)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    return page


def text_of(page: Page) -> str:
    return " ".join("".join(page.text).split())


def test_all_kinds_are_tried() -> None:
    assert [*held()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_result_prints_its_summary(name: str) -> None:
    """A few lines, and no dump of its fields."""
    result = held()[name]
    assert str(result) == result.summary() == f"{result}"
    assert 1 <= result.summary().count("\n") + 1 <= 20
    for text in (str(result), repr(result)):
        assert len(text) < 2000
        assert "Phrase(" not in text
        assert "values={" not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_shows_what_is_printed(name: str) -> None:
    """Every word of the summary stands in the HTML, of a page that is small."""
    result = held()[name]
    page = text_of(shown(result))
    for line in result.summary().splitlines():
        assert all(word in page for word in line.split())


@pytest.mark.parametrize("name", NAMES)
def test_html_has_the_colours_of_its_page(name: str) -> None:
    """Text and ground are those of the notebook, light or dark: only the edge has a colour of its own."""
    html = held()[name]._repr_html_()
    assert html.count("#") - html.count("&#") == html.count("border-left: 4px solid #") + str(held()[name]).count("#")
    assert "background" not in html
    assert "color:" not in html


def test_every_record_inside_is_short_as_well() -> None:
    """Whatever part of a result is looked at: its repr is one line, and its summary a few."""
    seen = {type(record): record for result in held().values() for record in records(result)}
    assert len(seen) > 40
    for record in seen.values():
        assert len(repr(record)) < 1200
        assert "\n" not in repr(record)
        assert len(str(record)) < 4000
        shown(record)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_no_caveat_is_cut(reports: dict[str, ClaimReport], verdict: str) -> None:
    """The answer stands whole in the text and in the notebook."""
    report = reports[verdict]
    page = text_of(shown(report))
    for line in (report.answer.sentence, *(line for _, line in report.answer.lines)):
        assert line in report.summary()
        assert " ".join(line.split()) in page


@pytest.mark.parametrize("text", [*HOSTILE, '"' * 10_000, "<" * 10_000, "&" * 10_000])
def test_a_name_is_inert_and_shortened(fingerprints: dict[str, Fingerprint], text: str) -> None:
    """In the report, in what follows from it, and in all its records."""
    hostile = renamed(fingerprints["child"], text)
    report = claim(hostile, fingerprints["parent"])
    for result in (report, hostile, replay(report), report.a, report.a.architecture, report.a.files[0], report.tests):
        page = shown(result)
        assert not {name for _, names in page.elements for name in names} - {"style", "scope"}
        lines = result.summary().splitlines()
        assert all(line.isprintable() for line in lines)
        assert max(map(len, lines)) < 2100
        assert repr(result).isprintable()


@given(st.text(max_size=3000), st.text(max_size=300), st.integers(0, 30))
def test_a_card_is_safe_and_small_whatever_it_holds(head: str, text: str, rows: int) -> None:
    """No text becomes an element, and a table shows the first rows and says how many more there are."""
    card = Card(head, ((text, text),), tuple({"a": text, text + "b": n} for n in range(rows)))
    page = Page(card.html())
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert sum(tag == "tr" for tag, _ in page.elements) == 1 + (1 + min(rows, 12) if rows else 0)
    assert card.html().endswith(f"and {rows - 12} more</p>\n</div>") == (rows > 12)
    assert card.text().count("\n") == 1


@pytest.mark.parametrize("name", TABULAR)
def test_rows_are_flat(name: str) -> None:
    """One value in each cell, the same columns in each row, and no text of hundreds of characters."""
    pd = pytest.importorskip("pandas")
    result = held()[name]
    assert isinstance(result, Tabular)
    rows = result.to_dicts()
    assert len({tuple(row) for row in rows}) <= 1
    for row in rows:
        for value in row.values():
            assert value is None or np.isscalar(value)
            assert not isinstance(value, str) or len(value) < 300
    frame = result.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == len(rows)


def test_frames_hold_the_numbers_of_the_record() -> None:
    """Of each kind of result, one number that is known otherwise."""
    pytest.importorskip("pandas")
    found: dict[str, Any] = held()
    tests = found["related"].to_frame()
    assert tests.loc["unit_identity", "log10_p"] == found["exact"].log10_p
    assert tests["reason"].dropna().tolist() == [test.reason.code for test in found["tests"].values() if test.reason]
    assert found["tests"].to_frame().index.tolist() == [*found["tests"]]
    record = found["panel"].record
    assert len(found["panel"].to_frame()) == len(record.members) + sum(len(twins.models) for twins in record.twins)
    assert found["fingerprint"].to_frame()["bytes"].sum() == sum(
        a.nbytes for a in found["fingerprint"].arrays.values()
    )
    assert found["screen"].to_frame()["adjusted_log10_p"].tolist() == [
        p.adjusted_log10_p for p in found["screen"].pairs
    ]
    models = found["screen"].to_model_frame().set_index("model")
    assert models.loc["stranger-1", "relatives"] == 0
    assert models.loc["reference", "relatives"] == 2
    assert models.loc["stranger-1", "family"] is None or models["family"].isna()["stranger-1"]
    scores = found["calibration"].to_score_frame()
    assert scores.iloc[0].tolist() == ["x", "y", 0.9]
    assert len(scores) == 45
    assert found["primary"].to_frame().set_index("design").loc["twins", "rank"] == found["primary"].ranks[0].rank
    assert found["agrees"].to_frame()["status"].unique().tolist() == ["not checkable"]
    assert "disagrees" in found["disagrees"].to_frame()["status"].tolist()


@pytest.mark.parametrize("name", TABULAR)
def test_a_frame_without_pandas_says_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not everybody has it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    result = held()[name]
    assert isinstance(result, Tabular)
    with pytest.raises(VerifyError, match=r"needs pandas: `pip install \"verify-lineage\[frame\]\"`"):
        result.to_frame()


def _kinds(kind: type[Record]) -> list[type[Record]]:
    return [kind, *(one for below in kind.__subclasses__() for one in _kinds(below))]


@pytest.mark.parametrize(
    "kind", sorted({one for one in _kinds(Record) if one.__module__.startswith("verify.")}, key=str)
)
def test_completion_offers_our_names_alone(kind: type[Record]) -> None:
    """Fields and methods of ours, and nothing of pydantic."""
    assert kind.model_fields.keys() <= {*dir(kind)}
    assert "summary" in dir(kind)
    assert not {*dir(kind)} & {*BaseModel.__dict__, "model_fields", "copy", "dict", "json", "parse_obj"}
    assert not [name for name in dir(kind) if name.startswith(("_", "model_")) and name not in kind.model_fields]


def test_a_result_and_its_class_offer_the_same() -> None:
    """IPython asks both."""
    for result in held().values():
        if isinstance(result, Record):
            assert dir(result) == dir(type(result))
            assert all(hasattr(result, name) for name in dir(result))


@pytest.mark.parametrize("jedi", [True, False])
def test_ipython_completes_names_and_tests(jedi: bool) -> None:
    """By both of its ways of finding names, with its default settings."""
    completer = pytest.importorskip("IPython.core.completer")
    made = completer.IPCompleter(namespace={"report": held()["related"], "tests": held()["tests"]}, use_jedi=jedi)
    with completer.provisionalcompleter():
        names = {one.text.lstrip(".") for one in made.completions("report.", 7)}
        keys = {one.text for one in made.completions('tests["unit', 11)}
    assert {"verdict", "tests", "summary", "plot", "to_frame"} <= names
    assert not {"model_dump", "model_fields", "parse_obj", "dict"} & names
    assert any("unit_identity" in key for key in keys)


def test_results_are_a_mapping_by_id() -> None:
    """Read-only, in the order of the report, equal to a dict of the same."""
    tests = held()["tests"]
    report = held()["related"]
    assert isinstance(report, ClaimReport)
    assert tests == report.tests == {result.id: result for result in report.results}
    assert hash(tests) == hash(report.tests)
    assert tests != {}
    with pytest.raises(TypeError):
        tests["unit_identity"] = None  # type: ignore[index]
