"""``formats.md``: files that real tools wrote."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def formats(found: dict[str, Any]) -> str:
    """The page."""
    rows = [row for rows in found["makers"].values() for row in rows]
    read = [row for row in rows if row["understood"]]
    return page(
        "# Files that real tools wrote",
        f"{len(rows)} files of {len({row['tool'] for row in rows})} tools, {len(read)} of them read. Tensors are "
        "compared with what the tool itself makes of the file; apart: largest root mean square difference of a "
        "tensor from the tool's own, in units of the root mean square of that. `python -m benchmarks.formats`.",
        table(
            "lllrrrl",
            ["tool", "operation", "read", "tensors", "equal", "apart", "refused with"],
            [_row(r) for r in rows],
        ),
    )


def _row(row: dict[str, Any]) -> list[str]:
    read = "yes" if row["understood"] else "no"
    missing = f" ({row['missing']} not read)" if row["missing"] else ""
    return [
        f"{row['tool']} {row['version']}",
        row["operation"],
        read,
        f"{row['tensors']}{missing}",
        str(row["equal"]),
        f"{row['apart']:.1g}" if row["apart"] else "0",
        (row["said"] or "").replace("|", "\\|"),
    ]
