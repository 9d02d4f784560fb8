r"""p-value from a score matrix and a design: take residuals if asked, read the orbit, rank the claim.

Setting. A symmetric score array over models numbered as in `designs`, and one design.

Theorem (ranking). Under the design's null the result is super-uniform: for raw scores if the array is
exchangeable within the design's groups; for residuals if the array is so after removal of hub effects.

Proof. Raw scores are equivariant (`orbit`), and the residual is (`residual`), being computed from all models
of the design and no others, which the group permutes among themselves. Arithmetic: a sum of n terms of size
at most s errs, to first order, by at most n^2 u s / 2, u the unit roundoff, whatever its order (Higham 2002,
section 4.2). Carried through ``mu`` (2n u s), each ``r`` (5n u s) and the subtractions (3n u s), a residual over
pairs errs by less than 16 n u s for n >= 5, and so does one between strata of up to 50 models each, or, by pairwise
summation, of any number; values closer than twice that are counted as tied, which `orbit` shows to be valid. ∎

Theorem (larger rank). In one design, let ``R`` be the larger of the claim's ranks by raw score and by residual, and
``m`` the size of the orbit. ``R / m`` is super-uniform if the array is exchangeable within the design's groups *or*
is so after removal of hub effects; ``P(R <= k)`` is at most what `sensitivity` states for either; and ``1 / m`` is
the least it can be.

Proof. Let ``R_1`` and ``R_2`` be the two ranks. ``R <= k`` implies ``R_1 <= k`` and implies ``R_2 <= k``, as the
maximum is monotone in both; the probability of the implied event whose hypothesis holds is at most ``k / m`` by the
theorem above, and at most ``Gamma k / (Gamma k + m - k)`` by that of `sensitivity`. Nothing is assumed about the
other rank, or the dependence of the two. ``R = 1`` where the claim leads by both. ∎ Why: raw ranks are misled by
hubs, which score high with all models; residual ranks by two models that score low with all others and only a little
less with each other. Neither effect alone can make ``R`` small.

Theorem (own kind). Let ``own`` be a design whose groups lie inside those of a design without fixed models, ``m_own``
the size of its orbit, and ``R`` the larger rank in the *whole* design. ``R / m_own``, capped at 1, is super-uniform
if the array is exchangeable within the groups of ``own`` alone, whatever the other models are, *or* is so after
removal of hub effects; and if it is exchangeable within the groups of the whole design, in either way, too. Under
each of these ``P(R <= k)`` is at most what `sensitivity` states for the orbit of ``own``.

Proof. The group of ``own`` is a subgroup of the whole design's, so the residual fitted on all models, equivariant
under the whole group, is equivariant under the subgroup; so are raw scores. Take the one of the two whose hypothesis
holds, and let ``R_own`` be the claim's rank by it among the ``m_own`` comparisons of its orbit under the subgroup.
These are some of the comparisons that it is ranked among in the whole design, so ``R_own`` is at most the rank there,
which is at most ``R``. Hence ``P(R / m_own <= u) <= P(R_own / m_own <= u) <= u`` by `orbit`, and ``R <= k`` implies
``R_own <= k``, of which `sensitivity` speaks. Exchangeability within the groups of the whole design implies that
within those of ``own`` (and, as ``m_own <= m``, this p-value is no smaller than ``R / m``). ∎
Why: two unrelated models that resemble each other because of properties of their own kind lead a panel of other
kinds, and the more of these there are the smaller ``R / m`` is. ``R / m_own`` does not count them: they can only
raise ``R``.

A row design ranks raw scores, since it uses only the scores of one model with the others.

Source: this library; the parts are those of `orbit`, `designs` and `residual`.
"""

from __future__ import annotations

from math import log10

import numpy as np
from numpy.typing import ArrayLike

from ..base import StatisticsError
from .designs import Design
from .orbit import OrbitRank, orbit_rank
from .residual import bipartite_residual, two_way_residual


