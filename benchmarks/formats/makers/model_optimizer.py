# /// script
# dependencies = [
#   "accelerate", "datasets", "nvidia-modelopt==0.47.0", "requests", "safetensors", "torch==2.13.0",
#   "transformers==5.24.0"
# ]
# ///
"""Models as NVIDIA's ModelOpt quantises and exports them.

NVFP4 with factors of inputs, whose search needs a GPU, is NVFP4 with factors set by hand before the export. The truth
is ModelOpt's own dequantiser in float32 where it has one; of codes of 4 bits, those that its function packed; else
the scale times the number. Factors multiply the columns, as layers multiply what comes in.
"""

import sys
from pathlib import Path

import modelopt.torch.quantization as mtq
import torch
from _toys import folder_of, leave, toy
from modelopt.torch.export import export_hf_checkpoint
from modelopt.torch.export.quant_utils import pack_int4_in_uint8
from modelopt.torch.quantization.qtensor import FP8QTensor, MXFP4QTensor, MXFP8QTensor, NVFP4QTensor
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

OPERATIONS = {
    "NVFP4": mtq.NVFP4_DEFAULT_CFG,
    "FP8": mtq.FP8_DEFAULT_CFG,
    "FP8, channel": mtq.FP8_PER_CHANNEL_PER_TOKEN_CFG,
    "FP8, blocks": mtq.FP8_2D_BLOCKWISE_WEIGHT_ONLY_CFG,
    "INT8": mtq.INT8_DEFAULT_CFG,
    "INT4": mtq.INT4_BLOCKWISE_WEIGHT_ONLY_CFG,
    "INT4, AWQ": mtq.INT4_AWQ_CFG,
    "INT4, AWQ, activations in float8": mtq.W4A8_AWQ_BETA_CFG,
    "NVFP4, AWQ": mtq.NVFP4_DEFAULT_CFG,
    "NVFP4, weights only": mtq.W4A16_NVFP4_CFG,
    "NVFP4, activations in float8": mtq.W4A8_NVFP4_FP8_CFG,
    "MXFP4, activations in float8": mtq.W4A8_MXFP4_FP8_CFG,
    "INT8, weights only": mtq.INT8_WEIGHT_ONLY_CFG,
    "INT8, SmoothQuant": mtq.INT8_SMOOTHQUANT_CFG,
    "MXFP4": mtq.MXFP4_DEFAULT_CFG,
    "MXFP8": mtq.MXFP8_DEFAULT_CFG,
}
_SCALES = ("weight_scale", "weight_scale_2", "pre_quant_scale")
_BLOCK = 128


def numbers(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    """The matrix of a layer."""
    if (factors := parts.pop("pre_quant_scale", None)) is not None:
        return numbers(parts) * factors.float()
    codes, scale, whole = (parts.get(end) for end in ("weight", *_SCALES[:2]))
    out, size = codes.shape
    if codes.dtype == torch.uint8 and scale.dtype == torch.float32:
        return of_pairs(codes, scale)
    if codes.dtype == torch.uint8:
        kind = MXFP4QTensor if scale.dtype == torch.uint8 else NVFP4QTensor
        made, run = kind(torch.Size((out, 2 * size)), torch.float32, codes), 2 * size // scale.shape[1]
        if kind is NVFP4QTensor:
            return made.dequantize(scale=scale, double_scale=whole, block_sizes={-1: run})
        return made.dequantize(dtype=torch.float32, scale=scale.reshape(-1, 1), block_sizes={-1: run})
    if scale.dtype == torch.uint8:
        return MXFP8QTensor(codes.shape, torch.float32, codes).dequantize(dtype=torch.float32, scale=scale)
    if scale.ndim == 4:
        made = FP8QTensor(codes.shape, torch.float32, codes)
        return made.dequantize(torch.float32, scale=scale[:, 0, :, 0], block_sizes={-1: _BLOCK, -2: _BLOCK})
    return codes.float() * (scale[:, None] if scale.ndim == 1 else scale)


def of_pairs(codes: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Codes of 4 bits, which ModelOpt's own function packs into the same bytes again."""
    both = torch.stack([codes & 15, codes >> 4], 1).flatten(0, 1).int()
    run = codes.shape[1] // scale.shape[1]
    whole = ((both ^ 8) - 8).float() * scale.repeat_interleave(run, 1)
    if not torch.equal(pack_int4_in_uint8(whole, scale, run), codes):
        raise ValueError("ModelOpt packs the codes otherwise.")
    return whole


def prescaled(model: torch.nn.Module) -> None:
    """Give two matrices of each layer factors of their inputs, by which their columns are divided."""
    for name, module in model.named_modules():
        if name.endswith(("o_proj", "down_proj")):
            factors = torch.rand(module.weight.shape[1], dtype=module.weight.dtype) + 0.5
            module.input_quantizer.pre_quant_scale = factors
            module.weight.data /= factors


def main(out: Path) -> None:
    """Write one for each operation."""
    source = out / "sources"
    toy().save_pretrained(source)
    for operation, config in OPERATIONS.items():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16)
        model = mtq.quantize(model, config, lambda one: one(torch.arange(64)[None]))
        if operation == "NVFP4, AWQ":
            prescaled(model)
        folder = folder_of(out, operation)
        with torch.inference_mode():
            export_hf_checkpoint(model, export_dir=folder)
        stored = load_file(folder / "model.safetensors")
        modules = {name.removesuffix(".weight_scale") for name in stored if name.endswith(".weight_scale")}
        truth = {}
        for name, x in stored.items():
            module, _, part = name.rpartition(".")
            if module not in modules:
                truth[name] = x
            elif part == "weight":
                ends = [end for end in ("weight", *_SCALES) if f"{module}.{end}" in stored]
                truth[name] = numbers({end: stored[f"{module}.{end}"] for end in ends})
        leave(out, "nvidia-modelopt", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
