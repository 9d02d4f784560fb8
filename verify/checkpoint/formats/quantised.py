"""Quantised matrices: several stored tensors for one matrix [out, in], decoded by rows on demand.

Each convention is a file of :mod:`verify.checkpoint.formats.conventions`; this file recognises which one applies.
Anything else is refused, never guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ...base import DamagedError, UnsupportedError
from . import conventions
from .conventions.names import HQQ_PARTS, MARLIN_PARTS, SCALES, STATE, VPTQ_PARTS
from .safetensors_file import FLOAT8, StoredTensor
from .tensor import Tensor
from .wrapper import PARTS as OF_TORCHAO

_METHODS = (
    *("gptq", "awq", "bitsandbytes", "compressed-tensors", "fp8", "fbgemm_fp8", "modelopt"),
    *("mxfp4", "metal", "torchao", "bitnet", "hqq", "quanto", "aqlm", "vptq", "marlin"),
)
_PARTS = (
    *("weight", "qweight", "qzeros", "scales", "biases", "qbiases", "g_idx", "SCB", "weight_format"),
    *("weight_packed", "weight_scale", "weight_scale_inv", "weight_zero_point", "weight_shape", "weight_g_idx"),
    *("weight_global_scale", "weight_scale_2", "global_scale", "pre_quant_scale", "codes", "codebooks"),
    *("W_q", "indices", "B", "weight._data", "weight._data._data", "weight._scale", "weight._shift"),
    *("weight.absmax", "weight.quant_map", "weight.nested_absmax", "weight.nested_quant_map"),
    *(STATE + "nf4", STATE + "fp4"),
)
_FOREIGN = (  # marks of conventions that are recognised but not read
    *("svdquant_lora_a", "svdquant_lora_b", "weight_scales", "compressed", "bitmask"),
    *("_packed_weight", "B_24", "B_meta"),
)
_AUTO_ROUND = ("auto-round", "intel/auto-round")
_PACKINGS = {
    "auto_round:auto_gptq": {"quant_method": "gptq", "checkpoint_format": "gptq"},
    "auto_round:gptqmodel": {"quant_method": "gptq", "checkpoint_format": "gptq_v2"},
    "auto_round": {"quant_method": "gptq", "checkpoint_format": "gptq_v2"},
    "auto_round:auto_awq": {"quant_method": "awq", "version": "gemm"},
    "auto_round:fp8": {"quant_method": "fp8"},
    "auto_round:llm_compressor": {"quant_method": "compressed-tensors"},
}
"""The convention of each format that AutoRound packs matrices in."""
_OF_A_MODULE = re.compile(
    r"(.+)\.(" + "|".join(map(re.escape, sorted((*_PARTS, *_FOREIGN), key=len, reverse=True))) + ")"
)
_OF_A_TENSOR = re.compile(r"(.+[^.])_(blocks|scales|scale_inv|scale)")
"""Parts of a tensor that has no name of its own in a module, such as all experts of a layer."""
_OF_TORCHAO = re.compile(rf"(.+\.)_([^.]+?)_({'|'.join(OF_TORCHAO)})")
_BESIDE = {"W_q": HQQ_PARTS, "indices": VPTQ_PARTS, "B": MARLIN_PARTS}
"""Names of parts that are none where that of the codes is not there."""
_EIGHT = (*FLOAT8, "I8")
_ACTIVATIONS = re.compile(
    r"\.(activation|input|output|[qkv])_(scale|zero_point|scale_ub|global_scale)$|_(activation|input)_scale$"
)


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
    settings = config.get("quantization_config") or config.get("quantization") or {}
    if not isinstance(settings, dict):
        raise DamagedError(f"config.json gives quantization_config as {settings!r:.60}; expected an object.")
    if settings.get("quant_method") in _AUTO_ROUND:
        settings = settings | _PACKINGS.get(str(settings.get("packing_format")), {})
    method = settings.get("quant_method")
    if settings and method is not None and method not in _METHODS:
        packing = settings.get("packing_format")
        form = "" if packing is None else f" in the format {packing!r:.60}"
        raise UnsupportedError(
            f"config.json says the weights are quantised by {method!r:.60}{form}; this version reads "
            f"{', '.join(_METHODS)} and auto-round; dequantise the model, or remove quantization_config if it is not "
            "quantised."
        )
    rest, groups = dict(found), _groups(found)
    for name, keys in groups.items():
        parts = {part: tensor for part, key in keys.items() if isinstance(tensor := found[key], StoredTensor)}
        maker = _convention(parts, settings)
        if maker is not None:
            for key in keys.values():
                del rest[key]
            made = (
                conventions.Stack.of(maker, name, parts, settings)
                if _stacked(parts)
                else maker(name, parts, settings)
            )
            rest[name] = replace(made, is_out_in=name.endswith(".weight") or "blocks" in parts)
        elif not _plain(parts, settings):
            what = ", ".join(f"{part} {parts[part].dtype} {parts[part].shape}" for part in sorted(parts))
            raise UnsupportedError(
                f"{name.removesuffix('.weight')!r:.200} holds {what:.300}, a way of quantising that is not read "
                f"(quant_method {method!r:.60}); see docs/formats.md for those that are, and dequantise the model "
                "with the tool that made it."
            )
    if len(groups) and (settings or len(rest) != len(found)):
        rest = {name: tensor for name, tensor in rest.items() if not _ACTIVATIONS.search(name)}
    return rest


def _groups(found: Mapping[str, Tensor]) -> dict[str, dict[str, str]]:
    """Names of the stored parts of each tensor that has parts beside the weight, or a weight of eight bits."""
    groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
    stored = {name: tensor for name, tensor in found.items() if isinstance(tensor, StoredTensor)}
    accompanied = {_group_of(name) for name, tensor in stored.items() if not _is_weight(name, tensor)}
    for name, tensor in stored.items():
        if _is_weight(name, tensor) and name not in accompanied:  # most tensors of most models
            continue
        if match := _OF_A_MODULE.fullmatch(name):
            groups[f"{match[1]}.weight"][match[2]] = name
        elif match := _OF_TORCHAO.fullmatch(name):
            groups[match[1] + match[2]][match[3]] = name
        elif match := _OF_A_TENSOR.fullmatch(name):
            groups[match[1]][match[2] if match[2] in ("blocks", "scales") else f"weight_{match[2]}"] = name
            if match[1] in stored and stored[match[1]].dtype in _EIGHT:
                groups[match[1]]["weight"] = match[1]
    for name, parts in groups.items():
        module = name.removesuffix("weight")
        for mark, beside in _BESIDE.items():
            if mark in parts:
                parts.update({part: module + part for part in beside if module + part in stored})
        for mark in ("indices", "B"):  # words of many meanings
            if _BESIDE[mark][0] not in parts:
                parts.pop(mark, None)
    return {
        name: parts
        for name, parts in groups.items()
        if (name.endswith(".weight") or "weight" in parts or "qdata" in parts or parts.keys() == {"blocks", "scales"})
        and (parts.keys() != {"weight"} or stored[parts["weight"]].dtype in FLOAT8)
    }


def _is_weight(name: str, tensor: StoredTensor) -> bool:
    """Whether a tensor is a matrix by itself, if nothing beside it says that it is a part of one."""
    return name.endswith(".weight") and tensor.dtype not in FLOAT8


def _group_of(name: str) -> str | None:
    """Name of the tensor that a stored one may be a part of."""
    if match := _OF_A_MODULE.fullmatch(name):
        return f"{match[1]}.weight"
    if match := _OF_TORCHAO.fullmatch(name):
        return match[1] + match[2]
    return match[1] if (match := _OF_A_TENSOR.fullmatch(name)) else None


def _convention(parts: conventions.Parts, settings: dict[str, Any]) -> conventions.Maker | None:
    """The convention of a tensor's parts; None if it is not one that is read."""
    method, has = settings.get("quant_method"), parts.keys()
    if has & set(_FOREIGN):
        return None
    if "pre_quant_scale" in has:
        plain = {part: tensor for part, tensor in parts.items() if part != "pre_quant_scale"}
        maker = _convention(plain, settings)
        return None if maker is None else partial(conventions.Prescaled.of, maker)
    if has >= {"qweight", "qzeros", "scales"} and "weight" not in has:
        if method == "gptq":
            return conventions.Gptq.of
        if method == "awq":
            return conventions.AwqGemv.of if str(settings.get("version")).lower() == "gemv" else conventions.Awq.of
        if method is None:  # only GPTQ stores a group for each input channel
            return conventions.Gptq.of if "g_idx" in has else conventions.Awq.of if _is_awq(parts) else None
    if has >= {"weight", "SCB"}:
        return conventions.LlmInt8.of
    if has >= {"weight", "weight.absmax", "weight.quant_map"}:
        return conventions.Block4.of
    if "qdata" in has:
        return conventions.torchao
    if "W_q" in has:
        return conventions.Hqq.of
    if "indices" in has:
        return conventions.Vptq.of if method == "vptq" else None
    if "B" in has and parts["B"].dtype == "I32":
        return (
            conventions.Marlin.of if has <= {"B", "s", "workspace"} and method in ("gptq", "marlin", None) else None
        )
    if has == {"codes", "codebooks", "scales"}:
        return conventions.Aqlm.of
    if "weight._scale" in has:
        return conventions.quanto
    if has == {"blocks", "scales"}:
        return conventions.Float4.of
    if has >= {"weight", "scales"} and parts["weight"].dtype == "U32":
        return conventions.Affine.of
    if has >= {"weight_packed", "weight_scale"}:
        return conventions.Packed.of if "weight_shape" in has else conventions.Float4.of
    if has == {"weight", "weight_scale"} and method == "bitnet" and parts["weight"].dtype == "U8":
        return conventions.BitNet.of
    if "weight" in has and len(has & SCALES) == 1:
        modelopt = method in ("modelopt", None)  # older files say so in hf_quant_config.json alone
        four, (scale,) = "U8" if modelopt else "I8" if method == "fp8" else None, has & SCALES
        if parts["weight"].dtype == four and parts[scale].dtype in ("F8_E4M3", "F8_E8M0", "U8"):
            return conventions.Float4.of
        if parts["weight"].dtype == four == "U8":
            return conventions.Int4Pairs.of
        if parts["weight"].dtype in _EIGHT and parts["weight"].dtype != four and "weight_scale_2" not in has:
            return conventions.Scaled.of
    return None


def _stacked(parts: conventions.Parts) -> bool:
    """Whether the first axis is that of experts."""
    axes = max(len(part.shape) for part in parts.values())
    return "indices" not in parts and axes == (5 if "scale_and_zero" in parts else 4 if "blocks" in parts else 3)


def _plain(parts: conventions.Parts, settings: dict[str, Any]) -> bool:
    """Whether the parts are not quantised: floats without a scale, and other parts named alike by chance."""
    if parts.keys() in ({"weight"}, {"codes"}) and not settings:
        return True  # numbers of eight bits that were never scaled, or integers of another meaning
    floats = all(part.dtype in ("F64", "F32", "F16", "BF16") for part in parts.values())
    return floats and not parts.keys() & SCALES


def _is_awq(parts: conventions.Parts) -> bool:
    """Whether the codes are packed along the output axis."""
    return conventions.matrix_shape(parts["qweight"].shape)[1] == conventions.matrix_shape(parts["qzeros"].shape)[1]
