"""Compare recorded with recomputed values, field by field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue

from ..base import Record
from ..base.card import Card, Tone, flat, shown
from ..base.display import Tabular
from ..claim.report import SCHEMA

EXACT = "exact"
_POSITION = re.compile(r"\[\d+\]")
"""Of an item of a list, in a JSON path."""
ABSENT = "(absent)"
"""Stands for the value of a field that one side lacks."""


class Tolerance(NamedTuple):
    """Allowed difference of two numbers: ``relative`` to the larger one, or ``absolute``, whichever is more."""

    relative: float
    absolute: float = 0.0

    def __str__(self) -> str:
        return f"{self.relative:g} relative" + (f", {self.absolute:g} absolute" if self.absolute else "")

    def allows(self, x: float, y: float) -> bool:
        """Whether two numbers agree."""
        return abs(x - y) <= max(self.relative * max(abs(x), abs(y)), self.absolute)


class Unchecked(Record):
    """A kind of field that cannot be checked here, and why; a change of it may go unnoticed."""

    field: str
    """Pattern of JSON paths; ``*`` stands for anything."""
    reason: str

    def covers(self, field: str) -> bool:
        """Whether a JSON path is of this kind."""
        return _pattern(self.field).fullmatch(field) is not None


class Coverage:
    """Which kinds of fields cover a JSON path: in time that does not grow with the kinds, for lists of any length.

    Items of a list that have no names are alike to every kind that names no position, so one of them is looked up for
    all.

    Parameters
    ----------
    kinds : the kinds.
    """

    def __init__(self, kinds: Sequence[Unchecked]) -> None:
        self._alike = [(n, kind) for n, kind in enumerate(kinds) if not _POSITION.search(kind.field)]
        named = [(n, kind) for n, kind in enumerate(kinds) if _POSITION.search(kind.field)]
        self._named = [n for n, _ in named]
        self._one_of = re.compile("|".join(f"({_pattern(kind.field).pattern})" for _, kind in named), re.DOTALL)
        self._found: dict[str, tuple[int, ...]] = {}

    def of(self, field: str) -> tuple[int, ...]:
        """The numbers of the kinds that cover a path; of those that name a position, of the first."""
        shape = _POSITION.sub("[0]", field)
        if (found := self._found.get(shape)) is None:
            found = self._found[shape] = tuple(n for n, kind in self._alike if kind.covers(shape))
        if self._named and (one := self._one_of.fullmatch(field)):
            return (*found, self._named[(one.lastindex or 1) - 1])
        return found


class Disagreement(Record):
    """One field whose recorded value is not the one recomputed."""

    field: str
    """JSON path, such as ``$.tests.unit_identity.log10_p``."""
    recorded: JsonValue
    recomputed: JsonValue
    tolerance: str
    """``exact``, or how far apart two numbers may be."""


Status = Literal["agrees", "agrees_with_fingerprints", "arithmetic_agrees", "disagrees"]
"""What a replay showed, from most to least: that the weights of both models give the report; that fingerprints
stated to be of them do; that the report follows from the counts it records, whosever they are; that it does not."""

Models = Literal["weights", "fingerprints"] | None
"""How the models were given: ``fingerprints`` if either was; None if neither was given."""

_TONES: dict[Status, Tone] = {
    "agrees": "green",
    "agrees_with_fingerprints": "amber",
    "arithmetic_agrees": "amber",
    "disagrees": "red",
}
_NOT_OF_MODELS = "whether the {what} are those of these two models was not checked: give --a and --b"
_SENTENCES: dict[Status, str] = {
    "agrees": "Agrees with the weights of both models",
    "agrees_with_fingerprints": "Agrees with {basis}; whether the numbers are of the weights stated was not "
    "checked: give weights as --a and --b",
    "arithmetic_agrees": "The arithmetic follows from the recorded {what}; " + _NOT_OF_MODELS,
    "disagrees": "DISAGREES with {basis}",
}


_OF_TABLE = "whether these are the scores of the table was not checked: compare its sha256"
_CALIBRATION = {
    "agrees": f"The arithmetic follows from the recorded scores; {_OF_TABLE}",
    "disagrees": f"DISAGREES with the record alone; {_OF_TABLE}",
}
_BEYOND = {
    "agrees": "Agrees with {basis}",
    "arithmetic_agrees": "Rank and p-value follow from the recorded similarities; whether these are of the models "
    "was not checked: give --a, --b, --base and --candidate",
    "disagrees": "DISAGREES with {basis}",
}
_UNRANKED = {
    **_BEYOND,
    "arithmetic_agrees": "The report is as it was sealed; none of its counts was made again: give --a, --b, --base "
    "and --candidate",
}
_DERIVATION = {
    "agrees": "Agrees with {basis}",
    "arithmetic_agrees": "The outcome follows from the recorded tensors; whether these are of the models was not "
    "checked: give --a and --b",
    "disagrees": "DISAGREES with {basis}",
}
_SHARE = {
    "agrees": "Agrees with {basis}",
    "arithmetic_agrees": "The report is as it was sealed and its numbers fit one another; no share was computed "
    "again: give --a and --candidate",
    "disagrees": "DISAGREES with {basis}",
}


class Replay(Tabular, Record):
    """The outcome of checking a report, from the record alone or with what it is about."""

    record: Literal["lineage", "calibration", "share", "beyond", "derivation"] = "lineage"
    """What the report is: of ``verify.test_lineage``, ``verify.calibrate``, ``verify.share``, ``verify.beyond`` or
    ``verify.derivation``."""

    digest: str
    """As recorded."""
    verdict: str
    """As recorded."""
    basis: str
    """What the report was compared with: ``the record alone``, or more."""
    status: Status
    agrees: bool
    """Whether nothing that was compared disagrees; ``status`` says what it was compared with."""
    models: Models = None
    panel_checked: bool | None = None
    """Whether the panel was given; None if the report used none."""
    schema_of_maker: int = SCHEMA
    """Schema under which the report was made; its facts are compared in the present schema."""
    compared: int
    """Number of fields compared: every number, text and boolean that is not of an unchecked kind."""
    disagreements: tuple[Disagreement, ...] = ()
    not_checkable: tuple[Unchecked, ...] = ()

    @property
    def sentence(self) -> str:
        """What was shown and, before any number, what was not."""
        if self.record == "calibration":
            return _CALIBRATION["agrees" if self.agrees else "disagrees"]
        if self.record == "beyond":
            sentences = _UNRANKED if self.verdict in ("counted", "as_base") else _BEYOND
            return sentences[self.status].format(basis=self.basis)
        if self.record == "derivation":
            return _DERIVATION[self.status].format(basis=self.basis)
        if self.record == "share":
            return _SHARE[self.status].format(basis=self.basis)
        what = "digests" if self.verdict == "identical" else "counts"
        what += "" if self.panel_checked is None else " and scores"
        said = _SENTENCES[self.status].format(what=what, basis=self.basis)
        if self.status == "disagrees" and self.models is None:
            said += "; " + _NOT_OF_MODELS.format(what=what)
        if self.schema_of_maker != SCHEMA:
            said += f"; it was made under schema {self.schema_of_maker}: its facts were compared, not its sentences"
        if self.panel_checked is False and self.models is not None:
            said += "; whether the panel's members score as recorded was not checked: give --panel"
        return said

    def __repr__(self) -> str:
        return (
            f"Replay({self.status}, verdict {self.verdict!r:.40}, {self.compared} fields compared, "
            f"{len(self.disagreements)} disagree, {self.digest!r:.21})"
        )

    def _card(self) -> Card:
        facts = (
            ("compared", f"{self.compared} fields with {self.basis}; {len(self.disagreements)} disagree"),
            ("left", f"{len(self.not_checkable)} kinds of fields that could not be checked"),
            ("verdict", f"{self.verdict!r:.40}, as recorded"),
            ("digest", f"{self.digest!r:.80}, as recorded"),
        )
        return Card(f"{self.sentence}.", facts, tuple(flat(one) for one in self.disagreements), _TONES[self.status])

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each disagreement and each kind of field that was not checked.

        Examples
        --------
        >>> from verify.replay.agreement import Disagreement, Replay
        >>> found = Disagreement(field="$.log10_p", recorded=-9.0, recomputed=-3.0, tolerance="exact")
        >>> replay = Replay(
        ...     digest="sha256:0", verdict="dependent", basis="the record alone", status="disagrees", agrees=False,
        ...     compared=9, disagreements=(found,),
        ... )
        >>> replay.to_dicts()[0]["field"], replay.to_dicts()[0]["status"]
        ('$.log10_p', 'disagrees')
        """
        rows: list[dict[str, Any]] = [
            {
                "status": "disagrees",
                "field": found.field,
                "recorded": shown(found.recorded),
                "recomputed": shown(found.recomputed),
                "tolerance": found.tolerance,
                "reason": "",
            }
            for found in self.disagreements
        ]
        nothing = {"recorded": None, "recomputed": None, "tolerance": None}
        rows += [
            {"status": "not checkable", "field": kind.field, **nothing, "reason": kind.reason}
            for kind in self.not_checkable
        ]
        return rows


