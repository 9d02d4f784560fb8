"""Codes packed across rows: a stored row holds one row of each of several stretches, one above the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..safetensors_file import StoredTensor


def striped(part: StoredTensor, rows: NDArray[np.intp], bits: int, high_first: bool) -> NDArray[np.int16]:
    """Codes of some rows.

    Parameters
    ----------
    part : the stored rows, of U8 or I32; row r lies in stored row r modulo their number.
    rows : rows to return, in any order.
    bits : bits of one code, 1 to 8.
    high_first : whether the first stretch has the highest bits of those that are used.

    Returns
    -------
    array
        int16 codes, shape [rows, columns].
    """
    at, stretch = rows % part.shape[0], rows // part.shape[0]
    stored, which = np.unique(at, return_inverse=True)
    words = part.values(np.dtype("u1" if part.dtype == "U8" else "<u4"), stored.astype(np.intp))[which]
    place = part.bits // bits - 1 - stretch if high_first else stretch
    codes = words >> (bits * place).astype(words.dtype)[:, None] & ((1 << bits) - 1)
    return np.asarray(codes, np.int16)
