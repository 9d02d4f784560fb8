"""Count matches for all pairs of two runs of models at once, by matrix products over their blocks.

A statistic's block readers (``statistics.counted``) give the blocks of each model; blocks of the same layer and slot
are compared, without alignment of layers and without looking for ties. Models of one run have the same blocks,
stacked in arrays of shape [groups, copies, n, models, k].

A count depends on its two models alone: the vectors of a fingerprint are float16 of length 1, so sums of their
products are exact in float64, in whatever order and beside whatever other models they are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import on_anchors, shared_anchors
from ..inference import critical_agreement, critical_count, log10_p_fixed_points, log10_p_signs
from ..statistics import Source
from ..statistics.blocks import Block, BlockReader
from ..statistics.matching import MARGIN
from ..statistics.result import Law
from .sketches import FirstSketch

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Group = tuple[int, str]
"""Layer and slot of a block."""

MOST_ORDERED = 32
"""Largest number of indices per block for fixed points; signs use all."""

_AT_ONCE = 1 << 21  # scores in memory
_READ = 512  # entries of the block cache


@dataclass(frozen=True)
class Tally:
    """Counts of one statistic for all pairs of two runs of models."""

    statistic: str
    law: Law
    counts: Counts
    """Shape [models of A, models of B]."""
    n: Counts
    """Indices compared, or non-zero signs; same shape."""
    groups: int
    """Independent groups L; 0 for signs."""
    most: int
    """Largest n that two models of these signatures can have."""

    def passing(self, log10_level: float) -> NDArray[np.bool_]:
        """Which counts have log10 p of at most ``log10_level``; shape [models of A, models of B]."""
        needed = np.empty(self.n.shape)
        for n in np.unique(self.n):
            needed[self.n == n] = _needed(self.law, int(n), self.groups, log10_level)
        passing: NDArray[np.bool_] = self.counts >= needed
        return passing

    def log10_p(self, i: int, j: int) -> float:
        """log10 p of one pair."""
        count, n = int(self.counts[i, j]), int(self.n[i, j])
        return log10_p_signs(count, n) if self.law == "signs" else log10_p_fixed_points(count, self.groups)


@dataclass(frozen=True)
class Alike:
    """Blocks of one model with the same indices and array shapes."""

    indices: NDArray[np.intp]
    groups: tuple[Group, ...]
    sign_fixed: tuple[Floats, ...]
    """Each [groups, copies, n, k]."""
    sign_flipping: tuple[Floats, ...]


Read = Callable[[FirstSketch, BlockReader, tuple[int, ...]], Sequence[Alike]]
"""Reads the blocks of a model on a list of anchors."""


def reader() -> Read:
    """A function that reads blocks, with a cache."""
    cut = lru_cache(_READ)(on_anchors)

    def read(model: FirstSketch, source: BlockReader, anchors: tuple[int, ...]) -> list[Alike]:
        part = model.part if anchors == model.record.anchors else cut(model.part, anchors)
        alike: dict[object, list[tuple[Group, Block]]] = {}
        for layer, row in source(part).items():
            for slot, block in row.items():
                shapes = [x.shape for x in (*block.sign_fixed, *block.sign_flipping)]
                key = block.indices.tobytes(), len(block.sign_fixed), str(shapes)
                alike.setdefault(key, []).append(((layer, slot), block))
        return [_alike(blocks) for blocks in alike.values()]

    return lru_cache(_READ)(read)


def _alike(blocks: list[tuple[Group, Block]]) -> Alike:
    groups, members = zip(*blocks, strict=True)
    both = ([block.sign_fixed for block in members], [block.sign_flipping for block in members])
    fixed, flipping = (
        tuple(np.stack(vectors).astype(np.float64) for vectors in zip(*kind, strict=True)) for kind in both
    )
    return Alike(members[0].indices, groups, fixed, flipping)


@dataclass(frozen=True)
class _Both:
    """Blocks common to two runs of models, at their common indices."""

    sign_fixed: list[tuple[Floats, Floats]]
    """Vectors of A and of B, each [groups, copies, n, models, k]."""
    sign_flipping: list[tuple[Floats, Floats]]

    @property
    def sizes(self) -> tuple[int, int]:
        """Groups and indices."""
        groups, _, n, _, _ = (self.sign_fixed + self.sign_flipping)[0][0].shape
        return groups, n

    def first(self, most: int) -> _Both:
        """The first indices."""
        return _Both(*([(x[:, :, :most], y[:, :, :most]) for x, y in kind] for kind in self._kinds))

    @property
    def _kinds(self) -> tuple[list[tuple[Floats, Floats]], list[tuple[Floats, Floats]]]:
        return self.sign_fixed, self.sign_flipping


def tally(
    law: Law, source: Source, first: Sequence[FirstSketch], second: Sequence[FirstSketch], read: Read
) -> Tally | None:
    """Count one statistic for two runs of models, each of one signature; None if they have no block in common.

    Parameters
    ----------
    law : null distribution of the count, ``fixed_points`` or ``signs``.
    source : the blocks that it is counted over.
    first, second : models of A and of B, each run of one signature.
    read : reads the blocks of a model, as :func:`reader` makes it.

    Returns
    -------
    Tally or None
        Counts, shape [models of A, models of B].
    """
    blocks = list(_in_common(source.read, first, second, read))
    if not blocks:
        return None
    shape = len(first), len(second)
    if law == "signs":
        found = [_sign_counts(both.sign_flipping) for both in blocks]
        agreeing, n = (np.sum([pair[k] for pair in found], axis=0) for k in (0, 1))
        return Tally(source.name, law, agreeing, n, 0, sum(prod(both.sizes) for both in blocks))
    ordered = [both.first(MOST_ORDERED) for both in blocks]
    counts = np.sum([fixed_point_counts(both.sign_fixed, both.sign_flipping) for both in ordered], axis=0)
    most = sum(prod(both.sizes) for both in ordered)
    return Tally(source.name, law, counts, np.full(shape, most), sum(both.sizes[0] for both in ordered), most)


def _in_common(
    source: BlockReader, first: Sequence[FirstSketch], second: Sequence[FirstSketch], read: Read
) -> Iterator[_Both]:
    """Common blocks of two runs, by shape."""
    shared = tuple(int(i) for i in shared_anchors(first[0].record, second[0].record))
    a, b = ([read(model, source, shared) for model in run] for run in (first, second))
    for x in zip(*a, strict=True):
        for y in zip(*b, strict=True):
            if (both := _both(x, y)) is not None:
                yield both


def _both(a: Sequence[Alike], b: Sequence[Alike]) -> _Both | None:
    """Blocks of equal shape of two runs, stacked; None if they have nothing in common."""
    groups = _positions(a[0].groups, b[0].groups)
    indices = np.intersect1d(a[0].indices, b[0].indices, assume_unique=True)
    if not len(groups[0]) or not len(indices):
        return None
    fixed, flipping = (
        [
            # one model may have fewer token tables: only those of both are compared
            (_stacked(of_a, groups[0], a[0], indices), _stacked(of_b, groups[1], b[0], indices))
            for of_a, of_b in zip(_by_vector(a, name), _by_vector(b, name), strict=False)
        ]
        for name in ("sign_fixed", "sign_flipping")
    )
    return _Both(fixed, flipping) if fixed + flipping else None


def _positions(a: tuple[Group, ...], b: tuple[Group, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the common groups in each."""
    of_b = {group: n for n, group in enumerate(b)}
    pairs = [(n, of_b[group]) for n, group in enumerate(a) if group in of_b]
    both = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _by_vector(run: Sequence[Alike], name: str) -> Iterator[tuple[Floats, ...]]:
    """Each vector of a kind, for all models of a run."""
    return zip(*(getattr(alike, name) for alike in run), strict=True)


