"""Read a JSON object from an untrusted source, and describe the first problem of a record as a phrase."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from .canonical_json import without_duplicates

DEEPEST = 64
"""Levels of nesting allowed, few enough to print or walk the value recursively."""


MOST_VALUES = 10_000_000
"""Values allowed, which bound the memory to about a gigabyte; a header of a million matrices has 8 million."""

_BLOCK = 1 << 22  # bytes


_SIGNS = (b",", b"[", b"{")


class BoundError(ValueError):
    """More bytes, values or levels of nesting than allowed."""


def json_object(text: bytes, *, most: int, deepest: int = DEEPEST, values: int = MOST_VALUES) -> dict[str, Any]:
    """Parse a JSON object in UTF-8, of bounded length, depth and number of values, without duplicate keys.

    Parameters
    ----------
    text : the JSON, in UTF-8.
    most : largest length, in bytes.
    deepest : largest number of nested levels.
    values : largest number of values, since a byte or two of text may take a hundred in memory.

    Raises
    ------
    BoundError
        If it is longer or deeper, or has more values, than allowed.
    ValueError
        If it is not such an object. The message is a predicate, to be put after the name of a file.

    Examples
    --------
    >>> json_object(b'{"a": {"b": 1}}', most=100)
    {'a': {'b': 1}}
    >>> try:
    ...     json_object(b"[1]", most=100)
    ... except ValueError as error:
    ...     print(f"config.json {error}.")
    config.json holds a JSON list; expected an object.
    """
    if len(text) > most:
        raise BoundError(f"has {len(text)} bytes; expected at most {most}")
    if sum(map(text.count, _SIGNS)) > values and (found := _values(text)) > values:
        raise BoundError(f"has {found} values; expected at most {values}")
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=without_duplicates)
    except RecursionError:
        raise _too_deep(deepest) from None
    except ValueError as error:
        raise ValueError(f"is not valid JSON ({str(error)[:120]})") from error
    if not isinstance(value, dict):
        raise ValueError(f"holds a JSON {type(value).__name__}; expected an object")
    if _depth_exceeds(value, deepest):
        raise _too_deep(deepest)
    return value


def first_problem(error: ValidationError) -> str:
    """The first of pydantic's problems: where and what, without the value itself.

    Examples
    --------
    >>> from pydantic import TypeAdapter
    >>> try:
    ...     TypeAdapter(dict[str, int]).validate_python({"size": "secret"})
    ... except ValidationError as error:
    ...     print(first_problem(error))
    at 'size': Input should be a valid integer, unable to parse string as an integer
    """
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "the document"
    said = "".join(sign if sign.isprintable() else "?" for sign in problem["msg"].removeprefix("Value error, "))
    return f"at {where!r:.80}: {said:.160}"


def _values(text: bytes) -> int:
    """Commas and opening brackets outside texts: at least the number of values but one, and of containers.

    It takes a few times the memory of the text, whatever is in it.
    """
    import numpy as np

    signs, found, inside = text.replace(b"\\\\", b"").replace(b'\\"', b""), 0, np.False_
    for at in range(0, len(signs), _BLOCK):
        block = np.frombuffer(signs[at : at + _BLOCK], np.uint8)
        quoted = np.logical_xor.accumulate(block == ord('"')) ^ inside
        inside = quoted[-1]
        found += sum(int(np.count_nonzero(~quoted & (block == ord(sign)))) for sign in _SIGNS)
    return found


def _too_deep(deepest: int) -> BoundError:
    return BoundError(f"is nested too deeply; expected at most {deepest} levels")


def _depth_exceeds(value: Any, deepest: int) -> bool:
    level = [value]
    for _ in range(deepest):
        level = [
            item
            for parent in level
            for item in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
