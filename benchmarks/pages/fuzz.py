"""``fuzz.md``: what came of changed files, reader by reader."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def fuzz(found: dict[str, Any]) -> str:
    """The page."""
    rows, total = found["readers"], sum(row["cases"] for row in found["readers"].values())
    faults = sum(sum(row["faults"].values()) for row in rows.values())
    errors = sorted({kind for row in rows.values() for kind in row["outcomes"]} - {"read"})
    return page(
        "# Changed files",
        f"{total:,} files that are sound but for one to four random changes, of their bytes or of what they mean, "
        "were read to the end (`python -m benchmarks.fuzz`). Each should be read, or refused in one sentence by an "
        "error of the library. Another error, a warning, a message with control characters, more than 20 seconds of "
        f"the processor or more than 4 GiB of address space is a fault. Faults: {faults}. Those that earlier runs "
        "found are kept in `benchmarks/fuzz/corpus`, and `tests/test_fuzz.py` reads them, and 3,000 of these cases, "
        "at every run.",
        table(
            "lrrrrrrrrr",
            ["reader", "seed", "sound files", "cases", "read", "refused", "faults", "CPU s", "slowest s", "peak MiB"],
            [
                [
                    name,
                    row["seed"],
                    row["sound_files"],
                    row["cases"],
                    (read := row["outcomes"].get("read", 0)),
                    row["cases"] - read - (wrong := sum(row["faults"].values())),
                    wrong,
                    f"{row['seconds']:.1f}",
                    f"{row['slowest']:.2f}",
                    row["MiB"],
                ]
                for name, row in rows.items()
            ],
        ),
        "Refusals by the type of the error:",
        table(
            "lr",
            ["reader", *errors],
            [[name, *(row["outcomes"].get(kind) for kind in errors)] for name, row in rows.items()],
        ),
        *(["Faults:", table("lrl", ["reader", "cases", "what"], _faults(rows))] if faults else []),
    )


def _faults(rows: dict[str, Any]) -> list[list[object]]:
    return [[name, count, f"`{what}`"] for name, row in rows.items() for what, count in row["faults"].items()]
