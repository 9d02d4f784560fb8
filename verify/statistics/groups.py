"""Independent groups of a comparison: aligned pairs of blocks, separately and with ties merged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import Fingerprint
from .alignment import Pair, align
from .blocks import Block, BlockReader, BlocksByLayer, agreement, common_indices, score
from .swaps import differences
from .ties import TiedSets, tied


@dataclass(frozen=True)
class Group:
    """One independent group: pairs of blocks that share one arrangement."""

    pairs: tuple[Pair, ...]
    size: int
    """Number of indices of the group in the models, of which n chosen in advance are kept."""
    blocks: tuple[tuple[Block, Block], ...]
    """The blocks of each pair, at the n common indices."""

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Score array [n, n]: the maximum over pairs."""
        array: NDArray[np.float64] = np.max([score(first, second) for first, second in self.blocks], axis=0)
        return array

    @cached_property
    def agreement(self) -> NDArray[np.float64]:
        """One number for each two indices, from inner products of flipping vectors summed over pairs of blocks.

        Shape [n // 2]; NaN if one of them is dead.
        """
        products = np.sum([agreement(first, second) for first, second in self.blocks], axis=0)
        return differences(products, np.all([block.alive().any(0) for pair in self.blocks for block in pair], axis=0))


class Merged(Protocol):
    """One independent group: pairs of blocks that share one arrangement."""

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs."""


G = TypeVar("G", bound=Merged)


@dataclass(frozen=True)
class Grouping(Generic[G]):
    """The same pairs of blocks as groups in two ways."""

    separate: list[G]
    """One group for each pair: valid if no blocks of a model are copies of one another."""
    merged: list[G]
    """Tied pairs as one group: valid whether or not they really are copies."""


def groups(component: BlockReader, a: Fingerprint, b: Fingerprint, *, signs: bool = False) -> Grouping[Group]:
    """Align two models' blocks, and merge what looks tied in either of them.

    Under the null hypothesis the arrangements of distinct groups are independent; those within
    a group may be one and the same. Group members may have different numbers of indices; the
    common ones are used, and the group permutes those alone. ``signs`` where signs are tested, not indices.

    Parameters
    ----------
    component : reads the blocks of a model.
    a, b : the models.
    signs : whether signs are tested rather than indices.

    Returns
    -------
    Grouping
        The aligned pairs, apart and with tied ones merged.
    """
    grid_a, grid_b = component(a), component(b)
    pairs = align(grid_a, grid_b)
    separate = {pair: _group(grid_a, grid_b, [pair]) for pair in pairs}
    sets = tied_pairs(pairs, tied(grid_a, signs=signs), tied(grid_b, signs=signs))
    merged = [separate[s[0]] if len(s) == 1 else _group(grid_a, grid_b, s) for s in sets]
    return Grouping(list(separate.values()), merged)


def tied_pairs(pairs: list[Pair], ties_a: TiedSets, ties_b: TiedSets) -> list[list[Pair]]:
    """Sets of pairs of blocks that are tied in either model.

    Parameters
    ----------
    pairs : of a block of A and one of B.
    ties_a, ties_b : tied blocks of each model.
    """
    sets = TiedSets()
    for pair in pairs:
        sets.union(("a", ties_a.find(pair[0])), ("b", ties_b.find(pair[1])))
    members: dict[object, list[Pair]] = {}
    for pair in pairs:
        members.setdefault(sets.find(("a", ties_a.find(pair[0]))), []).append(pair)
    return list(members.values())


def _group(grid_a: BlocksByLayer, grid_b: BlocksByLayer, pairs: list[Pair]) -> Group:
    blocks = [(grid_a[i][x], grid_b[j][y]) for (i, x), (j, y) in pairs]
    common = common_indices([block for pair in blocks for block in pair])
    return Group(
        pairs=tuple(pairs),
        size=min(block.size for pair in blocks for block in pair),
        blocks=tuple((first.at(common), second.at(common)) for first, second in blocks),
    )
