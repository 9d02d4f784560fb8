"""Align the layers and heads of two models one-to-one, without effect on the null distribution.

Both assignments maximise a score that no permutation or sign flip of units can change (the mean best score of the
blocks' units). The alignment is therefore constant on the orbit of the null hypothesis: conditioning on the orbit
fixes it, and the null distribution of the fixed points is unchanged. Aligning by the number of fixed points would
choose layers *because* they match, and reject unrelated models in half of all cases.
"""

from __future__ import annotations

import hashlib
from itertools import permutations
from math import perm

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import distinct
from .blocks import Block, BlocksByLayer, Vectors, common_indices, cosines, flat, groups_at_once, side_by_side

Pair = tuple[tuple[int, str], tuple[int, str]]
"""A block of A and a block of B, each as (layer, slot)."""

_FEW = 720  # arrangements
LARGEST = 512
"""Rows per layer used for alignment; further ones are ignored."""

_KEPT = 1 << 9  # tables of two models of 96 layers, and of their heads
_TABLES: dict[tuple[bytes, bytes], Vectors] = {}


def align(a: BlocksByLayer, b: BlocksByLayer) -> list[Pair]:
    """Pairs of blocks to compare: layers one-to-one, then slots within aligned layers."""
    rows, columns = list(a), list(b)
    slots = _slots_of_kinds(a, b)
    table = _layers([a[i] for i in rows], [b[j] for j in columns], slots)
    pairs: list[Pair] = []
    for i, j in zip(*assign(table), strict=True):
        pairs += [((rows[i], x), (columns[j], y)) for x, y in _slots(a[rows[i]], b[columns[j]], slots)]
    return pairs


def _slots_of_kinds(a: BlocksByLayer, b: BlocksByLayer) -> list[tuple[str, str]]:
    """Kinds of blocks to compare: those of both models or, if there are none, a dense MLP with routed experts.

    The same rule must hold for the whole comparison: otherwise dense layers would be scored at fewer indices against
    layers of experts than against dense ones, and a permutation of the rest could change the alignment.
    """
    kinds_a, kinds_b = ({slot for row in grid.values() for slot in row} for grid in (a, b))
    same = [(kind, kind) for kind in sorted(kinds_a & kinds_b)]
    return same or [(x, y) for x, y in (("mlp", "experts"), ("experts", "mlp")) if x in kinds_a and y in kinds_b]


def _layers(a: list[dict[str, Block]], b: list[dict[str, Block]], slots: list[tuple[str, str]]) -> Vectors:
    """Resemblance of every two layers: over pooled numbered slots, or the mean over kinds; -1 if there is none.

    Each part is scored at exactly the indices of its fixed points, since otherwise a permutation of those could
    change the alignment.
    """
    if any(map(_numbered, a)):
        return _resemblances([[*layer.values()] for layer in a], [[*layer.values()] for layer in b])
    total, count = np.zeros((2, len(a), len(b)))
    for x, y in slots:
        rows, columns = ([i for i, layer in enumerate(grid) if z in layer] for grid, z in ((a, x), (b, y)))
        both = np.ix_(rows, columns)
        total[both] += _resemblances([[a[i][x]] for i in rows], [[b[j][y]] for j in columns])
        count[both] += 1
    return np.where(count > 0, total / np.maximum(count, 1), -1.0)


