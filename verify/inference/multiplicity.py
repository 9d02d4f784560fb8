"""Several tests, one error rate: Holm's step-down procedure on log10 p-values.

By hand because p-values here underflow: 10**-4463 is 0 to every library that takes p, not log p.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from ..base import StatisticsError


def holm(log10_p: Sequence[float]) -> list[float]:
    """Holm-adjusted log10 p-values, in the order given (Holm 1979).

    Rejecting every hypothesis whose adjusted value is at most log10(alpha) keeps the
    family-wise error at alpha, whatever the dependence among the tests.

    Examples
    --------
    >>> [round(x, 3) for x in holm([-4463.0, -1.0, -3.0])]
    [-4462.523, -1.0, -2.699]
    """
    order = sorted(range(len(log10_p)), key=lambda i: log10_p[i])
    adjusted, largest = [0.0] * len(log10_p), float("-inf")
    for rank, i in enumerate(order):
        largest = max(largest, log10_p[i] + log10(len(log10_p) - rank))
        adjusted[i] = min(0.0, largest)
    return adjusted


def smallest(log10_p: Sequence[float]) -> float:
    """log10 of the p-value of "all hypotheses hold": min(1, m * min p) (Bonferroni).

    Raises
    ------
    StatisticsError
        If there is no p-value.
    """
    if not log10_p:
        raise StatisticsError("There is no p-value to combine; give at least one.")
    return min(0.0, log10(len(log10_p)) + min(log10_p))
