"""Rounding to the types that plain floating-point numbers are stored in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .safetensors_file import numpy_type
from .tensor import Tensor

Numbers = NDArray[np.float64]

COARSER = ("BF16", "F16")
"""Types of 16 bits, the coarsest first."""
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16"}
_AS_READ = {"BF16": "<f4"}
_DIGITS = {"F64": (52, -1074), "F32": (23, -149), "F16": (10, -24), "BF16": (7, -133)}
"""Binary digits after the first, and the exponent of the smallest number."""


def is_plain(tensor: Tensor) -> bool:
    """Whether numbers are stored as floating-point numbers of 16 bits or more, so that their rounding is known."""
    if tensor.dtype not in _TYPES or tensor.shape == ():
        return False
    return tensor.read(slice(0, 0)).dtype in (type_of(tensor.dtype), np.dtype(_AS_READ.get(tensor.dtype, "V")))


def type_of(dtype: str) -> np.dtype[Any]:
    """The type of numpy for ``F64``, ``F32``, ``F16`` or ``BF16``."""
    return numpy_type(_TYPES[dtype])


def coarsest(dtypes: Iterable[str]) -> str:
    """The type with the fewest binary digits."""
    return min(dtypes, key=lambda dtype: _DIGITS[dtype])


def rounded(x: Numbers, dtype: str) -> Numbers:
    """Numbers rounded to a type by way of float32, as tools do; monotone."""
    if dtype == "F64":
        return x
    single = x.astype(np.float32)
    found: Numbers = (single if dtype == "F32" else single.astype(type_of(dtype))).astype(np.float64)
    return found


def held(x: Numbers, dtype: str) -> bool:
    """Whether a type holds all of some numbers, of which one is not zero."""
    with np.errstate(all="ignore"):
        return bool(x.any() and (rounded(x, dtype) == x)[np.isfinite(x)].all())


def step(x: Numbers, dtype: str) -> Numbers:
    """Distance of the numbers of a type around some numbers."""
    digits, least = _DIGITS[dtype]
    _, exponent = np.frexp(np.where(np.isfinite(x), x, 0.0))
    found: Numbers = np.ldexp(1.0, np.maximum(exponent - 1 - digits, least))
    return found
