"""``panel.md``: size and power of the panel statistics."""

from __future__ import annotations

from typing import Any

from .interval import interval
from .markdown import bold, page, table


def panel(found: dict[str, Any]) -> str:
    """The page."""
    shipped, derived = found["panel"], found["derivations"]
    comparisons = derived["comparisons"]
    return page(
        "# Panel statistics: size and power",
        f"Panel `{shipped['name']}` {shipped['version']}, {shipped['digest']} (`python -m benchmarks.panel_table`).",
        "All strangers of this page are of the panel's own maker, trainer and corpora, which flatters every "
        "statistic; those of other corpora and of another maker are in [panel_strangers.md](panel_strangers.md).",
        *(block for population in found["strangers"] for block in _size(population)),
        "## Derivations found",
        "p of each statistic for models of the zoo at scale `standard` against the reference (larger pair rank), "
        "bold where at most .01, which is no verdict here, as the panel holds no model of their depth; for the "
        f"disputed statistic also its score. The smallest p that this panel can give is {1 / comparisons:.4f}.",
        _power(derived),
        *_simulated(found["simulation"]),
    )


def hubs(row: dict[str, Any]) -> str:
    """The hub effects of a row of the simulation, in words."""
    return {
        "none": "none",
        "every": f"of every model, sd {row['size']:g}",
        "planted": f"planted in A and B, {row['size']:g} each",
    }[row["hubs"]]


def p_text(p: float) -> str:
    """A p-value, bold where it is at most .01."""
    return bold(f"{p:.4f}", True) if p <= 0.01 else f"{p:.3f}"


def error(level: float, draws: int) -> float:
    """Two standard errors of a rate that equals its level."""
    return float(2 * (level * (1 - level) / draws) ** 0.5)


def _size(population: dict[str, Any]) -> list[str | list[str]]:
    pairs, disjoint = population["pairs"], population["disjoint"]
    rows = [
        [
            row["statistic"],
            f"published: score >= {row['line']:g}" if row["by"] == "score" else f"p <= {row['line']:g}",
            interval(row["called"], pairs),
            interval(row["called_disjoint"], disjoint),
        ]
        for row in population["rows"]
    ]
    return [
        f"## {population['title']}",
        f"Share of pairs of {population['strangers']} strangers that are called related, with 95% Clopper-Pearson "
        "intervals: over "
        "all pairs (which share models, so this interval is too narrow) and over disjoint pairs. `p` is the larger "
        "of the ranks by raw score and by residual, over the number of all pairs; that of a verdict is over those of "
        "the claim's own kind, and no smaller. Only the disputed statistic comes with a published line for what is "
        "computed here; the papers of the others draw none, or draw it for another quantity.",
        table("llr", ["statistic", "rule", f"all {pairs} pairs", f"{disjoint} disjoint pairs"], rows),
    ]


def _power(derived: dict[str, Any]) -> list[str]:
    statistics, comparisons = derived["statistics"], derived["comparisons"]
    rows = [
        [
            row["model"],
            *(p_text(row["ranks"][statistic] / comparisons) for statistic in statistics),
            f"{row['disputed_score']:.3f}",
        ]
        for row in derived["models"]
    ]
    return table("lr", ["model", *statistics, "disputed score"], rows)


def _simulated(simulation: dict[str, Any]) -> list[str | list[str]]:
    arrays, levels = simulation["arrays"], simulation["levels"]
    rows = [
        [hubs(row), row["rung"], *(f"{count / arrays:.4f}" for count in row["rejected"])]
        for row in simulation["rows"]
    ]
    return [
        "## Size by simulation",
        f"{arrays} arrays of independent Gaussian scores of A, B and {simulation['members']} members, plus h_i + "
        "h_j; share of claims rejected (two standard errors of a rate equal to the level in brackets). The raw "
        "rung is valid only if A and B are as likely to be hubs as anybody.",
        table("llr", ["hub effects", "rung", *(f"p <= {a:g} ({error(a, arrays):.4f})" for a in levels)], rows),
    ]
