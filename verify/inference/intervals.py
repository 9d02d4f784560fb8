"""Inversion of the binomial distribution, for detectable shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_factorials(n: int) -> NDArray[np.float64]:
    """Natural logarithms of 0!, 1!, ..., n!, shape [n + 1]."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1, dtype=np.float64)))))


def smallest_share(needed: int, n: int, power: float) -> float:
    """Smallest ``s`` with P(Binomial(n, s) >= needed) >= power, for ``0 <= needed <= n``.

    The probability is the regularised incomplete beta function of ``needed`` and ``n - needed + 1`` at ``s``.

    Parameters
    ----------
    needed : successes needed.
    n : trials.
    power : probability of success asked for.

    Returns
    -------
    float
        The share, between 0 and 1.

    Examples
    --------
    >>> round(smallest_share(1, 1, 0.95), 6)
    0.95
    """
    from scipy.special import betaincinv

    return float(betaincinv(needed, n - needed + 1, power)) if needed else 0.0
