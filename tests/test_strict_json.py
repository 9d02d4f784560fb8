"""JSON of strangers: an object or one phrase, whatever the bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from verify.base import BoundError, first_problem, json_object

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner))


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5))
def test_an_object_comes_back_as_it_was(value: dict[str, Any]) -> None:
    """Whatever is in it."""
    assert json_object(json.dumps(value).encode(), most=10**6) == value


@given(st.binary(max_size=100))
def test_any_bytes_are_an_object_or_a_phrase(text: bytes) -> None:
    """One line of bounded length, that goes on where a name ends."""
    try:
        assert isinstance(json_object(text, most=90), dict)
    except ValueError as error:
        phrase = str(error)
        assert phrase.startswith(("is ", "has ", "holds "))
        assert "\n" not in phrase
        assert len(phrase) < 200


@pytest.mark.parametrize(
    ("text", "kind", "phrase"),
    [
        (b"{", ValueError, "is not valid JSON"),
        (b"\xff", ValueError, "is not valid JSON"),
        (b'{"a": 1, "a": 2}', ValueError, "a key appears twice"),
        (b'{"a": {"b": 1, "b": 1}}', ValueError, "a key appears twice"),
        (b"[]", ValueError, "holds a JSON list; expected an object"),
        (b'{"x": ' * 4 + b"1" + b"}" * 4, BoundError, "nested too deeply; expected at most 3 levels"),
        (b'{"x": ' * 10_000, BoundError, "nested too deeply"),
        (b'{"x": "' + b"x" * 100_000 + b'"}', BoundError, "has 100009 bytes; expected at most 80000"),
    ],
)
def test_what_is_wrong_is_said(text: bytes, kind: type[ValueError], phrase: str) -> None:
    """And whether it is a bound, which a sound file does not exceed."""
    with pytest.raises(ValueError, match=phrase) as caught:
        json_object(text, most=80_000, deepest=3)
    assert type(caught.value) is kind


def test_three_levels_are_three() -> None:
    """The bound itself is allowed."""
    assert json_object(b'{"x": {"x": {"x": 1}}}', most=100, deepest=3)


def test_the_first_problem_shows_no_value() -> None:
    """Where and how, and not the secret that stands there."""

    class Inner(BaseModel):
        size: int

    class Outer(BaseModel):
        inner: list[Inner]

    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"inner": [{"size": "secret"}]})
    assert first_problem(caught.value).startswith("at 'inner.0.size': Input should be a valid integer")
    assert "secret" not in first_problem(caught.value)
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(3)
    assert first_problem(caught.value).startswith("at 'the document'")
