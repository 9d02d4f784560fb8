"""A card: what a result shows of itself, as a few lines of text, and as a small piece of HTML for a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .plain import plain

Tone = Literal["grey", "red", "amber", "blue", "green", "violet"]
MOST_ROWS = 12
"""Rows of a table that a card shows."""
_LONGEST, _LONGEST_CELL = 2000, 64  # characters, the first of a sentence, of which no caveat may be cut
_EDGES: dict[Tone, str] = {
    "grey": "#808080",
    "red": "#d9534f",
    "amber": "#c07a10",
    "blue": "#3f83c8",
    "green": "#3b8f5a",
    "violet": "#a05fc0",
}
"""Colours of the left edge, each told from a white and from a black page; text has the colours of the page."""


@dataclass(frozen=True)
class Card:
    """A sentence, facts with labels and, in HTML, the first rows of a table.

    Values may be untrusted: they are made inert here, and shortened.
    """

    head: str
    facts: tuple[tuple[str, object], ...] = ()
    rows: tuple[Mapping[str, object], ...] = ()
    """The first of them are shown; all have the same keys."""
    tone: Tone = "grey"

    def text(self) -> str:
        """The sentence, and a line for each fact."""
        facts = [(plain(label, _LONGEST_CELL), shown(value, _LONGEST)) for label, value in self.facts]
        width = max((len(label) for label, _ in facts), default=0)
        lines = [f"{label:<{width}} {value}".rstrip() for label, value in facts]
        return "\n".join([plain(self.head, _LONGEST), *lines])

    def html(self) -> str:
        """The same, and the table, as one element that loads nothing and needs no style sheet."""
        edge = f"border-left: 4px solid {_EDGES[self.tone]}; padding-left: 12px"
        return (
            f'<div style="{edge}">\n<p style="margin: 0 0 6px"><strong>{_html(self.head, _LONGEST)}</strong>'
            f"</p>\n{self._facts()}{self._table()}</div>"
        )

    def _facts(self) -> str:
        cell = '<td style="text-align: left; white-space: normal">'
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">{_html(label, _LONGEST_CELL)}</th>'
            f"{cell}{_html(value, _LONGEST)}</td></tr>\n"
            for label, value in self.facts
        )
        return f'<table style="margin: 0"><tbody>\n{rows}</tbody></table>\n' if rows else ""

    def _table(self) -> str:
        if not self.rows:
            return ""
        first, more = self.rows[:MOST_ROWS], len(self.rows) - MOST_ROWS
        head = "".join(
            f'<th scope="col" style="text-align: {"left" if isinstance(value, str) else "right"}">'
            f"{_html(name, _LONGEST_CELL)}</th>"
            for name, value in first[0].items()
        )
        body = "".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>\n" for row in first)
        rest = f'<p style="margin: 4px 0 0">and {more} more</p>\n' if more > 0 else ""
        return (
            f'<table style="margin: 8px 0 0"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n{rest}'
        )


def shown(value: object, longest: int = _LONGEST_CELL) -> str:
    """A value in few characters, on one line.

    Examples
    --------
    >>> shown(None), shown(True), shown(0.1 + 0.2), shown(("a", 2)), shown(()), shown({1: 2})
    ('–', 'yes', '0.3', 'a, 2', '–', '1 value')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:z.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    if isinstance(value, tuple | list) and all(isinstance(one, str | int | float) for one in value):
        return plain(", ".join(shown(one) for one in value), longest) or "–"
    if isinstance(value, tuple | list | Mapping):
        return f"{len(value)} value{'' if len(value) == 1 else 's'}"
    return plain(str(value), longest)


def _cell(value: object) -> str:
    """A cell of a table: numbers at the right, as a notebook has them, and texts at the left."""
    left = ' style="text-align: left"' if isinstance(value, str) else ""
    return f"<td{left}>{_html(value, _LONGEST_CELL)}</td>"


def _html(value: object, longest: int) -> str:
    from html import escape

    return escape(shown(value, longest), quote=False)


def flat(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The fields that are one value each, as a row of a frame; containers and records are left out."""
    return {name: value for name, value in fields if value is None or isinstance(value, bool | int | float | str)}
