"""By when either model existed: each piece of dated evidence, how it was checked, and what it does not show."""

from __future__ import annotations

from ...claim import ClaimReport
from ...claim.said_of_dates import covers, how, limits, shown
from ...wording import said
from ..kinds import Code
from ..page import Block, Items, Paragraph, table


def dates(report: ClaimReport) -> list[Block]:
    """The dates of the models and the evidence; nothing where none was given."""
    if not report.dated:
        return []
    rows = [
        (
            one.model.upper(),
            shown(one.time),
            "checked" if one.checked else "stated",
            Code(one.who),
            ", and ".join(said(covers(report, one), version=report.wording)),
            report.say(how(one)),
        )
        for one in report.dated
    ]
    columns = ("model", "existed by", "status", "who says so", "covers", "how that is known")
    return [
        Paragraph(report.dates_in_words),
        table("Dated evidence", columns, rows),
        Items(tuple(said(limits(report), version=report.wording))),
    ]
