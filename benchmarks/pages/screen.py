"""``screen.md``: a screen of 1,000 models with planted relatives."""

from __future__ import annotations

from typing import Any

from .markdown import page, table

STAGES = ("reading", "first stage", "second stage")


def screen(found: dict[str, Any]) -> str:
    """The page."""
    models, sketch, first, rates = found["models"], found["sketch"], found["first_stage"], found["rates"]
    powers = ", ".join(f"{power:.2f} ({stage})" for stage, power in found["exponents"].items())
    return page(
        f"# A screen of {models:,} models",
        f"{models:,} random fingerprints ({', '.join(map(str, found['layers']))} layers, {sketch['units']} units, "
        f"{sketch['channels']} channels of 8 kv heads, "
        f"{sketch['anchors']} anchors, {sketch['stream']} residual dimensions), {found['planted']} planted "
        f"relatives, {found['workers']} processes on {found['cores']} cores "
        "(`python -m benchmarks.screen_cost`). All planted pairs were found and no other pair.",
        "## Cost",
        "Core seconds, which other work on the machine does not lengthen; on the clock, it was shared.",
        _cost(found["cost"]),
        f"Core seconds grow like the number of models to the power {powers}. "
        f"First stage: {rates['first_stage_microseconds_a_pair']:.0f} core microseconds a pair; second: "
        f"{rates['second_stage_seconds_a_pair']:.2f} core seconds a pair; reading: "
        f"{rates['reading_milliseconds_a_model']:.0f} core milliseconds a model.",
        "## What was found",
        _found(found["found"]),
        "## The first stage",
        f"Level of each statistic at {models:,} models: {first['level']:.1e}.",
        table(
            "lr",
            ["statistic", "indices", "groups", "s"],
            [[p["statistic"], p["indices"], p["groups"], f"{p['share']:.3f}"] for p in first["power"]],
        ),
        "A relative of which each same-layer unit keeps its index (sign) with probability at least s "
        "passes with probability at least .999, by that statistic alone.",
    )


def _cost(rows: list[dict[str, Any]]) -> list[str]:
    header = [
        "models",
        "pairs",
        *STAGES,
        "all",
        "half of all, for two cores",
        "on the clock",
        "passed the first stage",
    ]
    return table(
        "r",
        header,
        [
            [
                f"{row['models']:,}",
                f"{row['pairs']:,}",
                *(f"{row['core_seconds'][stage]:.1f}" for stage in (*STAGES, "all", "half")),
                f"{row['clock_seconds']:.1f}",
                row["passed"],
            ]
            for row in rows
        ],
    )


def _found(rows: list[dict[str, Any]]) -> list[str]:
    return table(
        "lrrrl",
        ["planted", "pairs", "found", "largest adjusted log10 p", "said"],
        [
            [
                row["planted"],
                row["pairs"],
                row["found"],
                f"{row['largest_log10_p']:.1f}",
                "; ".join(f"{words} ({count})" for words, count in row["said"].items()),
            ]
            for row in rows
        ],
    )
