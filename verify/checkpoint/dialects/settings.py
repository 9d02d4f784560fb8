"""Read a tool's own file of settings, as JSON or as the plain part of YAML: nothing is constructed or resolved."""

from __future__ import annotations

import re
from typing import Any

from ...base import HostileError
from ..hostile import LARGEST_SETTINGS, parse_json_object
from ..places.place import Storage

_LARGEST = 1 << 20  # bytes of YAML
_ENTRY = re.compile(r"(?P<depth> *)(?P<key>[A-Za-z_][\w.-]{0,99}):(?:[ \t]+(?P<value>.*))?")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def settings(place: Storage, names: tuple[str, ...]) -> dict[str, Any] | None:
    """The content of the first of several files that a folder holds; None if it holds none.

    Raises
    ------
    CheckpointError
        If it is damaged or too long.
    """
    present = set(place.list_files())
    name = next((name for name in names if name in present), None)
    if name is None:
        return None
    text = place.read_bytes(name, LARGEST_SETTINGS)
    return parse_json_object(text, name) if name.endswith(".json") else flat_yaml(text, name)


def flat_yaml(text: bytes, name: str) -> dict[str, Any]:
    r"""Entries of YAML that are numbers, words or texts, those of a section with its name and a dot before them.

    What is nested deeper, or written otherwise, is left out.

    Raises
    ------
    HostileError
        If it is longer than 1 MiB.

    Examples
    --------
    >>> flat_yaml(b"n_head: 4\nhf_config:\n  name: toy\nbias: false\n", "model_config.yaml")
    {'n_head': 4, 'hf_config': None, 'hf_config.name': 'toy', 'bias': False}
    """
    if len(text) > _LARGEST:
        raise HostileError(f"{name} has {len(text)} bytes; expected at most {_LARGEST}; obtain the file again.")
    found: dict[str, Any] = {}
    section, inside = "", 0
    for line in text.decode("utf-8", "replace").splitlines():
        if (match := _ENTRY.fullmatch(line.partition(" #")[0].rstrip())) is None:
            continue
        depth, key, value = len(match["depth"]), match["key"], _value((match["value"] or "").strip())
        if not depth:
            found[key] = value
            section, inside = (key, 0) if value is None else ("", 0)
        elif section and depth == (inside := inside or depth):
            found[f"{section}.{key}"] = value
    return found


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text) and len(text) < 30:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    return text.strip("'\"")
