"""Which layers, and which heads, of two models are compared: one-to-one, at no cost.

Both assignments maximise a score that no permutation or sign flip of units can change (the mean
best score of the blocks' units). The alignment is therefore constant on the orbit of the null
hypothesis: conditioning on the orbit fixes it, and the null law of the fixed points is untouched.
Aligning by the number of fixed points itself would choose the layers *because* they match, and
reject strangers in half of all cases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .blocks import Block, Grid, common_indices, score

Pair = tuple[tuple[int, str], tuple[int, str]]
"""A block of A and a block of B, each as (layer, slot)."""

_LARGEST = 512  # rows per layer used to align: copies beyond are left out


def align(a: Grid, b: Grid) -> list[Pair]:
    """Pairs of blocks to compare: layers one-to-one, then slots within aligned layers."""
    rows, columns = list(a), list(b)
    slots = _slots_of_kinds(a, b)
    table = np.array([[_layers(a[i], b[j], slots) for j in columns] for i in rows]).reshape(len(rows), -1)
    pairs: list[Pair] = []
    for i, j in zip(*_assign(table), strict=True):
        pairs += [((rows[i], x), (columns[j], y)) for x, y in _slots(a[rows[i]], b[columns[j]], slots)]
    return pairs


def _slots_of_kinds(a: Grid, b: Grid) -> list[tuple[str, str]]:
    """Kinds of MLP that are compared: of one name; a dense MLP with routed experts where the models share no kind.

    One rule for the whole comparison, or dense layers would be scored at fewer indices against layers of
    experts than against dense ones, and a permutation of the rest could change the alignment.
    """
    kinds_a, kinds_b = ({slot for row in grid.values() for slot in row} for grid in (a, b))
    same = [(kind, kind) for kind in sorted(kinds_a & kinds_b)]
    return same or [(x, y) for x, y in (("mlp", "experts"), ("experts", "mlp")) if x in kinds_a and y in kinds_b]


def _layers(a: dict[str, Block], b: dict[str, Block], slots: list[tuple[str, str]]) -> float:
    """Resemblance of two layers: of all heads pooled, or the mean over MLP bundles.

    Each part is scored at the very indices that its fixed points are counted over, or a permutation
    of those could change the alignment.
    """
    if "head 0" in a:
        return _resemblance([*a.values()], [*b.values()])
    found = [_resemblance([a[x]], [b[y]]) for x, y in _slots(a, b, slots)]
    return float(np.mean(found)) if found else -1.0


def _slots(a: dict[str, Block], b: dict[str, Block], slots: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """MLP bundles pair by kind, heads by assignment."""
    if "head 0" not in a:
        return [(x, y) for x, y in slots if x in a and y in b]
    rows, columns = list(a), list(b)
    table = np.array([[_resemblance([a[x]], [b[y]]) for y in columns] for x in rows])
    return [(rows[x], columns[y]) for x, y in zip(*_assign(table), strict=True)]


def _resemblance(a: list[Block], b: list[Block]) -> float:
    """Mean over all units of A of the best score with any unit of B, at common indices."""
    common = common_indices(a + b)
    if len(common) == 0:
        return -1.0
    best = score(_pool(a, common), _pool(b, common)).max(1)
    finite = best[np.isfinite(best)]
    return float(finite.mean()) if len(finite) else -1.0


def _pool(blocks: list[Block], common: NDArray[np.intp]) -> Block:
    """All copies of all blocks side by side, as one block of one copy."""
    parts = [block.at(common) for block in blocks]
    most = max(1, _LARGEST // (len(common) * len(parts)))

    def flat(name: str) -> tuple[NDArray[np.float64], ...]:
        groups = zip(*(getattr(part, name) for part in parts), strict=True)
        return tuple(np.concatenate([x[:most].reshape(-1, x.shape[-1]) for x in group])[None] for group in groups)

    fixed, flipping = flat("fixed"), flat("flipping")
    n = (fixed + flipping)[0].shape[1]
    return Block(np.arange(n), n, fixed, flipping, 1)


def _assign(table: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """One-to-one assignment of largest total; rounded, so that ties do not hang on arithmetic."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.round(table, 6), maximize=True)
    return rows, columns