def rank(S: ArrayLike, design: Design, *, residual: bool) -> OrbitRank:
    """Rank the claim, the score of models 0 and 1, among the comparisons of a design.

    Parameters
    ----------
    S : array_like [n, n]
        Scores, larger for more alike, float; only entries the design uses are read, never the diagonal.
    design : Design
        Which comparisons to rank among, and which models are exchangeable.
    residual : bool
        Whether to remove hub effects first: over pairs or, for two strata, between them.

    Returns
    -------
    OrbitRank

    Raises
    ------
    StatisticsError
        If a score that is read is missing, not finite or not symmetric; if the design has too few models
        for a residual, or is a row.

    Examples
    --------
    >>> from verify.inference import pair_design
    >>> S = np.ones((6, 6))
    >>> S[0, 1] = S[1, 0] = 2.0  # A and B are closest of the 15 pairs
    >>> rank(S, pair_design(6), residual=True).rank
    1
    """
    scores = np.asarray(S, dtype=np.float64)
    models = np.array(design.models)
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1] or len(scores) <= models.max():
        raise StatisticsError(
            f"The score matrix has shape {scores.shape}, and the design {design.id!r} reads model {models.max()}; "
            "give one row and one column for every model."
        )
    first, second = design.orbit.T
    values = scores[first, second]
    wrong = np.flatnonzero(~np.isfinite(values) | (values != scores[second, first]))
    if wrong.size:
        i, j = design.orbit[wrong[0]].tolist()
        raise StatisticsError(
            f"The score of models {i} and {j} is {scores[i, j]} one way and {scores[j, i]} the other, where both "
            "must be finite and equal; compute what is missing, and symmetrise the matrix as (S + S.T) / 2."
        )
    if not residual:
        return orbit_rank(values, design.claim)
    if design.row:
        raise StatisticsError(
            f"The design {design.id!r} fixes one model and ranks raw scores; "
            "give residual=False, or remove hub effects in a design over pairs."
        )
    rows, columns = (np.unique(first), np.unique(second)) if design.bipartite else (models, models)
    table = (bipartite_residual if design.bipartite else two_way_residual)(scores[np.ix_(rows, columns)])
    residuals = table[np.searchsorted(rows, first), np.searchsorted(columns, second)]
    error = 8 * len(models) * float(np.finfo(np.float64).eps) * float(np.abs(values).max())
    return orbit_rank(residuals, design.claim, error=error)


def larger_rank(S: ArrayLike, design: Design) -> OrbitRank:
    """The larger of the claim's ranks by raw score and by residual: valid under either null.

    Takes and raises what :func:`rank` does.

    Examples
    --------
    >>> from verify.inference import pair_design
    >>> h = np.array([3.0, 3.0, 0.0, 0.0, 0.0, 0.0])  # A and B are hubs, and nothing else
    >>> S = h[:, None] + h
    >>> rank(S, pair_design(6), residual=False).rank, larger_rank(S, pair_design(6)).rank
    (1, 15)
    """
    return max((rank(S, design, residual=residual) for residual in (False, True)), key=lambda found: found.rank)


def own_kind_rank(S: ArrayLike, design: Design, own: Design) -> OrbitRank:
    """The larger rank in a whole design, over the number of comparisons of the claim's own kind.

    Valid if models of the own kind are exchangeable. A rank above the number of those comparisons is given as that
    number, with p = 1.

    Parameters
    ----------
    S, design
        As :func:`larger_rank` takes them, ``design`` without fixed models.
    own : Design
        The design of the claim's own kind or kinds.

    Raises
    ------
    StatisticsError
        As :func:`rank` does, and if ``own`` exchanges models that ``design`` does not.

    Examples
    --------
    >>> from verify.inference import pair_design, stratum_design
    >>> S = np.ones((6, 6))
    >>> S[0, 1] = S[1, 0] = 2.0  # the closest of 15 pairs, of which 3 are of the kind of A and B
    >>> own_kind_rank(S, pair_design(6), stratum_design("kkkabc")).size
    3
    """
    if not all(any(set(part) <= set(whole) for whole in design.groups) for part in own.groups):
        raise StatisticsError(
            f"The design {own.id!r} exchanges models that {design.id!r} does not; give one whose groups lie inside."
        )
    found, size = larger_rank(S, design).rank, len(own.orbit)
    capped = min(found, size)
    return OrbitRank(rank=capped, size=size, log10_p=log10(capped / size), attainable_log10_p=log10(1 / size))
