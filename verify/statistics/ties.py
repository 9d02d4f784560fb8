"""Find blocks of one model that are copies of one another, which form one group and not several.

Shared blocks, stacked or duplicated layers, repeated kv heads and values mixed across layers tie the arrangements of
several blocks. Counted as independent they give unrelated models p-values down to 1e-62. Ties are found by testing
the model against itself, two blocks at a time: does index i of one resemble index i of the other more than it
resembles the others? Scores are cosines of means over copies, at indices alive in both blocks. The sum of the
diagonal is compared with its mean and variance over relabellings of one block (Hoeffding 1951), for the absolute
scores and for the signed ones; where signs are tested, in place of the latter, the numbers of ``swaps``, two indices
each, with their variance over sign flips. The threshold is a normal quantile, Bonferroni's over all pairs of blocks.
Exact copies are tied whatever the sums say: if all live indices are alike at the same index, or at least two are, and
like no other. No sum of n - 1 or less can tell n live indices (the most that n of them can reach): so few are tied if
each is the unique best match of its own, both ways, at a mean absolute score above ``ALIKE``. Four channels of a
head, and four units of an expert, are such blocks at screen effort.

Validity. Let R be the true ties: within a set of R one permutation (where signs are tested, one set of swaps or of
flips of pairs) acts on all blocks. Permuting two blocks alike carries means over copies, their directions and the
rows and columns of every score array along. Swapping the indices of a pair in both, or flipping both indices in both,
leaves every number of ``swaps`` as it is (the two signs cancel), and no flip changes an absolute score. So whether
two blocks look tied is unchanged by joint permutations and, where signs are tested, by joint swaps and flips of
pairs. For a partition D that is R or coarser, the event that D is the join of R with the declared pairs inside D is
unchanged by the group that acts on every set of D as one, and given it the merged test is valid. Summing over D, P(p
<= u) <= u (1 + c) + P(a tie of R is missed), c being the expected number of partitions other than R that are joins of
R with declared pairs. It is at most E(2^N - 1), N counting the pairs of sets of R with a declaration between them: on
average ``FALSE_TIE`` or less in one component of one model, so far as the normal quantile is right, and chance
copies, exact or of few indices (where signs are flipped, what absolute scores declare is the same for all flips, and
not counted). Four unrelated projections of 32 dimensions have a mean absolute cosine of .14, and above .5 less than
once in a million. A test reports the larger p-value of the merged groups and of all blocks apart, which costs no size
at all where nothing is tied.

Not found: ties too weak for the threshold, whose effect on a count is not bounded (two exact copies in sixteen
indices are found); ties of few indices below ``ALIKE``; ties of signs alone, of fewer than about forty; ties at
other indices, between different slots of different layers (unless a chain of declared pairs links them), or without
resemblance at equal indices.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import product
from math import isqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .blocks import Block, BlocksByLayer, Vectors, groups_at_once
from .matching import MARGIN, fixed_points
from .possible_ties import LONGEST, MOST, Single, may_look_tied
from .swaps import differences

FALSE_TIE = 1e-3
"""Expected number of false ties by sums in one component of one model, by normal approximation.

A false tie only merges groups that could have been separate.
"""

ALIKE = 0.5
"""Mean absolute score above which blocks with too few indices for sums count as tied."""

_FEW = 16  # pairs of blocks, of which single precision would rule none out any sooner

Node = tuple[int, str]


class TiedSets:
    """Disjoint sets (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, node: Hashable) -> Hashable:
        """The representative of a node's set."""
        while (parent := self._parent.get(node, node)) != node:
            node = parent
        return node

    def union(self, x: Hashable, y: Hashable) -> None:
        """Put two nodes, and all that is tied to them, into one set."""
        self._parent[self.find(x)] = self.find(y)


