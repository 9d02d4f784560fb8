# /// script
# dependencies = [
#   "accelerate", "datasets", "nvidia-modelopt==0.47.0", "requests", "safetensors", "torch==2.13.0",
#   "transformers==5.24.0"
# ]
# ///
"""Models as NVIDIA's ModelOpt quantises and exports them.

The truth is ModelOpt's own dequantiser in float32 where it has one, else the scale times the number.
"""

import sys
from pathlib import Path

import modelopt.torch.quantization as mtq
import torch
from _toys import folder_of, leave, toy
from modelopt.torch.export import export_hf_checkpoint
from modelopt.torch.quantization.qtensor import MXFP4QTensor, MXFP8QTensor, NVFP4QTensor
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
    "MXFP4": mtq.MXFP4_DEFAULT_CFG,
    "MXFP8": mtq.MXFP8_DEFAULT_CFG,
}
_SCALES = ("weight_scale", "weight_scale_2")


def numbers(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    """The matrix of a layer."""
    codes, scale = parts["weight"], parts["weight_scale"]
    out, size = codes.shape
    if "weight_scale_2" in parts:
        whole = NVFP4QTensor(torch.Size((out, 2 * size)), torch.float32, codes)
        return whole.dequantize(scale=scale, double_scale=parts["weight_scale_2"], block_sizes={-1: 16})
    if scale.dtype == torch.uint8 and codes.dtype == torch.uint8:
        whole = MXFP4QTensor(torch.Size((out, 2 * size)), torch.float32, codes)
        return whole.dequantize(dtype=torch.float32, scale=scale.reshape(-1, 1), block_sizes={-1: 32})
    if scale.dtype == torch.uint8:
        return MXFP8QTensor(codes.shape, torch.float32, codes).dequantize(dtype=torch.float32, scale=scale)
    return codes.float() * (scale[:, None] if scale.ndim == 1 else scale)


def main(out: Path) -> None:
    """Write one for each operation."""
    source = out / "sources"
    toy().save_pretrained(source)
    for operation, config in OPERATIONS.items():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16)
        model = mtq.quantize(model, config, lambda one: one(torch.arange(64)[None]))
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
            elif part == "weight" and not operation.startswith(("INT4", "FP8, blocks")):  # not read
                ends = [end for end in ("weight", *_SCALES) if f"{module}.{end}" in stored]
                truth[name] = numbers({end: stored[f"{module}.{end}"] for end in ends})
        leave(out, "nvidia-modelopt", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
