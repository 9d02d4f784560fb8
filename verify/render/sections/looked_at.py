"""What was looked at: every count of the exact tests beside what chance gives, and all of them together."""

from __future__ import annotations

from math import log10

from ...claim import ClaimReport
from ...claim.answer import looked_at as counts_of
from ...wording.forms import capital, chance
from ..kinds import Inline, Number
from ..numbers import count, general
from ..page import Block, Paragraph, table


def looked_at(report: ClaimReport) -> list[Block]:
    """The table of counts in plain words, and their p-value together."""
    rows: list[tuple[Inline, ...]] = []
    for one in counts_of(report):
        what = capital(report.say(one.what))
        rows.append(
            (
                (what, *((" (", one.count.part, ")") if one.count.part else ())),
                count(one.count.count),
                count(one.count.n),
                general(one.expected),
                Number(chance(one.count.log10_p).removeprefix("less than ")),
            )
        )
    columns = ("looked at", "agree", "of", "by chance, on average at most", "chance of as many, at most")
    return [
        table("Inner parts that agree between A and B", columns, rows),
        *_together(report),
    ]


def _together(report: ClaimReport) -> list[Block]:
    """The p-value of all exact tests, with what it is multiplied by."""
    if report.log10_p is None:
        return [Paragraph("No exact test applies to these two models; the reasons are given below.")]
    return [
        Paragraph(
            (
                "Together: ",
                Number(chance(report.log10_p)),
                " (level ",
                Number(chance(log10(report.alpha))),
                "). ",
                report.multiplicity,
                " Of several counts of a test, the smallest p-value is multiplied by their number first.",
            )
        )
    ]
