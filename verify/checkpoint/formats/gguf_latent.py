"""Keys and values behind a latent vector, which llama.cpp's converter stores apart: one matrix again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError
from .gguf_file import GgufTensor
from .tensor import Indexer


@dataclass(frozen=True, eq=False)
class Headed:
    """``kv_b``, [heads * (keys + values), latent]: of each head the rows of its keys, then those of its values."""

    keys: GgufTensor
    """[heads, latent, keys]."""
    values: GgufTensor
    """[heads, values, latent]."""
    name: str

    is_out_in = True
    notes = ()

    def __post_init__(self) -> None:
        shapes = self.keys.shape, self.values.shape
        if not all(len(shape) == 3 for shape in shapes) or shapes[0][:2] != (shapes[1][0], shapes[1][2]):
            raise DamagedError(
                f"{self.file} stores keys {shapes[0]} and values {shapes[1]} of {self.name!r:.200}; expected [heads, "
                "latent, keys] and [heads, values, latent]; obtain the file again."
            )

    @property
    def file(self) -> str:
        """Name of the file of the keys."""
        return self.keys.file

    @property
    def dtype(self) -> str:
        """That of the keys."""
        return self.keys.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows of all heads, and the size of the latent vector."""
        return self.keys.shape[0] * self._of_head, self.keys.shape[1]

    @property
    def _of_head(self) -> int:
        return self.keys.shape[2] + self.values.shape[1]

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[np.float32]:
        """Some rows, and of them some columns; the heads of these rows are read whole."""
        chosen = np.arange(self.shape[0], dtype=np.intp)[slice(None) if rows is None else rows]
        heads, place = np.unique(chosen // self._of_head, return_inverse=True)
        parts = [np.asarray(part.read(heads), np.float32) for part in (self.keys, self.values)]
        whole = np.concatenate([parts[0].swapaxes(1, 2), parts[1]], axis=1)
        found: NDArray[np.float32] = whole[place, chosen % self._of_head]
        return found if columns is None else found[:, columns]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:  # noqa: ARG002
        """Bytes of the heads of these rows."""
        chosen = np.arange(self.shape[0], dtype=np.intp)[slice(None) if rows is None else rows]
        heads = len(np.unique(chosen // self._of_head))
        return (self.keys.size + self.values.size) // self.keys.shape[0] * heads

    def iter_bytes(self) -> Iterator[bytes]:
        """The keys as stored, then the values."""
        yield from self.keys.iter_bytes()
        yield from self.values.iter_bytes()
