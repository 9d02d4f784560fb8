"""The answer of a screen in a few lines: families, or relatives of one model; copies; models alone or left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ..checkpoint import ALONE
from ..render.kinds import Code, Inline
from ..render.numbers import share
from .closeness import nearness
from .declarations import not_declared
from .families import copies
from .record import Family, ScreenRecord

_NAMED = 6  # models named in a line
_FAMILIES = 4  # families named in a line
_MOST_OF_ONE = 10**7  # a smaller level is easier to read as a decimal

Line = tuple[str, Inline]
"""A label, and what it says."""


@dataclass(frozen=True)
class Answer:
    """The first lines of a screen."""

    word: str
    """In capitals."""
    found: bool
    """Whether any two models are related."""
    sentence: str
    lines: tuple[Line, ...]


def answer(record: ScreenRecord) -> Answer:
    """The first lines of a screen, from its record alone."""
    families = by_size(record)
    by_seed = [family for family in families if set(family.members) <= _adapters(record)]
    one = record.against
    lines: tuple[Line, ...] = (
        ("Families", "" if one else _families(families)),
        ("Closest", _closest(record)),
        ("Of adapters", _of_adapters(len(by_seed), len(families))),
        ("Exact copies", _copies(families)),
        ("Not declared", _not_declared(record)),
        ("Suspected", _suspected(record)),
        ("No relative", _not_related(record) if one else _alone(record)),
        ("Left out", _left_out(record)),
        ("Contradictory", _contradicted(record)),
        (
            "Does not show",
            (
                *_independent(one),
                "; or, of related ones, which was made first, whether anyone copied, or whether it was allowed.",
            ),
        ),
        (
            "Rests on",
            "The assumptions of the exact tests: above all that training leaves the order of neurons to chance, and "
            "that nobody re-ordered one model to look like another, which whoever holds it or its fingerprint can do "
            "at no loss. "
            f"Under them, the chance that any pair is called related falsely is at most {_of_level(record.alpha)}, "
            "however many models are compared.",
        ),
    )
    word = _word(record, len(families), len(by_seed))
    return Answer(word, bool(families), sentence(record), tuple(line for line in lines if line[1]))


def _word(record: ScreenRecord, families: int, by_seed: int) -> str:
    """The finding in capitals."""
    if not families:
        compared = record.first_stage.tested + record.identical
        return "No related models found".upper() if compared else "Cannot be tested".upper()
    if record.against is None:
        word = f"{counted(families, 'family', 'families')} of related models"
    else:
        related = sum(len(family.edges) for family in record.families)
        word = f"Related to {related:,} of {counted(record.pairs, 'model')}"
    return word.upper() + (", PERHAPS BY A COMMON SEED ALONE" if by_seed == families else "")


def _independent(one: str | None) -> tuple[str, ...]:
    if one is None:
        return ("That models without a relative here are independent",)
    return ("That ", Code(one), " is independent of models not named here, or of any that were not given")


def sentence(record: ScreenRecord) -> str:
    """What was compared, and how much of it was found."""
    edges = [edge for family in record.families for edge in family.edges]
    identical = sum(edge.verdict == "identical" for edge in edges)
    left = f"; {counted(len(record.left_out), 'model')} could not be read" if record.left_out else ""
    if record.against is not None:
        none = record.pairs - len(edges) - len(record.suspected)
        return (
            f"{record.against} against {counted(record.pairs, 'model')}: related to {len(edges) - identical}, the "
            f"same weights as {identical}; {len(record.suspected)} more suspected; no relation found to {none}{left}."
        )
    return (
        f"{counted(len(record.models), 'model')}, {counted(record.pairs, 'pair')}: {len(edges) - identical} "
        f"related and {identical} of the same weights, in {counted(len(record.families), 'family', 'families')}; "
        f"{len(record.suspected)} more suspected; {len(alone(record))} without a relative that was found{left}."
    )


def by_size(record: ScreenRecord) -> list[Family]:
    """The families, the largest first."""
    return sorted(record.families, key=lambda family: (-len(family.members), family.members))


def alone(record: ScreenRecord) -> list[str]:
    """Models of no related or suspected pair."""
    found = {name for family in record.families for name in family.members}
    found |= {name for edge in record.suspected for name in (edge.a, edge.b)}
    return [model.label for model in record.models if model.label not in found]


def partners(record: ScreenRecord) -> dict[str, int]:
    """By model, the number of models that it was to be compared with."""
    every = {model.label: len(record.models) - 1 for model in record.models}
    return every if record.against is None else {n: k if n == record.against else 1 for n, k in every.items()}


def compared_with_none(record: ScreenRecord) -> list[str]:
    """Models to none of whose pairs an exact test applies, and that have no exact copy."""
    most = partners(record)
    never = {model.label for model in record.models if model.untestable == most[model.label]}
    return [name for name in alone(record) if name in never]


def _families(families: Sequence[Family]) -> Inline:
    parts: list[str] = []
    for family in families[:_FAMILIES]:
        apart = f" in {len(family.overlapping)} families that overlap" if family.overlapping else ""
        parts += ["; " if parts else "", f"{len(family.members)} models{apart}: ", *_named(family.members)]
        for joint in family.joints[:1]:
            parts += [" (some of them joined only through ", *_named(joint.models), ")"]
    more = len(families) - _FAMILIES
    return (*parts, f"; {more} more." if more > 0 else ".") if parts else ""


def _closest(record: ScreenRecord) -> Inline:
    """The relatives of the one model that all others were compared with, exact copies and the closest first."""
    if record.against is None:
        return ""
    edges = sorted((edge for family in record.families for edge in family.edges), key=nearness)
    parts: list[str] = []
    for edge in edges[:_NAMED]:
        other = edge.b if edge.a == record.against else edge.a
        kept = "the same weights" if edge.closeness is None else f"closeness {share(edge.closeness)}"
        parts += ["; " if parts else "", Code(other), f", {kept}"]
    more = len(edges) - _NAMED
    return (*parts, f"; {more} more." if more > 0 else ".") if parts else ""


def _not_related(record: ScreenRecord) -> Inline:
    """Of how many models no relation to the one was found, and with how many it could not be compared."""
    names, never = alone(record), set(compared_with_none(record))
    names = [name for name in names if name not in {*never, record.against}]
    never.discard(str(record.against))
    parts = [f"Found to none of {counted(len(names), 'model')}."] if names else []
    parts += [f"{counted(len(never), 'model')} could not be compared, since no exact test applies."] if never else []
    return " ".join(parts)


def _adapters(record: ScreenRecord) -> set[str]:
    """Adapters without their bases."""
    return {model.label for model in record.models if model.architecture == ALONE.name}


def _of_adapters(by_seed: int, families: int) -> str:
    if not by_seed:
        return ""
    return (
        f"{by_seed} of {counted(families, 'family', 'families')}, of adapters without their bases. Much code starts "
        "every adapter from one default seed: then adapters of strangers begin alike, and are found related."
    )


def _copies(families: Sequence[Family]) -> Inline:
    sets = [group for family in families for group in copies(family)]
    if not sets:
        return "None found." if families else ""
    first, more = sets[0], len(sets) - 1
    rest = f"; {counted(more, 'more set')}." if more else "."
    return (f"{counted(len(sets), 'set')} of models with the same weights: ", *_named(first), rest)


def _not_declared(record: ScreenRecord) -> Inline:
    if not record.families:
        return ""
    found, edges = not_declared(record), sum(len(family.edges) for family in record.families)
    if not found:
        return f"None of the {counted(edges, 'related pair')}."
    one = found[0]
    return (
        f"{len(found)} of {counted(edges, 'related pair')}; the closest: ",
        Code(one.a),
        " and ",
        Code(one.b),
        ".",
    )


def _suspected(record: ScreenRecord) -> Inline:
    if not record.suspected:
        return ""
    return (
        f"{counted(len(record.suspected), 'more pair')}, by a weaker standard: of all pairs found, at most "
        f"{_of_level(record.alpha, record.fdr)} are false on average."
    )


def _alone(record: ScreenRecord) -> Inline:
    never = compared_with_none(record)
    names = [name for name in alone(record) if name not in set(never)]
    parts: list[str] = [f"Found for none of {counted(len(names), 'model')}: ", *_named(names), "."] if names else []
    if never:
        parts += [" " if parts else "", f"{counted(len(never), 'model')} could be compared with none: "]
        parts += [*_named(never), "."]
    return tuple(parts)


def _left_out(record: ScreenRecord) -> Inline:
    if not record.left_out:
        return ""
    return (f"{counted(len(record.left_out), 'model')}: ", *_named([one.name for one in record.left_out]), ".")


def _contradicted(record: ScreenRecord) -> Inline:
    if not record.contradictions:
        return ""
    names = _named([name for one in record.contradictions for name in (one.a, one.b)])
    return ("state the same weights and hold different numbers: ", *names, ".")


def _named(names: Sequence[str]) -> tuple[str, ...]:
    shown = [part for name in names[:_NAMED] for part in (", ", Code(name))][1:]
    more = len(names) - _NAMED
    return (*shown, f" and {more} more") if more > 0 else tuple(shown)


def _of_level(*levels: float) -> str:
    """The sum of levels as they are written, which is never rounded: one in so many if it is that, or a decimal."""
    level = sum((Fraction(repr(one)) for one in levels), Fraction())
    if level.numerator == 1 and level.denominator <= _MOST_OF_ONE:
        return f"1 in {level.denominator:,}"
    places = 0  # a sum of decimals is one, so this ends
    while (level * 10**places).denominator > 1:
        places += 1
    return str(Decimal((0, tuple(map(int, str(int(level * 10**places)))), -places))).lower()


def counted(n: int, one: str, many: str = "") -> str:
    """A number and a noun that agrees with it.

    Parameters
    ----------
    n : the number.
    one : the noun in the singular.
    many : the plural, where it is not the singular and an s.
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def found_of(family: Family) -> str:
    """How many pairs of a family's members were found; empty if all were.

    Parameters
    ----------
    family : the family, of a screen of all pairs.
    """
    n = len(family.members)
    pairs = n * (n - 1) // 2
    return "" if len(family.edges) == pairs else f"{len(family.edges):,} of {pairs:,} pairs in it were found related."


def untold_of(record: ScreenRecord, family: Family) -> str:
    """That models may stand apart in a family because they could not be compared; empty if that cannot be.

    Parameters
    ----------
    record : the record of a screen of all pairs.
    family : one of its families, taken apart or not.
    """
    members = set(family.members)
    few = sum(model.untestable > 0 for model in record.models if model.label in members)
    if not family.overlapping or few < 2:  # a pair that could not be compared has two ends
        return ""
    return (
        f"No exact test applies to some pairs of {few} of its models: where two of these are in no family together, "
        "they may not have been compared at all."
    )
