"""The twin rung: the claim's score, with each model's own level taken out, among those of twins.

Statistic. Some models resemble everything more than others do: longer training, for one, multiplies a model's scores
with all strangers. So with ``s`` the primary score, ``c`` one of ``FLOORS`` and ``K`` references, models of no
recipe,

    T_ab = log(s_ab + c) - L_a - L_b,    L_x = mean over the K references r of log(s_xr + c),

in which factors of a model's own cancel: ``s_ab = h_a h_b e_ab`` gives ``T_ab = log e_ab`` less means of ``log e``,
up to a constant and to ``c``. The null law of T is that of twins: `inference.twins` has the theorem and its proof.

References are the same for the claim and all twins, so T is one function of a pair, as the theorem needs. They may
resemble the claim's models, or be of any quality: then T loses power, or levels stay in, and the theorem holds.

``c`` keeps a share of zero finite, and makes shares that are small beside it count alike. It was fixed, with the
statistic, before the first twin of the shipped panel was trained: .01, one unit in a hundred, about what strangers
share. There a factor does not quite cancel: with scores of .02, factors of 2 in both models raise T by
log(.09 / .03) - 2 log(.05 / .03) = .08, and strangers trained longer than all recipes came first too often (3.7% of
simulated claims at .01, and 5.7% with factors of 3). So T is taken with a tenth of it too, where such factors raise
it by a seventh as much, and the larger of the two ranks counts, which is super-uniform since either is (1.2% and
1.4%).

Which recipes are ranked among is decided by declarations, before any score (`selection.comparable_twins`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import Progress, StatisticsError, silent
from ..fingerprint import Fingerprint
from ..fingerprint.cut import on_anchors, reduced
from ..statistics import Similarity
from .members import Twins
from .record import Panel
from .twin_scores import TwinScores, score_twins

FLOORS = (0.01, 0.001)
"""Added to every score before its logarithm; the larger of the ranks by either counts."""
FLOOR = FLOORS[0]
"""Of what is shown: ratios of scores, and T where one is."""
ROUNDING = 1e-9
"""Bound on the arithmetic error of T: a sum of 2K + 1 logarithms of numbers between 0.001 and about 1 errs by less
than 1e-12 for up to a thousand references."""


def above_levels(pairs: ArrayLike, levels: ArrayLike, floor: float = FLOOR) -> NDArray[np.float64]:
    """T: log scores of pairs above the levels of their two models.

    Parameters
    ----------
    pairs : scores of pairs, shape [...], at least 0.
    levels : scores of the two models of each pair with K references, shape [..., 2, K]; with K = 0 no level is
        taken out.
    floor : what is added to every score.

    Returns
    -------
    ndarray
        Shape [...].

    Raises
    ------
    StatisticsError
        If a score is at most ``-floor``, where there is no logarithm.

    Examples
    --------
    >>> hub = 3.0  # scores that are all a few times as large give the same T, but for the floor
    >>> low = above_levels(1.0, [[1.0, 2.0], [2.0, 2.0]])
    >>> bool(abs(above_levels(hub, [[hub, 2 * hub], [2.0, 2.0]]) - low) < 0.01)
    True
    """
    scores, of_models = np.asarray(pairs, dtype=np.float64), np.asarray(levels, dtype=np.float64)
    if not ((scores > -floor).all() and (of_models > -floor).all()):
        raise StatisticsError(
            f"A score is at most {-floor}, so its logarithm has no floor; give scores of at least 0."
        )
    found: NDArray[np.float64] = np.log(scores + floor)
    if of_models.shape[-1]:
        found = found - np.log(of_models + floor).mean(-1).sum(-1)
    return found


def twin_scores(
    panel: Panel,
    statistic: Similarity,
    recipes: tuple[Twins, ...],
    references: tuple[str, ...],
    anchors: tuple[int, ...],
    units: int,
    progress: Progress = silent,
) -> TwinScores | None:
    """Scores of twins on a token list: those kept, else computed from their fingerprints; None if these are absent.

    Parameters
    ----------
    panel : the panel.
    statistic : the panel statistic.
    recipes : the recipes to rank among.
    references : names of members to measure levels against.
    anchors : the token list, as positions in the frozen anchor list.
    units : largest number of units kept of an MLP.
    progress : called after each recipe that is computed.

    Returns
    -------
    TwinScores or None
    """
    names = [twins.recipe for twins in recipes]
    for about, kept in zip(panel.record.twin_scores, panel.twin_scores, strict=True):
        same = (about.statistic, about.version, about.anchors, about.units)
        whole = set(names).issubset(about.recipes) and set(references).issubset(about.references)
        if same == (statistic.id, statistic.version, anchors, units) and whole:
            return kept.of(names, references)
    models = []
    for twins in recipes:
        a, b = (panel.twin(member) for member in twins.pair)
        if a is None or b is None or not all(set(anchors).issubset(model.record.anchors) for model in (a, b)):
            return None
        models.append((twins.recipe, at(a, anchors, units), at(b, anchors, units)))
    members = [(name, at(panel.fingerprints[name], anchors, units)) for name in references]
    return score_twins(statistic, models, members, progress)


def at(model: Fingerprint, anchors: tuple[int, ...], units: int) -> Fingerprint:
    """A model with its anchor axes cut to a token list, and its units of largest response to a number.

    Parameters
    ----------
    model : the model.
    anchors : the token list, as positions in the frozen anchor list.
    units : largest number of units of an MLP.
    """
    return on_anchors(reduced(model, match_units=units), anchors)
