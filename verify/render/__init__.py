"""Pages, files and figures derived from the record alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .html import compact, html
from .latex import latex
from .markdown import markdown
from .pdf import pdf
from .report_figures import ReportFigure, figures

if TYPE_CHECKING:
    from ..claim import ClaimReport

FORMATS: dict[str, Callable[[ClaimReport], bytes]] = {
    "md": lambda report: markdown(report).encode(),
    "tex": lambda report: latex(report).encode(),
    "html": lambda report: html(report).encode(),
    "pdf": pdf,
    "json": lambda report: report.to_json().encode() + b"\n",
    "fragment": lambda report: latex(report, fragment=True).encode(),
}
"""What makes the file of each format; ``fragment`` is LaTeX without a preamble."""

__all__ = ["FORMATS", "ReportFigure", "compact", "figures", "html", "latex", "markdown", "pdf"]
