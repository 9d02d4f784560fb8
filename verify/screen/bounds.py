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
``log10_p_fixed_points`` rises with the count. Compared with some of the others alone it counts all the more: what
exceeds its scores with all exceeds those with any. *Signs.* What is exactly positive is above minus the slack, so the
number ``c'`` of these, over all ``n'`` live indices, is at least ``c``; of the others that it holds, those exactly 0
are not among the ``n``. With ``P(n, c) = P(Binomial(n, 1/2) >= c)``: ``P(n + 1, c + 1) = (P(n, c + 1) + P(n, c)) / 2
<= P(n, c)``, so counting a zero as positive lowers p, and so does counting a negative as positive: ``P(n', c') <=
P(n, c)``. *Grades.* Eight times minus log10 p, rounded down, plus 1: one whole step above rounding, and the largest
over the counts. Where something cannot be bounded (vectors that are too long, or not finite) and where there is no
count, the grade is the largest. ∎

Some of the others. Of 20 layers of 16 units, strangers have 20 fixed points, and 44 reach a level of 4e-6: if every
unit is compared with 10 of the others, 29 seem to be left, and one pair in 400 has 44. So each index is compared with
as few as leave few pairs, and these are compared in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import erfc, floor, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import shared_anchors
from ..inference import log10_p_fixed_points, log10_p_signs
from ..statistics import Source
from ..statistics.matching import MARGIN
from ..statistics.result import Law
from .counts import MOST_ORDERED
from .stacks import KINDS, LENGTH, Kind, Run, Single, Stack, stacks

Grades = NDArray[np.uint8]
"""Shape [models of A, models of B]."""
Upper = NDArray[np.int32]

MOST = 255
"""The largest grade: nothing is ruled out."""
_STEPS = 8  # of a grade for a factor of 10
_UNIT = 2.0**-24  # roundoff of float32
_AT_ONCE = 1 << 18  # products in memory, which then stay in the cache
_ONE_BY_ONE = 20  # times as long as beside the others takes a pair that is compared by itself


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


