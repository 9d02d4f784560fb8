"""Blocks of one model that are copies of one another: one group, not several.

Shared blocks, stacked or duplicated layers, repeated kv heads and values mixed across layers tie
the arrangements of several blocks. Counted as independent they give strangers p-values down to
1e-62. Ties are looked for by testing the model against itself: does index i of one block resemble index i of
another more than it resembles the others? The sum of the diagonal of the signed score array is compared with its
mean and variance over relabellings of one block (Hoeffding 1951), over a threshold by Bonferroni; blocks that share
exact copies at the same index are tied whatever the sum says.

Validity. Let D be the sets declared tied, R those that are. Whether the members of a set look tied is unchanged when
all of them are permuted alike; so given that they do, permuting each set of D as one is still a symmetry, and the
test on merged groups is valid. Summing over what may be declared beyond R, P(p <= u) <= u (1 + c), c being the
expected number of such false declarations, about ``FALSE_TIE`` a model. A test reports the larger p-value of the
merged groups and of all blocks apart, which costs no size where nothing is tied. What is left is a tie that is *not*
declared: very weak ones (two in sixteen exact copies, or a correlation of .1 between 24 layers, are found), and
inexact ones of blocks with fewer than about six indices, which no test could see.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import combinations

import numpy as np

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


def tied(grid: Grid) -> TiedSets:
    """Find the tied blocks of one model.

    Every two layers are compared slot by slot, and every two slots layer by layer: each pair of blocks
    by itself, and all pairs of two layers (or two slots) together, since copies mostly come that way.
    """
    from scipy.special import ndtri

    candidates = list(_candidates(grid))
    tests = sum(len(pairs) + (len(pairs) > 1) for pairs in candidates)
    threshold = -float(ndtri(FALSE_TIE / max(1, tests)))
    sets = TiedSets()
    for pairs in candidates:
        found = [_diagonal(grid[x[0]][x[1]], grid[y[0]][y[1]]) for x, y in pairs]
        excess, variance = (sum(row[k] for row in found) for k in (0, 1))
        together = _beyond(excess, variance, threshold)
        for (x, y), (own, spread, copied) in zip(pairs, found, strict=True):
            if together or copied or _beyond(own, spread, threshold):
                sets.union(x, y)
    return sets


def _candidates(grid: Grid) -> Iterator[list[tuple[Node, Node]]]:
    layers, slots = list(grid), list(dict.fromkeys(slot for row in grid.values() for slot in row))
    for i, j in combinations(layers, 2):
        if pairs := [((i, slot), (j, slot)) for slot in slots if slot in grid[i] and slot in grid[j]]:
            yield pairs
    for x, y in combinations(slots, 2):
        if pairs := [((i, x), (i, y)) for i in layers if x in grid[i] and y in grid[i]]:
            yield pairs


def _beyond(excess: float, variance: float, threshold: float) -> bool:
    return variance > 0 and excess > threshold * variance**0.5


def _diagonal(a: Block, b: Block) -> tuple[float, float, bool]:
    """Excess and variance of the diagonal sum of the signed scores, and whether there are exact copies.

    The excess is over the mean under relabelling. Exact copies: all live indices, or at least two that
    resemble no other index as much.
    """
    common = common_indices([a, b])
    a, b = a.at(common), b.at(common)
    alive = a.alive().any(0) & b.alive().any(0)
    n = int(alive.sum())
    if n == 0:
        return 0.0, 0.0, False
    pairs = list(zip(a.fixed + a.flipping, b.fixed + b.flipping, strict=True))
    scores = np.mean([_direction(x) @ _direction(y).T for x, y in pairs], axis=0)
    scores = scores[np.ix_(alive, alive)]
    diagonal = scores.diagonal()
    exact = diagonal > 1 - MARGIN
    copied = bool(exact.all() or (exact & fixed_points(scores)).sum() >= 2)
    centred = scores - scores.mean(0) - scores.mean(1)[:, None] + scores.mean()
    variance = float(np.square(centred).sum()) / (n - 1) if n > 1 else 0.0
    return float(centred.trace()), variance, copied


def _direction(x: Vectors) -> Vectors:
    """Direction of the mean over copies, shape [n, k]; as it is where there is one copy."""
    mean = x.mean(0)
    length = np.sqrt(np.square(mean).sum(-1, keepdims=True))
    direction: Vectors = mean / np.where(length > 0, length, 1.0)
    return direction
