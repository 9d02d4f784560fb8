# /// script
# dependencies = ["accelerate", "safetensors", "torch==2.13.0", "torchao==0.18.0", "transformers==5.24.0"]
# ///
"""torchao's tensors that quantise on accelerators alone, and all of its tensors in torch.save.

MX, NVFP4 and numbers of 8 bits are torchao's own from end to end. Plain int4 is quantised here in the place of the
package mslk, and tiles of int4 are packed by the rule of PyTorch's kernel (aten/src/ATen/native/cuda/int4mm.cu), lane
by lane: both functions run on accelerators alone. Models are saved by what transformers calls for safetensors, or by
torch.save. The truth is torchao's own dequantiser in float32; of plain int4, scale times code plus zero.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from _toys import folder_of, leave, toy
from safetensors.torch import save_file
from torchao.prototype.mx_formats.inference_workflow import NVFP4WeightOnlyConfig
from torchao.prototype.mx_formats.mx_tensor import MXTensor
from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor
from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
from torchao.quantization import (
    Float8WeightOnlyConfig,
    Int4Tensor,
    Int4TilePackedTo4dTensor,
    Int8DynamicActivationInt8WeightConfig,
    Int8DynamicActivationIntxWeightConfig,
    Int8WeightOnlyConfig,
    IntxUnpackedToInt8Tensor,
    MappingType,
    PerGroup,
    quantize_,
)
from torchao.quantization.quant_primitives import (
    _choose_qparams_affine_tinygemm,
    _dequantize_affine_tinygemm,
    _quantize_affine_tinygemm,
    dequantize_affine,
)
from torchao.quantization.utils import pack_tinygemm_scales_and_zeros

Made = tuple[torch.Tensor, torch.Tensor]
"""What is stored of a matrix, and its numbers."""
FP4 = torch.float4_e2m1fn_x2


def rows_in_groups(weight: torch.Tensor, group: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Codes from -8 to 7, and scales and float zeros [group, out]."""
    runs = weight.float().unflatten(-1, (-1, group))
    low, high = runs.amin(-1), runs.amax(-1)
    scale = (high - low).clamp(min=1e-6) / 15
    codes = ((runs - low[..., None]) / scale[..., None]).round().clamp(0, 15) - 8
    return codes.to(torch.int8).flatten(-2), scale.T.contiguous(), (low + 8 * scale).T.contiguous()


def in_pairs(codes: torch.Tensor) -> torch.Tensor:
    """Two codes in a byte, the first in its low half."""
    return codes[:, 0::2] & 15 | codes[:, 1::2] << 4


plain = sys.modules["torchao.quantization.quantize_.workflows.int4.int4_tensor"]
plain.int4_row_quantize_zp, plain.pack_int4 = rows_in_groups, in_pairs


def int4(weight: torch.Tensor, prescaled: bool = False) -> Made:
    """Plain int4, perhaps with a factor of each input."""
    factors = torch.rand(weight.shape[1], dtype=weight.dtype) + 0.5 if prescaled else None
    made = Int4Tensor.from_hp(weight / factors if prescaled else weight, [1, 32])
    made.act_pre_scale = factors
    codes = torch.stack([(made.qdata & 15) ^ 8, (made.qdata >> 4 & 15) ^ 8], -1).flatten(-2).float() - 8
    scale, zero = (x.float().T.repeat_interleave(32, 1) for x in (made.scale, made.zero_point))
    return made, (codes * scale + zero) * (factors.float() if prescaled else 1)


