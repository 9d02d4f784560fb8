"""Phrases on dated evidence: by when either model existed, how that is known, and what it does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Phrase
from .dated import Dated, Side, TimeStamp, needed, part_alone

if TYPE_CHECKING:
    from .report import ClaimReport

Phrases = tuple[Phrase, ...]


def order(report: ClaimReport) -> Phrases:
    """By when each model existed as a whole, the one with the earlier date first; no phrase says which was first."""
    said = [_of_side(report, side) for side in ("a", "b")]
    said.sort(key=lambda one: one[0])  # a side without a date stands last
    return (Phrase.of("dated.order", a=said[0][1], b=said[1][1]),)


def covers(report: ClaimReport, one: Dated) -> Phrases:
    """What a piece of evidence covers."""
    model = report.a if one.model == "a" else report.b
    n, part = len({file.name for file in model.files}), part_alone(model)
    files = (Phrase.of("dated.files", files=len(one.files), n=n),) if one.files else ()
    numbers = Phrase.of("dated.numbers") if part is None else Phrase.of("dated.numbers_of_part", part=part)
    return (*files, *((numbers,) if one.numbers else ()))


def how(one: Dated) -> Phrase:
    """How a date is known."""
    found = one.evidence
    if not isinstance(found, TimeStamp):
        return Phrase.of("dated.how.hub_commits", origin=found.origin, revision=found.revision)
    root = f"sha256:{found.root_sha256}"
    if found.document is None:
        return Phrase.of("dated.how.digest", root=root)
    return Phrase.of("dated.how.document", document=found.name or "", root=root)


def shown(time: str) -> str:
    """A time of the record for a reader.

    Examples
    --------
    >>> shown("2026-01-31T12:00:00+00:00")
    '2026-01-31 12:00:00 UTC'
    """
    return f"{time[:10]} {time[11:19]} UTC"


def limits(report: ClaimReport) -> Phrases:
    """What dates do not show."""
    checked = any(one.checked for one in report.dated)
    return (
        Phrase.of("dated.not"),
        *((Phrase.of("dated.limit.time_stamp"),) if checked else ()),
        Phrase.of("dated.limit.bytes"),
    )


def _of_side(report: ClaimReport, side: Side) -> tuple[str, Phrase]:
    """The earliest date of a whole model, and what is said of it: checked, and stated where that is earlier."""
    model = report.a if side == "a" else report.b
    letter, mine = side.upper(), [one for one in report.dated if one.model == side]
    pieces = {checked: needed(mine, model, side, checked=checked) for checked in (True, False)}
    checked, stated = (one[-1].time if one else None for one in (pieces[True], pieces[False]))
    if checked is not None and stated is not None and stated >= checked:
        stated = None
    fingerprint, part = model.arrays_sha256 is not None, part_alone(model)
    named: Phrase | str = Phrase.of("dated.by_fingerprint", model=letter) if fingerprint else letter
    if part is not None and any(one.numbers for one in mine):
        named = Phrase.of("dated.of_part", part=part, model=named)
    said = [
        Phrase.of(code, model=named, time=shown(time), who=_who(by))
        for code, time, by in (("dated.checked", checked, pieces[True]), ("dated.stated", stated, pieces[False]))
        if time is not None
    ]
    if not said:
        return _NEVER, Phrase.of("dated.in_part" if mine else "dated.none", model=letter)
    first = min(time for time in (checked, stated) if time is not None)
    return first, said[0] if len(said) == 1 else Phrase.of("dated.both", first=said[0], second=said[1])


def _who(evidence: tuple[Dated, ...]) -> str:
    """Who says so, each once."""
    return ", ".join(dict.fromkeys(one.who for one in evidence))


_NEVER = "~"  # after every date
