"""``python -m benchmarks.panel_table``: what the panel statistics are worth, on the zoo and by simulation.

Ranks models on which no panel statistic was designed (``zoo/fingerprints``: held-out strangers of the panel's own
scale, and the zoo at scale ``standard``) against the shipped panel, beside the threshold that a statistic's paper
publishes, and writes ``tables/panel.json`` and its page.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

import verify
from verify.inference import disjoint_pairs, pair_design, rank
from verify.panel import ALL_PAIRS, PanelEvidence, evaluate, load_panel
from verify.statistics import PANEL_STATISTICS, SPREAD_CORRELATION, DesignRank, PanelResult

from .pages import publish
from .zoo.build import HELD_OUT, ZOO
from .zoo.ship import FINGERPRINTS

STRANGERS = {
    "own": ("Strangers of the panel's own strata", list(HELD_OUT.models)),
    "lacking": (
        "Strangers of a configuration that the panel lacks",
        ["reference", *(f"stranger-{n}" for n in range(1, 10))],
    ),
}
PUBLISHED = {"spread_correlation": (0.7, 0.927)}
"""Lines drawn by a statistic's own authors: .7 in the analysis of 2025, which claimed .927."""
LEVELS = (0.05, 0.01)
ARRAYS, MEMBERS = 20_000, 28
HUBS = (("none", 0.0), ("every", 1.0), ("planted", 1.25))
"""Hub effects simulated: which models have one, and its standard deviation or size."""


def main() -> None:
    """Evaluate, simulate, and write the results and the page."""
    panel = load_panel("default")
    assert panel is not None
    ranked = {kept.statistic for kept in panel.record.scores}  # one that reads what the panel lacks is left out
    statistics = [statistic.id for statistic in PANEL_STATISTICS if statistic.id in ranked]
    names = [*ZOO.models, *HELD_OUT.models]
    prints = {name: verify.Fingerprint.load(FINGERPRINTS / f"{name}.safetensors") for name in names}
    strangers = [
        {"id": key, "title": title}
        | size(group, {(a, b): evaluate(panel, prints[a], prints[b]) for a, b in combinations(group, 2)}, statistics)
        for key, (title, group) in STRANGERS.items()
    ]
    derived = {
        name: evaluate(panel, prints[name], prints[ZOO.reference])
        for name, spec in ZOO.models.items()
        if ZOO.reference_of(name) == ZOO.reference != name
        and spec.get("architecture") != "gpt2"
        and not name.startswith("stranger-")
    }
    record = panel.record
    found = {
        "panel": {"name": record.name, "version": record.version, "digest": panel.digest},
        "strangers": strangers,
        "derivations": power(derived, statistics),
        "simulation": {"arrays": ARRAYS, "members": MEMBERS, "levels": LEVELS, "rows": simulated()},
    }
    publish("panel", found)


def size(names: list[str], found: dict[tuple[str, str], PanelEvidence], statistics: list[str]) -> dict[str, Any]:
    """How many pairs of strangers each rule calls related, of all and of disjoint ones."""
    disjoint = [(names[min(pair)], names[max(pair)]) for pair in disjoint_pairs(names)]
    rows = []
    for statistic in statistics:
        results = {pair: _of(statistic, evidence) for pair, evidence in found.items()}
        rules = [("score", line) for line in PUBLISHED.get(statistic, ())] + [("p", level) for level in LEVELS]
        for by, line in rules:
            called = {
                pair: result.score >= line if by == "score" else all_pairs(result) <= line
                for pair, result in results.items()
            }
            counts = {"called": sum(called.values()), "called_disjoint": sum(called[pair] for pair in disjoint)}
            rows.append({"statistic": statistic, "by": by, "line": line} | counts)
    return {"strangers": len(names), "pairs": len(found), "disjoint": len(disjoint), "rows": rows}


def power(found: dict[str, PanelEvidence], statistics: list[str]) -> dict[str, Any]:
    """The larger pair rank of every model against the reference, by each statistic."""
    results = {name: [_of(statistic, evidence) for statistic in statistics] for name, evidence in found.items()}
    (comparisons,) = {_whole(result).size for each in results.values() for result in each}
    models = [
        {
            "model": name,
            "relation": ZOO.relation(name),
            "ranks": {result.id: _whole(result).rank for result in each},
            "disputed_score": next(round(result.score, 6) for result in each if result.id == SPREAD_CORRELATION.id),
        }
        for name, each in results.items()
    ]
    return {"comparisons": comparisons, "statistics": statistics, "models": models}


def all_pairs(result: PanelResult) -> float:
    """The larger rank over the number of all pairs."""
    whole = _whole(result)
    return whole.rank / whole.size


def _of(statistic: str, evidence: PanelEvidence) -> PanelResult:
    return next(result for result in evidence.results if result.id == statistic)


def _whole(result: PanelResult) -> DesignRank:
    return next(rung for rung in result.ranks if rung.design == ALL_PAIRS)


def simulated() -> list[dict[str, Any]]:
    """Claims rejected by the raw and the residual pair rung on simulated scores with hub effects."""
    rng, design, n = np.random.default_rng(0), pair_design(MEMBERS + 2), MEMBERS + 2
    rows = []
    for kind, scale in HUBS:
        rejected = np.zeros((2, len(LEVELS)), dtype=int)
        for _ in range(ARRAYS):
            h = np.r_[scale, scale, np.zeros(MEMBERS)] if kind == "planted" else rng.standard_normal(n) * scale
            noise = rng.standard_normal((n, n))
            scores = np.triu(noise + h[:, None] + h, 1)
            scores = scores + scores.T
            for row, residual in enumerate((False, True)):
                p = 10 ** rank(scores, design, residual=residual).log10_p
                rejected[row] += [p <= level + 1e-12 for level in LEVELS]
        for rung, counts in zip(("raw", "residual"), rejected.tolist(), strict=True):
            rows.append({"hubs": kind, "size": scale, "rung": rung, "rejected": counts})
    return rows


if __name__ == "__main__":
    main()
