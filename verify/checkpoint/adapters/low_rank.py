"""A matrix plus a low-rank change, W + s B A, computed by rows as it is read.

Sums are in float64 and in a fixed order, so the same files give the same bits on any machine, whatever block is read.
An entry whose change is zero is left as it is stored, sign of zero included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...base import Phrase
from ..formats.tensor import Indexer, Tensor

_BLOCK = 1 << 16  # entries changed at a time, which fit a processor's cache

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Factor:
    """One factor of the change; ``transposed`` if the file stores it transposed."""

    tensor: Tensor
    transposed: bool

    def read(self, rows: Indexer = None, columns: Indexer = None) -> Numbers:
        """Some rows and columns."""
        if self.transposed:
            return np.asarray(self.tensor.read(columns, rows), np.float64).T
        return np.asarray(self.tensor.read(rows, columns), np.float64)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns in the file."""
        return self.tensor.nbytes(columns, rows) if self.transposed else self.tensor.nbytes(rows, columns)


@dataclass(frozen=True)
class LowRank:
    """A stored matrix [rows, columns] plus ``scale`` times ``left`` [rows, r] times ``right`` [r, columns].

    With ``lengths`` (one for each output) the sum is scaled to these lengths along ``outputs``, the axis of outputs.
    """

    base: Tensor
    left: Factor
    right: Factor
    scale: float
    lengths: Tensor | None = None
    outputs: Literal[0, 1] = 0

    @property
    def name(self) -> str:
        """Of the stored matrix."""
        return self.base.name

    @property
    def file(self) -> str:
        """Of the stored matrix."""
        return self.base.file

    @property
    def dtype(self) -> str:
        """Of the stored matrix."""
        return self.base.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the stored matrix."""
        return self.base.shape

    @property
    def is_out_in(self) -> bool:
        """Of the stored matrix."""
        return self.base.is_out_in

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Of the stored matrix."""
        return self.base.notes

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as float32."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # non-finite entries are counted later
            return self._changed(rows, columns).astype(np.float32)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of the stored matrix and of both factors."""
        factors = self.left.nbytes(rows, None) + self.right.nbytes(None, columns)
        return self.base.nbytes(rows, columns) + factors

    def iter_bytes(self) -> Iterator[bytes]:
        """The changed numbers, in the type that the matrix is stored in."""
        dtype = self.base.read(slice(0, 0)).dtype
        for part in self._parts():
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                yield self._changed(part, None).astype(dtype).tobytes()

    def _changed(self, rows: Indexer, columns: Indexer) -> Numbers:
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
        left, right = self.left.read(rows), self.right.read(None, columns)
        found: Numbers = np.array(self.base.read(rows, columns), np.float64, order="C")
        step = max(1, _BLOCK // max(1, found.shape[1]))
        for start in range(0, len(found), step):
            block, factor = found[start : start + step], left[start : start + step]
            change, term = np.zeros_like(block), np.empty_like(block)
            for k in range(len(right)):  # not a matrix product, since libraries differ in the order of sums
                np.multiply(factor[:, k, None], right[k], out=term)
                change += term
            change *= self.scale
            np.add(block, change, out=block, where=change != 0)
        return found

    @cached_property
    def _gains_of_columns(self) -> Numbers:
        assert self.lengths is not None
        squares = np.zeros(self.shape[1])
        for part in self._parts():
            for row in np.square(self._sum(part, None)):
                squares += row
        return np.asarray(self.lengths.read(), np.float64) / np.sqrt(squares)

    def _parts(self) -> Iterator[slice]:
        step = max(1, 16 * _BLOCK // max(1, self.shape[1]))
        return (slice(start, start + step) for start in range(0, self.shape[0], step))
