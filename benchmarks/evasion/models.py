"""The models of the study: references, and as many strangers, each in one pair; all of one recipe."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..zoo.build import ZOO, build, read
from ..zoo.changes.roles import Arrays
from ..zoo.config import Config

SCALE = "small"
REFERENCES = ("reference", "stranger-1", "stranger-2", "stranger-3", "stranger-4")
STRANGERS = ("stranger-5", "stranger-10", "stranger-11", "stranger-12", "stranger-13")
_STRANGERS_OF_ZOO = 13


class Pair(NamedTuple):
    """Unattacked models, as folders and weights."""

    name: str
    """Of the reference; seeds are made from it."""
    config: Config
    reference: Arrays
    stranger: Arrays
    folder: Path
    """Of the reference."""
    control: Path
    """Of a model that is related to neither."""


def pairs(zoo: Path, count: int) -> list[Pair]:
    """The first pairs, trained first where they are absent.

    Parameters
    ----------
    zoo : folder of trained models by scale.
    count : pairs, at most as many as there are references.
    """
    out = zoo / SCALE
    chosen = list(zip(REFERENCES, STRANGERS, (*STRANGERS[1:], STRANGERS[0]), strict=True))[:count]
    build(
        ZOO.with_strangers(_STRANGERS_OF_ZOO), out, SCALE, sorted({n for names in chosen for n in names}), workers=1
    )
    found = []
    for name, stranger, control in chosen:
        weights, config = read(out, name)
        found.append(Pair(name, config, weights, read(out, stranger)[0], out / name, out / control))
    return found
