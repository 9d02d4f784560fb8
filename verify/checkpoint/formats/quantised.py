"""Quantised matrices: several stored tensors for one matrix [out, in], decoded by rows on demand.

Each convention is a file of :mod:`verify.checkpoint.formats.conventions`; this file recognises which one applies.
Anything else is refused, never guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ...base import DamagedError, UnsupportedError
from .conventions import SCALES, STATE, Awq, Block4, Gptq, LlmInt8, Packed, Parts, Quantised, Scaled, matrix_shape
from .safetensors_file import FLOAT8, StoredTensor
from .tensor import Tensor

_METHODS = ("gptq", "awq", "bitsandbytes", "compressed-tensors", "fp8", "fbgemm_fp8", "modelopt")
_PARTS = (
    *("weight", "qweight", "qzeros", "scales", "g_idx", "SCB", "weight_format"),
    *("weight_packed", "weight_scale", "weight_scale_inv", "weight_zero_point", "weight_shape", "weight_g_idx"),
    *("weight.absmax", "weight.quant_map", "weight.nested_absmax", "weight.nested_quant_map"),
    *(STATE + "nf4", STATE + "fp4"),
)
_FOREIGN = (  # marks of conventions that are recognised but not read
    *(
        "weight_scale_2",
        "weight_global_scale",
        "weight_scales",
        "biases",
        "W_q",
        "codebooks",
        "compressed",
        "bitmask",
    ),
    *("weight._data", "_packed_weight", "B", "s"),
)
_ACTIVATIONS = re.compile(r"\.((activation|input|output|[qkv])_(scale|zero_point|scale_ub|global_scale))$")


def dequantised(found: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors of a checkpoint, with each quantised group replaced by its matrix.

    Parameters
    ----------
    found : tensors by name.
    config : content of ``config.json``; its ``quantization_config`` decides if names do not.

    Raises
    ------
    CheckpointError
        If a convention is not read, or a group of tensors does not fit its convention.
    """
    settings = config.get("quantization_config") or {}
    if not isinstance(settings, dict):
        raise DamagedError(f"config.json gives quantization_config as {settings!r:.60}; expected an object.")
    method = settings.get("quant_method")
    if settings and method is not None and method not in _METHODS:
        raise UnsupportedError(
            f"config.json says the weights are quantised by {method!r:.60}; this version reads "
            f"{', '.join(_METHODS)}; dequantise the model, or remove quantization_config if it is not quantised."
        )
    rest, modules = dict(found), _modules(found)
    for module, parts in modules.items():
        made = _convention(parts, settings)
        if made is not None:
            matrix = made(f"{module}.weight", parts, settings)
            for part in parts:
                del rest[f"{module}.{part}"]
            rest[matrix.name] = matrix
        elif not _plain(parts, settings):
            what = ", ".join(f"{part} {parts[part].dtype} {parts[part].shape}" for part in sorted(parts))
            raise UnsupportedError(
                f"{module!r:.200} holds {what:.300}, a way of quantising that is not read (quant_method "
                f"{method!r:.60}); see docs/formats.md for those that are, and dequantise the model with the tool "
                "that made it."
            )
    if len(modules) and (settings or len(rest) != len(found)):
        rest = {name: tensor for name, tensor in rest.items() if not _ACTIVATIONS.search(name)}
    return rest


def _modules(found: dict[str, Tensor]) -> dict[str, Parts]:
    """Stored parts by module, for modules with parts beside the weight, or with a weight of eight bits."""
    modules: defaultdict[str, Parts] = defaultdict(dict)
    known = re.compile(
        r"(.+)\.(" + "|".join(map(re.escape, sorted((*_PARTS, *_FOREIGN), key=len, reverse=True))) + ")"
    )
    for name, tensor in found.items():
        if isinstance(tensor, StoredTensor) and (match := known.fullmatch(name)):
            modules[match[1]][match[2]] = tensor
    return {
        module: parts
        for module, parts in modules.items()
        if set(parts) != {"weight"} or parts["weight"].dtype in FLOAT8
    }


Maker = Callable[[str, Parts, dict[str, Any]], Quantised]


def _convention(parts: Parts, settings: dict[str, Any]) -> Maker | None:
    """The convention of a module's parts; None if it is not one that is read."""
    method, has = settings.get("quant_method"), parts.keys()
    if has & set(_FOREIGN):
        return None
    if has >= {"qweight", "qzeros", "scales"} and "weight" not in has:
        if method in ("gptq", "awq"):
            return Gptq.of if method == "gptq" else Awq.of
        if method is None:  # only GPTQ stores a group for each input channel
            return Gptq.of if "g_idx" in has else Awq.of if _is_awq(parts) else None
    if has >= {"weight", "SCB"}:
        return LlmInt8.of
    if has >= {"weight", "weight.absmax", "weight.quant_map"}:
        return Block4.of
    if has >= {"weight_packed", "weight_scale", "weight_shape"}:
        return Packed.of
    if "weight" in has and len(has & SCALES) == 1 and parts["weight"].dtype in (*FLOAT8, "I8"):
        return Scaled.of
    return None


def _plain(parts: Parts, settings: dict[str, Any]) -> bool:
    """Whether the parts are not quantised: floats without a scale, and other parts named alike by chance."""
    if parts.keys() == {"weight"} and not settings:
        return True  # numbers of eight bits that were never scaled
    floats = all(part.dtype in ("F64", "F32", "F16", "BF16") for part in parts.values())
    return floats and not parts.keys() & SCALES


def _is_awq(parts: Parts) -> bool:
    """Whether the codes are packed along the output axis."""
    return matrix_shape(parts["qweight"].shape)[1] == matrix_shape(parts["qzeros"].shape)[1]
