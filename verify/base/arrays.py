"""Distinct values and medians of arrays, as of numpy, whose own functions load its masked arrays for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The distinct values in order, as of :func:`numpy.unique`; every NaN is one of its own.

    Examples
    --------
    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(values, axis=None)
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[first])


def median(values: NDArray[np.floating[Any]]) -> float:
    """The median of one or more numbers, as of :func:`numpy.median`; NaN if one is.

    Examples
    --------
    >>> median(np.array([4.0, 1.0, 2.0])), median(np.array([1.0, 2.0]))
    (2.0, 1.5)
    """
    half, odd = divmod(values.size, 2)
    first = half if odd else half - 1
    ordered = np.partition(values, (first, half, -1), axis=None)
    return float("nan") if np.isnan(ordered[-1]) else float(ordered[first : half + 1].mean())
