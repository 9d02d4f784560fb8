"""Matrices of which some rows and columns are computed at a time, from the small tensors of an adapter.

Sums are in float64 and in a fixed order, so the same files give the same bits on any machine, whatever block is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..formats.tensor import Indexer, Tensor

Numbers = NDArray[np.float64]
Rows = Callable[[slice], Numbers]
"""Of the rows and columns that were asked for, some consecutive rows."""


class Matrix(Protocol):
    """A matrix, read or computed by parts."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        ...

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns; what is stored of them is read now, and what is computed of them is so when used."""
        ...

    def nbytes(self) -> int:
        """Bytes that the whole of it takes from files."""
        ...


@dataclass(frozen=True)
class Stored:
    """A stored matrix; ``transposed`` if the file stores it transposed."""

    tensor: Tensor
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.tensor.shape[::-1] if self.transposed else self.tensor.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        if self.transposed:
            found = np.asarray(self.tensor.read(columns, rows), np.float64).T
        else:
            found = np.asarray(self.tensor.read(rows, columns), np.float64)
        return lambda which: found[which]

    def nbytes(self) -> int:
        """Bytes in the file."""
        return self.tensor.nbytes()


@dataclass(frozen=True)
class Excerpt:
    """Rows and columns of a matrix at regular steps."""

    whole: Matrix
    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        chosen = zip((self.rows, self.columns), self.whole.shape, strict=True)
        return tuple(len(range(*which.indices(size))) for which, size in chosen)

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        return self.whole.part(*self._places(rows, columns))

    def nbytes(self) -> int:
        """Its share of the whole."""
        return self.whole.nbytes() * prod(self.shape) // max(1, prod(self.whole.shape))

    def _places(self, rows: Indexer, columns: Indexer) -> list[NDArray[np.intp]]:
        chosen = zip((self.rows, self.columns), (rows, columns), self.whole.shape, strict=True)
        return [places(size)[which][slice(None) if part is None else part] for which, part, size in chosen]


@dataclass(frozen=True)
class Scaled:
    """A matrix whose rows (``axis`` 0) or columns (1) are multiplied by stored numbers, one for each."""

    matrix: Matrix
    factors: Tensor
    axis: Literal[0, 1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.matrix.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        found = self.matrix.part(rows, columns)
        factors = self._factors[(rows, columns)[self.axis] if (rows, columns)[self.axis] is not None else slice(None)]
        if self.axis == 0:
            return lambda which: found(which) * factors[which, None]
        return lambda which: found(which) * factors

    def nbytes(self) -> int:
        """Of the matrix and the numbers."""
        return self.matrix.nbytes() + self.factors.nbytes()

    @cached_property
    def _factors(self) -> Numbers:
        return np.asarray(self.factors.read(), np.float64).reshape(-1)


@dataclass(frozen=True)
class Product:
    """``left`` [rows, r] times ``right`` [r, columns]."""

    left: Matrix
    right: Matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return (self.left.shape[0], self.right.shape[1])

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        left, right = self.left.part(rows), self.right.part(None, columns)(slice(None))
        return lambda which: product(left(which), right)

    def nbytes(self) -> int:
        """Of both factors."""
        return self.left.nbytes() + self.right.nbytes()


@dataclass(frozen=True)
class Transposed:
    """A matrix, columns for rows; all that is asked for is computed at once."""

    matrix: Matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.matrix.shape[::-1]

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        found = self.matrix.part(columns, rows)(slice(None)).T
        return lambda which: found[which]

    def nbytes(self) -> int:
        """Of the matrix."""
        return self.matrix.nbytes()


@dataclass(frozen=True)
class Times:
    """A matrix times a number."""

    matrix: Matrix
    factor: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.matrix.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        found = self.matrix.part(rows, columns)
        return lambda which: found(which) * self.factor

    def nbytes(self) -> int:
        """Of the matrix."""
        return self.matrix.nbytes()


@dataclass(frozen=True)
class Added:
    """The sum of two matrices of one shape."""

    first: Matrix
    second: Matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.first.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        first, second = self.first.part(rows, columns), self.second.part(rows, columns)
        return lambda which: first(which) + second(which)

    def nbytes(self) -> int:
        """Of both."""
        return self.first.nbytes() + self.second.nbytes()


def oriented(matrix: Matrix, turned: bool) -> Matrix:
    """The matrix, or its transpose if ``turned``."""
    return Transposed(matrix) if turned else matrix


def product(left: Numbers, right: Numbers) -> Numbers:
    """The matrix product, or one for each entry of leading axes, in a fixed order of sums, unlike libraries' own."""
    result = np.zeros((*left.shape[:-1], right.shape[-1]))
    term = np.empty_like(result)
    for k in range(right.shape[-2]):
        np.multiply(left[..., k, None], right[..., k, None, :], out=term)
        result += term
    return result


def places(size: int) -> NDArray[np.intp]:
    """Indices of an axis."""
    return np.arange(size, dtype=np.intp)
