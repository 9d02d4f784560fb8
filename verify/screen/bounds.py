r"""Bounds on the first stage's counts, for all pairs of two runs of models at once, in single precision.

The counts of ``counts.tally`` are exact, and nearly all of them are far from the level. So for every pair a *grade*
is found first, from which follows how small a p-value any of its counts can have; the counts themselves are made for
the pairs whose grade the level does not rule out, and for no others (``all_pairs``).

Theorem (no pair is lost). A pair of which a count has ``log10 p <= l`` has a grade of at least :func:`least_grade`
``(l)``.

Proof. Vectors are float16 numbers, exact in float32. Let ``x``, ``y`` be two of them, side by side with those whose
cosines are added: ``d`` numbers, and ``m`` vectors of length at most ``LENGTH`` in each. In any order of additions,
fused or not, the computed inner product is within ``d u / (1 - d u)`` times ``|x| |y|`` of the exact one, ``u =
2^-24`` (Higham 2002, eq. 3.5), and ``|x| |y| <= m LENGTH^2``; a sum of two such, or over copies, rounds once more
for each. :func:`_slack` is more than twice all of this, so more than the error of a *difference* of two scores.
*Fixed points.* An index counts where its score at itself exceeds by the margin its scores with all others. Here it
counts where it does so to within the slack: whatever counts exactly counts here, and no p-value of
``log10_p_fixed_points`` rises with the count. *Signs.* What is exactly positive is above minus the slack, so the
number ``c'`` of these, over all ``n'`` live indices, is at least ``c``; of the others that it holds, those exactly 0
are not among the ``n``. With ``P(n, c) = P(Binomial(n, 1/2) >= c)``: ``P(n + 1, c + 1) = (P(n, c + 1) + P(n, c)) / 2
<= P(n, c)``, so counting a zero as positive lowers p, and so does counting a negative as positive: ``P(n', c') <=
P(n, c)``. *Grades.* Eight times minus log10 p, rounded down, plus 1: one whole step above rounding, and the largest
over the counts. Where something cannot be bounded (vectors that are too long, or not finite) and where there is no
count, the grade is the largest. ∎
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import floor, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import shared_anchors
from ..inference import log10_p_fixed_points, log10_p_signs
from ..statistics import Source
from ..statistics.matching import MARGIN
from ..statistics.result import Law
from .counts import MOST_ORDERED
from .stacks import LENGTH, Run, Single, Stack, stacks

Grades = NDArray[np.uint8]
"""Shape [models of A, models of B]."""
Upper = NDArray[np.int32]

MOST = 255
"""The largest grade: nothing is ruled out."""
_STEPS = 8  # of a grade for a factor of 10
_UNIT = 2.0**-24  # roundoff of float32
_AT_ONCE = 1 << 18  # products in memory, which then stay in the cache


def least_grade(log10_level: float) -> int:
    """The smallest grade of a pair that can have a p-value of at most ``10 ** log10_level``.

    Examples
    --------
    >>> least_grade(-2.0), least_grade(0.0)
    (16, 0)
    """
    return min(MOST, max(0, floor(-_STEPS * log10_level)))


@dataclass(frozen=True)
class Graded:
    """Grades by one statistic, and its size as in ``counts.Tally``."""

    statistic: str
    law: Law
    grades: Grades
    groups: int
    most: int


def graded(law: Law, source: Source, a: Run, b: Run) -> Graded | None:
    """Grade all pairs of two runs of models by one statistic; None if they have no block in common.

    Parameters
    ----------
    law : null distribution of the count, ``fixed_points`` or ``signs``.
    source : the blocks that it is counted over.
    a, b : models of A and of B, each run of one signature.
    """
    shared = tuple(int(i) for i in shared_anchors(a.first.record, b.first.record))
    common = list(_in_common(*(stacks(run, source.read, shared) for run in (a, b))))
    if not common:
        return None
    shape, signs = (len(a.files), len(b.files)), law == "signs"
    sizes = [one.sizes if signs else (one.sizes[0], min(one.sizes[1], MOST_ORDERED)) for one in common]
    most, groups = sum(map(prod, sizes)), 0 if signs else sum(size[0] for size in sizes)
    if not all(one.a.bounded and one.b.bounded for one in common):
        return Graded(source.name, law, np.full(shape, MOST, np.uint8), groups, most)
    count = np.zeros(shape[::-1], np.int32)
    if signs:
        alive = np.zeros(shape[::-1], np.int32)
        for one in common:
            _add_signs(one, count, alive)
        grades = np.zeros(shape[::-1], np.uint8)
        for n in np.unique(alive):
            grades = np.where(alive == n, _grade_of(law, int(n), 0)[np.minimum(count, n)], grades)
    else:
        for one in common:
            _add_fixed_points(one, count)
        grades = _grade_of(law, most, groups)[count]
    return Graded(source.name, law, np.ascontiguousarray(grades.T), groups, most)


@lru_cache(maxsize=512)
def _grade_of(law: Law, n: int, groups: int) -> Grades:
    """Grade of each count from 0 to ``n``."""
    p = [log10_p_signs(k, n) if law == "signs" else log10_p_fixed_points(k, groups) for k in range(n + 1)]
    grades: Grades = np.minimum(np.floor(-_STEPS * np.array(p)) + 1, MOST).astype(np.uint8)
    return grades


@dataclass(frozen=True)
class _Common:
    """Blocks of equal shape of two runs."""

    a: Stack
    b: Stack
    groups: tuple[NDArray[np.intp], NDArray[np.intp]]
    """Positions of the common groups in each."""
    indices: tuple[slice | NDArray[np.intp], slice | NDArray[np.intp]]
    """Positions of the common indices in each."""
    sizes: tuple[int, int]
    """Groups and indices."""

    def pairs(self, kind: str, most: int | None = None) -> list[tuple[Any, Any]]:
        """Arrays [groups, copies, n, models, ...] of a kind, of A and of B, at the common indices."""
        return [
            (x[:, :, self.indices[0]][:, :, :most], y[:, :, self.indices[1]][:, :, :most])
            # one model may have fewer token tables: only those of both are compared
            for x, y in zip(getattr(self.a, kind), getattr(self.b, kind), strict=False)
        ]


def _in_common(a: Sequence[Stack], b: Sequence[Stack]) -> Iterator[_Common]:
    for x, y in product(a, b):
        of_b = {group: n for n, group in enumerate(y.groups)}
        both = [(n, of_b[group]) for n, group in enumerate(x.groups) if group in of_b]
        indices = np.intersect1d(x.indices, y.indices, assume_unique=True)
        vectors = min(len(x.sign_fixed), len(y.sign_fixed)) + min(len(x.sign_flipping), len(y.sign_flipping))
        if both and len(indices) and vectors:
            places = [
                slice(None) if len(indices) == len(one.indices) else np.searchsorted(one.indices, indices)
                for one in (x, y)
            ]
            first, second = np.array(both, dtype=np.intp).T
            yield _Common(x, y, (first, second), (places[0], places[1]), (len(both), len(indices)))


def _slack(numbers: int, vectors: int, sums: int = 1) -> float:
    """More than twice the error of a score: ``vectors`` cosines of ``numbers`` numbers in all, and copies added."""
    return 4 * (numbers + sums + 4) * _UNIT * vectors * sums**2 * LENGTH**2


def _add_fixed_points(common: _Common, count: Upper) -> None:
    """Add upper bounds on the fixed points of all pairs; [models of B, models of A]."""
    fixed, flipping = (common.pairs(kind, MOST_ORDERED) for kind in ("sign_fixed", "sign_flipping"))
    parts = len(fixed) + len(flipping)
    numbers = sum(x.shape[-1] for x, _ in fixed + flipping)
    less = np.float32(MARGIN * parts - _slack(numbers, parts))
    sides = [(_side_by_side(fixed, side), _side_by_side(flipping, side)) for side in (0, 1)]
    live = [pair for kind in ("live_fixed", "live_flipping") for pair in common.pairs(kind, MOST_ORDERED)]
    dead = [_dead(np.logical_and.reduce([pair[side] for pair in live])) for side in (0, 1)]
    copies_a, n, models_a = (fixed + flipping)[0][0].shape[1:4]
    copies_b, models_b = (fixed + flipping)[0][1].shape[1], (fixed + flipping)[0][1].shape[3]
    scores, turned, best = (np.empty((models_b, n, models_a), np.float32) for _ in range(3))
    top = np.empty((models_b, n, models_a), np.float32)
    flat = {"scores": scores.reshape(models_b, -1), "turned": turned.reshape(models_b, -1)}
    for g, h in zip(*common.groups, strict=True):
        best.fill(-parts)
        top.fill(-np.inf)
        for e in range(copies_a):
            for f in range(copies_b):
                for j in range(n):
                    if (y := sides[1][1]) is not None:
                        x = sides[0][1]
                        assert x is not None
                        np.matmul(y[h, f, j], x[g, e].reshape(-1, x.shape[-1]).T, out=flat["turned"])
                        np.abs(turned, out=turned)
                    if (y := sides[1][0]) is not None:
                        x = sides[0][0]
                        assert x is not None
                        np.matmul(y[h, f, j], x[g, e].reshape(-1, x.shape[-1]).T, out=flat["scores"])
                        if flipping:
                            np.add(scores, turned, out=scores)
                        here = scores
                    else:
                        here = turned
                    if dead[0] is not None:
                        here += dead[0][g, e]
                    if dead[1] is not None:
                        here += dead[1][h, f, j][:, None, None]
                    np.maximum(top[:, j], here[:, j], out=top[:, j])
                    here[:, j] = -np.inf
                    np.maximum(best, here, out=best)
        top -= less
        count += (top > best).view(np.int8).sum(1, dtype=np.int8)


def _side_by_side(pairs: Sequence[tuple[Single, Single]], side: int) -> Single | None:
    """Concatenate vectors whose cosines are added."""
    if len(pairs) == 1:
        return pairs[0][side]
    return np.concatenate([pair[side] for pair in pairs], axis=-1) if pairs else None


def _dead(alive: NDArray[np.bool_]) -> Single | None:
    """Minus infinity where an index is zero in any vector, else 0; None if none is."""
    return None if alive.all() else np.where(alive, np.float32(0), np.float32(-np.inf))


def _add_signs(common: _Common, count: Upper, alive: Upper) -> None:
    """Add upper bounds on positive signs, and numbers of live indices, of all pairs; [models of B, models of A]."""
    flipping = common.pairs("sign_flipping")
    copies = max(x.shape[1] for pair in flipping for x in pair)
    numbers = sum(x.shape[-1] for x, _ in flipping)
    least = np.float32(-_slack(numbers, len(flipping), copies))
    sides, live = [], []
    for side, groups in enumerate(common.groups):
        both = _side_by_side(flipping, side)
        assert both is not None
        chosen = both if len(groups) == len(both) else both[groups]
        summed = chosen.sum(1) if chosen.shape[1] > 1 else chosen[:, 0]
        sides.append(summed.reshape(-1, *summed.shape[2:]))
        lives = np.logical_and.reduce([pair[side] for pair in common.pairs("live_flipping")]).any(1)[groups]
        live.append(lives.reshape(-1, lives.shape[-1]))
    (a, b), (live_a, live_b) = sides, live
    whole = live_a.all() and live_b.all()
    step = max(1, min(100, _AT_ONCE // (a.shape[1] * b.shape[1])))
    for at in range(0, len(a), step):
        here = slice(at, at + step)
        positive = np.matmul(b[here], a[here].swapaxes(1, 2)) > least
        if not whole:
            positive &= live_b[here, :, None] & live_a[here, None, :]
        count += positive.view(np.int8).sum(0, dtype=np.int8)
    alive += len(a) if whole else (live_b.T.astype(np.float32) @ live_a.astype(np.float32)).astype(np.int32)
