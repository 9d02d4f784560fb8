"""Read one ONNX file: locations of its initialisers, and its nodes; nothing is ever run.

The message is parsed field by field (https://protobuf.dev/programming-guides/encoding), so that weights are read by
ranges and never as one message; the ``onnx`` package parses the small parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import CheckpointError, DamagedError, HostileError, UnsupportedError
from ..places.place import File, Range, Storage
from .onnx_tensors import Packed, packed
from .safetensors_file import StoredTensor
from .stand_ins import stand_in

_LARGEST = 1 << 31  # bytes, the limit of a protobuf message
_SMALL = 1 << 24  # bytes of a message that is parsed at once
_WINDOW = 1 << 16  # bytes read ahead while parsing
_MOST = 1 << 20  # nodes or initialisers allowed
_TYPES = {1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64"}
_TYPES |= {12: "U32", 13: "U64", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ"}
_PACKED = {21: (4, False), 22: (4, True), 25: (2, False), 26: (2, True)}
"""Bits and sign of types of which several lie in a byte."""
_BYTES = {"F32": 4, "I32": 4, "U32": 4, "F64": 8, "I64": 8, "U64": 8, "U16": 2, "I16": 2, "F16": 2, "BF16": 2}


Initialiser = StoredTensor | Packed
"""Location of an initialiser."""


def parse(file: File, place: Storage) -> tuple[dict[str, Initialiser], list[Any], dict[str, File]]:
    """Initialisers and nodes of the graph, and the files that hold data beside it.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged, or keeps data outside its folder.
    """
    onnx = _package()
    if (wrong := stand_in(file)) is not None:
        raise wrong
    if file.size >= _LARGEST:
        raise HostileError(f"{file.name} has {file.size} bytes; expected an ONNX file below {_LARGEST}.")
    walk, initialisers, nodes = _Walk(file), dict[str, Initialiser](), list[Any]()
    beside: dict[str, File] = {}
    graphs = [(start, stop) for number, start, stop in walk.fields(0, file.size) if number == 7]
    for start, stop in graphs[-1:]:
        for number, low, high in walk.fields(start, stop):
            if number == 1:
                node = _message(file, onnx.NodeProto, walk.bytes(low, high))
                texts = (node.name, node.op_type, *node.input, *node.output, *(m.value for m in node.metadata_props))
                if not all(isinstance(text, str) for text in texts):  # bytes if they are not UTF-8
                    raise DamagedError(f"{file.name} has a node with names that are not UTF-8; obtain it again.")
                nodes.append(node)
            elif number == 5:
                tensor = _initialiser(file, place, onnx, walk, low, high, beside)
                if tensor is not None:
                    if tensor.name in initialisers:
                        raise DamagedError(f"{file.name} holds {tensor.name!r:.200} twice; obtain it again.")
                    initialisers[tensor.name] = tensor
            if max(len(nodes), len(initialisers)) > _MOST:
                raise HostileError(f"{file.name} has more than {_MOST} nodes or tensors; obtain the file again.")
    if not initialisers:
        raise DamagedError(f"{file.name} holds no ONNX graph with weights; give another file.")
    return initialisers, nodes, beside


def _package() -> Any:
    try:
        import onnx
        import onnx.numpy_helper
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            'ONNX files are taken apart by the onnx package, which is missing; pip install "verify-lineage[onnx]".'
        ) from error
    return onnx


@dataclass(eq=False)
class _Held:
    """The numbers of a tensor that were listed one by one in the message, as a file."""

    name: str
    data: NDArray[np.uint8]
    size: int

    def read(self, ranges: Sequence[Range]) -> list[NDArray[np.uint8]]:
        """Bytes of each range."""
        return [self.data[start:stop] for start, stop in ranges]

    def sha256(self, *, read: bool) -> str | None:  # noqa: ARG002
        """None, since it is part of a file that has one."""
        return None

    def evict(self) -> None:
        """Nothing is kept."""


def _initialiser(
    file: File, place: Storage, onnx: Any, walk: _Walk, start: int, stop: int, beside: dict[str, File]
) -> Initialiser | None:
    """Location of an initialiser; None if its type is not one of weights."""
    rest, raw = [], None
    at = start
    for number, low, high in walk.fields(start, stop):
        if number == 9:
            raw = (low, high)
        else:
            rest.append((at, high))
        at = high
    if sum(high - low for low, high in rest) > _SMALL:
        raise UnsupportedError(
            f"{file.name} spells out an initialiser of over {_SMALL} bytes number by number; save it with raw data."
        )
    said = _message(file, onnx.TensorProto, b"".join(walk.bytes(low, high) for low, high in rest))
    name, shape, dtype = str(said.name), tuple(said.dims), _TYPES.get(said.data_type)
    bits, signed = _PACKED.get(said.data_type, (0, False))
    rows_of_bytes = len(shape) == 2 and bits and shape[1] * bits % 8 == 0
    if dtype is None and not rows_of_bytes:
        return None
    dtype = dtype or "U8"
    if not name.isprintable() or len(shape) > 8 or not all(0 <= n < 2**48 for n in shape):
        raise DamagedError(
            f"{file.name} has a tensor {name!r:.200} of shape {shape!r:.60}; expected printable characters and sizes."
        )
    whole = (shape[0], shape[1] * bits // 8) if bits else shape
    size = prod(whole) * _BYTES.get(dtype, 1)
    source: File = file
    if said.data_location == onnx.TensorProto.EXTERNAL:
        source, raw = _external(file, place, said, size, beside)
    elif raw is None:
        try:
            listed = np.ascontiguousarray(onnx.numpy_helper.to_array(said)).reshape(-1)
            data = packed(listed.astype(np.int8), bits) if bits else listed.view(np.uint8)
        except (ValueError, TypeError, KeyError, OverflowError, IndexError):
            data = np.zeros(0, np.uint8)
        source, raw = _Held(file.name, data, len(data)), (0, len(data))
    if raw[1] - raw[0] != size:
        raise DamagedError(
            f"{file.name} describes {name!r:.200} as {dtype} {shape}, but holds {raw[1] - raw[0]} bytes of it, "
            f"expected {size}; obtain the file again."
        )
    stored = StoredTensor(source, name, dtype, whole, raw[0])
    return Packed(stored, shape, bits, signed) if bits else stored


def _external(file: File, place: Storage, said: Any, size: int, beside: dict[str, File]) -> tuple[File, Range]:
    """The separate file that holds a tensor, and the range in it."""
    entries = {str(entry.key): str(entry.value) for entry in said.external_data}
    name = entries.get("location", "")
    inside = name in (PurePosixPath(name).name, f"./{PurePosixPath(name).name}")
    name = PurePosixPath(name).name
    if not inside or not name or name == ".." or PureWindowsPath(name).name != name or not name.isprintable():
        raise HostileError(
            f"{file.name} keeps {said.name!r:.200} in {entries.get('location')!r:.120}; expected a file beside it."
        )
    numbers = [entries.get("offset", "0"), entries.get("length", str(size))]
    if not all(re.fullmatch(r"[0-9]{1,15}", text) for text in numbers):
        raise DamagedError(f"{file.name} keeps {said.name!r:.200} at {numbers!r:.120}; expected counts of bytes.")
    if name not in beside:
        if name not in place.list_files():
            raise DamagedError(f"{file.name} keeps {said.name!r:.200} in {name!r:.120}, which is missing; add it.")
        beside[name] = place.file(name)
    start, length = map(int, numbers)
    if start + length > beside[name].size:
        raise DamagedError(
            f"{name!r:.120} is truncated: {file.name} expects {start + length} bytes; obtain it again."
        )
    return beside[name], (start, start + length)


def _message(file: File, kind: Any, data: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(data)
    except (DecodeError, RecursionError) as error:
        raise DamagedError(f"{file.name} is not an ONNX file or is damaged; obtain it again.") from error


class _Walk:
    """Fields of a protobuf message, one level at a time, without reading what they hold."""

    def __init__(self, file: File) -> None:
        self.file = file
        self._start, self._held = 0, b""

    def bytes(self, start: int, stop: int) -> bytes:
        """Bytes of a field of bounded size."""
        if stop - start > _SMALL:
            raise self._damaged(start)
        if start < self._start or stop > self._start + len(self._held):
            self._start = start
            end = min(self.file.size, max(stop, start + _WINDOW))
            self._held = self.file.read([(start, end)])[0].tobytes()
        return self._held[start - self._start : stop - self._start]

    def fields(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Number, first byte and end of each field in a range; for a varint, of its encoding."""
        while start < stop:
            key, start = self._varint(start, stop)
            kind = key & 7
            if kind == 0:
                _, end = self._varint(start, stop)
            elif kind in (1, 5):
                end = start + (8 if kind == 1 else 4)
            elif kind == 2:
                size, start = self._varint(start, stop)
                end = start + size
            else:
                raise self._damaged(start)
            if end > stop:
                raise self._damaged(start)
            yield key >> 3, start, end
            start = end

    def _varint(self, start: int, stop: int) -> tuple[int, int]:
        value = 0
        for n, byte in enumerate(self.bytes(start, min(stop, start + 10))):
            value |= (byte & 127) << (7 * n)
            if byte < 128:
                return value, start + n + 1
        raise self._damaged(start)

    def _damaged(self, at: int) -> CheckpointError:
        return DamagedError(
            f"{self.file.name} is not an ONNX file or is damaged (at byte {at} of {self.file.size}); obtain it again."
        )
