"""Markdown tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 112
"""Characters of a line of prose."""
RULES = {"l": "---", "r": "---:"}


def table(align: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a table.

    Parameters
    ----------
    align : str
        ``l`` or ``r`` for each column; the last letter stands for all columns that follow.
    header : sequence of str
    rows : iterable of sequences
        Cells are written by ``str``; None is an empty cell.

    Raises
    ------
    ValueError
        If a row has another number of cells than the header.
    """
    align += align[-1] * (len(header) - len(align))
    lines = [_line(header), "|" + "|".join(RULES[letter] for letter in align) + "|"]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"A row has {len(row)} cells under {len(header)} headings: {row!r}.")
        lines.append(_line(["" if cell is None else str(cell) for cell in row]))
    return lines


def bold(text: str, when: bool) -> str:
    """The text, in bold when asked."""
    return f"**{text}**" if when else text


def page(*blocks: Sequence[str] | str) -> str:
    """A page of headings, paragraphs (which are wrapped) and tables, an empty line between them."""
    return "\n\n".join(_wrapped(block) if isinstance(block, str) else "\n".join(block) for block in blocks) + "\n"


def between(text: str, mark: str, lines: Iterable[str]) -> str:
    """The text with these lines between ``<!-- MARK -->`` and the next ``<!-- end -->``.

    Raises
    ------
    ValueError
        If the marks are not there.
    """
    start, end = f"<!-- {mark} -->\n", "<!-- end -->"
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"No {start.strip()} with {end} after it, so the table cannot be put there.")
    return before + start + "\n".join(lines) + "\n" + end + after


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
