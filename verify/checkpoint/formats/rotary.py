"""The order of rows of q and k in files that keep the two rows that rotate together side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rows_of_pairs(rows: int, heads: int) -> NDArray[np.intp]:
    """Stored position of each row of q or k; rows that rotate together are half a head apart on the Hub.

    Examples
    --------
    >>> rows_of_pairs(8, 2).tolist()
    [0, 2, 1, 3, 4, 6, 5, 7]
    """
    stored = np.arange(rows, dtype=np.intp).reshape(heads, rows // heads // 2, 2)
    return stored.swapaxes(1, 2).ravel()
