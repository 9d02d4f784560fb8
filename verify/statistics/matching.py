"""Fixed points of the unique best match in a score array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN = 1e-3
"""Margin by which a best match must exceed the second best, as a cosine.

Fixed in advance and independent of indices. Copies of a row, and proportional rows, differ after
projection and rounding to float16 by far less (measured below 2e-4); they count as ties, and a
tie is no match. Breaking ties by index would make unrelated models with repeated rows "identical".
"""


NONE = -1
"""Stands for no unique best match."""


def fixed_points(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which indices i have j = i as unique best match in row i; shape [..., n] from [..., n, n]."""
    matched: NDArray[np.bool_] = best_matches(scores) == np.arange(scores.shape[-1])
    return matched


def best_matches(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """The unique best match of every index, or ``NONE``; shape [..., n] from [..., n, n].

    Equivariant: relabelling the columns (or rows) of the array relabels the matches. Rows or
    columns of -inf (dead, not finite) never match.
    """
    if scores.shape[-1] == 0:
        return np.zeros(scores.shape[:-1], dtype=np.intp)
    best = scores.argmax(-1)
    top = np.take_along_axis(scores, best[..., None], -1)[..., 0]
    others = scores.copy()
    np.put_along_axis(others, best[..., None], -np.inf, -1)
    runner_up = others.max(-1)
    unique = np.isfinite(top) & (np.where(np.isfinite(runner_up), runner_up, -1.0) < top - MARGIN)
    return np.where(unique, best, NONE)


def background(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Best finite score of each index with any *other* index; shape at most [n]."""
    others = scores.copy()
    np.fill_diagonal(others, -np.inf)
    best: NDArray[np.float64] = others.max(1, initial=-np.inf)
    return best[np.isfinite(best)]
