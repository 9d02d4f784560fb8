"""Blocks of one model that are copies of one another: one group, not several.

Shared blocks, stacked or duplicated layers, repeated kv heads and values mixed across layers tie
the arrangements of several blocks. Counted as independent they give strangers p-values down to
1e-62. Ties are looked for by testing the model against itself, two blocks at a time: does index i of one
resemble index i of the other more than it resembles the others? The sum of the diagonal of a score array is
compared with its mean and variance over relabellings of one block (Hoeffding 1951), for the absolute scores and
for the signed ones; where signs are tested, the signed diagonal with its variance over sign flips instead. The
threshold is Bonferroni's over all pairs of blocks; exact copies at the same index are tied whatever the sums say.

Validity. Let R be the sets that are tied. Whether two blocks look tied is unchanged when both are permuted (where
signs are tested, flipped) alike; so given that the members of the declared sets do, permuting each set as one is
still a symmetry, and the test on merged groups is valid. Summing over what may be declared beyond R,
P(p <= u) <= u (1 + c) + P(a tie of R is missed), c being small with ``FALSE_TIE``, the expected number of false
declarations in one model. A test reports the larger p-value of the merged groups and of all blocks apart, which
costs no size at all where nothing is tied. Not found: ties too weak for the threshold, which hardly move a count
(two exact copies in sixteen are found), and inexact ties of blocks with fewer than about six indices.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .blocks import Block, Grid, Vectors, common_indices
from .matching import MARGIN, fixed_points

FALSE_TIE = 1e-3
"""Expected number of false declarations in one model; each only merges groups that could have stood apart."""

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
