r"""Rank of a claim among models of declared kinds, when the kinds of A and B are not known.

Setting. Models as in `designs`: A is 0, B is 1, the others follow, each of a declared kind; kind ``k`` has ``n_k``
others. What kind A and B are of is not known.

Theorem (unknown kind). Let ``R`` be the larger of the claim's ranks, by raw score and by two-way residual, among all
pairs of all models, and ``m`` the smallest number of pairs ``(n_k + 2)(n_k + 1) / 2``. Suppose there are kinds ``k``
and ``l``, equal or not, such that the score array is exchangeable (or is so after removal of hub effects) within the
others of kind ``k`` and A, and within those of kind ``l`` and B; if ``k = l``, within all of them and A and B. Then
``R / m``, capped at 1, is super-uniform; ``P(R <= j)`` is at most what `sensitivity` states for ``m`` pairs; nothing
is assumed of models of other kinds, and ``k`` and ``l`` need not be known.

Proof. With ``k`` and ``l`` given this is the theorem of the own kind (`ranking`): ``R / m_own`` is super-uniform,
with ``m_own = (n_k + 2)(n_k + 1) / 2`` pairs if ``k = l``, and ``(n_k + 1)(n_l + 1)`` otherwise. In the second case
let ``n_k <= n_l``; as ``n_l + 1 >= n_k + 1 >= (n_k + 2) / 2``, ``m_own`` is at least ``(n_k + 1)(n_k + 2) / 2``. So
``m_own >= m`` whatever ``k`` and ``l`` are, ``R / m >= R / m_own``, and what is at least a super-uniform number is
one. The bound of `sensitivity` falls as the number of pairs grows. ∎

*One model fixed.* Let ``R`` be the rank of the claim among the pairs of B with all others, and ``m`` the smallest
``n_k + 1``. If, given B, A is exchangeable with the others of some kind, ``R / m``, capped at 1, is super-uniform:
``R`` is at least the rank among the pairs of B with A and the others of that kind, ``n_k + 1 >= m`` pairs that the
group carries into one another (`orbit`). ∎

Source: this library; the parts are those of `ranking`, `designs` and `orbit`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import log10

from numpy.typing import ArrayLike

from ..base import StatisticsError
from .designs import pair_design, row_design
from .orbit import OrbitRank
from .ranking import larger_rank, rank


def least_pairs(kinds: Sequence[Hashable]) -> int:
    """The number of pairs of A, B and the others of the smallest kind.

    Parameters
    ----------
    kinds : kind of each model but A and B.

    Examples
    --------
    >>> least_pairs(["prose"] * 13 + ["code"] * 20)
    105
    """
    n = _least(kinds)
    return (n + 2) * (n + 1) // 2


def unknown_kind_rank(S: ArrayLike, kinds: Sequence[Hashable]) -> OrbitRank:
    """The larger rank of A and B among all pairs, over the number of pairs of the smallest kind.

    Parameters
    ----------
    S : array_like [n, n]
        Symmetric scores of A, B and the others in that order, larger for more alike; the diagonal is not read.
    kinds : sequence [n - 2]
        Kind of each of the others, declared before any score is seen.

    Returns
    -------
    OrbitRank
        A rank above the number of those pairs is given as that number, with p = 1.

    Raises
    ------
    StatisticsError
        As :func:`rank` does; if there are no kinds, or not one for each of the others.

    Examples
    --------
    >>> import numpy as np
    >>> S = np.ones((8, 8))
    >>> S[0, 1] = S[1, 0] = 2.0
    >>> unknown_kind_rank(S, ["prose"] * 3 + ["code"] * 3)  # closest of 28 pairs, 10 of which are of one kind
    OrbitRank(rank=1, size=10, log10_p=-1.0, attainable_log10_p=-1.0)
    """
    return _over(larger_rank(S, pair_design(len(kinds) + 2)), least_pairs(kinds))


def unknown_kind_row(S: ArrayLike, kinds: Sequence[Hashable], fixed: int) -> OrbitRank:
    """The rank among the pairs of one model with all others, over the number of those with the smallest kind.

    Parameters
    ----------
    S, kinds
        As :func:`unknown_kind_rank` takes them.
    fixed : int
        0 for the pairs of A, 1 for those of B.
    """
    return _over(rank(S, row_design(len(kinds) + 2, fixed), residual=False), _least(kinds) + 1)


def _least(kinds: Sequence[Hashable]) -> int:
    if not kinds:
        raise StatisticsError("There are no models to rank A and B among; give at least one.")
    return min(Counter(kinds).values())


def _over(found: OrbitRank, size: int) -> OrbitRank:
    capped = min(found.rank, size)
    return OrbitRank(rank=capped, size=size, log10_p=log10(capped / size), attainable_log10_p=log10(1 / size))
