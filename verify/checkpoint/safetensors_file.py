"""One safetensors file: a strict header reader, and rows decoded to float32 as they are asked for.

Format: 8 bytes little-endian header length, a JSON header of name -> dtype, shape, offsets, then data
(https://huggingface.co/docs/safetensors). Nothing is read before the header has been checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..base import CheckpointError
from .hostile import parse_json_object

_LARGEST_HEADER = 100_000_000  # bytes, the format's own limit
_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16}
_BITS |= {"F4": 4, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "C64": 64}
_BITS |= {"I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64}
_READABLE: dict[str, DTypeLike] = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": ml_dtypes.bfloat16}


@dataclass(frozen=True)
class Tensor:
    """Where a tensor lies: dtype name, shape, and byte offset in the file."""

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def map(self) -> NDArray[Any]:
        """The tensor as a read-only memory map in its stored dtype.

        Raises
        ------
        CheckpointError
            If the dtype cannot be read, or the file changed since it was opened.
        """
        if self.dtype not in _READABLE:
            raise CheckpointError(
                f"{self.file.name} stores {self.name!r:.200} as {self.dtype}; "
                f"this version reads {', '.join(_READABLE)}; convert the file first."
            )
        return self.bytes().view(np.dtype(_READABLE[self.dtype])).reshape(self.shape)

    def bytes(self) -> NDArray[np.uint8]:
        """The tensor's bytes as a read-only memory map, whatever its dtype.

        Raises
        ------
        CheckpointError
            If the file changed since it was opened.
        """
        size = prod(self.shape) * _BITS[self.dtype] // 8
        if size == 0:
            return np.zeros(0, np.uint8)
        try:
            return np.asarray(np.memmap(self.file, np.uint8, "r", self.offset, (size,)))
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.file.name} changed while it was read; start again.") from error


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, from its header alone.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is truncated, or its header is not a valid safetensors header.
    """
    header, start, size = _header(path)
    found = {name: _tensor(path, name, entry, start) for name, entry in header.items() if name != "__metadata__"}
    end = start
    for tensor in sorted(found.values(), key=lambda t: (t.offset, prod(t.shape))):
        if tensor.offset != end:
            raise CheckpointError(
                f"{path.name} has a gap or overlap before tensor {tensor.name!r:.200} (at byte {tensor.offset}, "
                f"expected {end}); obtain the file again."
            )
        end += prod(tensor.shape) * _BITS[tensor.dtype] // 8
    if end != size:
        what = "truncated" if size < end else "longer than its header says"
        raise CheckpointError(f"{path.name} is {what} ({size} bytes, expected {end}); obtain the file again.")
    return found


def _header(path: Path) -> tuple[dict[str, Any], int, int]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _LARGEST_HEADER):
                raise CheckpointError(
                    f"{path.name} is not a safetensors file or is truncated ({size} bytes, header of {length}); "
                    "obtain the file again."
                )
            text = file.read(length)
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read ({error.strerror}); check the file.") from error
    return parse_json_object(text, f"The header of {path.name}"), 8 + length, size


def _tensor(path: Path, name: str, entry: Any, start: int) -> Tensor:
    if not name.isprintable():
        raise CheckpointError(f"{path.name} has a tensor named {name!r:.200}; expected printable characters.")
    try:
        dtype, shape, (low, high) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        counts = (*shape, low, high)
        valid = dtype in _BITS and isinstance(entry["shape"], list) and len(shape) <= 8
        valid = valid and all(type(n) is int and 0 <= n < 2**48 for n in counts)
        valid = valid and (high - low) * 8 == prod(shape) * _BITS[dtype]
    except (KeyError, TypeError, ValueError):
        valid = False
    if not valid:
        raise CheckpointError(
            f"{path.name} describes tensor {name!r:.200} as {entry!r:.120}; expected a known dtype, a shape and "
            "byte offsets that agree."
        )
    return Tensor(path, name, dtype, shape, start + low)
