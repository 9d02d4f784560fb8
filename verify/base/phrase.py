"""A statement as data: a code and values. ``verify.wording`` turns it into a sentence when a page is rendered."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .record import Record

Value = bool | int | float | str | None
"""Values of a phrase. Models are ``"A"`` and ``"B"``, never their names, which are untrusted."""


class Phrase(Record):
    """A reason, a note or a caveat: facts without words.

    Examples
    --------
    >>> Phrase.of("width", a=64, b=128).values
    {'a': 64, 'b': 128}
    """

    code: str
    """Key of the sentence in the catalogue (``verify.wording``)."""
    values: dict[str, Value | list[str | Phrase] | Phrase] = Field(default={})
    """Values of the sentence's fields, by name."""

    def __hash__(self) -> int:
        return hash((self.code, *sorted(self.values)))  # values may hold lists, which have no hash

    @staticmethod
    def of(code: str, **values: Any) -> Phrase:
        """Make a phrase from a code and its values."""
        return Phrase(code=code, values=values)

    @staticmethod
    def quoted(text: str) -> Phrase:
        """Words outside the catalogue: those of a user's own statistic, or of a report of an older schema."""
        return Phrase(code="quoted", values={"text": text})
