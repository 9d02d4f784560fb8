"""A stored tensor that an adapter changes, computed by rows as it is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import Phrase
from ..formats.safetensors_file import numpy_type
from ..formats.tensor import Indexer, Tensor
from .matrix import Numbers

BLOCK = 1 << 16
"""Entries changed at a time, which fit a processor's cache."""


@dataclass(frozen=True)
class Changed(ABC):
    """A tensor of the base with the changes of an adapter; name, shape and stored type are those of the base's."""

    base: Tensor

    @property
    def name(self) -> str:
        """Of the stored tensor."""
        return self.base.name

    @property
    def file(self) -> str:
        """Of the stored tensor."""
        return self.base.file

    @property
    def dtype(self) -> str:
        """Of the stored tensor."""
        return self.base.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the stored tensor."""
        return self.base.shape

    @property
    def is_out_in(self) -> bool:
        """Of the stored tensor."""
        return self.base.is_out_in

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Of the stored tensor."""
        return self.base.notes

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as float32."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # non-finite entries are counted later
            return self.changed(rows, columns).astype(np.float32)

    @abstractmethod
    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of the stored tensor and of the change."""

    @abstractmethod
    def changed(self, rows: Indexer, columns: Indexer) -> Numbers:
        """Some rows, and of them some columns."""

    def iter_bytes(self) -> Iterator[bytes]:
        """The changed numbers, in the type that the tensor is stored in."""
        dtype = numpy_type("bfloat16") if self.dtype == "BF16" else self.base.read(slice(0, 0)).dtype
        for part in self._parts():
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                yield self.changed(part, None).astype(dtype).tobytes()

    def _parts(self) -> Iterator[slice]:
        step = max(1, 16 * BLOCK // max(1, prod(self.shape[1:])))
        return (slice(start, start + step) for start in range(0, self.shape[0], step))
