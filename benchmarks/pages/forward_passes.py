"""``forward_passes.md``: how far changes of trained networks move their outputs."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def forward_passes(found: dict[str, Any]) -> str:
    """The page."""
    families = found["families"]

    def rows(keeps: bool) -> list[list[str]]:
        return [
            [row["title"], *(_cell(row["difference"].get(family)) for family in families)]
            for row in found["rows"]
            if row["keeps"] == keeps
        ]

    return page(
        "# Forward passes: which changes keep a network's function",
        "Largest difference of a logit after a change of the weights of a trained model (largest of "
        f"{found['elements']} random elements), over {found['windows']} windows of text and the bytes that texts use "
        "(`python -m benchmarks.forward_passes`). Changed weights are stored in single precision; logits are "
        "computed in double. Empty: the change does not apply to the family.",
        "## Elements of the groups of the tests, and further changes that keep the function: below 1e-5",
        table("lr", ["change", *families], rows(True)),
        "## Changes that look alike and belong to no group: far above",
        table("lr", ["change", *families], rows(False)),
    )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.0e}"
