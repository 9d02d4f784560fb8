"""Shares of candidates in a child: which layer came from where, and how much of it.

*Layers.* Half of the units of a block, every second one, choose for each layer of the child the layer of a candidate
that it is compared with: the one whose units fit best at their own places, by Hoeffding's standardised sum, if the
sum is beyond a threshold that strangers reach once in a thousand comparisons of two models; else the layer of the
same place in the model. The other half give intervals. Given the first half, and so the choice, the units of the
second are exchangeable among themselves (their permutations are a subgroup), so choosing costs no validity, and one
layer of a candidate may stand for several of the child.

*Blocks* of the child that are compared with one block of a candidate, or with blocks of it that are copies of one
another (:mod:`verify.statistics.ties`), are permuted as one.

*Order.* In place of the candidate's vector at another unit stands its direction, role by role, so units in order of
length do no harm. Parts in which the units of both models look ordered otherwise (:mod:`verify.statistics.ordered`)
are left out. Whether the candidate's do depends on their order, so a part is left out of a stranger with a small
probability e. Then the other parts are still exchangeable, since the orders of parts are independent: an interval at
level a misses with probability a where nothing is left out, and at most a (1 + e) in all.

*Scale.* The vectors of a block are divided, role by role, by the candidate's root mean square, which no permutation
changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from statistics import NormalDist
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..inference import Drawn, Products, drawn, products
from ..statistics import blocks as grids
from ..statistics.ordered import looks_ordered
from ..statistics.ties import tied
from .rows import PARTS, Block, Part, Place, Rows

Array = NDArray[np.float64]
LayerMap = tuple[tuple[int, ...], tuple[bool, ...]]

_MAPS: WeakKeyDictionary[Rows, WeakKeyDictionary[Rows, LayerMap]] = WeakKeyDictionary()
_FALSE_LAYER = 1e-3
"""Expected number of false choices of layers of one stranger, by normal approximation; it costs power only."""
_FEWEST = 4
"""Units of a half below which a block tells nothing."""


@dataclass(frozen=True)
class Compared:
    """Inner products of the blocks of a child with those of one candidate."""

    layers: tuple[int, ...]
    """The candidate's layer for each of the child's."""
    chosen: tuple[bool, ...]
    """Whether it was chosen since its units fit, and not by its number."""
    sets: tuple[dict[Place, Products], ...]
    """By the child's places, in sets that are permuted as one."""
    ordered: tuple[Part, ...]
    """Parts left out, as the units of both models look ordered."""

    def drawn(self, draws: int, seed: int) -> dict[Place, Drawn]:
        """U and V by the child's places, for permutations drawn of each set."""
        return {
            place: found
            for number, tied_set in enumerate(self.sets)
            for place, found in zip(
                tied_set, drawn([*tied_set.values()], draws, seed=seed, number=number), strict=True
            )
        }

    @property
    def units(self) -> dict[Place, int]:
        """Units compared by the child's places."""
        return {place: len(found.child) for tied_set in self.sets for place, found in tied_set.items()}


def compared(child: Rows, candidate: Rows, others: Sequence[Rows]) -> Compared:
    """Compare a child with a candidate beyond others.

    Parameters
    ----------
    child, candidate, others : rows of models of one width.
    """
    layers, chosen = layer_map(child, candidate)
    maps = [layer_map(child, other)[0] for other in others]
    ties = _ties(candidate)
    sets: defaultdict[object, list[tuple[Place, Place]]] = defaultdict(list)
    ordered = in_order(child, candidate)
    for place in (place for place in child.blocks if place.part not in ordered):
        own = _at(place, layers)
        if own in candidate.blocks and all(
            _at(place, m) in other.blocks for m, other in zip(maps, others, strict=True)
        ):
            sets[ties(own)].append((place, own))
    found = []
    for tied_set in sets.values():
        blocks = {
            place: (
                child.blocks[place],
                candidate.blocks[own],
                *(other.blocks[_at(place, m)] for m, other in zip(maps, others, strict=True)),
            )
            for place, own in tied_set
        }
        common = _common([_kept(own, candidate.blocks[own]) for _, own in tied_set], *blocks.values())
        members = {}
        for place, models in blocks.items():
            kept, columns = [block.at(common) for block in models], _columns(place, child, candidate, *others)
            vectors, known = _vectors(kept, columns), _vectors(kept, columns, directions=True)
            if vectors is not None and known is not None and len(common) >= _FEWEST:
                members[place] = products(vectors[0], vectors[1], vectors[2:], known[1])
        if members:
            found.append(members)
    return Compared(layers, chosen, tuple(found), ordered)