def graded(law: Law, source: Source, a: Run, b: Run, least: int = 0) -> Graded | None:
    """Grade all pairs of two runs of models by one statistic; None if they have no block in common.

    Parameters
    ----------
    law : null distribution of the count, ``fixed_points`` or ``signs``.
    source : the blocks that it is counted over.
    a, b : models of A and of B, each run of one signature.
    least : grade from which pairs are told apart: a smaller one may be larger than it need be, but stays below it.
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
        grade_of = _grade_of(law, most, groups)
        both = [_Sides.of(one) for one in common]
        others = _others(sizes, int(np.searchsorted(grade_of, least)))
        for sides in both:
            _add_fixed_points(sides, count, others)
        if any(others < n - 1 for _, n in sizes):
            for j, i in np.argwhere(grade_of[count] >= least).tolist():
                count[j, i] = sum(_fixed_points(sides, i, j) for sides in both)
        grades = grade_of[count]
    return Graded(source.name, law, np.ascontiguousarray(grades.T), groups, most)


@lru_cache(maxsize=512)
def _grade_of(law: Law, n: int, groups: int) -> Grades:
    """Grade of each count from 0 to ``n``."""
    p = [log10_p_signs(k, n) if law == "signs" else log10_p_fixed_points(k, groups) for k in range(n + 1)]
    grades: Grades = np.minimum(np.floor(-_STEPS * np.array(p)) + 1, MOST).astype(np.uint8)
    return grades


def _others(sizes: Sequence[tuple[int, int]], critical: int) -> int:
    """With how many others to compare each index first, for the least work.

    Parameters
    ----------
    sizes : groups and indices of each stack.
    critical : the count from which a pair is then compared in full.
    """
    least, best = float("inf"), 0
    for others in range(max(n for _, n in sizes)):
        compared = [(groups * n, min(others, n - 1)) for groups, n in sizes]
        mean = sum(indices / (1 + some) for indices, some in compared)
        work = float(sum(indices * (1 + some) for indices, some in compared))
        if any(some < n - 1 for (_, some), (_, n) in zip(compared, sizes, strict=True)):
            beyond = (critical - 0.5 - mean) / (sqrt(mean * others / (1 + others)) or 1.0)
            work += _ONE_BY_ONE * erfc(beyond / sqrt(2)) / 2 * sum(groups * n * n for groups, n in sizes)
        least, best = min((least, best), (work, others))
    return best


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

    def parts(self, kind: Kind) -> int:
        """Vectors of a kind, which are compared: one model may have fewer token tables."""
        return min(len(getattr(one, kind)) for one in (self.a, self.b))

    def vectors(self, kind: Kind, most: int | None = None) -> tuple[Single, Single] | None:
        """Vectors of a kind side by side, [groups, copies, n, models, k] of A and of B; None if there are none."""
        x, y = (one.joined(kind, self.parts(kind)) for one in (self.a, self.b))
        return None if x is None or y is None else (self._at(x, 0, most), self._at(y, 1, most))

    def live(self, side: int, *kinds: Kind, most: int | None = None) -> NDArray[np.bool_]:
        """Which indices of A (0) or B (1) are zero in no vector, [groups, copies, n, models]."""
        one = (self.a, self.b)[side]
        all_ = [x for kind in kinds for x in one.live(kind)[: self.parts(kind)]]
        alive: NDArray[np.bool_] = np.logical_and.reduce(all_)
        return self._at(alive, side, most)

    def _at(self, x: NDArray[Any], side: int, most: int | None) -> NDArray[Any]:
        return x[:, :, self.indices[side]][:, :, :most]


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


@dataclass(frozen=True)
class _Sides:
    """What the fixed points of a stack are counted from, of A and of B."""

    common: _Common
    kinds: tuple[tuple[Single, Single, bool], ...]
    """Vectors side by side, [groups, copies, n, models, k], and whether their signs flip."""
    dead: tuple[Single, Single] | None
    """Minus infinity for an index that is zero in a vector, else 0, [groups, copies, n, models]; None if none is."""
    parts: int
    """Cosines of a score."""
    less: np.float32
    """By how much a score must exceed the others: the margin, less the slack."""

    @staticmethod
    def of(common: _Common) -> _Sides:
        """The first indices of all models."""
        found = [(common.vectors(kind, MOST_ORDERED), kind == "sign_flipping") for kind in KINDS]
        kinds = tuple((*vectors, flip) for vectors, flip in found if vectors is not None)
        parts, numbers = sum(map(common.parts, KINDS)), sum(x.shape[-1] for x, *_ in kinds)
        live_a, live_b = (common.live(side, *KINDS, most=MOST_ORDERED) for side in (0, 1))
        dead = None if live_a.all() and live_b.all() else (_dead(live_a), _dead(live_b))
        return _Sides(common, kinds, dead, parts, np.float32(MARGIN * parts - _slack(numbers, parts)))

    @property
    def n(self) -> int:
        """Number of indices."""
        return int(self.kinds[0][0].shape[2])

    @property
    def copies(self) -> list[tuple[int, int]]:
        """Each copy of A's blocks with each of B's."""
        a, b, _ = self.kinds[0]
        return list(product(range(a.shape[1]), range(b.shape[1])))


def _add_fixed_points(sides: _Sides, count: Upper, others: int) -> None:
    """Add upper bounds on the fixed points of all pairs; [models of B, models of A].

    Parameters
    ----------
    sides : the vectors.
    count : what is added to.
    others : number of indices of B that each index of A is compared with, those next to it; all if there are fewer.
    """
    n, width = sides.n, min(others, sides.n - 1) + 1
    begin = np.clip(np.arange(n) - width // 2, 0, n - width)  # of the indices of B beside each of A
    beside = [np.flatnonzero((begin <= j) & (j < begin + width)) for j in range(n)]
    models_b, models_a = count.shape
    top, best, *memory = np.empty((4, models_b, n, models_a), np.float32)
    for g, h in zip(*sides.common.groups, strict=True):
        best.fill(-sides.parts)
        top.fill(-np.inf)
        for e, f in sides.copies:
            for j, of_a in enumerate(beside):
                here, at = slice(int(of_a[0]), int(of_a[-1]) + 1), j - int(of_a[0])
                scores = _scores(sides, (g, e, here), (h, f, j), memory)
                np.maximum(top[:, j], scores[:, at], out=top[:, j])
                scores[:, at] = -np.inf
                np.maximum(best[:, here], scores, out=best[:, here])
        top -= sides.less
        count += (top > best).view(np.int8).sum(1, dtype=np.int8)


def _scores(
    sides: _Sides, at_a: tuple[int, int, slice], at_b: tuple[int, int, int], memory: Sequence[Single]
) -> Single:
    """Scores of some indices of a block of A with one of B, in the memory given; [models of B, n, models of A]."""
    made = []
    for (a, b, flip), place in zip(sides.kinds, memory, strict=False):
        x, y = a[at_a], b[at_b]
        products = place.reshape(-1)[: len(y) * len(x) * x.shape[1]].reshape(len(y), -1)
        np.matmul(y, x.reshape(-1, x.shape[-1]).T, out=products)
        if flip:
            np.abs(products, out=products)
        made.append(products.reshape(len(y), *x.shape[:2]))
    scores = made[0]
    for further in made[1:]:
        scores += further
    if sides.dead is not None:
        scores += sides.dead[0][at_a]
        scores += sides.dead[1][at_b][:, None, None]
    return scores


def _fixed_points(sides: _Sides, i: int, j: int) -> int:
    """Upper bound on the fixed points of model ``i`` of A with model ``j`` of B, each index compared with all."""
    groups_a, groups_b = sides.common.groups
    best = np.full((len(groups_a), sides.n, sides.n), -np.inf, np.float32)
    for e, f in sides.copies:
        scores = np.zeros_like(best)
        for a, b, flip in sides.kinds:
            products = b[:, f, :, j][groups_b] @ a[:, e, :, i][groups_a].swapaxes(1, 2)
            scores += np.abs(products) if flip else products
        if sides.dead is not None:
            scores += sides.dead[0][:, e, :, i][groups_a][:, None, :]
            scores += sides.dead[1][:, f, :, j][groups_b][:, :, None]
        np.maximum(best, scores, out=best)
    itself = np.arange(sides.n)
    top = best[:, itself, itself] - sides.less
    best[:, itself, itself] = -np.inf
    return int((top > np.maximum(best.max(1), -sides.parts)).sum())


def _dead(alive: NDArray[np.bool_]) -> Single:
    return np.where(alive, np.float32(0), np.float32(-np.inf))


def _add_signs(common: _Common, count: Upper, alive: Upper) -> None:
    """Add upper bounds on positive signs, and numbers of live indices, of all pairs; [models of B, models of A]."""
    flipping = common.vectors("sign_flipping")
    assert flipping is not None
    copies, numbers = max(x.shape[1] for x in flipping), flipping[0].shape[-1]
    least = np.float32(-_slack(numbers, common.parts("sign_flipping"), copies))
    sides, live = [], []
    for side, (both, groups) in enumerate(zip(flipping, common.groups, strict=True)):
        chosen = both if len(groups) == len(both) else both[groups]
        summed = chosen.sum(1) if chosen.shape[1] > 1 else chosen[:, 0]
        sides.append(summed.reshape(-1, *summed.shape[2:]))
        lives: NDArray[np.bool_] = np.logical_or.reduce(common.live(side, "sign_flipping")[groups], axis=1)
        live.append(lives.reshape(-1, lives.shape[-1]))
    (a, b), (live_a, live_b) = sides, live
    whole = bool(live_a.all() and live_b.all())
    step = max(1, min(100, _AT_ONCE // (a.shape[1] * b.shape[1])))
    for at in range(0, len(a), step):
        here = slice(at, at + step)
        positive = np.matmul(b[here], a[here].swapaxes(1, 2)) > least
        if not whole:
            positive &= live_b[here, :, None] & live_a[here, None, :]
        count += positive.view(np.int8).sum(0, dtype=np.int8)
    alive += len(a) if whole else (live_b.T.astype(np.float32) @ live_a.astype(np.float32)).astype(np.int32)
