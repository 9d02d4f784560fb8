r"""Many hypotheses: control of the false discovery rate.

Theorem (false discoveries). Let ``p_(1) <= ... <= p_(m)`` and ``c(m) = sum_(i<=m) 1/i``. Rejecting the ``k``
smallest, ``k`` the largest ``i`` with ``p_(i) <= i q / (m c(m))``, keeps the expected share of true null hypotheses
among the rejected at ``q`` or below, whatever the dependence of the p-values.
Source: Benjamini & Yekutieli 2001, theorem 1.3.

Pairs of models share models, so positive dependence cannot be assumed and the factor ``c(m)`` is needed.
By hand, in logarithms, because p-values here are as small as 10**-4463.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from .multiplicity import number_of_hypotheses


def benjamini_yekutieli(log10_p: Sequence[float], hypotheses: int | None = None) -> list[float]:
    """Adjusted log10 p-values, in the order given; rejecting those of at most log10(q) controls the rate at q.

    Parameters
    ----------
    log10_p : sequence of float
        log10 p-values.
    hypotheses : int, optional
        Number of hypotheses, if more than the p-values given: the others have p = 1.

    Raises
    ------
    StatisticsError
        If there are fewer hypotheses than p-values.

    Examples
    --------
    >>> [round(x, 3) for x in benjamini_yekutieli([-4463.0, -1.0, -3.0])]
    [-4462.26, -0.737, -2.561]
    """
    from scipy.special import digamma

    total = number_of_hypotheses(log10_p, hypotheses)
    if not log10_p:
        return []
    harmonic = float(digamma(total + 1) - digamma(1))
    order = sorted(range(len(log10_p)), key=lambda i: log10_p[i], reverse=True)
    adjusted, least = [0.0] * len(log10_p), 0.0
    for rank, i in zip(range(len(log10_p), 0, -1), order, strict=True):
        least = min(least, log10_p[i] + log10(total) + log10(harmonic) - log10(rank))
        adjusted[i] = least
    return adjusted
