"""The interface of stored tensors in every file format: read and decoded by rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from math import prod
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...base import Phrase
from ..places.place import File
from ..vocabulary import Vocabulary

Indexer = slice | NDArray[np.intp] | None
"""Indices of an axis: a slice or ascending integers; None for all."""

BLOCK = 1 << 22
"""Bytes in memory at a time."""


class Tensor(Protocol):
    """One tensor of a file, read on demand."""

    @property
    def name(self) -> str:
        """Name in the format, or in the family that the format declares."""
        ...

    @property
    def file(self) -> str:
        """Name of the file that holds it."""
        ...

    @property
    def dtype(self) -> str:
        """Name of the stored type in the format."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes, rows first."""
        ...

    @property
    def is_out_in(self) -> bool:
        """Whether a matrix is certainly [out, in], even if the family's own files store [in, out]."""
        ...

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Sentences on what contradicts the file's declarations; complete once the tensor was read."""
        ...

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as numbers of a floating type.

        Raises
        ------
        CheckpointError
            If the dtype is not understood, or the file changed since it was opened.
        """
        ...

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns in the file."""
        ...

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored, in bounded blocks."""
        ...


def in_rows(tensor: Tensor) -> Iterator[bytes]:
    """The bytes of the numbers of a tensor, row by row, in blocks."""
    rows = (tensor.shape or (1,))[0]
    step = max(1, BLOCK * rows // max(1, tensor.nbytes()))
    for low in range(0, rows, step):
        yield np.ascontiguousarray(tensor.read(slice(low, low + step))).tobytes()


def chosen_of(chosen: Indexer, start: int, size: int) -> Indexer:
    """Indices of an axis, as those of a longer one of which ``size`` from ``start`` on are meant.

    Parameters
    ----------
    chosen : slice or ascending indices; None for all.
    start, size : where the axis lies in the longer one.
    """
    if chosen is None:
        return slice(start, start + size)
    if isinstance(chosen, slice):
        low, high, step = chosen.indices(size)
        return slice(start + low, start + max(low, high), step)
    return start + chosen


@runtime_checkable
class Stacked(Tensor, Protocol):
    """A tensor that can be taken apart along its first axis."""

    def entry(self, index: int) -> Tensor:
        """The part at an index of the first axis."""
        ...


@dataclass(frozen=True)
class Contents:
    """Content of a file: tensors by name and, if the format has them, settings and vocabulary."""

    tensors: dict[str, Tensor]
    config: dict[str, Any] = field(default_factory=dict)
    """Settings of the architecture, in the terms of ``config.json``."""
    vocabulary: Vocabulary | None = None
    beside: tuple[File, ...] = ()
    """Further files that hold some of the tensors."""


def how_many(shape: tuple[int, ...], rows: Indexer, columns: Indexer) -> int:
    """Number of entries in some rows and columns of a tensor.

    Parameters
    ----------
    shape : shape of the tensor.
    rows : indices of the first axis; None for all.
    columns : indices of the second axis; None for all.

    Returns
    -------
    int
        Number of entries.
    """
    chosen = chain((rows, columns), repeat(None))
    return prod(_how_many(size, part) for size, part in zip(shape, chosen, strict=False))


def in_blocks(file: File, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a range, a bounded number at a time.

    Parameters
    ----------
    file : the file to read.
    start : first byte.
    stop : the byte after the last.

    Returns
    -------
    iterator of bytes
        Blocks of at most 4 MiB, in order.
    """
    for at in range(start, stop, BLOCK):
        (block,) = file.read([(at, min(stop, at + BLOCK))])
        yield block.tobytes()


def _how_many(size: int, chosen: Indexer) -> int:
    if chosen is None:
        return size
    return len(range(*chosen.indices(size))) if isinstance(chosen, slice) else len(chosen)
