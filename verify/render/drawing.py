"""Drawings in the abstract: lines, dots, areas and words on a sheet, in roles rather than colours.

A drawing is measured in units of which a telephone's screen shows about 360 across, so text of 11 units and more can
be read there. ``svg`` and ``tikz`` render it; the same drawing gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

PHONE = 360
"""Width in units of a drawing that fills the screen of a telephone."""
LEAST_TEXT = 11
"""Smallest size of text, in units, on a drawing of that width."""

Role = Literal["paper", "ink", "muted", "faint", "accent", "found", "warn"]
"""What a shape is for. ``paper``: the ground. ``ink``: text and axes. ``muted``: what stands back. ``faint``: areas
under something else. ``accent``: what was observed. ``found``: a relation. ``warn``: what should be looked into."""
PALETTE: dict[Role, tuple[str, str]] = {
    "paper": ("#ffffff", "#16191d"),
    "ink": ("#1a1a1a", "#e9e9e9"),
    "muted": ("#5a5f66", "#a9b0b8"),
    "faint": ("#d3d7dc", "#3f4750"),
    "accent": ("#0b4f99", "#8cc0ff"),
    "found": ("#00606e", "#62d3e4"),
    "warn": ("#8a4500", "#f3b462"),
}
"""Colours of each role on light and on dark ground. All but ``faint`` can be read as text on ``paper``, and all but
``muted`` on ``faint`` too. Colours may look alike in grey: size, place or words must tell shapes apart as well."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line through points."""

    points: tuple[Point, ...]
    role: Role = "ink"
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Area:
    """A filled outline."""

    points: tuple[Point, ...]
    role: Role = "faint"


@dataclass(frozen=True)
class Dots:
    """Round dots of one size."""

    centres: tuple[Point, ...]
    role: Role = "ink"
    radius: float = 1.5


@dataclass(frozen=True)
class Text:
    """Words on one line; ``at`` is on the base line. They may come from a stranger: renderers escape them."""

    at: Point
    text: str
    role: Role = "ink"
    size: float = LEAST_TEXT
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


Shape = Line | Area | Dots | Text


@dataclass(frozen=True)
class Drawing:
    """A sheet with shapes, the later above the earlier; y grows downwards."""

    name: str
    """Its identifier, of small letters."""
    title: str
    alt: str
    """Text that states the numbers, for readers who do not see the drawing."""
    caption: str
    """How to read it, for those who do."""
    width: float
    height: float
    shapes: tuple[Shape, ...]
    widest: float = 1.5
    """How much larger it is drawn where there is room."""


def box(x: float, y: float, width: float, height: float, role: Role = "faint") -> Area:
    """A filled rectangle.

    Parameters
    ----------
    x, y : its corner of smallest coordinates.
    width, height : its sides.
    role : of the area.
    """
    return Area(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), role)


def frame(x: float, y: float, width: float, height: float, role: Role = "muted") -> Line:
    """The outline of a rectangle.

    Parameters
    ----------
    x, y : its corner of smallest coordinates.
    width, height : its sides.
    role : of the line.
    """
    corners = box(x, y, width, height).points
    return Line((*corners, corners[0]), role)


def moved(shape: Shape, x: float, y: float) -> Shape:
    """The shape, shifted.

    Parameters
    ----------
    shape : what is shifted.
    x, y : by how much.
    """
    if isinstance(shape, Text):
        return replace(shape, at=(shape.at[0] + x, shape.at[1] + y))
    if isinstance(shape, Dots):
        return replace(shape, centres=tuple((a + x, b + y) for a, b in shape.centres))
    return replace(shape, points=tuple((a + x, b + y) for a, b in shape.points))
