"""Slices of tensor parallelism as Meta publishes them, put together: ``consolidated.00.pth`` and so on.

Matrices whose outputs were shared out are split by rows, those whose inputs were by columns, and norms are in every
slice (``ColumnParallelLinear`` and ``RowParallelLinear`` of fairscale, in ``llama/model.py`` of meta-llama/llama).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError, Phrase
from ..formats.tensor import Indexer, Tensor, in_rows
from ..formats.weight_sets import slices_refused

_BY_ROWS = re.compile(r"output\.weight|layers\.[0-9]+\.(attention\.w[qkv]|feed_forward\.w[13])\.weight")
_BY_COLUMNS = re.compile(r"layers\.[0-9]+\.(attention\.wo|feed_forward\.w2)\.weight")
_WHOLE = re.compile(r"norm\.weight|layers\.[0-9]+\.(attention|ffn)_norm\.weight|rope\.freqs")
_EMBED, _NORM = "tok_embeddings.weight", "norm.weight"


@dataclass(frozen=True)
class Joined:
    """Tensors of one dtype, one after the other along an axis; their other sizes are equal."""

    parts: tuple[Tensor, ...]
    axis: int

    is_out_in = False

    @property
    def name(self) -> str:
        """Name in the files."""
        return self.parts[0].name

    @property
    def file(self) -> str:
        """Name of the first file."""
        return self.parts[0].file

    @property
    def dtype(self) -> str:
        """Name of the stored type."""
        return self.parts[0].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        shape = self.parts[0].shape
        whole = sum(part.shape[self.axis] for part in self.parts)
        return (*shape[: self.axis], whole, *shape[self.axis + 1 :])

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Those of all parts."""
        return tuple(note for part in self.parts for note in part.notes)

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as stored numbers."""
        chosen = [rows, columns]
        found = []
        for part, inside in self._shares(chosen[self.axis]):
            chosen[self.axis] = inside
            found.append(part.read(*chosen))
        return np.concatenate(found, self.axis)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns in all files."""
        chosen, total = [rows, columns], 0
        for part, inside in self._shares(chosen[self.axis]):
            chosen[self.axis] = inside
            total += part.nbytes(*chosen)
        return total

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes of the numbers, row by row, in blocks."""
        return in_rows(self)

    def _shares(self, chosen: Indexer) -> Iterator[tuple[Tensor, Indexer]]:
        """Each part with the indices that are its own."""
        places = None if chosen is None else np.arange(self.shape[self.axis], dtype=np.intp)[chosen]
        start = 0
        for part in self.parts:
            size = part.shape[self.axis]
            own = None if places is None else places[(places >= start) & (places < start + size)] - start
            yield part, own
            start += size


def joined(name: str, slices: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of a model, of which every file holds a slice.

    Parameters
    ----------
    name : of the checkpoint, for messages.
    slices : the tensors of each file by name, in the order of ranks.

    Returns
    -------
    dict
        Whole tensors by name.

    Raises
    ------
    CheckpointError
        If a name is not one of which it is certain how it was split, or the slices are not of one model.
    """
    files = [next((tensor.file for tensor in one.values()), "") for one in slices]
    if (missing := next((n for n, file in enumerate(files) if f".{n:02}." not in file), None)) is not None:
        raise DamagedError(
            f"{name} holds {len(slices)} slices of one model, and none of them is number {missing:02}; obtain it too."
        )
    first, *others = slices
    width = first[_NORM].shape[0] if _NORM in first and first[_NORM].shape else 0
    found: dict[str, Tensor] = {}
    for stored, tensor in first.items():
        axis = _axis(stored, tensor, width, len(slices))
        if axis is None:
            raise slices_refused(name, files, stored)
        parts = [one[stored] for one in slices if stored in one]
        if len(parts) != len(slices) or len({(part.dtype, part.shape) for part in parts}) > 1:
            raise DamagedError(
                f"The {len(slices)} slices of {name} do not all have {stored!r:.200} as {tensor.dtype} "
                f"{tensor.shape}; expected slices of one model; obtain them again."
            )
        found[stored] = tensor if axis < 0 else Joined(tuple(parts), axis)
    if strange := sorted({stored for one in others for stored in one} - first.keys()):
        raise DamagedError(f"The first slice of {name} lacks {strange[0]!r:.200}; obtain the slices again.")
    return found


def _axis(name: str, tensor: Tensor, width: int, slices: int) -> int | None:
    """The axis along which a tensor was split, -1 if every slice holds it whole; None if that is not certain."""
    if _WHOLE.fullmatch(name):
        return -1
    if len(tensor.shape) != 2:
        return None
    if name == _EMBED and width in (tensor.shape[1], tensor.shape[1] * slices):
        return 0 if tensor.shape[1] == width else 1
    return 0 if _BY_ROWS.fullmatch(name) else 1 if _BY_COLUMNS.fullmatch(name) else None
