"""From p-values to one of five words, by levels fixed before anything is seen."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Literal

from ..inference import holm, smallest
from ..statistics import TestResult

Verdict = Literal["identical", "dependent", "similar_beyond_panel", "no_evidence", "untestable"]


def combine(results: Sequence[TestResult]) -> tuple[list[TestResult], float | None]:
    """Holm-adjusted results, and log10 p of "no test's null hypothesis is false".

    The number of tests is the number that apply, which was fixed by the architectures alone.
    None where no test applies.
    """
    values = [result.log10_p for result in results if result.log10_p is not None]
    if not values:
        return list(results), None
    adjusted = iter(holm(values))
    combined = [
        result if result.log10_p is None else result.model_copy(update={"adjusted_log10_p": next(adjusted)})
        for result in results
    ]
    return combined, smallest(values)


def decide(results: Sequence[TestResult], log10_p: float | None, alpha: float) -> Verdict:
    """The verdict of the exact tests at level ``alpha``.

    ``untestable`` also where no test could have rejected, whatever the data: then a p-value above
    the level says nothing.
    """
    level = log10(alpha)
    attainable = [r.attainable_log10_p for r in results if r.attainable_log10_p is not None]
    if log10_p is None or log10(len(attainable)) + min(attainable) > level:
        return "untestable"
    return "dependent" if log10_p <= level else "no_evidence"
