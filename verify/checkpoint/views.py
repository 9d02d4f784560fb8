"""Matrices inside stored tensors: rows and columns of one, or one of a tensor with an axis for heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import DamagedError, Phrase
from .formats.tensor import Indexer, Tensor, chosen_of, in_rows
from .layouts.layout import Slot, as_matrix


@dataclass(frozen=True)
class _View:
    """Some numbers of a stored tensor as another."""

    tensor: Tensor

    @property
    def name(self) -> str:
        """Name in the file."""
        return self.tensor.name

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.tensor.file

    @property
    def dtype(self) -> str:
        """Name of the stored type."""
        return self.tensor.dtype

    @property
    def is_out_in(self) -> bool:
        """As of the stored tensor."""
        return self.tensor.is_out_in

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Those of the stored tensor."""
        return self.tensor.notes


@dataclass(frozen=True)
class Window(_View):
    """Consecutive rows, or columns, of a tensor."""

    axis: int
    """0 for rows, 1 for columns."""
    start: int
    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        shape = list(self.tensor.shape)
        shape[self.axis] = self.size
        return tuple(shape)

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as stored numbers."""
        return self.tensor.read(*self._inside(rows, columns))

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns in the file."""
        return self.tensor.nbytes(*self._inside(rows, columns))

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes of the numbers, row by row, in blocks."""
        return in_rows(self)

    def _inside(self, *chosen: Indexer) -> tuple[Indexer, Indexer]:
        """The same rows and columns of the stored tensor."""
        rows, columns = (
            chosen_of(one, self.start, self.size) if axis == self.axis else one for axis, one in enumerate(chosen)
        )
        return rows, columns


@dataclass(frozen=True)
class ByHead(_View):
    """The matrix [heads times channels, width] of a tensor with an axis for each, read whole.

    A tensor of two axes is a vector: a bias of heads times channels.
    """

    axis: int
    """That of the width."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        shape = self.tensor.shape
        if len(shape) == 2:
            return (prod(shape),)
        return prod(shape) // max(1, shape[self.axis]), shape[self.axis]

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as stored numbers."""
        whole = self.tensor.read()
        if whole.ndim == 3:
            whole = np.moveaxis(whole, self.axis, -1)
        found: NDArray[Any] = whole.reshape(self.shape)[slice(None) if rows is None else rows]
        return found if columns is None else found[:, columns]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns in the file."""
        shares = (
            1.0 if one is None else len(np.arange(size)[one]) / max(1, size)
            for one, size in zip((rows, columns), self.shape, strict=False)
        )
        return round(self.tensor.nbytes() * prod(shares))

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored, in blocks."""
        return self.tensor.iter_bytes()


@dataclass(frozen=True)
class Pointwise(_View):
    """The matrix [out, in] of a convolution of 1 by 1, stored [out, in, 1, 1]."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        return self.tensor.shape[:2]

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as stored numbers."""
        found = self.tensor.read(rows, columns)
        return found.reshape(found.shape[:2])

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns in the file."""
        return self.tensor.nbytes(rows, columns)

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored, in blocks."""
        return self.tensor.iter_bytes()


def viewed(tensor: Tensor, slot: Slot, width: int, axis: int | None = None) -> Tensor:
    """The tensor that a slot speaks of, inside the stored one.

    Parameters
    ----------
    tensor : the stored tensor.
    slot : how it is stored.
    width : what a span counts: the shorter side of the matrix, or of the one that a bias belongs to; or the
        channels of a state space.
    axis : that of the span; the longer one by default.

    Raises
    ------
    CheckpointError
        If the stored tensor has no such part.
    """
    tensor = Pointwise(tensor) if as_matrix(tensor.shape) != tensor.shape else tensor
    shape = tensor.shape
    if slot.width_axis is not None:
        if len(shape) not in (2, 3):
            raise _unfit(tensor, "axes for heads, channels and the width")
        return ByHead(tensor, slot.width_axis)
    first, last = slot.span
    if slot.span == (0, None):
        return tensor
    if len(shape) not in (1, 2) or width <= 0:
        raise _unfit(tensor, "a matrix, or its bias")
    axis = int(np.argmax(shape)) if axis is None else axis
    start, stop = first * width, shape[axis] if last is None else last * width
    if not start < stop <= shape[axis]:
        raise _unfit(tensor, f"more than {max(first, last or 0)} times {width} along one side")
    return Window(tensor, axis, start, stop - start)


def _unfit(tensor: Tensor, expected: str) -> DamagedError:
    return DamagedError(
        f"Tensor {tensor.name!r:.200} has shape {tensor.shape}; expected {expected}; use files of one model."
    )
