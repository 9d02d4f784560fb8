"""``screen_growth.md``: CPU time and memory of screens by number of models, of one model more, and through dask."""

from __future__ import annotations

from statistics import median
from typing import Any

from .markdown import page, table

Row = dict[str, Any]


def screen_growth(found: dict[str, Any]) -> str:
    """The page."""
    rows: list[Row] = found["alone"]
    low, high = found["load"]
    return page(
        "# Screens by number of models",
        "Random fingerprints of 16 to 24 layers, 40 of them children of others, whole processes of one thread "
        "(`python -m benchmarks.screen_growth`). A screen in a new folder, then of one model more in the same. "
        f"CPU seconds of each run, reading included, and its largest memory. Load average {low:.1f} to {high:.1f} on "
        "2 cores (above 2, others were using the machine, and CPU seconds are too many).",
        table(
            "r",
            ["models", "pairs", "passed", "CPU s", "microseconds a pair", "MiB", "one more, CPU s", "MiB"],
            [_row(row) for row in sorted(rows, key=lambda row: int(row["models"]))],
        ),
        "CPU seconds grow like the number of models to the power "
        f"{_power(found['growth']['cpu'])} (all pairs) and {_power(found['growth']['more_cpu'])} (one model more), "
        "with 95% intervals by Student's t, which are wide where runs are few.",
        *_through_dask(found),
    )


def _through_dask(found: dict[str, Any]) -> list[str]:
    runs = found["dask"]
    if not runs:
        return []
    own, dask = (median(run[how] for run in runs) for how in ("own", "dask"))
    ratios = ", ".join(f"{run['dask'] / run['own']:.2f}" for run in runs)
    return [
        "## Through dask",
        f"{runs[0]['models']:,} models on two workers of dask, whose start is included, and on two processes of our "
        f"own, in turn: {dask:.1f} and {own:.1f} CPU seconds, ratios {ratios}.",
    ]


def _row(row: Row) -> list[str]:
    numbers = [f"{row[what]:,}" for what in ("models", "tested", "passed")]
    memory, more = (f"{row[what] / 2**20:.0f}" for what in ("anonymous", "more_anonymous"))
    each = f"{1e6 * row['cpu'] / row['tested']:.0f}"
    return [*numbers, f"{row['cpu']:.1f}", each, memory, f"{row['more_cpu']:.1f}", more]


def _power(one: Row) -> str:
    interval = "" if one["half"] is None else f" ± {one['half']:.2f}"
    return f"{one['slope']:.2f}{interval} ({one['sizes']} sizes)"
