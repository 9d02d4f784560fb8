"""A stored matrix plus a change, W + s D, of which some rows and columns are computed at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .changed import BLOCK, Changed
from .matrix import Matrix, Numbers


@dataclass(frozen=True)
class Sum(Changed):
    """A stored matrix plus ``scale`` times a change.

    An entry whose change is zero is left as it is stored, sign of zero included. With ``lengths`` (one for each
    output) the sum is scaled to these lengths along ``outputs``, the axis of outputs.
    """

    change: Matrix
    scale: float = 1.0
    lengths: Tensor | None = None
    outputs: Literal[0, 1] = 0

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of the stored matrix and of the change."""
        return self.base.nbytes(rows, columns) + self.change.nbytes()

    def changed(self, rows: Indexer, columns: Indexer) -> Numbers:
        """Some rows and columns of the sum."""
        if self.lengths is None:
            return self._sum(rows, columns)
        if self.outputs == 1:
            gains = self._gains_of_columns
            return self._sum(rows, columns) * (gains if columns is None else gains[columns])
        whole = self._sum(rows, None)  # lengths are those of whole rows
        lengths = np.asarray(self.lengths.read(rows), np.float64)
        scaled: Numbers = whole * (lengths / np.sqrt(np.square(whole).sum(1)))[:, None]
        return scaled if columns is None else scaled[:, columns]

    def _sum(self, rows: Indexer, columns: Indexer) -> Numbers:
        change = self.change.part(rows, columns)
        found: Numbers = np.array(self.base.read(rows, columns), np.float64, order="C")
        step = max(1, BLOCK // max(1, found.shape[1]))
        for start in range(0, len(found), step):
            which = slice(start, start + step)
            block = change(which) * self.scale
            np.add(found[which], block, out=found[which], where=block != 0)
        return found

    @cached_property
    def _gains_of_columns(self) -> Numbers:
        assert self.lengths is not None
        squares = np.zeros(self.shape[1])
        for part in self._parts():
            for row in np.square(self._sum(part, None)):
                squares += row
        return np.asarray(self.lengths.read(), np.float64) / np.sqrt(squares)