def layer_map(child: Rows, candidate: Rows) -> LayerMap:
    """The candidate's layer for each layer of the child, and whether it was chosen for its units.

    Every layer is compared with every other, so a map is kept as long as its models are.

    Parameters
    ----------
    child, candidate : rows of models of one width.
    """
    known = _MAPS.setdefault(child, WeakKeyDictionary())
    if candidate not in known:
        known[candidate] = _layer_map(child, candidate)
    return known[candidate]


def _layer_map(child: Rows, candidate: Rows) -> LayerMap:
    sums: defaultdict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
    by_slot: defaultdict[tuple[Part, str], list[Place]] = defaultdict(list)
    for place in candidate.blocks:
        if place.part != "embeddings":
            by_slot[place.part, place.slot].append(place)
    for place, block in child.blocks.items():
        for own in by_slot.get((place.part, place.slot), ()):
            other = candidate.blocks[own]
            common = _common([other.indices[::2]], (block,))
            vectors = _vectors([block.at(common), other.at(common)], None)
            if vectors is not None and len(common) >= _FEWEST:
                total, variance = _standard(products(vectors[0], vectors[1], ()).child)
                sums[place.layer, own.layer][0] += total
                sums[place.layer, own.layer][1] += variance
    m, n = child.architecture.layers, candidate.architecture.layers
    least = NormalDist().inv_cdf(1 - _FALSE_LAYER / max(1, m * n))
    layers, chosen = [], []
    for layer in range(m):
        scores = [
            total / variance**0.5 if variance > 0 else 0.0 for total, variance in (sums[layer, k] for k in range(n))
        ]
        best = int(np.argmax(scores))
        chosen.append(scores[best] > least)
        layers.append(best if chosen[-1] else layer_by_number(layer, m, n))
    return tuple(layers), tuple(chosen)


def unexplained(child: Rows, candidates: Sequence[Rows]) -> float:
    """Share of the child's squares that no sum of the candidates gives, with shares free in each block.

    Parameters
    ----------
    child, candidates : rows of models of one width.
    """
    left = total = 0.0
    for y, x in _long_vectors(child, candidates):
        rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
        left, total = left + float(rest @ rest), total + float(y @ y)
    return min(1.0, left / total) if total else 1.0


def fit(child: Rows, candidates: Sequence[Rows]) -> list[float | None]:
    """The sum of the candidates, of one number each, that is nearest to the child over MLPs and attention.

    Parameters
    ----------
    child, candidates : rows of models of one width.
    """
    products, inner = np.zeros(len(candidates)), np.zeros((len(candidates), len(candidates)))
    for y, x in _long_vectors(child, candidates, whole=True):
        products, inner = products + x.T @ y, inner + x.T @ x
    if not inner.any():
        return [None] * len(candidates)
    return [float(one) for one in np.linalg.lstsq(inner, products, rcond=None)[0]]


def _long_vectors(child: Rows, candidates: Sequence[Rows], *, whole: bool = False) -> Iterator[tuple[Array, Array]]:
    """For each block, the child's rows as one vector [n], and those of the candidates that have it, [n, k].

    With ``whole``, blocks of layers that all candidates have, and those alone.
    """
    maps = [layer_map(child, one)[0] for one in candidates]
    for place, block in child.blocks.items():
        found = [one.blocks.get(_at(place, m)) for one, m in zip(candidates, maps, strict=True)]
        if whole and (place.part == "embeddings" or None in found):
            continue
        models = [block, *(one for one in found if one is not None)]
        holders = [model for model, one in zip(candidates, found, strict=True) if one is not None]
        common = _common([], models)
        vectors = _vectors([one.at(common) for one in models], _columns(place, child, *holders))
        if vectors is not None:
            y, *x = (one.ravel() for one in vectors)
            yield y, np.stack(x, axis=1) if x else np.zeros((len(y), 0))


