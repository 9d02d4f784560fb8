"""Rank two models among a panel: every panel statistic by every design, the primary one first.

The primary statistic and design were fixed in code before any score was seen: ``response_match``, by the larger of
two p-values: its rank among twins (`twins`), and the larger of its ranks by raw score and by two-way residual among
all pairs of A, B and the comparable members. All other ranks are shown beside it and enter no verdict. Whether there
are enough recipes and members for a verdict is decided by declarations alone (`use`).

Validity. The larger of two p-values is super-uniform if either is, so under the hypothesis of either rung; `decide`
adds that no stranger seen may score as high, which can only make a verdict rarer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
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
    grouped_twin_rank,
    larger_rank,
    own_kind_rank,
    pair_design,
    rank,
    row_design,
    stratum_design,
)
from ..statistics import PANEL_STATISTICS, PRIMARY, DesignRank, PanelResult, Similarity, TwinScore
from ..statistics.response_match import response_grid
from .audit import LEAST, audit
from .designs import ALL_PAIRS, PRIMARY_DESIGN, TWINS
from .likeness import like_needed, likeness, own_kind_design
from .localise import localise
from .members import RelatedPair, Twins
from .own import guarded
from .record import Panel, kept_scores
from .scores import Scores, compute
from .selection import comparable, comparable_twins, stratum_of
from .twin_groups import independent_groups
from .twins import FLOOR, FLOORS, ROUNDING, above_levels, at, twin_scores
from .use import (
    FalseMatch,
    MemberUsed,
    PanelEvidence,
    PanelUse,
    RecipeUsed,
    impossible,
)

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
    announce: Callable[[Phrase], None] = lambda _: None,
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
    announce : called before any score is computed, if the panel allows no verdict, with the reason.

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
    recipes, without = comparable_twins(panel, a, b, families)
    models = [a, b, *(panel.fingerprints[member.name] for member in selection.members)]
    units = min(model.record.sketch.match_units for model in models)
    claim = _Claim(
        panel,
        [at(model, selection.anchors, units) for model in models],
        ["A", "B", *(member.name for member in selection.members)],
        selection.anchors,
        units,
    )
    able = _refusal(PRIMARY, claim, alpha / n_searched) is None
    twins = _twins(claim, recipes, progress) if able else ()  # of the panel alone, whatever A and B score
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
        recipes=used(recipes, panel.record.kinship),
        recipes_dropped=without,
        recipes_in_panel=len(panel.record.twins),
        twins_scored=bool(twins) or not (recipes and able),
        anchors=len(selection.anchors),
        alpha=alpha,
        families=tuple(sorted(families)),
    )
    why_not = impossible(use, n_searched)
    if why_not is not None:
        announce(why_not)
    results = []
    for statistic in PANEL_STATISTICS:
        of_it = twins if statistic is PRIMARY else ()
        result, scores = _test(statistic, claim, use, n_searched, progress, of_it)
        results.append(result)
        if statistic is PRIMARY and scores is not None:
            use = with_diagnostics(use, scores.matrix, result, n_searched)
    for similarity in own:
        result, _ = _test(guarded(similarity), claim, use, n_searched, progress)
        results.append(result.model_copy(update={"words": similarity.words}))
    return PanelEvidence(tuple(results), use)


def used(recipes: Sequence[Twins], found: Sequence[RelatedPair] = ()) -> tuple[RecipeUsed, ...]:
    """What a report says of the recipes ranked among, and which of them count as one."""
    groups = independent_groups(recipes, found)
    sizes, first = Counter(groups), dict[int, str]()
    for twins, group in zip(recipes, groups, strict=True):
        first.setdefault(group, twins.recipe)
    return tuple(
        RecipeUsed(
            recipe=twins.recipe,
            stratum=twins.stratum,
            corpus=twins.corpus,
            models=(twins.pair[0].name, twins.pair[1].name),
            group=first[group] if sizes[group] > 1 else "",
        )
        for twins, group in zip(recipes, groups, strict=True)
    )


@dataclass(frozen=True, eq=False)
class _Claim:
    """A, B and the members they are ranked among, on one token list."""

    panel: Panel
    models: list[Fingerprint]
    names: list[str]
    anchors: tuple[int, ...]
    units: int
    """Largest number of units kept of an MLP."""


def _test(
    statistic: Similarity,
    claim: _Claim,
    use: PanelUse,
    n_searched: int,
    progress: Progress,
    twins: tuple[TwinScore, ...] = (),
) -> tuple[PanelResult, Scores | None]:
    reason = _refusal(statistic, claim, use.alpha / n_searched)
    scores: Scores | None = None
    ranks: tuple[DesignRank, ...] = ()
    if reason is None:
        try:
            whole = claim.units == claim.panel.record.sketch.match_units
            known = kept_scores(claim.panel, statistic, claim.names[2:], claim.anchors) if whole else None
            scores = compute(statistic, claim.models, claim.names, claim.anchors, known, progress)
            ranks = ranks_by_design(scores.matrix, *use.kinds, twins, use.draws)
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
                "twins": twins,
                "by_cell": localise(grid, scores.grids),
                "grid": tuple(map(tuple, grid.shares.tolist())),
            }
        )
    return result, scores


def _twins(claim: _Claim, recipes: tuple[Twins, ...], progress: Progress) -> tuple[TwinScore, ...]:
    """The scores of the recipes ranked among; none if the panel has neither scores nor fingerprints for them."""
    members = tuple(claim.names[2:])
    try:
        found = twin_scores(claim.panel, PRIMARY, recipes, members, claim.anchors, claim.units, progress)
    except StatisticsError:  # a score that is missing: no rank among these twins
        found = None
    if found is None:
        return ()
    above = np.stack([above_levels(found.pairs, found.levels, floor) for floor in FLOORS], axis=1)
    return tuple(
        TwinScore(recipe=recipe, score=score, above_levels=tuple(values))
        for recipe, score, values in zip(found.recipes, found.pairs.tolist(), above.tolist(), strict=True)
    )


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
    primary_design : the design whose p-value is the result's; where there is none, as there is without twins, that of
        all pairs is.

    Returns
    -------
    PanelResult
        The result.
    """
    by_design = {found.design: found for found in ranks}
    primary = by_design.get(primary_design, by_design.get(ALL_PAIRS))
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
    if not all(a.record.sketch.same_sizes(member.record.sketch) for member in claim.models[2:]):
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


