"""Inversion of the binomial distribution, for detectable shares."""

from __future__ import annotations

from functools import lru_cache
from math import isqrt, lgamma, log, log1p

import numpy as np
from numpy.typing import NDArray

_SPREADS = 40  # largest standard deviations, over which binomial terms fall below any digit
_HALVINGS = 60
_DIGITS = 12  # of a share; processors agree on these


def log_factorials(n: int) -> NDArray[np.float64]:
    """Natural logarithms of 0!, 1!, ..., n!, shape [n + 1]."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1, dtype=np.float64)))))


@lru_cache(maxsize=1 << 16)
def smallest_share(needed: int, n: int, power: float) -> float:
    """Smallest ``s`` with P(Binomial(n, s) >= needed) >= power, for ``0 <= needed <= n``.

    The probability falls short of 1 by the terms below ``needed``, which are added downwards, and is inverted by
    halving: one number does not repay the import of :mod:`scipy.special`, which has the same function.

    Parameters
    ----------
    needed : successes needed.
    n : trials.
    power : probability of success asked for.

    Returns
    -------
    float
        The share, between 0 and 1, to 12 digits.

    Examples
    --------
    >>> round(smallest_share(1, 1, 0.95), 6)
    0.95
    """
    if not needed:
        return 0.0
    first = needed - 1
    below = np.arange(first, max(0, first - _SPREADS * (isqrt(n) + 1)), -1, dtype=np.float64)
    falls = np.concatenate(([0.0], np.cumsum(np.log(below / (n - below + 1)))))
    steps, constant = np.arange(len(falls)), lgamma(n + 1) - lgamma(first + 1) - lgamma(n - first + 1)
    seen = first - len(below) / 2 if len(below) < first else 0.0  # from this mean on, no term left out counts
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        success, failure = log(share), log1p(-share)
        terms = constant + first * success + (n - first) * failure + falls + steps * (failure - success)
        enough = share * n >= seen and np.exp(terms).sum() <= 1 - power
        low, high = (low, share) if enough else (share, high)
    return float(f"{high:.{_DIGITS}g}")
