"""torchao: tensors of its own classes, as safetensors and torch.save hold them.

The class is what the file says of each; without that, only numbers of 8 bits are read.
"""

from __future__ import annotations

from typing import Any

from ..safetensors_file import FLOAT8
from .float4 import Float4
from .int4_rows import Int4Rows
from .matrix import Parts, Quantised, matrix_shape
from .prescaled import PRESCALES, Prescaled
from .scaled import Scaled
from .stack import Maker
from .swizzled import ROWS, Swizzled
from .tinygemm import TilePacked

_OF_ACTIVATIONS = {"act_per_tensor_scale", "act_quant_scale", "act_quant_zero_point"}
_SCALED = {"qdata": "weight", "scale": "weight_scale", "zero_point": "weight_zero_point"}
_FLOAT4 = {"qdata": "weight", "scale": "weight_scale", "per_tensor_scale": "weight_scale_2"}
_RUNS = {"MXTensor": 32, "NVFP4Tensor": 16}


def torchao(name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
    """A matrix of torchao.

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
        If its class, or an attribute of it, is not known, or the parts do not fit.
    """
    said = next((part.whole for part in parts.values() if part.whole is not None), None)
    made = Quantised(name, (), f"torchao {said.kind}" if said else "torchao", parts, settings)
    maker = _KINDS.get(said.kind) if said else _eight_bits
    if maker is None or "qdata" not in parts:
        raise made.refuse(", ".join(sorted(parts)), f"qdata of {', '.join(_KINDS)}")
    if said and said.unknown:
        raise made.refuse(f"the attribute {said.unknown!r:.60}", "attributes that are known")
    kept = {part: tensor for part, tensor in parts.items() if part not in _OF_ACTIVATIONS}
    if kept.keys() & PRESCALES:
        return Prescaled.of(maker, name, kept, settings)
    return maker(name, kept, settings)


def _eight_bits(name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
    made = Quantised(name, parts["qdata"].shape, "torchao", parts, settings)
    codes, needed = parts["qdata"], {"qdata", "scale"}
    known = needed | ({"zero_point"} if codes.dtype == "I8" else set())
    if not needed <= parts.keys() <= known or codes.dtype not in ("I8", *FLOAT8):
        found = ", ".join(f"{part} {parts[part].dtype}" for part in sorted(parts))
        raise made.refuse(found, "8-bit integers or floats, of Int8Tensor, IntxUnpackedToInt8Tensor or Float8Tensor")
    made.check("scale", parts["scale"].shape, dtypes=("F32", "BF16", "F16"))
    if "zero_point" in parts:
        made.check("zero_point", parts["scale"].shape, dtypes=("I8",))
    return Scaled.of(name, {_SCALED[part]: tensor for part, tensor in parts.items()}, {})


def _in_runs(name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
    """MX and NVFP4: scales of runs of a row, perhaps in the order of tensor cores."""
    made = Quantised(name, (), "torchao", parts, settings)
    codes, said = parts["qdata"], parts["qdata"].whole
    if said is None or "scale" not in parts or parts.keys() - _FLOAT4.keys():
        raise made.refuse(", ".join(sorted(parts)), f"{', '.join(_FLOAT4)} of MXTensor or NVFP4Tensor")
    run, four = _RUNS[said.kind], codes.dtype == "U8"
    if four and said.elements not in ("float4_e2m1fn_x2", ""):
        raise made.refuse(f"numbers of {said.elements!r:.60}", "float8 or float4_e2m1fn_x2")
    if said.swizzled and len(said.shape) > 2 and codes.shape[0] % ROWS:
        raise made.refuse(f"scales of experts of {codes.shape[0]} rows in one order", f"whole tiles of {ROWS} rows")
    made.check("scale", parts["scale"].shape, dtypes=("F8_E8M0" if run == 32 else "F8_E4M3",))
    out, size = matrix_shape(codes.shape)
    if said.swizzled:
        scale = Swizzled.of(parts["scale"], (out, (2 * size if four else size) // run))
        if scale is None:
            raise made.refuse(f"scale of {parts['scale'].shape}", f"whole tiles of scales for {codes.shape}")
        parts = parts | {"scale": scale}
    renamed = {_FLOAT4[part]: tensor for part, tensor in parts.items()}
    return (Float4.of if four else Scaled.of)(name, renamed, {})


_KINDS: dict[str, Maker] = {
    **dict.fromkeys(("Int8Tensor", "IntxUnpackedToInt8Tensor", "Float8Tensor"), _eight_bits),
    "Int4Tensor": Int4Rows.of,
    "Int4TilePackedTo4dTensor": TilePacked.of,
    **dict.fromkeys(_RUNS, _in_runs),
}
"""Makes a matrix of each class."""
