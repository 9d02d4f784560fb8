r"""The number of agreeing signs: the exact binomial distribution.

Setting. ``n`` pairs, one number each, none of them zero. Under the null hypothesis the sign of each
number may be flipped, independently with probability one half, without changing any joint distribution.

Theorem (signs). The number ``K`` of positive numbers is binomial(n, 1/2), given their magnitudes.

Proof. Conditionally on the orbit under sign flips, the vector of signs is uniform on ``{-1, +1}^n``
(flipping is a free and transitive action on it once zeros are removed, and which numbers are zero is
constant on the orbit). ∎

The test is one-sided: relatives agree.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from math import fsum, lgamma, log, sqrt

import numpy as np
from numpy.typing import NDArray

from ..base import StatisticsError
from .intervals import log_factorials, smallest_share


def log10_p_signs(agreeing: int, pairs: int) -> float:
    """log10 P(Binomial(pairs, 1/2) >= agreeing), exact up to rounding.

    Raises
    ------
    StatisticsError
        Unless ``0 <= agreeing <= pairs``.

    Examples
    --------
    >>> log10_p_signs(10, 10)  # 2**-10
    -3.010...
    """
    if not 0 <= agreeing <= pairs:
        raise StatisticsError(
            f"{agreeing} agreeing signs of {pairs} is outside the domain; give 0 <= agreeing <= pairs."
        )
    if agreeing == 0:
        return 0.0
    largest, around = max(agreeing, pairs // 2), int(12 * sqrt(pairs)) + 30  # beyond, terms are below exp(-280)
    # Each term from the one before, from the largest on.
    below = np.arange(largest, max(agreeing, largest - around), -1)
    above = np.arange(largest + 1, min(pairs, largest + around) + 1)
    terms = (np.cumprod(below / (pairs - below + 1)), np.cumprod((pairs - above + 1) / above))
    total = fsum(chain([1.0], *(part.tolist() for part in terms)))  # rounded alike by every processor
    chosen = lgamma(pairs + 1) - lgamma(largest + 1) - lgamma(pairs - largest + 1)
    return min(0.0, (chosen - pairs * log(2.0) + log(total)) / log(10.0))


def law_of_signs(pairs: int) -> NDArray[np.float64]:
    """Probability of every number of agreeing signs, shape [pairs + 1].

    Raises
    ------
    StatisticsError
        If ``pairs`` is negative.

    Examples
    --------
    >>> law_of_signs(2)
    array([0.25, 0.5 , 0.25])
    """
    if pairs < 0:
        raise StatisticsError(f"{pairs} pairs is outside the domain; give at least 0.")
    logs = log_factorials(pairs)
    law: NDArray[np.float64] = np.exp(logs[pairs] - logs - logs[::-1] - pairs * log(2.0))
    return law


def critical_agreement(pairs: int, log10_alpha: float) -> int | None:
    """Smallest number of agreeing signs whose p-value is at most ``10**log10_alpha``; None if there is none."""
    needed = bisect_left(range(pairs + 1), True, key=lambda agreeing: log10_p_signs(agreeing, pairs) <= log10_alpha)
    return needed if needed <= pairs else None


def detectable_agreement(pairs: int, log10_alpha: float, power: float = 0.95) -> float | None:
    """Smallest probability of agreement per pair that reaches the level ``10**log10_alpha`` with the given power.

    Parameters
    ----------
    pairs : number of signs compared.
    log10_alpha : log10 of the level.
    power : probability of rejection asked for.

    Returns
    -------
    float or None
        The probability; None where even full agreement does not reach the level.
    """
    needed = critical_agreement(pairs, log10_alpha)
    return None if needed is None else smallest_share(needed, pairs, power)
