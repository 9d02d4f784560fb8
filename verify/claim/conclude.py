"""From results to a sealed report: multiplicity, verdict and every sentence.

Both who makes a report and who checks one end here, so a report says what its numbers say, or fails the check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from ..base import InputError
from ..fingerprint import Fingerprint, FingerprintRecord, shared_anchors
from ..inference import bonferroni, holm, max_p
from ..panel import ALL_PAIRS, PanelEvidence, unlike
from ..statistics import EXACT_TESTS, TestResult
from . import wording
from .declared import declared
from .part_words import not_compared, of_parts, power_of, whole
from .parts import EqualTensors, Pair, PartSubject, single
from .report import ClaimReport, Hypotheses, PartResult, Provenance, Subject
from .verdict import Verdict, combine, decide

IDENTICAL = "the weights are identical, so there is nothing to test"
"""Why no test applies to a model and itself."""


def conclude(
    a: Subject,
    b: Subject,
    results: Sequence[TestResult],
    evidence: PanelEvidence | None,
    *,
    alpha: float,
    panel_alpha: float,
    selection: str,
    chronology: str | None,
    shared_anchors: int | None,
    provenance: Provenance,
    created: str,
    further: Sequence[Further] = (),
    equal: EqualTensors | None = None,
) -> ClaimReport:
    """The report of two models that follows from the results of their tests.

    Parameters
    ----------
    results : of the parts that the report is headlined by, one of each exact test, in any order.
    evidence : of the panel; None where none was used. What it ranks enters the verdict only if the panel holds
        enough members like A and B (:func:`verify.panel.unlike`).
    further : pairs of parts beside that one, with their results.
    equal : tensors that no table understands, equal in both.
    shared_anchors : anchor tokens that both vocabularies know; None only where an older report does not say.
    """
    n_searched = pairs_searched(selection)
    combined, raw = combine(results)
    others = [combine(one.results) for one in further]
    able = [value for value in (raw, *(value for _, value in others)) if value is not None]
    adjusted = iter([bonferroni(value, n_searched) for value in holm(able)])
    log10_p, *paid = (None if value is None else next(adjusted) for value in (raw, *(v for _, v in others)))
    why_not = None if evidence is None else unlike(evidence.use, n_searched)
    primary = evidence.primary if evidence and why_not is None else None  # else it is shown, and enters no verdict
    panel_log10_p = None if primary is None or primary.log10_p is None else bonferroni(primary.log10_p, n_searched)
    verdict: Verdict = "identical"
    if not identical(a, b):
        verdict = decide(
            combined,
            log10_p,
            alpha,
            primary=primary,
            panel_log10_p=panel_log10_p,
            panel_alpha=panel_alpha,
            n_searched=n_searched,
            parts=max(1, len(able)),
        )
    parts: tuple[PartResult, ...] = ()
    first = None if verdict == "identical" or single(a.parts, b.parts) else headline(a, b)
    if first is not None:
        parts = (
            PartResult(
                a=first.a.name,
                b=first.b.name,
                verdict="identical" if first.same else verdict,
                log10_p=raw,
                adjusted_log10_p=log10_p,
            ),
            *(
                _part(one, part_results, value, adjusted_value, alpha, n_searched, len(able))
                for one, (part_results, value), adjusted_value in zip(further, others, paid, strict=True)
            ),
        )
    panel_results = evidence.results if evidence else ()
    robust = None if log10_p is None or panel_log10_p is None else max_p(log10_p, panel_log10_p)
    false_match = evidence.use.false_match if evidence else None
    said = wording.sentences(
        verdict,
        combined,
        log10_p,
        alpha,
        panel_log10_p,
        panel_alpha,
        false_match.bound if false_match else None,
        None if first is None else whole(first, a.parts, b.parts),
        wording.no_verdict(evidence.primary, ALL_PAIRS, why_not) if evidence and why_not else None,
    )
    if first is not None:
        said = of_parts(said, a.parts, b.parts, parts, equal, alpha)
    return ClaimReport(
        a=a,
        b=b,
        verdict=verdict,
        finding=said.finding,
        may_say=said.may_say,
        may_not_say=said.may_not_say,
        alpha=alpha,
        log10_p=log10_p,
        panel_log10_p=panel_log10_p,
        robust_log10_p=robust,
        panel_alpha=panel_alpha,
        panel=evidence.use if evidence else None,
        selection=selection,
        chronology=chronology,
        hypotheses=Hypotheses(null=wording.NULL, alternative=wording.ALTERNATIVE),
        shared_anchors=shared_anchors,
        tests={result.id: result for result in (*combined, *panel_results)},
        parts=parts,
        equal_tensors=equal,
        multiplicity=wording.multiplicity(combined, selection, len(able)),
        power=power_of(wording.power(verdict, combined), first, a.parts, b.parts),
        declared=declared(a, b, verdict),
        limitations=(
            *wording.limitations(verdict, combined, chronology, panel_results, provenance.effort, why_not),
            *wording.same_rows(verdict != "identical" and nothing_differs(a, b)),
            *wording.merged({"A": a.merged_onto, "B": b.merged_onto}),
            *(not_compared(a.parts, b.parts, parts, combined) if first is not None else ()),
            *wording.from_fingerprints({"A": a.arrays_sha256, "B": b.arrays_sha256}),
        ),
        provenance=provenance,
        created=created,
    ).sealed()


@dataclass(frozen=True)
class Further:
    """A pair of parts beside the one that a report is headlined by."""

    pair: Pair
    results: Sequence[TestResult] = ()
    """One of each exact test, where tables understand both."""
    subjects: tuple[PartSubject, PartSubject] | None = None
    shared_anchors: int | None = None

    @staticmethod
    def of(pair: Pair, prints: tuple[Fingerprint, Fingerprint] | None, results: Sequence[TestResult]) -> Further:
        """A pair with its results and, where there are any, what they depend on."""
        if prints is None:
            return Further(pair)
        a, b = (PartSubject.of(model.record) for model in prints)
        return Further(pair, results, (a, b), len(shared_anchors(*(model.record for model in prints))))


def _part(
    one: Further,
    results: Sequence[TestResult],
    log10_p: float | None,
    adjusted: float | None,
    alpha: float,
    n_searched: int,
    parts: int,
) -> PartResult:
    verdict = (
        "identical" if one.pair.same else decide(results, adjusted, alpha, n_searched=n_searched, parts=max(1, parts))
    )
    return PartResult(
        a=one.pair.a.name,
        b=one.pair.b.name,
        verdict=verdict,
        log10_p=log10_p,
        adjusted_log10_p=adjusted,
        tests={result.id: result for result in results},
        subject_a=one.subjects[0] if one.subjects else None,
        subject_b=one.subjects[1] if one.subjects else None,
        shared_anchors=one.shared_anchors,
    )


def headline(a: Subject, b: Subject) -> Pair:
    """The pair of parts that two subjects are of."""
    first, second = (next(part for part in one.parts if part.name == one.part) for one in (a, b))
    return Pair(first, second)


def identical(a: Subject | FingerprintRecord, b: Subject | FingerprintRecord) -> bool:
    """Whether two models state the same learned tensors; where not all were read, the same files of one architecture.

    One file under two configurations or layouts may be two models; how files are called does not matter. What is
    stated must be what is held: whoever has the arrays asks ``fingerprint.check_same`` too.
    """
    if a.effort == b.effort == "full":
        return a.content_sha256 == b.content_sha256
    files_a, files_b = (sorted(file.sha256 or "" for file in model.files) for model in (a, b))
    return bool(files_a) and "" not in files_a and files_a == files_b and a.architecture == b.architecture


def nothing_differs(a: Subject | FingerprintRecord, b: Subject | FingerprintRecord) -> bool:
    """Whether all rows that were read of two models agree, of one architecture at one effort."""
    return a.effort == b.effort and a.content_sha256 == b.content_sha256 and a.architecture == b.architecture


def not_needed() -> list[TestResult]:
    """The exact tests of a model and itself: none applies."""
    return [test.refused(IDENTICAL) for test in EXACT_TESTS]


def level_of_one(alpha: float, applicable: int, selection: str, parts: int = 1) -> float:
    """log10 of the level that one of the applicable exact tests, of one of several pairs of parts, has to itself."""
    return log10(alpha) - log10(max(1, applicable)) - log10(max(1, parts)) - log10(pairs_searched(selection))


def pairs_searched(selection: str) -> int:
    """How many pairs were searched for this one.

    Raises
    ------
    InputError
        If the selection is not one that a report can state.
    """
    if selection == "pre-specified":
        return 1
    if match := re.fullmatch(r"best_of_([1-9][0-9]{0,8})", selection):
        return int(match[1])
    raise InputError(
        f'selection is {selection!r:.60}; give "pre-specified", or "best_of_K" with the number of pairs searched.'
    )
