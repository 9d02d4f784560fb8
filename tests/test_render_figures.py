"""Figures of a report state their numbers, and pages without them name what is left out."""

from __future__ import annotations

import sys

import pytest

from tests import renderings
from tests.renderings import Page, hostile
from verify import ClaimReport, InputError
from verify.render import FORMATS
from verify.render.report_figures import figures

report, reports = renderings.report, renderings.reports


def test_figures_state_their_numbers(reports: dict[str, ClaimReport]) -> None:
    """A report with a panel has five, each with a title and its numbers in words; one without has none."""
    drawn = figures(reports["obfuscated-all"])
    assert set(drawn) == {"null", "designs", "panel", "map", "audit"}
    assert figures(reports["related"]) == {}
    assert figures(reports["identical"]) == {}
    rung = next(r for r in reports["obfuscated-all"].tests["response_match"].ranks if r.design == "pair_residual")
    assert f"{rung.rank} pairs" in drawn["null"].alt
    assert "Lower tail" in drawn["null"].alt


@pytest.mark.slow
def test_a_figure_holds_no_picture_and_no_name_as_mathematics(reports: dict[str, ClaimReport]) -> None:
    """Vectors alone; text as text, whatever it says."""
    for text in ("$x^2$", "模型", "<b>", "a" * 10_000):
        for figure in figures(hostile(reports["obfuscated-all"], text)).values():
            drawing = figure.render("svg").decode()
            assert "<image" not in drawing
            assert "<b>" not in drawing


def test_without_matplotlib_pages_name_the_figures_left_out(
    reports: dict[str, ClaimReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And say their numbers all the same; a figure itself says what is missing."""
    report = reports["obfuscated-all"]
    with_it = {kind: FORMATS[kind](report) for kind in ("md", "tex", "json", "fragment")}
    monkeypatch.setattr("verify.render.html.find_spec", lambda _: None)
    monkeypatch.setattr("verify.render.pdf.find_spec", lambda _: None)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert {kind: FORMATS[kind](report) for kind in with_it} == with_it
    page = " ".join("".join(Page(FORMATS["html"](report).decode()).text).split())
    for figure in figures(report).values():
        assert f"{figure.title} (left out: it needs matplotlib). {figure.alt}" in page
        with pytest.raises(InputError, match="need matplotlib"):
            figure.render("svg")
