"""Recompute the panel tests of a report: ranks and p-values from recorded scores and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase, StatisticsError
from ..claim import ClaimReport
from ..claim.evidence import PANEL
from ..panel import ALL_PAIRS, PRIMARY_DESIGN, PanelEvidence, PanelUse, members_needed, stratum_of
from ..panel.designs import OWN_KIND
from ..panel.dropped import Dropped
from ..panel.evidence import conclude, ranks_by_design, with_diagnostics
from ..panel.likeness import likeness
from ..panel.twins import FLOORS, ROUNDING, above_levels
from ..statistics import PRIMARY, CellResult, DesignRank, PanelResult, Similarity, TwinScore
from ..statistics.earlier import EARLIER_DESIGNS
from ..statistics.response_match import deeper_median
from ..wording import is_filled
from .agreement import Disagreement, problem
from .older import before_version_3, is_older, statistics_of
from .unchecked import own_results


def panel_again(report: ClaimReport, recorded: PanelUse, problems: list[Disagreement]) -> PanelEvidence:
    """The panel's evidence that follows from recorded scores, by the rule of today or, if older, by its own.

    Parameters
    ----------
    report : the report.
    recorded : what it records of the panel.
    problems : a list to which values that cannot be are added.

    Returns
    -------
    PanelEvidence
        Results and use of the panel.
    """
    line = report.line(PANEL)
    alpha = recorded.alpha if line is None or line.alpha is None else line.alpha
    older = is_older(report)
    use = recorded.model_copy(
        update={
            "primary": PRIMARY.id,
            "primary_design": _design_of_its_day(report),
            "alpha": alpha,
            "families": tuple(sorted(recorded.families)),
            "dropped": _told(recorded.dropped),
            "stratum_a": stratum_of(report.a.architecture),
            "stratum_b": stratum_of(report.b.architecture),
            "anchors": min(max(recorded.anchors, 0), report.a.anchors, report.b.anchors),
            "critical_odds_ratio": None,
            "false_match": None,
            "audit": None,
            "largest_stranger": None,
            "effect_ratio": None,
        }
    )
    if use.primary_design in (PRIMARY_DESIGN, OWN_KIND):  # the rules since members like A and B are counted
        use = use.model_copy(
            update={
                "like_a": likeness(use.members, use.stratum_a, use.corpus_a),
                "like_b": likeness(use.members, use.stratum_b, use.corpus_b),
            }
        )
    changed = use.primary_design != PRIMARY_DESIGN
    _check_recipes(use, problems)
    claim = _Ranked(report, use, len(use.members) + 2, members_needed(alpha / report.searched), older or changed)
    results = []
    for statistic in statistics_of(report):
        result, scores = _ranked(statistic, claim, problems)
        if statistic is PRIMARY and scores is not None:
            try:
                use = with_diagnostics(use, scores, result, report.searched)
                if use.primary_design not in (PRIMARY_DESIGN, OWN_KIND):  # whose audit was of its own p-values
                    use = use.model_copy(update={"audit": recorded.audit})
            except StatisticsError as error:
                problems.append(problem("$.panel.members", len(use.members), str(error)))
        results.append(result)
    results += [_own(result, claim) for result in own_results(report)]
    return PanelEvidence(tuple(results), use)


def _own(recorded: PanelResult, claim: _Ranked) -> PanelResult:
    """The result of the caller's own similarity that follows from its recorded ranks."""
    reason = recorded.reason
    if reason is not None and not (is_filled(reason) or _is_quoted(reason)):
        recorded = recorded.model_copy(update={"reason": None})
    if not recorded.applicable or claim.models - 2 < claim.needed:
        return recorded
    steps = _designs(np.zeros((claim.models, claim.models)), recorded, claim)
    ranks = _with_ranks(steps, [entry.rank for entry in recorded.ranks])
    by_design = {found.design: found for found in ranks}
    primary = by_design.get(claim.use.primary_design, by_design[ALL_PAIRS])
    return recorded.model_copy(
        update={"ranks": ranks, "log10_p": primary.log10_p, "attainable_log10_p": primary.attainable_log10_p}
    )


