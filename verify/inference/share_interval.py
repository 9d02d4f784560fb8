r"""What share of one set of vectors is in another: an exact interval, by inverting a permutation test.

Units i = 1..n of some blocks have a vector ``a_i`` in a candidate A and ``c_i`` in a child C, each n x d; ``B`` are
other candidates. With ``P`` the projection onto the complement of B's vectors of the block, as long vectors of n d
numbers, and rows of A less their mean,

    T_s(g) = sum over blocks and units of <(P (C - s A))_i, a_g(i)> = U(g) - s V(g),

where ``U(g) = sum <(P C)_i, a_g(i)>`` and ``V(g) = sum <(P A)_i, a_g(i)>`` depend on a permutation of the units of
each block through two arrays [n, n] only. The share that fits best is ``U(1) / V(1)``, since ``T_s(1)`` is 0 there.

In place of a_g(i) may stand any function of it, such as its direction: the theorem holds as well, and then a
candidate whose units are in order of length is none in order.

Null hypothesis H(s): given C - s A and B, the units of each block of A are exchangeable, independently of other
blocks: A is a model whose order carries no information about what is in C beside s A. It holds for s = 0 if A is a
stranger of C and B, and for s if C = s A + (anything made without A).

Group: permutations of the units of A within each block; blocks that are copies of one another are permuted as one.

Theorem (interval of a share). Let g_1..g_N be drawn independently and uniformly from the group, whatever A, B and C
are, and p(s) = (1 + #{k: |T_s(g_k)| >= |T_s(1)|}) / (N + 1). Under H(s), P(p(s) <= u) <= u for every u. So the set
{s: p(s) > a} contains the s of which H(s) holds with probability at least 1 - a. It is an interval or the whole line.

Proof. Under H(s), given C - s A =: D and B, A has the distribution of h A for h uniform in the group, independent of
the g_k. The T_s, as functions of A, are T(g_k h) and T(h) with T(g) = sum <(P D)_i, a_g(i)>, in which D and B are
fixed; and h, g_1 h, ..., g_N h are independent and uniform given the orbit, so T(h), T(g_1 h), ... are exchangeable,
and the rank of one among N + 1 exchangeable numbers has P(p <= u) <= u (ties count against it). For the shape:
|T_s(1)| = 0 at s_0 = U(1) / V(1), where every k counts. If |V(g_k)| < V(1), the s at which k counts, T_s(g_k)^2 -
T_s(1)^2 >= 0, lie between the two roots (U(1) -+ U(g_k)) / (V(1) -+ V(g_k)), and so form an interval that contains
s_0; else k counts everywhere (which can only widen the set). So the number that count falls away from s_0 on both
sides. ∎

A copy of A's block in B leaves nothing (V = 0), and the interval is the whole line.

*Others that are no strangers of A.* H(s) is given B: of B = C + e A, the order of A is known, and P (C) is near -e A,
though A is a stranger of C. So a share beyond others is one only if there is a share with B left out, too; see
``verify.shares``. Likewise candidates of one origin.

What the interval is not: if s differs over blocks, H(s) holds for none, and the interval is one for a mean share in
which the spread over blocks counts as noise. What further training made of A depends on A's order: the interval is
then one for how well A's units still fit, at their places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..base import StatisticsError

Array = NDArray[np.float64]

DRAWS = 9_999
"""Permutations drawn unless more are needed."""
_NOTHING = 1e-9
"""Of a length, below which what is left of it is rounding."""
_ROUNDING = 1 - 1e-12
"""Two orders whose sums differ by less count as equal, against a share."""
_KEYS = 1 << 22  # random numbers in memory at a time


class Products(NamedTuple):
    """Inner products in one block, arrays [n, n]."""

    child: Array
    """Of row i of the child, less what the others give, with row j of the candidate."""
    own: Array
    """Of row i of the candidate, likewise, with its row j."""


class Interval(NamedTuple):
    """An interval for a share."""

    low: float
    high: float
    """Both infinite where nothing can be said."""


class Share(NamedTuple):
    """How much of a candidate is in a child."""

    estimate: float
    """The share that fits best; NaN where there is nothing of the candidate beyond the others."""
    p: float
    """Of the hypothesis that there is none; at least 1 / (N + 1)."""
    interval: Interval


class Drawn(NamedTuple):
    """U and V, for the order as it is and for drawn orders."""

    child: float
    own: float
    drawn_child: Array
    """Shape [N]."""
    drawn_own: Array

    def __add__(self, other: Drawn) -> Drawn:  # type: ignore[override]
        """The sums over two sets of blocks."""
        return Drawn(
            self.child + other.child,
            self.own + other.own,
            self.drawn_child + other.drawn_child,
            self.drawn_own + other.drawn_own,
        )


def products(child: Array, candidate: Array, others: Sequence[Array], directions: Array | None = None) -> Products:
    """Inner products of one block.

    Parameters
    ----------
    child, candidate : vectors of the same n units, float64 [n, d].
    others : of the other candidates, likewise.
    directions : what the candidate's units are known by, a function of each vector by itself, such as the vector
        without its length: then units in order of length are no order. The vectors themselves by default.

    Returns
    -------
    Products
        Zeros if nothing of the candidate is beyond the others.
    """
    centred = candidate - candidate.mean(0)
    known = centred if directions is None else directions - directions.mean(0)
    beyond = _beyond([child, centred], [other - other.mean(0) for other in others])
    return Products(*(x @ known.T for x in beyond))


def _beyond(vectors: list[Array], others: list[Array]) -> list[Array]:
    """Vectors [n, d], seen as n d numbers each, less their projection onto others."""
    if not others:
        return vectors
    basis, sizes, _ = np.linalg.svd(np.stack([other.ravel() for other in others], axis=1), full_matrices=False)
    basis = basis[:, sizes > sizes.max(initial=0.0) * _NOTHING]
    left = [x - (basis @ (basis.T @ x.ravel())).reshape(x.shape) for x in vectors]
    return [
        rest if np.linalg.norm(rest) > _NOTHING * np.linalg.norm(x) else np.zeros_like(x)
        for rest, x in zip(left, vectors, strict=True)
    ]


def drawn(blocks: Sequence[Products], draws: int = DRAWS, *, seed: int = 1, number: int = 0) -> list[Drawn]:
    """U and V of blocks that are permuted as one, each by itself, for independent uniform permutations.

    Parameters
    ----------
    blocks : of equal n.
    draws : permutations drawn.
    seed : of the draws, which come from Philox, whose stream numpy keeps as it is in all versions.
    number : of the set of blocks; other numbers give other permutations.
    """
    n = len(blocks[0].child)
    step = max(1, _KEYS // max(1, n))
    sums = np.zeros((len(blocks), 2, draws))
    for start in range(0, draws, step):
        orders = _orders(n, min(step, draws - start), f"{seed} {number} {start}")
        entries = orders + n * np.arange(n)
        for block, found in zip(blocks, sums, strict=True):
            for array, total in zip(block, found, strict=True):
                total[start : start + step] = array.ravel().take(entries).sum(1)
    return [
        Drawn(float(np.trace(block.child)), float(np.trace(block.own)), *found)
        for block, found in zip(blocks, sums, strict=True)
    ]


def _orders(n: int, count: int, name: str) -> NDArray[np.intp]:
    """Uniform permutations of n places, shape [count, n]."""
    key = int.from_bytes(hashlib.sha256(f"verify share 1 {name}".encode()).digest()[:16])
    return np.argsort(np.random.Philox(key=key).random_raw((count, n)), axis=1)


def share_of(sums: Drawn, level: float) -> Share:
    """The share, the p-value of none, and the interval at a confidence level.

    Parameters
    ----------
    sums : as drawn.
    level : probability with which the interval contains the share, such as .99.

    Raises
    ------
    StatisticsError
        If so few permutations cannot exclude anything at this level.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> a, b = rng.normal(size=(2, 64, 32))
    >>> found = share_of(*drawn([products(0.3 * a + 0.7 * b, a, [])]), 0.99)
    >>> found.interval.low < 0.3 < found.interval.high, found.p
    (True, 0.0001)
    """
    total = len(sums.drawn_child) + 1
    kept = int(np.floor((1 - level) * total + 1e-9))
    if kept < 1:
        raise StatisticsError(
            f"{total - 1} permutations cannot exclude a share at level {level:g}; draw at least "
            f"{int(np.ceil(1 / (1 - level)))}."
        )
    none = 1 + int(np.count_nonzero(np.abs(sums.drawn_child) >= abs(sums.child) * _ROUNDING))
    if not sums.own > 0:
        return Share(float("nan"), none / total, Interval(-np.inf, np.inf))
    lows, highs = _where_they_count(sums)
    return Share(
        estimate=sums.child / sums.own,
        p=none / total,
        interval=Interval(_smallest(lows, kept), -_smallest(-highs, kept)),
    )


def _smallest(numbers: Array, k: int) -> float:
    """The k-th smallest of some numbers."""
    return float(np.partition(numbers, k - 1)[k - 1])


def _where_they_count(sums: Drawn) -> tuple[Array, Array]:
    """Ends of the interval in which each drawn order counts against a share; infinite if it counts everywhere."""
    bounded = np.abs(sums.drawn_own) < sums.own * _ROUNDING
    over = [np.where(bounded, sums.own + sign * sums.drawn_own, 1.0) for sign in (-1, 1)]
    roots = [(sums.child + sign * sums.drawn_child) / part for sign, part in zip((-1, 1), over, strict=True)]
    return np.where(bounded, np.minimum(*roots), -np.inf), np.where(bounded, np.maximum(*roots), np.inf)
