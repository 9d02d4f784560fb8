"""Directions in which a matrix was changed, from some of its rows: all of one weight, and the row space of a few.

Of a change D [rows, columns] at most ``ROWS`` rows are kept, chosen by their numbers alone, and at most ``COLUMNS``
columns, or so many projections onto fixed random signs. With D = U S V' the singular value decomposition of what is
kept, its *directions* are U V', as if each had been changed by the same amount. What two trainings on one text have
in common lies in few directions with large singular values; weighed by these, any two of them look alike.

Singular values below ``FLOOR`` of the largest are rounding, and count as none. A change is of *low rank* if few are
above ``LOW_FLOOR``, in either case relative to the largest. Overlap of two row spaces of ranks r and s is the mean
squared cosine of their principal angles, ||Q' R||^2 / min(r, s): 1 if the smaller lies in the larger; for random ones
about max(r, s) / columns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import chosen_indices, projection

Array = NDArray[np.float64]

ROWS, COLUMNS = 256, 512
FLOOR, LOW_FLOOR = 1e-3, 0.02
MOST_RANK = 64
_SHARE = 4
"""A rank above one in so many of the smaller side is not low."""


class Directions(NamedTuple):
    """Of one change."""

    all: Array
    """U V', float64 [rows, columns]; zeros if nothing was changed."""
    row_space: Array | None
    """Orthonormal basis, float64 [columns, rank]; None unless the change is of low rank."""


def chosen(rows: int) -> NDArray[np.intp]:
    """Numbers of the rows that are kept."""
    return chosen_indices("changes", rows, ROWS)


def kept(rows: Array) -> Array:
    """Some rows, or their projections if they are long, shape [..., at most COLUMNS]."""
    columns = rows.shape[-1]
    return rows if columns <= COLUMNS else rows @ projection(columns, COLUMNS) / np.sqrt(COLUMNS)


def directions(change: Array) -> Directions:
    """The directions of a change.

    Parameters
    ----------
    change : float64 [rows, columns], as kept.
    """
    U, sizes, V = np.linalg.svd(change, full_matrices=False)
    if not sizes.size or not sizes[0] > 0:
        return Directions(np.zeros_like(change), None)
    rank, low = (int((sizes > floor * sizes[0]).sum()) for floor in (FLOOR, LOW_FLOOR))
    most = min(MOST_RANK, min(change.shape) // _SHARE)
    return Directions(U[:, :rank] @ V[:rank], V[:low].T if low <= most else None)


def overlap(one: Array, other: Array) -> tuple[float, int]:
    """Squared cosines of the principal angles of two row spaces, summed, and the smaller rank."""
    return float(np.square(one.T @ other).sum()), min(one.shape[1], other.shape[1])