def ranks_by_design(
    scores: NDArray[np.float64],
    strata: list[str],
    corpora: list[str],
    twins: Sequence[TwinScore] = (),
    draws: Sequence[str] = (),
) -> tuple[DesignRank, ...]:
    """The rank by every design; strata too small for a residual are ranked by raw score.

    Parameters
    ----------
    scores : shape [n, n], symmetric, of A, B and the members in that order.
    strata, corpora : of A, B and the members; an empty corpus is not declared.
    twins : scores of the recipes ranked among; none for a statistic that twins were not scored by.
    draws : what each of these recipes counts as, in their order; by default itself.
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
    if twins:
        among = design_rank(TWINS, rank_among_twins(scores, twins, draws))
        both = max(among, ranks[2], key=lambda found: found.log10_p)
        attainable = max(among.attainable_log10_p, ranks[2].attainable_log10_p)
        ranks += [among, both.model_copy(update={"design": PRIMARY_DESIGN, "attainable_log10_p": attainable})]
    return tuple(ranks)


def rank_among_twins(scores: NDArray[np.float64], twins: Sequence[TwinScore], draws: Sequence[str] = ()) -> OrbitRank:
    """The rank of A and B among recipes: the larger by T with either floor (`twins`).

    What differs by no more than rounding is a tie, which counts against them.

    Parameters
    ----------
    scores : shape [n, n], symmetric, of A, B and the members in that order.
    twins : scores of the recipes ranked among.
    draws : what each of these recipes counts as, in their order; by default itself.
    """
    ranks = []
    for n, floor in enumerate(FLOORS):
        values = [recipe.above_levels[n] for recipe in twins]
        claim = claim_above_levels(scores, floor) - ROUNDING
        ranks.append(grouped_twin_rank(claim, values, draws or range(len(twins))))
    return max(ranks, key=lambda found: found.rank)


def claim_above_levels(scores: NDArray[np.float64], floor: float = FLOOR) -> float:
    """T of A and B, the first two models of a score matrix [n, n] whose others are the references."""
    return float(above_levels(scores[0, 1], scores[:2, 2:], floor))


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

    The sensitivity is the smaller of those of the two rungs. Both the level and the bound are corrected for the pairs
    that were searched.

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
    members, alpha = use.members, use.alpha / n_searched
    rungs = (TWINS, ALL_PAIRS) if use.primary_design == PRIMARY_DESIGN else (use.primary_design,)
    own = [found for found in result.ranks if found.design in rungs]
    if result.twins:
        found = rank_among_twins(scores, result.twins, use.draws)
        exceeding, pairs = found.rank - 1, found.size - 1
        of_members = scores[2:, 2:][np.triu_indices(len(members), 1)]
        largest = float(max(*(recipe.score for recipe in result.twins), *of_members.tolist()))
        effect = {"largest_stranger": largest, "effect_ratio": float((scores[0, 1] + FLOOR) / (largest + FLOOR))}
    else:
        disjoint = disjoint_pairs([member.name for member in members])
        exceeding = sum(bool(scores[2 + i, 2 + j] >= scores[0, 1]) for i, j in disjoint)
        pairs, effect = len(disjoint), {}
    return use.model_copy(
        update=effect
        | {
            "critical_odds_ratio": min((critical_odds_ratio(r.rank, r.size, alpha) for r in own), default=None),
            "false_match": FalseMatch(
                exceedances=exceeding,
                pairs=pairs,
                bound=min(1.0, n_searched * false_match_bound(exceeding, pairs)),
            ),
            "audit": audit(scores[2:, 2:], [m.stratum for m in members], [m.family for m in members]),
        }
    )
