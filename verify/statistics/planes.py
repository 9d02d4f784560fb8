"""Rotary planes of a model as complex vectors, one pairing of the heads of two models, and ties within one.

A plane is a pair of rows of k (and of q, summed over the query heads of a group), which positions turn by an angle.
Its vector is ``x + i y``: by weights, by responses to shared tokens, or both side by side. Frequencies pin the index
of a plane. So planes of one index are compared, and only layers and heads are aligned, one-to-one, by sums of
``|z|``, which no turn changes (``statistics.turns``). Alignment by ``Re z`` would choose heads *because* their phases
agree, and reject unrelated models.

Ties. Two heads of one model whose planes are turned together (copies of a head or of a layer) are one group, and
their ``z`` are added. Heads of one slot in two layers, and of one layer, look tied if, by any of the parts or by all
side by side, the sum of their ``Re z`` exceeds a normal quantile of its distribution under independent turns, in one
pair of heads or over all heads of two layers; if all live planes are equal; or, of few planes, if the mean of ``Re
z`` is above ``ALIKE`` (as in ``statistics.ties``, whose argument holds here: joint turns of two planes change no
``z`` between them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import Fingerprint, kept_planes, turned_heads
from .alignment import Pair, assign
from .blocks import Block, BlocksByLayer
from .groups import Grouping, tied_pairs
from .matching import MARGIN
from .ties import ALIKE, FALSE_TIE, TiedSets
from .turns import Complex


@dataclass(frozen=True)
class Planes:
    """All planes of a model that were kept."""

    parts: tuple[Complex, ...]
    """By rows of k and of q, and each by weights or by responses: [layers, kv heads, planes, k], of length 1; 0 where
    any is dead, or a layer has no such heads."""
    indices: NDArray[np.intp]
    """Their frequencies, ascending."""
    shape: tuple[int, int]
    """Layers and kv heads."""

    @cached_property
    def vectors(self) -> Complex:
        """The parts side by side."""
        empty = np.zeros((*self.shape, len(self.indices), 0), complex)
        return np.concatenate([empty, *self.parts], axis=-1)

    def at(self, common: NDArray[np.intp]) -> Complex:
        """The vectors at some frequencies."""
        return self.vectors[:, :, np.searchsorted(self.indices, common)]


class PlaneGroup(NamedTuple):
    """Pairs of heads whose planes are turned together."""

    pairs: tuple[Pair, ...]
    products: Complex
    """Complex inner products by frequency, summed over the pairs; shape [planes]."""
    differences: Complex
    """Those of the differences of two planes, the first and second, the third and fourth, and so on; 0 if one of
    the two is dead. Shape [planes // 2]."""


def planes_of(model: Fingerprint, *components: str) -> Planes:
    """The planes by some components: ``keys`` (weights), ``key_responses``, or both."""
    shape = model.record.architecture
    names = [f"{component}.{{}}.turned.{role}" for component in components for role in "kq"]
    held = [name for name in names if any(name.format(layer) in model.arrays for layer in range(shape.layers))]
    parts = [_complex(model, name) for name in held]
    alive = np.all([part.any(-1, keepdims=True) for part in parts], axis=0) if parts else True
    indices = kept_planes(shape, model.record.sketch).indices
    return Planes(tuple(np.where(alive, part, 0) for part in parts), indices, (shape.layers, turned_heads(shape)))


def plane_blocks(model: Fingerprint, component: str) -> BlocksByLayer:
    """The planes of k by one component as blocks, with x and y side by side, whose signs half turns flip."""
    shape, grid = model.record.architecture, BlocksByLayer()
    indices = kept_planes(shape, model.record.sketch).indices
    for layer in range(shape.layers):
        if (rows := model.arrays.get(f"{component}.{layer}.turned.k")) is not None:
            flat = rows.astype(np.float64).reshape(*rows.shape[:2], -1)
            heads = (Block(indices, shape.rotary_size // 2, (), (flat[h : h + 1],), 1) for h in range(len(flat)))
            grid[layer] = {f"head {h}": head for h, head in enumerate(heads)}
    return grid


def plane_groups(a: Planes, b: Planes, ties: tuple[TiedSets, TiedSets]) -> Grouping[PlaneGroup]:
    """Align heads one-to-one, apart and with tied ones merged.

    Parameters
    ----------
    a, b : planes of the models, by the same parts.
    ties : tied heads of each (``tied_heads``).
    """
    common = np.intersect1d(a.indices, b.indices, assume_unique=True)
    x, y = a.at(common), b.at(common)
    pairs = list(_aligned(x, y))
    products = {pair: _of_heads(x, y, pair) for pair in pairs}
    sets = tied_pairs(pairs, *ties)

    def group(of: list[Pair]) -> PlaneGroup:
        total = np.sum([products[pair] for pair in of], axis=0)
        return PlaneGroup(tuple(of), total.diagonal(), _differences(total))

    return Grouping([group([pair]) for pair in pairs], [group(s) for s in sets])


def _complex(model: Fingerprint, name: str) -> Complex:
    layers = [model.arrays.get(name.format(layer)) for layer in range(model.record.architecture.layers)]
    absent = np.zeros_like(next(layer for layer in layers if layer is not None))
    rows = np.stack([absent if layer is None else layer for layer in layers])
    x: Complex = rows[..., 0, :] + 1j * rows[..., 1, :].astype(np.float64)
    return x


def _aligned(x: Complex, y: Complex) -> Iterator[Pair]:
    """Layers one-to-one, then heads of aligned layers, by the mean of |z| over planes."""
    if not x.size or not y.size:
        return
    table = np.stack([_resemblance(layer, y).max(2).mean(0) for layer in x])
    for i, j in zip(*assign(table), strict=True):
        for g, h in zip(*assign(_resemblance(x[i], y[j : j + 1])[:, 0]), strict=True):
            yield (int(i), f"head {g}"), (int(j), f"head {h}")


def _resemblance(layer: Complex, others: Complex) -> NDArray[np.float64]:
    """Mean |z| over planes of the heads of a layer with those of others, [heads, layers, heads]."""
    layers, heads, n, k = others.shape
    flat = others.conj().transpose(2, 3, 0, 1).reshape(n, k, layers * heads)
    sizes: NDArray[np.float64] = np.abs(layer.transpose(1, 0, 2) @ flat).mean(0)
    return sizes.reshape(len(layer), layers, heads)


def _of_heads(x: Complex, y: Complex, pair: Pair) -> Complex:
    """Complex inner products of every two planes of two heads, [planes, planes]."""
    (i, g), (j, h) = pair
    products: Complex = x[i, _number(g)] @ y[j, _number(h)].conj().T
    return products


def _differences(products: Complex) -> Complex:
    i = np.arange(0, len(products) - 1, 2)
    j, dead = i + 1, products.diagonal() == 0
    z = products[i, i] + products[j, j] - products[i, j] - products[j, i]
    return np.where(dead[i] | dead[j], 0, z)


def _number(slot: str) -> int:
    return int(slot.removeprefix("head "))


def tied_heads(model: Planes, *, quarter: bool) -> TiedSets:
    """The heads of one model whose planes look turned together.

    Parameters
    ----------
    model : its planes.
    quarter : whether quarter turns are free; else half turns only.
    """
    (layers, heads), planes = model.shape, len(model.indices)
    alive: NDArray[np.bool_] = np.any(model.vectors, axis=-1)
    sets, readings = TiedSets(), [(part, 1) for part in model.parts]
    if len(readings) > 1:
        readings.append((model.vectors, len(readings)))
    pairs = heads * layers * (layers - 1) // 2 + layers * heads * (heads - 1) // 2 + layers * (layers - 1) // 2
    threshold = -NormalDist().inv_cdf(FALSE_TIE / max(1, pairs * len(readings)))

    def look_tied(z: Complex, live: NDArray[np.bool_], parts: int) -> NDArray[np.bool_]:
        """Whether sets of planes look turned together; [...] from [..., planes]."""
        z, n = np.where(live, z, 0), live.sum(-1)
        size = np.sqrt((np.square(np.abs(z)) / 2 if quarter else np.square(z.real)).sum(-1))
        standardised = z.real.sum(-1) / np.where(size > 0, size, np.inf)
        alike = z.real.sum(-1) > ALIKE * parts * n
        most = np.sqrt(n * (2.0 if quarter else 1.0))  # the largest standardised sum that n planes can have
        equal = np.all(~live | (z.real > parts * (1 - MARGIN)), axis=-1)
        looks: NDArray[np.bool_] = (n > 0) & ((standardised > threshold) | equal | (alike & (most <= threshold)))
        return looks

    for (vectors, parts), i in product(readings, range(layers)):
        here, others = vectors[i], vectors[i + 1 :]
        z = np.einsum("hnk,jhnk->jhn", here, others.conj())
        both = alive[i] & alive[i + 1 :]
        whole = look_tied(z.reshape(len(z), heads * planes), both.reshape(len(z), heads * planes), parts)
        for j, h in np.argwhere(look_tied(z, both, parts) | whole[:, None]):
            sets.union((i, f"head {h}"), (i + 1 + int(j), f"head {h}"))
        z, both = np.einsum("gnk,hnk->ghn", here, here.conj()), alive[i][:, None] & alive[i]
        for g, h in np.argwhere(np.triu(look_tied(z, both, parts), 1)):
            sets.union((i, f"head {g}"), (i, f"head {h}"))
    return sets
