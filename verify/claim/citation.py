"""The citation of a report, and what its makers state for it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated

from pydantic import StringConstraints

from ..base import Record, options
from ..base.card import Card

_URL = r"^https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{0,2000}$"
Author = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Url = Annotated[str, StringConstraints(pattern=_URL)]
"""An address of the web, in the characters that RFC 3986 allows."""
_MOST_AUTHORS = 1000


class Citation(Record):
    """How to cite the report; derived from the rest, and outside the digest."""

    identifier: str
    """``verify:`` and the first 16 hexadecimal digits of the digest."""
    text: str
    """In the style of the APA."""
    bibtex: str
    cff: str
    """Citation File Format 1.2.0."""

    def _card(self) -> Card:
        return Card(self.text)


def stated_authors(authors: Collection[str]) -> tuple[str, ...]:
    """Authors as a report records them.

    Raises
    ------
    InputError
        If one is empty, too long, or not on one line.
    """
    found = options.texts("authors", authors)
    if len(found) > _MOST_AUTHORS:
        options.refuse("authors", f"a list of {len(found)}", f"at most {_MOST_AUTHORS}")
    for author in found:
        if not (author.strip() == author and author.isprintable() and 0 < len(author) <= 200):
            options.refuse("an author", author, 'a name on one line, such as "Family, Given" or "A Laboratory"')
    return found


def stated_url(url: str | None) -> str | None:
    """An address as a report records it.

    Raises
    ------
    InputError
        If it is none of the web.
    """
    if url is not None and not re.fullmatch(_URL, options.text("url", url)):
        options.refuse("url", url, "an address that begins with https:// and is written without spaces")
    return url
