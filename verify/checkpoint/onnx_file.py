"""One ONNX file: its initialisers, named after the modules that use them; nothing is ever run.

Weights keep their names where the exporter kept them. It does not where it transposed or quantised them, so the
graph is followed: a matrix belongs to the module whose bias is added to its product, or in whose scope the product
is. Which way round a matrix lies is also what the graph says. The message is walked field by field
(https://protobuf.dev/programming-guides/encoding), so that weights are read by ranges and never as one message;
the ``onnx`` package takes apart what is small.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import CheckpointError
from .families import FAMILIES
from .place import File, Place, Range
from .safetensors_file import StoredTensor
from .tensor import Chosen, Contents, Tensor

_LARGEST = 1 << 31  # bytes, what a protobuf message may have
_SMALL = 1 << 24  # bytes of a message that is taken apart at once
_WINDOW = 1 << 16  # bytes read ahead while walking
_MOST = 1 << 20  # nodes or initialisers
_TYPES = {1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64"}
_TYPES |= {12: "U32", 13: "U64", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ"}
_BYTES = {"F32": 4, "I32": 4, "U32": 4, "F64": 8, "I64": 8, "U64": 8, "U16": 2, "I16": 2, "F16": 2, "BF16": 2}
_CODES = {"I8": "<i1", "U8": "<u1", "I32": "<i4"}
_PRODUCTS = {"MatMul": 1, "Gemm": 1, "MatMulInteger": 1, "MatMulIntegerToFloat": 1, "DynamicQuantizeMatMul": 1}
_PRODUCTS |= {"QLinearMatMul": 3}
_KEPT = {  # modules that some family's names do not do without
    prefix.split(".")[-2] for family in FAMILIES if "" not in family.prefixes for prefix in family.prefixes
}
_FUSED = ("Attention", "QAttention", "MatMulNBits", "MatMulBnb4", "QGemm")


@dataclass(frozen=True)
class Linear:
    """A matrix [out, in], or a vector, under the name that the original gives it."""

    tensor: Tensor
    name: str
    turned: bool
    """Whether it is stored [in, out]."""

    upright = True

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.tensor.file

    @property
    def dtype(self) -> str:
        """As stored."""
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        return self.tensor.shape[::-1] if self.turned else self.tensor.shape

    def read(self, rows: Chosen = None, columns: Chosen = None) -> NDArray[Any]:
        """Some rows, and of them some columns."""
        return self.tensor.read(columns, rows).T if self.turned else self.tensor.read(rows, columns)

    def stored(self, rows: Chosen = None, columns: Chosen = None) -> int:
        """Bytes of these rows and columns."""
        return self.tensor.stored(columns, rows) if self.turned else self.tensor.stored(rows, columns)

    def raw(self) -> Iterator[bytes]:
        """The bytes as stored, in blocks."""
        return self.tensor.raw()


@dataclass(frozen=True, eq=False)
class Affine:
    """Integers with a scale and a zero for all, for each row or for each column: scale * (code - zero)."""

    codes: StoredTensor
    name: str
    scale: NDArray[np.float32]
    """Of shape [rows or 1, columns or 1], or of a vector [size or 1]."""
    zero: NDArray[np.float32]

    upright = False

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.codes.file

    @property
    def dtype(self) -> str:
        """Of the codes."""
        return f"{self.codes.dtype} with scale"

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        return self.codes.shape

    def read(self, rows: Chosen = None, columns: Chosen = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as float32."""
        codes = self.codes.values(np.dtype(_CODES[self.codes.dtype]), rows, columns).astype(np.float32)
        scale, zero = (_cut(part, rows, columns) for part in (self.scale, self.zero))
        return np.asarray((codes - zero) * scale, np.float32)

    def stored(self, rows: Chosen = None, columns: Chosen = None) -> int:
        """Bytes of these rows and columns."""
        return self.codes.stored(rows, columns)

    def raw(self) -> Iterator[bytes]:
        """The codes as stored, then scale and zero."""
        yield from self.codes.raw()
        yield self.scale.tobytes() + self.zero.tobytes()


@dataclass(eq=False)
class _Held:
    """As a file: the numbers of a tensor that were spelled out one by one in the message."""

    name: str
    data: NDArray[np.uint8]
    size: int

    def read(self, ranges: Sequence[Range]) -> list[NDArray[np.uint8]]:
        """Bytes of each range."""
        return [self.data[start:stop] for start, stop in ranges]

    def sha256(self, *, read: bool) -> str | None:  # noqa: ARG002
        """None: it is part of a file that has one."""
        return None


@dataclass(frozen=True, eq=False)
class _Value:
    """What a name in the graph stands for, where it is a weight."""

    tensor: Tensor
    name: str
    turned: bool = False


