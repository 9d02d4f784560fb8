"""The caller's own lines of evidence."""

from __future__ import annotations

from ...claim import ClaimReport
from ...statistics import EstimateResult, ExactResult, PanelResult, Result, ScoreResult
from ..kinds import Code, Inline
from ..numbers import count, general, log10, share
from ..page import Block, Heading, Items, Paragraph, table


def own_lines(report: ClaimReport) -> list[Block]:
    """Each line with its results: a calibrated score, an estimate with its interval, or a test."""
    blocks: list[Block] = []
    for line in report.own_lines:
        level: Inline = "" if line.alpha is None else (", level ", general(line.alpha))
        blocks += [
            Heading(("Evidence of ", Code(line.line))),
            Paragraph((f"Asked: {report.say(line.asked)}",)),
            *(
                [Items(tuple(("Assumption: ", report.say(phrase)) for phrase in line.assumes))]
                if line.assumes
                else []
            ),
            Paragraph(("log10 p = ", log10(line.log10_p), *level, ".")),
            table(
                "Its results",
                ("result", "what it is", "value", "log10 p"),
                (_row(report, one) for one in line.results),
            ),
        ]
    return blocks


def _row(report: ClaimReport, result: Result) -> tuple[Inline, ...]:
    title = "not described" if result.words is None else result.words.title
    value = _value(result)
    if not result.applicable:
        value = report.say(result.reason) if result.reason else "does not apply"
    return Code(result.id), title, value, log10(result.log10_p)


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
        case EstimateResult() if result.estimate is None or result.confidence is None:
            return "no estimate"
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
