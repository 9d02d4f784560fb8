"""Arguments of public functions: what is not meant is refused in one sentence, before any model is opened."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import verify
from verify import Fingerprint, InputError, Location, Panel
from verify.base import options
from verify.data import model
from verify.panel import Recipe, build_panel

A, B = str(model("fine-tuned")), str(model("reference"))

RECIPE = Recipe.model_validate(
    {"name": "one", "version": "1", "member": [{"model": A, "name": "x", "family": "x", "licence": "x"}]}
)

NONE: list[Any] = [None]
NUMBERS: list[Any] = [-1, 0, 3, 1.5, -0.5, math.nan, math.inf, -math.inf, 10**400, np.float64(2), np.int64(-7), 1j]
FRACTIONS: list[Any] = [Decimal("0.5"), "0.5", "", b"0.5"]
BOOLS: list[Any] = [True, False, np.True_, np.False_]
CONTAINERS: list[Any] = [[], [0.1], (), {}, {"a": 1}, set(), np.zeros(2), np.array(0.5)]
OBJECTS: list[Any] = [b"bytes", object(), Exception, datetime(2026, 1, 1), re]
MODELS: list[Any] = [*NUMBERS, *BOOLS, *CONTAINERS, *OBJECTS]
WORDS: list[Any] = [*NUMBERS, *BOOLS, *CONTAINERS, *OBJECTS, "", "quick", "Full"]
LEVELS: list[Any] = [*NONE, *NUMBERS, *FRACTIONS, *BOOLS, *CONTAINERS, *OBJECTS]
WORKERS: list[Any] = [0, -1, 1.5, math.nan, 10**400, "2", *BOOLS, *CONTAINERS, *OBJECTS]
SURROGATE = "\ud800"
FUNCTIONS: list[Any] = [*NONE, 3, "silent", [], object()]
FOLDERS: list[Any] = [*NUMBERS, *BOOLS, *CONTAINERS, b"folder", object(), "", "a\0b"]


def lineage(**given: Any) -> Any:
    """test_lineage, two shipped models given."""
    return verify.test_lineage(**{"a": A, "b": B} | given)


def screen(**given: Any) -> Any:
    """Screen, two shipped models given."""
    return verify.screen(**{"models": [A, B]} | given)


def fingerprint(**given: Any) -> Any:
    """Fingerprint, a shipped model given."""
    return verify.fingerprint(**{"model": A} | given)


def replay(**given: Any) -> Any:
    """Replay of a report that is not there, which is not reached."""
    return verify.replay(**{"report": "absent.json", "a": A, "b": B} | given)


def build(**given: Any) -> Any:
    """build_panel of one shipped model."""
    return build_panel(**{"models": RECIPE, "folder": "absent"} | given)


Argument = tuple[Callable[..., Any], str, list[Any]]
ARGUMENTS: list[Argument] = [
    (lineage, "a", [*NONE, *MODELS]),
    (lineage, "b", [*NONE, *MODELS]),
    (lineage, "effort", WORDS),
    (lineage, "alpha", LEVELS),
    (lineage, "panel", [*NUMBERS, *BOOLS, *CONTAINERS, *OBJECTS, ""]),
    (lineage, "panel_alpha", LEVELS),
    (
        lineage,
        "families",
        [*NONE, *NUMBERS, *BOOLS, *OBJECTS, "name", [1], [None], ["a", b"b"], {"a": 1}, [SURROGATE]],
    ),
    (lineage, "corpus", [*NONE, *NUMBERS, *BOOLS, *CONTAINERS, *OBJECTS, ["a"], ("a", 1), ["abc"], SURROGATE]),
    (lineage, "searched", [*NONE, 0, -1, 1.0, 1.5, math.nan, 10**9, 10**400, "2", *BOOLS, *CONTAINERS, *OBJECTS]),
    (lineage, "chronology", [*NUMBERS, *BOOLS, *CONTAINERS, *OBJECTS, SURROGATE]),
    (lineage, "dated_a", [*NONE, *NUMBERS, *BOOLS, *OBJECTS, "a.tsr", b"a.tsr", {"a": 1}, [1], [None], [""], ["\0"]]),
    (lineage, "dated_b", ["a.tsr", [1]]),
    (lineage, "tsa", [*NONE, *NUMBERS, *BOOLS, *OBJECTS, "a.pem", [1], ["a.pem"]]),
    (lineage, "created", [*NUMBERS, *BOOLS, *CONTAINERS, *OBJECTS, "", "yesterday"]),
    (lineage, "workers", WORKERS),
    (lineage, "progress", FUNCTIONS),
    (
        screen,
        "models",
        [*NONE, *NUMBERS, *BOOLS, {"a": 1}, *OBJECTS, A, Path(A), Location(A), [A, 3], [A, None], [b"a"]],
    ),
    (screen, "against", MODELS),
    (screen, "effort", [*NONE, *WORDS]),
    (screen, "alpha", LEVELS),
    (screen, "fdr", LEVELS),
    (screen, "workers", WORKERS),
    (screen, "folder", FOLDERS),
    (screen, "progress", FUNCTIONS),
    (fingerprint, "model", [*NONE, *MODELS]),
    (fingerprint, "effort", WORDS),
    (fingerprint, "sketch", [1, True, "standard", {}, object()]),
    (fingerprint, "workers", WORKERS),
    (fingerprint, "cache", [1, True, A, Path(A), object()]),
    (fingerprint, "progress", FUNCTIONS),
    (replay, "report", [*NONE, *NUMBERS, *BOOLS, *CONTAINERS, *OBJECTS]),
    (replay, "a", MODELS),
    (replay, "b", MODELS),
    (replay, "panel", [*NUMBERS, *BOOLS, *CONTAINERS, *OBJECTS, ""]),
    (replay, "progress", FUNCTIONS),
    (verify.open_checkpoint, "model", [*NONE, *MODELS]),
    (Fingerprint.load, "path", [*NONE, *FOLDERS]),
    (Panel.load, "folder", [*NONE, *FOLDERS]),
    (build, "models", [*NONE, *FOLDERS]),
    (build, "folder", [*NONE, *FOLDERS]),
    (build, "base", FOLDERS),
    (build, "workers", WORKERS),
    (build, "progress", FUNCTIONS),
    (Location.of, "model", [*NONE, *MODELS]),
]
EACH = [
    pytest.param(function, name, value, id=f"{function.__qualname__}-{name}-{type(value).__name__}-{value!s:.20}")
    for function, name, values in ARGUMENTS
    for value in values
]


def poisoned(*_: object, **__: object) -> None:
    """Instead of whatever opens a model, a fingerprint, a report or a panel."""
    raise AssertionError("something was opened before the arguments were checked")


@pytest.mark.parametrize(("function", "name", "value"), EACH)
def test_a_value_that_is_not_meant_is_refused_before_any_work(
    function: Callable[..., Any], name: str, value: Any
) -> None:
    """In one sentence of ours that says what to give, whatever the type."""
    opens = (
        "verify.checkpoint.source.find",
        "verify.fingerprint.build.is_fingerprint",
        "verify.fingerprint.record.record_text",
        "verify.panel.record._record",
        "verify.screen.stages.run_in_order",
        "verify.claim.reading.read_regular",
    )
    patches = [patch(target, poisoned) for target in opens]
    for one in patches:
        one.start()
    try:
        with pytest.raises(InputError, match=r"; give [^\n]*\.$") as said:
            function(**{name: value})
    finally:
        for one in patches:
            one.stop()
    assert "\n" not in str(said.value)


def test_a_whole_call_is_not_poisoned() -> None:
    """The arguments that are given beside the wrong ones are right, and the poison works."""
    assert lineage(effort="screen").verdict == "dependent"
    for function in (lineage, fingerprint):
        with (
            patch("verify.fingerprint.build.is_fingerprint", poisoned),
            pytest.raises(AssertionError, match="was opened"),
        ):
            function()


def test_a_folder_that_cannot_be_made_is_no_fault_of_a_model(tmp_path: Path) -> None:
    """It is named, and no model is."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/below' cannot be written \(Not a directory\); give another"):
        screen(folder=str(tmp_path / "file" / "below"))


