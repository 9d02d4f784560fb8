"""Audit of a panel's null distribution: rejection rates where it could fail, and the worst of them.

Ranks of a panel's own pairs among themselves are uniform by construction and prove nothing. The risk is that some
pairs resemble each other for a reason that the claim's pair may share: so the audit measures how often pairs *inside
one stratum* are extreme among all pairs, and how often pairs with a member of one family are extreme among the models
outside that family. Pairs are dependent, so the excess in strata is tested by permuting stratum labels over members
(the null hypothesis that strata do not matter), not by a binomial.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import inference
from ..base import Record
from ..base.card import Card, flat
from ..base.display import Tabular

LEVELS = (0.01, 0.05, 0.1)
LEAST = 5
"""Smallest number of models for a two-way residual."""
_PERMUTATIONS = 999
_TIED = 1e-12  # residuals that differ by less are tied
_MOVED = (
    2.0**-44
)  # of the largest score: more than pairwise sums in another order move a residual, about 50 roundings


class SizeAt(Record):
    """Share of unrelated pairs that are called extreme at one level."""

    level: float
    within_strata: float | None
    """Share among pairs inside one stratum; None if there are none, or no second stratum."""
    excess_p: float | None
    """p-value of this share if strata did not matter, by permuting labels."""
    worst_family: str | None
    """The family whose pairs with other models are most often extreme, with the null taken without the family."""
    worst_family_share: float | None


class Audit(Tabular, Record):
    """Result of the audit of one statistic over one set of members."""

    members: int
    pairs_within_strata: int
    sizes: tuple[SizeAt, ...]
    quantiles: tuple[tuple[float, float, float], ...] = ()
    """Sorted p-values of pairs inside strata, each with its 2.5% and 97.5% quantiles under permuted labels."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each level."""
        return [flat(size) for size in self.sizes]

    def _card(self) -> Card:
        facts = (("members", self.members), ("pairs inside strata", self.pairs_within_strata))
        return Card("Audit of ranks among unrelated models", facts, tuple(self.to_dicts()))


def audit(S: NDArray[np.float64], strata: Sequence[str], families: Sequence[str]) -> Audit | None:
    """Audit the ranks among all pairs over a score matrix [M, M] of members; None for fewer than six members.

    Parameters
    ----------
    S : scores, shape [M, M], symmetric; the diagonal is not read.
    strata : stratum of each member.
    families : family of each member.

    Returns
    -------
    Audit or None
        Rejection rates inside strata and by family.
    """
    n = len(S)
    if n <= LEAST:
        return None
    p = pair_p_values(S)
    labels = np.unique(np.asarray(strata), return_inverse=True)[1]
    outside = _outside(S, p, families)
    # with one stratum, ranks are uniform anyway
    drawn = _inside(p, labels) if labels.max() > 0 else np.zeros((1, 0))
    within, shuffled = drawn[0], drawn[1:]
    sizes = []
    for level in LEVELS:
        share = excess = None
        if len(within):
            share = int((within <= level).sum()) / len(within)
            others = (shuffled <= level).sum(1) / len(within)
            excess = (1 + int((others >= share - 1e-12).sum())) / (1 + _PERMUTATIONS)
        shares = {family: float((values <= level).mean()) for family, values in outside.items() if len(values)}
        worst = max(shares, key=lambda family: shares[family], default=None)
        sizes.append(
            SizeAt(
                level=level,
                within_strata=share,
                excess_p=excess,
                worst_family=worst,
                worst_family_share=None if worst is None else shares[worst],
            )
        )
    envelope = zip(*(x.tolist() for x in _envelope(drawn)), strict=True) if len(within) else ()
    return Audit(
        members=n, pairs_within_strata=len(within), sizes=tuple(sizes), quantiles=tuple(map(tuple, envelope))
    )