def tiles(codes: torch.Tensor) -> torch.Tensor:
    """What the kernel stores: a word of each lane and two neighbouring tiles of 16 columns."""
    rows, columns = codes.shape
    found = torch.zeros(rows // 8, columns // 128, 32, 4, dtype=torch.int64)
    for lane in range(32):
        for word in range(4):
            first = codes[lane // 4 :: 8].unflatten(1, (-1, 128))[..., 32 * word + 2 * (lane % 4) :][..., :32]
            places = [0, 8, 16, 24, 1, 9, 17, 25]
            for nibble, place in enumerate(places):
                found[:, :, lane, word] |= first[:, :, place].long() << (4 * nibble)
    return torch.where(found >= 1 << 31, found - (1 << 32), found).to(torch.int32)


def tile_packed(weight: torch.Tensor, group: int) -> Made:
    """Int4 in tiles, padded to 1024 columns."""
    padded = torch.nn.functional.pad(weight, (0, -weight.shape[1] % 1024, 0, -weight.shape[0] % 8))
    block, kinds = (1, group), (weight.dtype, weight.dtype)
    scale, zero = _choose_qparams_affine_tinygemm(
        padded, MappingType.ASYMMETRIC, block, torch.int32, 0, 15, scale_dtype=kinds[0], zero_point_dtype=kinds[1]
    )
    codes = _quantize_affine_tinygemm(padded, block, scale, zero, torch.int32, 0, 15)
    scale, zero = scale.reshape(len(padded), -1), zero.reshape(len(padded), -1)
    both = pack_tinygemm_scales_and_zeros(scale, zero, weight.dtype)
    made = Int4TilePackedTo4dTensor(tiles(codes), both, list(block), weight.shape)
    whole = _dequantize_affine_tinygemm(codes, block, scale.float(), zero.float(), torch.int32, 0, 15)
    return made, whole[: weight.shape[0], : weight.shape[1]]


def by_its_dequantiser(made: torch.Tensor) -> Made:
    """A tensor that says its own numbers."""
    if isinstance(made, IntxUnpackedToInt8Tensor):
        numbers = dequantize_affine(
            made.qdata, made.block_size, made.scale, made.zero_point, torch.int8, output_dtype=torch.float32
        )
        return made, numbers
    return made, made.dequantize(torch.float32)


def mx(elements: Any, swizzled: bool) -> Callable[[torch.Tensor], Made]:
    """Runs of 32."""
    return lambda weight: by_its_dequantiser(MXTensor.to_mx(weight, elements, is_swizzled_scales=swizzled))


def nvfp4(swizzled: bool, whole: bool = True) -> Callable[[torch.Tensor], Made]:
    """Runs of 16."""

    def made(weight: torch.Tensor) -> Made:
        scale = weight.float().abs().amax() / (448 * 6) if whole else None
        return by_its_dequantiser(NVFP4Tensor.to_nvfp4(weight, per_tensor_scale=scale, is_swizzled_scales=swizzled))

    return made


def quantised(config: Any) -> Callable[[torch.Tensor], Made]:
    """By torchao's own way of quantising a layer."""

    def made(weight: torch.Tensor) -> Made:
        layer = torch.nn.Linear(*weight.shape[::-1], bias=False, dtype=weight.dtype)
        layer.weight = torch.nn.Parameter(weight.clone())
        quantize_(layer, config)
        return by_its_dequantiser(layer.weight.data)

    return made


def smoothed(weight: torch.Tensor) -> Made:
    """Numbers of 8 bits with a factor of each input."""
    factors = torch.rand(weight.shape[1]) + 0.5
    made, numbers = quantised(Int8WeightOnlyConfig())((weight / factors).to(weight.dtype))
    made.act_pre_scale = factors
    return made, numbers * factors


OPERATIONS: dict[str, Callable[[torch.Tensor], Made]] = {
    "int4": int4,
    "int4, AWQ": lambda weight: int4(weight, prescaled=True),
    **{f"int4 in tiles, group {n}": lambda weight, n=n: tile_packed(weight, n) for n in (32, 128)},
    "int8, SmoothQuant": smoothed,
    "mxfp8": mx(torch.float8_e4m3fn, swizzled=False),
    "mxfp8, swizzled": mx(torch.float8_e4m3fn, swizzled=True),
    "mxfp4": mx(FP4, swizzled=False),
    "mxfp4, swizzled": mx(FP4, swizzled=True),
    "mxfp6": mx("fp6_e2m3", swizzled=False),
    "nvfp4, weights only": quantised(NVFP4WeightOnlyConfig()),
    "nvfp4, swizzled": nvfp4(swizzled=True),
    "nvfp4, no scale of the whole": nvfp4(swizzled=False, whole=False),
    "float8": quantised(Float8WeightOnlyConfig()),
    "int8 dynamic": quantised(Int8DynamicActivationInt8WeightConfig()),
    "int8 dynamic, int4": quantised(Int8DynamicActivationIntxWeightConfig(torch.int4, PerGroup(32))),
}
IN_SAFETENSORS = [name for name in OPERATIONS if name not in ("float8", "int8 dynamic", "int8 dynamic, int4")]


def main(out: Path) -> None:
    """Write each operation by each way of saving."""
    for saved in ("safetensors", "torch.save"):
        for operation in OPERATIONS if saved == "torch.save" else IN_SAFETENSORS:
            torch.manual_seed(0)
            model = toy()
            state, truth = {}, {}
            for name, weight in model.state_dict().items():
                state[name] = truth[name] = weight
                if name.endswith("_proj.weight"):
                    state[name], truth[name] = OPERATIONS[operation](weight)
            said = operation if saved == "safetensors" else f"{operation}, {saved}"
            folder = folder_of(out, said)
            if saved == "safetensors":
                stored, metadata = flatten_tensor_state_dict(state)
                save_file(stored, folder / "model.safetensors", metadata)
            else:
                torch.save(state, folder / "pytorch_model.bin")
            config = model.config.to_dict() | {"quantization_config": {"quant_method": "torchao"}}
            (folder / "config.json").write_text(json.dumps(config), "utf-8")
            leave(out, "torchao", said, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
