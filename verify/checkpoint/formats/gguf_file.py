"""Read one GGUF file: a strict header reader; quantised blocks are decoded by rows on demand.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Blocks are decoded by the ``gguf`` package; its
reader maps whole local files and trusts their counts, so the header is read here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError, UnsupportedError
from ..places.place import File
from .safetensors_file import numpy_type
from .stand_ins import stand_in
from .tensor import Indexer, how_many, in_blocks

_LARGEST_HEADER = 1 << 28  # bytes; the largest published ones, with long vocabularies, have about 20 MB
_FIRST = 1 << 20  # bytes of the header read first
_KEPT = 4096  # numbers of an array; longer ones belong to tokenizers
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_PLAIN = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16"}
TOKENS = "tokenizer.ggml.tokens"


@dataclass(frozen=True, eq=False)
class GgufTensor:
    """Location of a tensor, and how its stored rows map to those of the original model."""

    source: File
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    """Offset of its first byte in the file."""
    block: tuple[int, int]
    """Numbers in a block, and bytes of a block."""
    order: NDArray[np.intp] | None = None
    """Stored row of each row; None if they are the same."""
    undone: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None
    """What turns stored numbers into those of the original model, one by one; None if they are the same."""
    factors: NDArray[np.float32] | None = None
    """Number that each matrix of a stack, or the only one, is multiplied by."""
    endian: Literal["<", ">"] = "<"
    """Order of the bytes of a number, least or most significant first."""

    is_out_in = True
    notes = ()

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.source.name

    @property
    def row(self) -> int:
        """Bytes of a row; of a vector, all bytes."""
        return prod(self.shape[1:] if len(self.shape) > 1 else self.shape) // self.block[0] * self.block[1]

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.shape) // self.block[0] * self.block[1]

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as float32, or in the stored type if that is a floating type."""
        vector = len(self.shape) == 1
        data = self._rows(None if vector else rows)
        found = self._numbers(data).reshape(-1, *self.shape[1:])
        if vector:
            found = found if self.order is None else found[self.order]
            found = found if rows is None else found[rows]
        with np.errstate(all="ignore"):  # a stranger's numbers
            if self.factors is not None:
                chosen = self.factors if rows is None or len(self.shape) < 3 else self.factors[rows]
                found = found.astype(np.float32) * chosen.reshape(-1, *(1,) * (found.ndim - 1))
            if self.undone is not None:
                found = self.undone(found.astype(np.float32))
        return found if columns is None else found[:, columns]

    def _rows(self, rows: Indexer) -> NDArray[np.uint8]:
        """The bytes of some rows, shape [rows, bytes]; a view if they are consecutive in a mapped file."""
        if len(self.shape) == 1:
            return self.source.read([(self.offset, self.offset + self.row)])[0][None]
        if self.order is None and (rows is None or isinstance(rows, slice)):
            start, stop, step = (rows or slice(None)).indices(self.shape[0])
            (data,) = self.source.read([(self.offset + start * self.row, self.offset + max(start, stop) * self.row)])
            return data.reshape(-1, self.row)[::step]
        order = np.arange(self.shape[0], dtype=np.intp) if self.order is None else self.order
        places, back = np.unique(order if rows is None else order[rows], return_inverse=True)
        starts = [self.offset + int(place) * self.row for place in places]
        parts = self.source.read([(start, start + self.row) for start in starts])
        return np.stack(parts)[back] if parts else np.zeros((0, self.row), np.uint8)

    def _numbers(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        if self.dtype in _PLAIN:
            kind = numpy_type(_PLAIN[self.dtype])
            if self.endian == ">":
                data = data.reshape(-1, kind.itemsize)[:, ::-1].reshape(data.shape)
            return np.ascontiguousarray(data).view(kind)
        gguf = package()
        try:
            with np.errstate(all="ignore"):  # infinite scales: counted as non-finite
                return np.asarray(
                    gguf.quants.dequantize(np.ascontiguousarray(data), gguf.GGMLQuantizationType[self.dtype])
                )
        except NotImplementedError:
            raise UnsupportedError(
                f"{self.file} stores {self.name!r:.200} as {self.dtype}, which the gguf package does not decode; "
                "convert the file to another type, such as Q8_0."
            ) from None

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns, as their share of the blocks."""
        return -(-how_many(self.shape, rows, columns) * self.block[1] // self.block[0])

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored, in blocks."""
        yield from in_blocks(self.source, self.offset, self.offset + self.size)


def parse(file: File, keep: tuple[str, ...] = (TOKENS,)) -> tuple[dict[str, GgufTensor], dict[str, Any]]:
    """The tensors of a file by name, and its metadata; of arrays of strings, only those in ``keep``.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is truncated, or its header is not a valid GGUF header.
    """
    package()
    header = _Header(file)
    if file.size < 8 or header.take(4) != b"GGUF":
        magic = file.read([(0, min(4, file.size))])[0].tobytes()
        raise stand_in(file) or DamagedError(
            f"{file.name} begins with {magic!r}; expected a GGUF file, which begins with 'GGUF'; obtain it again."
        )
    version = header.version()
    if version not in (2, 3):
        raise UnsupportedError(
            f"{file.name} is of version {version}; expected a GGUF file of version 2 or 3; obtain the file again."
        )
    tensors, entries = header.number("Q"), header.number("Q")
    said: dict[str, Any] = {}
    for _ in range(entries):
        key = header.text()
        if key in said:
            raise DamagedError(f"{file.name} says {key!r:.200} twice; obtain the file again.")
        said[key] = header.value(header.number("I"), key in keep)
    infos = [_info(header) for _ in range(tensors)]
    alignment = said.get("general.alignment", 32)
    if type(alignment) is not int or not 8 <= alignment <= 1 << 20 or alignment % 8:
        raise DamagedError(f"{file.name} is aligned to {alignment!r:.60} bytes; expected a multiple of 8.")
    placed = _placed(file, infos, _aligned(header.at, alignment), alignment)
    if header.endian == ">":
        placed = {name: _swapped(tensor) for name, tensor in placed.items()}
    return placed, said


def package() -> Any:
    """The ``gguf`` package, which decodes blocks."""
    try:
        import gguf
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            'GGUF files are decoded by the gguf package, which is missing; pip install "verify-lineage[gguf]".'
        ) from error
    return gguf


