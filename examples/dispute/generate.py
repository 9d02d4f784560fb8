"""From what is committed beside this file to the reports, ``results.json`` and the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import verify
from benchmarks.results import dumped

from .base_rate import base_rate
from .correlations import read_rows
from .page import page
from .populations import CLAIMED, DEPTH
from .reenactment import CHILD, MODELS, real_case, reenact, reenacted

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
DIGITS = 10
"""Significant digits that are kept: processors agree on these."""


def generate(output: Path) -> None:
    """Write reports, results and page."""
    output.mkdir(parents=True, exist_ok=True)
    prints = {name: verify.Fingerprint.load(HERE / "fingerprints" / f"{name}.safetensors") for name in MODELS}
    reports = reenact(prints, output / "reports")
    results = {
        "claimed": CLAIMED,
        "depth": DEPTH,
        "base_rate": base_rate(read_rows(HERE / "correlations.csv")),
        "reenactment": reenacted(reports),
        "real": real_case(reports[CHILD]),
    }
    path = output / RESULTS.name
    path.write_text(dumped(_rounded(results)) + "\n", "utf-8")
    (output / "README.md").write_text(page(read_results(path)), "utf-8")


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """The content of ``results.json``."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _rounded(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    return float(f"{content:.{DIGITS}g}") if isinstance(content, float) else content
