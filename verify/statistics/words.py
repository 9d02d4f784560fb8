"""The sentences of a statistic."""

from __future__ import annotations

from ..base import Record


class Words(Record):
    """The sentences of one statistic."""

    title: str
    null: str
    """The null hypothesis."""
    assumptions: tuple[str, ...]
    """Assumptions under which the p-value is valid."""
    survives: str
    """Changes of a checkpoint after which the statistic still detects a relation."""
    blind_to: str
    """Changes of a checkpoint that hide a relation from it."""
