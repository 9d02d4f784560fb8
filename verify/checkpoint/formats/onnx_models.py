"""Name the initialisers of an ONNX graph after the modules that use them.

Exporters keep the names of weights, except where they transpose or quantise them. For these the graph is followed: a
matrix belongs to the module whose bias is added to its product, or to the scope of the product. The graph also tells
the orientation of a matrix, and the heads of attention that was fused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError, HostileError, UnsupportedError
from ..layouts.families import FAMILIES
from ..places.place import File, Storage, settings_in
from .onnx_file import Initialiser, parse
from .onnx_names import heads_in, is_built, is_known, named, plain, unwrapping
from .onnx_tensors import CODES, Affine, Blocks, Linear, Packed
from .safetensors_file import StoredTensor
from .tensor import Contents, Tensor

_PRODUCTS = {"MatMul": 1, "Gemm": 1, "MatMulInteger": 1, "MatMulIntegerToFloat": 1, "DynamicQuantizeMatMul": 1}
_PRODUCTS |= {"QLinearMatMul": 3, "MatMulNBits": 1}
_PACKED = ("QAttention", "MatMulBnb4", "QGemm", "MoE", "QMoE", "DecoderMaskedSelfAttention", "PackedAttention")
_ATTENTION = ("Attention", "MultiHeadAttention", "GroupQueryAttention")
_TURNED = {"GroupQueryAttention": 7, "RotaryEmbedding": 2}
"""Nodes that turn channels by positions, and the place of the cosines among their inputs."""
_GENAI = "genai_config.json"
_SETTINGS = ("hidden_size", "num_attention_heads", "num_hidden_layers", "num_key_value_heads")
_DEEPEST = 4  # branches in branches
_MOST_FOLLOWED = 1 << 21  # uses of outputs on the way from products to what names them; a model has a few a product
_SCOPE = re.compile(r"'([\w.]{1,1000})'")
_FLOATS = ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True)
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
    graph = _Graph(file, initialisers, list(_flat(nodes)))
    found = graph.weights()
    words = unwrapping(list(found))
    found = {".".join(name.split(".")[words:]) if named(name) else name: one for name, one in found.items()}
    own = "config.json" in place.list_files()
    said = settings_in(place, "config.json") if own else _of_builder(place)
    if any(map(is_built, initialisers)):
        _check_built(file, said.get("model_type"), found)
    return Contents(found, {} if own else graph.settings(said), beside=tuple(beside.values()))


def _of_builder(place: Storage) -> dict[str, Any]:
    """Settings that onnxruntime-genai's builder leaves beside a model, in the terms of ``config.json``."""
    if _GENAI not in place.list_files():
        return {}
    model = settings_in(place, _GENAI).get("model")
    decoder = model.get("decoder") if isinstance(model, dict) else None
    if not isinstance(model, dict) or not isinstance(decoder, dict):
        raise DamagedError(f"{_GENAI} describes no decoder; obtain it again, or put the model's config.json there.")
    said = {key: decoder.get(key) for key in _SETTINGS}
    said |= {
        "model_type": model.get("type"),
        "head_dim": decoder.get("head_size"),
        "vocab_size": model.get("vocab_size"),
    }
    return {key: value for key, value in said.items() if value is not None}


def _check_built(file: File, said: object, found: Collection[str]) -> None:
    """Refuse models of which onnxruntime-genai's builder changes norms."""
    offsets = {"nemotron"} | {name for family in FAMILIES if family.norm_offset for name in family.model_types}
    unsaid = said is None and any("pre_feedforward_layernorm" in name for name in found)
    if said in offsets or str(said).startswith("gemma") or unsaid:
        raise UnsupportedError(
            f"{file.name} is of the type {said!r:.60}, to whose norms onnxruntime-genai's builder adds 1; give the "
            "model that it was built from."
        )


