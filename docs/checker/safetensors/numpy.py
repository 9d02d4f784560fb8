"""Read and write arrays in the safetensors format: 8 bytes of length, a JSON header, and the data, without holes.

https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from . import SafetensorError

_LARGEST_HEADER = 100_000_000
_TYPES = {"BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "F16": "<f2", "I32": "<i4", "U32": "<u4"}
_TYPES |= {"F32": "<f4", "C64": "<c8", "F64": "<f8", "I64": "<i8", "U64": "<u8"}
"""In the order of the package, which writes the last first."""
_NAMES = {np.dtype(kind): name for name, kind in _TYPES.items()}
_PLACES = {name: place for place, name in enumerate(_TYPES)}


def load(data: bytes) -> dict[str, Any]:
    """The arrays in a file's bytes, by name."""
    length = int.from_bytes(data[:8], "little") if len(data) >= 8 else _LARGEST_HEADER + 1
    if length > min(_LARGEST_HEADER, len(data) - 8):
        raise SafetensorError("Error while deserializing: the header is too long")
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"))
        header.pop("__metadata__", None)
        entries = sorted((_entry(name, **entry) for name, entry in header.items()), key=lambda entry: entry[3:])
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise SafetensorError("Error while deserializing: the header is not valid") from error
    start, end = 8 + length, 0
    for name, kind, shape, low, high in entries:
        if low != end or (high - low) != prod(shape) * kind.itemsize:
            raise SafetensorError(f"Error while deserializing: the data of {name!r:.80} are not where they should be")
        end = high
    if start + end != len(data):
        raise SafetensorError("Error while deserializing: the header does not cover the file")
    return {
        name: np.frombuffer(data[start + low : start + high], kind).reshape(shape)
        for name, kind, shape, low, high in entries
    }


def load_file(path: str | Path) -> dict[str, Any]:
    """The arrays of a file, by name."""
    return load(Path(path).read_bytes())


def save(tensors: dict[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of a file."""
    order = sorted(tensors, key=lambda name: (-_PLACES[_NAMES[tensors[name].dtype]], name.encode()))
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    end = 0
    for name in order:
        array = tensors[name]
        offsets = [end, end + array.nbytes]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": [*array.shape], "data_offsets": offsets}
        end += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(tensors[name].tobytes() for name in order)


def _entry(name: str, dtype: str, shape: list[int], data_offsets: list[int]) -> tuple[str, Any, list[int], int, int]:
    low, high = data_offsets
    if not all(type(n) is int and 0 <= n < 1 << 48 for n in (*shape, low, high)):
        raise ValueError(name)
    return name, np.dtype(_TYPES[dtype]), shape, low, high
