r"""Combine p-values: the larger of two, Fisher's product, and Bonferroni's correction for a search.

Theorem (larger). ``max(p, q)`` is super-uniform if ``p`` is or ``q`` is.
Proof. ``{max(p, q) <= u}`` is within ``{p <= u}`` and within ``{q <= u}``; one of these has probability at most
``u``. No assumption on the dependence, or on the other p-value. ∎

Theorem (Fisher). If each ``p_i`` is super-uniform given ``p_1, ..., p_(i-1)``, then with ``x = -sum ln p_i`` over
``k`` p-values, ``P(Gamma(k) >= x) = exp(-x) sum_(j<k) x^j / j!`` (the tail of chi-squared with ``2k`` degrees of
freedom at ``2x``) is super-uniform. Proof. Given the earlier ones, ``-ln p_i`` is stochastically at most Exp(1),
since ``P(-ln p_i >= t) <= exp(-t)``. If ``X`` is stochastically at most Gamma(i-1), and ``Y`` given ``X`` at most
Exp(1), then ``P(X + Y >= x) <= E min(1, exp(-(x - X)))``, increasing in ``X``, hence at most its value for
Gamma(i-1), which is ``P(Gamma(i) >= x)``. A decreasing function of a variable stochastically below Gamma(k) that is
the tail of Gamma(k) is super-uniform. ∎ When it may be used: let ``p_1`` be a panel p-value, a function of the score
array ``S``, and ``p_2`` exact under a group of unit permutations ``g`` of ``A`` (or, likewise, of ``B``). If ``(g A,
B, panel)`` has the joint distribution of ``(A, B, panel)``, which the null hypothesis on ``A`` and ``B`` alone does
not imply, and *the whole array* ``S`` is invariant under that group, then given ``S`` the distribution of the weights
is still invariant, and ``p_2`` is super-uniform given ``p_1``. Both sets of assumptions are needed, and arithmetic
can check neither: the caller declares them.

Theorem (best of K). If ``p`` is the smallest of ``K`` super-uniform p-values, ``min(1, K p)`` is super-uniform.
Proof. The union bound. ∎

Sources: Fisher (1932, Statistical Methods for Research Workers, section 21.1). The proofs are complete above.
By hand, in logarithms, because p-values here are as small as 10**-4463.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, lgamma, log, log10

import numpy as np

from ..base import StatisticsError

_LN10 = log(10.0)


def max_p(log10_p: float, log10_q: float) -> float:
    """log10 of the larger p-value: valid if either set of assumptions holds.

    Examples
    --------
    >>> max_p(-4463.0, -2.3)
    -2.3
    """
    return max(_checked(log10_p), _checked(log10_q))


def fisher(log10_ps: Sequence[float], *, invariant: bool) -> float:
    """log10 of Fisher's combination; valid only if each p-value is super-uniform given the earlier ones.

    Parameters
    ----------
    log10_ps : sequence of float
        log10 p-values, at least one.
    invariant : bool The caller's declaration that the permutation group of the exact test leaves the joint
        distribution of A, B and the panel unchanged, and the whole array of scores behind the panel p-value
        invariant.

    Raises
    ------
    StatisticsError
        If ``invariant`` is not declared, there is no p-value, or one is not a log10 probability above -inf.

    Examples
    --------
    >>> fisher([-2.0, -3.0], invariant=True)
    -3.902...
    """
    if invariant is not True:
        raise StatisticsError(
            f"Fisher's product was asked for with invariant={invariant!r}; declare invariant=True if the whole score "
            "array is invariant under the group of the exact test, else take the larger p-value."
        )
    if not log10_ps:
        raise StatisticsError("There is no p-value to combine; give at least one.")
    x = -_LN10 * sum(_checked(value) for value in log10_ps)
    if x == 0:
        return 0.0
    terms = np.array([j * log(x) - lgamma(j + 1) for j in range(len(log10_ps))])
    top = float(terms.max())
    return min(0.0, (top + log(float(np.exp(terms - top).sum())) - x) / _LN10)


def bonferroni(log10_p: float, k: int) -> float:
    """log10 of min(1, k p): Bonferroni's correction for the best of ``k`` searches.

    Examples
    --------
    >>> bonferroni(-5.0, 100)
    -3.0
    """
    if k < 1:
        raise StatisticsError(f"The best of {k} searches does not exist; give at least 1.")
    return min(0.0, _checked(log10_p) + log10(k))


def _checked(log10_p: float) -> float:
    if not (isfinite(log10_p) and log10_p <= 0):
        raise StatisticsError(f"A log10 p-value of {log10_p} is outside the domain; give a finite number, at most 0.")
    return log10_p
