"""The ranks of the pair in a panel."""

from __future__ import annotations

from ...base import Phrase
from ...claim import ClaimReport
from ...claim.evidence import PANEL
from ...panel import unlike
from ..escape import Code
from ..numbers import count, general, log10, share
from ..page import Block, Heading, Items, Paragraph, Picture, table
from .shown import shown


def _null(report: ClaimReport, design: str) -> str:
    return report.say(Phrase.of(f"design.{design}"))


def against_panel(report: ClaimReport, pictures: dict[str, Picture]) -> list[Block]:
    """The ranks of every panel statistic, and the designs of the primary one."""
    use, ranked, primary = report.panel, report.ranked, report.primary
    if use is None or not ranked:
        return []
    line, why_not = report.line(PANEL), unlike(use, report.searched)
    blocks: list[Block] = [
        Heading("Against the panel"),
        Paragraph(
            (
                Code(use.primary),
                ", by its design ",
                use.primary_design.replace("_", " "),
                ", was fixed in advance as the only panel test that may enter the verdict (level ",
                general(use.alpha),
                ").",
                *((" It does not here: ", report.say(why_not), ".") if why_not else ()),
            )
        ),
        table(
            "Panel statistics, each by that design",
            ("statistic", "score of A and B", "rank", "of", "log10 p", "smallest possible"),
            (
                (
                    Code(test.id),
                    share(test.score),
                    count(own.rank),
                    count(own.size),
                    log10(own.log10_p),
                    log10(own.attainable_log10_p),
                )
                for test in ranked
                for own in test.ranks
                if own.design == use.primary_design
            ),
        ),
    ]
    if primary is None or line is None:
        return blocks
    return [
        *blocks,
        *shown(pictures, "null"),
        table(
            ("The score of ", Code(primary.id), " ranked by every design"),
            ("design", "rank", "of", "log10 p", "smallest possible"),
            (
                (
                    entry.design.replace("_", " ") + (" (primary)" if entry.design == use.primary_design else ""),
                    count(entry.rank),
                    count(entry.size),
                    log10(entry.log10_p),
                    log10(entry.attainable_log10_p),
                )
                for entry in primary.ranks
            ),
        ),
        *shown(pictures, "designs"),
        Items(
            (
                *(
                    ("Null hypothesis of ", entry.design.replace("_", " "), ": ", _null(report, entry.design))
                    for entry in primary.ranks
                    if not entry.design.endswith(("_residual", "_larger"))
                ),
                "The residual designs test the same after removing each model's main effect (its average similarity "
                "to the other models); the larger of the two ranks is valid if either null hypothesis holds.",
                *(("Assumption: ", report.say(phrase)) for phrase in line.assumes),
            )
        ),
        *shown(pictures, "panel"),
    ]
