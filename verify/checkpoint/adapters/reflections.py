"""HRA: W (I - 2 u₁ u₁ᵀ) ... (I - 2 uᵣ uᵣᵀ), reflections of the inputs in the columns of ``hra_u`` [in, r].

The columns are scaled to length 1 first. Source: Yuan, Liu and Xu 2024, arXiv 2405.17484.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Numbers, Rows
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum


@dataclass(frozen=True)
class Reflected:
    """W times the reflections, less W."""

    base: Tensor
    vectors: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.base.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns; whole rows are read."""
        found = np.asarray(self.base.read(rows), np.float64)
        vectors = np.array(np.asarray(self.vectors.read(), np.float64).T, order="C")
        with np.errstate(invalid="ignore", divide="ignore"):
            vectors /= np.sqrt(np.square(vectors).sum(1))[:, None]

        def computed(which: slice) -> Numbers:
            part = found[which]
            turned = part.copy()
            for vector in vectors:
                turned -= 2 * (turned * vector).sum(1)[:, None] * vector
            turned -= part
            return turned if columns is None else turned[:, columns]

        return computed

    def nbytes(self) -> int:
        """Of the vectors; the matrix is counted where it is added."""
        return self.vectors.nbytes()


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        vectors, rank = parts["hra_u"], settings.rank(module)
        if len(base.shape) != 2 or vectors.shape != (base.shape[1], rank) or rank > base.shape[1]:
            raise settings.unfit(module, {"hra_u": vectors.shape}, base, f" at rank {rank}")
        return Sum(base, Reflected(base, vectors))

    return {f"{module}.weight": change}


HRA = Kind(("hra_u",), _changes, ("apply_GS",))
"""HRA of linear layers, without orthogonal reflections."""
