"""UniLoRA: W + B A, whose entries are those of one vector that all modules share, at stored places.

Source: Li et al. 2025, arXiv 2506.00799. ``unilora_indices_A`` [r, in] and ``unilora_indices_B`` [out, r] are places
in ``unilora_theta_d``, ``unilora_scales_A`` and ``unilora_scales_B`` factors of the entries. They are stored only
with ``save_indices``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...base import UnsupportedError
from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Numbers, Product, Rows, oriented
from .names import Names
from .settings import ELSEWHERE, Settings, Tensors
from .sparse import read_places
from .sum import Sum

VECTOR = "unilora_theta_d"
"""Name of the shared vector."""
_PARTS = tuple(f"unilora_{what}_{factor}" for factor in "AB" for what in ("indices", "scales"))


@dataclass(frozen=True, eq=False)
class Picked:
    """A factor: entries of a vector times numbers."""

    numbers: Numbers

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.numbers.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        found = self.numbers if rows is None else self.numbers[rows]
        found = found if columns is None else found[:, columns]
        return lambda which: found[which]

    def nbytes(self) -> int:
        """Of the numbers; the vector is read once for all."""
        return self.numbers.nbytes


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        turned = settings.turned(base)
        size, vector = base.shape[::-1] if turned else base.shape, settings.shared.get(VECTOR)
        if vector is None or len(vector.shape) != 1:
            raise UnsupportedError(
                f"{settings.name} does not hold its vector {VECTOR}; save it anew, or {ELSEWHERE}."
            )
        if sorted(parts) != sorted(_PARTS):
            raise settings.parts_missing(module, parts, ", ".join(_PARTS))
        rank, shapes = settings.rank(module), {name: part.shape for name, part in parts.items()}
        fits = {name: (rank, *size[1:]) if name.endswith("A") else (*size[:1], rank) for name in _PARTS}
        if len(size) != 2 or rank > max(size) or shapes != fits:
            raise settings.unfit(module, shapes, base, f" at rank {rank}")
        numbers = np.asarray(vector.read(), np.float64)
        a, b = (Picked(numbers[_places(settings, module, parts, at, numbers)] * _scales(parts, at)) for at in "AB")
        return Sum(base, oriented(Product(b, a), turned))

    return {f"{module}.weight": change}


def _places(settings: Settings, module: str, parts: Tensors, factor: str, numbers: Numbers) -> NDArray[np.int64]:
    return read_places(settings, module, parts[f"unilora_indices_{factor}"], len(numbers))


def _scales(parts: Tensors, factor: str) -> Numbers:
    return np.asarray(parts[f"unilora_scales_{factor}"].read(), np.float64)


UNILORA = Kind(_PARTS, _changes)
"""UniLoRA of linear layers, with its places."""
