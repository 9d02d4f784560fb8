"""A report in few words: a card, and rows for a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.card import Card, flat
from ..statistics import ExactResult
from ..statistics.results import row
from ..wording.forms import probability
from .evidence import RESERVED

if TYPE_CHECKING:
    from .report import ClaimReport


def card(report: ClaimReport) -> Card:
    """Models, finding, p-values, tests that apply, and digest."""
    strength = [
        f"{line.line}: {probability(line.log10_p)} (level {line.alpha:g})"
        for line in report.evidence
        if line.line in RESERVED and line.log10_p is not None and line.alpha is not None
    ]
    applied = [result.id for result in report.results if result.applicable]
    facts = (
        ("finding", report.finding),
        ("strength", "; ".join(strength) or "no p-value"),
        ("tests", ", ".join(applied) or "none"),
        ("report", f"{report.citation.identifier}, made {report.created}"),
    )
    return Card(f"A {report.a.name!r:.100} and B {report.b.name!r:.100}: {report.verdict}", facts)


def of_tests(report: ClaimReport) -> list[dict[str, Any]]:
    """One row for each test: its line of evidence, its count with the smallest p-value, its effect, and p-values."""
    return [{"line": line.line} | row(result) for line in report.evidence for result in line.results]


def of_layers(report: ClaimReport) -> list[dict[str, Any]]:
    """One row for each pair of layers and test with localisation."""
    return [
        {"test": result.id} | flat(layer)
        for result in report.results
        if isinstance(result, ExactResult)
        for layer in result.by_layer
    ]
