"""The one byte form of a JSON value (RFC 8785), its sha256, and a reader that refuses duplicate keys."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical(content: Any) -> bytes:
    """The one byte form of a JSON value (RFC 8785)."""
    return rfc8785.dumps(content)


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
