"""Identifiers of the headings and tables of a page, to which others may link."""

from __future__ import annotations

import re

from .kinds import Inline

_LONGEST = 60  # characters


class Anchors:
    """Makes distinct identifiers, those of one page: a text met again is numbered.

    Examples
    --------
    >>> anchor = Anchors()
    >>> anchor("How to check it"), anchor(("Counts, by ", "<b>")), anchor("How to check it")
    ('how-to-check-it', 'counts-by-b', 'how-to-check-it-2')
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, text: Inline) -> str:
        """The identifier for a text: its letters and digits, as far as ASCII has them."""
        words = re.findall("[a-z0-9]+", (text if isinstance(text, str) else "".join(text)).lower())
        first = name = "-".join(words)[:_LONGEST].strip("-") or "part"
        n = 1
        while name in self._taken:
            n += 1
            name = f"{first}-{n}"
        self._taken.add(name)
        return name
