"""Read untrusted JSON in or beside a file of weights; every problem becomes one clear sentence."""

from __future__ import annotations

from typing import Any

from ..base import BoundError, DamagedError, HostileError, json_object

LARGEST_TEXT = 200_000_000
"""Bytes of JSON or text allowed; the largest published tokenizers have about 35 MB."""
LARGEST_HEADER = 100_000_000
"""Bytes of a list of tensors: a safetensors header, whose own limit this is, or an index."""
LARGEST_SETTINGS = 10_000_000
"""Bytes of settings allowed, such as ``config.json``; the largest published, which list all layers, have 1 MB."""

WAY_OUT = (
    "if you trust it, load it with torch (weights_only=True, where that suffices) and save its state dict as "
    "safetensors"
)
"""What to do about a pickle that is not read."""


def parse_json_object(text: bytes, name: str) -> dict[str, Any]:
    """Parse a JSON object from bytes; ``name`` is for the error message.

    Raises
    ------
    DamagedError
        If it is not JSON or not an object.
    HostileError
        If it is too long, has too many values or is nested too deeply.
    """
    try:
        return json_object(text, most=LARGEST_TEXT)
    except BoundError as error:
        raise HostileError(f"{name} {error}; obtain the file again.") from error
    except ValueError as error:
        raise DamagedError(f"{name} {error}; obtain the file again.") from error


def count(config: dict[str, Any], *keys: str, default: int | None = None) -> int | None:
    """The value of the first key present, as a count from 0 to 2**31.

    Parameters
    ----------
    config : content of ``config.json``.
    keys : names of the entry, in order of preference.
    default : what to return where none is present.

    Returns
    -------
    int or None
        The count.

    Raises
    ------
    DamagedError
        If it is anything else.
    """
    for key in keys:
        if (value := config.get(key)) is not None:
            if type(value) is not int or not 0 <= value < 2**31:
                raise DamagedError(f"config.json gives {key} as {value!r:.60}; expected a count.")
            return value
    return default
