r"""Order of the indices of one model: whether vectors at near indices, or at indices of one parity, resemble another.

The bound on fixed points holds if the order of the indices of one model is random. If two strangers share classes of
indices, such as units sorted by importance, nested widths, or gate and up rows that interleave and are read as though
they did not, best matches stay within a class, and many are at the same index. Each model shows such classes by
itself: vectors of one class resemble one another.

Statistic (``inference.mantel_test``). For a block, ``C_ij`` is the score of the vectors at indices i and j with one
another, summed over copies, and ``D_ij`` is a fixed function of the indices: their distance ``|i - j|``, or whether
it is even. Blocks are permuted independently, so ``Z`` and its variance are summed over them. A model is *ordered* if
the sum exceeds ``ORDERED`` standard deviations in absolute value, for either function ``D``, by weights or by
responses. Exact copies of a block count once, and experts are summed, as they may be copies.

Setting aside. If both models are ordered, tests that rest on permutations of these indices are set aside: p' = 1.
This costs only power. Theorem (selection is free). If ``p`` is super-uniform, so is ``p'``, which is ``p`` unless
something happens, and then 1, whatever that depends on. Proof. ``p' >= p``. ∎ If one model is ordered, the order of
the other may be random, and the null distribution remains valid.

Not detected: classes without likeness within, and classes that neither distance nor parity tells apart.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import Fingerprint
from ..inference import mantel
from .blocks import Block, BlockReader, BlocksByLayer, Vectors, unit_responses, units, value_responses, values
from .result import Part

ORDERED = 4.0
"""Standard deviations under permutations beyond which a model counts as ordered.

Of 360 values of the zoo's trained models, by every reading and function, one exceeds 2.4 (it is 3.0), and their root
mean square is .95; of residual dimensions none exceeds 2.9. In random order one value exceeds 4 once in 16,000
(normal), so that both of two models hardly ever do.
Simulated strangers that share classes of 64 kept units are seen where the classes make up 4% of the variance of 6
layers, or 1% of 32, and fixed points then reject no more often than at the level, or hardly.
"""

Kernel = Callable[[NDArray[np.intp]], Vectors]

READERS: dict[Part, tuple[BlockReader, ...]] = {
    "hidden units": (units, unit_responses),
    "value channels": (values, value_responses),
}
"""Readings of the indices of a part: by weights, and by responses to shared tokens."""
_known: WeakKeyDictionary[Fingerprint, dict[tuple[BlockReader, ...], bool]] = WeakKeyDictionary()
"""Cache of results, since several tests need the same."""


def distance(indices: NDArray[np.intp]) -> Vectors:
    """Distance of every two indices, [n, n]."""
    apart: Vectors = np.abs(indices[:, None] - indices).astype(np.float64)
    return apart


def parity(indices: NDArray[np.intp]) -> Vectors:
    """Whether the distance of every two indices is even, [n, n]."""
    even: Vectors = (distance(indices) % 2 == 0).astype(np.float64)
    return even


KERNELS: tuple[Kernel, ...] = (distance, parity)


def both_ordered(readers: tuple[BlockReader, ...], a: Fingerprint, b: Fingerprint) -> bool:
    """Whether the indices of blocks look ordered in both models.

    Parameters
    ----------
    readers : readings of the same indices, as in ``READERS``.
    a, b : the models.
    """
    return all(_ordered(readers, model) for model in (a, b))


def _ordered(readers: tuple[BlockReader, ...], model: Fingerprint) -> bool:
    known = _known.setdefault(model, {})
    if readers not in known:
        known[readers] = any(abs(z) > ORDERED for read in readers for z in order(read, model))
    return known[readers]


def order(read: BlockReader, model: Fingerprint) -> tuple[float, ...]:
    """Standardised statistic of the blocks of a model, for each of ``KERNELS``; 0 if nothing varies.

    Parameters
    ----------
    read : reads the blocks.
    model : one model.
    """
    return order_of(read(model))


def looks_ordered(grid: BlocksByLayer) -> bool:
    """Whether the indices of blocks look ordered.

    Parameters
    ----------
    grid : the blocks of one model.
    """
    return any(abs(z) > ORDERED for z in order_of(grid))


def order_of(grid: BlocksByLayer) -> tuple[float, ...]:
    """As :func:`order`, of blocks that were read.

    Parameters
    ----------
    grid : the blocks of one model.
    """
    blocks = {_content(block): _live(block) for row in grid.values() for block in row.values()}
    scored = [(_scores(block), block.indices) for block in blocks.values()]
    return tuple(_standardised([mantel(scores, kernel(at)) for scores, at in scored]) for kernel in KERNELS)


def _standardised(moments: list[tuple[float, float]]) -> float:
    excess, variance = np.sum(moments or [(0.0, 0.0)], axis=0)
    return float(excess / variance**0.5) if variance > 0 else 0.0


def _scores(block: Block) -> Vectors:
    """Scores of the vectors of a block with one another, summed over copies, [n, n]."""
    total = np.abs(_products(block.sign_flipping)) + _products(block.sign_fixed)
    scores: Vectors = total.sum(0)
    return scores


def _products(vectors: tuple[Vectors, ...]) -> Vectors:
    """Inner products within each copy, summed over vectors, [copies, n, n]."""
    total: Vectors = np.sum([x @ x.swapaxes(-1, -2) for x in vectors], axis=0)
    return total


def _live(block: Block) -> Block:
    """The indices that are live in every copy."""
    return block.at(block.indices[block.alive.all(0)])


def _content(block: Block) -> bytes:
    return b"".join(x.tobytes() for x in block.sign_fixed + block.sign_flipping)
