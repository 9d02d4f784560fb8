"""Blocks of one model that are copies of one another: one group, not several.

Shared blocks, stacked or duplicated layers, repeated kv heads and values mixed across layers tie
the arrangements of several blocks. Counted as independent they give strangers p-values down to
1e-62. Ties are looked for by testing the model against itself: do units of one block find their own
index in another?

Validity. Merging blocks into one group is valid whether or not they are copies; keeping them apart
is valid if they are not. Where a tie is declared, a test reports the larger of the two p-values. If no
blocks are copies, that is never below the valid one of all blocks apart; if some are, and all of those
are declared, it is never below the valid one of the merged groups, unless a further tie is declared
falsely: then, with probability at most ``FALSE_TIE`` a model, the choice of groups was seen by the data.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import combinations
from math import log10

import numpy as np
from numpy.typing import NDArray

from ..inference import log10_p_fixed_points
from .blocks import Grid, common_indices, score
from .matching import MARGIN, fixed_points

FALSE_TIE = 1e-6
"""Largest probability, over one model, of declaring a tie that is not there."""

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

    Two layers are compared slot by slot with the counts pooled, and two slots layer by layer:
    copies come as whole layers, or as a head repeated in every layer.
    """
    layers, slots = list(grid), list(dict.fromkeys(slot for row in grid.values() for slot in row))
    candidates: list[list[tuple[Node, Node]]] = [
        [((i, slot), (j, slot)) for slot in slots if slot in grid[i] and slot in grid[j]]
        for i, j in combinations(layers, 2)
    ]
    candidates += [
        [((i, x), (i, y)) for i in layers if x in grid[i] and y in grid[i]] for x, y in combinations(slots, 2)
    ]
    sets = TiedSets()
    for pairs in filter(None, candidates):
        scores = [_self_scores(grid, x, y) for x, y in pairs]
        found = sum(int(fixed_points(s).sum()) for s in scores)
        if log10_p_fixed_points(found, len(pairs)) <= log10(FALSE_TIE / len(candidates)) or _copied(scores):
            for x, y in pairs:
                sets.union(x, y)
    return sets


def _self_scores(grid: Grid, x: Node, y: Node) -> NDArray[np.float64]:
    first, second = grid[x[0]][x[1]], grid[y[0]][y[1]]
    common = common_indices([first, second])
    return score(first.at(common), second.at(common))


def _copied(scores: list[NDArray[np.float64]]) -> bool:
    """Whether every index equals itself: too few indices for a count to tell, but copies all the same."""
    diagonal = np.concatenate([s.diagonal() for s in scores])
    alive = diagonal[np.isfinite(diagonal)]
    return bool(len(alive) and alive.min() > 1 - MARGIN)
