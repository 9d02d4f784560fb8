"""Blocks of one model that are copies of one another: one group, not several.

Shared blocks, stacked or duplicated layers, repeated kv heads and values mixed across layers tie
the arrangements of several blocks. Counted as independent they give strangers p-values down to
1e-62. Ties are looked for by testing the model against itself: do units of one block find their own
index in another?

Validity. Merging blocks into one group is valid whether or not they are copies; keeping them apart
is valid if they are not. Where a tie is declared, a test reports the larger of the two p-values: that is
never below a valid one, whatever made the declaration, so declaring liberally costs power only.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import combinations
from math import log10

from ..inference import log10_p_fixed_points
from .blocks import Grid, common_indices, score
from .matching import fixed_points

FALSE_TIE = 1e-3
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
        found = sum(_self_matches(grid, x, y) for x, y in pairs)
        if log10_p_fixed_points(found, len(pairs)) <= log10(FALSE_TIE / len(candidates)):
            for x, y in pairs:
                sets.union(x, y)
    return sets


def _self_matches(grid: Grid, x: Node, y: Node) -> int:
    first, second = grid[x[0]][x[1]], grid[y[0]][y[1]]
    common = common_indices([first, second])
    return int(fixed_points(score(first.at(common), second.at(common))).sum())
