"""How much two tensors that stand side by side differ: the distance of their numbers, and what it is elsewhere.

With x the numbers of A and y those of B at the same places, the *distance* is |y - x| / |x|, Euclidean lengths over
all numbers that stand side by side. Tensors trained apart have one too: 1.4 if they are as long and at right angles,
less if all their rows have much in common. So the distance *elsewhere* stands beside it, |y - x'| / |x|, with x' the
numbers of A one row further, one column further, or both, whichever is nearest; the places that have none further in
their block are left out, and the squares are scaled to the number of all. Strangers are nearest one row further where
columns have means in common, one column further where rows have, as of tokens by their frequency, and both where they
were initialised as an identity; a ramp that both began with is as near elsewhere as at its places. A distance tells
how much was changed only if the numbers are at their places: if it is clearly less than elsewhere (``IN_PLACE``). It
is a description of two files, and no test.

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

_FURTHER = ((1, 0), (0, 1), (1, 1))
"""Rows and columns further."""


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
        xx = _sum(x * x)
        yy, xy, there = (xx, xx, 0.0) if equal else (_sum(y * y), _sum(x * y), _sum(np.square(y - x)))
        self._sums.append((xx, yy, xy, there, *(_further(x, y, down, along) for down, along in _FURTHER)))

    def found(self) -> Amount | None:
        """What was found; None if a number is not finite or too large to square, or all of one side are zero."""
        if not self._finite or not self._sums:
            return None
        xx, yy, xy, there, *elsewhere = (fsum(sums) for sums in zip(*self._sums, strict=True))
        if not (xx and yy):
            return None
        found = sqrt(there) / sqrt(xx), sqrt(min(elsewhere)) / sqrt(xx)
        cosine = max(-1.0, min(1.0, xy / (sqrt(xx) * sqrt(yy))))
        return Amount(distance=_short(found[0]), elsewhere=_short(found[1]), cosine=_short(cosine))


def _further(x: Array, y: Array, down: int, along: int) -> float:
    """The squares of y less x at a place so many rows and columns further, as if all numbers had one there."""
    rows, columns = x.shape
    if rows == 1 or columns == 1:  # of one row, or one column, only the other way is left
        down, along = int(rows > 1), int(columns > 1)
    left = y[: rows - down, : columns - along] - x[down:, along:]
    return _sum(left * left) * (x.size / left.size)


def _sum(values: Array) -> float:
    return fsum(np.add.reduce(values, axis=0).tolist())


def _short(value: float) -> float:
    return float(f"{value:.6g}")