def problem(field: str, recorded: Any, expected: str) -> Disagreement:
    """The disagreement for an impossible recorded value.

    Parameters
    ----------
    field : JSON path.
    recorded : the value in the report.
    expected : what was expected, in words.

    Returns
    -------
    Disagreement
        With ``expected`` in place of a recomputed value.
    """
    return Disagreement(field=field, recorded=recorded, recomputed=expected, tolerance=EXACT)


def leaves(value: Any, field: str = "$") -> list[tuple[str, Any]]:
    """Every number, text, boolean, null and empty container of a JSON value, with its path.

    List items with unique names (``id`` or ``line``) are addressed by them, and their order is a further leaf.

    Examples
    --------
    >>> dict(leaves({"results": [{"id": "x", "n": 1}, {"id": "y", "n": 2}]}))["$.results[y].n"]
    2
    """
    found: list[tuple[str, Any]] = []
    _gather(value, field, found)
    return found


def _gather(value: Any, field: str, found: list[tuple[str, Any]]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _gather(item, f"{field}.{key}", found)
    elif isinstance(value, list) and value:
        names = _names(value)
        if names != [*range(len(value))]:
            found.append((f"{field}.order", " ".join(map(str, names))))
        for name, item in zip(names, value, strict=True):
            _gather(item, f"{field}[{name}]", found)
    else:
        found.append((field, value))


def _names(items: list[Any]) -> list[Any]:
    """Keys of list items: their names if all differ, else their positions."""
    for key in ("id", "line"):
        if not isinstance(items[0], dict) or key not in items[0]:
            continue
        names = [item.get(key) if isinstance(item, dict) else None for item in items]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return names
    return [*range(len(items))]


def compare(recorded: Any, recomputed: Any, tolerances: Sequence[tuple[str, Tolerance]]) -> list[Disagreement]:
    """Fields that differ by more than the tolerance of the first pattern that covers them, or at all if none does.

    Numbers are compared as numbers where the recomputed one is not an integer, as canonical JSON writes 2.0 as 2.

    Parameters
    ----------
    recorded : JSON value of the report.
    recomputed : JSON value made again.
    tolerances : patterns of JSON paths with their tolerances, the first match deciding.

    Returns
    -------
    list of Disagreement
        In the order of the paths.
    """
    left, right = dict(leaves(recorded)), dict(leaves(recomputed))
    found = []
    for field in {**left, **right}:
        x, y = left.get(field, ABSENT), right.get(field, ABSENT)
        allowed = _allowed(field, y, tolerances)
        numbers = isinstance(x, int | float) and not isinstance(x, bool)
        same = allowed.allows(x, y) if allowed and numbers else (type(x), x) == (type(y), y)
        if not same or (field in left) != (field in right):
            found.append(
                Disagreement(field=field, recorded=x, recomputed=y, tolerance=str(allowed) if allowed else EXACT)
            )
    return found


def _allowed(field: str, value: Any, tolerances: Sequence[tuple[str, Tolerance]]) -> Tolerance | None:
    if not isinstance(value, float):
        return None
    return next((allowed for pattern, allowed in tolerances if _pattern(pattern).fullmatch(field)), None)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)
