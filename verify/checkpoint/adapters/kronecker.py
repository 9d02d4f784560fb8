"""LoKr: W + s (W1 ⊗ W2), the Kronecker product of two matrices, each stored whole or as a product of two.

Source: LyCORIS, Yeh et al. 2023, arXiv 2309.14859. For W2 [b, d], entry [i, j] of the
product is W1[i // b, j // d] W2[i % b, j % d]; s = alpha / r.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Matrix, Product, Rows, Stored, places
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum

_PARTS = tuple(f"lokr_{which}{part}" for which in ("w1", "w2") for part in ("", "_a", "_b"))


@dataclass(frozen=True)
class Kronecker:
    """The Kronecker product of two matrices."""

    first: Matrix
    second: Matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return tuple(a * b for a, b in zip(self.first.shape, self.second.shape, strict=True))

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        chosen = zip((rows, columns), self.shape, self.second.shape, strict=True)
        (i, k), (j, m) = (
            np.divmod(places(size)[slice(None) if which is None else which], inner) for which, size, inner in chosen
        )
        (i, i_at), (k, k_at), (j, j_at), (m, m_at) = (np.unique(one, return_inverse=True) for one in (i, k, j, m))
        first, second = self.first.part(i, j)(slice(None)), self.second.part(k, m)(slice(None))
        return lambda which: first[i_at[which]][:, j_at] * second[k_at[which]][:, m_at]

    def nbytes(self) -> int:
        """Of both, whole."""
        return self.first.nbytes() + self.second.nbytes()


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        first, second = (_factor(settings, module, parts, which) for which in ("w1", "w2"))
        product = Kronecker(first, second)
        if len(base.shape) != 2 or product.shape != base.shape:
            raise settings.unfit(module, {name: part.shape for name, part in parts.items()}, base)
        return Sum(base, product, settings.alpha("alpha", module) / settings.rank(module))

    return {f"{module}.weight": change}


def _factor(settings: Settings, module: str, parts: Tensors, which: str) -> Matrix:
    """W1 or W2."""
    whole, a, b = (parts.get(f"lokr_{which}{part}") for part in ("", "_a", "_b"))
    given = [part for part in (whole, a, b) if part is not None]
    if (whole is None) is not (a is not None and b is not None) or any(len(part.shape) != 2 for part in given):
        raise settings.parts_missing(
            module, parts, f"a matrix lokr_{which}, or both lokr_{which}_a and lokr_{which}_b"
        )
    if whole is not None and len(given) == 1:
        return Stored(whole)
    if a is None or b is None or a.shape[1] != b.shape[0] or a.shape[1] != settings.rank(module):
        raise settings.parts_missing(module, parts, f"lokr_{which}_a and lokr_{which}_b of one rank")
    return Product(Stored(a), Stored(b))


LOKR = Kind((*_PARTS, "lokr_t2"), _changes)
"""LoKr of linear layers."""
