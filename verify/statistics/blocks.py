"""Symmetry groups of a model as blocks of vectors, and the score array of two blocks.

A block is a set of vectors whose indices can be permuted without changing the function: the hidden units of an MLP,
or the value channels of a key-value head. A block reader gives all blocks of a model by layer and slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import STATE, Fingerprint, bundles, kept_channels

Vectors = NDArray[np.float64]

_CELLS = 1 << 19  # cosines in memory at a time


@dataclass(frozen=True)
class Block:
    """Vectors of one symmetry group of one model; arrays have shape [copies, n, k]."""

    indices: NDArray[np.intp]
    """The model's indices of the n kept ones."""
    size: int
    """Number of indices of the group in the model."""
    sign_fixed: tuple[Vectors, ...]
    """Vectors whose sign no symmetry changes (gate rows)."""
    sign_flipping: tuple[Vectors, ...]
    """Vectors that a symmetry flips together (up with down; v with o)."""
    copies: int

    def at(self, common: NDArray[np.intp]) -> Block:
        """The same block at the ``common`` indices only, which must be ascending and kept."""
        where = np.searchsorted(self.indices, common)
        fixed, flipping = (tuple(x[:, where] for x in group) for group in (self.sign_fixed, self.sign_flipping))
        return Block(common, self.size, fixed, flipping, self.copies)

    def of(self, copies: slice) -> Block:
        """Some of the copies."""
        fixed, flipping = (tuple(x[copies] for x in group) for group in (self.sign_fixed, self.sign_flipping))
        return Block(self.indices, self.size, fixed, flipping, len((fixed + flipping)[0]))

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """Which indices are live (non-zero in every vector), shape [copies, n]."""
        alive: NDArray[np.bool_] = np.all([x.any(-1) for x in self.sign_fixed + self.sign_flipping], axis=0)
        return alive


BlocksByLayer = dict[int, dict[str, Block]]
"""Blocks by layer, then by slot."""
BlockReader = Callable[[Fingerprint], BlocksByLayer]


def units(model: Fingerprint) -> BlocksByLayer:
    """Hidden units by their weights: gate rows, and up rows up to sign."""
    gated = model.record.architecture.gated

    def block(layer: int, bundle: str) -> tuple[list[str], list[str]]:
        gate, up = f"units.{layer}.{bundle}.gate", f"units.{layer}.{bundle}.up"
        return ([gate], [up]) if gated else ([up], [])

    return mlp_grid(model, block)


def unit_pairs(model: Fingerprint) -> BlocksByLayer:
    """Gated hidden units with the vectors that share a sign: up rows and down columns; none of a state space."""
    grid = mlp_grid(
        model,
        lambda layer, b: (
            [f"units.{layer}.{b}.gate"],
            _read(model, f"units.{layer}.{b}.up", f"units.{layer}.{b}.down"),
        ),
    )
    signed = {layer: {slot: block for slot, block in row.items() if slot != STATE} for layer, row in grid.items()}
    return {layer: row for layer, row in signed.items() if row}


def unit_responses(model: Fingerprint) -> BlocksByLayer:
    """Hidden units by the response of their gate (if not gated, of up) to the anchors."""
    return mlp_grid(model, lambda layer, b: ([f"response.{layer}.{b}"], []))


def strongest_units(model: Fingerprint) -> BlocksByLayer:
    """Gated hidden units of largest response, by what gate, up and down read and write on the anchors."""
    grid = mlp_grid(
        model,
        lambda layer, b: ([f"match.{layer}.{b}.gate"], [f"match.{layer}.{b}.up", f"match.{layer}.{b}.down"]),
    )
    return {layer: {slot: _numbered(block) for slot, block in row.items()} for layer, row in grid.items()}


def values(model: Fingerprint) -> BlocksByLayer:
    """Value channels by v rows and o columns, up to one sign for both."""
    return _head_grid(model, lambda layer: _read(model, f"values.{layer}.v", f"values.{layer}.o"))


def value_responses(model: Fingerprint) -> BlocksByLayer:
    """Value channels by their response to the anchors, up to sign."""
    return _head_grid(model, lambda layer: [f"response.{layer}.values"])


def score(a: Block, b: Block) -> Vectors:
    """Score array [n, n] of two blocks at common indices: the maximum over copies of a mean cosine.

    For one pair of copies, entry (i, j) is ``(sum of cosines of fixed vectors + |sum of cosines
    of flipping vectors|) / number of vectors``. Permuting the indices of a block permutes the array
    alike; flipping the signs of flipping vectors leaves it. A pair with a dead index scores -inf.
    """
    best = np.full((len(a.indices), len(b.indices)), -np.inf)
    step = groups_at_once(len(a.indices), b.copies * len(b.indices))
    for start in range(0, a.copies, step):
        some = a.of(slice(start, start + step))
        sums = cosines(some, b).reshape(some.copies, len(a.indices), b.copies, len(b.indices))
        np.maximum(best, sums.max(0).max(1), out=best)
    best /= len(a.sign_fixed) + len(a.sign_flipping)
    return best


