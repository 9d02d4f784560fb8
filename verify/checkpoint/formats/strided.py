"""Tensors whose numbers do not lie in a file row by row, or not in little-endian order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import UnsupportedError
from .safetensors_file import StoredTensor
from .tensor import BLOCK, Indexer


@dataclass(frozen=True)
class StridedTensor(StoredTensor):
    """A view of stored numbers: entry [i, j, ...] lies i × strides[0] + j × strides[1] + ... after the first.

    Values and bytes are those of the same tensor stored row by row in little-endian order.
    """

    strides: tuple[int, ...] = ()
    """Numbers from one entry to the next along each axis; none is negative."""
    big_endian: bool = False

    def values(self, dtype: np.dtype[Any], rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows and columns, read as numbers of a type of the stored size.

        Rows that lie apart are read one by one; else everything from the first to the last is read.

        Parameters
        ----------
        dtype : a type of the stored size, little-endian.
        rows : rows to read; None for all.
        columns : columns of these rows; None for all.

        Returns
        -------
        array
            The numbers.
        """
        shape, strides = (self.shape, self.strides) if self.shape else ((1,), (1,))
        chosen = np.arange(shape[0], dtype=np.intp)[slice(None) if rows is None else rows]
        consecutive = len(chosen) and chosen[-1] - chosen[0] == len(chosen) - 1
        if not prod(shape) or not len(chosen):
            found = np.zeros((len(chosen), *shape[1:]), dtype)
        elif consecutive or strides[0] < self._span:
            low, high = int(chosen.min()), int(chosen.max())
            (part,) = self._pieces([(low, high)], dtype)
            found = part[chosen - low]
        else:
            found = np.concatenate(self._pieces([(int(row), int(row)) for row in chosen], dtype))
        found = found if self.shape else found[0]
        return found if columns is None else found[:, columns]

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes of the numbers, row by row, little-endian, in blocks."""
        raw = np.dtype(f"<u{self._itemsize}")
        size = (self.shape or (1,))[0]
        apart = not self.shape or self.strides[0] >= self._span
        step = max(1, BLOCK * size // max(1, self.nbytes())) if apart else max(1, size)
        for low in range(0, size, step):
            data = memoryview(self.values(raw, slice(low, low + step)).tobytes())
            for at in range(0, len(data), BLOCK):
                yield bytes(data[at : at + BLOCK])

    def entry(self, index: int) -> StridedTensor:
        """The part at an index of the first axis."""
        start = self.offset + index * self.strides[0] * self._itemsize
        return replace(self, shape=self.shape[1:], strides=self.strides[1:], offset=start)

    def viewed(self, dtype: str, shape: tuple[int, ...]) -> StridedTensor:
        """Refused, but for another type of the same size: the bytes do not lie in order."""
        same = replace(self, dtype=dtype)
        if shape != self.shape or same.bits != self.bits:
            raise UnsupportedError(
                f"{self.file} stores {self.name!r:.200}, of a quantised matrix, as a view in another order; save the "
                "model as safetensors first."
            )
        return same

    @property
    def _itemsize(self) -> int:
        return self.bits // 8

    @property
    def _span(self) -> int:
        """Stored numbers from the first to the last of a row."""
        return 1 + sum((n - 1) * step for n, step in zip(self.shape[1:], self.strides[1:], strict=True))

    def _pieces(self, ranges: list[tuple[int, int]], dtype: np.dtype[Any]) -> list[NDArray[Any]]:
        """Rows from the first to the last of each range."""
        shape, strides = (self.shape, self.strides) if self.shape else ((1,), (1,))
        size = self._itemsize
        stored = np.dtype(f"{'>' if self.big_endian else '<'}u{size}")
        places = [
            (self.offset + low * strides[0] * size, self.offset + (high * strides[0] + self._span) * size)
            for low, high in ranges
        ]
        return [
            np.lib.stride_tricks.as_strided(
                part.view(stored), (high - low + 1, *shape[1:]), [step * size for step in strides], writeable=False
            )
            .astype(np.dtype(f"<u{size}"))
            .view(dtype)
            for part, (low, high) in zip(self.source.read(places), ranges, strict=True)
        ]
