"""quanto: W = weight._scale * weight._data, in 8 bits.

In 4 and 2 bits its files do not say the shape of a matrix, so they are refused.
"""

from __future__ import annotations

from typing import Any

from .matrix import Parts, Quantised
from .scaled import Scaled

_SCALED = {"weight._data": "weight", "weight._scale": "weight_scale"}


def quanto(name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
    """A matrix of quanto, as scaled numbers of 8 bits.

    Parameters
    ----------
    name : name of the matrix, for messages.
    parts : its stored tensors, by the last part of their names.
    settings : not needed.

    Returns
    -------
    Quantised
        The matrix [out, in].

    Raises
    ------
    CheckpointError
        If it has fewer bits, or the parts do not fit.
    """
    if parts.keys() != _SCALED.keys():
        made = Quantised(name, (), "quanto", parts, settings)
        raise made.refuse(", ".join(sorted(parts)), "8 bits: with fewer, the file does not say the shape of a matrix")
    return Scaled.of(name, {_SCALED[part]: tensor for part, tensor in parts.items()}, {})
