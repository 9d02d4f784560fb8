"""Lineage that the developers of two models declare, shown beside the verdict; it enters no p-value.

Models are matched by name alone. A declared ``org/model`` is the model read from ``hf://org/model``, ignoring case,
as on the Hub; a model that was not read from the Hub is matched by the last part of the declared name, and the report
says so. Two models that name the same base are a declared relation too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..base import Record
from .evidence import Verdict

if TYPE_CHECKING:
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


def _names(one: Subject, other: Subject) -> Match | None:
    """How a base declared by one model matches the other."""
    wanted = [name.casefold() for name in one.declared_bases]
    if other.origin is not None and other.origin.startswith(_HUB):
        repository = "/".join(other.origin.removeprefix(_HUB).casefold().split("/")[:2])
        if repository in wanted:
            return "address"
        short = [name for name in wanted if "/" not in name]  # from before names had owners
        return "name" if repository.rpartition("/")[2] in short else None
    name = other.name.casefold().rpartition("/")[2]
    return "name" if any(base.rpartition("/")[2] == name for base in wanted) else None
