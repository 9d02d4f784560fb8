"""Whether two models are closer than siblings are: the rank of their similarity, and what follows from it.

Null hypothesis. A and B are unrelated beyond the base: given the base, each could have been one of the siblings of
some declared kind, and no sibling is related beyond the base to another, to A or to B. Then the similarities of A, B
and the siblings of those kinds are exchangeable, since each is one function of two models and the base (`changes`).
What kinds A and B are of is not asked. The theorem is that of `inference.unknown_kind`.

*Unlike siblings.* Let the nearest sibling of a model be the one that it is most similar to. If A, or B, is less
similar to its nearest sibling than every sibling is to its own, it is like no kind of siblings, and the hypothesis
does not speak of it. Then p is set to 1: that makes it no smaller, so it stays super-uniform.

*Lighter than siblings.* Let the level of a model among the siblings of a kind be its mean similarity with them (of
one of them, with the others). What training finds first is common to all, and what is a model's own grows with its
steps: so two models that were trained less than all siblings are like these, more than these are like one another,
and most like each other without any relation. If for some kind the levels of A and of B both exceed that of every
sibling of it, p is set to 1 too, by the same argument.

The statistic, the design and the level are fixed before any weight is read, and with too few siblings nothing is
ranked. Other numbers stand beside it without a p-value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import log10

import numpy as np
from numpy.typing import NDArray

from ..base import InputError
from ..inference import (
    OrbitRank,
    critical_odds_ratio,
    disjoint_pairs,
    false_match_bound,
    larger_rank,
    least_pairs,
    pair_design,
    unknown_kind_rank,
    unknown_kind_row,
)
from ..panel import FalseMatch
from ..panel.evidence import design_rank
from ..panel.likeness import like_needed
from ..statistics import DesignRank
from .record import SIDES, Closeness

Array = NDArray[np.float64]
_ROUNDED = 1 + 1e-12
"""Factor by which a p-value may exceed a level for rounding."""
_FEWEST = 3
"""Siblings: with A and B five models, the least whose levels can be taken out."""


def check_reach(kinds: Sequence[str], alpha: float, searched: int) -> None:
    """Refuse siblings that could not reach the level, whatever their weights.

    Parameters
    ----------
    kinds : kind of each sibling.
    alpha : level.
    searched : pairs of models that were searched.

    Raises
    ------
    InputError
        With the number needed.
    """
    if 1 / least_pairs(kinds) > alpha / searched * _ROUNDED or len(kinds) < _FEWEST:
        kind, count = min(Counter(kinds).items(), key=lambda found: (found[1], found[0]))
        nameless = "" if count == len(kinds) else " of the kind without a name"
        named, level = f" of the kind {kind!r:.80}" if kind else nameless, alpha / searched
        given = f"1 sibling{named} is" if count == 1 else f"{count} siblings{named} are"
        raise InputError(
            f"{given} given, and no similarity could reach the level {level:.3g} among them; "
            f"give at least {max(_FEWEST, like_needed(level))} of each kind, or none to have the numbers counted."
        )


def closeness(scores: Array, names: Sequence[str], kinds: Sequence[str], alpha: float, searched: int) -> Closeness:
    """The rank of A and B among siblings, and its p-value.

    Parameters
    ----------
    scores : similarities of A, B and the siblings in that order, symmetric, shape [n, n].
    names : what tells the siblings apart, by which disjoint pairs are made.
    kinds : kind of each sibling.
    alpha : level.
    searched : pairs of models that were searched; p is multiplied by it.
    """
    n = len(scores)
    found = unknown_kind_rank(scores, kinds)
    inside = scores[2:, 2:].copy()
    np.fill_diagonal(inside, -np.inf)
    least, nearest = float(inside.max(1).min()), scores[:2, 2:].max(1).tolist()
    lighter = _lighter(scores, kinds)
    unlike = tuple(side for side, score in zip(SIDES, nearest, strict=True) if score < least or lighter)
    pairs = disjoint_pairs(list(names))
    reached = sum(scores[i + 2, j + 2] >= scores[0, 1] for i, j in pairs)
    bound = false_match_bound(int(reached), len(pairs))
    return Closeness(
        alpha=alpha,
        searched=searched,
        scores=tuple(scores[np.triu_indices(n, 1)].tolist()),
        rank=larger_rank(scores, pair_design(n)).rank,
        pairs=n * (n - 1) // 2,
        size=found.size,
        nearest=(nearest[0], nearest[1]),
        least_nearest=least,
        lighter=lighter,
        unlike=unlike,
        log10_p=0.0 if unlike else _corrected(found.log10_p, searched),
        attainable_log10_p=_corrected(found.attainable_log10_p, searched),
        rows=tuple(
            _row(unknown_kind_row(scores, kinds, fixed), "ab"[fixed], searched, bool(unlike)) for fixed in (0, 1)
        ),
        critical_odds_ratio=critical_odds_ratio(found.size if unlike else found.rank, found.size, alpha / searched),
        false_match=FalseMatch(exceedances=int(reached), pairs=len(pairs), bound=min(1.0, searched * bound)),
    )


def _lighter(scores: Array, kinds: Sequence[str]) -> bool:
    """Whether A and B are both more like all siblings of one kind than each of these is like the others."""
    for kind in sorted({*kinds}):
        at = np.array([i for i, one in enumerate(kinds, start=2) if one == kind])
        if len(at) < 2:
            continue
        inside = scores[np.ix_(at, at)].copy()
        np.fill_diagonal(inside, 0.0)
        levels = inside.sum(1) / (len(at) - 1)
        if scores[:2, at].mean(1).min() > levels.max():
            return True
    return False


def square(scores: Sequence[float], n: int) -> Array:
    """Scores of pairs in the order (A, B), (A, first sibling), ..., as a symmetric array [n, n]."""
    found = np.full((n, n), np.nan)
    first, second = np.triu_indices(n, 1)
    found[first, second] = found[second, first] = scores
    return found


def _row(found: OrbitRank, side: str, searched: int, unlike: bool) -> DesignRank:
    """The rank among pairs of one model, its p corrected or set to 1 as that of all pairs."""
    p = 0.0 if unlike else _corrected(found.log10_p, searched)
    least = _corrected(found.attainable_log10_p, searched)
    return design_rank(f"row_{side}", replace(found, log10_p=p, attainable_log10_p=least))


def _corrected(log10_p: float, searched: int) -> float:
    return min(0.0, log10_p + log10(searched))
