"""``cost.md`` and the table of ``README.md``: what ``verify lineage`` costs as a whole process.

A row whose ``how`` ends in ``line`` is what the line through the depths measured gives for another depth.
"""

from __future__ import annotations

from typing import Any

from .markdown import page, table

GIB, MIB, MB = 1 << 30, 1 << 20, 1e6
Row = dict[str, Any]


def cost(found: dict[str, Any]) -> str:
    """The page."""
    measured = [row for row in found["rows"] if not row["how"].endswith("line")]
    tests = [[s["shape"], s["layers"], s["effort"], f"{s['wall']:.2f}", f"{s['cpu']:.2f}"] for s in found["tests"]]
    checks = [(row, real) for row in found["rows"] if row["how"].endswith("line") for real in _measured(found, row)]
    blocks: list[str | list[str]] = [
        "# Cost of a comparison",
        "`verify lineage A B --panel none` as a whole process: a random bfloat16 model of the widths of Llama-2-7B "
        "(7B) or Qwen2.5-14B (14B) against its child; bytes are of both, runs the best of several "
        "(`python -m benchmarks.whole_process`, 2 cores, 1 worker). Cold: files dropped from the page cache first; "
        "disk: bytes the system then read, with its read-ahead. RssAnon: memory of the process itself; RSS counts "
        "mapped pages of the files too. "
        f"Starting the interpreter and the command alone: {found['start']:.2f} s. Load average of the machine: "
        f"{found['load']:.0f} (above 2, others were using it and seconds are too many).",
        "## At full depth",
        "Reading from the line through the two depths measured, the tests as measured at this depth.",
        table("llr", *summary(found)),
        "The tests alone, on fingerprints of random arrays (32 kv heads in 7B, 8 in 14B):",
        table("lrlr", ["shape", "layers", "effort", "wall s", "CPU s"], tests),
        "## Measured",
        _runs(measured),
    ]
    if checks:
        blocks += ["## The line against a third depth", _checks(checks)]
    return page(*blocks)


def summary(found: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of the models at their full depth."""
    rows = []
    for row in found["rows"]:
        if row["how"] != "warm, line" or _measured(found, row):
            continue
        cold = _find(found, row, "cold, line")
        rows.append(
            [
                f"{row['shape']}, {row['layers']} layers",
                row["effort"],
                _percent(row["decoded"], row["stored"]),
                _percent(cold["disk"] or 0, cold["stored"]) if cold else "-",
                f"{row['cpu']:.0f} s",
                f"{row['anonymous'] / GIB:.2f} GiB",
            ]
        )
    return ["two models of", "effort", "of their bytes", "from a cold disk", "CPU time", "memory"], rows


def readme(found: dict[str, Any]) -> list[str]:
    """The table of ``README.md``."""
    return table("llr", *summary(found))


def _runs(rows: list[Row]) -> list[str]:
    header = [
        "shape",
        "layers",
        "effort",
        "files",
        "wall s",
        "CPU s",
        "RssAnon MiB",
        "RSS MiB",
        "decoded MB",
        "share",
    ]
    return table(
        "lrllr",
        [*header, "disk MB"],
        [
            [
                *(row[key] for key in ("shape", "layers", "effort", "how")),
                f"{row['wall']:.2f}",
                f"{row['cpu']:.2f}",
                f"{row['anonymous'] / MIB:.0f}",
                f"{(row['resident'] or 0) / MIB:.0f}",
                f"{row['decoded'] / MB:.1f}",
                _percent(row["decoded"], row["stored"]),
                f"{(row['disk'] or 0) / MB:.1f}",
            ]
            for row in rows
        ],
    )


def _checks(pairs: list[tuple[Row, Row]]) -> list[str]:
    header = ["shape", "layers", "effort", "files", "s, line", "measured", "CPU s, line", "measured", "MB, line"]
    return table(
        "lrllr",
        [*header, "measured"],
        [
            [
                *(real[key] for key in ("shape", "layers", "effort", "how")),
                *(f"{row[key]:.2f}" for key in ("wall", "cpu") for row in (line, real)),
                *(f"{row['decoded'] / MB:.1f}" for row in (line, real)),
            ]
            for line, real in pairs
        ],
    )


def _measured(found: dict[str, Any], line: Row) -> list[Row]:
    """What was measured where this line leads: nothing at full depth."""
    row = _find(found, line, line["how"].removesuffix(", line"))
    return [row] if row else []


def _find(found: dict[str, Any], like: Row, how: str) -> Row | None:
    keys = ("shape", "layers", "effort")
    return next((r for r in found["rows"] if r["how"] == how and all(r[key] == like[key] for key in keys)), None)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%"
