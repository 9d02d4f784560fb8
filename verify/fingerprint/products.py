"""Products of all rows, or of all columns, of a matrix with tokens, as the matrix is read.

Entries become float64 in one buffer, a bounded number of rows at a time: new memory for each block, or a block that
has left the cache, costs as much as the product itself. How many depends on the shape alone, so a product does not
depend on the blocks in which rows come, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

_ENTRIES = 1 << 20  # of the buffer, at most, if a row is no longer
_ROWS = 1 << 8  # rows of the buffer, at most: more make no product faster
_COLUMNS = 1 << 10  # columns multiplied at a time, so that their products stay in the cache


def images(blocks: Iterable[NDArray[np.float32]], tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    """Products of the rows of a matrix with tokens, in float64.

    Parameters
    ----------
    blocks : rows [n, width], in order.
    tokens : shape [width, anchors].

    Returns
    -------
    array
        Shape [rows, anchors].
    """
    return np.concatenate([rows @ tokens for rows in _in_float64(blocks, len(tokens))])


def images_of_columns(
    blocks: Iterable[NDArray[np.float32]], columns: int, tokens: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Products of the columns of a matrix with tokens, likewise.

    Parameters
    ----------
    blocks : rows [n, columns], in order.
    columns : number of columns.
    tokens : shape [rows, anchors].

    Returns
    -------
    array
        Shape [columns, anchors].
    """
    found, first = np.zeros((columns, tokens.shape[1])), 0
    for rows in _in_float64(blocks, columns):
        seen = tokens[first : first + len(rows)]
        for start in range(0, columns, _COLUMNS):
            found[start : start + _COLUMNS] += rows[:, start : start + _COLUMNS].T @ seen
        first += len(rows)
    return found


def _in_float64(blocks: Iterable[NDArray[np.float32]], width: int) -> Iterator[NDArray[np.float64]]:
    """The same rows, so many at a time, each time in the same memory; the last may be fewer."""
    held, done = np.empty((max(1, min(_ROWS, _ENTRIES // max(1, width))), width)), 0
    for block in blocks:
        start = 0
        while start < len(block):
            count = min(len(held) - done, len(block) - start)
            held[done : done + count] = block[start : start + count]
            start, done = start + count, done + count
            if done == len(held):
                yield held
                done = 0
    if done:
        yield held[:done]
