"""Rank two models among a panel: every panel statistic by every design, the primary one first.

The primary statistic and design were fixed in code before any score was seen: ``response_match``, the larger of its
ranks by raw score and by two-way residual among all pairs of comparable models, over the number of pairs of the
claim's own kind. All other ranks are shown beside it and enter no verdict. The own kind, and whether it has enough
members for a verdict, are decided by declarations alone (`likeness`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase, Progress, StatisticsError, silent
from ..fingerprint import Fingerprint
from ..inference import (
    Design,
    OrbitRank,
    critical_odds_ratio,
    disjoint_pairs,
    false_match_bound,
    larger_rank,
    own_kind_rank,
    pair_design,
    rank,
    row_design,
    stratum_design,
)
from ..statistics import PANEL_STATISTICS, PRIMARY, DesignRank, PanelResult, Similarity
from ..statistics.applicability import on_anchors
from ..statistics.response_match import response_grid
from .audit import LEAST, audit
from .likeness import like_needed, likeness, own_kind_design
from .localise import localise
from .own import guarded
from .record import Panel, kept_scores
from .scores import Scores, compute
from .selection import comparable, stratum_of
from .use import PRIMARY_DESIGN, FalseMatch, MemberUsed, PanelEvidence, PanelUse

Ranking = Literal["raw", "residual", "larger"]
"""Rank by raw score, by two-way residual, or the larger of the two."""


def evaluate(
    panel: Panel,
    a: Fingerprint,
    b: Fingerprint,
    *,
    alpha: float = 0.01,
    families: Collection[str] = (),
    corpora: tuple[str, str] = ("", ""),
    n_searched: int = 1,
    own: Sequence[Similarity] = (),
    progress: Progress = silent,
) -> PanelEvidence:
    """Rank A and B among a panel.

    Parameters
    ----------
    panel : the panel.
    a, b : the two models, at full effort.
    alpha : level of the primary panel test.
    families : declared families of A and B, whose members are excluded.
    corpora : declared training texts of A and B, as named in the panel; empty if unknown.
    n_searched : number of pairs that were searched; the panel must be able to reach ``alpha / n_searched``.
    own : the caller's own similarities, ranked after ``PANEL_STATISTICS``; their results carry their own words.
    progress : called after each score.

    Returns
    -------
    PanelEvidence
        One result for each of ``PANEL_STATISTICS``, then of ``own``; those that do not apply state the reason.

    Raises
    ------
    InputError
        If a similarity of the caller fails, or is not symmetric.
    """
    selection = comparable(panel, a, b, families)
    models = [a, b, *(panel.fingerprints[member.name] for member in selection.members)]
    claim = _Claim(
        panel,
        [on_anchors(model, selection.anchors) for model in models],
        ["A", "B", *(member.name for member in selection.members)],
        selection.anchors,
    )
    strata = [stratum_of(model.record.architecture) for model in (a, b)]
    use = PanelUse(
        name=panel.record.name,
        version=panel.record.version,
        digest=panel.digest,
        members=tuple(
            MemberUsed(name=m.name, family=m.family, stratum=m.stratum, corpus=m.corpus) for m in selection.members
        ),
        dropped=selection.dropped,
        stratum_a=strata[0],
        stratum_b=strata[1],
        corpus_a=corpora[0],
        corpus_b=corpora[1],
        like_a=likeness(selection.members, strata[0], corpora[0]),
        like_b=likeness(selection.members, strata[1], corpora[1]),
        anchors=len(selection.anchors),
        alpha=alpha,
        families=tuple(sorted(families)),
    )
    results = []
    for statistic in PANEL_STATISTICS:
        result, scores = _test(statistic, claim, use, n_searched, progress)
        results.append(result)
        if statistic is PRIMARY and scores is not None:
            use = with_diagnostics(use, scores.matrix, result, n_searched)
    for similarity in own:
        result, _ = _test(guarded(similarity), claim, use, n_searched, progress)
        results.append(result.model_copy(update={"words": similarity.words}))
    return PanelEvidence(tuple(results), use)


@dataclass(frozen=True, eq=False)
class _Claim:
    """A, B and the members they are ranked among, on one token list."""

    panel: Panel
    models: list[Fingerprint]
    names: list[str]
    anchors: tuple[int, ...]


def _test(
    statistic: Similarity,
    claim: _Claim,
    use: PanelUse,
    n_searched: int,
    progress: Progress,
) -> tuple[PanelResult, Scores | None]:
    reason = _refusal(statistic, claim, use.alpha / n_searched)
    scores: Scores | None = None
    ranks: tuple[DesignRank, ...] = ()
    if reason is None:
        try:
            known = kept_scores(claim.panel, statistic, claim.names[2:], claim.anchors)
            scores = compute(statistic, claim.models, claim.names, claim.anchors, known, progress)
            ranks = ranks_by_design(scores.matrix, *use.kinds)
        except StatisticsError:  # a missing score is not evidence of no relation
            reason, scores = Phrase.of("panel.no_score"), None
    if scores is None:
        return conclude(statistic, reason=reason), None
    result = conclude(statistic, ranks, float(scores.matrix[0, 1]))
    if statistic is PRIMARY:
        pairs = np.triu_indices(len(scores.names), 1)
        grid = response_grid(*claim.models[:2])
        result = result.model_copy(
            update={
                "scores": tuple(scores.matrix[pairs].tolist()),
                "by_cell": localise(grid, scores.grids),
                "grid": tuple(map(tuple, grid.shares.tolist())),
            }
        )
    return result, scores


def conclude(
    statistic: Similarity,
    ranks: tuple[DesignRank, ...] = (),
    score: float | None = None,
    *,
    reason: Phrase | None = None,
    primary_design: str = PRIMARY_DESIGN,
) -> PanelResult:
    """The result of a panel statistic, from its ranks by design or the reason why it does not apply.

    Parameters
    ----------
    statistic : the panel statistic.
    ranks : its ranks by design; empty where it does not apply.
    score : the score of A and B.
    reason : why it does not apply; None where it does.
    primary_design : the design whose p-value is the result's.

    Returns
    -------
    PanelResult
        The result.
    """
    primary = next((found for found in ranks if found.design == primary_design), None)
    return PanelResult(
        id=statistic.id,
        version=statistic.version,
        applicable=primary is not None,
        reason=reason,
        score=score,
        ranks=ranks,
        log10_p=primary.log10_p if primary else None,
        attainable_log10_p=primary.attainable_log10_p if primary else None,
    )


def _refusal(statistic: Similarity, claim: _Claim, alpha: float) -> Phrase | None:
    """Why a claim cannot be ranked, decided before any score is computed; None if it can."""
    a, b = claim.models[:2]
    if not a.record.sketch.same_sizes(claim.panel.record.sketch):
        return Phrase.of("panel.other_sketch")
    if a.record.architecture.norm != b.record.architecture.norm:
        return Phrase.of("panel.two_norms")
    reason = statistic.refusal(a, b)
    if reason is not None:
        return reason
    members, needed = len(claim.models) - 2, members_needed(alpha)
    if members < needed:
        return Phrase.of("panel.few_members", members=members, alpha=alpha, needed=needed)
    for member in claim.models[2:]:
        reason = statistic.refusal(a, member) or statistic.refusal(b, member)
        if reason is not None:
            return Phrase.of("panel.member_refused", name=member.record.name, why=reason)
    return None


def members_needed(alpha: float) -> int:
    """Number of comparable members for the pair design to reach a level: the smallest M with (M+2)(M+1)/2 >= 1/level.

    Examples
    --------
    >>> members_needed(0.01)
    13
    """
    return max(LEAST - 2, like_needed(alpha))


def ranks_by_design(scores: NDArray[np.float64], strata: list[str], corpora: list[str]) -> tuple[DesignRank, ...]:
    """The rank by every design; strata too small for a residual are ranked by raw score.

    Parameters
    ----------
    scores : shape [n, n], symmetric, of A, B and the members in that order.
    strata, corpora : of A, B and the members; an empty corpus is not declared.
    """
    n = len(scores)
    stratum = stratum_design(strata)
    steps: list[tuple[Design, Ranking]] = [
        (pair_design(n), "raw"),
        (pair_design(n), "residual"),
        (pair_design(n), "larger"),
        (row_design(n, 0), "raw"),
        (row_design(n, 1), "raw"),
        (stratum, "raw"),
    ]
    least = min(map(len, stratum.groups)) * (2 if stratum.bipartite else 1)
    if least > LEAST:
        steps.append((stratum, "residual"))
    ranks = [rank_by(scores, design, ranking) for design, ranking in steps]
    own = own_kind_design(strata, corpora)
    ranks.insert(3, design_rank(own.id, own_kind_rank(scores, pair_design(n), own)))
    return tuple(ranks)


def rank_by(scores: NDArray[np.float64], design: Design, ranking: Ranking) -> DesignRank:
    """The rank by one design, as a report records it.

    Parameters
    ----------
    scores : shape [n, n], symmetric, of A, B and the others in that order.
    design : the design.
    ranking : by raw score, residual, or the larger of the two.
    """
    found = (
        larger_rank(scores, design) if ranking == "larger" else rank(scores, design, residual=ranking == "residual")
    )
    return design_rank(design.id + {"raw": "", "residual": "_residual", "larger": "_larger"}[ranking], found)


def design_rank(design: str, found: OrbitRank) -> DesignRank:
    """A rank under the name of its design."""
    return DesignRank(
        design=design,
        rank=found.rank,
        size=found.size,
        log10_p=found.log10_p,
        attainable_log10_p=found.attainable_log10_p,
    )


def with_diagnostics(use: PanelUse, scores: NDArray[np.float64], result: PanelResult, n_searched: int) -> PanelUse:
    """Add the diagnostics of the primary scores: sensitivity, bound on false matches, audit.

    The sensitivity is that of the primary design, to unequal selection among the pairs of the claim's own kind. Both
    the level and the bound are corrected for the pairs that were searched.

    Parameters
    ----------
    use : what the report says of the panel.
    scores : of A, B and the members in that order, shape [n, n].
    result : the result of the primary statistic.
    n_searched : number of pairs that were searched.

    Returns
    -------
    PanelUse
        The same with sensitivity, bound on false matches and audit.
    """
    members = use.members
    primary = next(found for found in result.ranks if found.design == use.primary_design)
    pairs = disjoint_pairs([member.name for member in members])
    exceeding = sum(bool(scores[2 + i, 2 + j] >= scores[0, 1]) for i, j in pairs)
    return use.model_copy(
        update={
            "critical_odds_ratio": critical_odds_ratio(primary.rank, primary.size, use.alpha / n_searched),
            "false_match": FalseMatch(
                exceedances=exceeding,
                pairs=len(pairs),
                bound=min(1.0, n_searched * false_match_bound(exceeding, len(pairs))),
            ),
            "audit": audit(scores[2:, 2:], [m.stratum for m in members], [m.family for m in members]),
        }
    )
