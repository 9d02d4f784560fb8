"""The pictures of a report by name: drawings of our own, which need nothing, and figures that matplotlib draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..claim import ClaimReport
from .chance_hill import chance_hills
from .drawing import Drawing
from .identity_map import identity_map
from .report_figures import ReportFigure, figures

if TYPE_CHECKING:
    from ..claim.pages import Pages
    from ..shares import ShareReport

Picture = Drawing | ReportFigure


def pictures(report: Pages) -> dict[str, Picture]:
    """Every picture of a report, each with its name, a title and a text that states its numbers."""
    drawn: tuple[Drawing | None, ...] = ()
    if isinstance(report, ClaimReport):
        drawn = identity_map(report), chance_hills(report)
    elif getattr(report, "kind", None) == "share":
        from .layer_shares import layer_shares

        drawn = (layer_shares(cast("ShareReport", report)),)
    return {drawing.name: drawing for drawing in drawn if drawing is not None} | figures(report)
