"""A claim report as one HTML file that loads nothing: inline style, inline drawings, no script."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from jinja2 import Environment
from markupsafe import Markup

from .environment import environment
from .escape import Code, Number, html_name, html_text
from .report_figures import ReportFigure, figures
from .view import view

if TYPE_CHECKING:
    from ..claim.pages import Pages

_STYLES = {str: html_text, Code: html_name, Number: html_text}


def html(report: Pages) -> str:
    """The report as one file; without matplotlib, figures are replaced by their numbers in words."""
    drawable = find_spec("matplotlib") is not None
    drawings = {name: _drawing(figure) if drawable else "" for name, figure in figures(report).items()}
    template = _templates().get_template("report.html")
    return template.render(view=view(report), drawings=drawings)


@cache
def _templates() -> Environment:
    return environment(_STYLES, autoescape=True)


def _drawing(figure: ReportFigure) -> Markup:
    """The figure as an element, without prologue, metadata or addresses, and with unique identifiers."""
    drawing = figure.render("svg").decode()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, count=1, flags=re.DOTALL)
    head, body = drawing.split(">", 1)
    box = re.search(r'viewBox="[-0-9. ]+"', head)
    body = re.sub(r'(\s(?:id|(?:xlink:)?href|clip-path)="(?:url\()?#?)', rf"\1{figure.name}-", body)
    body = body.replace("xlink:href=", "href=")
    width = f'style="max-width: {figure.size[0]:.1f}in"'
    return Markup(f'<svg {box[0] if box else ""} {width} aria-hidden="true" focusable="false">{body}')
