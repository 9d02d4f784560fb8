"""Encoders of newer quantised matrices, written from the formats; they share nothing with the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from tests.encoders import Array, Encoded, gptq

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def halves(codes: Array) -> Array:
    """Two codes in a byte, the first in its low half."""
    return (codes[..., 0::2] | codes[..., 1::2] << 4).astype(np.uint8)


def stream(codes: Array, bits: int) -> Array:
    """Codes of each row as a stream of bits, low ones first, in words of 32."""
    rows = []
    for row in codes:
        whole = sum(int(code) << (bits * n) for n, code in enumerate(row))
        rows.append([whole >> (32 * n) & 0xFFFFFFFF for n in range(-(-len(row) * bits // 32))])
    return np.array(rows, np.uint32)


def stripes(codes: Array, bits: int, per: int, dtype: Any, high_first: bool) -> Array:
    """Rows cut into stretches, a number of each stretch in one stored number."""
    long = -(-len(codes) // per)
    found = np.zeros((long, codes.shape[1]), np.int64)
    for row, numbers in enumerate(codes):
        place = per - 1 - row // long if high_first else row // long
        found[row % long] |= numbers.astype(np.int64) << (bits * place)
    return found.astype(dtype)


def exponents(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Bytes of E8M0, and what they mean."""
    codes = rng.integers(110, 140, shape).astype(np.uint8)
    return codes, np.exp2(codes.astype(np.float32) - 127)