def test_what_is_meant_is_taken() -> None:
    """Numbers of numpy, tuples and sets of names, and datetimes with a zone."""
    east = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))
    report = lineage(
        effort="screen",
        alpha=np.float32(0.01),
        panel_alpha=Fraction(1, 100),
        families={"a"},
        corpus=("x", "y"),
        searched=np.int64(3),
        created=east,
        workers=np.int64(1),
    )
    assert report.created == "2026-01-31T12:00:00+02:00"
    assert (report.searched, report.panel_alpha) == (3, None)
    assert report.alpha == float(np.float32(0.01))


def test_locations_take_paths_and_no_other_objects() -> None:
    """A secret of a wrong type is not printed."""
    location = Location(Path("a"), base=Path("b"), layout=Path("c"), tokenizer=Path("d"))  # type: ignore[arg-type]
    assert (location.address, location.base, location.layout, location.tokenizer) == ("a", "b", "c", "d")
    for name in ("address", "revision", "base", "layout", "part", "tokenizer"):
        with pytest.raises(InputError, match=f"{name} of a Location is 3; give text"):
            Location(**{"address": "a"} | {name: 3})  # type: ignore[arg-type]
    with pytest.raises(InputError) as said:
        Location("a", token=b"hf_secret")  # type: ignore[arg-type]
    assert "secret" not in str(said.value)


@given(st.one_of(st.none(), st.booleans(), st.text(), st.binary(), st.floats(), st.integers(), st.lists(st.text())))
def test_each_check_returns_the_value_or_says_what_to_give(value: Any) -> None:
    """Whatever it is given; and what is returned is of the type promised."""
    checks: list[tuple[Callable[[], Any], type | tuple[type, ...]]] = [
        (lambda: options.fraction("it", value), float),
        (lambda: options.positive("it", value, 100), int),
        (lambda: options.flag("it", value), bool),
        (lambda: options.text("it", value), str),
        (lambda: options.texts("it", value), tuple),
        (lambda: options.one_of("it", value, ("a", "b")), str),
        (lambda: options.path("it", value), Path),
        (lambda: options.time("it", value), str),
        (lambda: options.processes("it", value), (int, type(None))),
    ]
    said: list[str] = []
    for check, kind in checks:
        try:
            found = check()
        except InputError as error:
            said.append(str(error))
        else:
            assert isinstance(found, kind)
            assert isinstance(found, bool) <= isinstance(value, bool)
    assert all(one.startswith(("it is ", "an entry of it is ")) and "; give " in one for one in said)


def test_a_time_is_the_present_where_none_is_given() -> None:
    """With its zone."""
    assert abs(datetime.fromisoformat(options.time("created", None)) - datetime.now(UTC)) < timedelta(seconds=5)
    assert options.flag("it", True) is True
