r"""Whether likeness goes with the places of things: Mantel's statistic, with its exact variance under permutations.

Mantel 1967, Cancer Research 27. ``C_ij`` is the likeness of the things at places i and j, ``D_ij`` a fixed function
of the places, and ``Z = sum_(i != j) C_ij D_ij``. If the order is random, the things are a random permutation, and
with the sum ``Q`` of squared entries and the sum ``R`` of squared row sums,

    E Z^2 = 2 Q_C Q_D / n2 + 4 (R_C - Q_C) (R_D - Q_D) / n3 + (2 Q_C - 4 R_C) (2 Q_D - 4 R_D) / n4

once the mean over pairs is subtracted from both, and ``E Z = 0``; ``n2 = n (n - 1)``, ``n3 = n2 (n - 2)`` and
``n4 = n3 (n - 3)``. (Two pairs of different places are equal, share one place or none, and the sums over all of each
kind are ``2 Q``, ``4 (R - Q)`` and ``2 Q - 4 R``, as all entries add up to zero.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def mantel(scores: Array, kernel: Array) -> tuple[float, float]:
    """Z less its mean under permutations, and its variance; zeros for fewer than four indices.

    Parameters
    ----------
    scores, kernel : symmetric arrays [n, n], of which the diagonal does not count.
    """
    n = len(scores)
    if n < 4:
        return 0.0, 0.0
    c, d = (_centred(x) for x in (scores, kernel))
    (c_squares, c_rows), (d_squares, d_rows) = ((float((x**2).sum()), float((x.sum(1) ** 2).sum())) for x in (c, d))
    pairs = n * (n - 1)
    variance = (
        2 * c_squares * d_squares
        + 4 * (c_rows - c_squares) * (d_rows - d_squares) / (n - 2)
        + (2 * c_squares - 4 * c_rows) * (2 * d_squares - 4 * d_rows) / ((n - 2) * (n - 3))
    ) / pairs
    return float((c * d).sum()), variance


def _centred(x: Array) -> Array:
    """Entries less their mean, with a diagonal of zeros: then the mean of Z is zero."""
    apart = ~np.eye(len(x), dtype=bool)
    return np.where(apart, x - x[apart].mean(), 0.0)
