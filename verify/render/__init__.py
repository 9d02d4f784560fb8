"""Render a report from its record alone; each format is imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..claim.pages import Pages


def _markdown(report: Pages) -> bytes:
    from .markdown import markdown

    return markdown(report).encode()


def _latex(report: Pages, fragment: bool = False) -> bytes:
    from .latex import latex

    return latex(report, fragment=fragment).encode()


def _html(report: Pages) -> bytes:
    from .html import html

    return html(report).encode()


def _pdf(report: Pages) -> bytes:
    from .pdf import pdf

    return pdf(report)


FORMATS: dict[str, Callable[[Pages], bytes]] = {
    "md": _markdown,
    "tex": _latex,
    "html": _html,
    "pdf": _pdf,
    "json": lambda report: report.to_json().encode() + b"\n",
    "fragment": lambda report: _latex(report, fragment=True),
}
"""Function that renders each format; ``fragment`` is LaTeX without a preamble."""
