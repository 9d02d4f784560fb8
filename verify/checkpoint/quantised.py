"""Quantised matrices: several stored tensors that mean one matrix [out, in], decoded by rows as they are asked for.

Each convention is one class: what the shapes of its parts must be, and its formula.
What is not one of them is refused, never guessed.

============================  ===================================================================
bitsandbytes int8             W = weight * SCB / 127, SCB one number per row (arXiv:2208.07339)
bitsandbytes nf4, fp4         W = quant_map[code] * absmax of its block of the flattened matrix,
                              which may itself be quantised (arXiv:2305.14314)
GPTQ                          W.T = scales[g] * (qweight - qzeros[g] - 1), g the group of the input
                              channel; no 1 in checkpoint_format ``gptq_v2`` (arXiv:2210.17323)
AWQ                           W.T = scales[g] * (qweight - qzeros[g]), nibbles in the order
                              0 2 4 6 1 3 5 7 (arXiv:2306.00978, version ``gemm``)
compressed-tensors, packed    W = scale[g] * (weight_packed - zero_point[g]), codes stored with
                              2^(bits - 1) added
scaled float8 and int8        W = scale * (weight - zero_point), scales of the whole matrix, of a row, of
                              groups in a row or of blocks (compressed-tensors, DeepSeek-V3, FBGEMM)
============================  ===================================================================
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import CheckpointError
from .hostile import count, parse_json_object
from .safetensors_file import FLOAT8, StoredTensor
from .tensor import Chosen, Tensor, how_many

Array = NDArray[Any]
Parts = dict[str, StoredTensor]
"""Stored tensors of one module, by the last part of their names."""

_METHODS = ("gptq", "awq", "bitsandbytes", "compressed-tensors", "fp8", "fbgemm_fp8", "modelopt")
_STATE = "weight.quant_state.bitsandbytes__"
_PARTS = (
    *("weight", "qweight", "qzeros", "scales", "g_idx", "SCB", "weight_format"),
    *("weight_packed", "weight_scale", "weight_scale_inv", "weight_zero_point", "weight_shape", "weight_g_idx"),
    *("weight.absmax", "weight.quant_map", "weight.nested_absmax", "weight.nested_quant_map"),
    *(_STATE + "nf4", _STATE + "fp4"),
)
_FOREIGN = (  # marks of conventions that are known by name and not read
    *(
        "weight_scale_2",
        "weight_global_scale",
        "weight_scales",
        "biases",
        "W_q",
        "codebooks",
        "compressed",
        "bitmask",
    ),
    *("weight._data", "_packed_weight", "B", "s"),
)
_SCALES = {"weight_scale", "weight_scale_inv"}
_ACTIVATIONS = re.compile(r"\.((activation|input|output|[qkv])_(scale|zero_point|scale_ub|global_scale))$")
_LARGEST_STATE = 1 << 16  # bytes of JSON


@dataclass(frozen=True)
class Quantised:
    """One matrix [out, in] that lies in several tensors; [out, in] even where the family stores [in, out]."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """The convention, and bits per number."""
    parts: Parts
    settings: dict[str, Any]
    """``quantization_config`` of ``config.json``."""

    upright = True  # whoever quantises turns matrices that way first

    @property
    def file(self) -> str:
        """Name of the file that holds the codes."""
        return next(iter(self.parts.values())).file

    def read(self, rows: Chosen = None, columns: Chosen = None) -> Array:
        """Some rows, and of them some columns, as float32."""
        whole = slice(None) if rows is None else rows
        found = np.asarray(self.decode(np.arange(self.shape[0], dtype=np.intp)[whole]), np.float32)
        return found if columns is None else found[:, columns]

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows as numbers."""
        raise NotImplementedError

    def stored(self, rows: Chosen = None, columns: Chosen = None) -> int:
        """Bytes of these rows and columns: their share of all parts."""
        chosen = how_many(self.shape, rows, columns)
        return -(-sum(part.stored() for part in self.parts.values()) * chosen // max(1, prod(self.shape)))

    def raw(self) -> Iterator[bytes]:
        """The bytes of every part as stored."""
        for _, part in sorted(self.parts.items()):
            yield from part.raw()

    def refuse(self, found: str, expected: str) -> CheckpointError:
        """What is wrong with a part."""
        return CheckpointError(
            f"{self.name!r:.200} is stored as {self.dtype} with {found:.200}; expected {expected}; "
            "dequantise it with the tool that made it, or obtain it again."
        )

    def check(self, part: str, *shapes: tuple[int, ...], dtypes: tuple[str, ...] = ()) -> None:
        """Refuse a part of another shape or type."""
        found = self.parts[part]
        if found.shape not in shapes or (dtypes and found.dtype not in dtypes):
            raise self.refuse(
                f"{part} of {found.dtype} {found.shape}",
                f"{' or '.join(dtypes) + ' ' if dtypes else ''}{' or '.join(map(str, shapes))}",
            )

    def groups(self, part: str | None, number: int) -> NDArray[np.intp]:
        """Which of ``number`` groups of scales each input channel is in: as a part says, else in equal runs."""
        size = self.shape[1]
        if part is not None and part in self.parts:
            self.check(part, (size,), dtypes=("I32",))
            found = self.parts[part].values(np.dtype("<i4")).astype(np.intp)
            if not (found == -1).all():  # compressed-tensors: no order was kept
                if size and not 0 <= found.min() <= found.max() < number:
                    raise self.refuse(f"group {found.max()} in {part}", f"groups 0 to {number - 1}")
                return found
        run = self.settings.get("group_size")
        run = run if type(run) is int and run > 0 else ceil(size / max(1, number)) or 1  # -1: a single group
        if ceil(size / run) != number:
            raise self.refuse(f"{number} groups of scales", f"{size} input channels in groups of {run}")
        return np.arange(size, dtype=np.intp) // run


class LlmInt8(Quantised):
    """bitsandbytes int8 (LLM.int8)."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the codes."""
        made = cls(name, parts["weight"].shape, "bitsandbytes int8", parts, settings)
        made.check("weight", _matrix(made.shape), dtypes=("I8",))
        made.check("SCB", (made.shape[0],), dtypes=("F32", "F16", "BF16"))
        if (form := parts.get("weight_format")) is not None:
            made.check("weight_format", (), (1,), dtypes=("U8",))
            if int(form.values(np.dtype(np.uint8)).ravel()[0]) != 0:
                raise made.refuse("its rows rearranged for one kind of device", "plain rows (weight_format 0)")
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """By rows."""
        codes = self.parts["weight"].values(np.dtype(np.int8), rows).astype(np.float32)
        return codes * (self.parts["SCB"].read().astype(np.float32)[rows, None] / np.float32(127))


@dataclass(frozen=True)
class Block4(Quantised):
    """bitsandbytes nf4 and fp4: blocks of the flattened matrix, the first number of a pair in the high half."""

    block: int = 64
    nested_block: int = 256
    offset: float = 0.0

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the state, which is JSON."""
        kind = next((kind for kind in ("nf4", "fp4") if _STATE + kind in parts), "4-bit")
        made = cls(name, (0, 0), f"bitsandbytes {kind}", parts, settings)
        state = parts.get(_STATE + kind)
        if state is None or state.dtype != "U8" or len(state.shape) != 1 or state.shape[0] > _LARGEST_STATE:
            raise made.refuse("no quant_state that can be read", "one that says the shape and block size")
        said = parse_json_object(state.values(np.dtype(np.uint8)).tobytes(), f"The quant_state of {name!r:.200}")
        shape, offset = said.get("shape"), said.get("nested_offset", 0.0)
        sizes = [said.get("blocksize"), said.get("nested_blocksize", 256)]
        numbers = [*shape, *sizes] if isinstance(shape, list) and len(shape) == 2 else [None]
        if not all(type(n) is int and 0 < n < 2**31 for n in numbers) or not isinstance(offset, float | int):
            raise made.refuse(f"quant_state {said!r:.120}", "a shape of two counts, and counts of numbers in a block")
        made = replace(made, shape=tuple(shape or ()), block=sizes[0], nested_block=sizes[1], offset=float(offset))
        numbers_in = prod(made.shape)
        codes, blocks = parts["weight"], ceil(numbers_in / made.block)
        if codes.stored() != ceil(numbers_in / 2):
            raise made.refuse(f"{codes.stored()} bytes of codes", f"half a byte for each of {made.shape}")
        nested = "weight.nested_absmax" in parts
        made.check("weight.absmax", (blocks,), dtypes=("U8",) if nested else ("F32",))
        made.check("weight.quant_map", (16,), dtypes=("F32",))
        if nested:
            made.check("weight.nested_absmax", (ceil(blocks / made.nested_block),), dtypes=("F32",))
            if "weight.nested_quant_map" not in parts:
                raise made.refuse("no weight.nested_quant_map", "a table of 256 numbers")
            made.check("weight.nested_quant_map", (256,), dtypes=("F32",))
        flat = replace(codes, dtype="U8", shape=(codes.stored(),))
        return replace(made, parts=parts | {"weight": flat})

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """By runs of rows that follow each other."""
        runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1) if len(rows) else []
        found = [self._run(int(run[0]), int(run[-1]) + 1) for run in runs]
        return np.concatenate(found) if found else np.zeros((0, self.shape[1]), np.float32)

    def _run(self, first: int, last: int) -> Array:
        width = self.shape[1]
        low, high = first * width, last * width
        packed = self.parts["weight"].values(np.dtype(np.uint8), slice(low // 2, ceil(high / 2)))
        codes = np.stack([packed >> 4, packed & 15], axis=1).ravel()[low % 2 :][: high - low]
        table = self.parts["weight.quant_map"].read()
        start, stop = low // self.block, ceil(high / self.block)
        sizes = self._sizes(start, stop)[np.arange(low, high) // self.block - start]
        return (table[codes] * sizes).reshape(last - first, width)

    def _sizes(self, start: int, stop: int) -> Array:
        """The largest absolute number of some blocks."""
        if "weight.nested_absmax" not in self.parts:
            return self.parts["weight.absmax"].read(slice(start, stop))
        codes = self.parts["weight.absmax"].values(np.dtype(np.uint8), slice(start, stop))
        scale = self.parts["weight.nested_absmax"].read()[np.arange(start, stop) // self.nested_block]
        return np.asarray(
            self.parts["weight.nested_quant_map"].read()[codes] * scale + np.float32(self.offset), np.float32
        )


@dataclass(frozen=True)
class Gptq(Quantised):
    """GPTQ: codes packed along the input, zeros along the output."""

    bits: int = 4
    shift: int = 1
    """What is added to a stored zero."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read bits from the settings, else from the number of input channels that have a group."""
        made = cls(name, (0, 0), "GPTQ", parts, settings)
        form = settings.get("checkpoint_format") or "gptq"
        if form not in ("gptq", "gptq_v2"):
            raise made.refuse(f"checkpoint_format {form!r:.60}", "gptq or gptq_v2")
        codes = parts["qweight"]
        words, out = _matrix(codes.shape)
        bits = count(settings, "bits") or 0
        if not bits and "g_idx" in parts:
            bits = 32 * words // max(1, *parts["g_idx"].shape)
        if bits not in (2, 3, 4, 8):
            raise made.refuse(f"{bits or 'an unknown number of'} bits", "2, 3, 4 or 8 bits in quantization_config")
        shift = 1 if form == "gptq" else 0
        made = replace(made, shape=(out, 32 * words // bits), dtype=f"GPTQ {bits}-bit", bits=bits, shift=shift)
        made.check("qweight", (words, out), dtypes=("I32",))
        groups = _matrix(parts["scales"].shape)[0]
        made.check("scales", (groups, out), dtypes=("F16", "BF16", "F32"))
        made.check("qzeros", (groups, ceil(out * bits / 32)), dtypes=("I32",))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """By columns of what is stored."""
        out, size = self.shape
        codes = unpacked(self.parts["qweight"].values(np.dtype("<u4"), None, rows).T, self.bits, size)
        scales = self.parts["scales"].read(None, rows).T.astype(np.float32)
        zeros = unpacked(self.parts["qzeros"].values(np.dtype("<u4")), self.bits, out)[:, rows].T + np.int16(
            self.shift
        )
        group = self.groups("g_idx", scales.shape[1])
        return scales[:, group] * (codes - zeros[:, group])


class Awq(Quantised):
    """AWQ in 4 bits: eight output channels in a word, even ones first."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the codes, which are in the order of the matrix products of version gemm."""
        size, words = _matrix(parts["qweight"].shape)
        made = cls(name, (8 * words, size), "AWQ 4-bit", parts, settings)
        version, bits = settings.get("version") or "gemm", settings.get("bits", 4)
        if str(version).lower() != "gemm" or bits != 4:
            raise made.refuse(f"version {version!r:.60} and {bits!r:.60} bits", "version gemm and 4 bits")
        made.check("qweight", (size, words), dtypes=("I32",))
        groups = _matrix(parts["scales"].shape)[0]
        made.check("scales", (groups, 8 * words), dtypes=("F16", "BF16", "F32"))
        made.check("qzeros", (groups, words), dtypes=("I32",))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """By columns of what is stored."""
        scales = self.parts["scales"].read(None, rows).T.astype(np.float32)
        group = self.groups(None, scales.shape[1])
        return scales[:, group] * (self._codes("qweight", rows) - self._codes("qzeros", rows)[:, group])

    def _codes(self, part: str, rows: NDArray[np.intp]) -> NDArray[np.int16]:
        place = np.array([0, 4, 1, 5, 2, 6, 3, 7], np.uint32)[rows % 8]  # 0 2 4 6 1 3 5 7, the other way round
        words = self.parts[part].values(np.dtype("<u4"), None, rows // 8)
        return ((words >> (4 * place)) & 15).astype(np.int16).T


@dataclass(frozen=True)
class Packed(Quantised):
    """compressed-tensors ``pack-quantized``: codes packed along the input, with half their range added."""

    bits: int = 4

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from where it is stored, and the bits from the shape of the codes."""
        made = cls(name, (0, 0), "compressed-tensors", parts, settings)
        made.check("weight_shape", (2,), dtypes=("I64", "I32"))
        kind = np.dtype("<i8" if parts["weight_shape"].dtype == "I64" else "<i4")
        out, size = (int(n) for n in parts["weight_shape"].values(kind))
        packed = parts["weight_packed"]
        fitting = [bits for bits in (2, 4, 8) if packed.shape == (out, ceil(size * bits / 32))]
        if not fitting or packed.dtype != "I32" or min(out, size) < 1:
            raise made.refuse(
                f"weight_packed of {packed.dtype} {packed.shape} for {(out, size)}", "2, 4 or 8 bits each"
            )
        bits = fitting[-1]
        made = replace(made, shape=(out, size), dtype=f"compressed-tensors {bits}-bit", bits=bits)
        groups = _matrix(parts["weight_scale"].shape)[-1]
        made.check("weight_scale", (out, groups), (1, groups), dtypes=("F16", "BF16", "F32"))
        if "weight_zero_point" in parts:
            dtype = parts["weight_zero_point"].dtype
            shape = (ceil(out * bits / 32), groups) if dtype == "I32" else parts["weight_scale"].shape
            made.check("weight_zero_point", shape, dtypes=("I32", "I8"))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """By rows."""
        half = np.int16(1 << (self.bits - 1))
        codes = unpacked(self.parts["weight_packed"].values(np.dtype("<u4"), rows), self.bits, self.shape[1]) - half
        stored = self.parts["weight_scale"]
        scale = stored.read(rows if stored.shape[0] > 1 else np.zeros_like(rows)).astype(np.float32)
        group = self.groups("weight_g_idx", scale.shape[1])
        return scale[:, group] * (codes - self._zeros(rows, half)[:, group])

    def _zeros(self, rows: NDArray[np.intp], half: np.int16) -> NDArray[np.int16]:
        zero = self.parts.get("weight_zero_point")
        if zero is None:
            return np.zeros((len(rows), self.parts["weight_scale"].shape[1]), np.int16)
        if zero.dtype == "I8":
            found = zero.values(np.dtype(np.int8)).astype(np.int16)
            return found[rows if len(found) > 1 else np.zeros_like(rows)]
        return unpacked(zero.values(np.dtype("<u4")).T, self.bits, self.shape[0]).T[rows] - half


@dataclass(frozen=True)
class Scaled(Quantised):
    """float8 or int8 numbers, each times the scale of its block."""

    scale: str = "weight_scale"
    block: tuple[int, int] = (1, 1)
    """Rows and columns that share a scale."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read what a block is from the settings, else from the shape of the scales."""
        (scale,) = parts.keys() & _SCALES
        weight, scales = parts["weight"], parts[scale].shape
        made = cls(name, weight.shape, f"{weight.dtype} with {scale}", parts, settings, scale)
        made.check("weight", _matrix(made.shape), dtypes=(*FLOAT8, "I8"))
        made.check(scale, scales[:2], dtypes=("F32", "BF16", "F16", "F8_E8M0"))
        block = made._block(scales if len(scales) == 2 else (*scales, 1, 1)[:2], settings)
        if "weight_zero_point" in parts:
            made.check("weight_zero_point", scales, dtypes=("I8", *FLOAT8))
        return replace(made, block=block)

    def _block(self, scales: tuple[int, ...], settings: dict[str, Any]) -> tuple[int, int]:
        said = settings.get("weight_block_size")
        if said is not None and scales != (1, 1):
            if not isinstance(said, list) or len(said) != 2 or not all(type(n) is int and n > 0 for n in said):
                raise self.refuse(f"weight_block_size {said!r:.60}", "two counts")
            if scales == (ceil(self.shape[0] / said[0]), ceil(self.shape[1] / said[1])):
                return said[0], said[1]
        high, low = (size // max(1, n) for size, n in zip(self.shape, scales, strict=True))
        if (high * scales[0], low * scales[1]) != self.shape or scales[0] not in (1, self.shape[0]):
            raise self.refuse(
                f"scales of shape {scales} for {self.shape}",
                "one for all, one for each row or group in a row, or blocks of the weight_block_size in config.json",
            )
        return high, low

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """By rows."""
        weight = self.parts["weight"]
        codes = weight.dtype == "I8"
        numbers = weight.values(np.dtype(np.int8), rows).astype(np.float32) if codes else weight.read(rows)
        if (zero := self.parts.get("weight_zero_point")) is not None:
            stored = zero.values(np.dtype(np.int8)).astype(np.float32) if zero.dtype == "I8" else zero.read()
            numbers = numbers - self._spread(stored, rows)
        return np.asarray(numbers * self._spread(self.parts[self.scale].read(), rows), np.float32)

    def _spread(self, scales: Array, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The scale of every number of some rows."""
        table = scales.astype(np.float32).reshape(scales.shape if scales.ndim == 2 else (-1, 1))
        return table[rows // self.block[0]][:, np.arange(self.shape[1]) // self.block[1]]


def dequantised(found: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors of a checkpoint, each quantised group of them replaced by the matrix it means.

    Parameters
    ----------
    found : tensors by name.
    config : ``config.json``, whose ``quantization_config`` decides what names leave open.

    Raises
    ------
    CheckpointError
        If a convention is not read, or a group of tensors is not what its convention says.
    """
    settings = config.get("quantization_config") or {}
    if not isinstance(settings, dict):
        raise CheckpointError(f"config.json gives quantization_config as {settings!r:.60}; expected an object.")
    method = settings.get("quant_method")
    if settings and method is not None and method not in _METHODS:
        raise CheckpointError(
            f"config.json says the weights are quantised by {method!r:.60}; this version reads "
            f"{', '.join(_METHODS)}; dequantise the model, or remove quantization_config if it is not quantised."
        )
    rest, modules = dict(found), _modules(found)
    for module, parts in modules.items():
        made = _convention(parts, settings)
        if made is not None:
            matrix = made(f"{module}.weight", parts, settings)
            for part in parts:
                del rest[f"{module}.{part}"]
            rest[matrix.name] = matrix
        elif not _plain(parts, settings):
            what = ", ".join(f"{part} {parts[part].dtype} {parts[part].shape}" for part in sorted(parts))
            raise CheckpointError(
                f"{module!r:.200} holds {what:.300}, a way of quantising that is not read (quant_method "
                f"{method!r:.60}); see docs/formats.md for those that are, and dequantise the model with the tool "
                "that made it."
            )
    if len(modules) and (settings or len(rest) != len(found)):
        rest = {name: tensor for name, tensor in rest.items() if not _ACTIVATIONS.search(name)}
    return rest


def unpacked(words: NDArray[np.uint32], bits: int, size: int) -> NDArray[np.int16]:
    """The first ``size`` codes of the last axis of ``words``, which follow each other from the low bits up."""
    position = np.arange(size) * bits
    word, shift = position // 32, (position % 32).astype(np.uint32)
    found = words[..., word] >> shift
    over = shift + bits > 32  # three bits: a code may begin in one word and end in the next
    if over.any():
        found[..., over] |= words[..., word[over] + 1] << (32 - shift[over])
    return (found & ((1 << bits) - 1)).astype(np.int16)


def _modules(found: dict[str, Tensor]) -> dict[str, Parts]:
    """Stored parts by module, of the modules that have more than a weight, or one of eight bits."""
    modules: defaultdict[str, Parts] = defaultdict(dict)
    known = re.compile(
        r"(.+)\.(" + "|".join(map(re.escape, sorted((*_PARTS, *_FOREIGN), key=len, reverse=True))) + ")"
    )
    for name, tensor in found.items():
        if isinstance(tensor, StoredTensor) and (match := known.fullmatch(name)):
            modules[match[1]][match[2]] = tensor
    return {
        module: parts
        for module, parts in modules.items()
        if set(parts) != {"weight"} or parts["weight"].dtype in FLOAT8
    }


Maker = Callable[[str, Parts, dict[str, Any]], Quantised]


def _convention(parts: Parts, settings: dict[str, Any]) -> Maker | None:
    """The convention of a module's parts, None where there is none that is read."""
    method, has = settings.get("quant_method"), parts.keys()
    if has & set(_FOREIGN):
        return None
    if has >= {"qweight", "qzeros", "scales"} and "weight" not in has:
        if method in ("gptq", "awq"):
            return Gptq.of if method == "gptq" else Awq.of
        if method is None:  # a group for each input channel is stored by GPTQ alone
            return Gptq.of if "g_idx" in has else Awq.of if _is_awq(parts) else None
    if has >= {"weight", "SCB"}:
        return LlmInt8.of
    if has >= {"weight", "weight.absmax", "weight.quant_map"}:
        return Block4.of
    if has >= {"weight_packed", "weight_scale", "weight_shape"}:
        return Packed.of
    if "weight" in has and len(has & _SCALES) == 1 and parts["weight"].dtype in (*FLOAT8, "I8"):
        return Scaled.of
    return None


def _plain(parts: Parts, settings: dict[str, Any]) -> bool:
    """Whether the parts mean what they say: floats with no scale beside them, the names of others being by chance."""
    if parts.keys() == {"weight"} and not settings:
        return True  # numbers of eight bits that were never scaled
    floats = all(part.dtype in ("F64", "F32", "F16", "BF16") for part in parts.values())
    return floats and not parts.keys() & _SCALES


def _is_awq(parts: Parts) -> bool:
    """Whether the codes are packed along the output."""
    return _matrix(parts["qweight"].shape)[1] == _matrix(parts["qzeros"].shape)[1]


def _matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    """A shape, if it is that of a matrix; else one that no part has."""
    return (shape[0], shape[1]) if len(shape) == 2 else (-1, -1)
