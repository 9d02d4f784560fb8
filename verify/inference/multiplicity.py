"""Family-wise error rate of several tests: Holm's step-down procedure on log10 p-values.

Not from a library, since those take p and not log p, and 10**-4463 underflows to 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from ..base import StatisticsError


def holm(log10_p: Sequence[float], hypotheses: int | None = None) -> list[float]:
    """Holm-adjusted log10 p-values, in the order given (Holm 1979).

    Rejecting every hypothesis whose adjusted value is at most log10(alpha) keeps the
    family-wise error at alpha, whatever the dependence among the tests. ``hypotheses``, where there are more
    than are given: the others have p = 1.

    Examples
    --------
    >>> [round(x, 3) for x in holm([-4463.0, -1.0, -3.0])]
    [-4462.523, -1.0, -2.699]
    """
    total = number_of_hypotheses(log10_p, hypotheses)
    order = sorted(range(len(log10_p)), key=lambda i: log10_p[i])
    adjusted, largest = [0.0] * len(log10_p), float("-inf")
    for rank, i in enumerate(order):
        largest = max(largest, log10_p[i] + log10(total - rank))
        adjusted[i] = min(0.0, largest)
    return adjusted


def bonferroni_min(log10_p: Sequence[float]) -> float:
    """log10 of the p-value of "all hypotheses hold": min(1, m * min p) (Bonferroni).

    Raises
    ------
    StatisticsError
        If there is no p-value.
    """
    if not log10_p:
        raise StatisticsError("There is no p-value to combine; give at least one.")
    return min(0.0, log10(len(log10_p)) + min(log10_p))


def number_of_hypotheses(log10_p: Sequence[float], hypotheses: int | None) -> int:
    """Number of hypotheses, including those with p = 1 that are not listed.

    Raises
    ------
    StatisticsError
        If there are fewer hypotheses than p-values.
    """
    total = len(log10_p) if hypotheses is None else hypotheses
    if total < len(log10_p):
        raise StatisticsError(f"{total} hypotheses cannot have {len(log10_p)} p-values; give at least as many.")
    return total
