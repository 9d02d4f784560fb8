"""Whether one model holds the change of the other, an adapter, and what was left as in their base."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...claim import ClaimReport
from ...claim.change import AdapterChange, ModuleChange, Moved
from ..kinds import Code, Inline, Number
from ..numbers import count, general, share
from ..page import Block, Paragraph, table

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
_MOST_ROWS = 40
_WHY = {"missing": "missing there", "shape": "of another shape", "quantised": "not stored as plain numbers"}
_ANY = "missing there, of another shape, or not stored as plain numbers"
_COLUMNS = (
    "changed",
    "modules",
    "moved",
    "as merged, to the bit",
    "within rounding",
    "as in the base",
    "other",
    "as merged if moves stood half a row further",
    "another weight that fits best",
    "share as merged at that",
)


def adapter(report: ClaimReport) -> list[Block]:
    """The finding with its counts; nothing for other models."""
    if (found := report.change) is None:
        return []
    model = "B" if found.adapter == "a" else "A"
    return [
        Paragraph(report.change_in_words),
        table(
            f"Numbers that the adapter moves, however a tool rounds, and what they are in {model}",
            _COLUMNS,
            _rows(found),
        ),
        *_not_compared(found),
        table(
            f"What {model} left as in the base",
            ("tensors", "numbers", "equal to the base", "share"),
            _left(found),
        ),
        *_more(found),
    ]


def _rows(found: AdapterChange) -> Iterable[tuple[Inline, ...]]:
    """Modules of one name in all layers in one row, as they are held best."""
    groups: dict[str, list[ModuleChange]] = {}
    for one in found.modules:
        if one.once is not None:
            groups.setdefault(_NUMBER.sub("*", one.name), []).append(one)
    for name, modules in sorted(groups.items())[:_MOST_ROWS]:
        counts = Moved.total(one.once for one in modules if one.once is not None)
        weights = [one.weight for one in modules if one.weight is not None]
        weighted = Moved.total(one.weighted for one in modules if one.weighted is not None)
        yield (
            Code(name),
            count(len(modules)),
            count(counts.moved),
            count(counts.equal),
            count(counts.within),
            count(counts.unmoved),
            count(max(0, counts.moved - counts.agree - counts.unmoved)),
            count(counts.elsewhere),
            _between(weights),
            share(weighted.agree / weighted.moved if weighted.moved else None),
        )


def _between(weights: list[float]) -> Number:
    if not weights:
        return Number("–")
    low, high = (str(general(one)) for one in (min(weights), max(weights)))
    return Number(low if low == high else f"{low} to {high}")


def _not_compared(found: AdapterChange) -> list[Block]:
    """Changed modules that could not be compared."""
    refused = [one.refused for one in found.modules if one.refused is not None]
    parts = [f"{refused.count(code)} {words}" for code, words in _WHY.items() if code in refused]
    listed = ", ".join(parts)
    return [Paragraph(f"Changed modules that were not compared: {listed}.")] if parts else []


def _left(found: AdapterChange) -> Iterable[tuple[Inline, ...]]:
    """What the adapter changes, what it leaves, and each tensor of the latter that differs from the base."""
    changed = [one for one in found.modules if one.once is not None]
    left = found.left
    rows: list[tuple[Inline, int, int]] = [
        (f"{len(changed)} that the adapter changes", sum(x.entries for x in changed), sum(x.same for x in changed)),
        (f"{left.tensors} others, of which {left.alike} are equal", left.entries, left.same),
        *((Code(one.name), one.entries, one.same) for one in left.differing[:_MOST_ROWS]),
    ]
    for name, entries, same in rows:
        yield name, count(entries), count(same), share(same / entries if entries else None)


def _more(found: AdapterChange) -> list[Block]:
    """What is not in the tables."""
    left = found.left
    more = left.tensors - left.alike - len(left.differing[:_MOST_ROWS])
    said = (
        *((f"{more} more tensors differ. ",) if more > 0 else ()),
        *((f"{left.not_compared} others are {_ANY}.",) if left.not_compared else ()),
    )
    return [Paragraph(said)] if said else []
