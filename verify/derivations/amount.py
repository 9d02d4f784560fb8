"""How much two tensors that stand side by side differ: the distance of their numbers, and what it is elsewhere.

With x the numbers of A and y those of B at the same places, the *distance* is |y - x| / |x|, Euclidean lengths over
all numbers that stand side by side. Tensors trained apart have one too: 1.4 if they are as long and at right angles,
less if all their rows have much in common. So the distance *elsewhere* stands beside it, |y - x'| / |x|, with x' the
numbers of A one row further (of a vector: one number further; the last row of a block beside its first). A distance
tells how much was changed only if the numbers are at their places: if it is clearly less than elsewhere
(``IN_PLACE``). It is a description of two files, and no test.

Lengths are sums in double precision, columns first and then exactly rounded, so that no order of additions that a
processor may choose changes them; they are given to six digits.
"""

from __future__ import annotations

from math import fsum, sqrt

import numpy as np

from .casts import Array
from .record import Amount

LARGEST = 1e140
"""Magnitude from which the sum of squares may be beyond double precision."""


class Growing:
    """Lengths and products over the blocks of two tensors."""

    def __init__(self) -> None:
        self._sums: list[tuple[float, ...]] = []
        self._finite = True

    def see(self, p: Array, q: Array, *, equal: bool = False) -> None:
        """Add the numbers of one more block.

        Parameters
        ----------
        p, q : rows of A and of B, [rows, columns] each.
        equal : whether all numbers of the block are equal, which saves work.
        """
        x = p.astype(np.float64)
        y = x if equal else q.astype(np.float64)
        self._finite = self._finite and all(
            bool((np.abs(one) < LARGEST).all()) for one in ((x,) if equal else (x, y))
        )
        if not self._finite:
            return
        further = np.roll(x, -1, axis=0 if len(x) > 1 else 1)
        xx, elsewhere = _sum(x * x), _sum(np.square(y - further))
        yy, xy, there = (xx, xx, 0.0) if equal else (_sum(y * y), _sum(x * y), _sum(np.square(y - x)))
        self._sums.append((xx, yy, xy, there, elsewhere))

    def found(self) -> Amount | None:
        """What was found; None if a number is not finite or too large to square, or all of one side are zero."""
        if not self._finite or not self._sums:
            return None
        xx, yy, xy, there, elsewhere = (fsum(sums) for sums in zip(*self._sums, strict=True))
        if not (xx and yy):
            return None
        found = sqrt(there) / sqrt(xx), sqrt(elsewhere) / sqrt(xx)
        cosine = max(-1.0, min(1.0, xy / (sqrt(xx) * sqrt(yy))))
        return Amount(distance=_short(found[0]), elsewhere=_short(found[1]), cosine=_short(cosine))


def _sum(values: Array) -> float:
    return fsum(np.add.reduce(values, axis=0).tolist())


def _short(value: float) -> float:
    return float(f"{value:.6g}")
