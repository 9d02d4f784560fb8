"""From results to a sealed report: multiplicity, verdict and every sentence.

Both who makes a report and who checks one end here, so a report says what its numbers say, or fails the check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log10

from ..base import InputError
from ..fingerprint import FingerprintRecord
from ..inference import best_of, larger
from ..panel import PanelEvidence
from ..statistics import EXACT_TESTS, TestResult
from . import wording
from .declared import declared
from .report import ClaimReport, Hypotheses, Provenance, Subject
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
) -> ClaimReport:
    """The report of two models that follows from the results of their tests.

    Parameters
    ----------
    results : one of each exact test, in any order.
    evidence : of the panel; None where none was used.
    shared_anchors : anchor tokens that both vocabularies know; None only where an older report does not say.
    """
    tries = pairs_searched(selection)
    combined, log10_p = combine(results)
    log10_p = None if log10_p is None else best_of(log10_p, tries)
    panel_log10_p = None if evidence is None else evidence.primary.log10_p
    panel_log10_p = None if panel_log10_p is None else best_of(panel_log10_p, tries)
    verdict: Verdict = "identical"
    if not identical(a, b):
        verdict = decide(
            combined,
            log10_p,
            alpha,
            primary=evidence.primary if evidence else None,
            panel_log10_p=panel_log10_p,
            panel_alpha=panel_alpha,
            tries=tries,
        )
    panel_results = evidence.results if evidence else ()
    robust = None if log10_p is None or panel_log10_p is None else larger(log10_p, panel_log10_p)
    false_match = evidence.use.false_match if evidence else None
    said = wording.sentences(
        verdict,
        combined,
        log10_p,
        alpha,
        panel_log10_p,
        panel_alpha,
        false_match.bound if false_match else None,
    )
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
        multiplicity=wording.multiplicity(combined, selection),
        power=wording.power(verdict, combined),
        declared=declared(a, b, verdict),
        limitations=(
            *wording.limitations(verdict, combined, chronology, panel_results, provenance.effort),
            *wording.merged({"A": a.merged_onto, "B": b.merged_onto}),
            *wording.from_fingerprints({"A": a.arrays_sha256, "B": b.arrays_sha256}),
        ),
        provenance=provenance,
        created=created,
    ).sealed()


def identical(a: Subject | FingerprintRecord, b: Subject | FingerprintRecord) -> bool:
    """Whether two models state the same learned tensors; where not all were read, the same files of one architecture.

    One file under two configurations or layouts may be two models. What is stated must be what is held: whoever has
    the arrays asks ``fingerprint.check_same`` too.
    """
    if a.effort == b.effort == "full":
        return a.content_sha256 == b.content_sha256
    files_a, files_b = ([file.sha256 for file in model.files] for model in (a, b))
    return bool(files_a) and None not in files_a and files_a == files_b and a.architecture == b.architecture


def not_needed() -> list[TestResult]:
    """The exact tests of a model and itself: none applies."""
    return [test.refused(IDENTICAL) for test in EXACT_TESTS]


def level_of_one(alpha: float, applicable: int, selection: str) -> float:
    """log10 of the level that one of the applicable exact tests has to itself."""
    return log10(alpha) - log10(max(1, applicable)) - log10(pairs_searched(selection))


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
