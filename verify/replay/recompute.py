"""A report made again from what it records: counts, scores, labels and options; no recorded p-value is used.

The result is what the record would say if it were in order. Where raw numbers are impossible (more matches than
units, a rank beyond its orbit), the nearest possible ones are used, so that the difference shows where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10

import numpy as np
from numpy.typing import NDArray

from ..base import StatisticsError
from ..checkpoint import KINDS
from ..claim.conclude import Further, conclude, identical, level_of_one, not_needed, pairs_searched
from ..claim.parts import Pair, PartSubject, paired, single
from ..claim.report import ClaimReport, Provenance, Subject
from ..fingerprint import ANCHORS, EFFORTS, Fingerprint, FingerprintRecord, shared_anchors
from ..panel import ALL_PAIRS, PRIMARY_RUNG, PanelEvidence, PanelUse, members_needed, stratum_of
from ..panel.evidence import conclude as conclude_panel
from ..panel.evidence import judged, ladder
from ..panel.likeness import likeness
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
from ..statistics.applicability import both_mlps, linear_values
from ..statistics.response_match import deeper_median
from ..statistics.result import Law, Part, SetAside
from ..statistics.sign_agreement import parts_refused, share_of
from ..statistics.statistic import Evidence, LayerRow, agreeing_count, fixed_point_count, localisation
from .agreement import Disagreement

MOST_INDICES = 1 << 21
"""Units compared by one test; a sketch of a trillion parameters has fewer. A record cannot ask for more memory."""
_BY_LAYER = (UNIT_IDENTITY.id, VALUE_IDENTITY.id, RESPONSE_IDENTITY.id)
_LARGEST_COSINE = 1.01  # float16 rows are of length 1 only up to rounding


def recompute(report: ClaimReport) -> tuple[ClaimReport, list[Disagreement]]:
    """The report that follows from the recorded evidence, and what could not be made to follow."""
    problems: list[Disagreement] = []
    report, pairs = _paired(report, problems)
    further: list[Further] = []
    evidence, results = None, not_needed()
    if not identical(report.a, report.b):
        views = [report, *(_of_part(report, pair, problems) for pair in pairs[1:])]
        reasons = [_reasons(view) for view in views if view is not None]
        able = sum(None in found.values() for found in reasons)
        results, *others = [
            _results(view, found, able, problems)
            for view, found in zip((view for view in views if view is not None), reasons, strict=True)
        ]
        rest = iter(others)
        for pair, view in zip(pairs[1:], views[1:], strict=True):
            subjects = None if view is None else (_subject(view.a), _subject(view.b))
            shared = None if view is None else _shared(view)
            further.append(Further(pair, () if view is None else next(rest), subjects, shared))
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
        shared_anchors=_shared(report),
        provenance=_provenance(report, problems),
        created=report.created,
        further=further,
        equal=report.equal_tensors,
    )
    return made, problems


def _paired(report: ClaimReport, problems: list[Disagreement]) -> tuple[ClaimReport, list[Pair]]:
    """The report of the pair of parts that it must be headlined by, and all pairs; none where each model is one."""
    sides = report.a.parts, report.b.parts
    if single(*sides):
        return report, []
    for side, parts in zip("ab", sides, strict=True):
        names = [part.name for part in parts]
        if not parts or not parts[0].family or len(set(names)) < len(names):
            problems.append(_problem(f"$.{side}.parts", names, "different names, first that of an understood part"))
            alone = {"part": "", "parts": ()}
            a, b = (subject.model_copy(update=alone) for subject in (report.a, report.b))
            return report.model_copy(update={"a": a, "b": b}), []
        for n, part in enumerate(parts):
            if part.kind not in KINDS:  # it would be said in the first sentence
                problems.append(_problem(f"$.{side}.parts[{n}].kind", part.kind, "a kind of part that is known"))
    pairs = paired(*sides)
    a = report.a.model_copy(update={"part": pairs[0].a.name})
    b = report.b.model_copy(update={"part": pairs[0].b.name})
    return report.model_copy(update={"a": a, "b": b}), pairs


def _of_part(report: ClaimReport, pair: Pair, problems: list[Disagreement]) -> ClaimReport | None:
    """The report as it would be of a further pair of parts alone; None where no table understands both."""
    if not pair.understood:
        return None
    n, recorded = next(
        ((n, one) for n, one in enumerate(report.parts) if (one.a, one.b) == (pair.a.name, pair.b.name)), (0, None)
    )
    if recorded is None or recorded.subject_a is None or recorded.subject_b is None:
        problems.append(_problem(f"$.parts[{n}]", None, f"the subjects of {pair.a.name!r:.80}, which were tested"))
        return None
    a = report.a.model_copy(update=dict(recorded.subject_a))
    b = report.b.model_copy(update=dict(recorded.subject_b))
    return report.model_copy(
        update={"a": a, "b": b, "tests": recorded.tests, "shared_anchors": recorded.shared_anchors}
    )


def _subject(subject: Subject) -> PartSubject:
    return PartSubject(**{name: getattr(subject, name) for name in PartSubject.model_fields})


def _reasons(report: ClaimReport) -> dict[str, str | None]:
    """Why each exact test does not apply; None where it does."""
    a, b = _stub(report, report.a, 0), _stub(report, report.b, 1)
    return {test.id: test.refuse(a, b) for test in EXACT_TESTS}


def _shared(report: ClaimReport) -> int | None:
    """Anchor tokens shared, as many as can be; None where an older report does not say."""
    a, b = (_stub(report, subject, side).record for side, subject in enumerate((report.a, report.b)))
    return None if report.shared_anchors is None else len(shared_anchors(a, b))


def _results(
    report: ClaimReport, reasons: dict[str, str | None], parts: int, problems: list[Disagreement]
) -> list[TestResult]:
    level = level_of_one(report.alpha, list(reasons.values()).count(None), report.selection, parts)
    stubs = _stub(report, report.a, 0), _stub(report, report.b, 1)
    return [_exact(test, report, stubs, reasons[test.id], level, problems) for test in EXACT_TESTS]


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
    known_of = (
        "name",
        "architecture",
        "files",
        "content_sha256",
        "unrecognised",
        "unrecognised_inside",
        "pairing",
        "tokenizer",
    )
    fields = {name: getattr(subject, name) for name in known_of}
    record = FingerprintRecord.model_construct(
        **fields, sketch=report.provenance.sketch, anchors=tuple(range(start, start + known[side]))
    )
    return Fingerprint(record, {})


def _exact(
    test: Statistic,
    report: ClaimReport,
    models: tuple[Fingerprint, Fingerprint],
    reason: str | None,
    level: float,
    problems: list[Disagreement],
) -> TestResult:
    if reason is not None:
        return test.refused(reason)
    recorded = report.tests.get(test.id) or test.refused("")
    parts, possible = _parts(test, report, *models), _can_be_set_aside(test, *models)
    aside = tuple(what for what in possible if what in recorded.set_aside)
    layers: tuple[LayerResult, ...] = ()
    if test.id in _BY_LAYER and not set(possible) <= set(aside):
        layers = _layers(recorded.by_layer, report)
    counts = tuple(
        agreeing_count(0, 0, part)
        if law == "signs" and _set_aside(part, aside)
        else _count(law, part, recorded, layers, report)
        for law, part in parts
    )
    compared = sum(count.n for count in counts) if test is SIGN_AGREEMENT else counts[0].n
    if not aside and compared < (least := _least(test, report)):
        problems.append(_problem(f"$.tests.{test.id}.counts[0].n", compared, f"at least {least}, as it applies"))
    effect = share_of(counts) if test is SIGN_AGREEMENT else _effect(recorded.effect, test, counts[0])
    return test.conclude(Evidence(counts, effect, layers, recorded.notes, aside), level)


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


def _parts(test: Statistic, report: ClaimReport, a: Fingerprint, b: Fingerprint) -> list[tuple[Law, Part | None]]:
    """What a test counts, which the architectures decide."""
    if test is SIGN_AGREEMENT:
        return [("signs", part) for part, reason in parts_refused(a, b).items() if reason is None]
    signed = report.a.architecture.norm == report.b.architecture.norm == "rms"
    laws: tuple[Law, ...] = ("fixed_points", "signs") if test is STREAM_IDENTITY and signed else ("fixed_points",)
    return [(law, None) for law in laws]


def _can_be_set_aside(test: Statistic, a: Fingerprint, b: Fingerprint) -> tuple[SetAside, ...]:
    """Parts that a test could find broken in both models, in the order it lists them."""
    if test is STREAM_IDENTITY:
        return ("signs",)
    if test is SIGN_AGREEMENT:
        found: list[SetAside] = []
        for part, reason in parts_refused(a, b).items():
            if reason is None:
                found += [part, "signs of hidden units" if part == "hidden units" else "signs of value channels"]
        return tuple(found)
    whole: dict[str, tuple[SetAside, ...]] = {
        UNIT_IDENTITY.id: ("hidden units",),
        VALUE_IDENTITY.id: ("value channels",),
    }
    parts: dict[SetAside, str | None] = {"hidden units": both_mlps(a, b), "value channels": linear_values(a, b)}
    return whole.get(test.id) or tuple(part for part, reason in parts.items() if reason is None)


def _set_aside(part: Part | None, aside: tuple[SetAside, ...]) -> bool:
    return bool({"signs", part, f"signs of {part}"} & set(aside))


def _count(
    law: Law, part: Part | None, recorded: TestResult, layers: tuple[LayerResult, ...], report: ClaimReport
) -> Count:
    """A recorded count with its p-value; where layers are listed, their sum."""
    rows: Sequence[Count | LayerResult] = [c for c in recorded.counts if (c.law, c.part) == (law, part)][:1]
    if recorded.id in _BY_LAYER:
        rows = layers
    count, n, groups, live = _possible(rows)
    if recorded.id == STREAM_IDENTITY.id:
        kept = min(report.a.architecture.width, report.provenance.sketch.stream, MOST_INDICES)
        n = kept if law == "fixed_points" else min(n, kept // 2)
        count, groups, live = min(count, n), min(1, n), None if live is None else min(live, n)
    if law == "signs":
        return agreeing_count(count, n, part)
    return fixed_point_count(count, n, groups, live)


def _possible(rows: Sequence[Count | LayerResult]) -> tuple[int, int, int, int | None]:
    """The nearest count, n, groups and live indices that rows could have together."""
    n = min(sum(max(row.n, 0) for row in rows), MOST_INDICES)
    stated = [row.live for row in rows if row.live is not None]
    live = min(max(sum(stated), 0), n) if len(stated) == len(rows) else None
    count = min(max(sum(row.count for row in rows), 0), n if live is None else live)
    return count, n, min(max(sum(row.groups for row in rows), min(1, n)), n), live


def _layers(recorded: tuple[LayerResult, ...], report: ClaimReport) -> tuple[LayerResult, ...]:
    last_a, last_b = (model.architecture.layers - 1 for model in (report.a, report.b))
    rows: list[LayerRow] = [
        (min(max(x.layer_a, 0), last_a), min(max(x.layer_b, 0), last_b), *_possible([x])) for x in recorded
    ]
    distinct = all(low[:2] < high[:2] for low, high in pairwise(rows))
    return localisation(rows if distinct else sorted({row[:2]: row for row in rows}.values()))


def _effect(recorded: EffectSize | None, test: Statistic, count: Count) -> EffectSize | None:
    if count.n == 0 and test is not STREAM_IDENTITY:
        return None
    share = count.count / max(1, count.n)
    if recorded is None:
        return EffectSize(share=share)
    return EffectSize(
        share=share,
        cosine_identified=_cosine(recorded.cosine_identified) if count.count else None,
        cosine_background=_cosine(recorded.cosine_background),
    )


def _cosine(value: float | None) -> float | None:
    return None if value is None else min(max(value, -_LARGEST_COSINE), _LARGEST_COSINE)


# ---- panel tests


def _panel(report: ClaimReport, recorded: PanelUse, problems: list[Disagreement]) -> PanelEvidence:
    n_searched = pairs_searched(report.selection)
    use = recorded.model_copy(
        update={
            "primary": PRIMARY.id,
            "primary_rung": PanelUse.model_fields["primary_rung"].default,
            "alpha": report.panel_alpha,
            "families": tuple(sorted(recorded.families)),
            "stratum_a": stratum_of(report.a.architecture),
            "stratum_b": stratum_of(report.b.architecture),
            "like_a": likeness(recorded.members, stratum_of(report.a.architecture), recorded.corpus_a),
            "like_b": likeness(recorded.members, stratum_of(report.b.architecture), recorded.corpus_b),
            "anchors": min(max(recorded.anchors, 0), report.a.anchors, report.b.anchors),
            "critical_odds_ratio": None,
            "false_match": None,
            "audit": None,
        }
    )
    claim = _Ranked(report, use, len(use.members) + 2, members_needed(report.panel_alpha / n_searched))
    results = []
    for statistic in PANEL_STATISTICS:
        result, scores = _ranked(statistic, claim, problems)
        if statistic is PRIMARY and scores is not None:
            try:
                use = judged(use, scores, result, n_searched)
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
        steps = ladder(np.zeros((claim.models, claim.models)), *claim.use.kinds)
        ranks = [rung.rank for rung in recorded.rungs]
        return conclude_panel(statistic, _with_ranks(steps, ranks), recorded.score), None
    first, second = np.triu_indices(claim.models, 1)
    if len(recorded.scores) != len(first):
        problems.append(_problem(f"{field}.scores", len(recorded.scores), f"{len(first)} scores"))
        return recorded, None
    scores = np.full((claim.models, claim.models), np.nan)
    scores[first, second] = scores[second, first] = recorded.scores
    result = conclude_panel(statistic, ladder(scores, *claim.use.kinds), recorded.scores[0])
    cells = _cells(recorded, claim.report, len(first))
    layers = claim.report.a.architecture.layers, claim.report.b.architecture.layers
    most = deeper_median([(cell.layer_a, cell.layer_b, cell.share) for cell in cells], layers) if cells else 1.0
    if recorded.scores[0] > most + 1e-9:
        expected = f"at most {most}, the median of the deeper half of its cells"
        problems.append(_problem(f"{field}.score", recorded.scores[0], expected))
    return result.model_copy(update={"scores": recorded.scores, "by_cell": cells, "grid": recorded.grid}), scores


def _with_ranks(steps: tuple[Rung, ...], ranks: list[int]) -> tuple[Rung, ...]:
    """A ladder with other ranks, each brought into its orbit; that of the own kind is the one among all pairs."""
    ranks = (ranks + [1] * len(steps))[: len(steps)]
    designs = [step.design for step in steps]
    ranks[designs.index(PRIMARY_RUNG)] = ranks[designs.index(ALL_PAIRS)]
    found = []
    for step, recorded in zip(steps, ranks, strict=True):
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