def cosines(a: Block, b: Block) -> Vectors:
    """Sum of cosines of fixed vectors + |sum of cosines of flipping vectors|, of every two indices of any copies.

    Shape [copies of a * n of a, copies of b * n of b]; -inf where either is dead. The vectors of a fingerprint
    are float16 of length 1, so their products are multiples of 2^-48 and these sums are exact in any order.
    """
    total, product = np.empty((2, a.copies * len(a.indices), b.copies * len(b.indices)))
    total[...] = 0.0
    for x, y in zip(a.sign_flipping, b.sign_flipping, strict=True):
        total += np.matmul(_rows(x), _rows(y).T, out=product)
    np.abs(total, out=total)
    for x, y in zip(a.sign_fixed, b.sign_fixed, strict=True):
        total += np.matmul(_rows(x), _rows(y).T, out=product)
    if not (alive := a.alive.ravel()).all():
        total[~alive] = -np.inf
    if not (alive := b.alive.ravel()).all():
        total[:, ~alive] = -np.inf
    return total


def agreement(a: Block, b: Block) -> Vectors:
    """Inner products [n, n] of the flipping vectors of every two indices, each summed over copies first.

    A row changes sign with the sign of its index in A, a column with that of its index in B, whichever copies
    are tied.
    """
    total = np.zeros((len(a.indices), len(b.indices)))
    for x, y in zip(a.sign_flipping, b.sign_flipping, strict=True):
        total += x.sum(0) @ y.sum(0).T
    return total


def flat(block: Block) -> Block:
    """All copies of a block as one, of new indices."""
    fixed, flipping = (
        tuple(x.reshape(1, -1, x.shape[-1]) for x in group) for group in (block.sign_fixed, block.sign_flipping)
    )
    n = block.copies * len(block.indices)
    return Block(np.arange(n), n, fixed, flipping, 1)


def side_by_side(blocks: list[Block]) -> Block:
    """Blocks of one copy as one block, of new indices."""
    fixed, flipping = (
        tuple(np.concatenate(group, axis=1) for group in zip(*(getattr(b, name) for b in blocks), strict=True))
        for name in ("sign_fixed", "sign_flipping")
    )
    n = (fixed + flipping)[0].shape[1]
    return Block(np.arange(n), n, fixed, flipping, 1)


def _numbered(block: Block) -> Block:
    """The same vectors where it is not known which indices of the model they are of."""
    return replace(block, indices=np.arange(block.sign_fixed[0].shape[1]))


def groups_at_once(rows: int, columns: int) -> int:
    """Number of groups of ``rows`` that fit in memory when compared with ``columns``; at least 1."""
    return max(1, _CELLS // max(1, rows * columns))


def common_indices(blocks: list[Block]) -> NDArray[np.intp]:
    """Indices kept in every one of the blocks, ascending."""
    common = blocks[0].indices
    for block in blocks[1:]:
        common = np.intersect1d(common, block.indices, assume_unique=True)
    return common


def _read(model: Fingerprint, *names: str) -> list[str]:
    """Of arrays that share a sign, those present at the model's effort: at screen only the first."""
    return list(names[:1] if model.record.effort == "screen" else names)


def _rows(x: Vectors) -> Vectors:
    return x.reshape(-1, x.shape[-1])


def mlp_grid(model: Fingerprint, names: Callable[[int, str], tuple[list[str], list[str]]]) -> BlocksByLayer:
    """MLPs by layer, of the arrays of ``names(layer, block)``: those whose sign is fixed, and those that flip."""
    shape, grid = model.record.architecture, BlocksByLayer()
    for layer in range(shape.layers):
        for bundle in bundles(shape, model.record.sketch):
            fixed, flipping = names(layer, bundle.name)
            if all(name in model.arrays for name in fixed + flipping):
                block = _block(model, bundle.indices, bundle.hidden, fixed, flipping)
                grid.setdefault(layer, {})[bundle.name] = block
    return grid


_mlp_grid = mlp_grid  # as statistics that were written before it was public import it


def _head_grid(model: Fingerprint, names: Callable[[int], list[str]]) -> BlocksByLayer:
    shape = model.record.architecture
    indices = kept_channels(shape, model.record.sketch).indices
    grid: BlocksByLayer = {}
    for layer in range(shape.layers):
        if all(name in model.arrays for name in names(layer)):
            whole = _block(model, indices, shape.head_size, [], names(layer))
            grid[layer] = {
                f"head {h}": Block(indices, whole.size, (), tuple(x[h : h + 1] for x in whole.sign_flipping), 1)
                for h in range(shape.kv_heads)
            }
    return grid


def _block(model: Fingerprint, indices: NDArray[np.intp], size: int, fixed: list[str], flipping: list[str]) -> Block:
    groups = (tuple(model.arrays[n].astype(np.float64) for n in names) for names in (fixed, flipping))
    vectors_fixed, vectors_flipping = groups
    copies = len((vectors_fixed + vectors_flipping)[0])
    return Block(indices, size, vectors_fixed, vectors_flipping, copies)
