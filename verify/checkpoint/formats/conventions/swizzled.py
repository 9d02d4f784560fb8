"""Scales in the order of tensor cores: tiles of 128 rows and 4 columns, in which rows 32 apart lie side by side.

Layout: https://docs.nvidia.com/cuda/cublas/index.html#d-block-scaling-factors-layout
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..safetensors_file import StoredTensor
from ..tensor import Indexer, how_many

ROWS, _COLUMNS = 128, 4
"""Of a tile."""


@dataclass(frozen=True)
class Swizzled(StoredTensor):
    """Scales by row and column, whatever their order in the file."""

    stored: StoredTensor

    @classmethod
    def of(cls, part: StoredTensor, shape: tuple[int, int]) -> Swizzled | None:
        """The scales; None if the part has not as many bytes as tiles need.

        Parameters
        ----------
        part : scales as stored, 8 bits each, in any shape.
        shape : rows and columns, without padding.
        """
        tiles, across = (-(-n // size) for n, size in zip(shape, (ROWS, _COLUMNS), strict=True))
        if part.nbytes() != tiles * across * ROWS * _COLUMNS:
            return None
        stored = part.viewed(part.dtype, (tiles, across * ROWS * _COLUMNS))
        return cls(part.source, part.name, part.dtype, shape, part.offset, stored)

    def values(self, dtype: np.dtype[Any], rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows and columns, read as numbers of a type of the stored size.

        Parameters
        ----------
        dtype : the type.
        rows, columns : slices or ascending indices; None for all.
        """
        chosen = np.arange(self.shape[0], dtype=np.intp)[slice(None) if rows is None else rows]
        tiles, which = np.unique(chosen // ROWS, return_inverse=True)
        row = (chosen % ROWS)[:, None]
        column = np.arange(self.shape[1], dtype=np.intp)[None, slice(None) if columns is None else columns]
        place = column // _COLUMNS * (ROWS * _COLUMNS) + row % 32 * 16 + row // 32 * _COLUMNS + column % _COLUMNS
        return np.asarray(self.stored.values(dtype, tiles.astype(np.intp))[which[:, None], place])

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns, as their share of all that is stored."""
        return -(-self.stored.nbytes() * how_many(self.shape, rows, columns) // max(1, prod(self.shape)))

    def viewed(self, dtype: str, shape: tuple[int, ...]) -> StoredTensor:
        """The same bytes as stored, in another shape."""
        return self.stored.viewed(dtype, shape)