def contents(file: File, place: Place) -> Contents:
    """The weights of a graph by the names of the modules that use them.

    Raises
    ------
    CheckpointError
        If the file is damaged, keeps data outside its folder, or quantises in a way that is not read.
    """
    onnx = _package()
    initialisers, nodes, beside = _parse(file, place, onnx)
    graph = _Graph(file, initialisers, nodes)
    found = _unwrapped(graph.weights())
    return Contents(found, beside=tuple(beside.values()))


class _Graph:
    """Follows weights from initialisers to the products that use them."""

    def __init__(self, file: File, initialisers: dict[str, StoredTensor], nodes: list[Any]) -> None:
        self.file, self.initialisers, self.nodes = file, initialisers, nodes
        self.used: set[str] = set()
        """Initialisers that are part of another value."""
        self.values = {name: _Value(tensor, name) for name, tensor in initialisers.items()}
        self.consumers: defaultdict[str, list[Any]] = defaultdict(list)
        for node in nodes:
            if node.op_type in _FUSED and any(name in initialisers for name in node.input):
                raise CheckpointError(
                    f"{file.name} uses {node.op_type}, whose packed weights are not read; export the model without "
                    "fusing or packing them."
                )
            for name in node.input:
                self.consumers[name].append(node)
        for name in initialisers:
            if name.endswith("_quantized"):
                self._quantised_by_name(name)
        for node in nodes:
            self._follow(node)

    def weights(self) -> dict[str, Tensor]:
        """Tensors under the names of their modules."""
        found: dict[str, Linear] = {}
        for node in self.nodes:
            place = _PRODUCTS.get(node.op_type)
            value = self.values.get(node.input[place]) if place is not None and len(node.input) > place else None
            if value is not None and len(value.tensor.shape) == 2:
                turned = value.turned if _attribute(node, "transB", 0) else not value.turned
                matrix = Linear(value.tensor, value.name, turned)
                name = value.name if _named(value.name) else self._module(node, matrix.shape[0])
                self.used.add(value.tensor.name)
                name = name or value.name
                if name in found and found[name].tensor is not value.tensor:
                    name = value.name  # a second matrix in a module of one: not understood, and so not guessed
                found[name] = replace(matrix, name=name)
        for name, value in self.values.items():
            plain = name in self.initialisers and name not in self.used
            if (plain or isinstance(value.tensor, Affine)) and _named(value.name) and value.name not in found:
                found[value.name] = Linear(value.tensor, value.name, value.turned)
        return dict[str, Tensor](found)

    def _quantised_by_name(self, name: str) -> None:
        """``X_quantized``, ``X_scale`` and ``X_zero_point``, as onnxruntime's quantiser names them."""
        base = name.removesuffix("_quantized")
        made = self._affine(name, f"{base}_scale", f"{base}_zero_point", base, 1)
        if made is not None:
            self.values[name] = self.values[base] = made

    def _follow(self, node: Any) -> None:
        """What a node makes of a weight, if that is a weight still."""
        inputs, kind = list(node.input), node.op_type
        source = self.values.get(inputs[0]) if inputs else None
        if not node.output or not inputs:
            return
        made: _Value | None = None
        if kind in ("Identity", "Cast"):
            made = source
        elif kind == "Transpose" and source is not None and len(source.tensor.shape) == 2:
            made = replace(source, turned=source.turned != (list(_attribute(node, "perm", [1, 0])) == [1, 0]))
        elif kind == "DequantizeLinear" and source is not None:
            if isinstance(source.tensor, Affine):
                made = source  # by its name already
            elif not _attribute(node, "block_size", 0):
                zero = inputs[2] if len(inputs) > 2 else ""
                base = inputs[0].removesuffix("_quantized")
                made = self._affine(source.name, inputs[1], zero, base, _attribute(node, "axis", 1))
        elif kind == "Mul" and len(inputs) == 2:
            codes, scale = inputs if source is not None else reversed(inputs)
            value = self.values.get(codes)
            if value is not None and not value.turned and getattr(value.tensor, "dtype", "") in _CODES:
                made = self._affine(value.name, scale, "", node.output[0], None)
        if made is not None:
            self.values[node.output[0]] = made

    def _affine(self, codes: str, scale: str, zero: str, name: str, axis: int | None) -> _Value | None:
        """Codes with their scale, along an axis, or by the rules of broadcasting if that is None."""
        tensor = self.initialisers.get(codes)
        if tensor is None or scale not in self.initialisers or tensor.dtype not in _CODES:
            return None
        parts = [self._spread(part, tensor.shape, axis) for part in (scale, zero)]
        if parts[0] is None or parts[1] is None:
            return None
        self.used |= {codes, scale, zero}
        return _Value(Affine(replace(tensor, name=name), name, parts[0], parts[1]), name)

    def _spread(self, name: str, shape: tuple[int, ...], axis: int | None) -> NDArray[np.float32] | None:
        """A scale or zero in as many axes as the codes; None where it does not fit."""
        if not name:
            return np.zeros((1,) * len(shape), np.float32)
        part = self.initialisers.get(name)
        if part is None or len(shape) not in (1, 2) or prod(part.shape) > max(shape, default=0):
            return None
        kind = np.dtype(_CODES[part.dtype]) if part.dtype in _CODES else None
        found = np.asarray(part.read() if kind is None else part.values(kind)).astype(np.float32)
        if found.size == 1:
            return found.reshape((1,) * len(shape))
        if axis is not None:
            axis = axis % len(shape) if len(shape) == 1 else axis
            if found.ndim != 1 or not -len(shape) <= axis < len(shape) or len(found) != shape[axis]:
                return None
            return found.reshape([-1 if n == axis % len(shape) else 1 for n in range(len(shape))])
        found = found.reshape((1,) * (len(shape) - found.ndim) + found.shape)
        fits = found.ndim == len(shape) and all(n in (1, size) for n, size in zip(found.shape, shape, strict=True))
        return found if fits else None

    def _module(self, node: Any, size: int) -> str | None:
        """The weight's name in its module: that of the bias which is added, else of the scope."""
        steps: tuple[str, ...] = ("Cast", "Mul") if node.op_type == "MatMulInteger" else ("Cast",)
        biases = [name for name in node.input[2:] if node.op_type in ("Gemm", "DynamicQuantizeMatMul")]
        outputs = list(node.output)[:1]
        for _ in range(4):
            following = [after for name in outputs for after in self.consumers[name]]
            biases += [name for after in following if after.op_type == "Add" for name in after.input]
            outputs = [after.output[0] for after in following if after.op_type in steps and after.output]
        for name in biases:
            value = self.values.get(name)
            if value is not None and value.name.endswith(".bias") and value.tensor.shape == (size,):
                return f"{value.name.removesuffix('.bias')}.weight"
        scopes = [m.value for m in node.metadata_props if m.key == "pkg.torch.onnx.name_scopes"]
        inner = [scope for text in scopes for scope in re.findall(r"'([\w.]+)'", text)[:-1]]  # the last is the node
        if inner:
            return f"{max(inner, key=len)}.weight"
        path = [part for part in node.name.split("/") if part]
        return ".".join(path[:-1]) + ".weight" if node.name.startswith("/") and len(path) > 1 else None


