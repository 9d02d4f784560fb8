r"""Strength of a panel result: sensitivity to unequal selection, and a bound on the false-match rate.

Theorem (sensitivity). Suppose that, given the scores, the claim is comparison ``e`` of its orbit of ``m`` with
a probability that may differ from one ``e`` to another by a factor of at most ``Gamma``. Then ``P(R <= k)`` is at
most ``Gamma k / (Gamma k + m - k)``, which is at most ``alpha`` if and only if

    Gamma <= Gamma* = alpha (m - k) / (k (1 - alpha)).

Proof. At most ``k`` comparisons have rank at most ``k`` (`orbit`). Let them have total weight ``W`` and the
rest, at least ``m - k`` of them, ``V``; then ``W / V <= Gamma k / (m - k)``, with equality where the ``k`` have
weight ``Gamma`` and the rest 1, and ``W / (W + V)`` grows with ``W / V``. Solve for ``Gamma``. ∎
At ``Gamma = 1`` this is the p-value ``k / m``: a ``Gamma*`` below 1 means that it does not reach ``alpha``.
After Rosenbaum (2002, Observational Studies, chapter 4), for one choice among ``m``.

Theorem (false matches). If models are drawn independently from a population and a threshold and a division
of ``M`` models into ``n = floor(M/2)`` disjoint pairs are fixed beforehand, the number of pairs of strangers at
or above the threshold is binomial(n, q), q the false-match rate of the population, and the bound of Clopper
& Pearson (1934) is at least ``q`` with the stated confidence.

Proof. Disjoint pairs of independent models are independent and each exceeds with probability ``q``. The
bound is the largest ``q`` at which ``P(X <= x)`` is not below ``1 - confidence``; it falls short of the true ``q``
only if ``P(X <= x)`` at the true ``q`` is below that, which has at most that probability. ∎
With ``x = 0`` it is ``1 - (1 - confidence)^(1/n)``, about ``3 / n`` at 95%.
"""

from __future__ import annotations

from ..base import StatisticsError


def critical_odds_ratio(rank: int, size: int, alpha: float) -> float:
    """Odds ratio of unequal selection up to which rank ``rank`` of ``size`` still reaches level ``alpha``.

    Below 1 the rank does not reach the level even with equal selection.

    Parameters
    ----------
    rank : rank of the claim, 1 for the most extreme.
    size : comparisons in the orbit.
    alpha : level, between 0 and 1.

    Returns
    -------
    float
        Gamma*.

    Raises
    ------
    StatisticsError
        Unless ``1 <= rank <= size`` and ``0 < alpha < 1``.

    Examples
    --------
    >>> critical_odds_ratio(1, 231, 0.01)
    2.323...
    """
    if not (1 <= rank <= size and 0 < alpha < 1):
        raise StatisticsError(
            f"Rank {rank} of {size} at level {alpha} is outside the domain; give 1 <= rank <= size and 0 < alpha < 1."
        )
    return alpha * (size - rank) / (rank * (1 - alpha))


def false_match_bound(exceedances: int, pairs: int, confidence: float = 0.95) -> float:
    """Upper confidence bound on the probability that two strangers reach the claim's score.

    Parameters
    ----------
    exceedances : int
        Disjoint pairs of panel models that score at least as high as the claim.
    pairs : int
        Number of disjoint pairs, as `disjoint_pairs` makes them.
    confidence : float
        Probability that the bound holds, over the draw of the panel.

    Raises
    ------
    StatisticsError
        Unless ``0 <= exceedances <= pairs``, ``pairs >= 1`` and ``0 < confidence < 1``.

    Examples
    --------
    >>> false_match_bound(0, 10)  # a panel of 20 without exceedance
    0.258...
    """
    from scipy.special import betaincinv  # scipy.stats takes a second more to load

    if not (0 <= exceedances <= pairs and pairs >= 1 and 0 < confidence < 1):
        raise StatisticsError(
            f"{exceedances} exceedances among {pairs} pairs at confidence {confidence} is outside the domain; "
            "give 0 <= exceedances <= pairs, at least 1 pair, and a confidence between 0 and 1."
        )
    if exceedances == pairs:
        return 1.0
    return float(betaincinv(exceedances + 1, pairs - exceedances, confidence))
