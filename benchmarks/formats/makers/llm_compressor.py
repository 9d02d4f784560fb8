# /// script
# dependencies = [
#   "accelerate", "compressed-tensors==0.19.0", "llmcompressor==0.14.0.1", "safetensors", "torch==2.13.0",
#   "transformers==5.17.0",
# ]
# ///
"""Models as llmcompressor saves them, in every format that compressed-tensors writes.

The truth is compressed-tensors' own dequantiser, given its scales in float32.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from _toys import folder_of, leave, toy
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.compressors.mx_utils import decompress_mx_scale
from compressed_tensors.compressors.nvfp4 import unpack_fp4_from_uint8
from compressed_tensors.quantization.lifecycle.forward import dequantize
from llmcompressor import oneshot
from llmcompressor.modifiers.quantization import QuantizationModifier
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast


def ints(bits: int, strategy: str, group: int | None = None, symmetric: bool = True) -> dict[str, Any]:
    """Weights of a few bits."""
    return {"num_bits": bits, "type": "int", "strategy": strategy, "group_size": group, "symmetric": symmetric}


def floats(strategy: str, **said: Any) -> dict[str, Any]:
    """Weights of float8."""
    return {"num_bits": 8, "type": "float", "strategy": strategy, "symmetric": True} | said


_FLOAT8 = {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": True}
_INT8 = {"num_bits": 8, "type": "int", "strategy": "token", "dynamic": True}
OPERATIONS: dict[str, Any] = {
    **{f"{bits} bits, group 32": {"weights": ints(bits, "group", 32)} for bits in range(2, 9)},
    **{f"{bits} bits, group 64 asymmetric": {"weights": ints(bits, "group", 64, False)} for bits in (2, 3, 4, 6)},
    **{f"{bits} bits, channel": {"weights": ints(bits, "channel")} for bits in (3, 4, 8)},
    "4 bits, channel asymmetric": {"weights": ints(4, "channel", None, False)},
    "int8, tensor": {"weights": ints(8, "tensor"), "input_activations": _INT8},
    "int8, channel asymmetric": {"weights": ints(8, "channel", None, False), "input_activations": _INT8},
    "int8, group 64": {"weights": ints(8, "group", 64), "input_activations": _INT8},
    "int4 in int8, channel": {"weights": ints(4, "channel"), "input_activations": _INT8},
    **{
        f"float8, {strategy}": {"weights": floats(strategy), "input_activations": _FLOAT8}
        for strategy in ("tensor", "channel")
    },
    "float8, group 32": {"weights": floats("group", group_size=32), "input_activations": _FLOAT8},
    "float8, block": {"weights": floats("block", block_structure=[128, 128]), "input_activations": _FLOAT8},
    **{name: name for name in ("NVFP4A16", "MXFP4A16", "MXFP8A16")},
}
MOE = ("4 bits, group 32", "float8, block", "NVFP4A16")


def numbers(parts: dict[str, torch.Tensor], scheme: Any) -> torch.Tensor:
    """The matrix of a module in float32."""
    wide = {part: x.float() if x.is_floating_point() and "scale" in part else x for part, x in parts.items()}
    if "weight_packed" in parts and parts["weight_packed"].dtype == torch.uint8:
        out, half = parts["weight_packed"].shape
        codes = unpack_fp4_from_uint8(parts["weight_packed"], out, 2 * half, torch.float32)
        scale = wide["weight_scale"]
        scale = decompress_mx_scale(scale).float() if scale.dtype == torch.uint8 else scale
        whole = wide.get("weight_global_scale")
        return dequantize(codes, scale, args=scheme.weights, dtype=torch.float32, global_scale=whole)
    if wide["weight_scale"].dtype == torch.uint8:
        wide["weight_scale"] = decompress_mx_scale(wide["weight_scale"]).float()
        return dequantize(wide["weight"], wide["weight_scale"], args=scheme.weights)
    compressor = BaseCompressor.load_from_registry(scheme.format)
    return compressor.decompress(wide, scheme)["weight"]


def made(out: Path, operation: str, kind: str, scheme: Any, **sizes: int) -> None:
    """Quantise a model and leave it."""
    source = out / "sources" / operation
    toy(kind, **sizes).save_pretrained(source)
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16)
    ignored = ["lm_head", "re:.*mlp.gate$"]
    recipe = (
        QuantizationModifier(targets="Linear", scheme=scheme, ignore=ignored)
        if isinstance(scheme, str)
        else QuantizationModifier(config_groups={"group_0": {"targets": ["Linear"]} | scheme}, ignore=ignored)
    )
    oneshot(model=model, recipe=recipe, tokenizer=PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel())))
    schemes = {
        name: module.quantization_scheme
        for name, module in model.named_modules()
        if getattr(module, "quantization_scheme", None) is not None
    }
    folder = folder_of(out, operation)
    model.save_pretrained(folder, save_compressed=True)
    truth, groups = {}, {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        module, _, part = name.rpartition(".")
        if module in schemes:
            groups.setdefault(module, {})[part] = tensor
        else:
            truth[name] = tensor
    truth |= {f"{module}.weight": numbers(parts, schemes[module]) for module, parts in groups.items()}
    leave(out, "compressed-tensors", operation, truth)


def main(out: Path) -> None:
    """Write one for each operation."""
    for operation, scheme in OPERATIONS.items():
        made(out, operation, "llama", scheme)
    made(out, "float8, block, the last of them partial", "llama", OPERATIONS["float8, block"], intermediate_size=320)
    for operation in MOE:
        made(out, f"qwen3_moe, {operation}", "qwen3_moe", OPERATIONS[operation])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
