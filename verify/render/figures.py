"""Figures, drawn with matplotlib (extra ``report``): the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..base import InputError, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".svg", ".pdf", ".png")


def heat_map(path: Path, names: Sequence[str], scores: NDArray[np.float64], title: str) -> None:
    """Scores [n, n] of a panel's members; the diagonal is left blank."""
    figure = _figure(2 + 0.22 * len(names), 1.5 + 0.22 * len(names))
    axes = figure.add_subplot()
    image = axes.imshow(np.ma.masked_invalid(scores), cmap="cividis_r")
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_title(f"{title} of unrelated models", fontsize=9)
    figure.colorbar(image, ax=axes, shrink=0.7, label="score")
    _write(figure, path)


def qq_plot(
    path: Path, observed: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], title: str
) -> None:
    """Sorted p-values of pairs inside strata against uniform quantiles, with the envelope under permuted labels."""
    figure = _figure(4.5, 4.2)
    axes = figure.add_subplot()
    expected = (np.arange(len(observed)) + 0.5) / len(observed)
    axes.fill_between(expected, low, high, color="0.85", label="95% if strata did not matter")
    axes.plot([0, 1], [0, 1], color="0.5", linewidth=0.8, linestyle="--", label="uniform")
    axes.plot(expected, observed, color="black", marker=".", markersize=3, linewidth=0.8, label="pairs inside strata")
    axes.set_xlabel("uniform quantile")
    axes.set_ylabel("p of the residual pair rank")
    axes.set_title(f"{title}: calibration inside strata", fontsize=9)
    axes.legend(fontsize=7, frameon=False)
    _write(figure, path)


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError('Figures need matplotlib: `pip install "verify-lineage[report]"`.') from error
    return Figure(figsize=(width, height), layout="constrained")


def _write(figure: Figure, path: Path) -> None:
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise InputError(f"{path.name!r:.120} is not a figure that can be drawn; end it in {', '.join(FORMATS)}.")
    import matplotlib as mpl

    metadata: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}[kind]
    buffer = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "verify", "svg.fonttype": "none"}):
        figure.savefig(buffer, format=kind[1:], metadata=metadata, dpi=150)
    write_atomically(path, buffer.getvalue())
