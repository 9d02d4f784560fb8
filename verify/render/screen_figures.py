"""The map of a screen: a clustered matrix of the evidence between models that have relatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .escape import spelled
from .figures import colour_bar
from .report_figures import ReportFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST = 36  # characters of a name that are shown
_NAMED = 90  # largest number of models with written names


def family_map(
    names: Sequence[str], strength: NDArray[np.float64], identical: NDArray[np.bool_], *, others: int
) -> ReportFigure:
    """The map.

    Parameters
    ----------
    names : labels of n models.
    strength : -log10 of the family-wise p-values, at least 0, shape [n, n], symmetric.
    identical : pairs of identical weights, same shape; drawn without p-value.
    others : number of models that are not drawn.

    Returns
    -------
    ReportFigure
        Named ``map``.
    """
    order = clustered(strength, identical)
    shown = [spelled(names[i], _LONGEST) for i in order]
    cells = np.ix_(order, order)

    def draw(axes: Axes) -> None:
        _draw(axes, shown, strength[cells], identical[cells])

    title = f"Evidence of relation among {len(names)} models"
    title += f"; {others} {'other has' if others == 1 else 'others have'} none" if others else ""
    written = len(names) <= _NAMED
    side = max(3.2, (0.15 if written else 0.04) * len(names))
    margin = 0.065 * max(map(len, shown)) if written else 0.0
    pairs = int((strength[np.triu_indices(len(names), 1)] > 0).sum())
    same = int(identical[np.triu_indices(len(names), 1)].sum())
    alt = f"Matrix of {len(names)} models: {pairs} pairs with evidence of relation, {same} with identical weights."
    return ReportFigure("map", title, alt, (side + margin + 1.2, side + 0.6), draw)


def rendered(figure: ReportFigure) -> dict[str, bytes]:
    """The map as ``.svg`` and ``.png``; the same bytes for the same numbers.

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    return {suffix: figure.render(suffix) for suffix in (".svg", ".png")}


def clustered(strength: NDArray[np.float64], identical: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Order of models with relatives side by side (average linkage on the logarithm of the evidence)."""
    if len(strength) < 3:
        return np.arange(len(strength))
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    near = np.log1p(strength)
    top = max(1.0, float(near.max()))
    distance = np.where(identical, 0.0, 1.0 - near / (1.01 * top))
    np.fill_diagonal(distance, 0.0)
    condensed = squareform(distance, checks=False)
    return np.asarray(leaves_list(optimal_leaf_ordering(linkage(condensed, "average"), condensed)), dtype=np.intp)


def _draw(axes: Axes, names: Sequence[str], strength: NDArray[np.float64], identical: NDArray[np.bool_]) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, to_hex
    from matplotlib.patches import Patch

    positive = np.where(identical | (strength <= 0), np.nan, strength)
    if np.isfinite(positive).any():
        norm = LogNorm(min(1.0, float(np.nanmin(positive))), max(10.0, float(np.nanmax(positive))))
        image = axes.pcolormesh(np.ma.masked_invalid(positive), cmap="cividis_r", norm=norm)
        colour_bar(axes, image, "−log10 p, family-wise", ticks="{x:g}")
    if identical.any():
        axes.pcolormesh(np.ma.masked_equal(identical.astype(float), 0.0), cmap="Reds", vmin=0, vmax=1.4)
        patch = Patch(color=to_hex(colormaps["Reds"](1 / 1.4)), label="identical weights")
        axes.legend(handles=[patch], loc="upper left", bbox_to_anchor=(0, -0.01))
    axes.set_facecolor("0.95")
    axes.set(xlim=(0, len(names)), ylim=(0, len(names)))
    axes.set_aspect("equal")
    axes.invert_yaxis()
    places = np.arange(len(names)) + 0.5
    if len(names) <= _NAMED:
        axes.set_yticks(places, names)
        axes.set_xticks([])
    else:
        axes.set_xticks([])
        axes.set_yticks([])
