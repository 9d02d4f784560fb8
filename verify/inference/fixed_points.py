r"""Fixed points of a best-match map: a proved bound on the tail of their number.

Setting. ``L`` independent groups. In group ``l`` a map ``f`` sends each of ``n_l`` indices of one model to an index
of the other (its unique best match) or to nothing. ``F`` counts, over all groups, the indices with ``f(i) = i``.
Under the null hypothesis the indices of one model may be permuted, independently and uniformly in each group, without
changing any joint distribution. Assumption on the scores: a permutation of one group changes the scores of that group
alone, by permuting their rows (or columns). If only a subset of a group's indices is kept, chosen in advance, ``n_l``
is its size and its own symmetric group acts.

Theorem (fixed points). For integers ``k >= L >= 1``,

    P(F >= k) <= L^(k-L) * L! / k!,          and P(F >= k) <= 1 otherwise.

Proof. Given the models, let ``g`` be the uniform permutation of one group with ``n`` indices. If the *source*
is permuted, the content of ``i`` moves to ``g(i)`` and still maps to ``f(i)``: ``F_l`` counts the ``i`` with
``g(i) = f(i)``. If the *target* is, ``f(i)`` becomes ``g(f(i))``, and ``F_l`` counts the same for the inverse of
``g``, also uniform. ``(F_l)_j`` is the number of ordered tuples of ``j`` distinct indices where this holds; for
``j > n`` there are none. A given tuple has it with probability ``1 / (n)_j`` if its images are distinct, else 0,
and there are at most ``(n)_j`` tuples: the factorial moment ``E (F_l)_j`` is at most 1.
Neither case needs ``f`` to be injective, total, or defined on equally many indices on both sides.
Over independent groups the factorial moments of a sum follow the multinomial rule, so
``E (F)_j <= L^j``. Markov's inequality for ``(F)_j`` gives ``P(F >= k) <= L^j (k-j)!/k!`` for every
``0 <= j <= k``; the ratio of successive ``j`` is ``L / (k-j)``, so the best choice is ``j = k - L``. ∎

The moments are attained: for a bijection ``f`` of one group ``E (F)_j = 1`` for ``j <= n`` (and 0 beyond).
The permuted-statistic argument follows Zhu et al. (2025, arXiv 2502.12292), whose statistic it replaces.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from math import lgamma, log, sqrt
from sys import maxsize

import numpy as np
from numpy.typing import NDArray

from ..base import StatisticsError
from .intervals import smallest_share

_LN10 = log(10.0)
_TERMS = 40  # of an exponential series at numbers of length 2 at most


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


def law_of_random_orders(sizes: Iterable[int]) -> NDArray[np.float64]:
    r"""Probability of every number of fixed points of uniformly random orders, shape [most + 1].

    These are the maps whose factorial moments are those that the bound rests on, so the bound is nowhere below the
    tail of this law. The largest numbers, which together are rarer than rounding, are left out.

    The generating function of one group of n is ``sum_{j <= n} (z - 1)^j / j!``; the law is found from the products
    of these at roots of unity. It lies within ``12 sqrt(L) + 30`` of its mean, the number of groups L, but for a part
    rarer than rounding, so as many roots as that window is wide are enough: the work grows as ``sqrt(L)``, and
    terms beyond the 40th are lost in rounding, so it is the same for all larger groups.

    Parameters
    ----------
    sizes : number of indices of each group; at least one group, and an index for each.

    Raises
    ------
    StatisticsError
        If there is no group, or one has no index.

    Examples
    --------
    >>> law_of_random_orders([3]).round(6) + 0  # of six orders, two move all, three move two, one moves none
    array([0.333333, 0.5     , 0.      , 0.166667])
    """
    groups_of = Counter(sizes)
    groups = sum(groups_of.values())
    if not groups or min(groups_of) < 1:
        raise StatisticsError(f"The sizes {sorted(groups_of)!r:.60} are not of groups; give at least one, from 1 on.")
    around = int(12 * sqrt(groups)) + 30
    most = min(sum(size * n for size, n in groups_of.items()), groups + around)
    least = max(0, groups - around)
    width = most + 1 - least
    z = np.exp(-2j * np.pi * np.arange(width) / width)
    law = np.zeros(most + 1)
    # the transform has the number k at k modulo its width
    law[least:] = np.roll(np.fft.ifft(_of_all(z, groups_of)).real.clip(0.0), -(least % width))
    return law


def _of_all(z: NDArray[np.complex128], groups_of: Mapping[int, int]) -> NDArray[np.complex128]:
    """Generating function of the number of fixed points of random orders, so many of each size."""
    terms_of = Counter[int]()
    for size, n in groups_of.items():
        terms_of[min(size, _TERMS)] += n
    product, total, term = np.ones_like(z), np.ones_like(z), np.ones_like(z)
    for j in range(1, max(terms_of) + 1):
        term *= (z - 1) / j
        total += term
        if j in terms_of:
            product *= total ** terms_of[j]
    return product


def critical_count(groups: int, log10_alpha: float) -> int:
    """Smallest count whose bound is at most ``10**log10_alpha``."""
    return bisect_left(range(maxsize), True, key=lambda count: log10_p_fixed_points(count, groups) <= log10_alpha)


def detectable_share(indices: int, groups: int, log10_alpha: float, power: float = 0.95) -> float | None:
    """Smallest share ``s`` of kept indices that reaches the level ``10**log10_alpha`` with the given power.

    If each of ``indices`` indices is a fixed point independently with probability at least ``s``,
    the bound is at most ``10**log10_alpha`` with probability at least ``power``. None where even all
    indices fixed would not reach the level.

    Parameters
    ----------
    indices : number of indices compared.
    groups : number of independent groups.
    log10_alpha : log10 of the level.
    power : probability of rejection asked for.

    Returns
    -------
    float or None
        The share, between 0 and 1.
    """
    needed = critical_count(groups, log10_alpha)
    return smallest_share(needed, indices, power) if needed <= indices else None
