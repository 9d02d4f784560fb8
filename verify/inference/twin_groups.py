r"""Rank of a claim among twins whose recipes share initial weights: each group of such recipes counts once.

Setting. As in `twins`, with ``R`` recipes of one pair each, but the seeds are shared: the pair of one recipe and that
of another start, in part or both, from the same weights, as where one seed makes the initial weights for all corpora
of a collection. Recipes are linked if their pairs share initial weights or declared relatives; a *group* is all that
links connect. ``M_g`` is the largest score in group ``g = 1, ..., G``.

Theorem (groups). If recipes are exchangeable with the claim's, as in `twins`, and models of different groups and the
claim's are trained independently of each other given the recipes, then

    p = (1 + number of g with M_g >= T_0) / (G + 1)

is super-uniform.

Proof. Choose one recipe ``r_g`` of each group without regard to scores. Given the recipes the ``G + 1`` pairs are
independent, so ``(T_0, T_{r_1}, ..., T_{r_G})`` is exchangeable, and its p-value is super-uniform by the theorem of
`twins`. As ``M_g >= T_{r_g}``, p is at least that p-value. ∎ Any dependence inside a group is allowed.

The sensitivity of `sensitivity` holds with ``m = G + 1`` pairs by the same proof, and so does the bound on false
matches with ``G`` pairs: whether ``T_{r_g}`` reaches a score are ``G`` independent trials, of which no more succeed
than groups have an exceedance, and the bound grows with their number.

Counter-example (counting recipes). ``T_r = U + e_r``, where ``U`` depends on the two seeds and ``e_r``, small, on the
recipe. Given the seeds, ``T_1, ..., T_R`` are exchangeable, but ``T_0 = U' + e_0`` comes from other seeds: it leads
all of them with probability 1/2 however many they are, while ``1 / (R + 1)`` tends to 0.

Counter-example (counting pairs of seeds). Three seeds make three pairs, which are not three draws: with ``T`` the
larger of two values, one of each seed, a claim of two other seeds leads all three pairs if it has the largest of five
values, with probability 2/5 > 1/4. They are one group, so p is at least 1/2.

All ``R`` count, by the theorem of `twins`, only if every pair *and the claim* start from the same two initial
weights: given these, the ``R + 1`` scores are exchangeable.

Source: this library.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..base import StatisticsError
from .orbit import OrbitRank
from .twins import twin_rank


def grouped_twin_rank(claim: float, twins: ArrayLike, groups: Sequence[Hashable]) -> OrbitRank:
    """Rank of the claim's score among groups of recipes, each with the largest score of its pairs.

    Parameters
    ----------
    claim : score of A and B, larger for closer models.
    twins : scores of the recipes' pairs, shape [R].
    groups : group of each recipe, length R; recipes of different groups have nothing in common but their kind.

    Returns
    -------
    OrbitRank
        Rank among ``G + 1`` pairs; that of `twin_rank` if each recipe is its own group.

    Raises
    ------
    StatisticsError
        If there is no pair, a score is not a finite number, or groups and scores differ in number.

    Examples
    --------
    >>> found = grouped_twin_rank(0.5, [0.1, 0.6, 0.7, 0.2], ["x", "x", "x", "y"])
    >>> found.rank, found.size  # one of two groups reaches it
    (2, 3)
    """
    scores = np.asarray(twins, dtype=np.float64)
    if scores.shape != (len(groups),):
        raise StatisticsError(
            f"There are {len(groups)} groups for scores of shape {scores.shape}; give the group of each recipe."
        )
    largest: dict[Hashable, float] = {}
    for group, score in zip(groups, scores.tolist(), strict=True):
        largest[group] = float(np.maximum(score, largest.get(group, score)))  # keeps a NaN, which is then refused
    return twin_rank(claim, list(largest.values()))
