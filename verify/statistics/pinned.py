"""Indices pinned by a public initial matrix: whether a model appears to have been initialised with one.

A unit initialised as row ``i`` of an identity (or Hadamard) matrix is at index ``i`` in every model initialised so,
and unrelated models match. It can be seen in one model: its vectors are compared with the projections, by the sketch,
of the rows (columns) of such a matrix at the same indices, as ``unit_identity`` compares those of two models. Two
unrelated models whose vectors have cosines ``u`` and ``w`` with the matrix have cosine ``u w`` with one another,
which is smaller than either, so the comparison of one model with the matrix is more sensitive than that of the pair.

If *both* models look pinned, tests that rest on permutations of these indices are set aside: p = 1. This costs only
power, since it can only increase a p-value. If one model does, the other may be invariant, and the null distribution
remains valid. Under permutations of its indices a model is called pinned with a probability of at most ``10 **
PINNED`` (``inference.fixed_points``, times the number of comparisons), if the arrangements of its blocks are
independent. Exact copies count once; blocks that are merely similar do not, since blocks pinned by one matrix are
similar.

Known matrices: the identity, over all rows (``eye(rows, width)``, repeated where there are more rows than columns)
and in each head by itself, and Sylvester's Hadamard matrix; rows of q and k are compared as those of v are. An
identity between other orders of axes is not detected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from math import log10
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import (
    Fingerprint,
    bundles,
    kept_channels,
    key_size,
    plain_channels,
    planes,
    projection,
    unit_rows,
)
from ..inference import log10_p_fixed_points
from .matching import fixed_points
from .result import Part

PINNED = -4.0
"""log10 p at or below which a model counts as pinned."""

_Images = Callable[[NDArray[np.intp]], NDArray[np.float64]]
"""Images [n, k] of rows of a matrix."""


_known: WeakKeyDictionary[Fingerprint, dict[Part, bool]] = WeakKeyDictionary()
"""Cache of results, since several tests need the same."""


def both_pinned(part: Part, a: Fingerprint, b: Fingerprint) -> bool:
    """Whether the indices of a part look pinned in both models.

    Parameters
    ----------
    part : ``hidden units``, ``value channels``, ``rotary planes`` or ``query and key channels``.
    a, b : the models.

    Returns
    -------
    bool
        Whether log10 p is at most ``PINNED`` in each of them.
    """
    return all(_pinned(part, model) for model in (a, b))


def _pinned(part: Part, model: Fingerprint) -> bool:
    known = _known.setdefault(model, {})
    if part not in known:
        known[part] = log10_p_pinned(part, model) <= PINNED
    return known[part]


def log10_p_pinned(part: Part, model: Fingerprint) -> float:
    """log10 p, over all arrays and matrices, of the hypothesis that no known matrix pins the indices."""
    found = list(_READERS[part](model))
    return min(0.0, min(found, default=0.0) + log10(max(1, len(found))))


def _units(model: Fingerprint) -> Iterator[float]:
    for bundle in bundles(model.record.architecture, model.record.sketch):
        for role in ("gate", "up", "down"):
            if layers := _layers(model, "units", f"{bundle.name}.{role}"):
                for images in _matrices(model, reads=role != "down"):
                    yield _p(layers, images(bundle.rows).reshape(bundle.together, bundle.units, -1))


def _values(model: Fingerprint) -> Iterator[float]:
    """log10 p by rows of v, and by columns of o, which are summed over the query heads of a kv head."""
    at = kept_channels(model.record.architecture, model.record.sketch).indices
    for role in ("v", "o"):
        if layers := _layers(model, "values", role):
            yield from _heads(model, layers, at, role)


def _keys(rows: Literal["turned", "plain"], model: Fingerprint) -> Iterator[float]:
    """log10 p by rows of k, and by rows of q, which are summed over the query heads of a kv head."""
    channels = {"turned": planes, "plain": plain_channels}[rows](model.record.architecture, model.record.sketch)
    for role in ("k", "q"):
        if layers := _layers(model, "keys", f"{rows}.{role}"):
            yield from _heads(model, [x.reshape(len(x), -1, x.shape[-1]) for x in layers], channels.ravel(), role)


def _heads(model: Fingerprint, layers: list[NDArray[np.float64]], at: NDArray[np.intp], role: str) -> Iterator[float]:
    """log10 p of channels of heads, numbered through all heads, or in each head by itself.

    Parameters
    ----------
    model : one model.
    layers : vectors [kv heads, n, k] of each layer; of the one rotary key behind a latent vector, [1, n, k].
    at : the channels of a head that they are of, [n].
    role : of the matrix; of ``q`` and ``o`` the vectors are sums over the query heads of a kv head.
    """
    shape = model.record.architecture
    size, heads = shape.head_size, np.arange(len(layers[0]))[:, None]
    if role in "kq" and not shape.latent:
        size = key_size(shape)
    sharing = shape.heads // max(1, len(heads))
    orders = [[heads * size + at], [0 * heads + at]]
    if role in "qo" and sharing > 1:
        orders.append([(heads * sharing + s) * size + at for s in range(sharing)])
    for images in _matrices(model, reads=role != "o"):
        for order in orders:
            of_heads = np.sum([images(rows.ravel()) for rows in order], axis=0)
            yield _p(layers, of_heads.reshape(len(heads), len(at), -1))


_READERS: dict[Part, Callable[[Fingerprint], Iterator[float]]] = {
    "hidden units": _units,
    "value channels": _values,
    "rotary planes": partial(_keys, "turned"),
    "query and key channels": partial(_keys, "plain"),
}


def _layers(model: Fingerprint, kind: str, rest: str) -> list[NDArray[np.float64]]:
    """Vectors [copies, n, k] of each layer that has them."""
    names = [f"{kind}.{layer}.{rest}" for layer in range(model.record.architecture.layers)]
    return [model.arrays[name].astype(np.float64) for name in names if name in model.arrays]


def _p(layers: list[NDArray[np.float64]], images: NDArray[np.float64]) -> float:
    """Fixed points of the best absolute cosine of vectors with images of their block, over blocks, copies once."""
    rows, matched, seen = unit_rows(images).astype(np.float64).swapaxes(-1, -2), 0, set[bytes]()
    for vectors in layers:
        scores = np.abs(vectors @ rows)
        scores[~np.any(vectors, axis=-1)] = -np.inf
        scores.swapaxes(-1, -2)[~np.broadcast_to(np.any(rows, axis=-2), scores.shape[:-1])] = -np.inf
        for block, found in zip(vectors, fixed_points(scores), strict=True):
            if (content := block.tobytes()) not in seen:
                seen.add(content)
                matched += int(found.sum())
    return log10_p_fixed_points(matched, len(seen))


def _matrices(model: Fingerprint, *, reads: bool) -> tuple[_Images, _Images]:
    """Projections of the known matrices, as in the sketch: whole rows, or columns by their first rows."""
    width, sketch = model.record.architecture.width, model.record.sketch
    seen = width if reads else min(width, sketch.rows)
    signs = projection(width, sketch.projections)[:seen]

    def identity(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        axes = rows % max(1, width)
        return np.where((axes < seen)[:, None], signs[np.minimum(axes, seen - 1)], 0.0)

    def hadamard(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return _hadamard(tuple(int(i) for i in rows), seen) @ signs

    return identity, hadamard


@cache
def _hadamard(rows: tuple[int, ...], columns: int) -> NDArray[np.float64]:
    """Rows of Sylvester's matrix, entry (i, j) minus one to the number of bits that i and j share."""
    bits = np.asarray(rows)[:, None] & np.arange(columns)
    for step in (32, 16, 8, 4, 2, 1):
        bits ^= bits >> step
    return np.where(bits & 1, -1.0, 1.0)
