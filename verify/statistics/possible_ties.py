r"""Which blocks of one model may look tied, in single precision: all others are ruled out before ``ties`` decides.

Nearly all blocks of a model are far from any tie, and there are as many comparisons as pairs of blocks. So scores are
first made in single precision, many blocks in one product, and a pair of blocks is kept if anything that ``ties``
declares might hold of it.

No tie is lost: a pair of blocks that looks tied by ``ties`` is kept, unless the rounding of double precision alone
makes it look so.

Proof. Vectors are of length 1 at most, so a score, of at most ``LONGEST`` numbers side by side that are rounded to
single precision, is within ``(LONGEST + 4) 2^-24 < ERROR`` of the exact one, in any order of additions (Higham 2002,
eq. 3.5). *Copies.* A diagonal score above ``1 - MARGIN``, or a mean diagonal above ``ALIKE``, is above these less
``ERROR``. *Sums.* Let a standardised sum be ``z = t / s``: ``t`` is the trace of the centred ``n x n`` scores, ``s``
the root of the sum of their squares over ``n - 1``. Centring is a projection, so errors change ``t`` by at most
``2 n ERROR`` and that root by at most ``n ERROR``. Pairs are kept whose centred scores have a root mean square below
``LEAST``, or below a tenth of that of the scores; of the others, errors of scores change ``t / s`` by at most
``2 ERROR sqrt(n) / LEAST``, below .5, and ``s`` by one part in a hundred, and sums in single precision, off by
``n 2^-24`` of what they add, change ``s`` by less than another two. So z above a threshold of at most 10 is above the
threshold less 1. *Signs.* A number of ``swaps`` adds four products, each off by at most ``m ERROR`` for ``m`` arrays,
so the sum of ``n / 2`` numbers over the root of the sum of their squares changes by at most ``sqrt(n / 2)`` times
``4 m ERROR`` over their root mean square, and pairs are kept of which that is below ``4 m LEAST``: by less than .2,
and one part in a hundred. ∎

Kept whatever they score: blocks with a dead index or a number that is not finite, and pairs with more than ``MOST``
indices, more than ``LONGEST`` numbers an index, or a threshold of 10 or more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .matching import MARGIN

ERROR = 1e-4
"""More than the error of a score in single precision."""
LEAST = 0.01
"""Deviation of scores below which single precision decides nothing."""
MOST = 512
"""Most indices of blocks that are bounded."""
LONGEST = 1024
"""Most numbers of an index, over all arrays."""

Single = NDArray[np.float32]
Mask = NDArray[np.bool_]


def may_look_tied(
    fixed: tuple[Single, Single],
    flipping: tuple[Single, Single],
    parts: int,
    threshold: float,
    alike: float,
    signs: bool,
) -> Mask:
    """Whether each block of one set may look tied to each of another.

    Parameters
    ----------
    fixed, flipping : vectors of both sets, arrays side by side, shape [blocks, n, k]; all alive and finite.
    parts : number of arrays side by side in both.
    threshold : of standardised sums.
    alike : of the mean absolute score of few indices.
    signs : whether signs are tested rather than indices.

    Returns
    -------
    ndarray of bool
        Shape [blocks of the one, blocks of the other].
    """
    n = fixed[0].shape[1]
    of_fixed, of_flipping = _scores(*fixed), _scores(*flipping)
    unsigned = np.abs(of_flipping)
    unsigned += of_fixed
    unsigned /= parts
    diagonal = unsigned.diagonal(axis1=1, axis2=3)
    may: Mask = np.any(diagonal > 1 - MARGIN - ERROR, axis=-1)
    if n - 1 <= threshold:
        may |= diagonal.mean(-1) > alike - ERROR
    may |= _sum_may_exceed(unsigned, threshold)
    if signs:
        may |= _signs_may_exceed(of_flipping, parts, threshold)
    elif flipping[0].shape[2]:
        of_flipping += of_fixed
        of_flipping /= parts
        may |= _sum_may_exceed(of_flipping, threshold)
    return may


def _scores(x: Single, y: Single) -> Single:
    """Inner products of every two vectors, shape [blocks of x, n, blocks of y, n]."""
    shape = (*x.shape[:2], *y.shape[:2])
    rows, columns = x.shape[0] * x.shape[1], y.shape[0] * y.shape[1]
    products: Single = x.reshape(rows, x.shape[2]) @ y.reshape(columns, y.shape[2]).T
    return products.reshape(shape)


def _sum_may_exceed(scores: Single, threshold: float) -> Mask:
    """Whether the diagonal's standardised sum may exceed the threshold: [blocks, blocks]."""
    n = scores.shape[1]
    rows = (scores.reshape(-1, n) @ np.ones(n, np.float32)).reshape(scores.shape[:3]).astype(np.float64)
    columns = scores.sum(1).astype(np.float64)
    squares = np.square(scores).sum(1).sum(-1, dtype=np.float64)
    total = columns.sum(-1)
    centred = squares - (np.square(rows).sum(1) + np.square(columns).sum(-1) - np.square(total) / n) / n
    trace = scores.diagonal(axis1=1, axis2=3).sum(-1, dtype=np.float64) - total / n
    wide = (centred > LEAST**2 * n**2) & (centred > 0.01 * squares)
    spread = np.sqrt(np.where(wide, centred, 1.0) / max(1, n - 1))
    may: Mask = ~wide | (trace > (threshold - 1) * spread)
    return may


def _signs_may_exceed(products: Single, parts: int, threshold: float) -> Mask:
    """Whether the standardised sum of the numbers of ``swaps`` may exceed the threshold: [blocks, blocks]."""
    i = np.arange(0, products.shape[1] - 1, 2)
    j = i + 1
    numbers = products[:, i, :, i] + products[:, j, :, j] - products[:, i, :, j] - products[:, j, :, i]
    numbers = numbers.astype(np.float64)
    squares = np.square(numbers).sum(0)
    wide = squares > (4 * parts * LEAST) ** 2 * len(i)
    may: Mask = ~wide | (numbers.sum(0) > (threshold - 1) * np.sqrt(squares))
    return may
