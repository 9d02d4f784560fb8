"""LoHa: W + s (A1 B1) ∘ (A2 B2), the product of entries of two low-rank matrices.

Source: Hyeon-Woo, Ye-Bin and Oh 2021, FedPara, arXiv 2108.06098; LyCORIS, Yeh et al. 2023, arXiv 2309.14859.
``hada_w1_a`` [out, r], ``hada_w1_b`` [r, in], and likewise ``w2``; s = alpha / r.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Matrix, Product, Rows, Stored
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum

_PARTS = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")


@dataclass(frozen=True)
class Hadamard:
    """The product of the entries of two matrices of one shape."""

    first: Matrix
    second: Matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.first.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        first, second = self.first.part(rows, columns), self.second.part(rows, columns)
        return lambda which: first(which) * second(which)

    def nbytes(self) -> int:
        """Of both."""
        return self.first.nbytes() + self.second.nbytes()


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        if sorted(parts) != sorted(_PARTS):
            raise settings.parts_missing(module, parts, f"{', '.join(_PARTS)} of a matrix")
        rank, size = settings.rank(module), base.shape
        shapes = {name: parts[name].shape for name in _PARTS}
        fits = {name: (rank, *size[1:]) if name.endswith("b") else (*size[:1], rank) for name in _PARTS}
        if len(size) != 2 or rank > max(size) or shapes != fits:
            raise settings.unfit(module, shapes, base, f" at rank {rank}")
        first, second = (Product(Stored(parts[f"hada_{w}_a"]), Stored(parts[f"hada_{w}_b"])) for w in ("w1", "w2"))
        return Sum(base, Hadamard(first, second), settings.alpha("alpha", module) / rank)

    return {f"{module}.weight": change}


LOHA = Kind((*_PARTS, "hada_t1", "hada_t2"), _changes)
"""LoHa of linear layers."""
