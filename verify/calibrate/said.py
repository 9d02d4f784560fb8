"""What a calibration report says: codes and values, which the catalogue turns into sentences."""

from __future__ import annotations

from ..base import Phrase
from ..claim.answer import Answer
from ..wording import said
from .record import CalibrationReport


def null(design: str) -> Phrase:
    """The null hypothesis of a design, as a condition."""
    return Phrase.of(f"calibration.null.{design}")


def of_twins(report: CalibrationReport) -> bool:
    """Whether its p-value is among twins."""
    return report.evidence.primary_design.startswith("twins")


def _kind(report: CalibrationReport) -> str:
    return f".{report.evidence.primary_design}" if of_twins(report) else ""


def finding(report: CalibrationReport) -> tuple[Phrase, ...]:
    """The bound, the verdict with its p-value, and the condition."""
    found, primary = report.evidence, report.evidence.primary
    values = {
        "p": Phrase.of("p", log10_p=found.log10_p, alpha=found.alpha),
        "rank": primary.rank,
        "size": primary.size,
        "strangers": Phrase.of(f"calibration.strangers{_kind(report)}"),
        "among": _among(report),
    }
    return (
        bound(report),
        Phrase.of(f"calibration.{report.verdict}", **values),
        *((Phrase.of("calibration.searched", pairs=report.searched),) if report.searched > 1 else ()),
        Phrase.of("calibration.holds_if", null=_null(report)),
    )


def answer(report: CalibrationReport) -> Answer:
    """The first lines of the report."""
    found, primary = report.evidence, report.evidence.primary
    code = "calibration.limit.no_evidence" if report.verdict == "no_evidence" else "calibration.limit.kind"
    lines: dict[str, tuple[Phrase, ...]] = {
        "word": (Phrase.of(f"answer.{report.verdict}"),),
        "sentence": (
            Phrase.of(
                f"calibration.answer.{report.verdict}",
                strangers=Phrase.of(f"calibration.strangers{_kind(report)}"),
            ),
        ),
        "count": (Phrase.of("calibration.answer.count", rank=primary.rank, size=primary.size, among=_among(report)),),
        "chance": (
            Phrase.of("calibration.answer.chance", bound=bound(report), p=report.log10_p, alpha=found.alpha),
            *(
                (Phrase.of("calibration.answer.chance.searched", pairs=report.searched),)
                if report.searched > 1
                else ()
            ),
        ),
        "does_not_show": (Phrase.of(code),),
        "rests_on": (Phrase.of("calibration.answer.rests", null=_null(report)),),
    }
    words = {name: " ".join(said(line, version=report.wording)) for name, line in lines.items()}
    return Answer(verdict=report.verdict, **words)


def _among(report: CalibrationReport) -> Phrase:
    twins = report.evidence.primary.design == "twins"
    return Phrase.of("calibration.among.twins" if twins else "calibration.among")


def _null(report: CalibrationReport) -> Phrase:
    found = report.evidence
    return null(found.primary_design if of_twins(report) else found.primary.design)


def bound(report: CalibrationReport) -> Phrase:
    """How often unrelated models, or twins, reach the score."""
    match = report.evidence.false_match
    if match is None:
        return Phrase.of("calibration.bound.none")
    code = "calibration.bound.twins" if of_twins(report) else "calibration.bound"
    return Phrase.of(code, bound=match.bound, reached=match.exceedances, pairs=match.pairs)


def beforehand(report: CalibrationReport) -> tuple[Phrase, ...]:
    """What was known and fixed before any score was looked at."""
    found = report.evidence
    return (
        Phrase.of("calibration.attainable", p=Phrase.of("calibration.p", log10_p=found.attainable_log10_p)),
        Phrase.of(
            "calibration.fixed.stated" if found.stated_design else "calibration.fixed",
            design=Phrase.of(f"calibration.design.{found.primary_design}"),
            scale=Phrase.of(f"calibration.scale.{found.scale}"),
            closer=found.closer,
            alpha=found.alpha,
        ),
        *((Phrase.of("calibration.families"),) if found.one_per_family else ()),
    )


def audited(report: CalibrationReport) -> Phrase:
    """The audit in one sentence."""
    checked, level = report.evidence.audit, 0.05
    at = None if checked is None else next((size for size in checked.sizes if size.level == level), None)
    if checked is None or at is None:
        return Phrase.of("calibration.audit.none")
    if at.within_strata is None or at.excess_p is None:
        if at.worst_family is None:
            return Phrase.of("calibration.audit.one_kind", members=checked.members)
        return Phrase.of(
            "calibration.audit.family",
            members=checked.members,
            level=level,
            family=at.worst_family,
            share=at.worst_family_share,
        )
    return Phrase.of(
        "calibration.audit.strata",
        pairs=checked.pairs_within_strata,
        level=level,
        share=at.within_strata,
        p=at.excess_p,
    )


def limitations(report: CalibrationReport) -> tuple[Phrase, ...]:
    """What the report does not show."""
    return (
        Phrase.of("calibration.limit.kind"),
        Phrase.of(
            "calibration.limit.no_evidence" if report.verdict == "no_evidence" else "calibration.limit.affinity"
        ),
        Phrase.of("calibration.limit.given"),
        Phrase.of("calibration.limit.declared"),
        *((Phrase.of("calibration.limit.recipes"),) if of_twins(report) else ()),
        *((Phrase.of("calibration.limit.row"),) if report.evidence.primary_design.startswith("row") else ()),
    )
