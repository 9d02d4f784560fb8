"""Numbers that were set to zero, and what decides which."""

from __future__ import annotations

import numpy as np

from .casts import Array, nearest, same
from .check import Block, Enough
from .record import Rule

_PATTERNS = ((1, 4), (2, 4), (4, 8))
_NOT, _TIES, _STRICT = range(3)


class Pruned:
    """Numbers are as before, rounded to the type of the file, or zero.

    Which are zero is a fact that the rule needs; unless they stand for the smallest magnitudes of the tensor, of each
    row, or of each group of a pattern n:m (at least m - n zeros in each m neighbours of a row): then the numbers
    before decide, and the rule computes. It does not where one of the kept and one of the zeros had equal magnitudes.
    """

    def __init__(self, dtype: str, matrix: bool) -> None:
        self.dtype, self.zeros = dtype, 0
        self.enough = Enough()
        self.kept, self.removed = np.inf, 0.0
        self.by_row = _STRICT if matrix else _NOT
        self.patterns = dict.fromkeys(_PATTERNS, _STRICT) if matrix else {}

    def holds(self, at: Block) -> bool:
        """Compare where the numbers after are not zero, and see which are."""
        before, y = nearest(at.x, self.dtype), at.y
        if not (same(before, y) | (y == 0)).all():
            return False
        gone = (y == 0) & (before != 0)
        self.zeros += int(gone.sum())
        self.enough.see(y)
        size = np.abs(before)
        kept, removed = np.where(y != 0, size, np.inf), np.where(gone, size, 0)
        self.kept, self.removed = min(self.kept, float(kept.min())), max(self.removed, float(removed.max()))
        self.by_row = min(self.by_row, _smaller(removed, kept))
        for n, m in [*self.patterns]:
            if y.shape[-1] % m or ((y == 0).reshape(-1, m).sum(-1) < m - n).any():
                del self.patterns[n, m]
            else:
                smaller = _smaller(removed.reshape(-1, m), kept.reshape(-1, m))
                self.patterns[n, m] = min(self.patterns[n, m], smaller)
        return True

    def found(self) -> Rule | None:
        """The rule with what decides which numbers are zero."""
        if not self.zeros or not self.enough():
            return None
        of_all = _smaller(np.array([[self.removed]]), np.array([[self.kept]]))
        patterns = [(f"{n}:{m}", f", smallest of each {m}", smaller) for (n, m), smaller in self.patterns.items()]
        deciding = [("", "smallest of the tensor", of_all), *patterns, ("", "smallest of each row", self.by_row)]
        strict = next((one for one in deciding if one[2] == _STRICT), None)
        pattern, smallest, smaller = strict or max(deciding, key=lambda one: (bool(one[0]), one[2]))
        ties = ", but for ties" if smaller == _TIES else ""
        setting = pattern + (smallest + ties if smaller != _NOT else "")
        return Rule(name="pruned", setting=setting, count=self.zeros, by_size=smaller == _STRICT)


def _smaller(removed: Array, kept: Array) -> int:
    """Whether in each row all that was removed is smaller than all that was kept, or smaller but for ties."""
    most, least = removed.max(-1), kept.min(-1)
    return _STRICT if (most < least).all() else _TIES if (most <= least).all() else _NOT