def pair_p_values(S: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-value of every pair: the larger of its ranks by raw score and by residual, over the number of pairs.

    In the order of ``combinations``.
    """
    upper = np.triu_indices(len(S), 1)
    raw, residual = (
        len(values) - np.searchsorted(np.sort(values), values - error, side="left")
        for values, error in ((S[upper], 0.0), (inference.two_way_residual(S)[upper], _TIED))
    )
    p: NDArray[np.float64] = np.maximum(raw, residual) / len(raw)
    return p


def false_match_curve(
    S: NDArray[np.float64], names: Sequence[str], confidence: float = 0.95
) -> list[tuple[float, int, int, float]]:
    """(threshold, exceedances, pairs, upper bound) of raw scores as fixed thresholds, over disjoint pairs.

    Parameters
    ----------
    S : scores, shape [M, M], symmetric.
    names : names of the members, which fix the disjoint pairs.
    confidence : coverage of the upper bounds.

    Returns
    -------
    list of tuple
        One for each of 21 thresholds, ascending.
    """
    chosen = inference.disjoint_pairs(names)
    values = np.array([S[i, j] for i, j in chosen])
    thresholds = np.unique(S[np.triu_indices(len(S), 1)])
    rows = []
    for threshold in np.quantile(thresholds, np.linspace(0, 1, 21)):
        found = int((values >= threshold).sum())
        rows.append(
            (float(threshold), found, len(chosen), inference.false_match_bound(found, len(chosen), confidence))
        )
    return rows


def quantile_envelope(
    S: NDArray[np.float64], strata: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sorted p-values of pairs inside strata, and their 2.5% and 97.5% quantiles under permuted labels.

    Meaningful only with several strata: with one, the p-values are uniform by construction.
    """
    return _envelope(_inside(pair_p_values(S), np.unique(np.asarray(strata), return_inverse=True)[1]))


def _envelope(drawn: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.quantile(drawn[1:], [0.025, 0.975], axis=0)
    return drawn[0], low, high


def _inside(p: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sorted p-values of the pairs inside strata, by the labels and by each random order of them: [1 + orders, k].

    All pairs are sorted once, and each order of the labels picks from them, so that nothing is sorted again.
    """
    order = np.argsort(p, kind="stable")
    in_order = p[order]
    first, second = (side[order] for side in np.triu_indices(len(labels), 1))
    small = labels.astype(np.min_scalar_type(labels.max()))
    return np.stack([in_order[one[first] == one[second]] for one in (small, *_shuffled(small))])


def _shuffled(labels: NDArray[Any]) -> list[NDArray[Any]]:
    """The labels in 999 random orders, by SHAKE-256, so that an audit is reproducible."""
    stream = hashlib.shake_256(b"verify audit 1").digest(8 * len(labels) * _PERMUTATIONS)
    keys = np.frombuffer(stream, dtype=">u8").reshape(_PERMUTATIONS, len(labels))
    return [labels[np.argsort(row, kind="stable")] for row in keys]


def _outside(
    S: NDArray[np.float64], p: NDArray[np.float64], families: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """By family, the p-values of pairs of its members with models outside, ranked without the rest of the family.

    A family of one leaves no model out: its pairs have their ranks among all pairs, ``p``, and nothing is ranked
    again, so all such families together cost no more than one. A fit of its own would add the scores up in another
    order, which moves a residual by less than ``_MOVED`` times the largest score: where that could decide a tie, the
    fit is made.
    """
    n = len(S)
    first, second = np.triu_indices(n, 1)
    known = np.zeros((n, n))
    known[first, second] = known[second, first] = p
    alone = Counter(families)
    settled = n > LEAST and _settled(S)
    found = {}
    for family in dict.fromkeys(families):
        if settled and alone[family] == 1:
            i = families.index(family)
            found[family] = np.delete(known[i], i)
        else:
            found[family] = _family_p(S, families, family)
    return found


def _settled(S: NDArray[np.float64]) -> bool:
    """Whether no rank by residual depends on the order in which scores are added up."""
    upper = np.triu_indices(len(S), 1)
    values = np.sort(inference.two_way_residual(S)[upper])
    moved = _MOVED * max(1.0, float(np.abs(S[upper]).max()))
    below, above = (np.searchsorted(values, values - _TIED + side, side="left") for side in (-moved, moved))
    return bool((below == above).all())


def _family_p(S: NDArray[np.float64], families: Sequence[str], family: str) -> NDArray[np.float64]:
    """p-value of each pair of a member with a model outside its family, ranked among the models outside."""
    members = [i for i, label in enumerate(families) if label == family]
    others = [i for i, label in enumerate(families) if label != family]
    if len(others) < LEAST:
        return np.zeros(0)
    values = []
    for i in members:
        models = [i, *others]
        values += pair_p_values(S[np.ix_(models, models)])[: len(others)].tolist()
    return np.array(values)
