"""How zero points were stored, told by the zero points themselves where they tell.

A quantised number is scale * (code - zero). Some tools store a zero as it is, others less one, and what config.json
says of it is not always so; read wrongly, every number of the model is one step too large, and two strangers have a
common mean. Two facts tell, whatever the weights are:

- a symmetric quantiser gives every group the zero 2^(bits - 1), so the reading that makes all of them that is right;
- an asymmetric one puts the least and the largest number of each group at the ends of the codes, so zeros lie about
  the middle of the codes, (2^bits - 1) / 2, and a wrong reading moves all of them.

The choice looks at one file and treats its rows alike, whatever their order, so permuting a model's units, or
comparing it with another, never changes how it is read: it costs an exact test nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST_EQUAL = 64
"""Zeros that are all equal where nobody says that they are symmetric."""
_LEAST_SPREAD = 128
"""Zeros of an asymmetric quantiser whose mean tells; at 4 bits it is then known to a tenth of a step."""
_MOST_BITS = 4
"""With more, a step is a small part of how far single zeros lie from the middle."""
_CLEAR = 0.5
"""Squared steps by which a reading must be nearer to the middle: a whole step is 1, and half a step tells nothing."""


def reading(readings: Mapping[str, NDArray[Any]], bits: int, declared: str, symmetric: bool = False) -> str:
    """Which of several readings of stored zero points is right: the declared one unless the numbers say another.

    Parameters
    ----------
    readings : by its name, the zero points that each reading gives, in codes.
    bits : bits of one code.
    declared : name of the reading that holds where the numbers do not tell.
    symmetric : whether the quantiser is said to be symmetric; then few zeros are enough.

    Examples
    --------
    >>> stored = np.full((4, 32), 8)
    >>> reading({"less one": stored + 1, "as it is": stored}, 4, "less one")
    'as it is'
    """
    number = readings[declared].size
    if number and (symmetric or number >= _LEAST_EQUAL):
        for name, zeros in readings.items():
            if (zeros == 1 << (bits - 1)).all():
                return name
    if number < _LEAST_SPREAD or bits > _MOST_BITS:
        return declared
    middle = ((1 << bits) - 1) / 2
    far = {name: float(np.square(zeros - middle).mean()) for name, zeros in readings.items()}
    best = min(far, key=lambda name: far[name])
    return best if far[declared] - far[best] > _CLEAR else declared
