r"""Drawings as TikZ, for LaTeX: colours are named ``verifyink`` and so on, and words are escaped.

A document needs ``\usepackage{tikz}``; the pictures take no TikZ library. Words are in the font of the document,
which may define another as ``\verifyfont``: what has all letters in one font need not have them in every one.
"""

from __future__ import annotations

from markupsafe import Markup

from .drawing import PALETTE, PHONE, Area, Dots, Drawing, Line, Point, Shape, Text
from .escape import tex_text

_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
_PER_LINE = 8  # points on a line of source
_POINTS = 0.62  # TeX points to a unit: two drawings stand beside one another on a page


def preamble() -> Markup:
    """Definitions of the colours of all roles on white, and of the font unless the document has defined it."""
    colours = (
        rf"\definecolor{{verify{role}}}{{HTML}}{{{light.removeprefix('#').upper()}}}"
        for role, (light, _) in PALETTE.items()
    )
    return Markup("\n").join(map(Markup, (*colours, r"\providecommand{\verifyfont}{}")))


def tikz(drawing: Drawing) -> Markup:
    """The drawing as an environment ``tikzpicture``, no wider than the line."""
    unit = f"{_POINTS * min(1.0, 1.5 * PHONE / drawing.width):.4g}pt"
    head = rf"\begin{{tikzpicture}}[x={unit},y=-{unit},line cap=butt,line join=round,inner sep=0pt]"
    sheet = rf"\path[use as bounding box] (0,0) rectangle ({_n(drawing.width)},{_n(drawing.height)});"
    shapes = (_shape(shape) for shape in drawing.shapes)
    return Markup("\n").join(map(Markup, (head, sheet, *filter(None, shapes), r"\end{tikzpicture}")))


def _shape(shape: Shape) -> str:
    role = f"verify{shape.role}"
    match shape:
        case Line():
            dashed = ",dashed" if shape.dashed else ""
            return rf"\draw[{role},line width={_n(shape.width * _POINTS)}pt{dashed}] {_path(shape.points)};"
        case Area():
            return rf"\fill[{role}] {_path(shape.points)} -- cycle;"
        case Dots():
            if not shape.centres:
                return ""
            dots = [f"{_at(point)}--{_at(point)}" for point in shape.centres]  # half the time that circles take
            width = f"line width={_n(2 * shape.radius * _POINTS)}pt"
            return rf"\draw[{role},line cap=round,{width}] {_broken(dots, ' ')};"
        case Text():
            size = round(shape.size * _POINTS)  # a whole number, since bitmap fonts come in few sizes
            bold = r"\bfseries" if shape.bold else ""
            font = rf"\verifyfont\fontsize{{{size}}}{{{size + 1}}}{bold}\selectfont"
            return (
                rf"\node[{role},anchor={_ANCHORS[shape.anchor]},font={{{font}}}] at {_at(shape.at)} "
                rf"{{{tex_text(shape.text)}}};"
            )


def _path(points: tuple[Point, ...]) -> str:
    return _broken([_at(point) for point in points], " -- ")


def _broken(parts: list[str], between: str) -> str:
    """Parts in lines, since TeX reads no line of any length."""
    lines = [between.join(parts[i : i + _PER_LINE]) for i in range(0, len(parts), _PER_LINE)]
    return f"{between.rstrip()}\n".join(lines) if between.strip() else "\n".join(lines)


def _at(point: Point) -> str:
    return f"({_n(point[0])},{_n(point[1])})"


def _n(value: float) -> str:
    """A number with at most two decimals."""
    return f"{value:z.2f}".rstrip("0").rstrip(".")
