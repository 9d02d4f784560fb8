"""Hostile text made inert: model names come from strangers."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120  # characters shown of any text that came from outside

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$&^=:@/])")


def plain(text: str) -> str:
    """One line, without control, formatting (bidirectional) or private characters, shortened."""
    kept = "".join(
        c if c.isprintable() and unicodedata.category(c) not in ("Cf", "Co") else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )
    return kept if len(kept) <= LONGEST else kept[: LONGEST - 1] + "…"


def markdown_text(text: str) -> str:
    r"""Text that no Markdown renderer takes for markup, link, HTML or mathematics.

    Examples
    --------
    >>> markdown_text("![x](http://y)")
    '\\!\\[x\\]\\(http\\:\\/\\/y\\)'
    """
    return _MARKDOWN.sub(r"\\\1", plain(text))
