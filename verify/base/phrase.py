"""Something to be said, as data: a code and what fills it. Sentences are made of it when a page is (``wording``)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .record import Record

Value = bool | int | float | str | None
"""What fills a phrase. A model is named as ``"A"`` or ``"B"``, never by its name, which a stranger chose."""


class Phrase(Record):
    """A reason, a note or a caveat: facts without words.

    Examples
    --------
    >>> Phrase.of("width", a=64, b=128).values
    {'a': 64, 'b': 128}
    """

    code: str
    """What is said; every version of the catalogue (``verify.wording``) has a sentence for it."""
    values: dict[str, Value | list[str | Phrase] | Phrase] = Field(default={})
    """What fills the sentence, by name."""

    def __hash__(self) -> int:
        return hash((self.code, *sorted(self.values)))  # values may hold lists, which have no hash

    @staticmethod
    def of(code: str, **values: Any) -> Phrase:
        """A phrase of a code and its values."""
        return Phrase(code=code, values=values)

    @staticmethod
    def quoted(text: str) -> Phrase:
        """Words that no catalogue has: of a user's own statistic, or of a file of an older schema."""
        return Phrase(code="quoted", values={"text": text})
