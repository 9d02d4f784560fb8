"""From results to a sealed report: lines of evidence, several tests and parts, and the verdict.

Making a report and replaying one both end here, so a report follows from its numbers, or fails the replay.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import NamedTuple

from ..base import Phrase
from ..fingerprint import Fingerprint, identical, shared_anchors
from ..inference import bonferroni, holm, max_p
from ..panel import PanelEvidence, undecided
from ..statistics import EXACT_TESTS, ExactResult, Result, Statistic
from .change import AdapterChange
from .dated import Dated
from .declared import declared
from .evidence import EvidenceLine, Verdict, combine, decide, exact_line, panel_line, placed
from .parts import EqualTensors, Pair, PartSubject, single
from .record import PartResult, Provenance
from .report import ClaimReport
from .stub import IDENTICAL
from .subject import Subject


class Circumstances(NamedTuple):
    """Options and circumstances that a report states beside its evidence."""

    alpha: float
    """Level of the exact tests."""
    searched: int
    """Pairs of models that were searched for this one; every p-value is multiplied by their number."""
    chronology: str | None
    shared_anchors: int | None
    """Anchor tokens that both vocabularies know; None only where an older report does not say."""
    provenance: Provenance
    created: str
    reworked: tuple[Phrase, ...] = ()
    """Signs of re-parametrisation, which no number follows from."""
    authors: tuple[str, ...] = ()
    url: str | None = None
    dated: tuple[Dated, ...] = ()


class Further(NamedTuple):
    """A further pair of parts, beside the one in the headline."""

    pair: Pair
    results: Sequence[ExactResult] = ()
    """One result for each exact test, if tables understand both parts."""
    subjects: tuple[PartSubject, PartSubject] | None = None
    shared_anchors: int | None = None

    @staticmethod
    def of(pair: Pair, prints: tuple[Fingerprint, Fingerprint] | None, results: Sequence[ExactResult]) -> Further:
        """A pair with its results and the descriptions that they depend on.

        Parameters
        ----------
        pair : the two parts.
        prints : their fingerprints; None where no table understands both.
        results : results of the exact tests on them.

        Returns
        -------
        Further
            What a report records of the pair.
        """
        if prints is None:
            return Further(pair)
        a, b = (PartSubject.of(model.record) for model in prints)
        return Further(pair, results, (a, b), len(shared_anchors(*(model.record for model in prints))))


def conclude(
    a: Subject,
    b: Subject,
    results: Sequence[ExactResult],
    panel: PanelEvidence | None,
    stated: Circumstances,
    *,
    further: Sequence[Further] = (),
    equal: EqualTensors | None = None,
    change: AdapterChange | None = None,
    others: Sequence[EvidenceLine] = (),
) -> ClaimReport:
    """The report of two models that follows from the results of their tests.

    Parameters
    ----------
    a, b : the two models.
    results : of the pair of parts in the headline, one for each exact test, in any order.
    panel : evidence of the panel; None if none was used. It enters the verdict only if the panel holds enough members
        like A and B (:func:`verify.panel.undecided`).
    stated : level, search and what else the report states beside its evidence.
    further : pairs of parts beside that one, with their results.
    equal : tensors that no table understands, equal in both.
    change : whether one model holds the change of an adapter; it enters no verdict.
    others : lines of evidence that enter no verdict.
    """
    searched = stated.searched
    combined, raw = combine(placed(results))
    of_parts = [combine(placed(one.results, first=False)) for one in further]
    able = [value for value in (raw, *(value for _, value in of_parts)) if value is not None]
    adjusted = iter([bonferroni(value, searched) for value in holm(able)])
    log10_p, *paid = (None if value is None else next(adjusted) for value in (raw, *(v for _, v in of_parts)))
    same, parts = identical(a, b), max(1, len(able))
    lines = [exact_line(combined, log10_p, stated.alpha, searched=searched, parts=parts)]
    if panel is not None:
        lines.append(panel_line(panel, decisive=undecided(panel.use, searched) is None, searched=searched))
    verdict: Verdict = "identical" if same else decide(lines)
    first = None if same or single(a.parts, b.parts) else headline(a, b)
    side_by_side: tuple[PartResult, ...] = ()
    if first is not None:
        side_by_side = (
            PartResult(
                a=first.a.name,
                b=first.b.name,
                verdict="identical" if first.same else verdict,
                log10_p=raw,
                adjusted_log10_p=log10_p,
            ),
            *(
                _part(one, part_results, value, adjusted_value, stated, parts)
                for one, (part_results, value), adjusted_value in zip(further, of_parts, paid, strict=True)
            ),
        )
    values = [line.log10_p for line in lines if line.log10_p is not None]
    return ClaimReport(
        a=a,
        b=b,
        verdict=verdict,
        evidence=(*lines, *others),
        robust_log10_p=max_p(*values) if len(values) > 1 else None,
        panel=panel.use if panel else None,
        searched=searched,
        chronology=stated.chronology,
        dated=stated.dated,
        authors=stated.authors,
        url=stated.url,
        shared_anchors=stated.shared_anchors,
        parts=side_by_side,
        equal_tensors=equal,
        change=change,
        reworked=stated.reworked,
        declared=declared(a, b, verdict),
        provenance=stated.provenance,
        created=stated.created,
    ).sealed()


def _part(
    one: Further,
    results: Sequence[Result],
    log10_p: float | None,
    adjusted: float | None,
    stated: Circumstances,
    parts: int,
) -> PartResult:
    line = exact_line(results, adjusted, stated.alpha, searched=stated.searched, parts=parts)
    return PartResult(
        a=one.pair.a.name,
        b=one.pair.b.name,
        verdict="identical" if one.pair.same else decide([line]),
        log10_p=log10_p,
        adjusted_log10_p=adjusted,
        results=tuple(results),
        subject_a=one.subjects[0] if one.subjects else None,
        subject_b=one.subjects[1] if one.subjects else None,
        shared_anchors=one.shared_anchors,
    )


def headline(a: Subject, b: Subject) -> Pair:
    """The pair of parts that two subjects describe."""
    first, second = (next(part for part in one.parts if part.name == one.part) for one in (a, b))
    return Pair(first, second)


def not_needed(tests: Sequence[Statistic] = EXACT_TESTS) -> list[ExactResult]:
    """The exact tests of a model and itself: none applies."""
    return [test.refused(IDENTICAL) for test in tests]


def log10_alpha_of_one(alpha: float, applicable: int, searched: int, parts: int = 1) -> float:
    """log10 of the Bonferroni share of ``alpha`` for one exact test of one pair of parts.

    Parameters
    ----------
    alpha : level of the exact tests, between 0 and 1.
    applicable : number of exact tests that apply.
    searched : number of pairs of models that were searched.
    parts : number of pairs of parts that tests apply to.

    Returns
    -------
    float
        log10 of ``alpha`` over the product of the three numbers.
    """
    return log10(alpha) - log10(max(1, applicable)) - log10(max(1, parts)) - log10(searched)
