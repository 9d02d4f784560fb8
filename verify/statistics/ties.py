"""Blocks of one model that are copies of one another: one group, not several.

Shared blocks, stacked or duplicated layers, repeated kv heads and values mixed across layers tie
the arrangements of several blocks. Counted as independent they give strangers p-values down to
1e-62. Ties are looked for by testing the model against itself, two blocks at a time: does index i of one
resemble index i of the other more than it resembles the others? Scores are cosines of means over copies, at
indices alive in both blocks. The sum of the diagonal is compared with its mean and variance over relabellings of
one block (Hoeffding 1951), for the absolute scores and for the signed ones; where signs are tested, in place of the
latter, the signed diagonal with its variance over sign flips. The threshold is a normal quantile, Bonferroni's over
all pairs of blocks. Exact copies are tied whatever the sums say: if all live indices are alike at the same index,
or at least two are, and like no other.

Validity. Let R be the true ties: within a set of R one permutation (where signs are tested, one set of flips) acts
on all blocks. Permuting two blocks alike carries means over copies, their directions and the rows and columns of
every score array along. Where the signs of both are flipped at index i, the flipping parts of s_ij and s_ji, j not
i, are negated, and neither s_ii nor any absolute score changes. So whether two blocks look tied is unchanged by
joint permutations and, where signs are tested, by joint flips. For a partition D that is R or coarser, the event that
D is the join of R with the declared pairs inside D is unchanged by the group that acts on every set of D as one, and
given it the merged test is valid. Summing over D, P(p <= u) <= u (1 + c) + P(a tie of R is missed), c being the
expected number of partitions other than R that are joins of R with declared pairs. It is at most E(2^N - 1), N
counting the pairs of sets of R with a declaration between them: on average ``FALSE_TIE`` or less in one component
of one model, so far as the normal quantile is right, and chance exact copies (where signs are tested, what absolute
scores declare is the same for all flips, and not counted). A test reports the larger p-value of the merged groups
and of all blocks apart, which costs no size at all where nothing is tied.

Not found: ties too weak for the threshold, whose effect on a count is not bounded (two exact copies in sixteen
indices are found); inexact ties of blocks with fewer than about six indices (of signs alone, about twenty); ties at
other indices, between different slots of different layers (unless a chain of declared pairs links them), or without
resemblance at equal indices.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .blocks import Block, Grid, Vectors, common_indices
from .matching import MARGIN, fixed_points

FALSE_TIE = 1e-3
"""Expected number of false declarations by sums in one component of one model, by normal approximation.

Each only merges groups that could have stood apart.
"""

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


def tied(grid: Grid, *, signs: bool = False) -> TiedSets:
    """Find the tied blocks of one model, for a test of indices or of signs.

    Compared are the blocks of one slot in every two layers, and of every two slots in one layer.
    """
    from scipy.special import ndtri

    pairs = list(_pairs(grid))
    threshold = -float(ndtri(FALSE_TIE / max(1, 2 * len(pairs))))
    sets = TiedSets()
    for x, y in pairs:
        if _look_tied(grid[x[0]][x[1]], grid[y[0]][y[1]], threshold, signs):
            sets.union(x, y)
    return sets


def _pairs(grid: Grid) -> Iterator[tuple[Node, Node]]:
    slots = list(dict.fromkeys(slot for row in grid.values() for slot in row))
    for i, j in combinations(grid, 2):
        yield from (((i, slot), (j, slot)) for slot in slots if slot in grid[i] and slot in grid[j])
    for i, row in grid.items():
        yield from (((i, x), (i, y)) for x, y in combinations(row, 2))


def _look_tied(a: Block, b: Block, threshold: float, signs: bool) -> bool:
    common = common_indices([a, b])
    a, b = a.at(common), b.at(common)
    alive = np.logical_and.reduce([np.any(block.alive(), axis=0) for block in (a, b)])
    if not alive.any():
        return False
    fixed = _scores(a.fixed, b.fixed, alive)
    flipping = _scores(a.flipping, b.flipping, alive)
    parts = len(a.fixed + a.flipping)
    unsigned = (fixed + np.abs(flipping)) / parts
    exact = unsigned.diagonal() > 1 - MARGIN
    if exact.all() or (exact & fixed_points(unsigned)).sum() >= 2:
        return True
    if _relabelled(unsigned) > threshold:
        return True
    return (_flipped(flipping.diagonal()) if signs else _relabelled((fixed + flipping) / parts)) > threshold


def _scores(a: tuple[Vectors, ...], b: tuple[Vectors, ...], alive: NDArray[np.bool_]) -> Vectors:
    """Sum over vectors of the cosines of live indices, of the mean over copies; shape [n, n]."""
    n = int(alive.sum())
    total: Vectors = np.zeros((n, n))
    for x, y in zip(a, b, strict=True):
        total += _direction(x)[alive] @ _direction(y)[alive].T
    return total


def _relabelled(scores: Vectors) -> float:
    """The diagonal sum less its mean under relabelling, over its standard deviation."""
    centred = scores - scores.mean(0) - scores.mean(1)[:, None] + scores.mean()
    spread = np.sqrt(np.square(centred).sum() / max(1, len(scores) - 1))
    return float(centred.trace() / spread) if spread > 0 else 0.0


def _flipped(diagonal: Vectors) -> float:
    """The sum of numbers over its standard deviation under independent flips of their signs."""
    spread = np.sqrt(np.square(diagonal).sum())
    return float(diagonal.sum() / spread) if spread > 0 else 0.0


def _direction(x: Vectors) -> Vectors:
    """Direction of the mean over copies, shape [n, k]; as it is where there is one copy."""
    mean = x.mean(0)
    length = np.sqrt(np.square(mean).sum(-1, keepdims=True))
    direction: Vectors = mean / np.where(length > 0, length, 1.0)
    return direction
