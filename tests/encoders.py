"""Encoders of quantised matrices, written from the formats, number by number; they share nothing with the library."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from verify.checkpoint.formats.quantised import dequantised
from verify.checkpoint.formats.safetensors_file import contents
from verify.checkpoint.formats.tensor import Tensor
from verify.checkpoint.places.place import LocalFile

Array = NDArray[Any]
MODULE = "model.layers.0.mlp.up_proj"


class Encoded(NamedTuple):
    """What lies in a file, what config.json says, and the matrix that is meant."""

    parts: dict[str, Array]
    config: dict[str, Any]
    meant: Array
    metadata: dict[str, str] | None = None


def gptq(w: Array, bits: int = 4, group: int = 8, form: str | None = None, ordered: bool = False) -> Encoded:
    """As AutoGPTQ packs: zeros less one, groups of input channels in any order, three bits across words."""
    out, size = w.shape
    groups = size // group
    g_idx = np.arange(size) // group
    if ordered:
        g_idx = np.random.default_rng(1).permutation(g_idx)
    scales = np.empty((groups, out), np.float16)
    zeros = np.empty((groups, out), np.int64)
    codes = np.empty((size, out), np.int64)
    for g in range(groups):
        block = w.T[g_idx == g]
        low = block.min(0)
        scales[g] = (block.max(0) - low) / (2**bits - 1) + 1e-3
        zeros[g] = np.clip(np.round(-low / scales[g].astype(np.float32)), 1, 2**bits - 1)
        codes[g_idx == g] = np.clip(np.round(block / scales[g].astype(np.float32)) + zeros[g], 0, 2**bits - 1)
    v1 = 0 if form == "gptq_v2" else 1
    packed = (zeros - v1).astype(np.uint64)
    parts = {
        "qweight": pack_columns(codes.astype(np.uint64), bits),
        "qzeros": np.ascontiguousarray(pack_columns(packed.T, bits).T),
        "scales": scales,
        "g_idx": g_idx.astype(np.int32),
    }
    said: dict[str, Any] = {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": ordered}
    if form:
        said["checkpoint_format"] = form
    meant = scales.astype(np.float32)[g_idx] * (codes - zeros[g_idx])
    return Encoded(parts, {"quantization_config": said}, meant.T.astype(np.float32))


def pack_columns(codes: NDArray[np.uint64], bits: int) -> Array:
    """Codes of each column one after the other in 32-bit words, low bits first."""
    rows = []
    for column in codes.T:
        whole = sum(int(code) << (bits * n) for n, code in enumerate(column))
        words = -(-len(column) * bits // 32)
        rows.append([whole >> (32 * n) & 0xFFFFFFFF for n in range(words)])
    return np.array(rows, np.uint32).T.copy().view(np.int32)


def gptq_without_order(w: Array) -> Encoded:
    """Older files have no g_idx; the settings say the group size."""
    made = gptq(w)
    return made._replace(parts={name: part for name, part in made.parts.items() if name != "g_idx"})


def gptq_of_one_group(w: Array) -> Encoded:
    """A group size of -1 is one group."""
    made = gptq_without_order(w)
    one = gptq(w, group=w.shape[1])
    parts = {name: one.parts[name] for name in made.parts}
    return Encoded(parts, {"quantization_config": one.config["quantization_config"] | {"group_size": -1}}, one.meant)


def awq(w: Array, group: int = 8) -> Encoded:
    """As AutoAWQ packs: eight outputs in a word, nibble i from column order[i]."""
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    rng = np.random.default_rng(2)
    out, size = w.shape
    scales = rng.uniform(0.01, 1, (size // group, out)).astype(np.float16)
    zeros, codes = rng.integers(0, 16, (size // group, out)), rng.integers(0, 16, (size, out))

    def packed(numbers: Array) -> Array:
        words = np.zeros((len(numbers), out // 8), np.uint32)
        for column in range(out // 8):
            for i in range(8):
                words[:, column] |= (numbers[:, column * 8 + order[i]] << (4 * i)).astype(np.uint32)
        return words.view(np.int32)

    spread = np.repeat(np.arange(size // group), group)
    meant = scales.astype(np.float32)[spread] * (codes - zeros[spread])
    said = {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}
    parts = {"qweight": packed(codes), "qzeros": packed(zeros), "scales": scales}
    return Encoded(parts, {"quantization_config": said}, meant.T.astype(np.float32))


def llm_int8(w: Array) -> Encoded:
    """Rows scaled to 127 by their largest absolute number."""
    largest = np.abs(w).max(1).astype(np.float32)
    codes = np.round(w / largest[:, None] * 127).astype(np.int8)
    parts = {"weight": codes, "SCB": largest, "weight_format": np.array(0, np.uint8)}
    said = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    return Encoded(parts, {"quantization_config": said}, codes * largest[:, None] / np.float32(127))


NF4 = np.linspace(-1, 1, 16).astype(np.float32) ** 3  # any table: the file holds the one that is meant


def bits4(w: Array, kind: str = "nf4", block: int = 16, nested: bool = False, odd: bool = False) -> Encoded:
    """Blocks of the flattened matrix by their largest absolute number; two numbers in a byte, the first high."""
    flat = w.ravel().astype(np.float32)
    padded = np.concatenate([flat, np.zeros(-len(flat) % block, np.float32)]).reshape(-1, block)
    sizes = np.abs(padded).max(1) + np.float32(0.01)
    parts: dict[str, Array] = {"weight.quant_map": NF4}
    state: dict[str, Any] = {"quant_type": kind, "blocksize": block, "dtype": "bfloat16", "shape": list(w.shape)}
    if nested:
        table, offset = np.linspace(-1, 1, 256).astype(np.float32), float(np.float32(sizes.mean()))
        rows = np.array_split(np.arange(len(sizes)), range(4, len(sizes), 4))
        scale = np.array(
            [np.abs(sizes[row] - np.float32(offset)).max() + np.float32(0.01) for row in rows], np.float32
        )
        spread = np.concatenate([np.full(len(row), n) for n, row in enumerate(rows)])
        coded = np.abs(((sizes - np.float32(offset)) / scale[spread])[:, None] - table).argmin(1)
        sizes = table[coded] * scale[spread] + np.float32(offset)
        parts |= {"weight.absmax": coded.astype(np.uint8), "weight.nested_absmax": scale}
        parts["weight.nested_quant_map"] = table
        state |= {"nested_blocksize": 4, "nested_offset": offset, "nested_dtype": "float32"}
    else:
        parts["weight.absmax"] = sizes
    codes = np.abs(padded[:, :, None] / sizes[:, None, None] - NF4).argmin(2)
    numbers = codes.ravel()[: len(flat)]
    even = np.concatenate([numbers, np.zeros(len(numbers) % 2, np.int64)])
    packed = (even[0::2] << 4 | even[1::2]).astype(np.uint8)
    parts["weight"] = packed.view(np.float16)[:, None] if odd else packed[:, None]
    text = json.dumps(state).encode()
    parts[f"weight.quant_state.bitsandbytes__{kind}"] = np.frombuffer(text, np.uint8)
    meant = (NF4[codes] * sizes[:, None]).ravel()[: len(flat)].reshape(w.shape)
    return Encoded(parts, {"quantization_config": {"quant_method": "bitsandbytes"}}, meant)


def packed_tensors(
    w: Array, bits: int = 4, group: int | None = 8, zeros: bool = False, order: bool = False
) -> Encoded:
    """compressed-tensors pack-quantized: signed codes with half their range added, words along the input."""
    out, size = w.shape
    half, per = 2 ** (bits - 1), 32 // bits
    rng = np.random.default_rng(3)
    groups = 1 if group is None else size // group
    g_idx = np.arange(size) // (size // groups)
    if order:
        g_idx = rng.permutation(g_idx)
    codes = rng.integers(-half, half, (out, size))
    scale = rng.uniform(0.1, 1, (out, groups)).astype(ml_dtypes.bfloat16)
    zero = rng.integers(-half, half, (out, groups)) if zeros else np.zeros((out, groups), np.int64)

    def packed(numbers: Array) -> Array:
        words = np.zeros((len(numbers), -(-numbers.shape[1] // per)), np.uint32)
        for i in range(numbers.shape[1]):
            words[:, i // per] |= ((numbers[:, i] + half) << (bits * (i % per))).astype(np.uint32)
        return words.view(np.int32)

    parts: dict[str, Array] = {"weight_packed": packed(codes), "weight_scale": scale}
    parts["weight_shape"] = np.array([out, size], np.int64)
    if zeros:
        parts["weight_zero_point"] = np.ascontiguousarray(packed(zero.T).T)
    if order:
        parts["weight_g_idx"] = g_idx.astype(np.int32)
    meant = scale.astype(np.float32)[:, g_idx] * (codes - zero[:, g_idx])
    return Encoded(parts, {"quantization_config": {"quant_method": "compressed-tensors"}}, meant.astype(np.float32))


def int_tensors(w: Array, zeros: bool) -> Encoded:
    """compressed-tensors int-quantized: int8 with a scale for each row."""
    scale = (np.abs(w).max(1, keepdims=True) / 127).astype(np.float32)
    zero = np.random.default_rng(0).integers(-9, 9, scale.shape).astype(np.int8)
    codes = np.clip(np.round(w / scale), -110, 110).astype(np.int8)
    parts = {"weight": codes, "weight_scale": scale} | ({"weight_zero_point": zero} if zeros else {})
    meant = scale * (codes.astype(np.float32) - (zero if zeros else 0))
    return Encoded(parts, {"quantization_config": {"quant_method": "compressed-tensors"}}, meant.astype(np.float32))


def float8(w: Array, scales: str) -> Encoded:
    """float8 with scales of the whole matrix, of rows, of groups in rows, or of blocks."""
    out, size = w.shape
    rng = np.random.default_rng(4)
    codes = w.astype(ml_dtypes.float8_e4m3fn)
    said: dict[str, Any] = {"quant_method": "fp8"}
    name = "weight_scale"
    if scales == "blocks":
        name, said["weight_block_size"] = "weight_scale_inv", [3, 5]
        scale = rng.uniform(0.1, 1, (-(-out // 3), -(-size // 5))).astype(np.float32)
        spread = np.repeat(np.repeat(scale, 3, 0)[:out], 5, 1)[:, :size]
    else:
        shape = {"whole": (), "one": (1,), "rows": (out, 1), "vector": (out,), "groups": (out, size // 8)}[scales]
        scale = rng.uniform(0.1, 1, shape).astype(np.float32)
        columns = scale if scales == "groups" else np.broadcast_to(scale.reshape(-1, 1), (out, 1))
        spread = np.repeat(columns, size // columns.shape[1], 1)
    return Encoded({"weight": codes, name: scale}, {"quantization_config": said}, codes.astype(np.float32) * spread)


CONVENTIONS: dict[str, Callable[[Array], Encoded]] = {
    "gptq 4": gptq,
    "gptq 8": lambda w: gptq(w, bits=8),
    "gptq 2": lambda w: gptq(w, bits=2, group=16),
    "gptq 3": lambda w: gptq(w, bits=3, group=16),
    "gptq v2": lambda w: gptq(w, form="gptq_v2"),
    "gptq act order": lambda w: gptq(w, ordered=True),
    "gptq no g_idx": gptq_without_order,
    "gptq one group": gptq_of_one_group,
    "awq": awq,
    "llm.int8": llm_int8,
    "nf4": bits4,
    "fp4": lambda w: bits4(w, "fp4"),
    "nf4 nested": lambda w: bits4(w, nested=True),
    "nf4 in float16": lambda w: bits4(w, odd=True),
    "packed 4": packed_tensors,
    "packed 8": lambda w: packed_tensors(w, bits=8),
    "packed rows": lambda w: packed_tensors(w, group=None),
    "packed zeros": lambda w: packed_tensors(w, zeros=True),
    "packed act order": lambda w: packed_tensors(w, order=True),
    "int8": lambda w: int_tensors(w, zeros=False),
    "int8 zeros": lambda w: int_tensors(w, zeros=True),
    **{
        f"float8 {kind}": lambda w, kind=kind: float8(w, kind)
        for kind in ("whole", "one", "rows", "vector", "groups", "blocks")
    },
}


def logical(folder: Path, made: Encoded, config: dict[str, Any] | None = None) -> dict[str, Tensor]:
    """The tensors that the library makes of stored parts."""
    file = stored(folder / "model.safetensors", made)
    return dequantised(contents(LocalFile(file)).tensors, made.config if config is None else config)


def stored(file: Path, made: Encoded) -> Path:
    """The stored parts, written to a file."""
    parts = {f"{MODULE}.{name}": np.ascontiguousarray(part) for name, part in made.parts.items()}
    save_file(parts, file, made.metadata)
    return file
