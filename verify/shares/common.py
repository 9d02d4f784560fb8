"""What many numbers of a tensor have in common by their making, so that agreement in it says nothing of two models.

Two kinds of changes agree exactly between models that have nothing of one another:

- *Common values.* One step of a sign-based optimiser (AdamW at first, Lion, SignSGD) has one length for all numbers,
  few steps have a few, and ternary changes one; units that nothing reaches decay by one multiple of the base, pruned
  numbers change by minus one times it, and rows that are scaled each by their own. Let z be the size of a change, or
  what multiple of the base it is, and b its rounding. A z is common if at least ``FEWEST`` numbers have it within b,
  and at least ``STEEP`` times as many as miss it by up to ``BESIDE`` times b: where z has a density, twice as many
  miss it. Steps come with decay (AdamW, Lion), so that sizes are common only of what is left of a change without one
  multiple of the base: the slope that many pairs of numbers have in common (:func:`common_slopes`).
- *Grids.* Quantisation is a function of the base, so models that were quantised on one grid, or on grids with points
  in common, agree wherever training moved neither off its point. On a grid different numbers of the base become one:
  a run has fewer different values than the base has there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sums import BESIDE, STEEP

Array = NDArray[np.float64]

FEWEST = 8
"""Numbers that have a common value, at least; a value that is taken for one by luck costs no more numbers."""
MOST = 1 / 8
"""Share of the changes of a tensor that have common sizes, from which all are taken for such: the rest are those that
a sample holds too rarely."""
DISTINCT = 0.95
"""Share of the base's different values that a run has, at most, on a grid."""
_PAIRS = 1 << 14
_RUN = 32  # numbers that have a scale of their own, at least, in most formats


def common_values(values: Array, half: Array) -> Array:
    """The values that many numbers have, ordered.

    Parameters
    ----------
    values : of some numbers, [n].
    half : rounding of each, [n].
    """
    inside, wide = (_within(values, times * half) for times in (1.0, BESIDE))
    found: Array = np.unique(values[(inside >= FEWEST) & (inside >= STEEP * (wide - inside))])
    return found


def common_slopes(y: Array, p: Array, half: Array, rng: np.random.Generator) -> tuple[float, ...]:
    """The multiples of the base by which many pairs of numbers differ that differ by nothing else; and 0.

    Pairs are drawn from all, and from the quarter that changed most: after some steps, only numbers whose steps were
    all of one sign have a size in common.

    Parameters
    ----------
    y : what some numbers changed by, [n].
    p : the base there, [n].
    half : rounding of each, [n].
    rng : of the pairs.
    """
    found = {0.0}
    for among in (np.arange(len(y)), np.argsort(-np.abs(y), kind="stable")[: -(-len(y) // 4)]):
        i, j = among[rng.integers(len(among), size=(2, _PAIRS))]
        apart = np.abs(p[i] - p[j])
        far = (apart > 0) & (apart >= np.median(apart))
        i, j, apart = i[far], j[far], apart[far]
        slopes, error = (y[i] - y[j]) / (p[i] - p[j]), (half[i] + half[j]) / apart
        common = is_one_of(slopes, error, common_values(slopes, error))
        if common.any():
            best = slopes[common][int(np.argmax(_within(slopes, error)[common]))]
            found.add(float(np.median(slopes[np.abs(slopes - best) <= error])))
    return tuple(sorted(found))


def is_one_of(values: Array, half: Array, known: Array) -> NDArray[np.bool_]:
    """Which values are one of some, to within their rounding.

    Parameters
    ----------
    values : of some numbers, [n].
    half : rounding of each, [n].
    known : ordered values.
    """
    if not len(known):
        return np.zeros(len(values), bool)
    found: NDArray[np.bool_] = np.searchsorted(known, values - half, "left") < np.searchsorted(
        known, values + half, "right"
    )
    return found


def on_grid(p: Array, c: Array, chosen: NDArray[np.bool_]) -> bool:
    """Whether numbers lie on a grid that is coarser than their type.

    Parameters
    ----------
    p : the base, [rows, columns].
    c : a model's numbers at the same places, which may lie on one.
    chosen : those that were changed by much more than their rounding; pruned ones, which are zero, do not count.
    """
    changed = chosen & (c != 0)
    for run in (_RUN, p.shape[1] if p.shape[1] > 1 else p.size):
        count = p.size // run * run
        of_p, of_c = (_distinct(np.where(changed, x, np.nan).ravel()[:count].reshape(-1, run)) for x in (p, c))
        if of_c < DISTINCT * of_p:
            return True
    return False


def _within(values: Array, half: Array) -> NDArray[np.intp]:
    """How many numbers have each value within their rounding."""
    low, high = np.sort(values - half), np.sort(values + half)
    found: NDArray[np.intp] = np.searchsorted(low, values, "right") - np.searchsorted(high, values, "left")
    return found


def _distinct(runs: Array) -> int:
    """Different values in each run, in all; those that are not numbers do not count."""
    x = np.sort(runs, axis=1)
    first = int(np.count_nonzero(np.isfinite(x[:, :1])))
    return first + int(np.count_nonzero((x[:, 1:] != x[:, :-1]) & np.isfinite(x[:, 1:])))
