"""The example reports are what their script makes of the shipped models, and each answers as it says.

Two guarantees, kept apart. What a report states follows from the models on any machine: counts, verdicts and words
are the same, scores and what rests on products of matrices are within the tolerance that `verify replay` states, as
processors round differently. What a page shows follows from its record alone, so those are the same bytes anywhere.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import verify
from examples.reports.generate import HERE, PAIRS, WRITTEN, report
from verify.render import FORMATS
from verify.replay.agreement import compare
from verify.replay.rerun import WITH_WEIGHTS


def without_versions(content: dict[str, Any]) -> dict[str, Any]:
    """All but the software and its kernels, and the digest and citation over them."""
    kept = {key: value for key, value in content.items() if key not in ("digest", "citation")}
    for part in ("a", "b", "provenance"):
        kept[part] = {key: value for key, value in kept[part].items() if key != "software"}
    return kept


def without_drawings(page: bytes) -> bytes:
    """A drawing's bytes are those of one version of matplotlib, which no report records."""
    return re.sub(rb"<svg.*?</svg>", b"", page, flags=re.DOTALL)


@pytest.mark.parametrize("name", PAIRS)
def test_the_reports_state_what_the_script_finds(name: str) -> None:
    """Counts, words and verdicts exactly, scores up to rounding: no processor's last digit is part of the promise."""
    old, new = json.loads((HERE / name / "report.json").read_bytes()), json.loads(report(PAIRS[name]).to_json())
    assert old["verdict"] == PAIRS[name].verdict
    differing = compare(without_versions(old), without_versions(new), WITH_WEIGHTS)
    assert differing == [], "run `python -m examples.reports.generate`"


@pytest.mark.parametrize("name", PAIRS)
def test_the_pages_are_renderings_of_the_record_beside_them(name: str) -> None:
    """Byte for byte; and the record is sealed, and follows from its own counts."""
    assert verify.replay(HERE / name / "report.json").agrees
    record = verify.ClaimReport.from_json(HERE / name / "report.json")
    for kind in WRITTEN:
        kept = (HERE / name / f"report.{kind}").read_bytes()
        assert without_drawings(kept) == without_drawings(FORMATS[kind](record)), kind


def test_no_report_is_left_over() -> None:
    """Each folder belongs to a pair."""
    assert sorted(path.name for path in Path(HERE).iterdir() if (path / "report.json").exists()) == sorted(PAIRS)
