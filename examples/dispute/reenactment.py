"""The dispute re-enacted with known truth (``cases.toml``), and what a test of the real pair could show."""

from __future__ import annotations

import tomllib
from math import log10
from pathlib import Path
from typing import Any, NamedTuple

import verify
from verify.fingerprint import SketchSpec
from verify.inference import critical_count, detectable_share, log10_p_fixed_points
from verify.statistics import EXACT_TESTS, PRIMARY, SPREAD_CORRELATION

from .shares import odds

HERE = Path(__file__).parent
RECIPE = HERE.parents[1] / "benchmarks" / "zoo" / "dispute.toml"
_KNOWN: dict[str, Any] = tomllib.loads((HERE / "cases.toml").read_text("utf-8"))

MODELS: list[str] = _KNOWN["models"]
PANEL: str = _KNOWN["panel"]
CHILD: str = _KNOWN["child"]
SHAPE: dict[str, int] = _KNOWN["shape"]
CREATED = "2026-01-01T00:00:00+00:00"


class Case(NamedTuple):
    """A pair of the re-enactment, and the truth about it."""

    name: str
    a: str
    b: str
    truth: str
    chronology: str


CASES = tuple(Case(**case) for case in _KNOWN["case"])


def reenact(prints: dict[str, verify.Fingerprint], folder: Path) -> dict[str, verify.ClaimReport]:
    """Test every case, and write its report into the folder of its name."""
    reports = {}
    for case in CASES:
        report = verify.test_lineage(
            prints[case.a], prints[case.b], chronology=case.chronology, panel=PANEL, created=CREATED
        )
        report.to_json(folder / case.name / "report.json")
        report.to_markdown(folder / case.name / "report.md")
        reports[case.name] = report
    return reports


def reenacted(reports: dict[str, verify.ClaimReport]) -> dict[str, Any]:
    """What the page says of the re-enactment."""
    child = reports[CHILD]
    assert child.panel is not None
    assert child.tests["value_identity"].effect is not None
    return {
        "layers": child.a.architecture.layers,
        "longer": _longer(),
        "tests": [test.id for test in EXACT_TESTS],
        "primary": PRIMARY.id,
        "panel_members": len(child.panel.members),
        "panel_recipes": len(child.panel.recipes),
        "child": CHILD,
        "child_share": child.tests["value_identity"].effect.share,
        "cases": [_result(case, reports[case.name]) for case in CASES],
    }


def real_case(report: verify.ClaimReport) -> dict[str, Any]:
    """How strong a test of the real pair could be; the tests that apply are those of the re-enacted derivation."""
    sketch = SketchSpec()
    applicable = [test.id for test in EXACT_TESTS if report.tests[test.id].applicable]
    tests, groups = log10(len(applicable)), SHAPE["layers"] * SHAPE["kv_heads"]
    channels = groups * sketch.channels
    level, tenth = log10(report.alpha) - tests, groups + (channels - groups) // 10
    return {
        "shape": SHAPE,
        "sketch_channels": sketch.channels,
        "applicable": applicable,
        "refused": [test.id for test in EXACT_TESTS if test.id not in applicable],
        "groups": groups,
        "channels": channels,
        "alpha": report.alpha,
        "attainable": min(0.0, log10_p_fixed_points(channels, groups) + tests),
        "tenth": min(0.0, log10_p_fixed_points(tenth, groups) + tests),
        "tenth_count": tenth,
        "needed": critical_count(groups, level),
        "detectable": detectable_share(channels, groups, level),
        "ratio": SHAPE["dense_hidden"] / SHAPE["expert_hidden"],
    }


def _result(case: Case, report: verify.ClaimReport) -> dict[str, Any]:
    """What the tests of this library say of a case, and what the disputed statistic does."""
    disputed = report.tests[SPREAD_CORRELATION.id]
    ranks = {rung.design: rung for rung in disputed.ranks}
    return case._asdict() | {
        "verdict": report.verdict,
        "log10_p": report.log10_p,
        "tests": {test.id: report.tests[test.id].log10_p for test in EXACT_TESTS},
        "panel_log10_p": report.tests[PRIMARY.id].log10_p,
        "r": disputed.score,
        "raw": odds(ranks["pair"]),
        "residual": odds(ranks["pair_residual"]),
    }


def _longer() -> float:
    """How many times as long as the parent the child was trained, by the recipe."""
    recipe = tomllib.loads(RECIPE.read_text("utf-8"))
    return float(next(m["train"]["steps"] for m in recipe["model"] if m["name"] == "upcycled-child"))
