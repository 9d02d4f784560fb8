"""A member of a panel that a claim is not ranked among."""

from __future__ import annotations

from ..base import Phrase, Record


class Dropped(Record):
    """A member of the panel that a claim is not ranked among."""

    name: str
    reason: Phrase
    """The reason, which is never a score."""
