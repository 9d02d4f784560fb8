"""GraLoRA: W plus low-rank changes of the k x k blocks of a matrix, and perhaps one of the whole.

Source: Jung et al. 2025, arXiv 2505.20355. Of ``gralora_A`` [k, in / k, r] and ``gralora_B`` [k, r, out / k], with
r = k q, the block of outputs g and inputs n is Σ over s < q of B[g, n q + s] A[n, :, g q + s]ᵀ. The product of
``gralora_B_general`` [out, h] and ``gralora_A_general`` [h, in] is added, and all is scaled by alpha / (r + h).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Added, Matrix, Numbers, Product, Rows, Stored, oriented, places
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum

_BLOCKS, _WHOLE = ("gralora_A", "gralora_B"), ("gralora_A_general", "gralora_B_general")


@dataclass(frozen=True)
class Blocks:
    """Low-rank matrices in blocks."""

    a: Tensor
    b: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return (self.b.shape[0] * self.b.shape[2], self.a.shape[0] * self.a.shape[1])

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        a, b = (np.asarray(part.read(), np.float64) for part in (self.a, self.b))
        count, inputs, rank = a.shape
        rank //= count
        i, j = (
            places(size)[slice(None) if which is None else which]
            for size, which in zip(self.shape, (rows, columns), strict=True)
        )
        (g, o), (n, within) = np.divmod(i, b.shape[2]), np.divmod(j, inputs)
        left = b.reshape(count, count, rank, -1)[g, :, :, o]  # [rows, n, s]
        right = a.reshape(count, inputs, count, rank)[n, within]  # [columns, g, s]

        def computed(which: slice) -> Numbers:
            total = np.zeros((len(i[which]), len(j)))
            for s in range(rank):
                total += left[which, :, s][:, n] * right[:, :, s].T[g[which]]
            return total

        return computed

    def nbytes(self) -> int:
        """Of both factors."""
        return self.a.nbytes() + self.b.nbytes()


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        hybrid = settings.count("hybrid_r", module, 0)
        expected = (*_BLOCKS, *(_WHOLE if hybrid else ()))
        if sorted(parts) != sorted(expected):
            raise settings.parts_missing(module, parts, ", ".join(expected))
        turned = settings.turned(base)
        size, rank, count = (
            base.shape[::-1] if turned else base.shape,
            settings.rank(module),
            parts["gralora_A"].shape[0],
        )
        shapes = {name: parts[name].shape for name in expected}
        fits = len(size) == 2 and 0 < count <= rank and not rank % count and not size[0] % count + size[1] % count
        wanted: list[tuple[int, ...]] = [
            (count, size[-1] // max(1, count), rank),
            (count, rank, size[0] // max(1, count)),
        ]
        wanted += [(hybrid, size[-1]), (size[0], hybrid)] if hybrid else []
        if not fits or [*shapes.values()] != wanted:
            raise settings.unfit(module, shapes, base, f" at rank {rank}")
        found: Matrix = Blocks(*(parts[name] for name in _BLOCKS))
        if hybrid:
            a, b = (Stored(parts[name]) for name in _WHOLE)
            found = Added(found, Product(b, a))
        return Sum(base, oriented(found, turned), settings.alpha("alpha", module) / (rank + hybrid))

    return {f"{module}.weight": change}


GRALORA = Kind((*_BLOCKS, *_WHOLE), _changes)
"""GraLoRA of linear layers."""
