"""Audit of a panel's null distribution: rejection rates where it could fail, and the worst of them.

Ranks of a panel's own pairs among themselves are uniform by construction and prove nothing. The risk is that some
pairs resemble each other for a reason that the claim's pair may share: so the audit measures how often pairs *inside
one stratum* are extreme among all pairs, and how often pairs with a member of one family are extreme among the models
outside that family. Pairs are dependent, so the excess in strata is tested by permuting stratum labels over members
(the null hypothesis that strata do not matter), not by a binomial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import combinations
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
    pairs = np.array(list(combinations(range(n), 2)))
    p = pair_p_values(S)
    labels = np.unique(np.asarray(strata), return_inverse=True)[1]
    shuffled = _shuffled(labels)
    outside = {family: _family_p(S, families, family) for family in dict.fromkeys(families)}
    within = _within(labels, pairs) & (labels.max() > 0)  # with one stratum, ranks are uniform anyway
    sizes = []
    for level in LEVELS:
        extreme = p <= level
        share = float(extreme[within].mean()) if within.any() else None
        excess = None
        if share is not None:
            others = [extreme[_within(order, pairs)].mean() for order in shuffled]
            excess = (1 + sum(other >= share - 1e-12 for other in others)) / (1 + _PERMUTATIONS)
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
    envelope = zip(*(x.tolist() for x in quantile_envelope(S, strata)), strict=True) if within.any() else ()
    return Audit(
        members=n, pairs_within_strata=int(within.sum()), sizes=tuple(sizes), quantiles=tuple(map(tuple, envelope))
    )


def pair_p_values(S: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-value of every pair: the larger of its ranks by raw score and by residual, over the number of pairs.

    In the order of ``combinations``.
    """
    upper = np.triu_indices(len(S), 1)
    raw, residual = (
        len(values) - np.searchsorted(np.sort(values), values - error, side="left")
        for values, error in ((S[upper], 0.0), (inference.two_way_residual(S)[upper], 1e-12))
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
    pairs = np.array(list(combinations(range(len(S)), 2)))
    p, labels = pair_p_values(S), np.unique(np.asarray(strata), return_inverse=True)[1]
    drawn = np.array([np.sort(p[_within(order, pairs)]) for order in _shuffled(labels)])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return np.sort(p[_within(labels, pairs)]), low, high


def _shuffled(labels: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The labels in 999 random orders, by SHAKE-256, so that an audit is reproducible."""
    stream = hashlib.shake_256(b"verify audit 1").digest(8 * len(labels) * _PERMUTATIONS)
    keys = np.frombuffer(stream, dtype=">u8").reshape(_PERMUTATIONS, len(labels))
    return [labels[np.argsort(row, kind="stable")] for row in keys]


def _within(labels: NDArray[np.intp], pairs: NDArray[np.intp]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    return same


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
