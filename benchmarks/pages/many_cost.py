"""``many_cost.md``: cost by number of models and of members, here and before."""

from __future__ import annotations

from typing import Any

from .markdown import page, table

_TITLES = {
    "screen": (
        "The first stage of a screen",
        "models",
        "Random fingerprints of 16 to 24 layers with planted relatives, prepared before; level of 1,000 models.",
    ),
    "audit": ("The audit of a panel", "members", "Eight strata, families of one, random scores."),
    "claim": (
        "A claim on a panel",
        "members",
        "Copies of the shipped references under other names, random scores among them; all statistics and the audit.",
    ),
}


def many_cost(found: dict[str, Any]) -> str:
    """The page."""
    parts: list[str | list[str]] = []
    for what, (title, of, said) in _TITLES.items():
        if (one := found.get(what)) is None:
            continue
        measured = f"{said} Runs: {one['runs']}; load average: up to {one['load']:.0f} on 2 cores."
        parts += [f"## {title}", measured, _rows(one["rows"], of), _growth(one["growth"], of)]
    if (claim := found.get("claim")) is not None:
        spent = sorted(claim["parts"].items(), key=lambda part: -part[1])
        parts.append(
            f"Core seconds of the claim on {claim['rows'][-1]['size']} members by what they end with, the scores of "
            "a statistic (the selection, or the ranks of the one before, included), or at the end: "
            + ", ".join(f"{name} {seconds:.2f}" for name, seconds in spent)
            + "."
        )
    return page(
        "# Cost by number of models",
        "Core seconds with one thread, here and at the commit before bounds and audits of families at once, measured "
        "in turn: medians, and ratios of alternate runs. All results are equal, by digest (`python -m "
        "benchmarks.many_cost BEFORE`). Load makes core seconds longer, on both sides alike.",
        *parts,
    )


def _rows(rows: list[dict[str, Any]], of: str) -> list[str]:
    return table(
        "r",
        [of, "before", "here", "before / here", "all ratios"],
        [
            [
                f"{row['size']:,}",
                *("" if row[side] is None else f"{row[side]:.3f}" for side in ("before", "here")),
                "" if row["ratios"] is None else f"{row['ratios'][len(row['ratios']) // 2]:.1f}",
                "" if row["ratios"] is None else ", ".join(f"{ratio:.1f}" for ratio in row["ratios"]),
            ]
            for row in rows
        ],
    )


def _growth(growth: dict[str, Any], of: str) -> str:
    said = []
    for name, one in growth.items():
        interval = "" if one["half"] is None else f" ± {one['half']:.2f}"
        said.append(f"{name} to the power {one['slope']:.2f}{interval} ({one['sizes']} sizes)")
    return f"Core seconds grow like the number of {of}, with 95% intervals: {', '.join(said)}."
