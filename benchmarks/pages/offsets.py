"""``offsets.md``: size of the exact tests where entries have means, offsets or one sign."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def offsets(found: dict[str, Any]) -> str:
    """The page."""
    pairs, levels, columns = found["pairs"], found["levels"], found["columns"]
    error = 2000 * (0.05 * 0.95 / pairs) ** 0.5
    rows = [
        [
            row["offset"],
            f"{row['strength']:g}",
            row["models"],
            *(" / ".join(f"{1000 * count / pairs:.0f}" for count in row["rejected"][column]) for column in columns),
            f"{1000 * row['set_aside'] / pairs:.0f}",
        ]
        for row in found["rows"]
    ]
    return page(
        "# Size under offsets",
        f"Rejections per thousand at the levels {', '.join(f'{x:g}' for x in levels)}, of {pairs} pairs of "
        "strangers a row, each model with the one before it, of random weights whose entries have standard deviation "
        "1 before the offset (`python -m benchmarks.offset_study`). A valid test rejects at most 50, 10 and 1, up to "
        f"sampling error (at .05: two standard errors are {error:.0f}). Last columns: the same signs with nothing "
        "set aside, one index at a time, which is no valid test here, and by differences of two; and per thousand "
        "pairs how many had signs (of units, of channels, or of the stream) set aside.",
        table("lrlr", ["offset", "strength", "models", *columns, "set aside"], rows),
    )
