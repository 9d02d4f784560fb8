"""A tree as a drawing: one model a row, under the one that it is joined to, with what joins them in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .drawing import PHONE, Dots, Drawing, Line, Role, Shape, Text

_ROW = 36  # units from one model to the next
_TOP = 20
_LEFT = 8
_STEP, _STEPS = 22, 150  # units that a row is moved in: of one step, and of all steps together
_NAME, _SMALL = 13, 11  # sizes of text
_WIDE, _NARROW = 0.64, 0.54  # width of a sign, of the size of bold and of other text, about


@dataclass(frozen=True)
class Row:
    """One row of a tree."""

    name: str
    depth: int
    above: int | None
    """Place of the row above it in the tree; None at the top."""
    words: str = ""
    """What joins the two."""
    mark: str = ""
    """What is to be said of the model itself."""
    dashed: bool = False
    role: Role = "found"
    """Of the line between the two."""


def family_tree(name: str, title: str, alt: str, rows: Sequence[Row]) -> Drawing:
    """Draw a tree.

    Parameters
    ----------
    name : identifier of the drawing.
    title : what it shows.
    alt : what it shows, for readers who do not see it.
    rows : each after the one above it.
    """
    step = min(_STEP, _STEPS / max(1, *(row.depth for row in rows)))
    at = [(_LEFT + step * row.depth, _TOP + _ROW * n) for n, row in enumerate(rows)]
    last = {row.above: n for n, row in enumerate(rows) if row.above is not None}
    shapes: list[Shape] = [
        Line(((at[above][0], at[above][1]), (at[above][0], at[n][1])), "muted") for above, n in last.items()
    ]
    for n, row in enumerate(rows):
        x, y = at[n]
        if row.above is not None:
            shapes.append(Line(((at[row.above][0], y), (x, y)), row.role, 2, dashed=row.dashed))
        shapes.append(Dots(((x, y),), "ink", 3.5))
        room = PHONE - x - 8
        shapes.append(
            Text((x + 8, y + 4), _fitting(row.name, row.mark, room / (_NAME * _WIDE)), size=_NAME, bold=True)
        )
        if row.words:
            role: Role = "warn" if row.role == "warn" else "muted"
            shapes.append(Text((x + 8, y + 18), _fitting(row.words, "", room / (_SMALL * _NARROW)), role, _SMALL))
    return Drawing(name, title, alt, title, PHONE, _TOP + _ROW * len(rows), tuple(shapes))


def _fitting(text: str, mark: str, room: float) -> str:
    """A text that fits beside its mark, without its middle if it is too long: names often differ at their ends.

    Parameters
    ----------
    text : to be shortened.
    mark : added unchanged.
    room : in signs.
    """
    most = max(8, int(room) - len(mark))
    end = most // 2
    return (text if len(text) <= most else f"{text[: most - end - 1]}…{text[len(text) - end :]}") + mark