class _Graph:
    """Follows weights from initialisers to the products that use them."""

    def __init__(self, file: File, initialisers: dict[str, Initialiser], nodes: list[Any]) -> None:
        self.file, self.initialisers, self.nodes = file, initialisers, nodes
        self.used: set[str] = set()
        """Names of initialisers that are part of another value."""
        self.followed = 0
        """Uses of outputs that were followed."""
        self.numbers: dict[str, NDArray[np.float32]] = {}
        """Scales and zero points by name."""
        plainly = {name: one for name, one in initialisers.items() if isinstance(one, StoredTensor)}
        self.values = {name: _Value(tensor, plain(name)) for name, tensor in plainly.items()}
        self.consumers: defaultdict[str, list[Any]] = defaultdict(list)
        for node in nodes:
            if node.op_type in _PACKED and any(name in initialisers for name in node.input):
                raise UnsupportedError(
                    f"{file.name} uses {node.op_type}, whose packed weights are not read; export the model without "
                    "fusing or packing them."
                )
            for name in dict.fromkeys(node.input):
                self.consumers[name].append(node)
        for name in initialisers:
            if name.endswith("_quantized"):
                self._quantised_by_name(name)
        for node in nodes:
            self._follow(node)

    def weights(self) -> dict[str, Tensor]:
        """Tensors under the names of their modules."""
        found: dict[str, Linear] = {}
        lost = set[str]()
        for node in self.nodes:
            if node.op_type in ("Attention", "MultiHeadAttention"):
                found |= self._of_attention(node)
            place = _PRODUCTS.get(node.op_type)
            value = self.values.get(node.input[place]) if place is not None and len(node.input) > place else None
            if value is not None and len(value.tensor.shape) == 2:
                turned = (
                    value.turned
                    if node.op_type == "MatMulNBits" or _attribute(node, "transB", 0)
                    else not value.turned
                )
                matrix = Linear(value.tensor, value.name, turned)
                name = value.name if named(value.name) else self._module(node, matrix.shape[0])
                self.used.add(value.tensor.name)
                if name is None:
                    lost.add(value.name)
                for one in self._split(node, replace(matrix, name=name or value.name)):
                    name = one.name
                    if name in found and found[name].tensor is not value.tensor:
                        name = value.name  # a second matrix in the module: not guessed
                    found[name] = replace(one, name=name)
        self._check_named(found, lost)
        for name, value in self.values.items():
            plainly = name in self.initialisers and name not in self.used
            if (plainly or isinstance(value.tensor, Affine)) and named(value.name) and value.name not in found:
                for one in self._split_bias(name, Linear(value.tensor, value.name, value.turned)):
                    found.setdefault(one.name, one)
        return dict[str, Tensor](self._turned_tables() | found | self._merged(found))

    def settings(self, said: dict[str, Any]) -> dict[str, Any]:
        """Settings that fused attention tells, besides those that are said, without a ``config.json``.

        Without the number of channels that positions turn, or if it turns them in another order than the models that
        the table of the type is for, the type is left out, so that nothing is assumed of it.
        """
        heads = {self._heads(node) for node in self.nodes if node.op_type in _ATTENTION} - {None}
        if len(heads) == 1 and (one := heads.pop()) is not None:
            said = said | {"num_attention_heads": one[0], "num_key_value_heads": one[1]}
        if self._turned_tables():
            said = said | {"tie_word_embeddings": True}
        turning = [node for node in self.nodes if node.op_type in _TURNED]
        sizes = {self._turned(node) for node in turning}
        if len(sizes) == 1 and (size := sizes.pop()):
            return said | {"partial_rotary_factor": size, "rotary_dim": size}  # before any default of the family
        return {key: value for key, value in said.items() if key != "model_type"} if turning else said

    def _turned(self, node: Any) -> int:
        """Channels of a head that positions turn, by the halves that a cache of cosines is for; 0 if unknown."""
        place = _TURNED[node.op_type]
        cache = self.initialisers.get(node.input[place]) if len(node.input) > place else None
        interleaved = _attribute(node, "rotary_interleaved", 0) or _attribute(node, "interleaved", 0)
        return 2 * cache.shape[-1] if cache is not None and len(cache.shape) == 2 and not interleaved else 0

    def _check_named(self, found: dict[str, Linear], lost: set[str]) -> None:
        """Refuse a graph in which most matrices have no name left, so that no module can be told from another."""
        if len(lost) * 2 > sum(len(one.shape) == 2 for one in found.values()):
            raise UnsupportedError(
                f"{self.file.name} has {len(lost)} matrices whose names were lost ({min(lost)!r:.60}), as quantisers "
                "and optimisers lose those of PyTorch's newer exporter; give the file from before, or the model that "
                "it was exported from."
            )

    def _merged(self, found: dict[str, Linear]) -> dict[str, Linear]:
        """Tensors that were equal, and so became one initialiser, under the names of the other modules using it."""
        more: dict[str, Linear] = {}
        for name, value in self.values.items():
            if name not in self.initialisers or value.tensor.dtype not in _FLOATS:
                continue
            if not named(value.name) or not is_known(value.name):
                continue
            ending = value.name.rpartition(".")[2]
            for node in self.consumers[name]:
                other = f"{max(_scopes(node), key=len, default='')}.{ending}"
                if other != value.name and other not in found and is_known(other):
                    more[other] = Linear(value.tensor, other, value.turned)
        return more

    def _heads(self, node: Any) -> tuple[int, int] | None:
        """Query heads and kv heads of a node of attention."""
        heads = _attribute(node, "num_heads", 0)
        kv_heads = _attribute(node, "kv_num_heads", heads)
        return (heads, kv_heads) if 0 < kv_heads <= heads < 1 << 16 and heads % kv_heads == 0 else None

    def _turned_tables(self) -> dict[str, Linear]:
        """Tables of embeddings that are a stored matrix turned, as that of a head that is tied to them."""
        found: dict[str, Linear] = {}
        for node in self.nodes:
            value = self.values.get(node.input[0]) if node.op_type == "Gather" and node.input else None
            if value is not None and node.input[0] not in self.initialisers and len(value.tensor.shape) == 2:
                name = f"{max(_scopes(node), key=len, default='') or _path(node.name) or ''}.weight"
                if is_known(name):
                    found[name] = Linear(value.tensor, name, value.turned)
        return found

    def _of_attention(self, node: Any) -> dict[str, Linear]:
        """q, k and v of attention with one weight [in, q + k + v], and their biases, if those lie in one tensor."""
        given = [self.values.get(name) for name in (*node.input, "", "", "", "")]
        weight, bias = (given[1], given[2]) if node.op_type == "Attention" else (None, given[3])
        held = [(ending, one, axes) for ending, one, axes in (("weight", weight, 2), ("bias", bias, 1)) if one]
        if not held or given[0] is not None:
            return {}
        shapes = {(len(one.tensor.shape) - axes, *one.tensor.shape[-1:]) for _, one, axes in held}
        total = sum(held[0][1].tensor.shape[-1:])
        sizes = _attribute(node, "qkv_hidden_sizes", [total // 3] * 3)
        fits = shapes == {(0, total)} and not any(one.turned for _, one, _ in held)
        fits = fits and isinstance(sizes, list) and len(sizes) == 3 and min(sizes) > 0 and sum(sizes) == total
        path = next((one for one in (_path(node.name), *map(_path, node.output[:1])) if one is not None), "")
        module = max(_scopes(node), key=len, default="") or path
        names = heads_in(module)
        if not fits or names is None:
            raise UnsupportedError(
                f"{self.file.name} fuses attention in {node.name!r:.120}, whose module no table names; export the "
                "model without fusing it."
            )
        found: dict[str, Linear] = {}
        ends = [0, sizes[0], sizes[0] + sizes[1], total]
        for ending, value, axes in held:
            self.used.add(value.name)
            for k, name in enumerate(names):
                whole = f"{module}.{name}.{ending}"
                found[whole] = Linear(value.tensor, whole, axes == 2, (ends[k], ends[k + 1]))
        return found

    def _split(self, node: Any, matrix: Linear) -> Iterator[Linear]:
        """The matrices in one that makes q, k and v for a node of attention; itself if it is no such one."""
        parts = self._shares(list(node.output)[:1], matrix.shape[0])
        words = matrix.name.split(".")
        if parts is None or len(words) < 2 or words[-2] != "qkv_proj":
            yield matrix
            return
        for role, span in zip("qkv", parts, strict=True):
            yield replace(matrix, name=".".join([*words[:-2], f"{role}_proj", words[-1]]), span=span)

    def _split_bias(self, name: str, bias: Linear) -> Iterator[Linear]:
        """Likewise for a bias that is added to such a product."""
        adds = [node for node in self.consumers[name] if node.op_type == "Add"]
        if len(bias.shape) == 1 and bias.name.endswith(".qkv_proj.bias") and adds:
            yield from self._split(adds[0], bias)
        else:
            yield bias

    def _shares(self, outputs: list[str], rows: int) -> list[tuple[int, int]] | None:
        """Rows of q, of k and of v in a product that attention takes as one; None if none does."""
        for _ in range(3):  # the product, a bias
            following = self._after(outputs)
            for after in following:
                alone = after.op_type == "GroupQueryAttention" and not any(after.input[1:3])
                heads = self._heads(after) if alone and after.input[0] in outputs else None
                if heads is not None and rows % (heads[0] + 2 * heads[1]) == 0:
                    unit = rows // (heads[0] + 2 * heads[1])
                    ends = [heads[0] * unit, (heads[0] + heads[1]) * unit, rows]
                    return list(zip([0, *ends], ends, strict=False))
            outputs = [after.output[0] for after in following if after.op_type in ("Add", "Cast") and after.output]
        return None

    def _after(self, outputs: Sequence[str]) -> list[Any]:
        """The nodes that use some outputs, each once.

        Raises
        ------
        HostileError
            If more uses were followed in the whole graph than any model has.
        """
        names = dict.fromkeys(outputs)
        self.followed += sum(len(self.consumers[name]) for name in names)
        if self.followed > _MOST_FOLLOWED:
            raise HostileError(
                f"{self.file.name} uses its weights in more than {_MOST_FOLLOWED} ways; expected a graph in which "
                "each output is that of one node; obtain the file again."
            )
        return list({id(node): node for name in names for node in self.consumers[name]}.values())

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
        if kind == "MatMulNBits":
            self._in_blocks(node)
        elif kind in ("Identity", "Cast"):
            made = source
        elif kind == "Transpose" and source is not None and len(source.tensor.shape) == 2:
            made = replace(source, turned=source.turned != (list(_attribute(node, "perm", [1, 0])) == [1, 0]))
        elif kind == "DequantizeLinear" and len(inputs) > 1:
            if source is not None and isinstance(source.tensor, Affine):
                made = source  # already named
            elif inputs[0] in self.initialisers:
                zero = inputs[2] if len(inputs) > 2 else ""
                size, axis = _attribute(node, "block_size", 0), _attribute(node, "axis", 1)
                made = self._affine(inputs[0], inputs[1], zero, plain(inputs[0]), axis, size)
        elif kind == "Mul" and len(inputs) == 2:
            codes, scale = inputs if source is not None else reversed(inputs)
            value = self.values.get(codes)
            if value is not None and not value.turned and getattr(value.tensor, "dtype", "") in CODES:
                made = self._affine(
                    codes if codes in self.initialisers else value.tensor.name, scale, "", node.output[0], None
                )
        if made is not None:
            self.values[node.output[0]] = made

    def _in_blocks(self, node: Any) -> None:
        """The matrix of ``MatMulNBits``, under the name of its codes.

        Raises
        ------
        UnsupportedError
            If its columns are in another order, its zeros are floats, or its sizes are not those of the definition.
        """
        codes, scales, zeros, order = (self._stored(node, k) for k in range(1, 5))
        n, k, bits, size = (_attribute(node, key, 0) for key in ("N", "K", "bits", "block_size"))
        bits = bits or 4
        sound = (
            bits in (2, 4, 8) and 0 < size < 1 << 20 and size * bits % 8 == 0 and 0 < n < 1 << 31 and 0 < k < 1 << 31
        )
        if sound and order is None and codes is not None and scales is not None:
            blocks = -(-k // size)
            packed = -(-blocks * bits // 8)
            fits = codes.dtype == "U8" and prod(codes.shape) == n * blocks * (size * bits // 8)
            fits = fits and scales.dtype in _FLOATS and prod(scales.shape) == n * blocks
            fits = fits and (zeros is None or (zeros.dtype == "U8" and prod(zeros.shape) == n * packed))
            if fits and not _attribute(node, "weight_prepacked", 0):
                parts = [one for one in (codes, scales, zeros) if one is not None]
                self.used |= {one.name for one in parts}
                codes = replace(codes, shape=(n, blocks, size * bits // 8))
                scales = replace(scales, shape=(n, blocks))
                zeros = None if zeros is None else replace(zeros, shape=(n, packed))
                name = plain(node.input[1])
                self.values[node.input[1]] = _Value(Blocks(codes, scales, zeros, name, k, bits), name)
                return
        raise UnsupportedError(
            f"{self.file.name} packs the weight of {node.name!r:.120} in a way that is not read (columns in another "
            "order, zeros that are floats, or other sizes than MatMulNBits defines); export the model without it."
        )

    def _stored(self, node: Any, place: int) -> StoredTensor | None:
        """The initialiser at a place among the inputs of a node; None if there is none.

        Raises
        ------
        UnsupportedError
            If the input is there and is no initialiser.
        """
        name = node.input[place] if len(node.input) > place else ""
        found = self.initialisers.get(name)
        if name and not isinstance(found, StoredTensor):
            raise UnsupportedError(
                f"{self.file.name} computes {name!r:.120}, part of the weight of {node.name!r:.120}; expected it to "
                "be stored; export the model without it."
            )
        return found if isinstance(found, StoredTensor) else None

    def _affine(self, codes: str, scale: str, zero: str, name: str, axis: int | None, size: int = 0) -> _Value | None:
        """Codes with their scale along an axis, perhaps in blocks of some size, or by broadcasting if it is None."""
        tensor = self.initialisers.get(codes)
        if (
            tensor is None
            or scale not in self.initialisers
            or not (isinstance(tensor, Packed) or tensor.dtype in CODES)
        ):
            return None
        parts = [self._spread(part, tensor.shape, axis, size) for part in (scale, zero)]
        if parts[0] is None or parts[1] is None:
            return None
        self.used |= {codes, scale, zero}
        block = (1, 1) if not size or axis is None else (size, 1) if axis % 2 == 0 else (1, size)
        stored = replace(tensor, name=name) if isinstance(tensor, StoredTensor) else tensor
        return _Value(Affine(stored, name, parts[0], parts[1], block), name)

    def _spread(
        self, name: str, shape: tuple[int, ...], axis: int | None, size: int = 0
    ) -> NDArray[np.float32] | None:
        """A scale or zero point with as many axes as the codes; None if it does not fit."""
        if not name:
            return np.zeros((1,) * len(shape), np.float32)
        part = self.initialisers.get(name)
        if part is None or len(shape) not in (1, 2):
            return None
        if size and axis is not None:
            axis %= 2
            expected = tuple(-(-n // size) if k == axis else n for k, n in enumerate(shape))
            if len(shape) != 2 or part.shape != expected or size < 1:
                return None
            return self._numbers(name, part)
        if prod(part.shape) > max(shape, default=0):
            return None
        found = self._numbers(name, part)
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

    def _numbers(self, name: str, part: Initialiser) -> NDArray[np.float32]:
        """All numbers of a scale or zero point, held once for all nodes that use it."""
        if name not in self.numbers:
            self.numbers[name] = _numbers(part)
        return self.numbers[name]

    def _module(self, node: Any, size: int) -> str | None:
        """The weight's name: by the bias that is added, else by the scope."""
        steps: tuple[str, ...] = ("Cast", "Mul") if node.op_type == "MatMulInteger" else ("Cast",)
        biases = [name for name in node.input[2:] if node.op_type in ("Gemm", "DynamicQuantizeMatMul")]
        outputs = list(node.output)[:1]
        for _ in range(4):
            following = self._after(outputs)
            added = ("Add", "BiasGelu", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
            biases += [name for after in following if after.op_type in added for name in after.input]
            outputs = [after.output[0] for after in following if after.op_type in steps and after.output]
        for name in dict.fromkeys(biases):
            value = self.values.get(name)
            if value is None or not value.name.endswith(".bias") or value.tensor.shape != (size,):
                continue
            if not any(name in after.input[2:4] for after in self._after([name]) if "LayerNorm" in after.op_type):
                return f"{value.name.removesuffix('.bias')}.weight"
        if inner := _scopes(node):
            return f"{max(inner, key=len)}.weight"
        path = _path(node.name)
        return None if path is None else f"{path}.weight"


def _flat(nodes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Nodes with those of branches in them, which use the same weights, as of decoders that were merged."""
    for node in nodes:
        yield node
        for attribute in node.attribute if depth < _DEEPEST else ():
            yield from _flat(attribute.g.node, depth + 1)


def _scopes(node: Any) -> list[str]:
    """Modules around a node, as PyTorch's newer exporter writes them."""
    scopes = [m.value for m in node.metadata_props if m.key == "pkg.torch.onnx.name_scopes"]
    return [scope for text in scopes for scope in _SCOPE.findall(text)[:-1]]  # less the node


def _path(name: str) -> str | None:
    """The module in the name of a node or output of PyTorch's older exporter."""
    path = [part for part in name.split("/") if part]
    return ".".join(path[:-1]) if name.startswith("/") and len(path) > 1 else None


def _numbers(part: Initialiser) -> NDArray[np.float32]:
    """All numbers of a scale or zero point."""
    if isinstance(part, Packed):
        return part.values(np.dtype("<i1" if part.signed else "<u1")).astype(np.float32)
    kind = np.dtype(CODES[part.dtype]) if part.dtype in CODES else None
    return np.asarray(part.read() if kind is None else part.values(kind)).astype(np.float32)


def _attribute(node: Any, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return list(attribute.ints) if isinstance(default, list) else attribute.i
    return default
