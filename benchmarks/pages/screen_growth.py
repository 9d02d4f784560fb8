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
        *_large(found.get("large")),
        *_tiles(found.get("tiles", [])),
        *_through_dask(found),
    )


def _large(row: Row | None) -> list[str]:
    if row is None:
        return []
    pairs, gib = row["models"] * (row["models"] - 1) // 2, 2**30
    return [
        f"## {row['models']:,} models",
        f"One screen of {pairs:,} pairs in a new folder, on two processes (`python -m benchmarks.screen_growth "
        f"--large {row['models']} --place DIR`): {row['wall'] / 60:.1f} minutes on the clock, {row['cpu']:,.0f} CPU "
        "seconds, "
        f"{1e6 * row['cpu'] / pairs:.0f} microseconds a pair, {row['anonymous'] / gib:.2f} GiB of memory in all "
        f"processes, {row['disk'] / gib:.1f} GiB of files; {row['passed']:,} pairs passed the first stage. Load "
        f"average at the end, of 15 minutes: {row['load']:.1f} on 2 cores.",
    ]


def _tiles(rows: list[Row]) -> list[str]:
    if not rows:
        return []
    return [
        "## Toward 100,000 models",
        f"The first stage alone, on {len(rows[0]['drawn'])} tiles drawn from the plan of each number "
        "(`python -m benchmarks.screen_growth --tiles`): core seconds of a tile of 128 x 128 models, medians, where "
        "both sides are stacked already and where both are stacked anew (a screen stacks one of them, so the sum of "
        "all takes the mean), and what all tiles take by these on two cores; memory of the one process, and pairs "
        "left to exact counts.",
        table(
            "r",
            ["models", "tiles", "held, s", "anew, s", "all, hours on 2 cores", "MiB", "left of 16,384", "load"],
            [_tile_row(row) for row in rows],
        ),
    ]


def _tile_row(row: Row) -> list[str]:
    held, anew, left = (median(one[what] for one in row["drawn"]) for what in ("held", "anew", "possible"))
    hours = row["tiles"] * (held + anew) / 2 / 2 / 3600
    numbers = [f"{row['models']:,}", f"{row['tiles']:,}", f"{held:.2f}", f"{anew:.2f}", f"{hours:.2f}"]
    return [*numbers, f"{row['anonymous'] / 2**20:.0f}", f"{left:g}", f"{row['load']:.1f}"]


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
        *_keeping([run for run in runs if "keeping" in run]),
    ]


def _keeping(runs: list[dict[str, float]]) -> list[str]:
    if not runs:
        return []
    ratios = ", ".join(f"{run['keeping'] / run['own']:.2f}" for run in runs)
    return [
        "With `MALLOC_TRIM_THRESHOLD_` and `MALLOC_MMAP_THRESHOLD_` set to 512 and 32 MiB in the environment of the "
        f"workers: {median(run['keeping'] for run in runs):.1f} CPU seconds, ratios {ratios}."
    ]


def _row(row: Row) -> list[str]:
    numbers = [f"{row[what]:,}" for what in ("models", "tested", "passed")]
    memory, more = (f"{row[what] / 2**20:.0f}" for what in ("anonymous", "more_anonymous"))
    each = f"{1e6 * row['cpu'] / row['tested']:.0f}"
    return [*numbers, f"{row['cpu']:.1f}", each, memory, f"{row['more_cpu']:.1f}", more]


def _power(one: Row) -> str:
    interval = "" if one["half"] is None else f" ± {one['half']:.2f}"
    return f"{one['slope']:.2f}{interval} ({one['sizes']} sizes)"