Info = tuple[str, tuple[int, ...], int, int]
"""Name, shape (rows first), type and offset of a tensor."""


def _info(header: _Header) -> Info:
    name, axes = header.text(), header.number("I")
    if not name.isprintable() or not 1 <= axes <= 4:
        raise DamagedError(
            f"{header.file.name} has a tensor named {name!r:.200} of {axes} axes; expected printable characters "
            "and 1 to 4 axes."
        )
    shape = tuple(header.number("Q") for _ in range(axes))[::-1]
    return name, shape, header.number("I"), header.number("Q")


def _swapped(tensor: GgufTensor) -> GgufTensor:
    """A tensor of a big-endian file."""
    if tensor.dtype not in _PLAIN:
        raise UnsupportedError(
            f"{tensor.file} is big-endian and stores {tensor.name!r:.200} as {tensor.dtype}, whose blocks the gguf "
            "package decodes in little-endian order only; turn the file around with its gguf-convert-endian."
        )
    return replace(tensor, endian=">")


def _placed(file: File, infos: list[Info], start: int, alignment: int) -> dict[str, GgufTensor]:
    """The tensors, checked to be consecutive but for alignment, as the format requires."""
    gguf = package()
    names = {int(kind): kind.name for kind in gguf.GGMLQuantizationType}
    found: dict[str, GgufTensor] = {}
    expected = 0
    for name, shape, kind, offset in infos:
        if kind not in names:
            raise UnsupportedError(
                f"{file.name} stores {name!r:.200} as type {kind}, which the installed gguf package is too old to "
                "know; update that package, or convert the file to another type, such as Q8_0."
            )
        block = gguf.GGML_QUANT_SIZES[kind]
        valid = name not in found and offset == expected and all(0 < n < 2**48 for n in shape)
        if not valid or prod(shape) >= 2**56 or shape[-1] % block[0]:
            raise DamagedError(
                f"{file.name} describes tensor {name!r:.200} as type {names[kind]} of shape {shape} at "
                f"byte {offset}; expected a known type, whole blocks in a row, and byte {expected}; obtain it again."
            )
        tensor = GgufTensor(file, name, names[kind], shape, start + offset, block)
        found[name], expected = tensor, _aligned(offset + tensor.size, alignment)
        if tensor.offset + tensor.size > file.size:
            raise DamagedError(
                f"{file.name} is truncated: tensor {name!r:.200} ends at byte {tensor.offset + tensor.size} of "
                f"{file.size}; obtain the file again."
            )
    return found


def _aligned(place: int, alignment: int) -> int:
    return -(-place // alignment) * alignment


class _Header:
    """Reads the header from the start of a file, on demand, up to the largest header allowed."""

    def __init__(self, file: File) -> None:
        self.file, self.at = file, 0
        self.endian: Literal["<", ">"] = "<"
        self._end = min(file.size, _LARGEST_HEADER)
        self._held = b""

    def take(self, size: int) -> bytes:
        """The next bytes."""
        stop = self.at + size
        if stop > self._end:
            raise DamagedError(
                f"{self.file.name} is not a GGUF file or is truncated ({self.file.size} bytes, of which the header "
                f"asks for {stop}); obtain the file again."
            )
        if stop > len(self._held):
            more = min(self._end, max(stop, 2 * len(self._held), _FIRST))
            self._held += self.file.read([(len(self._held), more)])[0].tobytes()
        self.at = stop
        return self._held[stop - size : stop]

    def version(self) -> int:
        """The version of the format, which is small, and so tells the order of bytes of all that follows."""
        (little,) = struct.unpack("<I", self.take(4))
        self.endian = "<" if little & 0xFFFF else ">"
        return little if self.endian == "<" else int.from_bytes(little.to_bytes(4, "little"), "big")

    def number(self, form: str) -> Any:
        """The next number."""
        return struct.unpack(self.endian + form, self.take(struct.calcsize("=" + form)))[0]

    def text(self) -> str:
        """The next string; bytes that are not UTF-8 are mapped one-to-one."""
        return self.take(self.number("Q")).decode("utf-8", "surrogateescape")

    def value(self, kind: int, keep: bool) -> Any:
        """The next value; None for a long array, unless ``keep``."""
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            raise DamagedError(f"{self.file.name} has a value of type {kind}; expected 0 to 12; obtain it again.")
        kind, size = self.number("I"), self.number("Q")
        if kind == _STRING:
            if keep:
                return [self.text() for _ in range(size)]
            for _ in range(size):
                self.take(self.number("Q"))
            return None
        if kind not in _SCALARS:
            raise DamagedError(f"{self.file.name} has an array of type {kind}; expected numbers or strings.")
        form = self.endian + _SCALARS[kind]
        data = self.take(size * struct.calcsize(form))
        return [item[0] for item in struct.iter_unpack(form, data)] if size <= _KEPT else None
