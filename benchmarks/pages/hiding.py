"""``hiding.md``: which change of the weights hides a copy from which test."""

from __future__ import annotations

from typing import Any

from .markdown import bold, page, table
from .truth import log10_p

LEVEL = -3.0


def hiding(found: dict[str, Any]) -> str:
    """The page."""
    tests = found["tests"]
    blocks: list[str | list[str]] = []
    for model in found["models"]:
        rows = [
            [row["change"], *(bold(log10_p(p), p is not None and p <= LEVEL) for p in row["log10_p"].values())]
            for row in model["rows"]
        ]
        blocks += [f"## {model['family']}", table("lr", ["change", *tests], rows)]
    return page(
        "# Which change hides from which test",
        "log10 p of each test between a trained model and a copy of it, changed in one way that keeps its function "
        "(`python -m benchmarks.hiding`; `forward_passes.md` checks the function). Bold: found, p at most .001. n/a: "
        "does not apply to the family. `obfuscated` is the changes of that model of the zoo; `obfuscated-all` is all "
        "changes at once.",
        *blocks,
    )