def float4(w: Array, kind: str) -> Encoded:
    """MXFP4 and NVFP4 under the names of four tools."""
    rng, (out, size) = np.random.default_rng(5), w.shape
    codes = rng.integers(0, 16, w.shape)
    whole = np.array([0.037], np.float32)
    run = 16 if "nvfp4" in kind else 32
    if run == 16:
        stored: Array = rng.uniform(0.01, 400, (out, size // 16)).astype(ml_dtypes.float8_e4m3fn)
        scale = stored.astype(np.float32)
    else:
        stored, scale = exponents(rng, (out, size // 32))
    packed = halves(codes)
    if kind.startswith("compressed-tensors"):
        said: dict[str, Any] = {"quantization_config": {"quant_method": "compressed-tensors"}}
        parts = {"weight_packed": packed, "weight_scale": stored}
        if run == 16:
            parts["weight_global_scale"], scale = whole, scale / whole
    elif kind == "modelopt nvfp4":
        said = {"quantization_config": {"quant_method": "modelopt"}}
        parts, scale = {"weight": packed, "weight_scale": stored, "weight_scale_2": whole[0]}, scale * whole
    elif kind == "fp8 mxfp4":
        said = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}
        parts = {"weight": packed.view(np.int8), "weight_scale_inv": stored.view(ml_dtypes.float8_e8m0fnu)}
    else:
        said = {"quantization": {"group_size": run, "bits": 4, "mode": kind.split()[-1]}}
        parts = {"weight": packed.view(np.uint32), "scales": stored.view(np.uint8)}
        if kind.startswith("mlx whole"):
            parts["global_scale"], scale = whole, scale * (whole / np.float32(448 * 6))
    return Encoded(parts, said, E2M1[codes] * np.repeat(scale, run, 1))


def float8_in_runs(w: Array, mlx: bool) -> Encoded:
    """MXFP8: float8 with an exponent for each 32."""
    codes = w.astype(ml_dtypes.float8_e4m3fn)
    stored, scale = exponents(np.random.default_rng(6), (len(w), w.shape[1] // 32))
    meant = codes.astype(np.float32) * np.repeat(scale, 32, 1)
    if mlx:
        said = {"quantization": {"group_size": 32, "bits": 8, "mode": "mxfp8"}}
        return Encoded({"weight": codes.view(np.uint32), "scales": stored}, said, meant)
    said = {"quantization_config": {"quant_method": "compressed-tensors"}}
    return Encoded({"weight": codes, "weight_scale": stored}, said, meant)


def affine(w: Array, bits: int, own: bool = False, metal: bool = False) -> Encoded:
    """MLX: scale times code plus bias; the settings may be of one module."""
    rng, (out, size) = np.random.default_rng(7), w.shape
    codes = rng.integers(0, 2**bits, w.shape)
    scale, bias = (rng.uniform(-1, 1, (out, size // 32)).astype(np.float16) for _ in range(2))
    said: dict[str, Any] = {"group_size": 32, "bits": bits}
    if own:
        said = {"group_size": 64, "bits": 4, "layers.0.mlp.up_proj": said, "lm_head": False}
    if metal:
        said["quant_method"] = "metal"
    parts = {"weight": stream(codes, bits), "scales": scale, "qbiases" if metal else "biases": bias}
    wide = (np.repeat(x.astype(np.float32), 32, 1) for x in (scale, bias))
    return Encoded(parts, {"quantization_config" if metal else "quantization": said}, codes * next(wide) + next(wide))


def dense(w: Array, bits: int) -> Encoded:
    """compressed-tensors pack-quantized in any number of bits, with zeros packed down the rows."""
    rng, (out, size) = np.random.default_rng(8), w.shape
    half = 2 ** (bits - 1)
    codes, zeros = rng.integers(0, 2**bits, w.shape), rng.integers(0, 2**bits, (out, 2))
    scale = rng.uniform(0.1, 1, (out, 2)).astype(ml_dtypes.bfloat16)
    parts = {"weight_packed": stream(codes, bits).view(np.int32), "weight_scale": scale}
    parts |= {"weight_shape": np.array([out, size]), "weight_zero_point": stream(zeros.T, bits).T.view(np.int32)}
    said = {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": bits}}}}
    meant = np.repeat(scale.astype(np.float32), size // 2, 1) * (
        (codes - half) - np.repeat(zeros - half, size // 2, 1)
    )
    return Encoded(parts, {"quantization_config": said}, meant.astype(np.float32))


def bitnet(w: Array, multiplies: bool) -> Encoded:
    """BitNet: four rows in one."""
    numbers = np.random.default_rng(9).integers(-1, 2, w.shape)
    scale = np.array([0.3], np.float32).astype(ml_dtypes.bfloat16)
    said = {"quant_method": "bitnet"} | ({"linear_class": "autobitlinear"} if multiplies else {})
    parts = {"weight": stripes(numbers + 1, 2, 4, np.uint8, high_first=False), "weight_scale": scale}
    by = scale.astype(np.float32)
    meant = numbers.astype(np.float32) * by if multiplies else numbers.astype(np.float32) / by
    return Encoded(parts, {"quantization_config": said}, meant)


def hqq(w: Array, bits: int, axis: int, floats: bool = False) -> Encoded:
    """HQQ: groups along one of two axes, packed across groups."""
    rng, (out, size), group = np.random.default_rng(10), w.shape, 16
    shape = (-1, group) if axis == 1 else (group, -1)
    codes = rng.integers(0, 2**bits, w.size).reshape(shape)
    flat = (len(codes), 1) if axis == 1 else (1, codes.shape[1])
    scale, zero = rng.uniform(0.1, 1, flat).astype(np.float16), rng.uniform(0, 2**bits, flat).astype(np.float16)
    packed = stripes(
        codes, bits, 10 if bits == 3 else 8 // bits, np.int32 if bits == 3 else np.uint8, high_first=True
    )
    packing = f"{bits}bit_{'32' if bits == 3 else 'u8'}"
    parts = {"W_q": packed.view(np.float16) if floats else packed, "scale": scale, "zero": zero}
    parts |= {"shape": np.array(w.shape), "nbits": np.array(bits, np.int32), "axis": np.array(axis, np.int32)}
    parts |= {"group_size": np.array(group, np.int32), "packing": np.frombuffer(packing.encode(), np.uint8)}
    parts |= {"view_as_float": np.array(floats, np.uint8), "channel_wise": np.array(1, np.uint8)}
    meant = scale.astype(np.float32) * (codes - zero.astype(np.float32))
    return Encoded(parts, {"quantization_config": {"quant_method": "hqq"}}, meant.reshape(out, size))


def in_bytes(w: Array, tool: str, floats: bool = False) -> Encoded:
    """torchao and quanto: numbers of 8 bits, a scale for each row or group."""
    rng, (out, size) = np.random.default_rng(11), w.shape
    codes: Array = w.astype(ml_dtypes.float8_e5m2) if floats else rng.integers(-128, 128, w.shape).astype(np.int8)
    scale = rng.uniform(0.1, 1, (out, 1 if floats or tool == "quanto" else 2)).astype(ml_dtypes.bfloat16)
    wide, numbers = np.repeat(scale.astype(np.float32), size // scale.shape[1], 1), codes.astype(np.float32)
    if tool == "quanto":
        return Encoded({"weight._data": codes, "weight._scale": scale}, {}, numbers * wide)
    parts = {"_weight_qdata": codes, "_weight_scale": scale}
    if not floats:
        zero = rng.integers(-8, 8, scale.shape).astype(np.int8)
        parts["_weight_zero_point"], numbers = zero, numbers - np.repeat(zero, size // 2, 1)
    return Encoded(parts, {"quantization_config": {"quant_method": "torchao"}}, numbers * wide)


def gemv(w: Array) -> Encoded:
    """AWQ of version gemv: in order along the input, zeros and scales padded."""
    rng, (out, size) = np.random.default_rng(12), w.shape
    codes, groups = rng.integers(0, 16, w.shape), size // 32
    zeros, scales = np.zeros((out, 32), np.int64), np.zeros((out, 32), np.float16)
    zeros[:, :groups], scales[:, :groups] = rng.integers(0, 16, (out, groups)), rng.uniform(0.1, 1, (out, groups))
    parts = {"qweight": stream(codes, 4).view(np.int32), "qzeros": stream(zeros, 4).view(np.int32), "scales": scales}
    said = {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemv", "zero_point": True}
    wide, less = (np.repeat(x[:, :groups].astype(np.float32), 32, 1) for x in (scales, zeros))
    return Encoded(parts, {"quantization_config": said}, wide * (codes - less))


def auto_round(w: Array) -> Encoded:
    """AutoRound's own format: GPTQ without an order, and bits that the settings give for other matrices."""
    made = gptq(w, bits=8)
    said = {"quant_method": "auto-round", "packing_format": "auto_round:auto_gptq", "bits": 4, "group_size": 8}
    parts = {name: part for name, part in made.parts.items() if name != "g_idx"}
    return Encoded(parts, {"quantization_config": said | {"extra_config": {}}}, made.meant)


NEWER: dict[str, Callable[[Array], Encoded]] = {
    **{
        kind: lambda w, kind=kind: float4(w, kind)
        for kind in (
            *("compressed-tensors mxfp4", "compressed-tensors nvfp4", "modelopt nvfp4", "fp8 mxfp4"),
            *("mlx mxfp4", "mlx nvfp4", "mlx whole nvfp4"),
        )
    },
    "mxfp8": lambda w: float8_in_runs(w, mlx=False),
    "mlx mxfp8": lambda w: float8_in_runs(w, mlx=True),
    **{f"mlx {bits}": lambda w, bits=bits: affine(w, bits) for bits in (1, 2, 3, 4, 5, 6, 8)},
    "mlx of one module": lambda w: affine(w, 5, own=True),
    "metal": lambda w: affine(w, 4, metal=True),
    **{f"packed {bits} zeros": lambda w, bits=bits: dense(w, bits) for bits in range(1, 9)},
    "bitnet divided": lambda w: bitnet(w, multiplies=False),
    "bitnet multiplied": lambda w: bitnet(w, multiplies=True),
    **{
        f"hqq {bits} axis {axis}": lambda w, bits=bits, axis=axis: hqq(w, bits, axis)
        for bits in (1, 2, 3, 4, 8)
        for axis in (0, 1)
    },
    "hqq as floats": lambda w: hqq(w, 4, 1, floats=True),
    "torchao int8": lambda w: in_bytes(w, "torchao"),
    "torchao float8": lambda w: in_bytes(w, "torchao", floats=True),
    "quanto int8": lambda w: in_bytes(w, "quanto"),
    "quanto float8": lambda w: in_bytes(w, "quanto", floats=True),
    "awq gemv": gemv,
    "auto-round": auto_round,
}
