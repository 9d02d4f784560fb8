"""``small_pair.md`` and its table of ``README.md``: what a pair of small models costs, beside modelDNA."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from .markdown import page, table

Row = dict[str, Any]
PAIRS = ("related", "strangers")


def small_pair(found: dict[str, Any]) -> str:
    """The page."""
    low, high = found["load"]
    return page(
        "# Cost of a small pair",
        "`verify lineage A B --panel none` beside `modeldna compare A B` on models that ship with the library "
        "(4 layers, 0.9 MB), as whole processes with one thread, in turn (`python -m benchmarks.small_pair`); "
        f"{found['peer']}, Python {found['python']}, both from bytecode. A ratio is of two runs one after the "
        f"other: the median, and the least and most. Load average of the machine: {low:.1f} to {high:.1f} (above 2, "
        "others were using it: seconds are too many, and wall-clock times say little; ratios of CPU time say most).",
        table(
            "lr",
            ["pair", "runs", "CPU s", "of modelDNA", "ratio", "least", "most", "wall s", "of modelDNA", "ratio"],
            [_row(name, rows) for name, rows in _by_pair(found).items()],
        ),
        "Each run, in its order:",
        table(
            "lr",
            ["pair", "CPU s", "of modelDNA", "wall s", "of modelDNA"],
            [
                [row["pair"], *(f"{row[key]:.3f}" for key in ("cpu", "peer_cpu", "wall", "peer_wall"))]
                for row in found["runs"]
            ],
        ),
        "## The tests alone",
        "CPU seconds of `verify.test_lineage` on two fingerprints, median, one thread, in a process that has run it "
        "once.",
        table(
            "lrr",
            ["fingerprints of", "layers", "CPU s"],
            [[one["models"], one["layers"], f"{one['cpu']:.2f}"] for one in found["tests"]],
        ),
        *_parts(found),
    )


def _parts(found: dict[str, Any]) -> list[Sequence[str] | str]:
    """Where the time goes."""
    parts = found["parts"]
    low, high = found["parts_load"]
    whole = [sum(part[pair] for part in parts) for pair in PAIRS]
    return [
        "## Where the time goes",
        "CPU milliseconds of a whole process with a clock on its parts, medians, one thread; a part inside another "
        "counts for itself alone. Our modules are those of `verify`: found and unmarshalled from bytecode, run, and "
        "of that their classes; validators of records are built as records are first made. `Python itself` is until "
        "the command begins, and the clocks cost a few milliseconds. Load average of the machine: "
        f"{low:.1f} to {high:.1f}.",
        table(
            "lr",
            ["part", "modules", *PAIRS, "share of related"],
            [
                [
                    part["part"],
                    part["modules"],
                    *(f"{1000 * part[pair]:.0f}" for pair in PAIRS),
                    f"{part['related'] / whole[0]:.0%}",
                ]
                for part in parts
            ]
            + [["all", None, *(f"{1000 * seconds:.0f}" for seconds in whole), "100%"]],
        ),
    ]


def readme_small_pair(found: dict[str, Any]) -> list[str]:
    """The table of ``README.md``."""
    rows = [
        [f"small models, {name}", *(f"{median(_ratios(rows, key)):.1f} times" for key in ("cpu", "wall"))]
        for name, rows in _by_pair(found).items()
    ]
    return table("lr", ["two", "the CPU time of modelDNA", "its time"], rows)


def _row(name: str, rows: list[Row]) -> list[str]:
    ratios = _ratios(rows, "cpu")
    cells = [f"{median(row[key] for row in rows):.2f}" for key in ("cpu", "peer_cpu", "wall", "peer_wall")]
    of_wall = f"{median(_ratios(rows, 'wall')):.2f}"
    shown = [f"{value:.2f}" for value in (median(ratios), min(ratios), max(ratios))]
    return [name, str(len(rows)), *cells[:2], *shown, *cells[2:], of_wall]


def _ratios(rows: list[Row], key: str) -> list[float]:
    return [row[key] / row[f"peer_{key}"] for row in rows]


def _by_pair(found: dict[str, Any]) -> dict[str, list[Row]]:
    pairs: dict[str, list[Row]] = {}
    for row in found["runs"]:
        pairs.setdefault(row["pair"], []).append(row)
    return pairs
