"""The pictures of every result that has any, by name, the most telling first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from ..base.display import Drawn
from ..calibrate import CalibrationReport
from ..claim import ClaimReport
from ..claim.answer import counts_of
from ..panel import Panel
from ..panel.largest import largest_group
from ..statistics import ExactResult, PanelResult
from ..wording import LATEST
from .axes import drawn_on
from .chance_hill import hills
from .escape import NAME, spelled
from .figures import draw_heat_map, heat_map_size
from .numbers import general
from .pictures import Picture, pictures
from .report_figures import (
    HISTOGRAM_SIZE,
    LEAST,
    ReportFigure,
    calibration,
    designs,
    histogram,
    layer_map,
    matrix,
    null,
    raw_scores,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMED = 60  # models of a heat map


def plot(result: Drawn, picture: str | None, axes: Axes | None) -> Axes:
    """Draw a picture of a result.

    Parameters
    ----------
    result : the result.
    picture : its name; None for the most telling one.
    axes : where to draw; None for those of a new figure.

    Raises
    ------
    InputError
        If there is no such picture, or matplotlib is not installed.
    """
    return drawn_on(axes, pictures_of(result), picture)


def pictures_of(result: Drawn) -> Mapping[str, Picture]:
    """Pictures of a result by name; none where its record has no numbers for one."""
    found: Sequence[Picture]
    match result:
        case ClaimReport():
            return pictures(result)
        case CalibrationReport():
            found = _of_calibration(result)
        case PanelResult():
            found = _of_ranks(result)
        case ExactResult():
            hill = hills(counts_of([result], LATEST), LATEST)
            found = [] if hill is None else [hill]
        case Panel():
            found = _of_panel(result)
        case _:  # of a folder above this one
            return result._pictures()
    return {picture.name: picture for picture in found}


def _of_ranks(result: PanelResult) -> list[ReportFigure]:
    """As in a report, without the names of members, which are the panel's."""
    made: list[ReportFigure] = []
    n = models(len(result.scores))
    entry = next((entry for entry in result.ranks if entry.design == "pair_residual"), None)
    if n >= LEAST and entry is not None:
        made.append(null(matrix(result.scores, n), entry))
    made += [designs(result.ranks, None)] if result.ranks else []
    return made + ([layer_map(result)] if result.grid and result.grid[0] else [])


def models(pairs: int) -> int:
    """The number of models of which there are so many pairs.

    Examples
    --------
    >>> models(6), models(0)
    (4, 1)
    """
    return (1 + isqrt(1 + 8 * pairs)) // 2


def _of_calibration(report: CalibrationReport) -> list[ReportFigure]:
    found, names = report.evidence, [model.name for model in report.evidence.models]
    made = [_scores(report), designs(found.ranks, found.alpha)]
    if None not in found.scores and len(names) <= _MOST_NAMED:
        known = [score for score in found.scores if score is not None]
        made.append(raw_scores(matrix(known, len(names)), names, f"All scores: {found.name}"))
    if found.audit is not None and found.audit.quantiles:
        made.append(calibration(found.audit))
    return made


def _scores(report: CalibrationReport) -> ReportFigure:
    """The scores of A and B and of those that it is ranked among: twins if it is, else all pairs."""
    found = report.evidence
    if found.primary_design.startswith("twins") and found.twin_score is not None:
        others, claim, of = [pair.score for pair in found.twins], found.twin_score, "pairs of twins"
        larger, what = True, f"{spelled(found.name, NAME)}, as scores of twins are taken"
    else:
        others, claim, of = [score for score in found.scores[1:] if score is not None], found.score, "pairs"
        larger, what = found.closer == "larger", spelled(found.name, NAME)
    values = np.array(others)
    reached = int(((values >= claim) if larger else (values <= claim)).sum())
    words = f"{reached} of the other {len(others)} {of}\nat least as alike", f"{len(others) - reached} less alike"
    alt = (
        f"Histogram of the scores of {len(others)} other {of} with A and B, {general(claim)}, marked: {reached} are "
        f"at least as alike."
    )
    tails = (words[1], words[0]) if larger else words
    draw = histogram(values, claim, what, of, tails)
    return ReportFigure("scores", "Scores of A, B and the others", alt, HISTOGRAM_SIZE, draw)


def _of_panel(panel: Panel) -> list[ReportFigure]:
    members, S = largest_group(panel)
    if len(members) < 2:
        return []
    names = [member.name for member in members]
    values = S[np.triu_indices(len(S), 1)]
    alt = (
        f"Heat map of the scores of {len(names)} unrelated models with one another, from "
        f"{general(float(values.min()))} to {general(float(values.max()))}."
    )
    S = np.where(np.eye(len(S), dtype=bool), np.nan, S)
    title = f"Scores of {len(names)} members of one kind"
    return [ReportFigure("scores", title, alt, heat_map_size(names), lambda axes: draw_heat_map(axes, names, S))]
