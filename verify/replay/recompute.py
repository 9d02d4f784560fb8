"""Recompute a report from its recorded counts, scores, labels and options; no recorded p-value is used.

The result is what the record would say if it were in order. Where raw numbers are impossible (more matches than
units, a rank beyond its orbit), the nearest possible ones are used, so that the difference shows where they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..base import Phrase
from ..checkpoint import KINDS
from ..claim import ClaimReport, PartSubject, Provenance, Subject
from ..claim.change import AdapterChange, concluded, impossible
from ..claim.conclude import Circumstances, Further, conclude, log10_alpha_of_one, not_needed
from ..claim.parts import Pair, paired, single
from ..claim.signs import sound
from ..claim.stub import stub
from ..fingerprint import EFFORTS, Fingerprint, identical, shared_anchors
from ..panel import PanelEvidence
from ..statistics import ExactResult, Statistic
from ..statistics.remake import remade
from ..wording import LATEST, VERSIONS, is_filled
from .agreement import Disagreement, problem
from .dates import dates
from .older import before_sketch, is_changed, is_older, of_its_day, tests_of
from .recompute_panel import panel_again


def recompute(report: ClaimReport) -> tuple[ClaimReport, list[Disagreement]]:
    """The report that follows from the recorded evidence, and what could not be made to follow."""
    problems: list[Disagreement] = []
    older = report
    report, pairs = _paired(report, problems)
    further: list[Further] = []
    evidence: PanelEvidence | None = None
    tests = tests_of(report)
    results = not_needed(tests)
    if not identical(report.a, report.b):
        views = [report, *(_of_part(report, pair, problems) for pair in pairs[1:])]
        reasons = [_reasons(view, tests) for view in views if view is not None]
        able = sum(None in found.values() for found in reasons)
        results, *others = [
            _results(view, tests, found, able, problems)
            for view, found in zip((view for view in views if view is not None), reasons, strict=True)
        ]
        rest = iter(others)
        for pair, view in zip(pairs[1:], views[1:], strict=True):
            subjects = None if view is None else (_subject(view.a), _subject(view.b))
            shared = None if view is None else _shared(view)
            further.append(Further(pair, () if view is None else next(rest), subjects, shared))
        evidence = None if report.panel is None else panel_again(report, report.panel, problems)
    stated = Circumstances(
        alpha=report.alpha,
        searched=report.searched,
        chronology=report.chronology,
        dated=dates(report, problems),
        authors=report.authors,
        url=report.url,
        shared_anchors=_shared(report),
        provenance=_provenance(report, problems),
        created=report.created,
        reworked=sound(report.reworked),
    )
    if report.wording not in VERSIONS:
        problems.append(problem("$.wording", report.wording, f"a version of the catalogue, at most {LATEST}"))
    if report.shared_anchors is None and not is_older(older):
        problems.append(problem("$.shared_anchors", None, "a number of anchors"))
    a, b = (
        subject.model_copy(update={"notes": tuple(note for note in subject.notes if _is_of_a_model(note))})
        for subject in (report.a, report.b)
    )
    made = conclude(
        a,
        b,
        results,
        evidence,
        stated,
        further=further,
        equal=report.equal_tensors,
        change=_change(report, problems),
        others=report.own_lines,
    )
    made = made.model_copy(update={"wording": report.wording})
    if is_older(older):
        made = made.made_under(older.schema_of_maker, older.content())
    return made, problems


def _change(report: ClaimReport, problems: list[Disagreement]) -> AdapterChange | None:
    """The finding on an adapter that follows from its counts, which must fit one another."""
    found = report.change
    if found is None:
        return None
    if (report.a.merged_onto is None) is (found.adapter == "a"):
        problems.append(problem("$.change.adapter", found.adapter, "the model that was merged onto a base"))
    for n, one in enumerate(found.modules):
        if (why := impossible(one)) is not None:
            problems.append(problem(f"$.change.modules[{n}]", one.name, why))
    return concluded(found.adapter, found.modules, found.left)


def _is_of_a_model(note: Phrase) -> bool:
    """Whether a note is one that reading a model makes, and says nothing but what the catalogue does."""
    return is_filled(note) and note.code.startswith(("config.", "zeros.", "not_told"))


def _paired(report: ClaimReport, problems: list[Disagreement]) -> tuple[ClaimReport, list[Pair]]:
    """The report of the pair of parts that it must be headlined by, and all pairs; none where each model is one."""
    sides = report.a.parts, report.b.parts
    if single(*sides):
        return report, []
    for side, parts in zip("ab", sides, strict=True):
        names = [part.name for part in parts]
        if not parts or not parts[0].family or len(set(names)) < len(names):
            problems.append(problem(f"$.{side}.parts", names, "different names, first that of an understood part"))
            alone = {"part": "", "parts": ()}
            a, b = (subject.model_copy(update=alone) for subject in (report.a, report.b))
            return report.model_copy(update={"a": a, "b": b}), []
        for n, part in enumerate(parts):
            if part.kind not in KINDS:  # it would be said in the first sentence
                problems.append(problem(f"$.{side}.parts[{n}].kind", part.kind, "a kind of part that is known"))
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
        problems.append(problem(f"$.parts[{n}]", None, f"the subjects of {pair.a.name!r:.80}, which were tested"))
        return None
    exact = report.line("exact")
    assert exact is not None
    line = exact.model_copy(update={"results": recorded.results})
    a = report.a.model_copy(update=dict(recorded.subject_a))
    b = report.b.model_copy(update=dict(recorded.subject_b))
    return report.model_copy(update={"a": a, "b": b, "evidence": (line,), "shared_anchors": recorded.shared_anchors})


def _subject(subject: Subject) -> PartSubject:
    return PartSubject(**{name: getattr(subject, name) for name in PartSubject.model_fields})


def _reasons(report: ClaimReport, tests: Sequence[Statistic]) -> dict[str, Phrase | None]:
    """Why each exact test does not apply; None where it does."""
    a, b = stub(report, report.a, 0), stub(report, report.b, 1)
    return {test.id: test.refusal(a, b) for test in tests}


def _shared(report: ClaimReport) -> int | None:
    """Anchor tokens shared, as many as can be; None where an older report does not say."""
    a, b = (stub(report, subject, side).record for side, subject in enumerate((report.a, report.b)))
    return None if report.shared_anchors is None else len(shared_anchors(a, b))


def _results(
    report: ClaimReport,
    tests: Sequence[Statistic],
    reasons: dict[str, Phrase | None],
    parts: int,
    problems: list[Disagreement],
) -> list[ExactResult]:
    level = log10_alpha_of_one(report.alpha, list(reasons.values()).count(None), report.searched, parts)
    stubs = stub(report, report.a, 0), stub(report, report.b, 1)
    return [_exact(test, report, stubs, reasons[test.id], level, problems) for test in tests]


def _exact(
    test: Statistic,
    report: ClaimReport,
    stubs: tuple[Fingerprint, Fingerprint],
    reason: Phrase | None,
    level: float,
    problems: list[Disagreement],
) -> ExactResult:
    """One test, by the definition that it had: of another version, counts are what the record says they are."""
    recorded = next((result for result in report.exact if result.id == test.id), None)
    of_earlier_tests = is_older(report) or before_sketch(report)
    if of_earlier_tests and recorded is not None and is_changed(recorded):
        test = of_its_day(test, recorded.version)
    if reason is not None:
        return test.refused(reason)
    made, wrong = remade(test, recorded, *stubs, level)
    problems += [
        problem(f"$.evidence[exact].results[{test.id}].{field}", found, expected) for field, found, expected in wrong
    ]
    return made


def _provenance(report: ClaimReport, problems: list[Disagreement]) -> Provenance:
    """Two models compare at no more than either was read at, with a panel at full, and under the sketch of that."""
    stated = "full" if report.panel is not None else report.provenance.effort
    effort = min((stated, report.a.effort, report.b.effort), key=EFFORTS.index)
    version = {"version": min(model.sketch.version for model in (report.a, report.b))}
    sketch, other = (model.sketch.at(effort).model_copy(update=version) for model in (report.a, report.b))
    if sketch != other:
        problems.append(problem("$.b.sketch", str(other), f"{sketch}, as that of A"))
    return report.provenance.model_copy(update={"effort": effort, "sketch": sketch})
