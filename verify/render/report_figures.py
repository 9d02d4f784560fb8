"""The figures of a claim report, from its record alone; each has a title and a text that states its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..base import write_atomically
from ..claim import ClaimReport
from ..inference import two_way_residual
from .figures import QQ_SIZE, check_format, colour_bar, draw_heat_map, draw_qq_plot, drawn, heat_map_size
from .numbers import general, log10, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..claim.pages import Pages
    from ..panel.audit import Audit
    from ..statistics import DesignRank, PanelResult

LEAST = 5
"""Models needed for a two-way residual."""
HISTOGRAM_SIZE = (5.4, 3.2)
"""Width and height in inches."""


@dataclass(frozen=True)
class ReportFigure:
    """A figure of a report: its name, title and numbers in words, and how to draw it."""

    name: str
    title: str
    alt: str
    """Text that states the numbers, for readers who do not see the figure."""
    size: tuple[float, float]
    """Width and height in inches."""
    draw: Callable[[Axes], None]

    @property
    def caption(self) -> str:
        """Its numbers, which it does not show as words."""
        return self.alt

    def render(self, suffix: str) -> bytes:
        """The file's content as ``"svg"``, ``"pdf"`` or ``"png"``, the same on every run.

        Raises
        ------
        InputError
            If matplotlib is not installed.
        """
        return drawn(self.size, self.title, self.draw, suffix)

    def save(self, path: Path) -> None:
        """Write to a .svg, .pdf or .png file."""
        check_format(path)
        write_atomically(path, self.render(path.suffix))


def figures(report: Pages) -> dict[str, ReportFigure]:
    """The figures of a report, by name, as far as its record has the numbers.

    ``null``, ``designs``, ``panel``: the primary panel test. ``map``: matching layers.
    ``audit``: calibration of the panel. Nothing is drawn, and matplotlib is not needed, until one is rendered.
    A report that is none of lineage has none.
    """
    if not isinstance(report, ClaimReport):
        return {}
    primary = report.primary
    made: list[ReportFigure] = []
    if report.panel and primary and primary.applicable:
        labels = ["A", "B", *(member.name for member in report.panel.members)]
        if len(primary.scores) == len(labels) * (len(labels) - 1) // 2 and len(labels) >= LEAST:
            entry = next((entry for entry in primary.ranks if entry.design == "pair_residual"), None)
            S = matrix(primary.scores, len(labels))
            made += [null(S, entry)] if entry else []
            made.append(raw_scores(S, labels, f"Raw scores of {primary.id}: A, B and the panel"))
        made += [designs(primary.ranks, report.panel.alpha)] if primary.ranks else []
        made += [layer_map(primary)] if primary.grid and primary.grid[0] else []
    if report.panel and report.panel.audit and report.panel.audit.quantiles:
        made.append(calibration(report.panel.audit))
    return {figure.name: figure for figure in made}


def null(S: NDArray[np.float64], entry: DesignRank) -> ReportFigure:
    """Residual scores of all pairs of models, with A and B marked."""
    T = two_way_residual(S)
    others, claim = T[np.triu_indices(len(T), 1)][1:], float(T[0, 1])
    below = entry.size - entry.rank
    alt = (
        f"Histogram of the residual scores of {entry.size} pairs of models with A and B marked. Upper tail: "
        f"{entry.rank} pairs score at least as high, A and B included. Lower tail: {below} pairs score lower."
    )
    tails = (
        f"lower tail: {below} pairs\nless alike",
        f"upper tail: {entry.rank} of {entry.size} pairs,\nA and B among them",
    )
    draw = histogram(others, claim, "score less each model's main effect", "pairs", tails)
    return ReportFigure("null", "Residual scores of A, B and the panel", alt, HISTOGRAM_SIZE, draw)


def histogram(
    others: NDArray[np.float64], claim: float, what: str, of: str, tails: tuple[str, str]
) -> Callable[[Axes], None]:
    """How to draw the scores of others, with that of A and B marked.

    Parameters
    ----------
    others : their scores.
    claim : the score of A and B.
    what : what the scores are.
    of : what each score is of, in the plural.
    tails : words below the left and below the right end.
    """

    def draw(axes: Axes) -> None:
        axes.hist(others, bins=40, color="0.75", edgecolor="0.55", linewidth=0.4, label=f"the other {of}")
        axes.axvline(claim, color="black", linewidth=1.6)
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * 1.3)
        left = claim > (axes.get_xlim()[0] + axes.get_xlim()[1]) / 2
        axes.annotate(
            "A and B ", (claim, high * 1.22), ha="right" if left else "left", va="center", fontsize=8, weight="bold"
        )
        for x, side, words in ((0.01, "left", tails[0]), (0.99, "right", tails[1])):
            axes.annotate(
                words, (x, 0), xytext=(0, -30), xycoords="axes fraction", textcoords="offset points",
                ha=side, va="top", fontsize=7,
            )  # fmt: skip
        axes.set_xlabel(what)
        axes.set_ylabel(of)

    return draw


def raw_scores(S: NDArray[np.float64], names: Sequence[str], title: str) -> ReportFigure:
    """Raw scores of A, B and others, as a heat map.

    Parameters
    ----------
    S : scores, shape [n, n]; A and B come first.
    names : labels of the n models.
    title : of the figure.
    """
    values = S[np.triu_indices(len(S), 1)]

    def draw(axes: Axes) -> None:
        draw_heat_map(axes, names, S)

    alt = (
        f"Heat map of the raw scores of A, B and others with one another, {len(names)} models: "
        f"A and B {share(S[0, 1])}; all pairs from {share(values.min())} to {share(values.max())}."
    )
    return ReportFigure("panel", title, alt, heat_map_size(names), draw)


def designs(ranks: Sequence[DesignRank], alpha: float | None) -> ReportFigure:
    """p-values by design, and the level of the primary one if it is known."""
    places = range(len(ranks))

    def draw(axes: Axes) -> None:
        p, least = ([10**value for value in values] for values in zip(*_pairs(ranks), strict=True))
        axes.hlines(places, least, p, color="0.7", linewidth=1)
        axes.plot(least, places, "|", color="0.3", markersize=12, label="smallest possible p")
        axes.plot(p, places, "o", color="black", markersize=5, label="p")
        if alpha is not None:
            axes.axvline(alpha, color="0.4", linestyle="--", linewidth=0.8, label="level of the primary design")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlim(min([*least, *([] if alpha is None else [alpha])]) / 2, 1.5)
        axes.set_yticks(places, [entry.design.replace("_", " ") for entry in ranks])
        axes.set_ylim(len(ranks) - 0.5, -0.5)
        axes.set_xlabel("p")
        axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)

    steps = "; ".join(
        f"{entry.design.replace('_', ' ')} {log10(entry.log10_p)} "
        f"(smallest possible {log10(entry.attainable_log10_p)})"
        for entry in ranks
    )
    level = "" if alpha is None else f", at level {general(alpha)} for the primary one"
    alt = f"log10 p by design{level}: {steps}."
    return ReportFigure("designs", "p-values by design", alt, (5.4, 1.5 + 0.26 * len(ranks)), draw)


def layer_map(primary: PanelResult) -> ReportFigure:
    """Share of units that agree, for every layer of A with every layer of B."""
    grid = np.array(primary.grid)
    a, b = (int(i) for i in np.unravel_index(grid.argmax(), grid.shape))

    def draw(axes: Axes) -> None:
        image = axes.pcolormesh(grid, cmap="cividis_r", vmin=0, vmax=1)
        axes.set_aspect("equal")
        axes.invert_yaxis()
        for ticks, n in ((axes.set_yticks, grid.shape[0]), (axes.set_xticks, grid.shape[1])):
            step = max(1, n // 16)
            ticks(np.arange(0, n, step) + 0.5, [str(i) for i in range(0, n, step)])
        axes.set_xlabel("layer of B")
        axes.set_ylabel("layer of A")
        colour_bar(axes, image, "share of units that agree")

    alt = (
        f"Share of agreeing units for every layer of A, {grid.shape[0]}, with every layer of B, {grid.shape[1]}: the "
        f"largest, {share(grid[a, b])}, between the layer in place {a} of A and the one in place {b} of B; the "
        f"median {share(float(np.median(grid)))}."
    )
    side = min(4.0, max(2.2, 0.3 * max(grid.shape)))
    return ReportFigure("map", f"Layers that match ({primary.id})", alt, (side + 1.6, side + 0.8), draw)


def calibration(audit: Audit) -> ReportFigure:
    """QQ plot of the p-values of pairs inside strata."""
    observed, low, high = (np.array(column) for column in zip(*audit.quantiles, strict=True))
    outside = int(((observed < low) | (observed > high)).sum())

    def draw(axes: Axes) -> None:
        draw_qq_plot(axes, observed, low, high)

    alt = (
        f"Sorted p-values of {len(observed)} pairs inside strata against uniform quantiles, with the pointwise 95% "
        f"envelope under permuted strata: the smallest is {share(float(observed.min()))}; {outside} lie outside the "
        "envelope."
    )
    return ReportFigure("audit", "Audit of the panel: calibration inside strata", alt, QQ_SIZE, draw)


def _pairs(ranks: Sequence[DesignRank]) -> list[tuple[float, float]]:
    return [(entry.log10_p, entry.attainable_log10_p) for entry in ranks]


def matrix(scores: Sequence[float], n: int) -> NDArray[np.float64]:
    """Scores of all pairs as a symmetric matrix with a blank diagonal."""
    S = np.full((n, n), np.nan)
    S[np.triu_indices(n, 1)] = scores
    S.T[np.triu_indices(n, 1)] = scores
    return S
