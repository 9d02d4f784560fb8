"""``python -m benchmarks.panel_table``: what the panel statistics are worth, on the zoo and by simulation.

Ranks models on which no panel statistic was designed (``zoo/fingerprints``: held-out strangers of the panel's own
scale, and the zoo at scale ``standard``) against the shipped panel, beside the threshold that a statistic's paper
publishes, and writes ``tables/panel.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.stats import beta

import verify
from verify.inference import disjoint_pairs, pair_design, rank
from verify.panel import ALL_PAIRS, PanelEvidence, evaluate, load_panel
from verify.statistics import PANEL_STATISTICS, Rung, TestResult

from .zoo.build import HELD_OUT, ZOO
from .zoo.ship import FINGERPRINTS

TABLE = Path(__file__).parent / "tables" / "panel.md"
STRANGERS = {
    "Strangers of the panel's own strata": list(HELD_OUT.models),
    "Strangers of a configuration that the panel lacks": ["reference", *(f"stranger-{n}" for n in range(1, 10))],
}
PUBLISHED = {"spread_correlation": (0.7, 0.927)}
"""Lines drawn by a statistic's own authors: .7 in the analysis of 2025, which claimed .927."""
LEVELS = (0.05, 0.01)
ARRAYS = 20_000


def main() -> None:
    """Evaluate, simulate and write the table."""
    panel = load_panel("default")
    assert panel is not None
    names = [*ZOO.models, *HELD_OUT.models]
    prints = {name: verify.Fingerprint.load(FINGERPRINTS / f"{name}.safetensors") for name in names}
    strangers = {
        title: {(a, b): evaluate(panel, prints[a], prints[b]) for a, b in combinations(group, 2)}
        for title, group in STRANGERS.items()
    }
    kinds = {
        name: evaluate(panel, prints[name], prints[ZOO.reference])
        for name, spec in ZOO.models.items()
        if ZOO.reference_of(name) == ZOO.reference != name
        and spec.get("architecture") != "gpt2"
        and not name.startswith("stranger-")
    }
    lines = [
        "# Panel statistics: size and power",
        "",
        f"Panel `{panel.record.name}` {panel.record.version}, {panel.digest} (`python -m benchmarks.panel_table`).",
        "",
        "All strangers of this page are of the panel's own maker, trainer and corpora, which flatters every",
        "statistic; those of other corpora and of another maker are in [panel_strangers.md](panel_strangers.md).",
        "",
        *(line for title, found in strangers.items() for line in _size(title, STRANGERS[title], found)),
        *_power(kinds),
        *_simulated(),
    ]
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")


def _size(title: str, names: list[str], found: dict[tuple[str, str], PanelEvidence]) -> list[str]:
    disjoint = [(names[min(pair)], names[max(pair)]) for pair in disjoint_pairs(names)]
    lines = [
        f"## {title}",
        "",
        f"Share of pairs of {len(names)} strangers that are called related, with 95% Clopper-Pearson intervals: over",
        "all pairs (which share models, so this interval is too narrow) and over disjoint pairs. `p` is the larger",
        "of the ranks by raw score and by residual, over the number of all pairs; that of a verdict is over those of",
        "the claim's own kind, and no smaller. Only the disputed statistic comes with a published line for what is",
        "computed here; the papers of the others draw none, or draw it for another quantity.",
        "",
        f"| statistic | rule | all {len(found)} pairs | {len(disjoint)} disjoint pairs |",
        "|---|---|---:|---:|",
    ]
    for at, statistic in enumerate(PANEL_STATISTICS):
        results = {pair: evidence.results[at] for pair, evidence in found.items()}
        rules = [(f"published: score >= {line:g}", "score", line) for line in PUBLISHED.get(statistic.id, ())]
        rules += [(f"p <= {level:g}", "p", level) for level in LEVELS]
        for text, what, line in rules:
            called = {
                pair: result.score >= line if what == "score" else all_pairs(result) <= line
                for pair, result in results.items()
            }
            cells = [interval([called[pair] for pair in which]) for which in (called, disjoint)]
            lines.append(f"| {statistic.id} | {text} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _power(found: dict[str, PanelEvidence]) -> list[str]:
    smallest = min(1 / _whole(result).size for evidence in found.values() for result in evidence.results)
    lines = [
        "## Derivations found",
        "",
        "p of each statistic for models of the zoo at scale `standard` against the reference (larger pair rank),",
        "bold where at most .01, which is no verdict here, as the panel holds no model of their depth; for the",
        f"disputed statistic also its score. The smallest p that this panel can give is {smallest:.4f}.",
        "",
        "| model | " + " | ".join(statistic.id for statistic in PANEL_STATISTICS) + " | disputed score |",
        "|---|" + "---:|" * (len(PANEL_STATISTICS) + 1),
    ]
    for name, evidence in found.items():
        cells = []
        for result in evidence.results:
            p = all_pairs(result)
            cells.append(f"**{p:.4f}**" if p <= 0.01 else f"{p:.3f}")
        score = next(result.score for result in evidence.results if result.id == "spread_correlation")
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {score:.3f} |")
    return [*lines, ""]


def all_pairs(result: TestResult) -> float:
    """The larger rank over the number of all pairs."""
    whole = _whole(result)
    return whole.rank / whole.size


def _whole(result: TestResult) -> Rung:
    return next(rung for rung in result.rungs if rung.design == ALL_PAIRS)


def _simulated() -> list[str]:
    """Size of the raw and the residual pair rung on simulated scores with hub effects."""
    members, rng = 28, np.random.default_rng(0)
    design, n = pair_design(members + 2), members + 2
    lines = [
        "## Size by simulation",
        "",
        f"{ARRAYS} arrays of independent Gaussian scores of A, B and {members} members, plus h_i + h_j;",
        "share of claims rejected (two standard errors of a rate equal to the level in brackets). The raw rung is",
        "valid only if A and B are as likely to be hubs as anybody.",
        "",
        "| hub effects | rung | "
        + " | ".join(f"p <= {a:g} ({2 * (a * (1 - a) / ARRAYS) ** 0.5:.4f})" for a in LEVELS)
        + " |",
        "|---|---|" + "---:|" * len(LEVELS),
    ]
    for name, hub in (("none", 0.0), ("of every model, sd 1", 1.0), ("planted in A and B, 1.25 each", None)):
        rejected = np.zeros((2, len(LEVELS)))
        for _ in range(ARRAYS):
            h = rng.standard_normal(n) * hub if hub is not None else np.r_[1.25, 1.25, np.zeros(members)]
            noise = rng.standard_normal((n, n))
            scores = np.triu(noise + h[:, None] + h, 1)
            scores = scores + scores.T
            for row, residual in enumerate((False, True)):
                p = 10 ** rank(scores, design, residual=residual).log10_p
                rejected[row] += [p <= level + 1e-12 for level in LEVELS]
        for row, rung in enumerate(("raw", "residual")):
            lines.append(f"| {name} | {rung} | " + " | ".join(f"{x:.4f}" for x in rejected[row] / ARRAYS) + " |")
    return lines


def interval(called: Sequence[bool]) -> str:
    """A share with its 95% Clopper-Pearson interval."""
    k, n = sum(called), len(called)
    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    return f"{k / n:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
