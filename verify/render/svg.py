"""Drawings as SVG: inside a page, which colours their roles, or as a file of its own that follows light and dark.

Every shape carries its colour on light ground as an attribute, which any style sheet outranks: a renderer that knows
none (those of PDF) shows the light drawing.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from ..base.plain import plain
from .drawing import PALETTE, Area, Dots, Drawing, Line, Point, Role, Shape, Text
from .escape import SENTENCE

_FONT = "Helvetica Neue, Arial, DejaVu Sans, sans-serif"


def inline(drawing: Drawing) -> Markup:
    """The drawing as an element of a page, as wide as there is room; ``page_style`` colours it."""
    width = f'style="max-width: {_n(drawing.width * drawing.widest)}px"'
    return Markup("".join((_head(drawing, width), _body(drawing), "</svg>")))


def standalone(drawing: Drawing) -> str:
    """The drawing as a file."""
    size = f'xmlns="http://www.w3.org/2000/svg" width="{_n(drawing.width)}" height="{_n(drawing.height)}"'
    dark = "".join(f".f-{role}{{fill:{colour}}}.s-{role}{{stroke:{colour}}}" for role, (_, colour) in PALETTE.items())
    style = f"<style>@media (prefers-color-scheme: dark){{{dark}}}</style>"
    ground = f'<rect width="100%" height="100%" {_fill("paper")}/>'
    return "".join((_head(drawing, size), style, ground, _body(drawing), "</svg>\n"))


def page_style() -> Markup:
    """Style of a page: a variable for each role, light or dark as the reader has it, always light on paper."""
    light, dark = ("".join(f"--{role}:{pair[ground]};" for role, pair in PALETTE.items()) for ground in (0, 1))
    classes = "".join(f".f-{role}{{fill:var(--{role})}}.s-{role}{{stroke:var(--{role})}}" for role in PALETTE)
    return Markup(
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{classes}"
    )


def _head(drawing: Drawing, attributes: str) -> str:
    view = f'viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}"'
    title, alt = (escape(plain(text, 4 * SENTENCE)) for text in (drawing.title, drawing.alt))
    name = f"drawing_{drawing.name}"
    return (
        f'<svg {view} {attributes} role="img" aria-labelledby="{name}" aria-describedby="{name}_in_words" '
        f'focusable="false" font-family="{_FONT}">'
        f'<title id="{name}">{title}</title><desc id="{name}_in_words">{alt}</desc>'
    )


def _body(drawing: Drawing) -> str:
    return "".join(map(_shape, drawing.shapes))


def _shape(shape: Shape) -> str:
    match shape:
        case Line():
            dashes = ' stroke-dasharray="4 3"' if shape.dashed else ""
            return (
                f'<path d="{_path(shape.points)}" fill="none" {_stroke(shape.role, shape.width)}{dashes} '
                'stroke-linejoin="round"/>'
            )
        case Area():
            return f'<path d="{_path(shape.points)}z" {_fill(shape.role)}/>'
        case Dots():
            dots = "".join(f"M{_n(x)} {_n(y)}h0" for x, y in shape.centres)
            return (
                f'<path d="{dots}" {_stroke(shape.role, 2 * shape.radius)} stroke-linecap="round"/>' if dots else ""
            )
        case Text():
            x, y = shape.at
            bold = ' font-weight="bold"' if shape.bold else ""
            anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
            words = escape(plain(shape.text, SENTENCE))
            return (
                f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(shape.size)}"{anchor}{bold} {_fill(shape.role)}>'
                f"{words}</text>"
            )


def _path(points: tuple[Point, ...]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _fill(role: Role) -> str:
    return f'class="f-{role}" fill="{PALETTE[role][0]}"'


def _stroke(role: Role, width: float) -> str:
    return f'class="s-{role}" stroke="{PALETTE[role][0]}" stroke-width="{_n(width)}"'


def _n(value: float) -> str:
    """A number with at most two decimals."""
    return f"{value:z.2f}".rstrip("0").rstrip(".")
