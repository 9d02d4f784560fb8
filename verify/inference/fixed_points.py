r"""The number of fixed points of a best-match map: a proved tail bound.

Setting. ``L`` independent groups. In group ``l`` a map ``f`` sends each of ``n_l`` indices of one
model to an index of the other (its unique best match) or to nothing. ``F`` counts, over all groups,
the indices with ``f(i) = i``. Under the null hypothesis the indices of one model may be permuted,
independently and uniformly in each group, without changing the law of anything.

Theorem (fixed points). For integers ``k >= L >= 1``,

    P(F >= k) <= L^(k-L) * L! / k!,          and P(F >= k) <= 1 otherwise.

Proof. Fix everything but the permutation ``g`` of one group with ``n`` indices, and let ``j`` distinct
indices be given. If the *source* is permuted, index ``i`` is fixed when the content that ``g`` puts
there maps to ``i``; with ``c_i`` the number of contents that map to ``i``, the probability that all
``j`` are fixed is ``c_i1 ... c_ij / (n)_j``. Since ``sum c_i <= n``, Maclaurin's inequality gives
``sum c_i1 ... c_ij <= (n)_j`` over ordered tuples of distinct indices: the factorial moment
``E (F_l)_j`` is at most 1. If the *target* is permuted, ``j`` indices are fixed only if their images
are distinct, with probability at most ``1 / (n)_j``, and the sum over tuples is again at most 1.
Neither case needs ``f`` to be injective, total, or defined on equally many indices on both sides.
Over independent groups the factorial moments of a sum follow the multinomial rule, so
``E (F)_j <= L^j``. Markov's inequality for ``(F)_j`` gives ``P(F >= k) <= L^j (k-j)!/k!`` for every
``0 <= j <= k``; the ratio of successive ``j`` is ``L / (k-j)``, so the best choice is ``j = k - L``. ∎

The bound is attained up to a constant: a uniform permutation has ``E (F)_j = 1`` exactly.
The permuted-statistic argument follows Zhu et al. (2025, arXiv 2502.12292), whose statistic it replaces.
"""

from __future__ import annotations

from math import lgamma, log

from ..base import StatisticsError
from .intervals import smallest_share

_LN10 = log(10.0)


def log10_p_fixed_points(count: int, groups: int) -> float:
    """Upper bound on log10 P(F >= count) for ``groups`` independent groups.

    Parameters
    ----------
    count : int
        Observed number of fixed points, at least 0.
    groups : int
        Number of independent groups (tied copies count once), at least 1.

    Returns
    -------
    float
        log10 of the bound, never above 0 and always finite.

    Raises
    ------
    StatisticsError
        If ``count`` is negative or ``groups`` is not positive.

    Examples
    --------
    >>> log10_p_fixed_points(3, 1)  # 1/3!
    -0.778...
    >>> log10_p_fixed_points(2, 6)  # fewer than expected by chance
    0.0
    """
    if count < 0 or groups < 1:
        raise StatisticsError(
            f"A fixed-point count of {count} over {groups} groups is outside the domain; "
            "give a count of at least 0 and at least 1 group."
        )
    if count <= groups:
        return 0.0
    natural = (count - groups) * log(groups) + lgamma(groups + 1) - lgamma(count + 1)
    return min(0.0, natural / _LN10)


def critical_count(groups: int, level: float) -> int:
    """Smallest count whose bound is at most ``level`` (a log10 probability, negative)."""
    low, high = groups, 2 * groups + 1
    while log10_p_fixed_points(high, groups) > level:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if log10_p_fixed_points(middle, groups) > level:
            low = middle
        else:
            high = middle
    return high


def detectable_share(indices: int, groups: int, level: float, power: float = 0.95) -> float | None:
    """Smallest share ``s`` of kept indices that reaches ``level`` with the given power.

    If each of ``indices`` indices is a fixed point independently with probability at least ``s``,
    the bound is at most ``10**level`` with probability at least ``power``. None where even all
    indices fixed would not reach the level.
    """
    needed = critical_count(groups, level)
    return smallest_share(needed, indices, power) if needed <= indices else None
