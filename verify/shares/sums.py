"""Which sums of multiples of changes some numbers hold: random sample consensus, one set of candidates after another.

Let y be what a child changed in the numbers of one tensor, and x_i what candidate i changed in them. A merge of
changes leaves each y, up to rounding, at a sum of w_i x_i over a set S of candidates: all of them where it is dense,
another set for each number where changes were thinned out (DARE, TIES), at weights that differ from set to set where
sums are divided by the weights in them. There are few such sets, and one vector of weights for each.

For a set, weights are solved from as many numbers, drawn at random, as there are weights; those with which most
numbers agree are fitted again to these by least squares, in narrowing bounds (random sample consensus, Fischler &
Bolles 1981). A number *agrees* if its residual is at most half + slack * sum |w_i x_i|: its rounding, and that of a
tool's products.

Weights are free, so some numbers agree with any set by chance, and more where a candidate's change is only *like*
that of a parent, as those of two models tuned on one text are: then residuals lie densely around zero, and no more
densely within the bounds than beside them. So a set is accepted only if at least as many numbers agree as miss by up
to ``BESIDE`` times the bounds, times ``STEEP``: that is, residuals are concentrated at zero at the scale of rounding,
as they are of no sum of smooth variables. What this cannot tell apart are changes on a grid, as of one step of a
sign-based optimiser; the control in :mod:`verify.shares.changes` does.

All single candidates are tried on the same numbers, and so are all sets of one size; then those that agree are put
aside. After single ones comes the set of all, without and with a multiple of the base beside (slerp, shares that do
not sum to one), then all other sets of at most ``MOST_POOL`` candidates: all if there are no more, else those found
so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST = 64
"""Fewest numbers by which a set is accepted."""
SHARE = 1 / 64
"""Smallest share of the numbers that are given."""
BESIDE = 3.0
STEEP = 4.0
"""Twice as many miss by up to ``BESIDE`` times the bounds as agree, where residuals are smooth; where a sum holds, at
least so many times fewer."""
MATTERS = 4.0
"""Times the bounds that a candidate's part of a sum must have to count for it."""
MOST_POOL = 5
_DRAWS = 256
_RANKED = 1 << 9
"""Numbers by which draws are ranked."""
_COARSE = 2.0**-6
_NARROWING = (2.0**-6, 2.0**-9, 2.0**-12, 2.0**-16, 0.0, 0.0)
_BASE = -1


class Sum(NamedTuple):
    """Multiples of the changes of some candidates, and of the base."""

    of: tuple[int, ...]
    """Candidates, from 0."""
    weights: tuple[float, ...]
    base: float = 0.0
    """Multiple of the base's numbers that is added."""


class Numbers(NamedTuple):
    """Changes of a tensor, number by number."""

    y: Array
    """What the child changed, [n]."""
    x: Array
    """What the candidates changed, [k, n]."""
    p: Array
    """The base, [n]."""
    half: Array
    """Largest rounding of y, [n]."""
    slack: float
    """Largest error of a product of a tool, relative to it."""

    def at(self, chosen: Mask | NDArray[np.intp]) -> Numbers:
        """Some of the numbers."""
        return Numbers(self.y[chosen], self.x[:, chosen], self.p[chosen], self.half[chosen], self.slack)

    def columns(self, of: Sequence[int]) -> Array:
        """Changes of candidates, or the base, as columns, [n, m]."""
        return np.stack([self.p if k == _BASE else self.x[k] for k in of], axis=1)


def residuals(numbers: Numbers, one: Sum) -> tuple[Array, Array]:
    """By how much each number misses a sum, as a multiple of what counts as agreement, and that bound.

    Parameters
    ----------
    numbers : the numbers.
    one : the sum.

    Returns
    -------
    tuple
        Float64 [n] each.
    """
    total, size = one.base * numbers.p, np.abs(one.base * numbers.p)
    for k, weight in zip(one.of, one.weights, strict=True):
        part = weight * numbers.x[k]
        total, size = total + part, size + np.abs(part)
    bound = numbers.half + numbers.slack * size
    return np.abs(numbers.y - total) / bound, bound


def found_sums(numbers: Numbers, rng: np.random.Generator) -> tuple[Sum, ...]:
    """The sums that many of the numbers hold.

    Parameters
    ----------
    numbers : a sample of numbers that tell: whose change is large beside their rounding.
    rng : of the draws.
    """
    count, kept = len(numbers.x), list[Sum]()
    least = max(LEAST, SHARE * len(numbers.y))
    left = np.ones(len(numbers.y), bool)
    tried: set[tuple[int, ...]] = set()
    for sets in _sets(count, kept):
        accepted: list[Sum] = []
        for of in sets:
            if left.sum() < least:
                return tuple(kept)
            one = consensus(numbers.at(left), of, least, rng, tried)
            if one is not None and all(one.of != other.of or one.base or other.base for other in (*kept, *accepted)):
                accepted.append(one)
        for one in accepted:
            left &= residuals(numbers, one)[0] > 1
        kept += accepted
    return tuple(kept)


