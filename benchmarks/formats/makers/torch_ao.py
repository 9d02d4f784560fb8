# /// script
# dependencies = ["accelerate", "safetensors", "torch==2.13.0", "torchao==0.18.0", "transformers==5.24.0"]
# ///
"""Models as transformers quantises them by torchao and saves them: what a CPU can make, which int4 is not.

The truth is torchao's own dequantiser in float32.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from _toys import folder_of, leave, toy
from torchao.quantization import (
    Float8WeightOnlyConfig,
    FqnToConfig,
    Int8DynamicActivationInt8WeightConfig,
    Int8DynamicActivationIntxWeightConfig,
    Int8WeightOnlyConfig,
    IntxUnpackedToInt8Tensor,
    IntxWeightOnlyConfig,
    PerAxis,
    PerGroup,
    PerTensor,
)
from torchao.quantization.quant_primitives import dequantize_affine
from transformers import AutoModelForCausalLM, TorchAoConfig

OPERATIONS: dict[str, Any] = {
    "int8": Int8WeightOnlyConfig(),
    "int8, tensor": Int8WeightOnlyConfig(granularity=PerTensor()),
    "int8 dynamic": Int8DynamicActivationInt8WeightConfig(),
    "float8": Float8WeightOnlyConfig(),
    **{
        f"intx, {bits} bits, group 32": IntxWeightOnlyConfig(getattr(torch, f"int{bits}"), PerGroup(32))
        for bits in (2, 4, 6)
    },
    "intx, 4 bits, channel": IntxWeightOnlyConfig(torch.int4, PerAxis(0)),
    "intx dynamic": Int8DynamicActivationIntxWeightConfig(torch.int4, PerGroup(32)),
    "qwen3_moe, float8": FqnToConfig(
        {"re:.*experts.*_proj": Float8WeightOnlyConfig(), "_default": Float8WeightOnlyConfig()}
    ),
    "qwen3_moe, int8": FqnToConfig(
        {"re:.*experts.*_proj": Int8WeightOnlyConfig(), "_default": Int8WeightOnlyConfig()}
    ),
}


def numbers(x: torch.Tensor) -> torch.Tensor:
    """A tensor in float32."""
    if isinstance(x, IntxUnpackedToInt8Tensor):
        return dequantize_affine(x.qdata, x.block_size, x.scale, x.zero_point, torch.int8, output_dtype=torch.float32)
    return x if type(x) is torch.Tensor else x.dequantize(torch.float32)


def main(out: Path) -> None:
    """Write one for each operation."""
    for kind in ("llama", "qwen3_moe"):
        toy(kind).save_pretrained(out / "sources" / kind)
    for operation, config in OPERATIONS.items():
        source = out / "sources" / ("qwen3_moe" if operation.startswith("qwen") else "llama")
        settings = TorchAoConfig(config)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16, quantization_config=settings)
        model.save_pretrained(folder_of(out, operation))
        truth = {name: numbers(x) for name, x in model.state_dict().items()}
        leave(out, "torchao", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
