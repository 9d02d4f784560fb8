"""Name the initialisers of an ONNX graph after the modules that use them.

Exporters keep the names of weights, except where they transpose or quantise them. For these the graph is followed: a
matrix belongs to the module whose bias is added to its product, or to the scope of the product. The graph also tells
the orientation of a matrix.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import UnsupportedError
from ..layouts.families import FAMILIES
from ..places.place import File, Storage
from .onnx_file import parse
from .safetensors_file import StoredTensor
from .tensor import Contents, Indexer, Tensor

_CODES = {"I8": "<i1", "U8": "<u1", "I32": "<i4"}
_PRODUCTS = {"MatMul": 1, "Gemm": 1, "MatMulInteger": 1, "MatMulIntegerToFloat": 1, "DynamicQuantizeMatMul": 1}
_PRODUCTS |= {"QLinearMatMul": 3}
_KEPT = {"text_model"} | {  # modules that tell towers apart, or that the names of some family include
    prefix.split(".")[-2] for family in FAMILIES if "" not in family.prefixes for prefix in family.prefixes
}
_FUSED = ("Attention", "QAttention", "MatMulNBits", "MatMulBnb4", "QGemm")


@dataclass(frozen=True)
class Linear:
    """A matrix [out, in], or a vector, under its original name."""

    tensor: Tensor
    name: str
    turned: bool
    """Whether it is stored [in, out]."""

    is_out_in = True
    notes = ()

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

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns."""
        return self.tensor.read(columns, rows).T if self.turned else self.tensor.read(rows, columns)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns."""
        return self.tensor.nbytes(columns, rows) if self.turned else self.tensor.nbytes(rows, columns)

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored, in blocks."""
        return self.tensor.iter_bytes()


@dataclass(frozen=True, eq=False)
class Affine:
    """Integers with one scale and zero point, or one per row or column: scale * (code - zero)."""

    codes: StoredTensor
    name: str
    scale: NDArray[np.float32]
    """Shape [rows or 1, columns or 1]; of a vector, [size or 1]."""
    zero: NDArray[np.float32]

    is_out_in = False
    notes = ()

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.codes.file

    @property
    def dtype(self) -> str:
        """Stored type of the codes, with scale."""
        return f"{self.codes.dtype} with scale"

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        return self.codes.shape

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as float32."""
        codes = self.codes.values(np.dtype(_CODES[self.codes.dtype]), rows, columns).astype(np.float32)
        scale, zero = (_cut(part, rows, columns) for part in (self.scale, self.zero))
        return np.asarray((codes - zero) * scale, np.float32)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns."""
        return self.codes.nbytes(rows, columns)

    def iter_bytes(self) -> Iterator[bytes]:
        """The codes as stored, then scale and zero."""
        yield from self.codes.iter_bytes()
        yield self.scale.tobytes() + self.zero.tobytes()


@dataclass(frozen=True, eq=False)
class _Value:
    """The weight that a name in the graph stands for."""

    tensor: Tensor
    name: str
    turned: bool = False


def contents(file: File, place: Storage) -> Contents:
    """The weights of a graph by the names of the modules that use them.

    Raises
    ------
    CheckpointError
        If the file is damaged, keeps data outside its folder, or quantises in a way that is not read.
    """
    initialisers, nodes, beside = parse(file, place)
    graph = _Graph(file, initialisers, nodes)
    found = _unwrapped(graph.weights())
    return Contents(found, beside=tuple(beside.values()))


class _Graph:
    """Follows weights from initialisers to the products that use them."""

    def __init__(self, file: File, initialisers: dict[str, StoredTensor], nodes: list[Any]) -> None:
        self.file, self.initialisers, self.nodes = file, initialisers, nodes
        self.used: set[str] = set()
        """Names of initialisers that are part of another value."""
        self.values = {name: _Value(tensor, name) for name, tensor in initialisers.items()}
        self.consumers: defaultdict[str, list[Any]] = defaultdict(list)
        for node in nodes:
            if node.op_type in _FUSED and any(name in initialisers for name in node.input):
                raise UnsupportedError(
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
                    name = value.name  # a second matrix in the module: not guessed
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
        """Follow a weight through a node whose output is still a weight."""
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
                made = source  # already named
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
        """Codes with their scale along an axis, or by broadcasting if it is None."""
        tensor = self.initialisers.get(codes)
        if tensor is None or scale not in self.initialisers or tensor.dtype not in _CODES:
            return None
        parts = [self._spread(part, tensor.shape, axis) for part in (scale, zero)]
        if parts[0] is None or parts[1] is None:
            return None
        self.used |= {codes, scale, zero}
        return _Value(Affine(replace(tensor, name=name), name, parts[0], parts[1]), name)

    def _spread(self, name: str, shape: tuple[int, ...], axis: int | None) -> NDArray[np.float32] | None:
        """A scale or zero point with as many axes as the codes; None if it does not fit."""
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
        """The weight's name: by the bias that is added, else by the scope."""
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
        inner = [scope for text in scopes for scope in re.findall(r"'([\w.]+)'", text)[:-1]]  # less the node
        if inner:
            return f"{max(inner, key=len)}.weight"
        path = [part for part in node.name.split("/") if part]
        return ".".join(path[:-1]) + ".weight" if node.name.startswith("/") and len(path) > 1 else None


def _named(name: str) -> bool:
    """Whether a name is that of a parameter in a module."""
    return "." in name and "::" not in name and "/" not in name


def _unwrapped(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without a common prefix of wrapper modules added for export."""
    while True:
        named = [name for name in found if _named(name)]
        first = {name.split(".")[0] for name in named}
        if len(first) != 1 or first & _KEPT or not all(name.count(".") > 1 for name in named):
            return found
        found = {name.partition(".")[2] if _named(name) else name: tensor for name, tensor in found.items()}


def _cut(part: NDArray[np.float32], rows: Indexer, columns: Indexer) -> NDArray[np.float32]:
    """Scales of some rows and columns."""
    if rows is not None and part.shape[0] > 1:
        part = part[rows]
    return part[:, columns] if columns is not None and part.ndim > 1 and part.shape[1] > 1 else part


def _attribute(node: Any, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return attribute.ints if attribute.ints else attribute.i
    return default
