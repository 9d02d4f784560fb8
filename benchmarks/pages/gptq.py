"""``gptq.md``: strangers in GPTQ form."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def gptq(found: dict[str, Any]) -> str:
    """The page."""
    models, tests = found["models"], found["tests"]
    rows = [
        [
            *(row[key] for key in ("bits", "zeros", "stored", "noted")),
            *(row["rejected"][test] for test in tests),
            row["family"],
            f"{row['least_log10_p']:.1f}",
            row["found"],
        ]
        for row in found["rows"]
    ]
    header = [
        "bits",
        "zeros",
        "stored",
        "noted",
        *(f"`{test}`" for test in tests),
        "family",
        "least log10 p",
        "found",
    ]
    return page(
        "# Strangers in GPTQ form",
        f"{models} models of the zoo (scale `standard`), unrelated but for shape, written as GPTQ in groups of "
        f"{found['group']} under `checkpoint_format: gptq`, zero points stored less one, as that says, or as they "
        "are. "
        f"For each test the number of the {found['pairs']} pairs that it rejects at {found['level']}; family: pairs "
        "that are `dependent`; noted: models whose record notes that zero points are stored otherwise than declared; "
        f"found: of the {models} models, those that are `dependent` on the one they were made from. "
        "`python -m benchmarks.gptq_strangers`.",
        table("rllr", header, rows),
    )
