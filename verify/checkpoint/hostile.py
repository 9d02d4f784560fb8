"""Reading JSON that a stranger wrote: every surprise becomes one clear sentence."""

from __future__ import annotations

import json
from typing import Any

from ..base import DamagedError, HostileError, without_duplicates

LARGEST_TEXT = 200_000_000
"""Bytes of JSON or text; the largest published tokenizers are about 35 MB."""
_DEEPEST = 64  # levels of nesting; below what would exhaust the stack of whoever prints or walks the value


def parse_json_object(text: bytes, name: str) -> dict[str, Any]:
    """A JSON object from bytes; ``name`` is for the error message.

    Raises
    ------
    CheckpointError
        If it is not JSON or not an object.
    """
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DamagedError(f"{name} is not valid JSON ({reason}); obtain the file again.") from error
    if not isinstance(value, dict):
        raise DamagedError(f"{name} holds a JSON {type(value).__name__}; expected an object.")
    if _too_deep(value):
        raise HostileError(f"{name} is nested too deeply; expected at most {_DEEPEST} levels; obtain it again.")
    return value


def count(config: dict[str, Any], *keys: str, default: int | None = None) -> int | None:
    """The first of several keys that is present, as a count from 0 to 2**31."""
    for key in keys:
        if (value := config.get(key)) is not None:
            if type(value) is not int or not 0 <= value < 2**31:
                raise DamagedError(f"config.json gives {key} as {value!r:.60}; expected a count.")
            return value
    return default


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for parent in level
            for item in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
