"""BOFT: W Rᵀ with R a product of orthogonal matrices of blocks, between them permuted; then each output is scaled.

Source: Liu et al. 2023, arXiv 2311.06243. ``boft_R`` [m, in / b, b, b] holds a matrix X for each block of each of m
factors, which is (I - Q) (I + Q)⁻¹ of Q = (X - Xᵀ) / 2. Factor i takes the inputs in the order in which, within each
2ⁱ blocks, the even ones of the halves of blocks stand before the odd ones; factor 0 is the innermost. ``boft_s``
[out, 1] scales the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Numbers, Rows, places
from .names import Names
from .rotation import cayley, fits_bounds
from .settings import Settings, Tensors
from .sum import Sum

_PARTS = ("boft_R", "boft_s")
_MOST_FACTORS = 32


@dataclass(frozen=True, eq=False)
class Butterfly:
    """diag(s) W Rᵀ, less W."""

    base: Tensor
    blocks: Tensor
    scales: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.base.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns; whole rows are read."""
        found = np.asarray(self.base.read(rows), np.float64)
        scales = np.asarray(self.scales.read(rows), np.float64)
        rotations, size = _rotations(self), self.blocks.shape[2]

        def computed(which: slice) -> Numbers:
            part = found[which]
            turned = part
            for i, rotation in enumerate(rotations):
                order = _order(self.shape[1], size, i)
                apart = np.empty_like(turned)
                apart[:, order] = turned
                apart = apart.reshape(len(part), -1, size)
                total, term = np.zeros_like(apart), np.empty_like(apart)
                for k in range(size):
                    np.multiply(apart[:, :, k, None], rotation[:, :, k], out=term)
                    total += term
                turned = total.reshape(part.shape)[:, order]
            change = turned * scales[which] - part
            return change if columns is None else change[:, columns]

        return computed

    def nbytes(self) -> int:
        """Of the blocks and scales; the matrix is counted where it is added."""
        return self.blocks.nbytes() + self.scales.nbytes()


@lru_cache(maxsize=1)
def _rotations(matrix: Butterfly) -> list[Numbers]:
    """The orthogonal blocks of each factor; kept for the rows of one matrix, which are read one after the other."""
    stored = np.asarray(matrix.blocks.read(), np.float64)
    return [cayley((one - one.transpose(0, 2, 1)) / 2) for one in stored]


def _order(inputs: int, size: int, factor: int) -> NDArray[np.intp]:
    """The input at each place of a factor.

    Examples
    --------
    >>> _order(8, 4, 1).tolist()
    [0, 1, 4, 5, 2, 3, 6, 7]
    """
    if factor == 0:
        return places(inputs)
    halves = places(inputs).reshape(-1, 2**factor, 2, size // 2)  # of 2 ** factor blocks, each in two halves
    return halves.swapaxes(1, 2).reshape(-1)


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        if sorted(parts) != sorted(_PARTS):
            raise settings.parts_missing(module, parts, " and ".join(_PARTS))
        blocks, scales = (parts[name] for name in _PARTS)
        factors, count, size = blocks.shape[:3] if len(blocks.shape) == 4 else (0, 0, 0)
        fits = len(base.shape) == 2 and 0 < factors <= _MOST_FACTORS and blocks.shape[2:] == (size, size)
        fits = fits and fits_bounds(count * factors, size) and count * size == base.shape[1]
        whole = factors == 1 or (size % 2 == 0 and count % 2 ** (factors - 1) == 0)
        if not fits or not whole or scales.shape != (base.shape[0], 1) or settings.turned(base):
            raise settings.unfit(module, {name: part.shape for name, part in parts.items()}, base)
        return Sum(base, Butterfly(base, blocks, scales))

    return {f"{module}.weight": change}


BOFT = Kind(_PARTS, _changes)
"""BOFT of linear layers."""
