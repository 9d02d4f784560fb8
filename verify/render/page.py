"""The page model that every format is rendered from: sections of paragraphs, lists, tables and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .kinds import Code, Inline, Number

if TYPE_CHECKING:
    from ..claim.answer import Answer
    from ..claim.pages import Pages


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: Inline
    kind: str = "heading"


@dataclass(frozen=True)
class Paragraph:
    """One or more sentences."""

    text: Inline
    kind: str = "paragraph"


@dataclass(frozen=True)
class Items:
    """A list, numbered where ``ordered``."""

    items: tuple[Inline, ...]
    ordered: bool = False
    kind: str = "items"


@dataclass(frozen=True)
class Table:
    """Cells and column headers; columns of numbers are right-aligned."""

    caption: Inline
    columns: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[Inline, ...], ...]
    kind: str = "table"


@dataclass(frozen=True)
class Picture:
    """A figure, with a text that states its numbers."""

    name: str
    title: str
    alt: str
    caption: str
    """What is said under it where it is seen; the text is for where it is not."""
    kind: str = "picture"


Block = Heading | Paragraph | Items | Table | Picture


@dataclass(frozen=True)
class Section:
    """A titled part of the page."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class View:
    """The whole page."""

    title: str
    subject: Inline
    """What the page is about: the names of A and B, and when it was made."""
    answer: Answer
    pictures: tuple[Picture, ...]
    """Shown under the answer."""
    sections: tuple[Section, ...]
    digest: str

    @property
    def short(self) -> str:
        """The digest's beginning, for the foot of every page."""
        return self.digest[:23]


def table(caption: Inline, columns: Sequence[str], rows: Iterable[tuple[Inline, ...]]) -> Table:
    """A table whose columns of numbers are right-aligned.

    Parameters
    ----------
    caption : what the table shows.
    columns : headers.
    rows : cells, as many in each row as there are headers.

    Returns
    -------
    Table
        The table.
    """
    kept = tuple(rows)
    numbers = tuple(all(isinstance(row[i], Number) for row in kept) for i in range(len(columns)))
    return Table(caption, tuple(columns), numbers, kept)


def subject(report: Pages) -> Inline:
    """The names of the models with the letters that stand for them, and the day of the report."""
    (letter, first), *others = report.labelled
    named = (part for label, name in others for part in (", ", Code(name), f" ({label})"))
    return (Code(first), f" ({letter}) compared with ", *[*named][1:], ", ", report.created[:10])


def filled(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Blocks without empty tables and lists."""
    return tuple(
        block
        for block in blocks
        if not ((isinstance(block, Table) and not block.rows) or (isinstance(block, Items) and not block.items))
    )


def listed(names: Iterable[str]) -> tuple[str, ...]:
    """Names with commas between."""
    parts = [part for name in names for part in (", ", Code(name))]
    return tuple(parts[1:])
