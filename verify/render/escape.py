"""Hostile text made inert: model names come from strangers."""

from __future__ import annotations

import re
import unicodedata

NAME, SENTENCE = 120, 2000  # characters shown of a name, and of a sentence that may hold names

_MARKUP = re.compile(r"([\\`*{}\[\]<>|~$&@]|(?<!\w)_|_(?!\w)|:(?=/)|(?<=www)\.)", re.IGNORECASE)


def plain(text: str, longest: int) -> str:
    """One line, without control, formatting (bidirectional) or private characters, shortened."""
    kept = "".join(
        c if c.isprintable() and unicodedata.category(c) not in ("Cf", "Co") else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def markdown_text(text: str) -> str:
    r"""A sentence, not at the start of a line, that no renderer takes for markup, link, HTML or mathematics.

    Examples
    --------
    >>> markdown_text("see ![x](http://y), www.z")
    'see !\\[x\\](http\\://y), www\\.z'
    """
    return _MARKUP.sub(r"\\\1", plain(text, SENTENCE))


def markdown_name(text: str) -> str:
    r"""A name as a code span, inside which only the backtick, and in tables the bar, mean anything.

    Examples
    --------
    >>> markdown_name("a_`b`|<i>")
    "`a_'b'¦<i>`"
    """
    return f"`{plain(text, NAME).replace('`', chr(39)).replace('|', '¦') or ' '}`"