def _is_quoted(reason: Phrase) -> bool:
    return reason.code == "quoted" and isinstance(reason.values.get("text"), str)


def _design_of_its_day(report: ClaimReport) -> str:
    """The design that the p-value is counted by, which the version of the test decides.

    Fingerprints of today were never ranked by an earlier version, whose rule was given up since it called strangers
    related: such a report is counted by the rule of today, and so disagrees.
    """
    version = report.primary.version if report.primary else PRIMARY.version
    if not is_older(report) and not before_version_3(report, version):
        return PRIMARY_DESIGN
    return EARLIER_DESIGNS.get((PRIMARY.id, version), PRIMARY_DESIGN)


def _told(dropped: Sequence[Dropped]) -> tuple[Dropped, ...]:
    """Members left out, with reasons that the catalogue has and no text of a stranger."""
    none = Phrase.of("not_told")
    return tuple(
        out if is_filled(out.reason) and out.reason.code.startswith(("panel.member.", "not_told"))
        else out.model_copy(update={"reason": none})
        for out in dropped
    )  # fmt: skip


def _check_recipes(use: PanelUse, problems: list[Disagreement]) -> None:
    """Add what no panel holds: more recipes than it has, or a group that is not called by the first of several."""
    known = len({recipe.recipe for recipe in use.recipes} | {out.name for out in use.recipes_dropped})
    if known > use.recipes_in_panel:
        problems.append(problem("$.panel.recipes_in_panel", use.recipes_in_panel, f"at least {known}"))
    draws = use.draws
    for n, recipe in enumerate(use.recipes):
        first = draws.index(draws[n])
        if recipe.group and (draws.count(draws[n]) < 2 or recipe.group != use.recipes[first].recipe):
            problems.append(problem(f"$.panel.recipes[{n}].group", recipe.group, "the first recipe of its group"))


@dataclass(frozen=True)
class _Ranked:
    """The models that a claim was ranked among."""

    report: ClaimReport
    use: PanelUse
    models: int
    needed: int
    """Members that the level needs."""
    older: bool
    """Whether the report is of an older schema or rule: by the version of each statistic, and the designs, that it
    has."""


def _ranked(
    statistic: Similarity, claim: _Ranked, problems: list[Disagreement]
) -> tuple[PanelResult, NDArray[np.float64] | None]:
    found = next((result for result in claim.report.ranked if result.id == statistic.id), None)
    recorded = found or conclude(statistic)
    field, few = f"$.evidence[{PANEL}].results[{statistic.id}]", claim.models - 2 < claim.needed
    changed = claim.older and recorded.version != statistic.version

    def concluded(ranks: tuple[DesignRank, ...] = (), score: float | None = None) -> PanelResult:
        made = conclude(statistic, ranks, score, primary_design=claim.use.primary_design)
        return made.model_copy(update={"version": recorded.version}) if changed else made

    if not recorded.applicable:
        told = recorded.reason if recorded.reason is None or is_filled(recorded.reason) else None
        return concluded().model_copy(update={"reason": told}), None
    if few:
        problems.append(problem(f"{field}.applicable", True, f"false: {claim.needed} members are needed"))
        return concluded(), None
    if statistic is not PRIMARY:
        steps = _designs(np.zeros((claim.models, claim.models)), recorded, claim)
        return concluded(_with_ranks(steps, [entry.rank for entry in recorded.ranks]), recorded.score), None
    first, second = np.triu_indices(claim.models, 1)
    if len(recorded.scores) != len(first):
        problems.append(problem(f"{field}.scores", len(recorded.scores), f"{len(first)} scores"))
        return recorded, None
    beyond = next((n for n, score in enumerate(recorded.scores) if not 0 <= score <= 1 + ROUNDING), None)
    if beyond is not None:
        problems.append(problem(f"{field}.scores[{beyond}]", recorded.scores[beyond], "a share, from 0 to 1"))
        return recorded, None
    scores = np.full((claim.models, claim.models), np.nan)
    scores[first, second] = scores[second, first] = recorded.scores
    twins = _twins(recorded, claim.use, field, problems)
    if twins is None:
        return recorded, None
    result = concluded(_designs(scores, recorded, claim, twins), recorded.scores[0])
    cells = _cells(recorded, claim.report, len(first))
    layers = claim.report.a.architecture.layers, claim.report.b.architecture.layers
    most = deeper_median([(cell.layer_a, cell.layer_b, cell.share) for cell in cells], layers) if cells else 1.0
    if not changed and recorded.scores[0] > most + 1e-9:
        expected = f"at most {most}, the median of the deeper half of its cells"
        problems.append(problem(f"{field}.score", recorded.scores[0], expected))
    made = {"scores": recorded.scores, "twins": twins, "by_cell": cells, "grid": recorded.grid}
    return result.model_copy(update=made), scores


