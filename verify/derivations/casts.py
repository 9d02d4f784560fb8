"""Rounding to the types that weights are stored in: to the nearest number (ties to even), and toward zero.

Tools round by way of float32, and so does this. Both are functions of a number alone, so equal numbers have equal
images; of several numbers that lie between two neighbours of the coarser type, one image is left.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Numbers in float32, or float64 where either file stores that."""

TYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
}
"""Types that numbers are rounded to, by the names of safetensors."""


def nearest(x: Array, dtype: str) -> Array:
    """Numbers rounded to the nearest of a type, ties to even; ``F64`` leaves them as they are.

    Examples
    --------
    >>> nearest(np.array([1.00390625, 1.005], np.float32), "BF16").tolist()
    [1.0, 1.0078125]
    """
    if dtype == "F64":
        return x
    with np.errstate(all="ignore"):  # what is too large becomes infinite, as the type says
        return x.astype(np.float32).astype(TYPES[dtype]).astype(x.dtype)


def toward_zero(x: Array, dtype: str) -> Array:
    """Numbers rounded to the next of a type that is no larger in size: of bfloat16, the upper half of float32.

    Examples
    --------
    >>> toward_zero(np.array([1.00390625, 1.0078, -1.0078], np.float32), "BF16").tolist()
    [1.0, 1.0, -1.0]
    """
    with np.errstate(all="ignore"):
        stored = x.astype(np.float32).astype(TYPES[dtype])
        beyond = np.abs(stored.astype(np.float64)) > np.abs(x)
        lower = np.nextafter(stored, np.zeros_like(stored))
        return np.where(beyond, lower, stored).astype(x.dtype)


def same(x: Array, y: Array) -> NDArray[np.bool_]:
    """Where numbers are equal; zeros of either sign are, and so is what is not a number."""
    found: NDArray[np.bool_] = (x == y) | (np.isnan(x) & np.isnan(y))
    return found


def steps(x: Array, dtype: str) -> Array:
    """Distance of neighbours of a type around some numbers: 2^(exponent - digits)."""
    if dtype in TYPES:
        info = ml_dtypes.finfo(TYPES[dtype])  # type: ignore[no-untyped-call]
        digits, least = int(info.nmant), int(np.log2(float(info.smallest_subnormal)))
    else:
        digits, least = 52, -1074
    _, exponent = np.frexp(np.where(np.isfinite(x), x, 0.0))
    found: Array = np.ldexp(1.0, np.maximum(exponent - 1 - digits, least))
    return found
