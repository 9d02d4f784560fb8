"""``truth.md``: log10 p of each exact test on every model of the zoo."""

from __future__ import annotations

from typing import Any

from .markdown import bold, page, table


def truth(found: dict[str, Any]) -> str:
    """The page."""
    rows = []
    for row in found["models"]:
        of = row["reference"]
        label = row["model"] if of == found["reference"] else f"{row['model']} (against {of})"
        cells = [bold(log10_p(p), test in row["detects"]) for test, p in row["log10_p"].items()]
        rows.append([label, *cells, row["verdict"]])
    tests = found["tests"]
    return page(
        "# Truth table of the zoo",
        "log10 p of each test against the reference (`python -m benchmarks.truth_table`). Bold: a test that survives "
        "this derivation and must find it, below -9. n/a: does not apply.",
        table("l" + "r" * len(tests) + "l", ["model", *tests, "verdict"], rows),
    )


def log10_p(value: float | None) -> str:
    """To one decimal; None: the test does not apply."""
    return "n/a" if value is None else f"{value:.1f}"