def _twins(
    recorded: PanelResult, use: PanelUse, field: str, problems: list[Disagreement]
) -> tuple[TwinScore, ...] | None:
    """The scores of twins, one for each recipe that the report says was ranked among; None if they are others."""
    named, due = [twins.recipe for twins in recorded.twins], [recipe.recipe for recipe in use.recipes]
    if use.primary_design != PRIMARY_DESIGN or not use.twins_scored:
        due = []
    if named != due or len(set(named)) < len(named):
        problems.append(problem(f"{field}.twins", len(named), f"scores of the {len(set(due))} recipes used"))
        return None
    for n, twins in enumerate(recorded.twins):
        if not (0 <= twins.score <= 1 + ROUNDING and _could_be(twins)):
            expected = "a share, and its logarithm less two levels of shares"
            problems.append(problem(f"{field}.twins[{n}]", [twins.score, *twins.above_levels], expected))
            return None
    return recorded.twins


def _could_be(twins: TwinScore) -> bool:
    """Whether some scores with references, which are shares, give this score above levels."""
    if len(twins.above_levels) != len(FLOORS):
        return False
    for floor, value in zip(FLOORS, twins.above_levels, strict=True):
        of_strangers, of_copies = (above_levels(twins.score, [[share], [share]], floor) for share in (0.0, 1.0))
        if not of_copies - ROUNDING <= value <= of_strangers + ROUNDING:
            return False
    return True


def _designs(
    scores: NDArray[np.float64], recorded: PanelResult, claim: _Ranked, twins: Sequence[TwinScore] = ()
) -> tuple[DesignRank, ...]:
    """The ranks of all designs or, of an older report, of those that it had."""
    steps = ranks_by_design(scores, *claim.use.kinds, twins, claim.use.draws)
    had = {found.design for found in recorded.ranks} | {claim.use.primary_design}
    return tuple(step for step in steps if not claim.older or step.design in had)


def _with_ranks(steps: tuple[DesignRank, ...], ranks: list[int]) -> tuple[DesignRank, ...]:
    """The ranks by design with other values, limited to their orbits; the own kind has the rank among all pairs."""
    ranks = (ranks + [1] * len(steps))[: len(steps)]
    designs = [step.design for step in steps]
    if OWN_KIND in designs and ALL_PAIRS in designs:
        ranks[designs.index(OWN_KIND)] = ranks[designs.index(ALL_PAIRS)]
    found = []
    for step, recorded in zip(steps, ranks, strict=True):
        rank = min(max(recorded, 1), step.size)
        found.append(step.model_copy(update={"rank": rank, "log10_p": log10(rank / step.size)}))
    return tuple(found)


def _cells(recorded: PanelResult, report: ClaimReport, pairs: int) -> tuple[CellResult, ...]:
    """Cells with the share that the grid has there, and a p-value that is a rank over the number of pairs."""
    shape = (report.a.architecture.layers, report.b.architecture.layers)
    whole = len(recorded.grid) == shape[0] and all(len(row) == shape[1] for row in recorded.grid)
    cells = []
    for cell in recorded.by_cell:
        rank = min(max(round(10**cell.log10_p * pairs) if cell.log10_p <= 0 else pairs, 1), pairs)
        inside = whole and 0 <= cell.layer_a < shape[0] and 0 <= cell.layer_b < shape[1]
        share = recorded.grid[cell.layer_a][cell.layer_b] if inside else cell.share
        cells.append(cell.model_copy(update={"share": share, "log10_p": log10(rank / pairs)}))
    return tuple(cells)
