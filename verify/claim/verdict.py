"""From p-values to one of five words, by levels fixed before anything is seen."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Literal

from ..inference import bonferroni_min, holm
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
    return combined, bonferroni_min(values)


def decide(
    results: Sequence[TestResult],
    log10_p: float | None,
    alpha: float,
    *,
    primary: TestResult | None = None,
    panel_log10_p: float | None = None,
    panel_alpha: float = 0.01,
    n_searched: int = 1,
    parts: int = 1,
) -> Verdict:
    """The verdict, by levels fixed before anything was seen.

    Parameters
    ----------
    results, log10_p : the exact tests and their family-wise log10 p, at level ``alpha``.
    primary, panel_log10_p : the primary panel test and its log10 p, at level ``panel_alpha``; None without a panel
        that holds enough members like the two models (:func:`verify.panel.unlike`).
    n_searched : pairs that were searched; both p-values have paid for them.
    parts : pairs of parts that exact tests apply to; log10_p has paid for them.

    Under the assumptions printed with each test, the chance of ``dependent`` for strangers is at most ``alpha``, and
    that of ``similar_beyond_panel`` at most ``panel_alpha``. The panel's assumption, that the two are exchangeable
    with the members of their own stratum and declared corpus, rests on what is declared. ``untestable`` also where no
    test could have rejected, for want of indices that are live in both models: then a p-value above the level says
    nothing.
    """
    attainable = [r.attainable_log10_p for r in results if r.attainable_log10_p is not None]
    if log10_p is not None and log10_p <= log10(alpha):  # of several parts, later steps of Holm's pay for fewer
        return "dependent"
    able = log10_p is not None and log10(len(attainable) * n_searched * parts) + min(attainable) <= log10(alpha)
    least = None if primary is None else primary.attainable_log10_p
    panel_able = least is not None and least + log10(n_searched) <= log10(panel_alpha)
    if panel_able and panel_log10_p is not None and panel_log10_p <= log10(panel_alpha):
        return "similar_beyond_panel"
    return "no_evidence" if able or panel_able else "untestable"
