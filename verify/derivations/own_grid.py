"""Whether B's numbers are A's, each put at the nearest of the numbers that B has there.

The claim is of the two files alone, and needs neither scales nor codes: in every run of so many numbers of a row,
each number of B is, of all those that B has in this run, the nearest to A's number at its place. Whatever grid a tool
computes, by a search, by gradients, from data, and in any type: if it then rounds each number to the nearest point,
this holds, since the point that was chosen is among those that are used. It does not hold for tools that make up for
one number's error in the next (GPTQ) or scale columns first (AWQ). A number may be off by the rounding of what is
stored (``SLACK``); ``EXACT`` of them at least must be nearest without that, and how many are is counted.

Why strangers do not meet it: which of a run's numbers is nearest depends on A's number there alone. As a control the
same is counted with A's numbers of the next run, and with those of the next row at the same columns, beside which B's
are as a stranger's of the same scale, or of the same scale and pattern of columns, such as signs in common; let c be
the larger share that is nearest then. n is the count of numbers in runs where B has more than one value, of which k
are nearest without slack. 2 (k - c n)^2 / n must be ``LEAST`` at least: were a stranger's numbers nearest with chance
c, each independently, the chance of k would be below e^-LEAST (Hoeffding 1963). This is a margin and no p-value,
since neighbours are not independent. Of n, one in ``FEW`` at least must be beside a number of B that stands beside
another number of A in the run too; else B is not coarser than A, and "nearest" says only that the two are near. Both
must hold at least ``VALUES`` values, so that a common pattern of ones and zeros, as of a mask, is none.

It is no rule that computes: the grid is B's own. Nothing follows from it in either direction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .casts import Array
from .check import Block, Enough
from .record import Rule

SLACK = 2.0**-8
"""Half a step of bfloat16, the coarsest type that the scale and the smallest number of a run are stored in: the first
moves a point by as much of the span of the run, the second by as much of the largest magnitude."""
LOOSE = 2.0**-5
"""Slack of a look that only decides whether a grid is worth computing: that of scales that are quantised too."""
LEAST = 64
"""Logarithm of the chance that so many are nearest to independent numbers, with its sign turned."""
EXACT = 0.9
"""Share of numbers that must be nearest without slack."""
FEW = 20
"""Of so many numbers, one at least must lie where another number of A was put too."""
SHORT = 16
"""Numbers of the shortest run, of which the others are whole ones."""
_RUNS = (256, 128, 64, 32, SHORT)


class Counted(NamedTuple):
    """Numbers in runs that have more than one value."""

    near: bool
    """Whether all numbers are nearest, within the slack."""
    told: int
    exact: int
    """Nearest without slack."""
    control: int
    """Nearest without slack if A's were those of the next run, or of the next row, whichever is more."""
    joined: int
    """Beside a number of B that stands beside another number of A in the run too."""
    tied: int
    """Equal to another number of B in the run, whatever A's are."""


def counted(x: Array, y: Array, run: int, slack: float = SLACK) -> Counted:
    """Count the numbers of some rows that are nearest.

    Parameters
    ----------
    x, y : numbers of A and of B, [rows, columns].
    run : a divisor of the columns.
    slack : how far a number may be beyond, as a part of what its run spans and its largest magnitude.
    """
    a, b = x.reshape(-1, run), y.reshape(-1, run)
    order = b.argsort(-1, kind="stable")
    others = [np.roll(a, 1, 0), *([np.roll(x, 1, 0).reshape(-1, run)] if 1 < len(x) < len(a) else [])]
    a, b, *others = (np.take_along_axis(one, order, -1) for one in (a, b, *others))
    step = b[:, 1:] > b[:, :-1]
    middle = (b[:, 1:] / 2 + b[:, :-1] / 2).astype(a.dtype)
    end = np.full((len(b), 1), np.inf, a.dtype)
    high = np.concatenate([np.where(step, middle, np.inf), end], -1)
    high = np.minimum.accumulate(high[:, ::-1], -1)[:, ::-1]
    low = np.maximum.accumulate(np.concatenate([-end, np.where(step, middle, -np.inf)], -1), -1)
    told = step.any(-1, keepdims=True)
    ends = b[:, [0, -1]]
    more = (np.abs(ends).max(-1, keepdims=True) + np.ptp(ends, -1, keepdims=True)) * a.dtype.type(slack)
    within = (a >= low - more) & (a <= high + more)
    equal = ~step & (a[:, 1:] != a[:, :-1])
    return Counted(
        bool(within.all()),
        int(told.sum()) * run,
        int(((a >= low) & (a <= high) & told).sum()),
        max(int(((other >= low) & (other <= high) & told).sum()) for other in others),
        int((equal & told).sum()),
        int((~step & told).sum()),
    )


def is_put(x: Array, y: Array) -> bool:
    """Whether numbers may have been put on a grid: they are near those of their run, some of which are equal.

    The numbers before may be equal there too, as where those of a grid were rounded, and are put on it again.
    """
    if x.shape[-1] % SHORT or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return False
    found = counted(x, y, SHORT, LOOSE)
    return found.near and found.tied * 2 * FEW >= found.told


def _is_clear(found: Counted) -> bool:
    """Whether all are nearest, and most without slack, which of a fine grid would be more than a step."""
    return found.near and found.exact >= EXACT * found.told


class OwnGrid:
    """Each number of B is the nearest to A's of those that B has in its run."""

    def __init__(self, columns: int) -> None:
        self.columns, self.runs = columns, list[int]()
        self.counts: dict[int, list[int]] = {}
        self.before, self.after = Enough(), Enough()

    def holds(self, at: Block) -> bool:
        """Choose the longest run by the first block that is not of one value, and count."""
        x, y = at.x, at.y
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return False
        if not self.runs:
            if (y == y.flat[0]).all():
                return bool((x == x.flat[0]).all())
            runs = [self.columns, *(run for run in _RUNS if run < self.columns and self.columns % run == 0)]
            if self.columns % SHORT or not is_put(x, y):
                return False
            longest = next((run for run in runs if _is_clear(counted(x, y, run))), SHORT)
            self.runs = [longest, SHORT]
            self.counts = {run: [0] * 5 for run in self.runs}
        self.before.see(x)
        self.after.see(y)
        for run in [*self.counts]:
            near, *found = counted(x, y, run)
            if near:
                self.counts[run] = [old + new for old, new in zip(self.counts[run], found, strict=True)]
            else:
                del self.counts[run]
        return bool(self.counts)

    def found(self) -> Rule | None:
        """The rule with the run, the numbers that are nearest, and the share of the control."""
        clear = {run: found for run, one in self.counts.items() if _is_clear(found := Counted(True, *one))}
        run, found = max(clear.items(), default=(0, Counted(False, 0, 0, 0, 0, 0)))
        _, told, exact, control, joined, _ = found
        if not (self.before() and self.after()) or joined * FEW < told:
            return None
        if exact <= control or 2 * (exact - control) ** 2 < LEAST * told:
            return None
        name = "row" if run == self.columns else f"run of {run}"
        return Rule(name="on_own_grid", setting=name, count=exact, value=round(control / told, 4))
