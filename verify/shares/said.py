"""What a report of shares says: codes and values, which the catalogue turns into sentences."""

from __future__ import annotations

from ..base import Phrase
from ..claim.answer import Answer
from ..wording import said, say
from .record import Estimate, ShareReport
from .said_of_changes import answer as changes_answer
from .said_of_changes import limitations as changes_limitations
from .said_of_changes import listed


def answer(report: ShareReport) -> Answer:
    """The first lines of the report."""
    if report.changes is not None:
        return changes_answer(report, report.changes)
    return Answer(
        verdict=report.outcome,
        word=say(Phrase.of(f"share.word.{report.outcome}"), version=report.wording),
        sentence=" ".join(said(finding(report), version=report.wording)),
        count=" ".join(said(_count(report), version=report.wording)),
        chance=" ".join(said(_chance(report), version=report.wording)),
        does_not_show=say(Phrase.of("share.limit.cause"), version=report.wording),
        rests_on=say(Phrase.of("share.rests"), version=report.wording),
    )


def finding(report: ShareReport) -> tuple[Phrase, ...]:
    """Candidates with a share, without, and those of which nothing can be said."""
    found = {report.label(n): one for n, one in enumerate(report.candidates)}
    wholes = {label: one.whole for label, one in found.items() if one.whole is not None}
    some = [(label, whole) for label, whole in wholes.items() if whole.excludes_zero]
    of_sum = report.sum_of and len(report.sum_of) == len(report.candidates)
    none = [label for label, whole in wholes.items() if not whole.excludes_zero and whole.low is not None]
    unbounded = [label for label, whole in wholes.items() if whole.low is None]
    related = [label for label, one in found.items() if one.relatives]
    nothing = [label for label, one in found.items() if one.whole is None and not one.relatives]
    phrases = []
    if some:
        code = "share.sum" if of_sum else "share.found"
        phrases.append(Phrase.of(code, candidates=listed(one_of(label, whole) for label, whole in some)))
    for code, labels in (
        ("share.none", none),
        ("share.open", unbounded),
        ("share.apart", related),
        ("share.nothing", nothing),
    ):
        if labels:
            phrases.append(Phrase.of(code, candidates=listed(labels)))
    return tuple(phrases)


def limitations(report: ShareReport) -> tuple[Phrase, ...]:
    """What the report does not show."""
    if report.changes is not None:
        return changes_limitations(report, report.changes)
    codes = ["share.limit.cause", "share.limit.places", "share.varies"]
    models = [report.child, *(one.model for one in report.candidates)]
    broken = [
        Phrase.of("share.non_finite", number=model.non_finite, label=label)
        for (label, _), model in zip(report.labelled, models, strict=True)
        if model.non_finite
    ]
    return (
        *broken,
        *map(Phrase.of, [*codes, *(["share.limit.alone"] if len(report.candidates) > 1 else [])]),
    )


def one_of(label: str, found: Estimate) -> str:
    """A share with its interval."""
    return f"{label} {number(found.estimate)} [{number(found.low)}, {number(found.high)}]"


def number(value: float | None) -> str:
    """A share to three decimals; a dash where there is none, or an end of the interval is infinite."""
    return "–" if value is None else f"{value:z.3f}"


def _count(report: ShareReport) -> tuple[Phrase, ...]:
    counted = [
        f"{one.whole.units:,} of {report.label(n)}"
        for n, one in enumerate(report.candidates)
        if one.whole is not None
    ]
    ordered = [
        Phrase.of("share.ordered", candidates=report.label(n), parts=listed(one.ordered))
        for n, one in enumerate(report.candidates)
        if one.ordered
    ]
    left = Phrase.of("share.left", unexplained=report.unexplained)
    return (*([Phrase.of("share.count", units=listed(counted))] if counted else []), left, *ordered)


def _chance(report: ShareReport) -> tuple[Phrase, ...]:
    if report.outcome == "undecided":
        return ()
    return (Phrase.of("share.chance", level=report.level, chance=round(1 - report.level, 12)),)
