"""Reading JSON that a stranger wrote: every surprise becomes one clear sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..base import CheckpointError, without_duplicates

_LARGEST = 200_000_000  # bytes of JSON or text; the largest published tokenizers are about 35 MB
_DEEPEST = 64  # levels of nesting; below what would exhaust the stack of whoever prints or walks the value


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is too large, is not JSON or not an object.
    """
    return parse_json_object(read_bounded(path), path.name)


def read_bounded(path: Path) -> bytes:
    """The bytes of a small file beside the weights.

    Raises
    ------
    CheckpointError
        If the file cannot be read or is too large.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise CheckpointError(f"{path.name} has {size} bytes; expected at most {_LARGEST}; obtain it again.")
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read ({error.strerror}); check the file.") from error


def parse_json_object(text: bytes, name: str) -> dict[str, Any]:
    """A JSON object from bytes; ``name`` is for the error message."""
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise CheckpointError(f"{name} is not valid JSON ({reason}); obtain the file again.") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{name} holds a JSON {type(value).__name__}; expected an object.")
    if _too_deep(value):
        raise CheckpointError(f"{name} is nested too deeply; expected at most {_DEEPEST} levels; obtain it again.")
    return value


def count(config: dict[str, Any], *keys: str, default: int | None = None) -> int | None:
    """The first of several keys that is present, as a count from 0 to 2**31."""
    for key in keys:
        if (value := config.get(key)) is not None:
            if type(value) is not int or not 0 <= value < 2**31:
                raise CheckpointError(f"config.json gives {key} as {value!r:.60}; expected a count.")
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
