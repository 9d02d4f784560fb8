r"""The rank of a claim within its orbit: an exact p-value from symmetry, whatever the dependence.

Setting. A random array ``S`` (all scores among all models), a group ``G`` acting on comparisons ``e``
and on arrays by ``(gS)_(ge) = S_e``, and the claim's orbit ``O``, of size ``m``. A statistic ``T`` is
*equivariant* if ``T_(ge)(gS) = T_e(S)``; ``T = S`` is, and so is any preprocessing of the whole array that
commutes with the relabelling ``g``. Let ``R_e = #{e' in O : T_e' >= T_e}``: ties count against ``e``.

Theorem (orbit rank). If ``gS`` has the distribution of ``S`` for every ``g`` in ``G``, then ``p = R_claim / m`` is
super-uniform: ``P(p <= u) <= u`` for every ``u``.

Proof. *One distribution.* ``O`` is mapped onto itself by ``g``, so equivariance gives ``R_(ge)(gS) = R_e(S)``. As
``gS`` has the distribution of ``S``, ``R_(ge)(S)`` has the distribution of ``R_e(S)``; ``G`` is transitive on ``O``,
so all ``R_e`` have one distribution. *Few are small.* For a fixed array let ``K = {e in O : R_e <= k}``, and let
``e`` be a member with the smallest ``T``. All of ``K`` has ``T >= T_e``, so ``#K <= R_e <= k``. Taking expectations,
``sum_e P(R_e <= k) <= k``; the ``m`` terms are equal, so each is at most ``k / m``. ∎

Independence of comparisons is never used: pairs that share a model may be dependent in any way.

Rounding. If each value is within ``error`` of the exact one, every exact ``T_e' >= T_e`` is still seen as
``T_e' >= T_e - 2 error``: the rank counted that way is at least the exact one, and ``p`` stays valid.

Source: the randomisation argument of Pitman (1937) and Hemerik & Goeman (2018, doi 10.1007/s11749-017-0571-1),
with the group acting on comparisons and any one of them as the claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log10

import numpy as np
from numpy.typing import ArrayLike

from ..base import StatisticsError


@dataclass(frozen=True, slots=True, kw_only=True)
class OrbitRank:
    """The claim's rank (1 is the most extreme), its p-value, and the smallest p-value the orbit allows."""

    rank: int
    size: int
    log10_p: float
    attainable_log10_p: float


def orbit_rank(values: ArrayLike, claim: int, *, error: float = 0.0) -> OrbitRank:
    """Rank the claim among all comparisons of its orbit; large values are extreme.

    Parameters
    ----------
    values : array_like [m]
        The equivariant statistic at every comparison of the orbit, the claim included.
    claim : int
        Position of the claim in ``values``.
    error : float
        Bound on the arithmetic error of each value; values closer than twice that are tied.

    Returns
    -------
    OrbitRank

    Raises
    ------
    StatisticsError
        If there are no values, one is not finite, the claim is not among them, or ``error`` is not a bound.

    Examples
    --------
    >>> orbit_rank([0.9, 0.1, 0.9, 0.3], claim=0)  # the tie counts against the claim: p = 2/4
    OrbitRank(rank=2, size=4, log10_p=-0.301..., attainable_log10_p=-0.602...)
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not scores.size:
        raise StatisticsError(
            f"The values over the orbit have shape {scores.shape}; give one number for each comparison, at least one."
        )
    if not np.isfinite(scores).all():
        where = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise StatisticsError(
            f"Value {where} of the orbit is {scores[where]}, which is not a finite number; "
            "compute the score, or leave the model out of the panel for a declared reason."
        )
    if not 0 <= claim < scores.size:
        raise StatisticsError(
            f"The claim's position {claim} is outside an orbit of {scores.size}; give 0 to {scores.size - 1}."
        )
    if not (isfinite(error) and error >= 0):
        raise StatisticsError(f"An arithmetic error of {error} is not a bound; give a finite number of at least 0.")
    rank, size = int((scores >= scores[claim] - 2 * error).sum()), scores.size
    return OrbitRank(rank=rank, size=size, log10_p=log10(rank / size), attainable_log10_p=log10(1 / size))
