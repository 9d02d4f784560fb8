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

    Which are zero is a fact that the rule needs, unless the numbers before decide. They do if the zeros are all that
    is no larger than one threshold; or than the k-th smallest magnitude of each row, with one k for all; or of each
    group of a pattern n:m, with m - n for k. They do not where rows or groups need different k, nor where one of the
    kept and one of the zeros had equal magnitudes or a number before is none.

    One k. If a row has z zeros after, t of them of the largest magnitude that was removed, these are all that is no
    larger than the k-th smallest for z - t < k <= z and no other k. A row that lost none has them for every k <= z.
    """

    def __init__(self, dtype: str, matrix: bool) -> None:
        self.dtype, self.zeros = dtype, 0
        self.enough = Enough()
        self.kept, self.removed, self.ordered = np.inf, 0.0, True
        self.by_row = _Smallest() if matrix else None
        self.patterns = {(n, m): _Smallest(m - n) for n, m in _PATTERNS} if matrix else {}

    def holds(self, at: Block) -> bool:
        """Compare where the numbers after are not zero, and see which are."""
        before, y = nearest(at.x, self.dtype), at.y
        if not (same(before, y) | (y == 0)).all():
            return False
        gone = (y == 0) & (before != 0)
        self.zeros += int(gone.sum())
        self.enough.see(y)
        size = np.abs(before)
        self.ordered = self.ordered and not np.isnan(size).any()
        kept, removed = np.where(y != 0, size, np.inf), np.where(gone, size, 0)
        self.kept, self.removed = min(self.kept, float(kept.min())), max(self.removed, float(removed.max()))
        if self.by_row is not None:
            self.by_row.see(size, y == 0, gone)
        for n, m in [*self.patterns]:
            if y.shape[-1] % m or ((y == 0).reshape(-1, m).sum(-1) < m - n).any():
                del self.patterns[n, m]
            else:
                self.patterns[n, m].see(size.reshape(-1, m), (y == 0).reshape(-1, m), gone.reshape(-1, m))
        return True

    def found(self) -> Rule | None:
        """The rule with what decides which numbers are zero."""
        if not self.zeros or not self.enough():
            return None
        of_all = _smaller(np.array([[self.removed]]), np.array([[self.kept]])) if self.ordered else _NOT
        patterns = [(f"{n}:{m}", f", smallest of each {m}", one.smaller) for (n, m), one in self.patterns.items()]
        by_row = _NOT if self.by_row is None else self.by_row.smaller
        deciding = [("", "smallest of the tensor", of_all), *patterns, ("", "smallest of each row", by_row)]
        strict = next((one for one in deciding if one[2] == _STRICT), None)
        pattern, smallest, smaller = strict or max(deciding, key=lambda one: (bool(one[0]), one[2]))
        ties = ", but for ties" if smaller == _TIES else ""
        setting = pattern + (smallest + ties if smaller != _NOT else "")
        return Rule(name="pruned", setting=setting, count=self.zeros, by_size=smaller == _STRICT)


class _Smallest:
    """Whether the zeros of each row are its k smallest magnitudes, with all that equal the k-th, for one k."""

    def __init__(self, k: int | None = None) -> None:
        self.least, self.most = k or 0, k
        self._smaller = _STRICT

    def see(self, size: Array, zero: Array, gone: Array) -> None:
        """See the rows of one more block: magnitudes before, what is zero after, and what was made so."""
        removed = np.where(gone, size, 0)
        self._smaller = min(self._smaller, _smaller(removed, np.where(zero, np.inf, size)))
        zeros, tied = zero.sum(-1), (gone & (size == removed.max(-1, keepdims=True))).sum(-1)
        most = int(zeros.min())
        self.most = most if self.most is None else min(self.most, most)
        self.least = max(self.least, int((zeros - tied + 1)[gone.any(-1)].max(initial=0)))

    @property
    def smaller(self) -> int:
        """Whether all that was removed is smaller than all that was kept, or smaller but for ties."""
        return self._smaller if self.most is None or self.least <= self.most else _NOT


def _smaller(removed: Array, kept: Array) -> int:
    """Whether in each row all that was removed is smaller than all that was kept, or smaller but for ties."""
    most, least = removed.max(-1), kept.min(-1)
    return _STRICT if (most < least).all() else _TIES if (most <= least).all() else _NOT
