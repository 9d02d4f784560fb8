"""DeLoRA: W plus a low-rank change of normalised factors, of bounded length, times the stored lengths of columns.

Source: Bini, Girrbach and Akata 2025, arXiv 2503.18225. Of ``delora_A`` [r, in], ``delora_B`` [out, r],
``delora_lambda`` [1] and ``delora_w_norm`` [in], the change is B D A diag(w_norm). D[k, k] is lambda / r over the
lengths of row k of A and of column k of B, which count as at least 10⁻⁴.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Numbers, Rows, product
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum

_PARTS = ("delora_A", "delora_B", "delora_lambda", "delora_w_norm")
_LEAST_LENGTH = 1e-4


@dataclass(frozen=True, eq=False)
class Bounded:
    """The change of one matrix."""

    a: Tensor
    b: Tensor
    bound: Tensor
    lengths: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return (self.b.shape[0], self.a.shape[1])

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        left, whole = self._factors
        left = left if rows is None else left[rows]
        right = whole if columns is None else whole[:, columns]
        return lambda which: product(left[which], right)

    def nbytes(self) -> int:
        """Of all that is stored."""
        return sum(part.nbytes() for part in (self.a, self.b, self.bound, self.lengths))

    @cached_property
    def _factors(self) -> tuple[Numbers, Numbers]:
        a, b, bound, lengths = (
            np.asarray(part.read(), np.float64) for part in (self.a, self.b, self.bound, self.lengths)
        )
        of_a, of_b = np.sqrt(np.square(a).sum(1)), np.sqrt(np.square(np.ascontiguousarray(b.T)).sum(1))
        inner = bound / len(a) / (np.maximum(of_a, _LEAST_LENGTH) * np.maximum(of_b, _LEAST_LENGTH))
        return b, inner[:, None] * a * lengths


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        if sorted(parts) != sorted(_PARTS):
            raise settings.parts_missing(module, parts, ", ".join(_PARTS))
        rank, size = settings.rank(module), base.shape
        shapes = {name: parts[name].shape for name in _PARTS}
        expected = [(rank, *size[1:]), (*size[:1], rank), (1,), size[1:]]
        if len(size) != 2 or rank > max(size) or [*shapes.values()] != expected:
            raise settings.unfit(module, shapes, base, f" at rank {rank}")
        return Sum(base, Bounded(*(parts[name] for name in _PARTS)))

    return {f"{module}.weight": change}


DELORA = Kind(_PARTS, _changes)
"""DeLoRA of linear layers."""
