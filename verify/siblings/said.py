"""What a report beyond a base says: codes and values, which the catalogue turns into sentences."""

from __future__ import annotations

from ..base import Phrase
from ..claim.answer import Answer
from ..wording import said, say
from .record import BeyondReport, Closeness


def answer(report: BeyondReport) -> Answer:
    """The first lines of the report."""
    found, v = report.closeness, report.wording
    return Answer(
        verdict=report.outcome,
        word=say(Phrase.of(f"beyond.word.{report.outcome}"), version=v),
        sentence=" ".join(said(finding(report), version=v)),
        count=" ".join(said(counted(report), version=v)),
        chance=" ".join(said(_chance(found), version=v)) if found is not None else "",
        does_not_show=say(Phrase.of(f"beyond.limit.{_limit(report)}"), version=v),
        rests_on=say(Phrase.of("beyond.rests" if found else "beyond.rests.counts"), version=v),
    )


def finding(report: BeyondReport) -> tuple[Phrase, ...]:
    """The outcome, and whether the change of one model is contained in that of the other."""
    unlike = () if report.closeness is None else report.closeness.unlike
    models = " and ".join(report.unchanged or unlike)
    return (Phrase.of(f"beyond.{report.outcome}", models=models), *contained(report))


def contained(report: BeyondReport) -> tuple[Phrase, ...]:
    """What is exact: all that one model changed is in the other, to the bit."""
    total = report.total
    changed = {"A": total.entries - total.same_a, "B": total.entries - total.same_b}
    if report.unchanged or not total.equal:
        return ()
    if changed["A"] == changed["B"] == total.equal:
        return (Phrase.of("beyond.equal", number=total.equal),)
    return tuple(
        Phrase.of("beyond.contained", model=one, other=other, number=total.equal)
        for one, other in (("A", "B"), ("B", "A"))
        if changed[one] == total.equal
    )


def counted(report: BeyondReport) -> tuple[Phrase, ...]:
    """The similarity with its rank, and what was left as in the base."""
    total, found = report.total, report.closeness
    entries = max(1, total.entries)
    rank = (
        ()
        if found is None
        else (
            Phrase.of(
                "beyond.rank",
                score=f"{found.scores[0]:.3f}",
                reached=found.rank - 1,
                pairs=found.pairs - 1,
                size=found.size,
                siblings=len(report.siblings),
            ),
        )
    )
    alike = (
        ()
        if found is not None or report.similarity is None
        else (Phrase.of("beyond.similarity", score=f"{report.similarity:.3f}"),)
    )
    return (
        *rank,
        *alike,
        Phrase.of(
            "beyond.left",
            entries=total.entries,
            a=total.same_a / entries,
            b=total.same_b / entries,
            both=total.same_both / entries,
            changed=total.changed,
            equal=total.equal,
        ),
    )


def limitations(report: BeyondReport) -> tuple[Phrase, ...]:
    """What the report does not show."""
    broken = [
        Phrase.of("beyond.non_finite", number=model.non_finite, label=label)
        for label, model in (("A", report.a), ("B", report.b), ("the base", report.base))
        if model.non_finite
    ]
    left = [Phrase.of("beyond.not_compared", number=len(report.not_compared))] if report.not_compared else []
    unlike = ["unlike"] if report.outcome == "unlike_siblings" else []
    codes = ["counts"] if report.closeness is None else ["cause", "kinds", "declared", "negative", "counts"]
    return (*broken, *left, *(Phrase.of(f"beyond.limit.{code}") for code in (*unlike, *codes, "order")))


def _limit(report: BeyondReport) -> str:
    if report.closeness is None:
        return "counts"
    if report.closeness.unlike:
        return "unlike"
    return "cause" if report.closeness.rejects else "negative"


def _chance(found: Closeness) -> tuple[Phrase, ...]:
    match = found.false_match
    if found.unlike:
        nearest = min(found.nearest)
        if nearest >= found.least_nearest:
            return (Phrase.of("beyond.lighter"),)
        return (Phrase.of("beyond.nearest", score=f"{nearest:.3f}", least=f"{found.least_nearest:.3f}"),)
    return (
        Phrase.of("beyond.chance", p=found.log10_p, alpha=found.alpha, least=found.attainable_log10_p),
        *((Phrase.of("calibration.answer.chance.searched", pairs=found.searched),) if found.searched > 1 else ()),
        Phrase.of("beyond.bound", bound=match.bound, reached=match.exceedances, pairs=match.pairs),
    )
