"""Read one safetensors file: a strict header reader; rows are read on demand.

Format: 8 bytes little-endian header length, a JSON header of name -> dtype, shape, offsets, then data
(https://huggingface.co/docs/safetensors). Nothing is read before the header has been checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from math import prod
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError, UnsupportedError
from ..hostile import LARGEST_HEADER, parse_json_object
from ..places.place import File
from .stand_ins import stand_in
from .tensor import Contents, Indexer, Tensor, how_many, in_blocks
from .wrapper import PARTS, Wrapper, part_name

BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16}
BITS |= {"F4": 4, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "C64": 64}
BITS |= {"I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64}
_READABLE = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
FLOAT8 = {
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}


@dataclass(frozen=True, slots=True)  # a model of many experts has a million of them
class StoredTensor:
    """Location of a tensor: dtype name, shape, and byte offset in the file."""

    source: File
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    whole: Wrapper | None = field(default=None, kw_only=True)
    """What the file says of the tensor that it is a part of."""
    is_out_in = False
    notes = ()

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.source.name

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, in the stored type: a view where the file is mapped.

        Numbers of 8 bits and those of bfloat16 are returned as float32.
        """
        if self.dtype in FLOAT8:
            codes = self.values(np.dtype(np.uint8), rows, columns)
            return np.asarray(_table(self.dtype)[codes], np.float32)
        if self.dtype not in _READABLE:
            raise UnsupportedError(
                f"{self.file} stores {self.name!r:.200} as {self.dtype}, with no scales whose convention is known; "
                f"this version reads {', '.join((*_READABLE, *FLOAT8))} and the conventions in docs/formats.md; "
                "convert the file first."
            )
        found = self.values(np.dtype(_READABLE[self.dtype]), rows, columns)
        return _widened(found) if self.dtype == "BF16" else found

    def values(self, dtype: np.dtype[Any], rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows and columns, read as numbers of a type of the stored size.

        Parameters
        ----------
        dtype : a type of the stored size, little-endian.
        rows : rows to read; None for all.
        columns : columns of these rows; None for all.

        Returns
        -------
        array
            The numbers, read-only where the file is mapped.
        """
        length = prod(self.shape[1:])
        width = length * dtype.itemsize
        size = self.shape[0] if self.shape else 1
        if isinstance(rows, np.ndarray) and len(rows) and (np.diff(rows) == 1).all():
            rows = slice(int(rows[0]), int(rows[-1]) + 1)
        if rows is None or isinstance(rows, slice):
            start, stop, step = (rows or slice(None)).indices(size)
            (data,) = self.source.read([(self.offset + start * width, self.offset + max(start, stop) * width)])
            whole = (max(start, stop) - start, *self.shape[1:])
            found = data.view(dtype).reshape(whole)[::step] if self.shape else data.view(dtype)[0]
        else:
            places = [self.offset + int(row) * width for row in rows]
            parts = self.source.read([(place, place + width) for place in places])
            found = (
                np.stack([part.view(dtype).reshape(self.shape[1:]) for part in parts])
                if parts
                else (np.zeros((0, *self.shape[1:]), dtype))
            )
        return found if columns is None else found[:, columns]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns."""
        return how_many(self.shape, rows, columns) * self.bits // 8

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored, in blocks."""
        yield from in_blocks(self.source, self.offset, self.offset + self.nbytes())

    def entry(self, index: int) -> StoredTensor:
        """The part at an index of the first axis."""
        part = replace(self, shape=self.shape[1:])
        return replace(part, offset=self.offset + index * part.nbytes())

    def viewed(self, dtype: str, shape: tuple[int, ...]) -> StoredTensor:
        """The same bytes as numbers of another type, in another shape of as many bytes."""
        return replace(self, dtype=dtype, shape=shape)

    @property
    def bits(self) -> int:
        """Bits of a number."""
        return BITS[self.dtype]


def _widened(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The numbers of bfloat16 with these codes: the upper halves of float32."""
    return np.left_shift(codes, 16, dtype=np.uint32).view(np.float32)


def numpy_type(name: str) -> np.dtype[Any]:
    """A numpy type by name, of which ``ml_dtypes`` adds some; reports and fingerprints need none of those."""
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return found


@cache
def _table(dtype: str) -> NDArray[np.float32]:
    """The value of each of the 256 codes: a table is much faster than a conversion."""
    return np.arange(256, dtype=np.uint8).view(numpy_type(FLOAT8[dtype])).astype(np.float32)


def contents(file: File) -> Contents:
    """The tensors of a file by name, from its header alone.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is truncated, or its header is not a valid safetensors header.
    """
    header, start, size = _header(file)
    metadata = header.pop("__metadata__", None)
    found = {name: _tensor(file, name, header.pop(name), start) for name in [*header]}  # one of the two at a time
    end = start
    for tensor in sorted(found.values(), key=lambda t: (t.offset, prod(t.shape))):
        if tensor.offset != end:
            raise DamagedError(
                f"{file.name} has a gap or overlap before tensor {tensor.name!r:.200} (at byte {tensor.offset}, "
                f"expected {end}); obtain the file again."
            )
        end += prod(tensor.shape) * BITS[tensor.dtype] // 8
    if end != size:
        what = "truncated" if size < end else "longer than its header says"
        raise DamagedError(f"{file.name} is {what} ({size} bytes, expected {end}); obtain the file again.")
    return Contents(dict[str, Tensor](found | _of_wrappers(file, metadata, found)))


def _of_wrappers(file: File, metadata: Any, found: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The parts of tensors of a class of their own, with what the metadata says of them, in JSON by name."""
    parts: dict[str, StoredTensor] = {}
    for whole, text in metadata.items() if isinstance(metadata, dict) else ():
        names = [name for part in PARTS if (name := part_name(whole, part)) in found]
        if names and isinstance(text, str):
            said = parse_json_object(text.encode(), f"What {file.name} says of {whole!r:.200}")
            attributes = said.get("_data")
            items = attributes.items() if isinstance(attributes, dict) else ()
            plain = {key: _type_or_value(value) for key, value in items}
            codes = found.get(part_name(whole, "qdata"))
            wrapper = Wrapper.of(str(said.get("_type")), plain, codes.shape if codes else ())
            parts |= {name: replace(found[name], whole=wrapper) for name in names}
    return parts


def _type_or_value(value: Any) -> Any:
    """A type by its name; any other value as it is."""
    return value.get("_data") if isinstance(value, dict) and value.get("_type") == "torch.dtype" else value


def _header(file: File) -> tuple[dict[str, Any], int, int]:
    size = file.size
    length = int.from_bytes(file.read([(0, 8)])[0].tobytes(), "little") if size >= 8 else 0
    if size < 8 or not 0 < length <= min(size - 8, LARGEST_HEADER):
        raise stand_in(file) or DamagedError(
            f"{file.name} is not a safetensors file or is truncated ({size} bytes, header of {length}); "
            "obtain the file again."
        )
    text = file.read([(8, 8 + length)])[0].tobytes()
    return parse_json_object(text, f"The header of {file.name}"), 8 + length, size


def _tensor(file: File, name: str, entry: Any, start: int) -> StoredTensor:
    if not name.isprintable():
        raise DamagedError(f"{file.name} has a tensor named {name!r:.200}; expected printable characters.")
    try:
        dtype, shape, (low, high) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        counts = (*shape, low, high)
        valid = dtype in BITS and isinstance(entry["shape"], list) and len(shape) <= 8
        valid = valid and all(type(n) is int and 0 <= n < 2**48 for n in counts)
        valid = valid and (high - low) * 8 == prod(shape) * BITS[dtype]
    except (KeyError, TypeError, ValueError):
        valid = False
    if not valid:
        raise DamagedError(
            f"{file.name} describes tensor {name!r:.200} as {entry!r:.120}; expected a known dtype, a shape and "
            "byte offsets that agree."
        )
    return StoredTensor(file, name, intern(dtype), _one(*shape), start + low)


@lru_cache(maxsize=1 << 12)
def _one(*shape: int) -> tuple[int, ...]:
    """One object for all equal shapes."""
    return shape
