# /// script
# dependencies = ["accelerate", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Files whose codes transformers' own functions pack: float8 in blocks, experts in float4, BitNet, affine for Metal.

transformers quantises models so on accelerators alone; each matrix is packed, and unpacked for the truth, by the
functions that it calls there.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import torch
from _toys import folder_of, leave, toy
from safetensors.torch import save_file
from transformers.integrations import bitnet, finegrained_fp8, metal_quantization

Parts = dict[str, torch.Tensor]
"""What is stored, by its ending: one of the name, or after a slash of the module."""


def float8(settings: dict[str, Any]) -> Callable[[torch.Tensor], tuple[Parts, torch.Tensor]]:
    """Blocks of float8 by the settings."""
    quantiser = SimpleNamespace(quantization_config=SimpleNamespace(**settings))

    def pack(weight: torch.Tensor) -> tuple[Parts, torch.Tensor]:
        made = finegrained_fp8.Fp8Quantize(quantiser)._quantize_one("weight", weight)
        codes, scales = made.values()
        whole = finegrained_fp8.Fp8Dequantize(quantiser)._dequantize_one(codes, scales, torch.float32)
        return {"": codes, "_scale_inv": scales}, whole

    return pack


def mxfp8(weight: torch.Tensor) -> tuple[Parts, torch.Tensor]:
    """Runs of 32, the exponents as bytes."""
    parts, _ = float8({"weight_block_size": [1, 32], "scale_fmt": "ue8m0"})(weight)
    parts["_scale_inv"] = parts["_scale_inv"].view(torch.uint8)
    return parts, finegrained_fp8.Fp8Dequantize(None)._dequantize_one(*parts.values(), torch.float32)


def float4(weight: torch.Tensor) -> tuple[Parts, torch.Tensor]:
    """Runs of 32, two codes in a byte that is called int8; the codes are chosen here."""
    runs = weight.float().unflatten(-1, (-1, 32))
    scales = torch.exp2(torch.floor(torch.log2(runs.abs().amax(-1))) - 2)
    table = torch.tensor(finegrained_fp8.Fp8Dequantize._FP4_E2M1_LUT)
    codes = (runs / scales[..., None]).flatten(-2)[..., None].sub(table).abs().argmin(-1).to(torch.uint8)
    packed = (codes[..., 0::2] | codes[..., 1::2] << 4).view(torch.int8)
    parts = {"": packed, "_scale_inv": scales.to(torch.float8_e8m0fnu)}
    return parts, finegrained_fp8.Fp8Dequantize(None)._dequantize_one(*parts.values(), torch.float32)


def ternary(divided: bool) -> Callable[[torch.Tensor], tuple[Parts, torch.Tensor]]:
    """BitNet, whose layers divide by the scale or multiply by it."""

    def pack(weight: torch.Tensor) -> tuple[Parts, torch.Tensor]:
        scale = weight.float().abs().mean().reshape(1).to(torch.bfloat16)
        codes = (weight.float() / scale.float()).round().clamp(-1, 1)
        scale = 1 / scale if divided else scale
        packed = bitnet.pack_weights(codes.clone())
        whole = bitnet.unpack_weights(packed, torch.float32)
        return {"": packed, "_scale": scale}, whole / scale.float() if divided else whole * scale.float()

    return pack


def affine(bits: int) -> Callable[[torch.Tensor], tuple[Parts, torch.Tensor]]:
    """Words of 32 bits for Metal."""

    def pack(weight: torch.Tensor) -> tuple[Parts, torch.Tensor]:
        codes, scales, biases = metal_quantization._affine_quantize_tensor(weight, 64, bits)
        whole = metal_quantization._affine_dequantize_tensor(codes, scales, biases, 64, bits)
        return {"": codes, "/scales": scales, "/qbiases": biases}, whole

    return pack


_BLOCKS = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [64, 64]}
_MULTIPLIES = {"linear_class": "autobitlinear", "quantization_mode": "offline"}
OPERATIONS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    **{
        f"{kind}, float8 blocks, scales in {form}": (kind, float8(said), said)
        for kind in ("llama", "qwen3_moe")
        for form in ("float", "ue8m0")
        for said in [_BLOCKS | {"scale_fmt": form}]
    },
    "llama, float8 in runs of 32, scales as bytes": ("llama", mxfp8, _BLOCKS | {"weight_block_size": [1, 32]}),
    "qwen3_moe, float4": ("qwen3_moe", float4, _BLOCKS | {"scale_fmt": "ue8m0", "expert_dtype": "fp4"}),
    "llama, BitNet that divides": ("llama", ternary(True), {"quant_method": "bitnet"}),
    "bitnet, that multiplies": ("bitnet", ternary(False), {"quant_method": "bitnet"} | _MULTIPLIES),
    **{
        f"llama, Metal in {bits} bits": (
            "llama",
            affine(bits),
            {"quant_method": "metal", "bits": bits, "group_size": 64},
        )
        for bits in (2, 4, 8)
    },
}


def main(out: Path) -> None:
    """Write one for each operation; experts once apart and once in one tensor."""
    for operation, (kind, pack, settings) in OPERATIONS.items():
        model = toy(kind)
        for stacked in (False, True) if kind == "qwen3_moe" else (False,):
            stored, truth = {}, {}
            for name, weight in weights(model, stacked).items():
                if not name.endswith(("_proj.weight", "experts.gate_up_proj", "experts.down_proj")):
                    stored[name] = truth[name] = weight.contiguous()
                    continue
                parts, truth[name] = pack(weight)
                for ending, part in parts.items():
                    stored[name.removesuffix("weight") + ending[1:] if ending[:1] == "/" else name + ending] = part
            said = operation + ", experts in one tensor" * stacked
            folder = folder_of(out, said)
            save_file({name: x.contiguous() for name, x in stored.items()}, folder / "model.safetensors")
            config = model.config.to_dict() | {"quantization_config": settings}
            (folder / "config.json").write_text(json.dumps(config), "utf-8")
            leave(out, "transformers", said, truth)


def weights(model: Any, stacked: bool) -> Parts:
    """The weights by name; if asked, those of experts apart."""
    found = {}
    for name, x in model.state_dict().items():
        if stacked or not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            found[name] = x
            continue
        stem, _, role = name.rpartition(".")
        for expert, matrix in enumerate(x):
            halves = zip(("gate", "up"), matrix.chunk(2), strict=True) if "gate_up" in role else [("down", matrix)]
            found |= {f"{stem}.{expert}.{part}_proj.weight": half for part, half in halves}
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
