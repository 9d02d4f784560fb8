"""``faults.md``: what came of commands that were disturbed while they worked, and run again."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def faults(found: dict[str, Any]) -> str:
    """The page."""
    rows = found["commands"]
    kinds = list(dict.fromkeys(fault for row in rows.values() for fault in row["faults"]))
    cells = [cell for row in rows.values() for cell in row["faults"].values() if "ended" in cell]
    tries = sum(sum(cell["ended"].values()) for cell in cells)
    wrong = [
        [name, fault, f"`{what}`", count]
        for name, row in rows.items()
        for fault, cell in row["faults"].items()
        for what, count in cell.get("wrong", {}).items()
    ]
    skipped = dict.fromkeys(
        cell["skipped"] for row in rows.values() for cell in row["faults"].values() if "skipped" in cell
    )
    return page(
        "# Disturbed commands",
        f"{len(rows)} commands were disturbed {tries} times and run again (`python -m benchmarks.faults`): killed or "
        "interrupted at a moment drawn at random from the time that the whole run takes, with a limit to the size of "
        "files or a disk that is full after a random number of bytes, in a folder that may not be written, with a "
        "server that breaks every connection from a random request on, and three times at once in one folder with "
        "one cache. After each disturbance, every file under its own name must be whole; the command must have said "
        "one sentence at most, and no traceback. Run again, it must leave what it leaves undisturbed, byte for byte, "
        f"and no part of a file. Faults: {sum(row[-1] for row in wrong)}.",
        table(
            "lrrrl",
            ["command", "seed", "seconds", "files", *kinds],
            [
                [name, row["seed"], row["seconds"], row["files"], *(_cell(row["faults"].get(kind)) for kind in kinds)]
                for name, row in rows.items()
            ],
        ),
        "Undisturbed: the run was done before, or did without what was lost. Beginning: Python was still being "
        "loaded, and ended in words of its own. A dash: "
        + "; ".join(skipped)
        + ". Keys are drawn at random, so that two runs "
        "of `keygen` must both leave a whole pair, or refuse to overwrite one. Reports of `demo` are compared "
        "without their times and digests.",
        *(["What was wrong:", table("lllr", ["command", "disturbance", "what", "times"], wrong)] if wrong else []),
    )


def _cell(cell: dict[str, Any] | None) -> str:
    """How the runs under one disturbance ended."""
    if cell is None or "skipped" in cell:
        return "–"
    return ", ".join(f"{count} {how}" for how, count in cell["ended"].items())
