"""torchao: 8-bit integers and floats as its tensor classes Int8, IntxUnpackedToInt8 and Float8 are saved.

Integers of fewer bits are read where each has a byte of its own. Packed int4, MX and NVFP4 tensors are not: their
order depends on the device that they were made for.
"""

from __future__ import annotations

from typing import Any

from ..safetensors_file import FLOAT8
from .matrix import Parts, Quantised
from .scaled import Scaled


def torchao(name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
    """A matrix of torchao, as scaled numbers of 8 bits.

    Parameters
    ----------
    name : name of the matrix, for messages.
    parts : ``qdata``, ``scale`` and, of integers, ``zero_point``.
    settings : not needed.

    Returns
    -------
    Quantised
        The matrix [out, in].

    Raises
    ------
    CheckpointError
        If the parts are those of another of its classes.
    """
    made = Quantised(name, parts["qdata"].shape, "torchao", parts, settings)
    integers = parts["qdata"].dtype == "I8"
    expected = {"qdata", "scale"} | ({"zero_point"} if integers else set())
    if parts.keys() != expected or parts["qdata"].dtype not in ("I8", *FLOAT8):
        found = ", ".join(f"{part} {parts[part].dtype}" for part in sorted(parts))
        raise made.refuse(found, "8-bit integers or floats, of Int8Tensor, IntxUnpackedToInt8Tensor or Float8Tensor")
    made.check("scale", parts["scale"].shape, dtypes=("F32", "BF16", "F16"))
    if integers:
        made.check("zero_point", parts["scale"].shape, dtypes=("I8",))
    return Scaled.of(name, {_SCALED[part]: tensor for part, tensor in parts.items()}, {})


_SCALED = {"qdata": "weight", "scale": "weight_scale", "zero_point": "weight_zero_point"}
