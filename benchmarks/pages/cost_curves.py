"""``cost_curves.md``: how time grows with depth, width and the size of a panel."""

from __future__ import annotations

from typing import Any

from benchmarks.curves import Curve

from .markdown import page, table


def cost_curves(found: dict[str, Any]) -> str:
    """The page."""
    curves = [Curve(**curve) for curve in found["curves"]]
    rows = [
        [
            curve.what,
            curve.against,
            ", ".join(map(str, curve.sizes)),
            ", ".join(f"{seconds:.3g}" for seconds in curve.seconds),
            f"{curve.exponent:.2f}",
            f"{curve.last:.2f}",
        ]
        for curve in curves
    ]
    return page(
        "# Growth of cost",
        f"Seconds, best of {found['repeats']} in turn, warm files, one process on 2 cores "
        "(`python -m benchmarks.cost_curves`). Fingerprints of random bfloat16 models, of width "
        f"{found['width']} against layers and of {found['layers']} "
        "layers against width; exact tests on fingerprints alone; claims as in `panel_cost.md`. The exponent is "
        "that of the power law through all points, by least squares on logarithms; the last is between the last two.",
        table("llllr", ["what", "against", "sizes", "seconds", "exponent", "last"], rows),
    )
