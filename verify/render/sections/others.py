"""The caller's own lines of evidence."""

from __future__ import annotations

from ...claim import ClaimReport
from ...statistics import EstimateResult, ExactResult, PanelResult, Result, ScoreResult, words_of
from ..escape import Code, Inline
from ..numbers import count, general, log10, share
from ..page import Block, Heading, Paragraph, table


def own_lines(report: ClaimReport) -> list[Block]:
    """Each line with its results: a calibrated score, an estimate with its interval, or a test."""
    blocks: list[Block] = []
    for line in report.own_lines:
        level: Inline = "" if line.alpha is None else (", level ", general(line.alpha))
        blocks += [
            Heading(("Evidence of ", Code(line.line))),
            Paragraph((report.say(line.asked), ". log10 p = ", log10(line.log10_p), *level, ".")),
            table("Its results", ("result", "what it is", "value", "log10 p"), map(_row, line.results)),
        ]
    return blocks


def _row(result: Result) -> tuple[Inline, ...]:
    return Code(result.id), words_of(result).title, _value(result), log10(result.log10_p)


def _value(result: Result) -> Inline:
    match result:
        case ExactResult():
            return ("count ", count(result.statistic or 0))
        case PanelResult():
            return ("score ", share(result.score))
        case ScoreResult():
            return (
                "score ",
                share(result.score),
                ", reached by ",
                count(result.exceedances),
                " of ",
                count(result.n),
            )
        case EstimateResult():
            return (
                *(
                    result.quantity,
                    " ",
                    share(result.estimate),
                    ", ",
                    general(100 * (result.confidence or 0.0)),
                    "% interval ",
                ),
                *(share(result.low), " to ", share(result.high)),
            )
