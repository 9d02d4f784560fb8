"""Phrases on whether one model holds the change that the other, an adapter, makes to their base."""

from __future__ import annotations

from ..base import Phrase
from .change import LEAST, AdapterChange, Moved

Phrases = tuple[Phrase, ...]


def change(found: AdapterChange, *, short: bool = False) -> Phrases:
    """What was found, what it may come from, and what it is not.

    Parameters
    ----------
    found : the finding.
    short : whether to say no more than fits a first page.
    """
    adapter, model = ("A", "B") if found.adapter == "a" else ("B", "A")
    sides = {"adapter": adapter, "model": model}
    if found.status == "abstained":
        compared = sum(one.once is not None for one in found.modules)
        of_all = {"modules": compared or len(found.modules), "moved": found.once.moved, "least": LEAST}
        return (Phrase.of(f"change.abstained.{found.reason}", **sides, **of_all),)
    if found.status == "not_found":
        counts = _counts(found.once)
        return (
            Phrase.of("change.not_found", **sides, **counts),
            *(() if short else (Phrase.of("change.not_found.not", **sides, elsewhere=counts["elsewhere"]),)),
        )
    values: dict[str, object] = {"judged": found.judged, "held": found.held, **_counts(found.as_held)}
    weight = () if found.weight is None else (Phrase.of("change.weight", weight=found.weight, moved=values["moved"]),)
    which = "in_part" if found.status == "in_part" else "holds"
    return (
        Phrase.of(f"change.{which}", **sides, **values),
        *weight,
        *((Phrase.of("change.begins_alike", **sides),) if found.begins_alike else ()),
        Phrase.of("change.arithmetic") if short else Phrase.of("change.why", **sides, elsewhere=values["elsewhere"]),
    )


def _counts(counts: Moved) -> dict[str, object]:
    moved = max(1, counts.moved)
    return {
        "moved": counts.moved,
        "equal": counts.equal,
        "agree": counts.agree / moved,
        "unmoved": counts.unmoved / moved,
        "other": max(0, counts.moved - counts.agree - counts.unmoved) / moved,
        "elsewhere": counts.elsewhere / moved,
    }
