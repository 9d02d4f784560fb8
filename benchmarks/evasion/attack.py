"""Every attack on every pair, as cells."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from ..zoo.build import seed
from ..zoo.changes.roles import Arrays
from ..zoo.config import Config
from .cell import Cell, Cells, Model, measured
from .evasions import EVASIONS
from .forgeries import FORGERIES
from .models import Pair
from .quality import loss
from .trained import REPAIR, TRAININGS, trained

NAMES = (*EVASIONS, *FORGERIES, *TRAININGS)


class Step(NamedTuple):
    """A cell with what it is of."""

    attack: str
    pair: str
    strength: str
    repaired: bool
    cell: Cell


def steps(pair: Pair, cells: Cells, only: Collection[str]) -> Iterator[Step]:
    """The cells of a pair, made where they are absent.

    Parameters
    ----------
    pair : models.
    cells : those that are finished.
    only : attacks, by name.
    """
    bench = _Bench(pair, cells)
    for name, weights in (("nothing", pair.reference), ("stranger", pair.stranger)):
        yield Step(name, pair.name, "", False, bench.cell(name, "", weights))
    for name in only:
        if name in TRAININGS:
            for length in TRAININGS[name].lengths:
                yield Step(name, pair.name, str(length), False, bench.training(name, length))
            continue
        attack = EVASIONS.get(name) or FORGERIES[name]
        for strength in attack.strengths:
            for repaired in (False, True) if strength in attack.repaired else (False,):
                yield Step(name, pair.name, str(strength), repaired, bench.surgery(name, strength, repaired=repaired))


class _Bench:
    """Makes the cells of one pair."""

    def __init__(self, pair: Pair, cells: Cells) -> None:
        self.pair, self.cells = pair, cells
        self.against, self.control = (Model.read(folder) for folder in (pair.folder, pair.control))

    def cell(self, attack: str, strength: str, weights: Arrays) -> Cell:
        """The cell of weights that are there."""
        return self.cells.get(
            attack, f"{self.pair.name} {strength}", make=lambda: self._measured(weights, self.pair.config)
        )

    def training(self, name: str, length: float) -> Cell:
        """The cell of an evasion by training."""
        training, pair = TRAININGS[name], self.pair

        def make() -> Cell:
            rng = np.random.default_rng(seed(f"{name}/{pair.name}"))
            after = trained(
                training.begin(pair.reference, pair.config, rng),
                pair.config,
                length,
                seed(f"{name}/{pair.name}/{length}/order"),
                teacher=pair.reference if training.taught else None,
                peak=training.peak,
            )
            return self._measured(after, pair.config)

        return self.cells.get(name, f"{pair.name} {length}", make=make)

    def surgery(self, name: str, strength: float | str, *, repaired: bool) -> Cell:
        """The cell of an attack on weights, and of a repair after it."""
        pair = self.pair

        def make() -> Cell:
            rng = np.random.default_rng(seed(f"{name}/{pair.name}/{strength}"))
            if name in EVASIONS:
                after, c = EVASIONS[name].do(pair.reference, pair.config, strength, rng, pair.stranger)
            else:
                after, c = FORGERIES[name].do(pair.stranger, pair.config, strength, pair.reference), pair.config
            if repaired:
                after = trained(after, c, REPAIR, seed(f"{name}/{pair.name}/{strength}/order"))
            return self._measured(after, c)

        return self.cells.get(name, f"{pair.name} {strength}{' repaired' * repaired}", make=make)

    def _measured(self, weights: Arrays, c: Config) -> Cell:
        return measured(weights, c, self.against, self.control, loss(weights, c))
