"""Matrices of zeros but for some numbers: SHiRA, SuperTuning, and WaveFT without its wavelets.

Sources: Bhardwaj et al. 2024, SHiRA, arXiv 2406.13175: W plus ``shira_weight`` [n] at the places ``shira_indices``
[2, n], rows and columns. SuperTuning of PEFT: W plus ``supertuning_values`` [n] at the places
``supertuning_indices`` [n] of the flattened matrix, and a LoRA.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError
from ..formats.safetensors_file import StoredTensor
from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Added, Matrix, Numbers, Product, Rows, Stored, Times, places
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum

_SHIRA = ("shira_weight", "shira_indices")
_INTEGERS = {name: np.dtype(kind) for name, kind in (("U8", "u1"), ("I16", "<i2"), ("I32", "<i4"), ("I64", "<i8"))}
_SUPER = ("supertuning_values", "supertuning_indices", "supertuning_lora_A", "supertuning_lora_B")


@dataclass(frozen=True, eq=False)
class Sparse:
    """Stored numbers at some places of a matrix; those of one place add up."""

    values: Tensor
    at: NDArray[np.int64]
    """Rows and columns, shape [2, n]."""
    shape: tuple[int, ...]
    """Rows and columns."""

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns, each chosen once."""
        chosen = [places(size)[_all(which)] for size, which in zip(self.shape, (rows, columns), strict=True)]
        where = [np.full(size, -1, np.int64) for size in self.shape]
        for place, which in zip(where, chosen, strict=True):
            place[which] = np.arange(len(which))
        i, j = where[0][self.at[0]], where[1][self.at[1]]
        kept = np.flatnonzero((i >= 0) & (j >= 0))
        kept = kept[np.argsort(i[kept], kind="stable")]
        i, j, values = i[kept], j[kept], self._numbers[kept]

        def computed(which: slice) -> Numbers:
            start, stop, _ = which.indices(len(chosen[0]))
            low, high = np.searchsorted(i, [start, max(start, stop)])
            part = np.zeros((max(0, stop - start), len(chosen[1])))
            np.add.at(part, (i[low:high] - start, j[low:high]), values[low:high])
            return part

        return computed

    def nbytes(self) -> int:
        """Of the numbers and their places."""
        return self.values.nbytes() + self.at.nbytes

    @cached_property
    def _numbers(self) -> Numbers:
        return np.asarray(self.values.read(), np.float64).reshape(-1)


def _all(which: Indexer) -> Indexer:
    return slice(None) if which is None else which


def read_places(settings: Settings, module: str, stored: Tensor, size: int) -> NDArray[np.int64]:
    """Stored whole numbers from 0 to ``size`` - 1; PEFT on Windows stores them as floats.

    Parameters
    ----------
    settings : of the adapter, for messages.
    module : name of the changed module, likewise.
    stored : the tensor of places.
    size : places that there are.

    Raises
    ------
    DamagedError
        If they are others.
    """
    kind = _INTEGERS.get(stored.dtype)
    found = np.asarray(stored.read() if kind is None or not isinstance(stored, StoredTensor) else stored.values(kind))
    if not np.isfinite(found).all() or (found != np.floor(found)).any() or ((found < 0) | (found >= size)).any():
        raise DamagedError(
            f"{settings.name} gives places of {module!r:.200} that are no whole numbers below {size}; obtain it "
            "again."
        )
    return found.astype(np.int64)


def _shira(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        if sorted(parts) != sorted(_SHIRA):
            raise settings.parts_missing(module, parts, " and ".join(_SHIRA))
        values, at = (parts[name] for name in _SHIRA)
        size = base.shape
        if len(size) != 2 or len(values.shape) != 1 or at.shape != (2, *values.shape) or settings.turned(base):
            raise settings.unfit(module, {name: part.shape for name, part in parts.items()}, base)
        rows_and_columns = read_places(settings, module, at, max(size))
        if (rows_and_columns.max(axis=1, initial=0) >= size).any():
            raise settings.unfit(module, {"the largest place": tuple(rows_and_columns.max(axis=1))}, base)
        return Sum(base, Sparse(values, rows_and_columns, size))

    return {f"{module}.weight": change}


def _supertuning(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        missing = [name for name in _SUPER[:2] if name not in parts]
        a, b = (parts.get(name) for name in _SUPER[2:])
        if missing or (a is None) is not (b is None):
            raise settings.parts_missing(module, parts, f"{_SUPER[0]} and {_SUPER[1]}, and both or none of a LoRA")
        values, at = (parts[name] for name in _SUPER[:2])
        size, shapes = base.shape, {name: part.shape for name, part in parts.items()}
        if len(size) != 2 or len(values.shape) != 1 or at.shape != values.shape:
            raise settings.unfit(module, shapes, base)
        flat = read_places(settings, module, at, size[0] * size[1])
        found: Matrix = Sparse(values, np.stack(np.divmod(flat, size[1])), size)
        if a is not None and b is not None:
            rank = settings.rank(module)
            if (a.shape, b.shape) != ((rank, size[1]), (size[0], rank)):
                raise settings.unfit(module, shapes, base, f" at rank {rank}")
            product = Product(Stored(b), Stored(a))
            found = Added(found, Times(product, settings.alpha("lora_alpha", module) / rank))
        return Sum(base, found)

    return {f"{module}.weight": change}


SHIRA = Kind(_SHIRA, _shira)
"""SHiRA of linear layers."""
SUPERTUNING = Kind(_SUPER, _supertuning)
"""SuperTuning of linear layers."""
