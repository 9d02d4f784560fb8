"""Pictures on matplotlib's axes: those of the caller, or of a new figure of pyplot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base import options
from ..base.errors import InputError
from .drawing import PALETTE, Area, Dots, Drawing, Line, Role, Shape, Text
from .escape import SENTENCE, spelled
from .figures import STYLE, load_matplotlib
from .pictures import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 72  # to an inch, as units of a drawing are


def drawn_on(axes: Axes | None, pictures: Mapping[str, Picture], name: str | None) -> Axes:
    """Draw one of the pictures of a result.

    Parameters
    ----------
    axes : where to draw; None for those of a new figure.
    pictures : by name; the first is drawn if none is named.
    name : of the picture.

    Returns
    -------
    Axes
        With the picture and its title.

    Raises
    ------
    InputError
        If there is no such picture, or matplotlib is not installed.
    """
    if not pictures:
        raise InputError("There is nothing to draw: the record holds no numbers that a picture is made of.")
    picture = pictures[options.one_of("picture", name or next(iter(pictures)), tuple(pictures))]
    mpl = load_matplotlib()
    if axes is not None and not isinstance(axes, mpl.axes.Axes):
        options.refuse("ax", axes, "the axes of matplotlib, or None for new ones")
    if axes is None:
        from matplotlib import pyplot

        # not in the context: the first figure sets up the notebook, by settings that must stay
        figure = pyplot.figure(figsize=_size(picture), layout="constrained")
    with mpl.rc_context(STYLE):
        on = axes if axes is not None else figure.add_subplot()
        _draw(picture, on)
        on.set_title(spelled(picture.title, SENTENCE))
        for text in on.findobj(mpl.text.Text):
            text.set_parse_math(False)  # names of models, also on axes that were there before
    return on


def _size(picture: Picture) -> tuple[float, float]:
    """Width and height in inches."""
    if isinstance(picture, Drawing):
        return picture.width / _POINTS, picture.height / _POINTS + 0.3
    return picture.size


def _draw(picture: Picture, axes: Axes) -> None:
    if not isinstance(picture, Drawing):
        picture.draw(axes)
        return
    axes.set(xlim=(0, picture.width), ylim=(picture.height, 0), aspect="equal")
    axes.set_axis_off()
    inches = axes.get_window_extent().width / axes.figure.dpi
    points = inches * _POINTS / picture.width
    for shape in picture.shapes:
        _SHAPES[type(shape)](axes, shape, points)


def _line(axes: Axes, line: Line, points: float) -> None:
    x, y = np.array(line.points).T
    style = (0, (4, 3)) if line.dashed else "solid"
    axes.plot(x, y, color=_colour(line.role), linewidth=line.width * points, linestyle=style)


def _area(axes: Axes, area: Area, _: float) -> None:
    axes.fill(*np.array(area.points).T, color=_colour(area.role), linewidth=0)


def _dots(axes: Axes, dots: Dots, points: float) -> None:
    if dots.centres:
        size = 2 * dots.radius * points
        axes.plot(*np.array(dots.centres).T, "o", color=_colour(dots.role), markersize=size, markeredgewidth=0)


def _text(axes: Axes, text: Text, points: float) -> None:
    side = {"start": "left", "middle": "center", "end": "right"}[text.anchor]
    words, weight = spelled(text.text, SENTENCE), "bold" if text.bold else "normal"
    axes.text(*text.at, words, color=_colour(text.role), fontsize=text.size * points, ha=side, va="baseline",
              weight=weight)  # fmt: skip


_SHAPES: dict[type[Shape], Any] = {Line: _line, Area: _area, Dots: _dots, Text: _text}


def _colour(role: Role) -> str:
    return PALETTE[role][0]
