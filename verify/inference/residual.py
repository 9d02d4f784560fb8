r"""Residuals of a score matrix: scores after removing each model's main effect ("hub effect").

Setting. Some models score high with all others (hubs), so raw scores rank a pair of hubs first, related or not. With
``h`` the models' hub effects, arbitrary, even dependent on ``e``, let ``S_ij = h_i + h_j + e_ij``. Over the ``n (n-1)
/ 2`` pairs, the least-squares residual is

    T_ij = S_ij - mu - r_i - r_j,    mu = mean over pairs,    r_i = (rowsum_i - (n-1) mu) / (n-2),

and between two sets of models (``S_ij = h_i + k_j + e_ij``) it is

    T_ij = S_ij - mean of row i - mean of column j + grand mean.

Theorem (residual). ``T(S)`` is equivariant under relabelling of the models (of either set, in the second case), and
``T(S) = T(e)`` whatever the hub effects. Hence if the distribution of ``e`` is unchanged by relabelling, ranks of
``T`` in the orbits of `designs` give super-uniform p-values, whatever ``h``.

Proof. *Equivariance.* Relabelling carries row sums to row sums and leaves the mean alone, and the formula
treats all indices alike; it is symmetric in ``i`` and ``j`` in the first case. *Hubs.* ``T`` is linear, so it
is enough that it vanishes on ``h_i + h_j``. With ``h`` the mean of ``h_i``: ``mu = 2 h``;
``rowsum_i = (n-1) h_i + (n h - h_i) = (n-2) h_i + n h``; ``r_i = h_i + (n - 2 (n-1)) h / (n-2) = h_i - h``; and
``h_i + h_j - 2 h - (h_i - h) - (h_j - h) = 0``. In the second case the row mean is ``h_i + k``, the column mean
``h + k_j``, the grand mean ``h + k``, and ``T = 0`` again. *Ranks.* ``T(S) = T(e)`` is an equivariant statistic
of ``e``, whose distribution is invariant: the theorem of `orbit` applies to the array ``e``. ∎

All models enter the fit, those of the claim included: a fit without the claim is not equivariant, and not valid.
With ``n = 4`` the residuals of complementary pairs coincide, and of a 2 by q array the two rows are
opposite: five models, or three and three, are the least that are informative about one pair.

Not removed: multiplicative hub effects, unequal noise, affinity of a pair (same laboratory, data set, tokenizer).

Source: two-way analysis of variance; for pairs, Warner, Kenny & Stoto (1979, doi 10.1037/0022-3514.37.10.1742).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import StatisticsError

LARGEST = 1e150
"""Largest size of a score: sums over a thousand models stay far from overflow."""


def two_way_residual(S: ArrayLike) -> NDArray[np.float64]:
    """Residuals of a symmetric score matrix [n, n], n >= 5; its diagonal is ignored, and NaN in the result.

    Raises
    ------
    StatisticsError
        If the matrix is not square, is smaller than 5, is not symmetric, or has a score that is not finite or larger
        than :data:`LARGEST` in size.

    Examples
    --------
    >>> h = np.arange(5.0)
    >>> float(np.nanmax(np.abs(two_way_residual(h[:, None] + h))))  # nothing but hubs
    0.0
    """
    scores = np.array(S, dtype=np.float64)
    n = len(scores) if scores.ndim else 0
    if scores.shape != (n, n) or n < 5:
        raise StatisticsError(
            f"The score matrix has shape {scores.shape}, and a residual over pairs needs at least 5 models "
            "by the same 5; add comparable models to the panel, or rank raw scores."
        )
    np.fill_diagonal(scores, 0.0)
    _finite(scores)
    if not np.array_equal(scores, scores.T):
        i, j = np.argwhere(scores != scores.T)[0].tolist()
        raise StatisticsError(
            f"The score of models {i} and {j} is {scores[i, j]} one way and {scores[j, i]} the other, where both "
            "must be equal; symmetrise the matrix as (S + S.T) / 2."
        )
    rows = scores.sum(axis=1)
    mu = rows.sum() / (n * (n - 1))
    r = (rows - (n - 1) * mu) / (n - 2)
    residual: NDArray[np.float64] = scores - mu - (r[:, None] + r)
    np.fill_diagonal(residual, np.nan)
    return residual


def bipartite_residual(S: ArrayLike) -> NDArray[np.float64]:
    """Residuals of a score matrix [p, q] between two sets of models, p >= 3 and q >= 3.

    Raises
    ------
    StatisticsError
        If the matrix is smaller than 3 by 3, or has a score that is not finite or larger than :data:`LARGEST` in
        size.
    """
    scores = np.asarray(S, dtype=np.float64)
    if scores.ndim != 2 or min(scores.shape) < 3:
        raise StatisticsError(
            f"The score matrix has shape {scores.shape}, and a residual between two strata needs at least 3 models "
            "in each; add models of both kinds to the panel, or rank raw scores."
        )
    _finite(scores)
    residual: NDArray[np.float64] = (
        scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0, keepdims=True) + scores.mean()
    )
    return residual


def _finite(scores: NDArray[np.float64]) -> None:
    if not np.isfinite(scores).all():
        i, j = np.argwhere(~np.isfinite(scores))[0].tolist()
        raise StatisticsError(
            f"The score of models {i} and {j} is {scores[i, j]}, which is not a finite number; "
            "compute it, or leave a model out of the panel for a declared reason."
        )
    largest = np.abs(scores).max(initial=0.0)
    if largest > LARGEST:
        raise StatisticsError(
            f"A score is {largest:.3g} in size, and sums of scores above {LARGEST:g} may overflow; divide all scores "
            "by one number."
        )