def _slots(a: dict[str, Block], b: dict[str, Block], slots: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Slots pair by kind; numbered ones, such as heads, by assignment."""
    if not _numbered(a):
        return [(x, y) for x, y in slots if x in a and y in b]
    rows, columns = list(a), list(b)
    table = _resemblances([[a[x]] for x in rows], [[b[y]] for y in columns])
    return [(rows[x], columns[y]) for x, y in zip(*assign(table), strict=True)]


def _numbered(layer: dict[str, Block]) -> bool:
    """Whether the slots of a layer are of one kind and numbered, such as ``head 0``."""
    return any(slot.endswith(" 0") for slot in layer)


def _resemblances(a: list[list[Block]], b: list[list[Block]]) -> Vectors:
    """Mean over all units of each A of the best score with any unit of each B, at their common indices.

    Shape [len(a), len(b)]; -1 if there is no common live index.
    """
    table = np.full((len(a), len(b)), -1.0)
    for rows, first in _by_indices(a):
        for columns, second in _by_indices(b):
            common = np.intersect1d(first, second, assume_unique=True)
            if len(common):
                pools_a, pools_b = ([_pool(x[i], common) for i in at] for x, at in ((a, rows), (b, columns)))
                table[np.ix_(rows, columns)] = means_of_best(pools_a, pools_b)
    return table


def _by_indices(groups: list[list[Block]]) -> list[tuple[list[int], NDArray[np.intp]]]:
    """Positions of the groups with the same indices in all blocks, and these indices."""
    found: dict[bytes, tuple[list[int], NDArray[np.intp]]] = {}
    for position, blocks in enumerate(groups):
        common = common_indices(blocks)
        found.setdefault(common.tobytes(), ([], common))[0].append(position)
    return list(found.values())


def means_of_best(a: list[Block], b: list[Block]) -> Vectors:
    """Mean over the units of each A of the best score with any unit of each B; -1 if none is alive.

    Tests of the indices, the signs and the partners of the same vectors ask for the same tables: the last ones are
    kept, by the content of the blocks.
    """
    content = _content(a), _content(b)
    if content not in _TABLES:
        while len(_TABLES) >= _KEPT:
            del _TABLES[next(iter(_TABLES))]
        _TABLES[content] = _means_of_best(a, b)
    return _TABLES[content].copy()


def _content(blocks: list[Block]) -> bytes:
    """Digest of the vectors of blocks."""
    digest = hashlib.sha256()
    for block in blocks:
        for group in (block.sign_fixed, block.sign_flipping):
            digest.update(repr([x.shape for x in group]).encode())
            for x in group:
                digest.update(np.ascontiguousarray(x).data)
    return digest.digest()


def _means_of_best(a: list[Block], b: list[Block]) -> Vectors:
    parts = len(a[0].sign_fixed) + len(a[0].sign_flipping)
    means = np.full((len(a), len(b)), -1.0)
    step = groups_at_once(*(max(len(block.indices) for block in blocks) for blocks in (a, b)))
    for start in range(0, len(b), step):
        some = b[start : start + step]
        side, starts = side_by_side(some), np.cumsum([0] + [len(block.indices) for block in some[:-1]])
        rows_at_once = groups_at_once(max(len(block.indices) for block in a), len(side.indices))
        for first in range(0, len(a), rows_at_once):
            rows = a[first : first + rows_at_once]
            best = np.maximum.reduceat(cosines(side_by_side(rows), side), starts, axis=1) / parts
            ends = np.cumsum([len(block.indices) for block in rows])
            for i, of_block in enumerate(np.split(best, ends[:-1]), first):
                means[i, start : start + len(some)] = _finite_means(of_block)
    return means


def _finite_means(best: Vectors) -> Vectors:
    """Mean of the finite entries of each column; -1 if there is none."""
    if len(best) and np.isfinite(best).all():
        means: Vectors = np.ascontiguousarray(best.T).mean(1)
        return means
    columns = [column[np.isfinite(column)] for column in best.T]
    return np.array([column.mean() if len(column) else -1.0 for column in columns])


def _pool(blocks: list[Block], common: NDArray[np.intp]) -> Block:
    """All copies of all blocks, as one block of one copy."""
    most = max(1, LARGEST // (len(common) * len(blocks)))
    return side_by_side([flat(block.of(slice(most)).at(common)) for block in blocks])


def assign(table: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """One-to-one assignment of largest total; rounded, so that ties do not depend on arithmetic."""
    table = np.round(table, 6)
    if (best := _best_of_each(table)) is not None:
        return np.arange(len(table), dtype=np.intp), best
    if (columns := _best_of_all(table)) is not None:
        return np.arange(len(table), dtype=np.intp), columns
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table, maximize=True)
    return rows, columns


def _best_of_each(table: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """The column of each row's largest entry, if all are unique and different: then it is the assignment."""
    if not 0 < table.shape[0] <= table.shape[1]:
        return None
    best: NDArray[np.intp] = table.argmax(1)
    unique = (table == table.max(1, keepdims=True)).sum() == len(table)
    return best if unique and len(distinct(best)) == len(table) else None


def _best_of_all(table: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """The first arrangement of columns with the largest total, if there are few; scipy takes longer to import."""
    rows, columns = table.shape
    if not 0 < rows <= columns or perm(columns, rows) > _FEW:
        return None
    arrangements = np.array(list(permutations(range(columns), rows)), dtype=np.intp)
    totals = np.rint(table * 1e6).astype(np.int64)[np.arange(rows), arrangements].sum(1)  # whole, so sums are exact
    best: NDArray[np.intp] = arrangements[totals.argmax()]
    return best
