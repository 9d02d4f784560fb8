"""Rows of a report for a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.card import flat
from ..statistics import ExactResult
from ..statistics.results import row
from ..wording.forms import capital
from .answer import looked_at

if TYPE_CHECKING:
    from .report import ClaimReport


def of_tests(report: ClaimReport) -> list[dict[str, Any]]:
    """One row for each test: its line of evidence, its count with the smallest p-value, its effect, and p-values."""
    return [{"line": line.line} | row(result) for line in report.evidence for result in line.results]


def of_counts(report: ClaimReport) -> list[dict[str, Any]]:
    """One row for each count of an exact test, in words, as on the first page."""
    return [
        {
            "looked at": capital(report.say(found.what)) + (f" ({found.count.part})" if found.count.part else ""),
            "agree": found.count.count,
            "of": found.count.n,
            "by chance": f"{found.expected:g}" if found.count.law == "signs" else f"at most {found.expected:g}",
            "log10 p": found.count.log10_p,
        }
        for found in looked_at(report)
    ]


def of_layers(report: ClaimReport) -> list[dict[str, Any]]:
    """One row for each pair of layers and test with localisation."""
    return [
        {"test": result.id} | flat(layer)
        for result in report.results
        if isinstance(result, ExactResult)
        for layer in result.by_layer
    ]
