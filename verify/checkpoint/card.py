"""Base models that a model card declares (https://huggingface.co/docs/hub/model-cards).

A declaration is the developer's statement: it is shown beside a verdict and never enters it. Only two keys of the
card's front matter are read, line by line: untrusted YAML is never loaded.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ..base import NotFoundError
from .places.place import CARD, Storage

MOST_DECLARED = 64
"""Largest number of declared bases that are kept."""

_LONGEST = 1 << 20  # bytes of the card that are read
_NAME = re.compile(r"[^\s\[\]{}\"',#&*!|>][^\s\[\]{}\"',]{0,199}")
_BASE = "base_model"
_KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:(\s|$)")
_COMMENT = re.compile(r"(^|\s)#.*")


class Declaration(NamedTuple):
    """``base_model`` and ``base_model_relation`` of a card."""

    models: tuple[str, ...]
    """Names as given, in order; empty if there are none."""
    relation: str | None
    """``finetune``, ``adapter``, ``quantized``, ``merge`` or any other word given."""


def declared_base(place: Storage) -> Declaration:
    """The base models declared by the model card in a folder; a damaged or absent card declares none.

    Raises
    ------
    CheckpointError
        If the place cannot be read.
    """
    if CARD not in place.list_files():
        return Declaration((), None)
    try:
        front = _front_matter(place)
    except NotFoundError:  # a dangling link, as in a pruned cache, or a folder
        return Declaration((), None)
    relation = _names(front.get("base_model_relation", ""))
    return Declaration(tuple(_names(front.get(_BASE, ""))[:MOST_DECLARED]), relation[0] if relation else None)


def line_of_base(folder: Path) -> int | None:
    """The line of the card in a local folder that declares its bases, or its first; None if there is no card.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    card = folder / CARD
    if not card.is_file():
        return None
    with card.open("rb") as file:
        lines = _front_lines(file.read(_LONGEST))
    return next((n for n, line in enumerate(lines, start=2) if (match := _KEY.match(line)) and match[1] == _BASE), 1)


def _front_matter(place: Storage) -> dict[str, str]:
    """Text of each top-level key of the front matter, up to the next key; for a duplicate key, the first."""
    file = place.file(CARD)
    (content,) = file.read([(0, min(file.size, _LONGEST))])
    found: dict[str, list[str]] = {}
    block: list[str] = []
    for line in _front_lines(content.tobytes()):
        if match := _KEY.match(line):
            block = []
            found.setdefault(match[1], block)
            line = line[match.end() :]
        block.append(_COMMENT.sub("", line))
    return {key: "\n".join(block) for key, block in found.items()}


def _front_lines(content: bytes) -> list[str]:
    """The lines of the front matter, between the two rules around it; none if there is no such matter."""
    lines = content.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---" or "---" not in (rest := [line.rstrip() for line in lines[1:]]):
        return []
    return rest[: rest.index("---")]


def _names(text: str) -> list[str]:
    """Names in a scalar, a list in brackets or a list of lines with dashes."""
    words = [word for word in _NAME.findall(re.sub(r"(?m)^\s*-\s", " ", text)) if word not in ("null", "~", "-")]
    return [word for word in dict.fromkeys(words) if word.isprintable()]
