"""The sentences of a statistic, and the lookup of those of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Record

if TYPE_CHECKING:
    from .result import TestResult


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


def words_of(result: TestResult) -> Words:
    """The words of a result's statistic: its own, else those registered under its id, else neutral ones.

    Examples
    --------
    >>> from verify.statistics import ExactResult
    >>> words_of(ExactResult(id="unit_identity", version=1, applicable=False)).title
    'Hidden units at the same index, by weights'
    >>> words_of(ExactResult(id="tomorrow", version=1, applicable=False)).title
    'tomorrow (not known to this version)'
    """
    from . import EXACT_TESTS, PANEL_STATISTICS  # the registry holds statistics, which import this file
    from .earlier import EARLIER

    if result.words is not None:
        return result.words
    known = {(test.id, test.version): test.words for test in EXACT_TESTS}
    known |= {(one.id, one.version): one.words for one in PANEL_STATISTICS}
    known |= {version: earlier.words for version, earlier in EARLIER.items()}
    if (result.id, result.version) in known:
        return known[result.id, result.version]
    unknown = "This version of verify does not know the statistic; its null hypothesis is stated where it was made."
    return Words(
        title=f"{result.id} (not known to this version)", null=unknown, assumptions=(), survives="", blind_to=""
    )
