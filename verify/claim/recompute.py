"""A report made again from what it records: counts, scores, labels and options; no recorded p-value is used.

The result is what the record would say if it were in order. Where raw numbers are impossible (more matches than
units, a rank beyond its orbit), the nearest possible ones are used, so that the difference shows where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log10
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..base import StatisticsError
from ..fingerprint import ANCHORS, EFFORTS, Fingerprint, FingerprintRecord
from ..inference import hypergeometric_interval, log10_p_signs
from ..panel import PanelEvidence, PanelUse, members_needed, stratum_of
from ..panel.evidence import conclude as conclude_panel
from ..panel.evidence import judged, ladder
from ..statistics import (
    EXACT_TESTS,
    PANEL_STATISTICS,
    PRIMARY,
    RESPONSE_IDENTITY,
    SIGN_AGREEMENT,
    STREAM_IDENTITY,
    UNIT_IDENTITY,
    VALUE_IDENTITY,
    CellResult,
    Count,
    EffectSize,
    LayerResult,
    Rung,
    Similarity,
    Statistic,
    TestResult,
)
from ..statistics.result import Law
from ..statistics.statistic import Evidence, fixed_point_count, localisation
from .agreement import Disagreement
from .conclude import conclude, identical, level_of_one, not_needed, pairs_searched
from .report import ClaimReport, Provenance, Subject

MOST_INDICES = 1 << 21
"""Units compared by one test; a sketch of a trillion parameters has fewer. A record cannot ask for more memory."""
_MOST_UNITS = 1 << 25  # in whole blocks, of which a subset is compared
_BY_LAYER = (UNIT_IDENTITY.id, VALUE_IDENTITY.id, RESPONSE_IDENTITY.id)
_LARGEST_COSINE = 1.01  # float16 rows are of length 1 only up to rounding
_MOST_POPULATIONS = 64


def recompute(report: ClaimReport) -> tuple[ClaimReport, list[Disagreement]]:
    """The report that follows from the recorded evidence, and what could not be made to follow."""
    problems: list[Disagreement] = []
    a, b = _stub(report, report.a, 0), _stub(report, report.b, 1)
    if identical(report.a, report.b):
        results = not_needed()
        evidence = None
    else:
        reasons = {test.id: test.refuse(a, b) for test in EXACT_TESTS}
        level = level_of_one(report.alpha, list(reasons.values()).count(None), report.selection)
        results = [_exact(test, report, reasons[test.id], level, problems) for test in EXACT_TESTS]
        evidence = None if report.panel is None else _panel(report, report.panel, problems)
    made = conclude(
        report.a,
        report.b,
        results,
        evidence,
        alpha=report.alpha,
        panel_alpha=report.panel_alpha,
        selection=report.selection,
        chronology=report.chronology,
        shared_anchors=None if report.shared_anchors is None else len(set(a.record.anchors) & set(b.record.anchors)),
        provenance=_provenance(report, problems),
        created=report.created,
    )
    return made, problems


def _provenance(report: ClaimReport, problems: list[Disagreement]) -> Provenance:
    """Two models compare at no more than either was read at, with a panel at full, and under the sketch of that."""
    stated = "full" if report.panel is not None else report.provenance.effort
    effort = min((stated, report.a.effort, report.b.effort), key=EFFORTS.index)
    sketch, other = (model.sketch.at(effort) for model in (report.a, report.b))
    if sketch != other:
        problems.append(_problem("$.b.sketch", str(other), f"{sketch}, as that of A"))
    return report.provenance.model_copy(update={"effort": effort, "sketch": sketch})


# ---- exact tests


def _stub(report: ClaimReport, subject: Subject, side: int) -> Fingerprint:
    """What decides whether a test applies: architecture, and how many anchor tokens are shared.

    Where an older report does not say how many, as many as could be, so that no test is dropped for want of a number.
    """
    known = [min(max(model.anchors, 0), len(ANCHORS)) for model in (report.a, report.b)]
    shared = min(known) if report.shared_anchors is None else min(*known, report.shared_anchors)
    shared = max(shared, sum(known) - len(ANCHORS), 0)
    start = 0 if side == 0 else known[0] - shared
    known_of = ("name", "architecture", "files", "content_sha256", "unrecognised")
    fields = {name: getattr(subject, name) for name in known_of}
    record = FingerprintRecord.model_construct(
        **fields, sketch=report.provenance.sketch, anchors=tuple(range(start, start + known[side]))
    )
    return Fingerprint(record, {})


def _exact(
    test: Statistic, report: ClaimReport, reason: str | None, level: float, problems: list[Disagreement]
) -> TestResult:
    if reason is not None:
        return test.refused(reason)
    recorded = report.tests.get(test.id) or test.refused("")
    layers = _layers(recorded.by_layer, report) if test.id in _BY_LAYER else ()
    counts = tuple(_count(law, recorded, layers, report) for law in _laws(test, report))
    if counts[0].n < (least := _least(test, report)):
        problems.append(_problem(f"$.tests.{test.id}.counts[0].n", counts[0].n, f"at least {least}, as it applies"))
    return test.conclude(
        Evidence(counts, _effect(recorded.effect, test, counts[0], report), layers, recorded.notes), level
    )


def _least(test: Statistic, report: ClaimReport) -> int:
    """Indices that a test which applies compares at least, or 0 where the record cannot tell.

    Two dense models of one shape and no dead row share every index kept of a block, and blocks that are merged are
    of one size; where there are experts, or other sizes, the blocks compared may have no index in common.
    """
    shape, other = report.a.architecture, report.b.architecture
    sizes = [(one.hidden, one.experts, one.shared_hidden, one.head_size) for one in (shape, other)]
    if sizes[0] != sizes[1] or shape.experts or shape.shared_hidden or report.a.dead or report.b.dead:
        return 0
    sketch = report.provenance.sketch
    units, channels = min(shape.hidden, sketch.units), min(shape.head_size, sketch.channels)
    if test is SIGN_AGREEMENT or test is RESPONSE_IDENTITY:  # of products or responses, any may be zero
        return 1 if units > 0 or channels > 0 else 0
    return max(0, {UNIT_IDENTITY.id: units, VALUE_IDENTITY.id: channels}.get(test.id, 0))


def _laws(test: Statistic, report: ClaimReport) -> tuple[Law, ...]:
    if test is SIGN_AGREEMENT:
        return ("signs",)
    signed = report.a.architecture.norm == report.b.architecture.norm == "rms"
    return ("fixed_points", "signs") if test is STREAM_IDENTITY and signed else ("fixed_points",)


def _count(law: Law, recorded: TestResult, layers: tuple[LayerResult, ...], report: ClaimReport) -> Count:
    """A recorded count with its p-value; where layers are listed, their sum."""
    found = next((count for count in recorded.counts if count.law == law), None)
    numbers = (found.count, found.n, found.groups) if found else (0, 0, 0)
    if recorded.id in _BY_LAYER:
        numbers = cast(
            "tuple[int, int, int]", tuple(sum(getattr(x, name) for x in layers) for name in ("count", "n", "groups"))
        )
    count, n, groups = _possible(*numbers)
    if recorded.id == STREAM_IDENTITY.id:
        kept = _possible(0, min(report.a.architecture.width, report.provenance.sketch.stream), 0)[1]
        n = kept if law == "fixed_points" else min(n, kept)
        count, groups = min(count, n), min(1, n)
    if law == "signs":
        return Count(law=law, count=count, n=n, groups=n, log10_p=log10_p_signs(count, n))
    return fixed_point_count(count, n, groups)


def _possible(count: int, n: int, groups: int) -> tuple[int, int, int]:
    """The nearest numbers that a count could have."""
    n = min(max(n, 0), MOST_INDICES)
    return min(max(count, 0), n), n, min(max(groups, min(1, n)), n)


def _layers(recorded: tuple[LayerResult, ...], report: ClaimReport) -> tuple[LayerResult, ...]:
    last_a, last_b = (model.architecture.layers - 1 for model in (report.a, report.b))
    rows: list[tuple[int, ...]] = [
        (min(max(x.layer_a, 0), last_a), min(max(x.layer_b, 0), last_b), *_possible(x.count, x.n, x.groups))
        for x in recorded
    ]
    distinct = all(low[:2] < high[:2] for low, high in pairwise(rows))
    return localisation(rows if distinct else sorted({row[:2]: row for row in rows}.values()))


def _effect(recorded: EffectSize | None, test: Statistic, count: Count, report: ClaimReport) -> EffectSize | None:
    if count.n == 0 and test is not STREAM_IDENTITY:
        return None
    share = count.count / max(1, count.n)
    if recorded is None or test is SIGN_AGREEMENT:
        return EffectSize(share=share)
    interval = recorded.interval
    if interval is not None:
        interval = None if test is STREAM_IDENTITY else _interval(interval, test, count, report)
    return EffectSize(
        share=share,
        interval=interval,
        cosine_identified=_cosine(recorded.cosine_identified) if count.count else None,
        cosine_background=_cosine(recorded.cosine_background),
    )


def _cosine(value: float | None) -> float | None:
    return None if value is None else min(max(value, -_LARGEST_COSINE), _LARGEST_COSINE)


def _interval(
    recorded: tuple[float, float], test: Statistic, count: Count, report: ClaimReport
) -> tuple[float, float] | None:
    """The interval for a population of whole blocks that the record does not hold: any that gives the recorded one.

    Both ends are counts over the population, which is at most that of the largest blocks of the architectures.
    """
    shapes = (report.a.architecture, report.b.architecture)
    mlps = [max(shape.hidden, shape.expert_hidden, shape.shared_hidden) for shape in shapes]
    heads = [shape.head_size for shape in shapes]
    largest = {UNIT_IDENTITY.id: min(mlps), VALUE_IDENTITY.id: min(heads)}.get(test.id, max(min(mlps), min(heads)))
    most = min(max(count.n, count.groups * largest), _MOST_UNITS)
    sizes: NDArray[np.int64] = np.arange(count.n + 1, most + 1)
    sizes = np.concatenate([sizes[-1:], sizes[:-1]])  # blocks of one size first, as almost always
    possible = np.ones(len(sizes), dtype=bool)
    for end in recorded:
        possible &= np.rint(end * sizes) / sizes == end
    for size in sizes[possible][:_MOST_POPULATIONS].tolist():
        if (found := hypergeometric_interval(count.count, count.n, size)) == recorded:
            return found
    return hypergeometric_interval(count.count, count.n, most) if most > count.n else None


# ---- panel tests


def _panel(report: ClaimReport, recorded: PanelUse, problems: list[Disagreement]) -> PanelEvidence:
    tries = pairs_searched(report.selection)
    use = recorded.model_copy(
        update={
            "primary": PRIMARY.id,
            "primary_rung": PanelUse.model_fields["primary_rung"].default,
            "alpha": report.panel_alpha,
            "families": tuple(sorted(recorded.families)),
            "stratum_a": stratum_of(report.a.architecture),
            "stratum_b": stratum_of(report.b.architecture),
            "anchors": min(max(recorded.anchors, 0), report.a.anchors, report.b.anchors),
            "critical_odds_ratio": None,
            "false_match": None,
            "audit": None,
        }
    )
    claim = _Ranked(report, use, len(use.members) + 2, members_needed(report.panel_alpha / tries))
    results = []
    for statistic in PANEL_STATISTICS:
        result, scores = _ranked(statistic, claim, problems)
        if statistic is PRIMARY and scores is not None:
            try:
                use = judged(use, scores, result, tries)
            except StatisticsError as error:
                problems.append(_problem("$.panel.members", len(use.members), str(error)))
        results.append(result)
    return PanelEvidence(tuple(results), use)


@dataclass(frozen=True)
class _Ranked:
    """The models that a claim was ranked among."""

    report: ClaimReport
    use: PanelUse
    models: int
    needed: int
    """Members that the level needs."""

    @property
    def strata(self) -> list[str]:
        return [self.use.stratum_a, self.use.stratum_b, *(member.stratum for member in self.use.members)]


def _ranked(
    statistic: Similarity, claim: _Ranked, problems: list[Disagreement]
) -> tuple[TestResult, NDArray[np.float64] | None]:
    recorded = claim.report.tests.get(statistic.id) or conclude_panel(statistic, reason="")
    field, few = f"$.tests.{statistic.id}", claim.models - 2 < claim.needed
    if not recorded.applicable:
        return conclude_panel(statistic, reason=recorded.reason), None
    if few:
        problems.append(_problem(f"{field}.applicable", True, f"false: {claim.needed} members are needed"))
        return conclude_panel(statistic, reason=None), None
    if statistic is not PRIMARY:
        steps = ladder(np.zeros((claim.models, claim.models)), claim.strata)
        ranks = [rung.rank for rung in recorded.rungs]
        return conclude_panel(statistic, _with_ranks(steps, ranks), recorded.score), None
    first, second = np.triu_indices(claim.models, 1)
    if len(recorded.scores) != len(first):
        problems.append(_problem(f"{field}.scores", len(recorded.scores), f"{len(first)} scores"))
        return recorded, None
    scores = np.full((claim.models, claim.models), np.nan)
    scores[first, second] = scores[second, first] = recorded.scores
    result = conclude_panel(statistic, ladder(scores, claim.strata), recorded.scores[0])
    cells = _cells(recorded, claim.report, len(first))
    if cells and recorded.scores[0] > (most := sum(cell.share for cell in cells) / len(cells)) + 1e-9:
        problems.append(_problem(f"{field}.score", recorded.scores[0], f"at most {most}, the mean of its cells"))
    return result.model_copy(update={"scores": recorded.scores, "by_cell": cells, "grid": recorded.grid}), scores


def _with_ranks(steps: tuple[Rung, ...], ranks: list[int]) -> tuple[Rung, ...]:
    """A ladder with other ranks, each brought into its orbit."""
    found = []
    for step, recorded in zip(steps, (ranks + [1] * len(steps))[: len(steps)], strict=True):
        rank = min(max(recorded, 1), step.size)
        found.append(step.model_copy(update={"rank": rank, "log10_p": log10(rank / step.size)}))
    return tuple(found)


def _cells(recorded: TestResult, report: ClaimReport, pairs: int) -> tuple[CellResult, ...]:
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


def _problem(field: str, recorded: object, recomputed: str) -> Disagreement:
    return Disagreement.model_validate(
        {"field": field, "recorded": recorded, "recomputed": recomputed, "tolerance": "exact"}
    )
