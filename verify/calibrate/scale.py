"""Scales on which levels of models are additive: increasing functions of a score, fixed before any is seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .record import Scale

Values = NDArray[np.float64]

_FUNCTIONS: dict[Scale, Callable[[Values], Values]] = {
    "identity": lambda x: x,
    "log": np.log,
    "logit": lambda x: np.log(x) - np.log1p(-x),
    "fisher": np.arctanh,
}
DOMAIN: dict[Scale, tuple[float, float]] = {
    "identity": (-np.inf, np.inf),
    "log": (0.0, np.inf),
    "logit": (0.0, 1.0),
    "fisher": (-1.0, 1.0),
}
"""Open intervals that hold all scores of a scale."""


def outside(scores: ArrayLike, scale: Scale) -> NDArray[np.bool_]:
    """Where a score is not inside the domain of a scale; NaN is a missing score, and inside."""
    low, high = DOMAIN[scale]
    values = np.asarray(scores, dtype=np.float64)
    return (values <= low) | (values >= high)


def on_scale(scores: ArrayLike, scale: Scale, *, smaller: bool = False) -> Values:
    """Scores on a scale, larger for closer models.

    Rounded functions of two close numbers may swap their order; values are raised where they would, which makes ties.

    Parameters
    ----------
    scores : array_like
        Scores inside the domain; NaN where missing.
    scale : the scale.
    smaller : whether smaller scores are of closer models; values are then negated.

    Returns
    -------
    ndarray
        Of the same shape; a non-decreasing function of the scores, or a non-increasing one.

    Examples
    --------
    >>> on_scale([0.5, 0.75], "logit").round(3).tolist()
    [0.0, 1.099]
    """
    values = np.asarray(scores, dtype=np.float64)
    flat = values.ravel()
    known = np.flatnonzero(~np.isnan(flat))
    order = known[np.argsort(flat[known], kind="stable")]
    made = np.full(flat.shape, np.nan)
    made[order] = np.maximum.accumulate(_FUNCTIONS[scale](flat[order]))
    made = 0.0 - made if smaller else made
    return made.reshape(values.shape)
