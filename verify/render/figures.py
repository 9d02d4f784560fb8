"""Draw figures with matplotlib (extra ``report``); the same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..base import InputError, write_atomically
from .escape import spelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

FORMATS = (".svg", ".pdf", ".png")
QQ_SIZE = (4.5, 4.6)
_LONGEST = 40  # characters of a name that are shown
FILES: dict[str, Any] = {"svg.hashsalt": "verify", "svg.fonttype": "none", "pdf.fonttype": 42}
"""Settings for the same bytes on every run, and text as text."""
STYLE: dict[str, Any] = {
    "text.parse_math": False,  # names are never mathematics
    "legend.frameon": False,
    "legend.fontsize": 7,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}


def heat_map(path: Path, names: Sequence[str], scores: NDArray[np.float64], title: str) -> None:
    """Heat map of the scores of a panel's members; the diagonal is blank.

    Parameters
    ----------
    path : file to write, .svg, .pdf or .png.
    names : labels of the n members.
    scores : shape [n, n].
    title : title of the figure.
    """
    check_format(path)
    title = f"{title} of unrelated models"
    content = drawn(heat_map_size(names), title, lambda axes: draw_heat_map(axes, names, scores), path.suffix)
    write_atomically(path, content)


def qq_plot(
    path: Path, observed: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], title: str
) -> None:
    """QQ plot of p-values of pairs inside strata against uniform quantiles, with their envelope under permutation.

    Axes are logarithmic, since verdicts rest on small p-values.

    Parameters
    ----------
    path : file to write, .svg, .pdf or .png.
    observed : sorted p-values, shape [k].
    low, high : pointwise 2.5% and 97.5% under permuted labels, shape [k].
    title : title of the figure.
    """
    check_format(path)
    title = f"{title}: calibration inside strata"
    content = drawn(QQ_SIZE, title, lambda axes: draw_qq_plot(axes, observed, low, high), path.suffix)
    write_atomically(path, content)


def heat_map_size(names: Sequence[str]) -> tuple[float, float]:
    """Width and height in inches, for the names and the cells."""
    longest = max(len(spelled(name, _LONGEST)) for name in names)
    side = 0.065 * longest + max(2.5, 0.22 * len(names))
    return 1.6 + side, 1 + side


def draw_heat_map(axes: Axes, names: Sequence[str], scores: NDArray[np.float64]) -> None:
    """Draw the cells [n, n], darkest for the largest scores.

    Parameters
    ----------
    axes : where to draw.
    names : labels of the n members.
    scores : shape [n, n].
    """
    image = axes.pcolormesh(np.ma.masked_invalid(scores), cmap="cividis_r")  # vector paths, not an image
    places, labels = np.arange(len(names)) + 0.5, [spelled(name, _LONGEST) for name in names]
    axes.set_xticks(places, labels, rotation=90)
    axes.set_yticks(places, labels)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    colour_bar(axes, image, "score")


def draw_qq_plot(
    axes: Axes, observed: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """Draw sorted p-values with their envelope, on logarithmic axes.

    Parameters
    ----------
    axes : where to draw.
    observed : sorted p-values, shape [k].
    low, high : pointwise 2.5% and 97.5% under permuted labels, shape [k].
    """
    axes.set(aspect="equal", xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    expected = (np.arange(len(observed)) + 0.5) / len(observed)
    axes.fill_between(expected, low, high, color="0.85", label="95% if strata did not matter")
    axes.plot([expected[0], 1], [expected[0], 1], color="0.5", linewidth=0.8, linestyle="--", label="uniform")
    axes.plot(expected, observed, color="black", marker=".", markersize=3, linewidth=0.8, label="pairs inside strata")
    axes.set_xlabel("uniform quantile")
    axes.set_ylabel("p of the residual pair rank")
    axes.legend()


def colour_bar(axes: Axes, image: ScalarMappable, label: str, ticks: str | None = None) -> None:
    """Draw the colour scale of a map.

    Parameters
    ----------
    axes : the axes of the map.
    image : the map.
    label : name of the quantity.
    ticks : format of the numbers, such as ``{x:g}``.
    """
    bar = axes.figure.colorbar(image, ax=axes, aspect=40, pad=0.02, format=ticks)
    bar.set_label(label)
    if bar.solids is not None:
        bar.solids.set_rasterized(False)


def check_format(path: Path) -> None:
    """Refuse a figure whose name does not end in a format that can be drawn.

    Raises
    ------
    InputError
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path.name!r:.120} is not a figure that can be drawn; end it in {', '.join(FORMATS)}.")


def drawn(size: tuple[float, float], title: str, draw: Callable[[Axes], None], suffix: str) -> bytes:
    """Render a figure to bytes: no time stamps, no random names, and text as text.

    matplotlib's default settings are used, whatever the user's, and names are never parsed as mathematics.

    Parameters
    ----------
    size : width and height in inches.
    title : title of the figure.
    draw : draws on the axes.
    suffix : ``svg``, ``pdf`` or ``png``.

    Returns
    -------
    bytes
        Content of the file.

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    mpl = load_matplotlib()
    from matplotlib.figure import Figure

    kind, buffer = suffix.lower().lstrip("."), BytesIO()
    metadata: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(FILES | STYLE)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set_title(title)
        figure.savefig(buffer, format=kind, metadata=metadata[kind], dpi=150, bbox_inches="tight")
    return buffer.getvalue()


def load_matplotlib() -> Any:
    """The package matplotlib.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import matplotlib as mpl
        import matplotlib.axes
        import matplotlib.text
    except ImportError as error:
        raise InputError('Figures need matplotlib: `pip install "verify-lineage[report]"`.') from error
    return mpl
