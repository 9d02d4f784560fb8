"""The one byte form of a JSON value (RFC 8785), its sha256, and a reader that refuses duplicate keys."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_LARGEST = 2**53 - 1
"""Integers up to here are exact as floats."""


def canonical(content: Any) -> bytes:
    """The one byte form of a JSON value (RFC 8785).

    Raises
    ------
    ValueError
        If it is no JSON value, or holds a number or a text that readers of JSON differ on.
    """
    try:
        usual = json.dumps(_usual(content), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    except (_UnusualError, UnicodeEncodeError):
        import rfc8785  # writes every value, and takes twenty times as long

        return rfc8785.dumps(content)
    return usual


class _UnusualError(Exception):
    """A value that Python writes in another way than RFC 8785."""


def _usual(value: Any) -> Any:
    """The value with whole numbers as integers, if all else is what Python writes as RFC 8785 does."""
    if value is None or isinstance(value, str | bool) or (isinstance(value, int) and -_LARGEST <= value <= _LARGEST):
        return value
    if isinstance(value, float) and (value == 0 or 1e-4 <= abs(value) <= _LARGEST):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict) and all(isinstance(key, str) and key.isascii() for key in value):
        return {key: _usual(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_usual(one) for one in value]
    raise _UnusualError


def digest(content: dict[str, Any], *, without: tuple[str, ...] = ()) -> str:
    """``sha256:`` and the hexadecimal digest of a JSON object, less the named keys."""
    kept = {key: value for key, value in content.items() if key not in without}
    return "sha256:" + hashlib.sha256(canonical(kept)).hexdigest()


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``json.loads(object_pairs_hook=...)``: two readers may disagree on a key that is given twice.

    Raises
    ------
    ValueError
        If a key appears twice.
    """
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key appears twice")
    return value
