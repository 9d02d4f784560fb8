r"""Rank of a claim among twins: pairs of models of one recipe, from different seeds.

Setting. A recipe fixes code, data, tokenizer, size and length of a training, and leaves the seed free. ``T_r`` is
the score of two models of recipe ``r`` that differ in their seeds alone, ``r = 1, ..., R``; ``T_0`` is the score of
the claim's A and B. Everything else that enters ``T``, such as reference models that each model's level is measured
against, is the same for all ``R + 1`` pairs.

Theorem (twins). If under the null hypothesis A and B are two models of one recipe, trained independently of each
other given the recipe, the ``R + 1`` recipes are exchangeable, and given the recipes their pairs are trained
independently of each other, then

    p = (1 + number of r >= 1 with T_r >= T_0) / (R + 1)

is super-uniform: ``P(p <= u) <= u`` for every ``u``.

Proof. Given its recipe, the law of a pair's score is that of ``T`` at two independent draws from the recipe's law of
models: a function of the recipe alone, given what the pairs have in common. So exchangeable recipes give
exchangeable ``(T_0, ..., T_R)``. Call ``R_e = #{f : T_f >= T_e}``, ``e`` itself included. For any values, at most
``k`` of the ``R + 1`` pairs have ``R_e <= k``: of them take one with the smallest ``T``; all of them reach it, so
they are at most its rank. By exchangeability the claim is any of them with probability at most ``k / (R + 1)``. ∎

Nothing is assumed of pairs inside a recipe: that two models share data, a laboratory, a tokenizer, or resemble
everything (hubs) raises the score of twins as it does the claim's. If a recipe has more than two models, any choice
of a pair that does not depend on scores leaves the proof as it is; `panel` chooses by the names.

Theorem (different recipes). If A and B are of two recipes, and given ``(T_1, ..., T_R)`` the score ``T_0`` is
stochastically at most that of twins of one more exchangeable recipe, p is super-uniform.

Proof. p falls as ``T_0`` grows. Given the panel, couple ``T_0 <= T'``, the score of such twins: then p is at least
the p-value of ``T'``, which is super-uniform. ∎
The condition is measured, not proved: `benchmarks/tables/twins.md` compares pairs across recipes with twins, and
finds them about as far above their levels.

What is not removed: if the claim's recipe is unlike those of the panel (a claim on models of another scale, or data
of another kind), recipes are not exchangeable. The sensitivity of `sensitivity` says by how much: with ``m = R + 1``
pairs and rank ``k``, ``Gamma*`` is the odds ratio of unequal selection among recipes up to which the level holds.
The bound on false matches needs recipes that are drawn independently: ``R`` disjoint pairs, of which those that
reach the claim's score are binomial.

Counter-example (pairs that share models). If all twins are formed with one model, ``T_r`` are not exchangeable with
a claim of two other models: with scores ``h_i + h_j`` and ``h`` of the shared model small, every claim of two
average models is extreme. Models that share initial weights over recipes are relatives, so neither twins nor
strangers: recipes whose pairs share initial weights are not independent, and `twin_groups` counts them as one.

Source: rank tests by exchangeability (Davison & Hinkley 1997, section 4.2); conformal p-values (Vovk et al. 2005).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..base import StatisticsError
from .orbit import OrbitRank, orbit_rank


def twin_rank(claim: float, twins: ArrayLike) -> OrbitRank:
    """Rank of the claim's score among those of twins, one pair a recipe; a tie counts against the claim.

    Parameters
    ----------
    claim : score of A and B, larger for closer models.
    twins : scores of the recipes' pairs, shape [R].

    Returns
    -------
    OrbitRank
        Rank among ``R + 1`` pairs.

    Raises
    ------
    StatisticsError
        If there is no pair, or a score is not a finite number: a missing score must never count as "not extreme".

    Examples
    --------
    >>> found = twin_rank(0.5, [0.1, 0.5, 0.2])
    >>> found.rank, found.size
    (2, 4)
    """
    scores = np.asarray(twins, dtype=np.float64)
    if scores.ndim != 1 or not scores.size:
        raise StatisticsError(
            f"The scores of twins have shape {scores.shape}; give one number for each recipe, at least one."
        )
    return orbit_rank(np.concatenate(([claim], scores)), 0)
