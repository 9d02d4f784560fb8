"""``adapters_alone.md``: LoRAs compared without their base."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def adapters_alone(found: dict[str, Any]) -> str:
    """The page."""
    refused = ", ".join(f"{number} of {kind}" for kind, number in found["refused"].items())
    columns = ("pairs", "dependent", "mean", "expected", "n")
    rows = [
        [
            row["relation"],
            row["kind"],
            *(row[key] for key in columns),
            f"{row['least_log10_p']:.1f} to {row['most_log10_p']:.1f}",
        ]
        for row in found["rows"]
    ]
    return page(
        "# LoRAs without their base",
        f"{found['adapters']} LoRAs of one small Llama, trained by PEFT on one text or other texts, and compared "
        f"without the base at level {found['level']}. Mean: average number of rank channels at one index in both; "
        "expected: largest average under the null hypothesis; n: channels compared. Strangers have other seeds. "
        f"Refused, for an order that a base gives, or fewer than 4 channels: {refused or 'none'}. "
        "`python -m benchmarks.adapters_alone`.",
        table("llrrrrrl", ["relation", "kind", *columns, "log10 p"], rows),
    )
