r"""Pairs of indices of two models that look alike by what no sign flip changes, one pair for each set of copies.

Setting. Each index ``i`` of A has vectors whose sign is fixed (gate) and vectors ``a_i`` that a symmetry flips
together (up with down; v with o), likewise each ``j`` of B with vectors ``b_j``. The score of ``(i, j)`` is that of
``blocks``: the mean of the cosines of fixed vectors and the absolute mean of the cosines of flipping ones.

Pairs. All indices of a layer stand side by side, of whatever MLP, expert or head. Layers are aligned one-to-one by
the mean best score. Within aligned layers, ``i`` and ``j`` are partners if each is the other's best match and their
score is at least ``ALIKE``. Of all partners, in the order of their scores and at most ``MOST``, a pair is kept unless
its index of A looks like that of a pair already kept (the same score, within A, of at least ``ALIKE``), or its index
of B does within B. Each kept pair gives the number ``<a_i, b_j>``, of flipping vectors.

Theorem (partners). Let the indices of one of the models form sets of copies, of which any two look alike, and let the
distribution of this model, given the other, be unchanged if all vectors of a set are flipped, each set independently.
Then the signs of the numbers are independent fair coins, given their magnitudes and which pairs are kept.
Proof. A flip of ``i`` negates ``<a_i, b_j>`` for all ``j``, and ``<a_i, a_k>`` unless ``k`` is flipped too; no score
changes, since flipping vectors enter by absolute values. So alignment, partners and kept pairs are constant on the
orbit. Two kept pairs have indices of different sets, since copies look alike. So on the orbit, the flips of the sets
of the kept pairs act on their signs freely and transitively, as in Theorem (signs) of ``verify.inference.signs``. ∎

Which of several readings of the same indices is used (weights, or responses to shared tokens) may depend on how many
pairs each keeps, which is constant on the orbit as well.

Why copies count once. The experts of an upcycled model are copies of one MLP, overlapping ones if they are
fine-grained; stacked layers are copies too. Two copies ``i`` and ``k`` have one sign, so partners ``(i, j)`` and
``(k, l)`` have equal numbers wherever ``j`` and ``l`` have one sign, as they may in a B that is arbitrary. Copies
that training has moved further apart than ``ALIKE`` are not seen. They matter only if both have partners, which are
then more alike to them than they are to one another.

Why partners must look alike, although no proof needs it. Strangers keep few pairs (at most ten of 384 in the zoo), so
that they could not be called related by much if an assumption failed. A mean that is common to the vectors of two
models, and large enough to make partners of strangers, makes the indices of one model look alike too, and they count
once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import Fingerprint
from .alignment import LARGEST, assign, means_of_best
from .blocks import Block, BlockReader, Vectors, cosines, flat, groups_at_once, side_by_side

ALIKE = 0.7
"""Score from which two indices look alike."""
MOST = 4096
"""Largest number of partners that are considered, those of the largest scores; they decide what looking for copies
costs."""


def numbers_of_partners(readings: Sequence[BlockReader], a: Fingerprint, b: Fingerprint) -> Vectors:
    """Inner products of the flipping vectors of the kept pairs, by the reading that keeps most pairs: [pairs].

    Parameters
    ----------
    readings : ways of reading the same indices; at least one.
    a, b : the models.
    """
    most = np.zeros(0)
    for read in readings:
        best = _best_partners(read, a, b)
        if best is not None and len(best[0].indices) > len(most):  # fewer partners cannot keep more pairs
            numbers = _numbers(*best)
            most = numbers if len(numbers) > len(most) else most
    return most


def _best_partners(read: BlockReader, a: Fingerprint, b: Fingerprint) -> tuple[Block, Block] | None:
    """Partners by one reading, at the same place in both blocks, those of the largest scores first."""
    layers_a, layers_b = (
        [side_by_side([flat(block) for block in row.values()]) for row in read(model).values()] for model in (a, b)
    )
    if not layers_a or not layers_b:
        return None
    table = means_of_best(*([_first(block) for block in layers] for layers in (layers_a, layers_b)))
    found = [_partners(layers_a[i], layers_b[j]) for i, j in zip(*assign(table), strict=True)]
    score = np.concatenate([scores for *_, scores in found])
    best = np.argsort(-score, kind="stable")[:MOST]
    sides = [first for first, _, _ in found], [second for _, second, _ in found]
    of_a, of_b = (side_by_side([side_by_side(blocks).at(best)]) for blocks in sides)
    return of_a, of_b


def _numbers(of_a: Block, of_b: Block) -> Vectors:
    """Inner products of the flipping vectors of partners, less those that look like one before: [pairs]."""
    kept = _apart(_alike(of_a) | _alike(of_b))
    products: Vectors = np.sum(
        [(x[0] * y[0]).sum(-1) for x, y in zip(of_a.sign_flipping, of_b.sign_flipping, strict=True)], axis=0
    )
    return products[kept]


def _first(block: Block) -> Block:
    return block.at(np.arange(min(len(block.indices), LARGEST)))


def _partners(a: Block, b: Block) -> tuple[Block, Block, Vectors]:
    """The partners among the indices of two layers, at the same place in both blocks, and their scores."""
    n, m = len(a.indices), len(b.indices)
    forward, best, backward, top = (
        np.zeros(n, dtype=np.intp),
        np.zeros(n),
        np.zeros(m, dtype=np.intp),
        np.full(m, -np.inf),
    )
    step = groups_at_once(1, m)
    for start in range(0, n, step):
        here = np.arange(start, min(n, start + step))
        scores = cosines(a.at(here), b) / _parts(a)
        forward[here], best[here] = scores.argmax(1), scores.max(1)
        better = scores.max(0) > top
        backward[better], top[better] = here[scores.argmax(0)[better]], scores.max(0)[better]
    pairs = np.flatnonzero((backward[forward] == np.arange(n)) & (best >= ALIKE))
    return a.at(pairs), b.at(forward[pairs]), best[pairs]


def _alike(block: Block) -> NDArray[np.bool_]:
    """Which two indices of a block look alike, [n, n]."""
    n = len(block.indices)
    alike = np.zeros((n, n), dtype=bool)
    step = groups_at_once(1, n)
    for start in range(0, n, step):
        here = slice(start, start + step)
        some = block if step >= n else block.at(np.arange(n)[here])  # half the work if it is the same array
        alike[here] = cosines(some, block) >= ALIKE * _parts(block)
    return alike


def _apart(alike: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The first of every set of pairs that look alike, in their order."""
    free, kept = np.ones(len(alike), dtype=bool), []
    for i in range(len(alike)):
        if free[i]:
            kept.append(i)
            free &= ~alike[i]
    return np.array(kept, dtype=np.intp)


def _parts(block: Block) -> int:
    return len(block.sign_fixed) + len(block.sign_flipping)
