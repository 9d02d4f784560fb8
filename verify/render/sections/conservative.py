"""The p-value that is valid under either set of assumptions, and bounds on the panel result."""

from __future__ import annotations

from ...claim import ClaimReport
from ...wording.forms import at_most, verbal_cap
from ..kinds import Inline, Number
from ..numbers import count, log10, share
from ..page import Block, Heading, Items

_MEMBERS = (
    " disjoint pairs of members reach the score of A and B",
    ", so unrelated models drawn like the members reach it",
)
_TWINS = (
    " recipes (those that share initial weights or relatives count once) have twins as alike as A and B, beyond "
    "each model's own level",
    ", so twins of a recipe drawn like these are",
)


def conservative(report: ClaimReport) -> list[Block]:
    """The larger of both p-values, the bound on false matches, and the sensitivity to unequal selection."""
    use, items = report.panel, list[Inline]()
    if report.robust_log10_p is not None:
        items.append(
            (
                "Conservative value: log10 p = ",
                log10(report.robust_log10_p),
                ", the larger of the exact (",
                log10(report.log10_p),
                ") and the panel value (",
                log10(report.panel_log10_p),
                "): valid if either set of assumptions holds.",
            )
        )
    if use and use.false_match:
        match = use.false_match
        among, rest = _TWINS if use.recipes else _MEMBERS
        items.append(
            (
                "Guaranteed bound: ",
                count(match.exceedances),
                " of ",
                count(match.pairs),
                among,
                rest,
                " with a probability of at most ",
                Number(at_most(match.bound)),
                " (95% confidence). Words this supports at most: ",
                verbal_cap(match.bound),
                ".",
            )
        )
    if use and use.critical_odds_ratio is not None:
        gamma = use.critical_odds_ratio
        items.append(
            (
                "Sensitivity: Gamma* = ",
                share(gamma),
                "; the panel result ",
                "would be overturned only if pairs like this one were at least that many times as likely (odds) to "
                "be chosen for testing as other unrelated pairs."
                if gamma > 1
                else "does not reach the level.",
            )
        )
    return [Heading("How strong at most"), Items(tuple(items))] if items else []
