"""The largest set of members that can be compared with one another, and their scores by one statistic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import Progress, options, silent
from ..statistics import PANEL_STATISTICS, PRIMARY
from ..statistics.applicability import on_anchors
from .members import Member
from .record import Panel, kept_scores
from .scores import compute
from .selection import comparable_groups


def largest_group(
    panel: Panel, statistic: str = PRIMARY.id, progress: Progress = silent
) -> tuple[list[Member], NDArray[np.float64]]:
    """Members of the largest set of one kind, and their scores: those kept, else computed.

    Parameters
    ----------
    panel : the panel.
    statistic : id of a panel statistic.
    progress : called while scores are computed.

    Returns
    -------
    tuple
        The n members, and the scores, shape [n, n]; the diagonal has no meaning.

    Raises
    ------
    InputError
        If there is no such statistic.
    """
    ids = tuple(one.id for one in PANEL_STATISTICS)
    chosen = PANEL_STATISTICS[ids.index(options.one_of("statistic", statistic, ids))]
    members, anchors = comparable_groups(panel)[0]
    names = [member.name for member in members]
    kept = kept_scores(panel, chosen, names, anchors)
    if kept is None:
        models = [on_anchors(panel.fingerprints[member], anchors) for member in names]
        kept = compute(chosen, models, names, anchors, None, progress)
    return members, kept.matrix
