"""RandLoRA: W plus a sum of random low-rank matrices that all modules share, each with learned factors.

Source: Albert et al. 2025, arXiv 2502.00987. Of ``randlora_A`` [r, 1, most], ``randlora_B`` [most, bases, r], and
``randlora_lambda`` [r, n] and ``randlora_gamma`` [n, least] of a module whose smaller size is ``least``, the change
is s B' A', or its transpose if a module has more inputs than outputs. Row (k, b) of A' [r n, least] is lambda[k, b]
A[k] ∘ gamma[b], b counted first; of B' the columns are those of B [:, :n] with the last axis counted first, as PEFT
flattens them; s = alpha / r. Where A and B are not stored they were drawn by torch from a seed, in floating point,
and divided by their standard deviation: no other software gives the same bits, and the adapter is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base import UnsupportedError
from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Rows, oriented, product
from .names import Names
from .settings import ELSEWHERE, Settings, Tensors
from .sum import Sum

_PARTS = ("randlora_lambda", "randlora_gamma")
BASES = ("randlora_A", "randlora_B")
"""Names of the shared matrices."""


@dataclass(frozen=True)
class Bases:
    """B' A', of more rows than columns or as many."""

    a: Tensor
    b: Tensor
    by_base: Tensor
    """lambda."""
    by_column: Tensor
    """gamma."""
    rows: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return (self.rows, self.by_column.shape[1])

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        count, least = self.by_column.shape
        a, b, by_base, by_column = (
            np.asarray(part.read(), np.float64) for part in (self.a, self.b, self.by_base, self.by_column)
        )
        chosen = slice(None) if columns is None else columns
        right = (by_base[:, :, None] * a[:, :, :least] * by_column)[:, :, chosen]
        right = right.reshape(by_base.size, right.shape[2])
        left = b[: self.rows, :count].reshape(self.rows, -1)
        left = left if rows is None else left[rows]
        return lambda which: product(left[which], right)

    def nbytes(self) -> int:
        """Of all factors."""
        return sum(part.nbytes() for part in (self.a, self.b, self.by_base, self.by_column))


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        if not {*_PARTS} <= {*parts}:
            raise settings.parts_missing(module, parts, " and ".join(_PARTS))
        a, b = (settings.shared.get(name) for name in BASES)
        if a is None or b is None:
            raise UnsupportedError(
                f"{settings.name} does not hold its random bases randlora_A and randlora_B, which torch draws from a "
                f"seed; save it with save_projection=True, or {ELSEWHERE}."
            )
        turned = settings.turned(base)
        size, rank = base.shape[::-1] if turned else base.shape, settings.rank(module)
        by_base, by_column = (parts[name] for name in _PARTS)
        shapes = {name: part.shape for name, part in (parts | settings.shared).items()}
        least, most = min(size, default=0), max(size, default=0)
        count = -(-least // rank)
        fits = len(size) == 2 and (by_base.shape, by_column.shape) == ((rank, count), (count, least))
        fits = fits and len(a.shape) == len(b.shape) == 3 and a.shape[:2] == (rank, 1) and b.shape[2] == rank
        doubles = all(parts[name].shape == settings.shared[name].shape for name in BASES if name in parts)
        if not (fits and doubles and a.shape[2] >= least and b.shape[0] >= most and b.shape[1] >= count):
            raise settings.unfit(module, shapes, base, f" at rank {rank}")
        matrix = Bases(a, b, by_base, by_column, most)
        flat = size[1] > size[0]  # inputs are the larger size
        scale = settings.alpha("randlora_alpha", module) / rank
        return Sum(base, oriented(matrix, flat != turned), scale)

    return {f"{module}.weight": change}


RANDLORA = Kind((*_PARTS, *BASES), _changes)
"""RandLoRA with its bases stored."""
