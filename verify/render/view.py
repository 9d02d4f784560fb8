"""The content of a report's page, the answer first and hashes last; every format is rendered from it.

Every number comes from the record. log10 p-values are rounded to two decimals above -100, and to whole numbers below;
chances are rounded up; shares, scores and bounds have three decimals; levels are shown as given. Other numbers count
entries of the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..calibrate import CalibrationReport
from ..claim import ClaimReport
from ..claim.pages import Pages
from .calibration import calibration
from .page import Block, Items, Picture, Section, View, filled, subject
from .pictures import pictures as drawn
from .sections.adapter import adapter
from .sections.assumptions import assumptions
from .sections.checks import checks
from .sections.conservative import conservative
from .sections.data import data
from .sections.dates import dates
from .sections.exact import exact_tests, further_tests, refused_tests
from .sections.findings import declared, may_be_said, not_shown, parts
from .sections.how_to_check import how_to_check, references
from .sections.looked_at import looked_at
from .sections.others import own_lines
from .sections.panels import against_panel
from .sections.reworked import reworked
from .sections.where import where

if TYPE_CHECKING:
    from ..derivations import DerivationReport
    from ..shares import ShareReport
    from ..siblings import BeyondReport


def view(report: Pages) -> View:
    """The page of a report."""
    if isinstance(report, CalibrationReport):
        return calibration(report)
    if getattr(report, "kind", None) == "share":
        from .shares import shares

        return shares(cast("ShareReport", report))
    if getattr(report, "kind", None) == "beyond":
        from .beyond import beyond_base

        return beyond_base(cast("BeyondReport", report))
    if getattr(report, "kind", None) == "derivation":
        from .derivation import derived

        return derived(cast("DerivationReport", report))
    if not isinstance(report, ClaimReport):
        raise TypeError(f"{type(report).__name__} has no page")
    return _lineage(report)


FIRST = ("identity", "chance")
"""Pictures under the answer."""


def _lineage(report: ClaimReport) -> View:
    """The page of a claim of lineage."""
    pictures = {one.name: Picture(one.name, one.title, one.alt, one.caption) for one in drawn(report).values()}
    sections: dict[str, list[Block]] = {
        "What was looked at": looked_at(report),
        "The adapter": adapter(report),
        "Parts compared": parts(report),
        "What was declared": declared(report),
        "Dates": dates(report),
        "How to check it": how_to_check(report),
        "What may be said": may_be_said(report),
        "What this does not show": not_shown(report),
        "Against the panel": [*against_panel(report, pictures), *conservative(report)],
        "Evidence of one's own": own_lines(report),
        "Appendix: assumptions": assumptions(report),
        "Appendix: counts": [
            *exact_tests(report),
            *further_tests(report),
            *refused_tests(report),
            *where(report, pictures),
        ],
        "Appendix: models and files": data(report),
        "Appendix: checks": [*checks(report, pictures), *reworked(report)],
        "Appendix: references": [Items(references(report))],
    }
    shown = {title: filled(blocks) for title, blocks in sections.items()}
    return View(
        title="Lineage report",
        subject=subject(report),
        answer=report.answer,
        pictures=tuple(pictures[name] for name in FIRST if name in pictures and report.verdict != "untestable"),
        sections=tuple(Section(title, blocks) for title, blocks in shown.items() if blocks),
        digest=report.digest,
    )