def tied(grid: BlocksByLayer, *, signs: bool = False) -> TiedSets:
    """Find the tied blocks of one model, for a test of indices or of signs.

    Blocks are compared between any two layers at the same slot, and between any two slots in one layer.
    """
    lines = _lines(grid)
    pairs = sum(len(line) * (len(line) - 1) // 2 for line in lines)
    threshold = -NormalDist().inv_cdf(FALSE_TIE / max(1, 2 * pairs))
    sets = TiedSets()
    for line in lines:
        of_indices = _Means.by_indices(line, [grid[layer][slot] for layer, slot in line])
        for a, b in product(of_indices, repeat=2):
            asked = a.places[:, None] < b.places
            if asked.sum() > _FEW:
                asked &= _may_look_tied(a, b, threshold, signs)
            first, second = np.nonzero(asked)
            step = groups_at_once(len(b.indices), len(b.indices))
            for start in range(0, len(first), step):
                of_a, of_b = (of_side[start : start + step] for of_side in (first, second))
                looks = _look_tied(a.at(of_a), b.at(of_b), threshold, signs)
                for i in np.flatnonzero(looks):
                    sets.union(a.nodes[of_a[i]], b.nodes[of_b[i]])
    return sets


def _lines(grid: BlocksByLayer) -> list[list[Node]]:
    """Sets of blocks that are compared pairwise: those of one slot, and those of one layer."""
    slots = list(dict.fromkeys(slot for row in grid.values() for slot in row))
    of_slots = [[(layer, slot) for layer, row in grid.items() if slot in row] for slot in slots]
    return of_slots + [[(layer, slot) for slot in row] for layer, row in grid.items()]


class _Single(NamedTuple):
    """Directions of some blocks in single precision."""

    vectors: tuple[Single, Single]
    """Those whose sign is fixed and those that flip, arrays side by side, shape [blocks, n, k]."""
    whole: NDArray[np.bool_]
    """Blocks of which all indices are alive and finite, shape [blocks]."""


class _Means(NamedTuple):
    """Normalised means over copies of the vectors of some blocks with the same indices, each [blocks, n, k]."""

    nodes: list[Node]
    places: NDArray[np.intp]
    """Places of the blocks among those that are compared, shape [blocks]."""
    indices: NDArray[np.intp]
    alive: NDArray[np.bool_]
    """Indices alive in any copy, shape [blocks, n]."""
    sign_fixed: tuple[Vectors, ...]
    sign_flipping: tuple[Vectors, ...]

    @staticmethod
    def by_indices(nodes: list[Node], blocks: list[Block]) -> list[_Means]:
        """Blocks in sets with the same indices."""
        found: dict[bytes, list[int]] = {}
        for place, block in enumerate(blocks):
            found.setdefault(block.indices.tobytes(), []).append(place)
        return [_Means._of(nodes, blocks, places) for places in found.values()]

    @staticmethod
    def _of(nodes: list[Node], blocks: list[Block], places: list[int]) -> _Means:
        same = [blocks[place] for place in places]
        fixed, flipping = (
            tuple(_directions(vectors) for vectors in zip(*(getattr(block, name) for block in same), strict=True))
            for name in ("sign_fixed", "sign_flipping")
        )
        alive = np.array([block.alive.any(0) for block in same])
        return _Means([nodes[at] for at in places], np.array(places), same[0].indices, alive, fixed, flipping)

    def single(self, common: NDArray[np.intp]) -> _Single:
        """Directions at the ``common`` indices in single precision, arrays side by side."""
        where = np.searchsorted(self.indices, common)
        fixed, flipping = (
            _side_by_side(group, where, len(self.nodes)) for group in (self.sign_fixed, self.sign_flipping)
        )
        whole: NDArray[np.bool_] = np.all(self.alive[:, where], axis=1)
        for x in (fixed, flipping):
            whole &= np.isfinite(x).all((1, 2))
        return _Single((fixed, flipping), whole)

    def at(self, blocks: NDArray[np.intp]) -> _Means:
        """Some of the blocks, which may repeat."""
        fixed, flipping = (tuple(x[blocks] for x in group) for group in (self.sign_fixed, self.sign_flipping))
        return _Means(self.nodes, self.places[blocks], self.indices, self.alive[blocks], fixed, flipping)


def _may_look_tied(a: _Means, b: _Means, threshold: float, signs: bool) -> NDArray[np.bool_]:
    """Whether each block of A may look tied to each of B, in single precision; shape [blocks of A, blocks of B]."""
    common = np.intersect1d(a.indices, b.indices, assume_unique=True)
    first = a.single(common)
    second = first if b is a else b.single(common)
    may = np.ones((len(a.nodes), len(b.nodes)), np.bool_)
    if not 0 < len(common) <= MOST or sum(x.shape[2] for x in first.vectors) > LONGEST or threshold >= 10:
        return may
    rows, columns = np.flatnonzero(first.whole), np.flatnonzero(second.whole)
    step = max(1, isqrt(groups_at_once(len(common), len(common))))
    parts = len(a.sign_fixed + a.sign_flipping)
    for i in range(0, len(rows), step):
        for j in range(0, len(columns), step):
            at_a, at_b = rows[i : i + step], columns[j : j + step]
            if a.places[at_a].min() < b.places[at_b].max():
                fixed, flipping = ((x[at_a], y[at_b]) for x, y in zip(first.vectors, second.vectors, strict=True))
                may[np.ix_(at_a, at_b)] = may_look_tied(fixed, flipping, parts, threshold, ALIKE, signs)
    return may


def _look_tied(a: _Means, b: _Means, threshold: float, signs: bool) -> NDArray[np.bool_]:
    """Whether each block of A looks tied to the block of B at the same place; shape [blocks]."""
    common = np.intersect1d(a.indices, b.indices, assume_unique=True)
    at_a, at_b = np.searchsorted(a.indices, common), np.searchsorted(b.indices, common)
    alive = a.alive[:, at_a] & b.alive[:, at_b]

    def scores(name: str) -> Vectors:
        total: Vectors = np.zeros((len(alive), len(common), len(common)))
        for x, y in zip(getattr(a, name), getattr(b, name), strict=True):
            total += x[:, at_a] @ np.ascontiguousarray(y[:, at_b].transpose(0, 2, 1))
        return total

    fixed, flipping = scores("sign_fixed"), scores("sign_flipping")
    parts = len(a.sign_fixed + a.sign_flipping)
    unsigned = (fixed + np.abs(flipping)) / parts
    looks = _exact(unsigned, alive) | _few(unsigned, alive, threshold) | (_relabelled(unsigned, alive) > threshold)
    if signs:
        return looks | (_flipped(differences(flipping, alive)) > threshold)
    return looks | (_relabelled((fixed + flipping) / parts, alive) > threshold)


def _exact(scores: Vectors, alive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all live indices are alike at the same index, or at least two are, and like no other: [others]."""
    alike = (np.diagonal(scores, axis1=1, axis2=2) > 1 - MARGIN) & alive
    exact: NDArray[np.bool_] = np.all(alike | ~alive, axis=1) & np.any(alive, axis=1)
    for i in np.flatnonzero(~exact & (alike.sum(axis=1) >= 2)):
        live = np.where(np.outer(alive[i], alive[i]), scores[i], -np.inf)
        exact[i] = (alike[i] & fixed_points(live)).sum() >= 2
    return exact


def _few(scores: Vectors, alive: NDArray[np.bool_], threshold: float) -> NDArray[np.bool_]:
    """Whether all live indices, at least two and too few for sums, are each other's unique best match: [others]."""
    live = alive.sum(axis=1)
    diagonal = np.where(alive, np.diagonal(scores, axis1=1, axis2=2), 0.0)
    few: NDArray[np.bool_] = (live >= 2) & (live - 1 <= threshold) & (diagonal.sum(axis=1) > ALIKE * live)
    for i in np.flatnonzero(few):
        among = scores[i][np.ix_(alive[i], alive[i])]
        few[i] = fixed_points(among).all() and fixed_points(among.T).all()
    return few


def _relabelled(scores: Vectors, alive: NDArray[np.bool_]) -> Vectors:
    """Diagonal sums less their means under relabelling of live indices, over their standard deviations."""
    live = alive[:, :, None] & alive[:, None, :]
    n = np.maximum(1, alive.sum(axis=1))
    scores = np.where(live, scores, 0.0)
    rows, columns = (scores.sum(axis=axis, keepdims=True) / n[:, None, None] for axis in (1, 2))
    means = rows.sum(axis=2, keepdims=True) / n[:, None, None]
    centred = np.where(live, scores - rows - columns + means, 0.0)
    spread = np.sqrt(np.square(centred).sum(axis=(1, 2)) / np.maximum(1, n - 1))
    return _standardised(np.trace(centred, axis1=1, axis2=2), spread)


def _flipped(numbers: Vectors) -> Vectors:
    """Sums of the numbers of live pairs over their standard deviations under independent flips of their signs."""
    numbers = np.nan_to_num(numbers)
    return _standardised(numbers.sum(axis=1), np.sqrt(np.square(numbers).sum(axis=1)))


def _standardised(sums: Vectors, spread: Vectors) -> Vectors:
    return np.where(spread > 0, sums / np.where(spread > 0, spread, 1.0), 0.0)


def _side_by_side(arrays: tuple[Vectors, ...], where: NDArray[np.intp], blocks: int) -> Single:
    """Arrays at some indices in single precision, one beside the other."""
    some = [x[:, where].astype(np.float32) for x in arrays]
    return np.concatenate(some, axis=2) if some else np.zeros((blocks, len(where), 0), np.float32)


def _directions(vectors: tuple[Vectors, ...]) -> Vectors:
    """Normalised means over copies of some blocks, each [copies, n, k], shape [blocks, n, k]."""
    means = np.array([x[0] if len(x) == 1 else x.mean(0) for x in vectors])
    lengths = np.sqrt(np.square(means).sum(-1, keepdims=True))
    directions: Vectors = means / np.where(lengths > 0, lengths, 1.0)
    return directions
