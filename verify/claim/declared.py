"""Lineage that the developers of two models declare, shown beside the verdict; it enters no p-value.

Models are matched by name alone. A declared ``org/model`` is the model read from ``hf://org/model``, ignoring case,
as on the Hub; a model that was not read from the Hub is matched by the last part of the declared name, and the report
says so. Two models that name the same base are a declared relation too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ..base import Record
from .evidence import Verdict
from .said_of_parts import of_the_models

if TYPE_CHECKING:
    from .report import ClaimReport
    from .subject import Subject

Match = Literal["address", "name"]
"""How a declared name was matched: with the address that a model was read from, or with its name alone."""
Status = Literal["declared_confirmed", "declared_not_confirmed", "undeclared_found", "nothing"]

FOUND: tuple[Verdict, ...] = ("identical", "dependent")
_HUB = "hf://"


class Declared(Record):
    """Declared lineage beside the verdict."""

    status: Status
    """Whether one of the two models names the other, or both name one base; and whether the verdict says as much."""
    a_names_b: Match | None = None
    """How a base that A declares was matched with B; None where none was."""
    b_names_a: Match | None = None
    """How a base that B declares was matched with A; None where none was."""
    common: bool = False
    """Whether both declare one base."""


def declared(a: Subject, b: Subject, verdict: Verdict) -> Declared:
    """Declared lineage of two models, and whether the verdict confirms it.

    A declaration by an adapter that was merged for the comparison is not confirmed by it, since the test would find
    the merging.

    Parameters
    ----------
    a, b : the two models.
    verdict : the verdict on them.

    Returns
    -------
    Declared
        How declarations and verdict compare.
    """
    a_names_b, b_names_a = _names(a, b), _names(b, a)
    common = not {name.casefold() for name in a.declared_bases}.isdisjoint(
        name.casefold() for name in b.declared_bases
    )
    merged = a.merged_onto is not None or b.merged_onto is not None
    ours = (a_names_b is None or a.merged_onto is not None) and (b_names_a is None or b.merged_onto is not None)
    ours = ours and (not common or merged)  # nothing declared but by an adapter that was merged for this
    status: Status
    if a_names_b or b_names_a or common:
        status = "declared_confirmed" if verdict in FOUND and not ours else "declared_not_confirmed"
    else:
        status = "undeclared_found" if verdict in FOUND else "nothing"
    return Declared(
        status=status,
        a_names_b=a_names_b,
        b_names_a=b_names_a,
        common=common,
    )


class Descent(NamedTuple):
    """One model as the descendant of the other: the direction is as declared, and no test speaks of it."""

    child: Subject
    base: Subject
    declared_as: str
    """The base, by the name that the child's card has for it."""
    match: Match
    relation: str | None
    """What the card says that the child is of its bases; None if it does not say."""


def descent(report: ClaimReport) -> Descent | None:
    """Which of two models descends from the other, where one says so and the verdict agrees that they are related.

    None where neither names the other, where each names the other, and where the verdict does not confirm it, or is
    about a part of them alone: a verdict has no direction, and none is made up. None either where a base that both
    declare is matched with one of them by the last part of its name only: they are siblings, as far as they say.

    It follows from what the report has of its models and from its verdict, not from the status that it states.
    """
    a, b = report.a, report.b
    found = declared(a, b, report.verdict)
    if not of_the_models(report):
        return None
    if found.status != "declared_confirmed" or (found.a_names_b is None) == (found.b_names_a is None):
        return None
    child, base = (a, b) if found.a_names_b is not None else (b, a)
    named = _named(child, base)
    if named is None:
        return None
    name, match = named
    if match == "name" and name.casefold() in {other.casefold() for other in base.declared_bases}:
        return None
    return Descent(child, base, name, match, child.declared_relation)


def _names(one: Subject, other: Subject) -> Match | None:
    """How a base declared by one model matches the other."""
    named = _named(one, other)
    return None if named is None else named[1]


def _named(one: Subject, other: Subject) -> tuple[str, Match] | None:
    """The base declared by one model that matches the other, and how."""
    match: Match = "name"
    last = other.name.casefold().rpartition("/")[2]
    fits = [name for name in one.declared_bases if name.casefold().rpartition("/")[2] == last]
    if other.origin is not None and other.origin.startswith(_HUB):
        repository = "/".join(other.origin.removeprefix(_HUB).casefold().split("/")[:2])
        fits = [name for name in one.declared_bases if name.casefold() == repository]
        if fits:
            match = "address"
        else:  # from before names had owners
            fits = [name for name in one.declared_bases if name.casefold() == repository.rpartition("/")[2]]
    return (fits[0], match) if fits else None
