"""The example reports are what their script makes of the shipped models, and each answers as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from examples.reports.generate import HERE, PAIRS, WRITTEN, report
from verify.claim.agreement import Tolerance, compare
from verify.render import FORMATS


def without_versions(content: dict[str, Any]) -> dict[str, Any]:
    """All but the versions of the software, and the digest and citation over them."""
    kept = {key: value for key, value in content.items() if key not in ("digest", "citation")}
    for part in ("a", "b", "provenance"):
        kept[part] = {key: value for key, value in kept[part].items() if key != "software"}
    return kept


def without_drawings(page: bytes) -> bytes:
    """A drawing's bytes are those of one version of matplotlib, which no report records."""
    return re.sub(rb"<svg.*?</svg>", b"", page, flags=re.DOTALL)


@pytest.mark.parametrize("name", PAIRS)
def test_the_reports_are_what_the_script_makes(name: str) -> None:
    """Byte for byte where the versions are those that made them; else up to rounding."""
    made = report(PAIRS[name])
    old, new = json.loads((HERE / name / "report.json").read_bytes()), json.loads(made.to_json())
    assert old["verdict"] == PAIRS[name].verdict
    differing = compare(without_versions(old), without_versions(new), (("*", Tolerance(1e-5, 1e-5)),))
    assert differing == [], "run `python -m examples.reports.generate`"
    if old["provenance"]["software"] == made.provenance.software:
        for kind in WRITTEN:
            kept = (HERE / name / f"report.{kind}").read_bytes()
            assert without_drawings(kept) == without_drawings(FORMATS[kind](made)), kind


def test_no_report_is_left_over() -> None:
    """Each folder belongs to a pair."""
    assert sorted(path.name for path in Path(HERE).iterdir() if (path / "report.json").exists()) == sorted(PAIRS)
