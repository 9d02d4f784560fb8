"""A claim report as one HTML file that loads nothing: inline style, inline drawings, no script."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from markupsafe import Markup

from .anchors import Anchors
from .drawing import Drawing
from .environment import environment
from .escape import SENTENCE, Styles, html_name, html_text
from .kinds import Code, Command, Inline, Number
from .pictures import Picture, pictures
from .report_figures import ReportFigure
from .svg import inline, page_style
from .view import view

if TYPE_CHECKING:
    from ..claim.pages import Pages

_STYLES: Styles = {str: html_text, Code: html_name, Command: partial(html_name, longest=SENTENCE), Number: html_text}


def html(report: Pages) -> str:
    """The report as one file; without matplotlib, its figures are replaced by their numbers in words."""
    shown = view(report)
    drawings = {name: element(picture) for name, picture in pictures(report).items()}
    return page("report.html", [section.title for section in shown.sections], view=shown, drawings=drawings)


def page(template: str, titles: Iterable[str], **values: Any) -> str:
    """A page made of a template that extends ``page.html``.

    Parameters
    ----------
    template : its name.
    titles : of the sections, in their order; ``contents`` holds each with its identifier.
    values : what the template shows. Every text is escaped.

    Returns
    -------
    str
        HTML. The template may call ``anchor(text)`` for further identifiers.
    """
    anchors = Anchors()

    def anchor(text: Inline) -> Markup:
        return Markup(anchors(text))

    contents = [(anchor(title), title) for title in titles]
    made = _templates().get_template(template)
    return made.render(contents=contents, anchor=anchor, page_style=page_style(), **values)


def element(picture: Picture) -> Markup:
    """A picture as an element of a page; nothing where it needs matplotlib, which is not installed."""
    if isinstance(picture, Drawing):
        return inline(picture)
    return _figure(picture) if find_spec("matplotlib") is not None else Markup("")


@cache
def _templates() -> Environment:
    return environment(_STYLES, autoescape=True)


def _figure(figure: ReportFigure) -> Markup:
    """The figure as an element, without prologue, metadata or addresses, and with unique identifiers."""
    drawing = figure.render("svg").decode()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, count=1, flags=re.DOTALL)
    style = re.search(r"<defs>\s*<style[^>]*>\*\{([^{}]*)\}</style>\s*</defs>\s*", drawing)  # it would be of the page
    own = style[1] if style else ""
    drawing = drawing.replace(style[0], "", 1) if style else drawing
    head, body = drawing.split(">", 1)
    box = re.search(r'viewBox="[-0-9. ]+"', head)
    body = re.sub(r'(\s(?:id|(?:xlink:)?href|clip-path)="(?:url\()?#?)', rf"\1{figure.name}-", body)
    body = body.replace("xlink:href=", "href=")
    width = f'style="max-width: {figure.size[0]:.1f}in; {own}"'
    svg = f'<svg {box[0] if box else ""} {width} aria-hidden="true" focusable="false">{body}'
    return Markup(f'<div class="plate" role="img" aria-labelledby="{figure.name}_caption">{svg}</div>')