def _named(name: str) -> bool:
    """Whether it is the name of a parameter in a module."""
    return "." in name and "::" not in name and "/" not in name


def _unwrapped(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without the names of modules that all are in: a model may have been wrapped for export."""
    while True:
        named = [name for name in found if _named(name)]
        first = {name.split(".")[0] for name in named}
        if len(first) != 1 or first & _KEPT or not all(name.count(".") > 1 for name in named):
            return found
        found = {name.partition(".")[2] if _named(name) else name: tensor for name, tensor in found.items()}


def _cut(part: NDArray[np.float32], rows: Chosen, columns: Chosen) -> NDArray[np.float32]:
    """Of a scale for each row or column, those of some rows and columns."""
    if rows is not None and part.shape[0] > 1:
        part = part[rows]
    return part[:, columns] if columns is not None and part.ndim > 1 and part.shape[1] > 1 else part


def _attribute(node: Any, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return attribute.ints if attribute.ints else attribute.i
    return default


def _package() -> Any:
    try:
        import onnx
        import onnx.numpy_helper
    except ModuleNotFoundError as error:
        raise CheckpointError(
            'ONNX files are taken apart by the onnx package, which is missing; pip install "verify-lineage[onnx]".'
        ) from error
    return onnx


def _parse(file: File, place: Place, onnx: Any) -> tuple[dict[str, StoredTensor], list[Any], dict[str, File]]:
    """Initialisers and nodes of the graph, and the files that hold data beside it."""
    if file.size >= _LARGEST:
        raise CheckpointError(f"{file.name} has {file.size} bytes; expected an ONNX file below {_LARGEST}.")
    walk, initialisers, nodes = _Walk(file), dict[str, StoredTensor](), list[Any]()
    beside: dict[str, File] = {}
    graphs = [(start, stop) for number, start, stop in walk.fields(0, file.size) if number == 7]
    for start, stop in graphs[-1:]:
        for number, low, high in walk.fields(start, stop):
            if number == 1:
                node = _message(file, onnx.NodeProto, walk.bytes(low, high))
                texts = (node.name, node.op_type, *node.input, *node.output, *(m.value for m in node.metadata_props))
                if not all(
                    isinstance(text, str) for text in texts
                ):  # protobuf gives bytes that are not UTF-8 as such
                    raise CheckpointError(f"{file.name} has a node with names that are not UTF-8; obtain it again.")
                nodes.append(node)
            elif number == 5:
                tensor = _initialiser(file, place, onnx, walk, low, high, beside)
                if tensor is not None:
                    if tensor.name in initialisers:
                        raise CheckpointError(f"{file.name} holds {tensor.name!r:.200} twice; obtain it again.")
                    initialisers[tensor.name] = tensor
            if max(len(nodes), len(initialisers)) > _MOST:
                raise CheckpointError(f"{file.name} has more than {_MOST} nodes or tensors; obtain the file again.")
    if not initialisers:
        raise CheckpointError(f"{file.name} holds no ONNX graph with weights; give another file.")
    return initialisers, nodes, beside


def _initialiser(
    file: File, place: Place, onnx: Any, walk: _Walk, start: int, stop: int, beside: dict[str, File]
) -> StoredTensor | None:
    """Where the numbers of an initialiser lie; None where they are of a type that no weight has."""
    rest, raw = [], None
    at = start
    for number, low, high in walk.fields(start, stop):
        if number == 9:
            raw = (low, high)
        else:
            rest.append((at, high))
        at = high
    if sum(high - low for low, high in rest) > _SMALL:
        raise CheckpointError(
            f"{file.name} spells out an initialiser of over {_SMALL} bytes number by number; save it with raw data."
        )
    said = _message(file, onnx.TensorProto, b"".join(walk.bytes(low, high) for low, high in rest))
    name, shape, dtype = str(said.name), tuple(said.dims), _TYPES.get(said.data_type)
    if dtype is None:
        return None
    if not name.isprintable() or len(shape) > 8 or not all(0 <= n < 2**48 for n in shape):
        raise CheckpointError(
            f"{file.name} has a tensor {name!r:.200} of shape {shape!r:.60}; expected printable characters and sizes."
        )
    size = prod(shape) * _BYTES.get(dtype, 1)
    source: File = file
    if said.data_location == onnx.TensorProto.EXTERNAL:
        source, raw = _external(file, place, said, size, beside)
    elif raw is None:
        try:
            data = np.ascontiguousarray(onnx.numpy_helper.to_array(said)).reshape(-1).view(np.uint8)
        except (ValueError, TypeError, KeyError, OverflowError, IndexError):
            data = np.zeros(0, np.uint8)
        source, raw = _Held(file.name, data, len(data)), (0, len(data))
    if raw[1] - raw[0] != size:
        raise CheckpointError(
            f"{file.name} describes {name!r:.200} as {dtype} {shape}, but holds {raw[1] - raw[0]} bytes of it, "
            f"expected {size}; obtain the file again."
        )
    return StoredTensor(source, name, dtype, shape, raw[0])


def _external(file: File, place: Place, said: Any, size: int, beside: dict[str, File]) -> tuple[File, Range]:
    """The file beside this one that holds a tensor, and where in it."""
    entries = {str(entry.key): str(entry.value) for entry in said.external_data}
    name = entries.get("location", "")
    inside = name in (PurePosixPath(name).name, f"./{PurePosixPath(name).name}")
    name = PurePosixPath(name).name
    if not inside or not name or name == ".." or PureWindowsPath(name).name != name or not name.isprintable():
        raise CheckpointError(
            f"{file.name} keeps {said.name!r:.200} in {entries.get('location')!r:.120}; expected a file beside it."
        )
    numbers = [entries.get("offset", "0"), entries.get("length", str(size))]
    if not all(re.fullmatch(r"[0-9]{1,15}", text) for text in numbers):
        raise CheckpointError(f"{file.name} keeps {said.name!r:.200} at {numbers!r:.120}; expected counts of bytes.")
    if name not in beside:
        if name not in place.names():
            raise CheckpointError(f"{file.name} keeps {said.name!r:.200} in {name!r:.120}, which is missing; add it.")
        beside[name] = place.file(name)
    start, length = map(int, numbers)
    if start + length > beside[name].size:
        raise CheckpointError(
            f"{name!r:.120} is truncated: {file.name} expects {start + length} bytes; obtain it again."
        )
    return beside[name], (start, start + length)


def _message(file: File, kind: Any, data: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(data)
    except (DecodeError, RecursionError) as error:
        raise CheckpointError(f"{file.name} is not an ONNX file or is damaged; obtain it again.") from error


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
        """Number, first byte and end of each field between two places; of a number, those of its spelling."""
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
        return CheckpointError(
            f"{self.file.name} is not an ONNX file or is damaged (at byte {at} of {self.file.size}); obtain it again."
        )
