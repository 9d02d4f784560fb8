"""A factor that all numbers of a tensor were multiplied by."""

from __future__ import annotations

import numpy as np

from .casts import Array, nearest, same, steps
from .check import Block, Enough, roundest
from .record import Rule


class Factor:
    """One factor for all numbers, other than 1: y is x times it, multiplied in float32 or in float64."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.factor = dtype, 0.0
        self.enough = Enough()

    def holds(self, at: Block) -> bool:
        """Choose the factor by the first block that is not zero, and compare."""
        x, y = at.x, at.y
        self.enough.see(x)
        if not self.factor:
            self.factor = self._chosen(x, y)
            if not self.factor:
                return not x.any() and not y.any()
        double = x.astype(np.float64) * self.factor
        single = x * x.dtype.type(self.factor)
        return any(bool(same(nearest(one.astype(x.dtype), self.dtype), y).all()) for one in (double, single))

    def found(self) -> Rule | None:
        """The rule with its factor."""
        return Rule(name="scaled", value=self.factor) if self.factor not in (0.0, 1.0) and self.enough() else None

    def _chosen(self, x: Array, y: Array) -> float:
        a, b = x.astype(np.float64), y.astype(np.float64)
        at = np.isfinite(a) & np.isfinite(b) & (a != 0) & (b != 0)
        if not at.any():
            return 0.0
        a, b = a[at], b[at]
        return roundest(b / a, 0.5 * steps(b, self.dtype) / np.abs(a))
