"""A claim report as Markdown, for a reader who is not a statistician, top-down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..claim.wording import verbal_cap
from .escape import markdown_name, markdown_text

if TYPE_CHECKING:
    from ..claim import ClaimReport


def markdown(report: ClaimReport) -> str:
    """The report as one Markdown page; every number comes from the record."""
    environment = Environment(
        loader=PackageLoader("verify.render"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown has its own filter
    )
    environment.filters |= {
        "name": markdown_name,
        "text": markdown_text,
        "log10": _log10,
        "share": _share,
        "cap": verbal_cap,
    }
    return environment.get_template("report.md").render(report=report)


def _log10(value: float | None) -> str:
    """A log10 p-value in a table."""
    return "–" if value is None else f"{value:.2f}" if value > -100 else f"{value:.0f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
