"""What a report of shares says of changes of a base: codes and values, which the catalogue turns into sentences."""

from __future__ import annotations

from collections.abc import Iterable

from ..base import Phrase
from ..claim.answer import Answer
from ..wording import said, say
from .of_base import ChangesOfBase, Weights
from .record import ShareReport

_MOST_NAMED = 8  # candidates whose counts an answer gives
ONE_WEIGHT = 1e-3
"""How far weights of tensors may be from their median, as a share of it, where one is given for all."""


def answer(report: ShareReport, found: ChangesOfBase) -> Answer:
    """The first lines of the report.

    Parameters
    ----------
    report : the report.
    found : its changes.
    """
    v = report.wording
    negative = found.status in ("changes_not_found", "changes_not_told")
    return Answer(
        verdict=report.outcome,
        word=say(Phrase.of(f"share.word.{report.outcome}"), version=v),
        sentence=" ".join(said(finding(report, found), version=v)),
        count=" ".join(said(counted(report, found), version=v)),
        chance="",
        does_not_show=say(Phrase.of(f"share.changes.limit.{'negative' if negative else 'law'}"), version=v),
        rests_on=say(Phrase.of("share.changes.rests"), version=v),
    )


def finding(report: ShareReport, found: ChangesOfBase) -> tuple[Phrase, ...]:
    """Candidates whose change is held, and those without.

    Parameters
    ----------
    report : the report.
    found : its changes.
    """
    if found.why is not None:
        return (Phrase.of(f"share.changes.{found.why}"),)
    held = found.held
    rest = [n for n in range(1, len(report.candidates) + 1) if n not in held]
    none = (Phrase.of("share.changes.none", candidates=listed(report.named(rest))),) if rest else ()
    return (*((_holding(report, found),) if held else ()), *none)


def _holding(report: ShareReport, found: ChangesOfBase) -> Phrase:
    held = found.held
    seen = {"seen": len(found.seen), "tensors": len(found.tensors), "candidates": listed(report.named(held))}
    if found.explained < 1:
        code = "part" if found.status == "changes_in_part" else "sum"
        return Phrase.of(f"share.changes.{code}", explained=found.explained, **seen)
    alone = found.weights(held[0])
    if len(held) == 1 and alone is not None and at_one(alone):
        return Phrase.of("share.changes.once", weight=weight(alone.median), **seen)
    return Phrase.of("share.changes.every", **seen)


def counted(report: ShareReport, found: ChangesOfBase) -> tuple[Phrase, ...]:
    """What was left as in the base, and what counts for each candidate.

    Parameters
    ----------
    report : the report.
    found : its changes.
    """
    entries, changed = (sum(getattr(one, name) for one in found.tensors) for name in ("entries", "changed"))
    judged = sum(one.judged for one in found.tensors)
    total = Phrase.of(
        "share.changes.counted",
        entries=entries,
        same=(entries - changed) / max(1, entries),
        changed=changed,
        told=found.told,
        judged=judged,
    )
    return (total, *(_own(report, found, n, judged) for n in found.held[:_MOST_NAMED]))


def _own(report: ShareReport, found: ChangesOfBase, number: int, judged: int) -> Phrase:
    own, alone = found.own(number), found.weights(number)
    told = max(1, found.told)
    return Phrase.of(
        "share.changes.own",
        candidate=report.label(number - 1),
        held=len(found.holding(number)),
        judged=judged,
        only=own.only / told,
        elsewhere=own.elsewhere / told,
        alone="" if alone is None else f"; where it stands alone, at {spread(alone)}",
    )


def limitations(report: ShareReport, found: ChangesOfBase) -> tuple[Phrase, ...]:
    """What the report does not show.

    Parameters
    ----------
    report : the report.
    found : its changes.
    """
    labels = ["P", "C", *(report.label(n) for n in range(len(report.candidates)))]
    broken = [
        Phrase.of("share.changes.non_finite", number=one.non_finite, label=label)
        for label, one in zip(labels, found.numbers, strict=True)
        if one.non_finite
    ]
    left = [Phrase.of("share.changes.not_compared", number=len(found.not_compared))] if found.not_compared else []
    return (
        *broken,
        *left,
        *(Phrase.of(f"share.changes.limit.{code}") for code in ("law", "cause", "negative", "fit")),
    )


def at_one(found: Weights) -> bool:
    """Whether one weight stands for those of all tensors.

    Parameters
    ----------
    found : the weights.
    """
    return max(found.high - found.median, found.median - found.low) <= ONE_WEIGHT * abs(found.median)


def spread(found: Weights) -> str:
    """Weights over tensors: one, or their median and range.

    Parameters
    ----------
    found : the weights.
    """
    if at_one(found):
        return f"{weight(found.median)} times it"
    return f"{weight(found.median)} times it ({weight(found.low)} to {weight(found.high)})"


def weight(value: float) -> str:
    """A weight to four digits.

    Parameters
    ----------
    value : the weight.
    """
    return f"{value:.4g}"


def listed(parts: Iterable[str]) -> str:
    """Parts with commas, and a last ``and``.

    Parameters
    ----------
    parts : at least one.
    """
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
