r"""Signs of differences, on which a common mean of all vectors of a block has no effect.

Setting. The indices of a block are paired in advance: first and second, third and fourth, and so on, of those that
are compared. ``s_ij`` is the inner product of vector ``i`` of A and vector ``j`` of B (a sum over arrays and tied
blocks). The pair ``(i, j)`` gives the number

    x = s_ii + s_jj - s_ij - s_ji = <a_i - a_j, b_i - b_j>.

Lemma (swaps). Two actions on the vectors of one model negate ``x`` and leave the numbers of all other pairs alone:
swapping the contents of ``i`` and ``j``, and flipping the signs of both.
Proof. Either sends ``a_i - a_j`` to ``a_j - a_i``, or ``b_i - b_j`` to ``b_j - b_i``. ∎

So if the distribution of one model, given the other, is unchanged by swaps, *or* by flips, of the pairs, Theorem
(signs) of ``verify.inference.signs`` holds for the ``x``: one of the two symmetries is enough, and it need not be
known which. In exact arithmetic nothing that all vectors of a block have in common enters ``x``: entries with a
common mean, means of columns, the offset of a decoder, a positive initial distribution. (Vectors of a fingerprint
have length 1, so a common part of rows of unequal length differs a little between indices.) Parts that differ between
indices enter, and their sign is then a fair coin by swaps. If vectors were compared directly, ``<a_i, b_i>``, any of
these would give unrelated models one sign at all indices. A pair with a vector that is dead in either model is
dropped, as are zeros: both are the same after a swap or a flip.

The cost: half as many signs, so about half of log10 p if all agree. It is the least possible: there are at most ``n /
2`` commuting swaps of ``n`` indices.

Setting signs aside. Where the mean of a block's vectors is far from zero in *both* models, flips are no symmetry of
either; the test then rests on swaps alone, and a mean that depends on the index in both would have an effect. Signs
are then set aside, p = 1, which costs power but not validity, since the p-value can only grow. "Far" is judged one
model at a time by ``sum_(i != j) <a_i, a_j>``, summed over blocks, whose mean over flips is 0 and whose variance is
``2 sum_(i != j) <a_i, a_j>^2``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

FAR = 6.0
"""Standard deviations under flips beyond which a mean counts as far from zero.

Of 43 models of the zoo none exceeds 4.4.
"""


def differences(scores: NDArray[np.float64], alive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The numbers x of the pairs of indices, shape [..., n // 2]; NaN if an index is dead.

    Parameters
    ----------
    scores : inner products of vectors of A and of B, shape [..., n, n].
    alive : which indices have a vector in both models, shape [..., n].

    Examples
    --------
    >>> differences(np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([True, True]))
    array([3.])
    """
    i = np.arange(0, scores.shape[-1] - 1, 2)
    j = i + 1
    x = scores[..., i, i] + scores[..., j, j] - scores[..., i, j] - scores[..., j, i]
    return np.where(alive[..., i] & alive[..., j], x, np.nan)


def mean_far_from_zero(blocks: Iterable[Iterable[NDArray[np.float64]]]) -> bool:
    """Whether the vectors of a model's blocks have a mean that flips of their signs could not give.

    Parameters
    ----------
    blocks : for each block, the arrays [n, k] whose rows share a sign.
    """
    return standardised_mean(blocks) > FAR


def standardised_mean(blocks: Iterable[Iterable[NDArray[np.float64]]]) -> float:
    """Sum of the inner products of different vectors of a block, over its standard deviation under flips."""
    total = variance = 0.0
    for arrays in blocks:
        products = np.sum([x @ x.T for x in arrays], axis=0)
        np.fill_diagonal(products, 0.0)
        total += float(products.sum())
        variance += 2 * float(np.square(products).sum())
    return total / variance**0.5 if variance > 0 else 0.0
