"""Whether a tensor is another one and a matrix of low rank, up to the rounding of its type.

The claim is of the two files alone: there is a matrix L of rank r so that every number of B is within two steps of
its type of A + L, where A's and B's differ by more than four steps at more than twice as many numbers as a matrix of
rank r has free ones, r (m + n - r). A step is the distance of neighbours of the type at the number, or at the root
mean square of B's where that is larger. L is made from the data: its rows lie in the space of the first r right
singular vectors of the difference at ``ROWS`` rows spread over the matrix, and r is the number of singular values
above what rounding errors, independent and uniform within half a step, reach: sqrt(rows) + sqrt(columns) times their
size, and half as much again. However these were found, the check of every number proves the claim; directions that
rounding has spoiled lose a claim and make none. That a matrix of full rank has 256 rows in a space of a quarter as
many directions does not happen by luck.

A difference of low rank is what a merged adapter of PEFT leaves, and what any other edit of few directions does; it
tells no tool, and no order: B's numbers do not follow from A's without L, nor A's from B's.
"""

from __future__ import annotations

import numpy as np

from ..checkpoint import Tensor
from .casts import Array, steps
from .pair import blocks, dtype_of, numbers
from .record import Rule

ROWS = 256
"""Rows by which directions are found, or all; four times the largest rank that is found."""
_LEAST = 16  # rows and columns


@np.errstate(all="ignore")  # of numbers whose squares or differences no double holds
def low_rank(a: Tensor, b: Tensor) -> Rule | None:
    """The rank of what was added to A; None if it is not low, or too little was changed to say so.

    Parameters
    ----------
    a, b : matrices of one shape.
    """
    m, n = a.shape if len(a.shape) == 2 else (0, 0)
    dtype = dtype_of(b) or "F32"
    if min(m, n) < _LEAST:
        return None
    at = np.unique(np.arange(min(m, ROWS)) * m // min(m, ROWS)).astype(np.intp)
    x, y = _rows(a, at), _rows(b, at)
    if not np.isfinite(y - x).all():
        return None
    _, sizes, right = np.linalg.svd(y - x, full_matrices=False)
    typical = np.sqrt(np.mean(y**2))
    noise = np.sqrt(np.mean(steps(y, dtype) ** 2) / 12) * (np.sqrt(len(at)) + np.sqrt(n))
    rank = int((sizes > max(1.5 * noise, 1e-12 * sizes[0])).sum())
    if not 0 < rank <= min(len(at), n) // 4:
        return None
    v, far = right[:rank].T, 0
    for rows in blocks((m, n), 0, m):
        x, y = numbers(a, rows, wide=True), numbers(b, rows, wide=True)
        change = y - x
        step = steps(np.maximum(np.maximum(np.abs(x), np.abs(y)), typical), dtype)
        if not (np.abs(change - (change @ v) @ v.T) <= 2 * step).all():
            return None
        far += int((np.abs(change) > 4 * step).sum())
    return Rule(name="low_rank", count=rank) if far > 2 * rank * (m + n - rank) else None


def _rows(tensor: Tensor, at: Array) -> Array:
    return np.asarray(tensor.read(at)).astype(np.float64)
