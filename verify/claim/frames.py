"""Rows of a report for a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..statistics import ExactResult, TestResult

if TYPE_CHECKING:
    from .report import ClaimReport


def of_tests(report: ClaimReport) -> list[dict[str, Any]]:
    """One row for each test: its count with the smallest p-value, its effect, and its p-values."""
    return [_row(line.line, result, report) for line in report.evidence for result in line.results]


def of_layers(report: ClaimReport) -> list[dict[str, Any]]:
    """One row for each pair of layers and test with localisation."""
    return [
        {"test": result.id} | row.model_dump()
        for result in report.results
        if isinstance(result, ExactResult)
        for row in result.by_layer
    ]


def _row(line: str, result: TestResult, report: ClaimReport) -> dict[str, Any]:
    row: dict[str, Any] = {
        "test": result.id,
        "line": line,
        "applicable": result.applicable,
        "statistic": None,
        "n": None,
        "groups": None,
        "expected": None,
        "effect": None,
        "log10_p": result.log10_p,
        "adjusted_log10_p": result.adjusted_log10_p,
        "attainable_log10_p": result.attainable_log10_p,
        "detectable_share": None,
        "reason": None if result.reason is None else report.say(result.reason),
    }
    if isinstance(result, ExactResult) and result.counts:
        best = min(result.counts, key=lambda count: count.log10_p)
        row |= {
            "statistic": best.count,
            "n": best.n,
            "groups": best.groups,
            "expected": result.expected,
            "effect": None if result.effect is None else result.effect.share,
            "detectable_share": result.detectable_share,
        }
    elif (score := getattr(result, "score", None)) is not None:
        row["statistic"] = score
    return row
