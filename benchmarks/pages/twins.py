"""``twins.md``: size and power of the panel tests."""

from __future__ import annotations

from typing import Any

from .interval import interval
from .markdown import bold, page, table

GRADES = {
    "recipe": "one recipe, other seeds",
    "corpus": "two recipes, a corpus in common",
    "nothing": "two recipes, no corpus in common",
    "student": "student and teacher (logits)",
}
"""What the two strangers of a grade have in common."""
RUNGS = {
    "pair": "all pairs, raw",
    "pair_residual": "all pairs, residual",
    "pair_larger": "all pairs, larger of both",
    "twins": "twins",
    "verdict": "verdict",
}
"""By what p-value of the primary statistic pairs are called related."""


def twins(found: dict[str, Any]) -> str:
    """The page."""
    panel = found["panel"]
    recipes = " and ".join(f"{number} {kind}" for kind, number in panel["recipes"].items())
    return page(
        "# Size and power of the panel tests",
        f"Panel `{panel['name']}` {panel['version']}, {panel['digest']}: {panel['members']} members, {recipes} "
        "recipes (`python -m benchmarks.twins_study`). *Gated*: gated MLPs and RMS norm; *plain*: plain MLPs and "
        "layer norm.",
        "## Strangers called related",
        "Models of recipes that are in no panel. Share of pairs at or below the level, with 95% Clopper-Pearson "
        "intervals; no model is in two pairs of a grade, and a recipe has two pairs of the first grade. The verdict "
        "needs the larger p of twins and of all pairs, and a score beyond every stranger's in the panel.",
        _size(found["rows"], primary=True),
        f"Of all these pairs the highest score is {found['largest']:.2f} times that of the most alike strangers in "
        "the panel.",
        "The other statistics, by the larger rank among all pairs, which enters no verdict:",
        _size(found["rows"], primary=False),
        "## How far strangers are above their levels",
        "T, the logarithm of the score (.01 added) above both models' own levels, of the panel's own twins and of "
        "the pairs above. Ranking pairs of different recipes among twins is right if they are no further above their "
        "levels.",
        _levels(found["panel_twins"], found["above_levels"]),
        "## Simulated strangers",
        "Pairs of one recipe, with an affinity that members of other recipes do not share, hubs that multiply all "
        "scores of a model, and noise that is smaller in models trained for longer:",
        _simulated(found["simulated"], found["levels"]),
        "## Derivations found",
        "Of the zoo, against its reference: scale `standard`, by earlier fingerprints with 64 units of an MLP, and, "
        "with all units, the models that ship. *Survives*: the primary statistic does, by construction. "
        "*Ratio*: the score over that of the most alike strangers in the panel.",
        _derived(found["derived"]),
    )


def _size(rows: list[dict[str, Any]], *, primary: bool) -> list[str]:
    chosen = [row for row in rows if (row["statistic"] == "response_match") == primary]
    first = ["strangers", "kind", "recipes", "pairs", "by" if primary else "statistic"]
    cells = [
        [
            GRADES[row["grade"]],
            row["kind"],
            row["recipes"],
            row["pairs"],
            bold(RUNGS[row["rung"]], row["rung"] == "verdict") if primary else f"`{row['statistic']}`",
            *(interval(count, row["pairs"]) for count in row["called"]),
        ]
        for row in chosen
        if row["pairs"]
    ]
    return table("llrrlrr", [*first, "p <= .05", "p <= .01"], cells)


def _levels(of_panel: list[dict[str, Any]], of_pairs: list[dict[str, Any]]) -> list[str]:
    rows = [[one["kind"], "the panel's twins", one["pairs"], *_numbers(one)] for one in of_panel]
    rows += [[one["kind"], GRADES[one["grade"]], one["pairs"], *_numbers(one)] for one in of_pairs]
    header = ["kind", "pairs of", "pairs", "10% quantile", "median", "90% quantile", "largest"]
    return table("llrrrrr", header, sorted(rows, key=lambda row: row[0]))


def _numbers(one: dict[str, Any]) -> list[str]:
    return [f"{value:.2f}" for value in one["quantiles"]]


def _simulated(found: dict[str, Any], levels: list[float]) -> list[str]:
    rows = [
        [bold(RUNGS[rung], rung == "verdict"), *(interval(k, found["claims"]) for k in found[rung])]
        for rung in ("pair_larger", "verdict")
    ]
    return table("lrr", ["by", *(f"p <= {level:g}" for level in levels)], rows)


def _derived(rows: list[dict[str, Any]]) -> list[str]:
    return table(
        "llrrrrr",
        ["model", "survives", "score", "ratio", "p, twins", "p, all pairs", "p, verdict"],
        [
            [
                row["model"],
                "yes" if row["survives"] else "",
                f"{row['score']:.3f}",
                f"{row['ratio']:.1f}" if row["ratio"] is not None else "–",
                *("–" if p is None else f"{p:.4f}" for p in (row["rungs"]["twins"], row["rungs"]["pair_larger"])),
                "–" if row["verdict"] is None else f"{row['verdict']:.4f}",
            ]
            for row in rows
        ],
    )
