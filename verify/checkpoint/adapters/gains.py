"""(IA)³: every output of a module, or every input of a feed-forward one, times a learned number.

Source: Liu et al. 2022, arXiv 2205.05638. ``ia3_l`` is [out, 1], and then multiplies the bias too, or [1, in].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .changed import Changed
from .kind import Change, Kind
from .matrix import Numbers
from .names import Names
from .settings import Settings, Tensors


@dataclass(frozen=True)
class Gained(Changed):
    """A tensor whose rows (``axis`` 0) or columns (1) are multiplied by stored numbers, one for each."""

    factors: Tensor
    axis: Literal[0, 1]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of the stored tensor and of the numbers."""
        return self.base.nbytes(rows, columns) + self.factors.nbytes()

    def changed(self, rows: Indexer, columns: Indexer) -> Numbers:
        """Some rows and columns of the product."""
        found = np.asarray(self.base.read(rows, columns), np.float64)
        factors = np.asarray(self.factors.read(), np.float64).reshape(-1)
        chosen = (rows, columns)[self.axis]
        factors = factors if chosen is None else factors[chosen]
        return found * (factors[:, None] if self.axis == 0 and found.ndim == 2 else factors)


def _changes(settings: Settings, module: str, parts: Tensors, names: Names) -> dict[str, Change]:
    factors = parts["ia3_l"]
    of_inputs = len(factors.shape) == 2 and factors.shape[0] == 1 and factors.shape[1] > 1
    size = max(factors.shape, default=0)

    def weight(base: Tensor) -> Tensor:
        axis: Literal[0, 1] = 1 if of_inputs is not settings.turned(base) else 0
        if (
            len(base.shape) != 2
            or factors.shape != ((1, size) if of_inputs else (size, 1))
            or base.shape[axis] != size
        ):
            raise settings.unfit(module, {"ia3_l": factors.shape}, base)
        return Gained(base, factors, axis)

    def bias(base: Tensor) -> Tensor:
        if base.shape != (size,):
            raise settings.unfit(module, {"ia3_l": factors.shape}, base)
        return Gained(base, factors, 0)

    result: dict[str, Change] = {f"{module}.weight": weight}
    if not of_inputs and names.find(f"{module}.bias") is not None:
        result[f"{module}.bias"] = bias
    return result


IA3 = Kind(("ia3_l",), _changes)
"""(IA)³ of linear layers."""
