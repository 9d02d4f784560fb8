"""Encoders of torchao's tensors, ModelOpt's int4 and blocks, AQLM, VPTQ and Marlin, number by number."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from tests.encoders import MODULE, Array, Encoded
from tests.newer_encoders import E2M1, exponents, halves

TORCHAO = {"quantization_config": {"quant_method": "torchao"}}
MODELOPT = {"quantization_config": {"quant_method": "modelopt"}}


def of_class(kind: str, parts: dict[str, Array], meant: Array, **said: Any) -> Encoded:
    """Parts of a tensor of torchao, and the metadata that says so."""
    text = json.dumps({"_type": kind, "_data": said, "_tensor_data_names": list(parts)})
    stored = {f"_weight_{part}": x for part, x in parts.items()}
    return Encoded(stored, TORCHAO, meant.astype(np.float32), {f"{MODULE}.weight": text})


def prescaled(made: Encoded, name: str) -> Encoded:
    """With a factor of each input beside it."""
    factors = np.random.default_rng(20).uniform(0.5, 2, made.meant.shape[1]).astype(ml_dtypes.bfloat16)
    return made._replace(parts=made.parts | {name: factors}, meant=made.meant * factors.astype(np.float32))


def int4_rows(w: Array) -> Encoded:
    """Int4Tensor: signed codes along rows, a scale and a float zero [group, out]."""
    rng, (out, size) = np.random.default_rng(21), w.shape
    codes = rng.integers(-8, 8, w.shape)
    scale, zero = (rng.uniform(-1, 1, (size // 16, out)).astype(ml_dtypes.bfloat16) for _ in range(2))
    meant = np.empty(w.shape, np.float32)
    for i in range(out):
        for j in range(size):
            meant[i, j] = np.float32(codes[i, j]) * np.float32(scale[j // 16, i]) + np.float32(zero[j // 16, i])
    parts = {"qdata": halves(codes & 15).view(np.int8), "scale": scale, "zero_point": zero}
    return of_class("Int4Tensor", parts, meant, block_size=[1, 16], shape=[out, size])


def int4_tiles(w: Array) -> Encoded:
    """Int4TilePackedTo4dTensor: every number put where its lane of the tensor core finds it."""
    rng, (out, size) = np.random.default_rng(22), w.shape
    rows, columns = -(-out // 8) * 8, -(-size // 1024) * 1024
    codes = rng.integers(0, 16, (rows, columns))
    packed = np.zeros((rows // 8, columns // 128, 32, 4), np.uint32)
    for i in range(8):  # of a tile's rows
        for j in range(128):
            pair, inside = divmod(j % 32, 8)  # of 32 columns: eight in a row, two of them in a lane
            lane, nibble = 4 * i + inside // 2, pair + 4 * (inside % 2)
            packed[:, :, lane, j // 32] |= codes[i::8, j::128].astype(np.uint32) << np.uint32(4 * nibble)
    both = rng.uniform(-1, 1, (columns // 32, rows, 2)).astype(ml_dtypes.bfloat16)
    wide = np.repeat(both.astype(np.float32), 32, 0)
    meant = (wide[..., 0].T * (codes - 8) + wide[..., 1].T)[:out, :size]
    parts = {"qdata": packed.view(np.int32), "scale_and_zero": both}
    return of_class("Int4TilePackedTo4dTensor", parts, meant, block_size=[1, 32], shape=[out, size])


def swizzle(scale: Array) -> Array:
    """Scales where tensor cores look for them: tiles of 128 rows by 4 columns, rows 32 apart side by side."""
    rows, columns = scale.shape
    across = -(-columns // 4)
    found = np.zeros(-(-rows // 128) * across * 512, scale.dtype)
    for i in range(rows):
        for j in range(columns):
            tile = i // 128 * across + j // 4
            found[512 * tile + 16 * (i % 32) + 4 * (i % 128 // 32) + j % 4] = scale[i, j]
    return found.reshape(-(-rows // 128) * 32, -1)


def in_runs(w: Array, kind: str, four: bool, swizzled: bool, whole: bool = False) -> Encoded:
    """MXTensor and NVFP4Tensor, scales in either order."""
    rng, (out, size) = np.random.default_rng(23), w.shape
    run = 32 if kind == "MXTensor" else 16
    if run == 32:
        bits, scale = exponents(rng, (out, size // run))
        stored: Array = bits.view(ml_dtypes.float8_e8m0fnu)
    else:
        stored = rng.uniform(0.01, 400, (out, size // run)).astype(ml_dtypes.float8_e4m3fn)
        scale = stored.astype(np.float32)
    codes: Array = rng.integers(0, 16, w.shape) if four else w.astype(ml_dtypes.float8_e4m3fn)
    parts = {"qdata": halves(codes) if four else codes, "scale": swizzle(stored) if swizzled else stored}
    if whole:
        parts["per_tensor_scale"] = np.array(0.037, np.float32)
        scale = scale * parts["per_tensor_scale"]
    meant = (E2M1[codes] if four else codes.astype(np.float32)) * np.repeat(scale, run, 1)
    elements = {"_type": "torch.dtype", "_data": "float4_e2m1fn_x2" if four else "float8_e4m3fn"}
    said = {"elem_dtype": elements} if run == 32 else {}
    return of_class(kind, parts, meant, block_size=run, is_swizzled_scales=swizzled, **said)


def int8_symmetric(w: Array) -> Encoded:
    """Int8Tensor without zeros."""
    codes = np.random.default_rng(24).integers(-128, 128, w.shape).astype(np.int8)
    scale = np.random.default_rng(25).uniform(0.1, 1, (len(w), 1)).astype(np.float32)
    return of_class("Int8Tensor", {"qdata": codes, "scale": scale}, codes * scale, block_size=[1, w.shape[1]])


def int4_pairs(w: Array, second: bool = False) -> Encoded:
    """ModelOpt: two rows in one of bytes."""
    rng, (out, size) = np.random.default_rng(26), w.shape
    codes, scale = rng.integers(-8, 8, w.shape), rng.uniform(0.1, 1, (out, size // 16)).astype(np.float32)
    packed = (codes[0::2] & 15 | (codes[1::2] & 15) << 4).astype(np.uint8)
    parts = {"weight": packed, "weight_scale": scale}
    if second:
        parts["weight_scale_2"] = np.array(0.25, np.float32)
    return Encoded(parts, MODELOPT, (codes * np.repeat(scale, 16, 1)).astype(np.float32))


def nvfp4_in_32(w: Array) -> Encoded:
    """ModelOpt with activations in float8: a scale for each 32."""
    rng, (out, size) = np.random.default_rng(27), w.shape
    codes = rng.integers(0, 16, w.shape)
    stored = rng.uniform(0.01, 400, (out, size // 32)).astype(ml_dtypes.float8_e4m3fn)
    parts = {"weight": halves(codes), "weight_scale": stored, "weight_scale_2": np.array(0.037, np.float32)}
    scale = stored.astype(np.float32) * np.float32(0.037)
    return Encoded(parts, MODELOPT, E2M1[codes] * np.repeat(scale, 32, 1))


def tiled_float8(w: Array) -> Encoded:
    """ModelOpt: blocks of 128 by 128, the last ones partial, scales [rows, 1, columns, 1]."""
    (out, size), codes = w.shape, w.astype(ml_dtypes.float8_e4m3fn)
    scale = np.random.default_rng(28).uniform(0.1, 1, (-(-out // 128), -(-size // 128))).astype(np.float32)
    meant = np.empty(w.shape, np.float32)
    for i in range(out):
        meant[i] = codes[i].astype(np.float32) * scale[i // 128, np.arange(size) // 128]
    return Encoded({"weight": codes, "weight_scale": scale[:, None, :, None]}, MODELOPT, meant)


def aqlm(w: Array, books: int, bits: int, high: int, low: int) -> Encoded:
    """Sums of vectors of codebooks, codes as signed integers."""
    rng, (out, size) = np.random.default_rng(29), w.shape
    codes = rng.integers(0, 2**bits, (out // high, size // low, books))
    vectors = rng.standard_normal((books, 2**bits, high, low)).astype(np.float16)
    scales = rng.uniform(0.5, 2, (out // high, 1, 1, 1)).astype(np.float16)
    meant = np.zeros(w.shape, np.float32)
    for i in range(out // high):
        for j in range(size // low):
            block = sum(vectors[n, codes[i, j, n]].astype(np.float32) for n in range(books))
            meant[i * high : (i + 1) * high, j * low : (j + 1) * low] = block * np.float32(scales[i, 0, 0, 0])
    signed = np.where(codes >= 2 ** (bits - 1), codes - 2**bits, codes).astype(np.int8 if bits <= 8 else np.int16)
    said = {"quantization_config": {"quant_method": "aqlm", "nbits_per_codebook": bits}}
    return Encoded({"codes": signed, "codebooks": vectors, "scales": scales}, said, meant)


def vptq(
    w: Array,
    rows: int = 8,
    vectors: int = 32,
    rest: int = 0,
    books: int = 1,
    aside: int = 0,
    own: int = 4,
    *,
    norm: bool = True,
    perm: bool = True,
) -> Encoded:
    """Vectors of some rows of a column; their indices bit by bit; ``aside`` columns with a codebook of their own."""
    rng, (out, size) = np.random.default_rng(31), w.shape
    tall, group = -(-out // rows), (size - aside) // books
    tables = [rng.standard_normal((books, n, rows)).astype(np.float16) for n in (vectors, rest) if n]
    codes = [rng.integers(0, n, (books, tall, group)) for n in (vectors, rest) if n]
    first, second = (vectors - 1).bit_length(), (rest - 1).bit_length() if rest else 0
    words = -(-group * (first + second) // 32)
    packed = np.zeros((books, tall, words), np.uint64)
    found = np.zeros((out, size), np.float32)
    for b in range(books):
        for i in range(tall):
            whole = sum(
                int(codes[0][b, i, j]) + (int(codes[1][b, i, j]) << first if rest else 0) << j * (first + second)
                for j in range(group)
            )
            packed[b, i] = [whole >> 32 * n & 0xFFFFFFFF for n in range(words)]
        for r in range(out):
            for j in range(group):
                for table, code in zip(tables, codes, strict=True):
                    found[r, aside + b * group + j] += np.float32(table[b, code[b, r // rows, j], r % rows])
    parts: dict[str, Array] = {"indices": packed.astype(np.uint32).view(np.int32)}
    parts["centroids.weight"] = tables[0].reshape(books, -1)
    if rest:
        parts["res_centroids.weight"] = tables[1].reshape(books, -1)
    if aside:
        table = rng.standard_normal((16, own)).astype(np.float16)
        code = rng.integers(0, 16, (-(-out // own), aside))
        found[:, :aside] = [[table[code[r // own, j], r % own] for j in range(aside)] for r in range(out)]
        parts |= {"outlier_centroids.weight": table.reshape(1, -1), "outlier_indices": code.astype(np.int16)[None]}
    if perm:
        order = rng.permutation(size)
        meant = np.empty_like(found)
        for place, column in enumerate(order):
            meant[:, column] = found[:, place]
        found, parts["perm"] = meant, order.astype(np.uint16).view(np.int16)
    if norm:
        scale, bias = (rng.uniform(0.5, 2, size).astype(np.float16) for _ in range(2))
        parts |= {"weight_scale": scale, "weight_bias": bias}
        found = found * scale.astype(np.float32) + bias.astype(np.float32)
    said = {
        "out_features": out,
        "in_features": size,
        "group_num": books,
        "group_size": group,
        "outlier_size": aside,
        "vector_lens": [own if aside else -1, rows],
        "num_centroids": [16 if aside else -1, vectors],
        "num_res_centroids": [-1, rest or -1],
        "enable_norm": norm,
        "enable_perm": perm,
        "is_indice_packed": True,
    }
    config = {"quantization_config": {"quant_method": "vptq", "config_for_layers": {MODULE: said}}}
    return Encoded(parts, config, found)


def marlin(w: Array, groups: int) -> Encoded:
    """Codes thread by thread of a warp, of as many outputs as one tile has."""
    rng, (out, size) = np.random.default_rng(32), (64, w.shape[1])
    codes = rng.integers(0, 16, (size, out))
    scales = rng.uniform(0.1, 1, (groups, out)).astype(np.float16)
    words = np.zeros((size // 16, 2 * out), np.uint32)
    for i in range(size // 16):
        for thread in range(32):
            for quarter in range(4):
                column, row = 16 * quarter + thread // 4, 16 * i + 2 * (thread % 4)
                eight = [codes[row + n, column + half] for half in (0, 8) for n in (0, 1, 8, 9)]
                word = sum(int(eight[n]) << 4 * at for at, n in enumerate((0, 2, 4, 6, 1, 3, 5, 7)))
                words[i, 4 * thread + quarter] = word
    if groups > 1:
        order = [i + 8 * j for i in range(8) for j in range(8)]
    else:
        order = [2 * i + j + 32 * half for half in (0, 1) for i in range(4) for j in (0, 1, 8, 9, 16, 17, 24, 25)]
    parts = {"B": words.view(np.int32), "s": scales[:, order], "workspace": np.zeros(16, np.int32)}
    said = {"quant_method": "gptq", "bits": 4, "group_size": size // groups, "checkpoint_format": "marlin"}
    meant = (codes - 8.0) * np.repeat(scales.astype(np.float32), size // groups, 0)
    return Encoded(parts, {"quantization_config": said}, meant.T.astype(np.float32))


def planes(codes: Array, bits: int) -> Array:
    """Codes of each row in words: of 32 neighbours first the low bits of all, then higher ones."""
    widths = {3: (2, 1), 5: (4, 1), 6: (4, 2), 7: (4, 2, 1)}[bits]
    rows = []
    for row in codes:
        words = []
        for block in row.reshape(-1, 32):
            low = 0
            for width in widths:
                whole = sum((int(code) >> low & (2**width - 1)) << (width * n) for n, code in enumerate(block))
                words += [whole >> (32 * n) & 0xFFFFFFFF for n in range(width)]
                low += width
        rows.append(words)
    return np.array(rows, np.uint32)


def gptq_in_planes(w: Array, bits: int) -> Encoded:
    """GPTQModel's gptq_p: zeros as they are, input channels in any order."""
    rng, (out, size) = np.random.default_rng(30), w.shape
    codes, zeros = rng.integers(0, 2**bits, w.shape), rng.integers(0, 2**bits, (size // 16, out))
    scales = rng.uniform(0.1, 1, (size // 16, out)).astype(np.float16)
    groups = rng.permutation(np.arange(size) // 16)
    parts = {"qweight": np.ascontiguousarray(planes(codes, bits).T).view(np.int32), "scales": scales}
    parts |= {"qzeros": planes(zeros, bits).view(np.int32), "g_idx": groups.astype(np.int32)}
    said = {"quant_method": "gptq", "bits": bits, "group_size": 16, "checkpoint_format": "gptq_p"}
    meant = scales.astype(np.float32)[groups].T * (codes - zeros[groups].T)
    return Encoded(parts, {"quantization_config": said}, meant.astype(np.float32))


NEWEST: dict[str, Callable[[Array], Encoded]] = {
    "torchao int4": int4_rows,
    "torchao int4 prescaled": lambda w: prescaled(int4_rows(w), "_weight_act_pre_scale"),
    "torchao int4 in tiles": int4_tiles,
    "torchao int8 symmetric": int8_symmetric,
    "torchao int8 prescaled": lambda w: prescaled(int8_symmetric(w), "_weight_act_pre_scale"),
    **{
        f"torchao {name}": lambda w, told=told: in_runs(w, *told)
        for name, told in {
            "mxfp8": ("MXTensor", False, False),
            "mxfp8 swizzled": ("MXTensor", False, True),
            "mxfp4": ("MXTensor", True, False),
            "mxfp4 swizzled": ("MXTensor", True, True),
            "nvfp4": ("NVFP4Tensor", True, False),
            "nvfp4 swizzled": ("NVFP4Tensor", True, True),
        }.items()
    },
    "torchao nvfp4 of a whole": lambda w: in_runs(w, "NVFP4Tensor", four=True, swizzled=True, whole=True),
    "modelopt int4": int4_pairs,
    "modelopt int4 and float8": lambda w: int4_pairs(w, second=True),
    "modelopt int4 prescaled": lambda w: prescaled(int4_pairs(w), "pre_quant_scale"),
    "modelopt nvfp4 in 32": nvfp4_in_32,
    "modelopt nvfp4 prescaled": lambda w: prescaled(nvfp4_in_32(w), "pre_quant_scale"),
    "modelopt float8 in tiles": tiled_float8,
    **{f"gptq {bits} in planes": lambda w, bits=bits: gptq_in_planes(w, bits) for bits in (3, 5, 6, 7)},
    "aqlm 1x8": lambda w: aqlm(w, 1, 8, 1, 8),
    "aqlm 2x8": lambda w: aqlm(w, 2, 8, 1, 8),
    "aqlm of blocks": lambda w: aqlm(w, 1, 9, 2, 4),
    "vptq": vptq,
    "vptq plain": lambda w: vptq(w, norm=False, perm=False),
    "vptq and a rest": lambda w: vptq(w, vectors=64, rest=16),
    "vptq of 16 bits and 16": lambda w: vptq(w, vectors=1 << 16, rest=1 << 16),
    "vptq padded": lambda w: vptq(w, rows=6, vectors=100),
    "vptq of two groups": lambda w: vptq(w, books=2, rest=8),
    "vptq with outliers": lambda w: vptq(w, rows=6, aside=5, own=3),
    "marlin": lambda w: marlin(w, 4),
    "marlin of channels": lambda w: marlin(w, 1),
}