def _stacked(models: tuple[Floats, ...], groups: NDArray[np.intp], alike: Alike, indices: NDArray[np.intp]) -> Floats:
    """Vectors [groups, copies, n, models, k] at some groups and indices."""
    stacked = np.stack(models, axis=3)
    if len(groups) < len(alike.groups):
        stacked = stacked[groups]
    if len(indices) < len(alike.indices):
        stacked = stacked[:, :, np.searchsorted(alike.indices, indices)]
    return np.ascontiguousarray(stacked)


def fixed_point_counts(fixed: list[tuple[Floats, Floats]], flipping: list[tuple[Floats, Floats]]) -> Counts:
    """Fixed points for all pairs of models, summed over groups: ``fixed_points(score(...))`` for whole tiles.

    Parameters
    ----------
    fixed, flipping : vectors of A and of B, each [groups, copies, n, models, k], as in ``statistics.blocks``.

    Returns
    -------
    Counts [models of A, models of B]
    """
    everything = fixed + flipping
    parts = len(everything)
    groups, _, n, models_a, _ = everything[0][0].shape
    models_b = everything[0][1].shape[3]
    dead = [np.where(np.all([pair[side].any(-1) for pair in everything], axis=0), 0, -np.inf) for side in (0, 1)]
    masked = any(d.any() for d in dead)
    x, y = (_side_by_side(pairs) for pairs in (fixed, flipping))
    total = np.zeros((models_b, models_a), dtype=np.int64)
    step = max(1, _AT_ONCE // (n * models_a * n * models_b))
    for at in range(0, groups, step):
        here = slice(at, at + step)
        best: Floats | None = None
        for e in range(everything[0][0].shape[1]):
            for f in range(everything[0][1].shape[1]):
                scores = _products(x, here, e, f)
                turned = _products(y, here, e, f)
                if turned is not None:
                    np.abs(turned, out=turned)
                    scores = turned if scores is None else np.add(scores, turned, out=scores)
                assert scores is not None
                if masked:
                    a, b = (d[here, c].reshape(len(scores), -1) for d, c in zip(dead, (e, f), strict=True))
                    scores += b[:, :, None] + a[:, None, :]
                best = scores if best is None else np.maximum(best, scores, out=best)
        assert best is not None
        table = best.reshape(-1, n, models_b, n, models_a)
        diagonal = np.einsum("gujui->guji", table)
        top = diagonal.copy()
        diagonal[...] = -np.inf
        others = np.maximum(table.max(1), -parts).transpose(0, 2, 1, 3)
        total += (top - MARGIN * parts > others).sum((0, 1))
    return total.T


def _side_by_side(pairs: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats] | None:
    """Concatenate vectors whose cosines are added."""
    if not pairs:
        return None
    a, b = (np.concatenate([pair[side] for pair in pairs], axis=-1) for side in (0, 1))
    return a, b


def _products(pair: tuple[Floats, Floats] | None, here: slice, e: int, f: int) -> Floats | None:
    """Inner products [groups, n of B * models of B, n of A * models of A]."""
    if pair is None:
        return None
    a, b = (x[here, c] for x, c in zip(pair, (e, f), strict=True))
    products: Floats = b.reshape(len(b), -1, b.shape[-1]) @ a.reshape(len(a), -1, a.shape[-1]).swapaxes(1, 2)
    return products


def _sign_counts(flipping: list[tuple[Floats, Floats]]) -> tuple[Counts, Counts]:
    """Numbers of positive and of non-zero inner products at the same index, summed over copies; [A, B] each."""
    both = _side_by_side(flipping)
    assert both is not None
    a, b = (x.sum(1).reshape(-1, *x.shape[3:]) for x in both)
    alive_a, alive_b = (_alive([pair[side] for pair in flipping]) for side in (0, 1))
    products = a @ b.swapaxes(1, 2)
    products *= alive_a[:, :, None] & alive_b[:, None, :]
    return (products > 0).sum(0), (products != 0).sum(0)


def _alive(vectors: list[Floats]) -> NDArray[np.bool_]:
    """Which indices are live (non-zero in every vector of some copy); shape [groups * n, models]."""
    alive: NDArray[np.bool_] = np.all([x.any(-1) for x in vectors], axis=0).any(1)
    return alive.reshape(-1, alive.shape[-1])


@lru_cache(maxsize=4096)
def _needed(law: Law, n: int, groups: int, log10_level: float) -> float:
    """Smallest count that passes; infinity if none does."""
    if law == "signs":
        needed = critical_agreement(n, log10_level)
        return float("inf") if needed is None else needed
    return critical_count(groups, log10_level)
