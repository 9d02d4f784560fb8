"""Binomial and hypergeometric inversions: detectable shares and intervals for a share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..base import StatisticsError


def log_factorials(n: int) -> NDArray[np.float64]:
    """Natural logarithms of 0!, 1!, ..., n!, shape [n + 1]."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1, dtype=np.float64)))))


def smallest_share(needed: int, n: int, power: float) -> float:
    """Smallest ``s`` with P(Binomial(n, s) >= needed) >= power, to 1e-9 from above."""
    logs = log_factorials(n)
    k = np.arange(needed, n + 1)
    choose = logs[n] - logs[k] - logs[n - k]
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        s = (low + high) / 2
        reached = float(np.exp(choose + k * np.log(s) + (n - k) * np.log1p(-s)).sum())
        low, high = (low, s) if reached >= power else (s, high)
    return high


def hypergeometric_interval(
    found: int, sampled: int, population: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Interval for the share of a finite population, from a random sample without replacement.

    The exact (Clopper-Pearson type) interval: all population counts that neither one-sided
    hypergeometric test rejects at ``(1 - confidence) / 2``, divided by ``population``.

    Raises
    ------
    StatisticsError
        Unless ``0 <= found <= sampled <= population`` and ``sampled >= 1``.

    Examples
    --------
    >>> hypergeometric_interval(10, 10, 10)  # everything was looked at
    (1.0, 1.0)
    """
    if not (0 <= found <= sampled <= population and sampled >= 1):
        raise StatisticsError(
            f"{found} found of {sampled} sampled of {population} is outside the domain; "
            "give 0 <= found <= sampled <= population and sampled >= 1."
        )
    logs, tail = log_factorials(population), (1 - confidence) / 2

    def at_least(k: int, marked: int) -> float:
        """P(X >= k) when ``marked`` of the population are marked."""
        i = np.arange(max(k, sampled - (population - marked), 0), min(sampled, marked) + 1)
        terms = logs[marked] - logs[i] - logs[marked - i]
        rest = population - marked
        terms = terms + logs[rest] - logs[sampled - i] - logs[rest - sampled + i]
        total = logs[population] - logs[sampled] - logs[population - sampled]
        return float(np.exp(terms - total).sum())

    least, most = found, population - (sampled - found)
    low = _first(least, most, lambda marked: at_least(found, marked) > tail)
    high = _first(least, most + 1, lambda marked: marked > most or 1 - at_least(found + 1, marked) <= tail) - 1
    return low / population, max(low, high) / population


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """First integer in [low, high] where a monotone condition holds; ``high`` if none below it."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
