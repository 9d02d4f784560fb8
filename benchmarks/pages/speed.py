"""Pages of timings of single calls: ``exact_tests.md``, ``kernels.md``, ``spread_pass.md``, ``panel_cost.md``."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def exact_tests(found: dict[str, Any]) -> str:
    """Seconds of the exact tests on large models."""
    tests = found["tests"]
    rows = [
        [
            row["model"],
            *(f"{row['seconds'][test]:.1f}" for test in tests),
            f"{row['total']:.1f}",
            f"{row['peak_gigabytes']:.1f}",
        ]
        for row in found["rows"]
    ]
    return page(
        "# Cost of the exact tests",
        "Seconds of one comparison of two strangers under the default sketch, 40 heads and 8 kv heads, width 5120. "
        f"{found['machine']} `python -m benchmarks.exact_tests`.",
        table("lr", ["model", *tests, "total", "peak GB"], rows),
    )


def kernels(found: dict[str, Any]) -> str:
    """Milliseconds of single kernels."""
    rows = [
        [
            row["kernel"],
            row["case"],
            f"{row['milliseconds']:.2f}",
            None if row["gigabytes_per_second"] is None else f"{row['gigabytes_per_second']:.2f}",
        ]
        for row in found["rows"]
    ]
    return page(
        "# Kernels",
        "Least time of several rounds, single calls. `python -m pytest benchmarks/kernels --benchmark-json=FILE`, "
        f"then `python -m benchmarks.kernels FILE`. {found['machine']}",
        table("llr", ["kernel", "case", "ms", "GB/s of input"], rows),
    )


def spread_pass(found: dict[str, Any]) -> str:
    """Speed of one pass over all entries of a file."""
    rows = [
        [row["pass"], f"{row['gigabytes_per_second']:.2f}", f"{row['times_naive']:.1f}"] for row in found["passes"]
    ]
    return page(
        "# One pass over all entries",
        f"A bfloat16 file of {found['gigabytes']:.2f} GB in the page cache; best of {found['rounds']} rounds, in "
        f"turn. {found['machine']} `python -m benchmarks.spread_pass`.",
        table("lr", ["pass", "GB/s", "times naive"], rows),
    )


def panel_cost(found: dict[str, Any]) -> str:
    """Seconds of a claim on panels of growing size."""
    rows = [
        [row["members"], f"{row['seconds']:.1f}", None if row["times"] is None else f"{row['times']:.2f}"]
        for row in found["rows"]
    ]
    return page(
        "# Cost of a claim on a panel",
        "All six statistics, the full ladder, localisation and audit for one claim; 12 blocks, 64 units a block; "
        "scores\namong members kept in the panel (`python -m benchmarks.panel_cost`, 2 cores).",
        table("r", ["members", "seconds", "times the row above"], rows),
        f"Seconds grow like the number of members to the power {found['exponent']:.2f}.",
    )
