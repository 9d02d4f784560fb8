"""How zero points are stored, inferred from the zero points themselves where possible.

A quantised number is scale * (code - zero). Some tools store the zero point unchanged, others minus one, and
config.json is not always right about it; if it is misread, every number of the model is one step too large, and two
unrelated models have a common mean. Two facts decide, whatever the weights:

- a symmetric quantiser gives every group the zero point 2^(bits - 1), so the reading under which all are equal to it
  is right;
- an asymmetric quantiser maps the smallest and largest number of each group to the ends of the code range, so zero
  points are distributed around its middle, (2^bits - 1) / 2, and a wrong reading shifts all of them.

The choice depends on one file and not on the order of its rows, so neither permuting a model's units nor comparing it
with another changes how it is read: exact tests stay exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST_EQUAL = 64
"""Number of equal zero points needed if the quantiser is not declared symmetric."""
_LEAST_SPREAD = 128
"""Number of zero points of an asymmetric quantiser needed for their mean to decide; at 4 bits, to a tenth of a
step."""
_MOST_BITS = 4
"""With more bits, one step is small against the spread of the zero points."""
_CLEAR = 0.5
"""Squared steps by which a reading must be nearer to the middle: a whole step is 1, half a step is undecided."""


def reading(readings: Mapping[str, NDArray[Any]], bits: int, declared: str, symmetric: bool = False) -> str:
    """Choose among readings of stored zero points: the declared one, unless the numbers contradict it.

    Parameters
    ----------
    readings : zero points, in codes, by the name of the reading.
    bits : bits of one code.
    declared : name of the reading to return if the numbers do not decide.
    symmetric : whether the quantiser is declared symmetric; then few zero points suffice.

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
