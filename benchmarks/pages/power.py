"""``power.md``: power and size of a sketch."""

from __future__ import annotations

from typing import Any

from .markdown import bold, page, table


def power(found: dict[str, Any]) -> str:
    """The page."""
    models = found["models"]
    rows = [
        [
            bold(f"{row['size']} = {row['value']}", row["default"]),
            row["test"],
            f"{row['megabytes']:.1f}",
            *(log10_p(row["log10_p"][model]) for model in models),
        ]
        for row in found["rows"]
    ]
    return page(
        "# Power and size of a sketch",
        "log10 p against `reference` (zoo, scale `standard`), one size of the sketch changed at a time; the default "
        "is in bold. `python -m benchmarks.power_study`. MB: fingerprint of a model of the shape of Qwen2.5-14B.",
        table("llr", ["size", "test", "MB", *models], rows),
    )


def log10_p(value: float | None) -> str:
    """To a whole number; None: the test does not apply."""
    return "n/a" if value is None else f"{value:.0f}"
