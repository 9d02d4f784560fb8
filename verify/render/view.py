"""The content of a report's page, in the order of a forensic report; every format is rendered from it.

Every number comes from the record. log10 p-values are rounded to two decimals above -100, and to whole numbers below;
shares, scores and bounds to three decimals; levels are shown as given. Other numbers count entries of the record.
"""

from __future__ import annotations

from ..calibrate import CalibrationReport
from ..claim import ClaimReport
from ..claim.pages import Pages
from .calibration import calibration
from .page import Block, Items, Picture, Section, Table, View
from .report_figures import figures
from .sections.checks import checks
from .sections.conservative import conservative
from .sections.data import data
from .sections.exact import exact_tests, further_tests, refused_tests
from .sections.findings import findings
from .sections.how_to_check import how_to_check, references
from .sections.others import own_lines
from .sections.panels import against_panel
from .sections.reworked import reworked
from .sections.summary import summary
from .sections.where import where


def view(report: Pages) -> View:
    """The page of a report."""
    if isinstance(report, CalibrationReport):
        return calibration(report)
    if not isinstance(report, ClaimReport):
        raise TypeError(f"{type(report).__name__} has no page")
    return _lineage(report)


def _lineage(report: ClaimReport) -> View:
    """The page of a claim of lineage."""
    pictures = {figure.name: Picture(figure.name, figure.title, figure.alt) for figure in figures(report).values()}
    hypotheses = report.hypotheses
    sections: dict[str, list[Block]] = {
        "Versions and data": data(report),
        "Both propositions": [Items((("Null: ", hypotheses.null), ("Alternative: ", hypotheses.alternative)))],
        "Findings": findings(report),
        "Components": [
            *exact_tests(report),
            *further_tests(report),
            *refused_tests(report),
            *against_panel(report, pictures),
            *where(report, pictures),
            *own_lines(report),
        ],
        "Model checks": [*checks(report, pictures), *reworked(report)],
        "Conservative value": conservative(report),
        "What this does not show": [Items(report.limitations)],
        "How to check it": how_to_check(report),
        "References": [Items(references(report))],
    }
    shown = {title: [b for b in blocks if not isinstance(b, Table) or b.rows] for title, blocks in sections.items()}
    return View(
        title="Lineage claim report",
        finding=report.finding,
        summary=summary(report),
        sections=tuple(Section(title, tuple(blocks)) for title, blocks in shown.items()),
        digest=report.digest,
    )
