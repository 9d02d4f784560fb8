# /// script
# dependencies = [
#   "accelerate", "bitsandbytes==0.50.2", "compressed-tensors==0.20.1", "hqq==0.2.8.post1", "mlx[cpu]==0.32.4",
#   "numpy==2.4.6", "safetensors==0.8.0", "torch==2.14.1", "torchao==0.18.0", "transformers==5.24.0",
# ]
# ///
"""One matrix as tools quantise it: ``python make.py FOLDER_OF_LLAMA_CPP OUT``, on a CPU.

The folder is that of llama.cpp's source, as in the source distribution of llama-cpp-python 0.3.36; a C compiler must
be there. Nothing of this project is imported.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import bitsandbytes.functional as bnb
import mlx.core as mx
import numpy as np
import torch
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import quantize
from compressed_tensors.quantization.utils.helpers import calculate_qparams
from hqq.core.quantize import Quantizer
from safetensors.torch import save_file
from torchao.quantization import Float8Tensor, IntxWeightOnlyConfig, PerRow, PerTensor, quantize_
from torchao.quantization.granularity import PerGroup
from transformers.integrations.finegrained_fp8 import Fp8Quantize

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "formats" / "makers"))
from gguf_quantize import compiled

TYPES = {"F32": torch.float32, "BF16": torch.bfloat16}
OF_GGUF = {"Q2_K": (10, 84), "Q3_K": (11, 110), "Q4_K": (12, 144), "Q5_K": (13, 176), "Q6_K": (14, 210),
           "IQ4_NL": (20, 144), "IQ4_XS": (23, 136)}  # fmt: skip
"""Number of each type, and bytes of 256 numbers."""
ROWS = 32
"""Of those of the matrix that GGUF's types have."""


def of_bitsandbytes(x: torch.Tensor, kind: str) -> dict[str, torch.Tensor]:
    """Codes of four bits whose scales are quantised too."""
    codes, state = bnb.quantize_4bit(x, blocksize=64, quant_type=kind, compress_statistics=True)
    return {"weight": codes} | {f"weight.{name}": part for name, part in state.as_dict(packed=True).items()}


def of_compressed_tensors(x: torch.Tensor, strategy: str) -> dict[str, torch.Tensor]:
    """Float8 with the scales of a MinMax observer."""
    tiles = {"tensor": (128, 256), "channel": (1, 256), "block": (128, 128)}[strategy]
    more = {"block_structure": list(tiles)} if strategy == "block" else {}
    args = QuantizationArgs(num_bits=8, type="float", strategy=strategy, symmetric=True, **more)
    parts = x.reshape(128 // tiles[0], tiles[0], 256 // tiles[1], tiles[1])
    low, high = parts.amin((1, 3)), parts.amax((1, 3))
    shape = (1,) if strategy == "tensor" else low.shape
    scale, zero = calculate_qparams(low.reshape(shape), high.reshape(shape), args)
    return {"weight": quantize(x, scale, zero, args, dtype=torch.float8_e4m3fn), "weight_scale": scale}


def of_torchao(x: torch.Tensor, granularity: Any) -> dict[str, torch.Tensor]:
    """Float8 of torchao."""
    made = Float8Tensor.from_hp(x, granularity=granularity)
    return {"weight": made.qdata, "weight_scale": made.scale}


def of_transformers(x: torch.Tensor, block: list[int] | None) -> dict[str, torch.Tensor]:
    """Float8 of FineGrainedFP8."""
    settings = SimpleNamespace(weight_block_size=block, scale_fmt=None)
    made = Fp8Quantize(SimpleNamespace(quantization_config=settings))._quantize_one("weight", x)
    return {"weight": made["weight"], "weight_scale_inv": made["weight_scale_inv"].reshape(-1, 2 if block else 1)}


def restored(x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Numbers as tools restore them whose grids are no rule: their own searches and rounding of scales."""
    codes, scales, biases = mx.quantize(mx.array(x.numpy()).astype(mx.bfloat16), group_size=64, bits=4)
    of_mlx = mx.dequantize(codes, scales.astype(mx.float32), biases.astype(mx.float32), group_size=64, bits=4)
    packed, meta = Quantizer.quantize(x.clone(), nbits=4, group_size=64, axis=1, device="cpu", compute_dtype=x.dtype)
    layer = torch.nn.Linear(x.shape[1], x.shape[0], bias=False)
    layer.weight.data = x.clone()
    quantize_(layer, IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32)))
    return {
        "MLX/BF16": torch.from_numpy(np.array(of_mlx)),
        "HQQ/F32": Quantizer.dequantize(packed, meta).float(),
        "torchao int4/F32": layer.weight.dequantize().float().detach(),
    }


def main(source: Path, out: Path) -> None:
    """Write them all."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(11)
    x = torch.from_numpy(
        (rng.standard_normal((128, 256)) * 0.02 * np.exp(0.3 * rng.standard_normal((128, 1)))).astype(np.float32)
    )
    made = {
        "bitsandbytes nf4/F32": of_bitsandbytes(x, "nf4"),
        "bitsandbytes nf4/BF16": of_bitsandbytes(x.to(TYPES["BF16"]), "nf4"),
        "bitsandbytes fp4/F32": of_bitsandbytes(x, "fp4"),
        "compressed-tensors channel/BF16": of_compressed_tensors(x.to(TYPES["BF16"]), "channel"),
        "compressed-tensors channel/F32": of_compressed_tensors(x, "channel"),
        "compressed-tensors tensor/BF16": of_compressed_tensors(x.to(TYPES["BF16"]), "tensor"),
        "compressed-tensors block/BF16": of_compressed_tensors(x.to(TYPES["BF16"]), "block"),
        "torchao row/BF16": of_torchao(x.to(TYPES["BF16"]), PerRow()),
        "torchao tensor/F32": of_torchao(x, PerTensor()),
        "transformers block/F32": of_transformers(x, [128, 128]),
        "transformers tensor/BF16": of_transformers(x.to(TYPES["BF16"]), None),
    }
    found = {"x": x} | {f"{name}/{part}": y.contiguous() for name, parts in made.items() for part, y in parts.items()}
    with TemporaryDirectory() as folder:
        library = compiled(source / "ggml", Path(folder))
        some = x[:ROWS].contiguous()
        for name, (kind, size) in OF_GGUF.items():
            blocks = np.zeros(ROWS * size, np.uint8)
            library.ggml_quantize_chunk(kind, some.data_ptr(), blocks.ctypes.data, 0, ROWS, 256, None)
            found[f"GGUF {name}"] = torch.from_numpy(blocks.reshape(ROWS, size))
        blocks, weights = np.zeros(ROWS * 144, np.uint8), rng.chisquare(1, 256).astype(np.float32)
        library.ggml_quantize_chunk(12, some.data_ptr(), blocks.ctypes.data, 0, ROWS, 256, weights.ctypes.data)
        found["imatrix Q4_K"] = torch.from_numpy(blocks.reshape(ROWS, 144))
    found |= {f"restored {name}": y.contiguous() for name, y in restored(some).items()}
    save_file(found, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