def _sets(count: int, kept: list[Sum]) -> Iterator[list[tuple[int, ...]]]:
    """Sets in the order in which they are tried; a list is tried on the same numbers."""
    everyone = tuple(range(count))
    yield [(k,) for k in everyone]
    if count > 1:
        yield [everyone]
    yield [(_BASE, *everyone)]
    pool = everyone
    if count > MOST_POOL:
        named = [k for one in kept for k in one.of]
        pool = tuple(sorted(sorted({*named}, key=lambda k: -named.count(k))[:MOST_POOL]))
    for size in range(2, len(pool) + 1):
        yield [of for of in combinations(pool, size) if of != everyone or size < count]
    if count > 1:
        yield [everyone]


def consensus(
    numbers: Numbers,
    of: tuple[int, ...],
    least: float,
    rng: np.random.Generator,
    tried: set[tuple[int, ...]] | None = None,
) -> Sum | None:
    """The weights of a set with which most numbers agree; None if these are too few, or not concentrated.

    Candidates whose part is within rounding for almost all numbers are taken out.

    Parameters
    ----------
    numbers : the numbers.
    of : candidates, from 0; -1 for the base.
    least : fewest numbers that have to agree.
    rng : of the draws.
    tried : sets that were tried with candidates taken out.
    """
    tried = set() if tried is None else tried
    able = np.flatnonzero((numbers.columns(of) != 0).all(1))
    if len(able) < least:
        return None
    weights = _refined(numbers.at(able), of, _drawn(numbers.at(able), of, rng))
    if weights is None:
        return None
    one = _sum(of, weights)
    miss, bound = residuals(numbers, one)
    near = miss <= 1
    parts = np.abs(numbers.columns(of) * weights)
    needed = [
        k for k, part in zip(of, parts.T, strict=True) if np.count_nonzero(near & (part > MATTERS * bound)) >= least
    ]
    if len(needed) < len(of):
        if not {*needed} - {_BASE} or tuple(needed) in tried:
            return None
        tried.add(tuple(needed))
        return consensus(numbers, tuple(needed), least, rng, tried)
    inside, beside = np.count_nonzero(near), np.count_nonzero((miss > 1) & (miss <= BESIDE))
    return one if inside >= max(least, STEEP * beside) else None


def _drawn(numbers: Numbers, of: tuple[int, ...], rng: np.random.Generator) -> Array:
    """The weights, of those solved from few numbers and of the fit to all, with which most of some numbers agree."""
    x, n, m = numbers.columns(of), len(numbers.y), len(of)
    at = rng.integers(n, size=(_DRAWS, m))
    scale = np.sqrt(np.square(x).mean(0))
    systems = x[at] / scale
    solved = np.matmul(np.linalg.pinv(systems, rcond=1e-3), numbers.y[at][..., None])[..., 0] / scale
    solved = np.concatenate([solved, _fitted(numbers, x, np.ones(n, bool))[None]])
    some = min(n, _RANKED)
    few = numbers.at(np.arange(some) * n // some)
    x, size, coarse = few.columns(of), np.abs(few.columns(of)), few.half + _COARSE * np.abs(few.y)
    miss = np.abs(few.y[:, None] - x @ solved.T)
    agree = np.count_nonzero(miss <= coarse[:, None] + few.slack * (size @ np.abs(solved.T)), axis=0)
    found: Array = solved[int(np.argmax(agree))]
    return found


def _refined(numbers: Numbers, of: tuple[int, ...], weights: Array) -> Array | None:
    """Weights fitted by least squares to the numbers that agree, in narrowing bounds."""
    x: Array = numbers.columns(of)
    for more in _NARROWING:
        bound = numbers.half + numbers.slack * (np.abs(x) @ np.abs(weights)) + more * np.abs(numbers.y)
        near = np.abs(numbers.y - x @ weights) <= bound
        if np.count_nonzero(near) < max(LEAST, 4 * len(of)):
            return None
        weights = _fitted(numbers, x, near)
    return weights


def _fitted(numbers: Numbers, x: Array, near: Mask) -> Array:
    """Least squares on some numbers, each by its rounding."""
    scale = 1 / (numbers.half[near] + numbers.slack * np.abs(numbers.y[near]))
    fitted = np.linalg.lstsq(x[near] * scale[:, None], numbers.y[near] * scale, rcond=None)[0]
    return np.asarray(fitted, np.float64)


def _sum(of: tuple[int, ...], weights: Array) -> Sum:
    known = dict(zip(of, (float(f"{one:.8g}") for one in weights), strict=True))
    base = known.pop(_BASE, 0.0)
    return Sum(tuple(known), tuple(known.values()), base)
