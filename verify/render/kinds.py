"""Kinds of text that a page shows, each of which a format sets in its own way."""

from __future__ import annotations


class Code(str):
    """An identifier, a name or a digest: set in a fixed-width font, and shortened."""


class Command(Code):
    """A command, which is set like code, and whole: it is to be run."""


class Number(str):
    """A number, already formatted."""


Inline = str | tuple[str, ...]
"""A sentence: text, identifiers and numbers in turn."""