def layer_by_number(layer: int, of: int, to: int) -> int:
    """The layer at the same place of another model.

    Parameters
    ----------
    layer : of a model of ``of`` layers.
    of, to : layers of both.
    """
    return layer if of == to else round(layer * (to - 1) / max(1, of - 1))


def _at(place: Place, layers: tuple[int, ...]) -> Place:
    return place if place.part == "embeddings" else place._replace(layer=layers[place.layer])


def _kept(place: Place, block: Block) -> NDArray[np.intp]:
    """The candidate's units that give intervals: all but those that choose layers."""
    return block.indices if place.part == "embeddings" else block.indices[1::2]


def _common(indices: Sequence[NDArray[np.intp]], *models: Iterable[Block]) -> NDArray[np.intp]:
    found: NDArray[np.intp] = reduce(np.intersect1d, [*indices, *(block.indices for row in models for block in row)])
    return found


def _columns(place: Place, *models: Rows) -> list[NDArray[np.intp]] | None:
    """Columns of each model that are of the tokens that all share; None where all columns are of one meaning."""
    if place.part != "embeddings":
        return None
    shared = reduce(np.intersect1d, (np.asarray(model.tokens, dtype=np.intp) for model in models))
    return [np.searchsorted(model.tokens, shared) for model in models]


def _vectors(
    models: Sequence[Block], columns: Sequence[NDArray[np.intp]] | None, *, directions: bool = False
) -> list[Array] | None:
    """One vector for each unit of every model, [n, d]: roles side by side, on the scale of the second model.

    With ``directions``, each row of a role is of length 1. None if they share no role, their rows are of different
    lengths, or the second holds nothing.
    """
    roles = [role for role in models[0].roles if all(role in model.roles for model in models)]
    parts: list[list[Array]] = [[] for _ in models]
    for role in roles:
        rows = [model.roles[role] for model in models]
        if columns is not None:
            rows = [x[:, kept] for x, kept in zip(rows, columns, strict=True)]
        if len({x.shape for x in rows}) > 1 or not rows[0].size:
            continue
        reference = rows[min(1, len(rows) - 1)]
        scale = float(np.sqrt(np.square(reference - reference.mean(0)).mean()))
        if scale > 0:
            for part, x in zip(parts, rows, strict=True):
                part.append(_directions(x) if directions else x / scale)
    return [np.hstack(part) for part in parts] if parts[0] else None


def _standard(scores: Array) -> tuple[float, float]:
    """The sum of the diagonal less its mean under permutations of columns, and its variance (Hoeffding 1951)."""
    n = len(scores)
    centred = scores - scores.mean(0) - scores.mean(1, keepdims=True) + scores.mean()
    return float(np.trace(centred)), float(np.square(centred).sum()) / max(1, n - 1)


def _grid(model: Rows, part: Part) -> grids.BlocksByLayer:
    """The blocks of a part as directions."""
    grid: dict[int, dict[str, grids.Block]] = defaultdict(dict)
    for place, block in model.blocks.items():
        if place.part == part:
            rows = tuple(_directions(x)[None] for x in block.roles.values())
            grid[place.layer][place.slot] = grids.Block(block.indices, 1 + int(block.indices.max()), rows, (), 1)
    return dict(grid)


def in_order(child: Rows, candidate: Rows) -> tuple[Part, ...]:
    """Parts in which the units of both models look ordered, so that nothing follows from their places.

    Parameters
    ----------
    child, candidate : rows of two models.
    """
    return tuple(part for part in PARTS if all(looks_ordered(_grid(model, part)) for model in (child, candidate)))


def _ties(model: Rows) -> Callable[[Place], object]:
    """The set of blocks of a model, copies of one another, that a block is in."""
    sets = {part: tied(_grid(model, part)) for part in PARTS if part != "embeddings"}

    def of(place: Place) -> object:
        if place.part == "embeddings":
            return place
        return place.part, sets[place.part].find((place.layer, place.slot))

    return of


def _directions(rows: Array) -> Array:
    length = np.sqrt(np.square(rows).sum(-1, keepdims=True))
    return rows / np.where(length > 0, length, 1.0)
