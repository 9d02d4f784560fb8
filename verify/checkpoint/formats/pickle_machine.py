"""Take the tensors of a pickle apart without running it: an opcode machine that can call nothing.

Opcodes are split off by :mod:`pickletools`; nothing is imported, and no object of a class of the file is made. Names
of classes and functions are text. A few functions that build a tensor from a storage are known, and what they would
do is done here; classes that training code commonly keeps beside the weights become :class:`Opaque`, of which nothing
but the name is kept; any other name is refused.
Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py;
functions: https://github.com/pytorch/pytorch/blob/main/torch/_utils.py.
"""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...base import CheckpointError, DamagedError, HostileError, UnsupportedError
from ..hostile import WAY_OUT
from .safetensors_file import BITS
from .wrapper import PARTS, Wrapper

MOST_STEPS = 1 << 21  # opcodes; a tensor takes about 35
_MOST_AXES = 8
_LARGEST = 1 << 48  # of a size, a stride, an offset

STORAGES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
    "UntypedStorage": "",
}
"""Type of the numbers, in the words of safetensors, by class of storage; bytes of any type in the last."""
DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "bool": "BOOL",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
}

_PLAIN_TENSORS = ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")
_ATTRIBUTES = re.compile(
    r"allreduce|expert_model_parallel|is_embedding(_or_output)?_parameter|partition(_dim|_stride)?|sequence_parallel"
    r"|shared(_embedding)?|tensor_model_parallel|_is_hf_initialized|_no_weight_decay|_optim"
)
"""What training code writes on a tensor, beside its numbers."""
_ORDERED = "collections.OrderedDict"
_CONSTANTS = re.compile(
    r"torch\.(Size|device|strided|bool|(float|bfloat|int|uint|complex|qint|quint|bits)[0-9]+(_\w+)?)"
    r"|torch\.torch_version\.TorchVersion|torch\.serialization\._get_layout"
    r"|(__builtin__|builtins)\.(set|frozenset|dict|list|tuple|int|long|float|bool|str|unicode|bytes|bytearray|complex"
    r"|object|slice|range|xrange)"
    r"|collections\.(defaultdict|Counter|deque)|copy_?reg\._reconstructor|_codecs\.encode"
    r"|argparse\.Namespace|types\.SimpleNamespace|uuid\.UUID|decimal\.Decimal|typing\.\w+"
    r"|datetime\.(datetime|date|time|timedelta|timezone)|pathlib(\._local)?\.(Pure)?(Posix|Windows)?Path"
    r"|numpy\.(dtype|bool_?|str_|(u?int|float)[0-9]+|dtypes\.\w+|_?core\.multiarray\.scalar)"
)
"""Classes and functions whose results cannot hold weights."""
_HOLDERS = re.compile(
    r"numpy\.(ndarray|random\.\w+(\.\w+)?|_?core\.(multiarray\._reconstruct|numeric\._frombuffer))"
    r"|(__main__|accelerate|addict|box|deepspeed|easydict|fairseq|lightning|lightning_fabric|megatron|ml_collections"
    r"|mmcv|mmengine|omegaconf|pytorch_lightning|timm|torch\.optim|transformers|yacs)\.([\w.]+\.)?_?[A-Z]\w*"
)
"""Arrays, and classes of the packages that write checkpoints: they may lie beside the weights, not among them."""
_WRAPPERS = re.compile(
    r"torchao\.([a-z]\w*\.)+(Float8Tensor|Int4TilePackedTo4dTensor|Int4Tensor|Int8Tensor|IntxUnpackedToInt8Tensor"
    r"|MXTensor|NVFP4Tensor)"
)
"""Classes of tensors whose numbers are made of several plain ones, their attributes."""
_OF_WRAPPERS = re.compile(
    r"torchao\.([a-z]\w*\.)+(Float8MMConfig|IntxUnpackedToInt8TensorActivationQuantization|KernelPreference"
    r"|MappingType|Per(Axis|Block|Group|Row|Tensor|Token)|QuantizeTensorTo\w+Kwargs|ScaleCalculationMode)"
)
"""Classes of their further attributes, which say how activations are quantised."""
_WRAPPING = "torch._utils._rebuild_wrapper_subclass"
_OTHER_TENSORS = {
    "_rebuild_qtensor": "a quantised tensor",
    "_rebuild_sparse_tensor": "a sparse tensor",
    "_rebuild_sparse_csr_tensor": "a sparse tensor",
    "_rebuild_nested_tensor": "a nested tensor",
    "_rebuild_wrapper_subclass": "a tensor of a class of its own",
    "_rebuild_meta_tensor_no_storage": "a tensor without numbers (device meta)",
    "_rebuild_device_tensor_from_numpy": "a tensor of another device",
    "_rebuild_device_tensor_from_cpu_tensor": "a tensor of another device",
}


@dataclass(frozen=True, eq=False, slots=True)
class Name:
    """Name of a class or function; it is never looked up."""

    text: str


@dataclass(frozen=True, eq=False, slots=True)
class Opaque:
    """Something of which only the class is known."""

    text: str

    @property
    def may_hold_weights(self) -> bool:
        """Whether weights could be in it."""
        return _HOLDERS.fullmatch(self.text) is not None


@dataclass(frozen=True, eq=False, slots=True)
class StorageKey:
    """A storage: numbers in an entry of the archive."""

    key: str
    dtype: str
    """Empty if untyped."""
    count: int
    """Numbers; bytes if untyped."""

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.count * (BITS[self.dtype] // 8 if self.dtype else 1)


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """A tensor: a view of a storage."""

    storage: StorageKey
    dtype: str
    offset: int
    """Numbers before its first one in the storage."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    whole: Wrapper | None = None
    """What is said of the tensor that it is a part of."""


@dataclass(frozen=True, eq=False, slots=True)
class Wrapped:
    """A tensor of a class of its own: views, and what is said of them."""

    views: dict[str, View]
    wrapper: Wrapper


class _Mark:
    pass


_MARK = _Mark()
_BYTES, _LIST, _SET, _LARGE = Opaque("bytes"), Opaque("list"), Opaque("set"), Opaque("int")


def take_apart(text: bytes, name: str, *, legacy: bool = False) -> tuple[Any, dict[str, StorageKey]]:
    """The object that a pickle describes: dicts by the keys that are text, views, plain values, and opaque rest.

    Parameters
    ----------
    text : the pickle.
    name : of the file, for messages.
    legacy : whether it refers to storages as torch.save did before 1.6.

    Returns
    -------
    tuple
        Its root, a dict, View, Opaque, or plain value; dicts may hold themselves. All storages by key.

    Raises
    ------
    CheckpointError
        If it is damaged or too long, or names a class, function or opcode that is not known.
    """
    machine = _Machine(text, name, legacy=legacy)
    return machine.run(), machine.storages


class _Machine:
    def __init__(self, text: bytes, name: str, *, legacy: bool) -> None:
        self._text, self._name, self._legacy = text, name, legacy
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self.storages: dict[str, StorageKey] = {}

    def run(self) -> Any:
        stream = io.BytesIO(self._text)
        opcodes = pickletools.genops(stream)
        for _ in range(MOST_STEPS):
            at = stream.tell()
            code = self._text[at] if at < len(self._text) else None
            step = _STEPS.get(code)
            if step is None:
                if code not in _OPCODES:
                    raise self._damaged("no opcode")
                raise HostileError(
                    f"{self._name} holds a pickle with opcode {_OPCODES[code]}, which torch.save never writes "
                    f"(nothing was run); {WAY_OUT}."
                )
            if code == _GLOBAL and b"\\" in self._text[at : self._text.find(b"\n", self._text.find(b"\n", at) + 1)]:
                raise self._damaged("a backslash in a name")  # pickletools takes it for an escape, pickle does not
            try:
                _, argument, _ = next(opcodes)
            except (ValueError, OverflowError) as error:
                raise self._damaged("an argument that is cut off or no text") from error
            if code == _STOP:
                if stream.tell() < len(self._text):
                    raise self._damaged("bytes after its end")
                return self._pop()
            step(self, argument)
        raise HostileError(f"{self._name} holds a pickle of over {MOST_STEPS} opcodes; {WAY_OUT}.")

    def _damaged(self, found: str) -> CheckpointError:
        return DamagedError(
            f"{self._name} holds a pickle with {found} where torch.save writes none; obtain it again, or {WAY_OUT}."
        )

    def _refused(self, name: str) -> CheckpointError:
        what = _OTHER_TENSORS.get(name.rpartition(".")[2])
        if what is not None or name.startswith(("torch.", "torchao.", "__torch__")):
            return UnsupportedError(
                f"{self._name} holds {what or 'an object'} ({name!r:.120}), which is not read; {WAY_OUT}."
            )
        return HostileError(
            f"{self._name} names {name!r:.120}, which no plain checkpoint needs and which could run code where it is "
            f"loaded (nothing was run here); {WAY_OUT}."
        )

    # ---- the stack

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise self._damaged("too few values")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                found = self._stack[at + 1 :]
                del self._stack[at:]
                return found
        raise self._damaged("no mark")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def push_number(self, value: int | float) -> None:
        """A number; one that is too large to be of use is not kept."""
        self._push(value if abs(value) < 1 << 63 or isinstance(value, float) else _LARGE)

    def push_tuple(self, values: list[Any]) -> None:
        """A tuple."""
        self._push(tuple(values))

    def last(self, count: int) -> list[Any]:
        """Pop some values."""
        return [self._pop() for _ in range(count)][::-1]

    def duplicate(self, _: Any) -> None:
        """DUP."""
        self._push(value := self._pop())
        self._push(value)

    def pop_one(self, _: Any) -> None:
        """POP, which also takes a mark."""
        if self._stack and self._stack[-1] is _MARK:
            self._stack.pop()
        else:
            self._pop()

    # ---- containers

    def append(self, values: list[Any]) -> None:
        """Values added to a list or set, whose content is not kept."""
        del values
        if not isinstance(target := self._pop(), Opaque):
            raise self._damaged(f"a list expected and {type(target).__name__} found")
        self._push(target)

    def fill(self, values: list[Any]) -> None:
        """Items added to a dict; those of an opaque one, and those whose key is no text, are not kept."""
        target = self._pop()
        self._push(target)
        if len(values) % 2 or not isinstance(target, dict | Opaque):
            raise self._damaged(f"a dict expected and {type(target).__name__} found")
        if isinstance(target, dict):
            for key, value in zip(values[::2], values[1::2], strict=True):
                if isinstance(key, str):
                    if key in target:
                        raise self._damaged(f"two entries named {key!r:.120}")
                    target[key] = value

    def fill_new(self, values: list[Any]) -> None:
        """DICT."""
        self._push({})
        self.fill(values)

    # ---- memo

    def keep(self, index: int | None) -> None:
        """PUT and MEMOIZE."""
        value = self._pop()
        self._push(value)
        self._memo[len(self._memo) if index is None else index] = value

    def recall(self, index: int) -> None:
        """GET."""
        if index not in self._memo:
            raise self._damaged("a reference to nothing")
        self._push(self._memo[index])

    # ---- names, and what is done with them

    def name(self, text: str) -> None:
        """GLOBAL: module and name, with a space between."""
        self._named(*text.split(" ", 1))

    def name_of_stack(self, _: Any) -> None:
        """STACK_GLOBAL."""
        module, name = self.last(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise self._damaged("a name that is no text")
        self._named(module, name)

    def _named(self, module: str, name: str) -> None:
        text = f"{module}.{name}"
        if "." in name:  # an attribute of an attribute may be anything, whatever the module
            raise self._refused(text)
        known = text in _BUILDERS or text in (_ORDERED, _WRAPPING, *_PLAIN_TENSORS) or _storage_type(text) is not None
        if not known and not any(kind.fullmatch(text) for kind in _KNOWN):
            raise self._refused(text)
        self._push(Name(text))

    def make(self, values: list[Any]) -> None:
        """REDUCE and NEWOBJ: what a known function gives; nothing is called."""
        target, arguments = values
        if not isinstance(target, Name) or not isinstance(arguments, tuple):
            raise self._damaged(f"a call of {type(target).__name__}")
        self._push(self._made(target.text, arguments))

    def _made(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if name in _BUILDERS:
            return _BUILDERS[name](self, name, arguments)
        if name == _ORDERED:
            if arguments:
                raise self._damaged(f"{name} with arguments")
            return {}
        if name in (_WRAPPING, *_PLAIN_TENSORS) or _storage_type(name) is not None or _WRAPPERS.fullmatch(name):
            raise self._damaged(f"a call of {name}")
        return Opaque(name)

    def make_with_names(self, _: Any) -> None:
        """NEWOBJ_EX."""
        target, arguments, _ = self.last(3)
        self.make([target, arguments])

    def build(self, _: Any) -> None:
        """BUILD: attributes of a dict (as of a state dict) or of something opaque, which are not kept."""
        self._pop()
        target = self._pop()
        if not isinstance(target, dict | Opaque):
            raise self._damaged(f"attributes of {type(target).__name__}")
        self._push(target)

    def storage(self, _: Any) -> None:
        """BINPERSID: ``('storage', class, key, device, count)``, before 1.6 with what it is a part of behind it."""
        given = self._pop()
        if self._legacy and isinstance(given, tuple) and len(given) == 6:
            if given[5] is not None:
                raise UnsupportedError(f"{self._name} holds a storage that is a part of another; {WAY_OUT}.")
            given = given[:5]
        if isinstance(given, tuple) and len(given) == 5 and given[0] == "storage":
            _, kind, key, _, count = given
            dtype = _storage_type(kind.text) if isinstance(kind, Name) else None
            if dtype is not None and isinstance(key, str) and _is_count(count):
                said = StorageKey(key, dtype, count)
                first = self.storages.setdefault(key, said)
                if (first.dtype, first.count) != (dtype, count):  # torch would take the first for both
                    raise self._damaged(f"the storage {key!r:.60} described twice, otherwise,")
                self._push(said)
                return
        raise self._damaged("a reference to something else than a storage")

    # ---- tensors

    def view(self, name: str, arguments: tuple[Any, ...]) -> View:
        """``_rebuild_tensor``, and ``_v2`` and ``_v3`` with its further arguments."""
        fixed = {"torch._utils._rebuild_tensor": 4, "torch._utils._rebuild_tensor_v2": 6}.get(name, 7)
        allowed = (fixed,) if fixed == 4 else (fixed, fixed + 1)
        if len(arguments) not in allowed:
            raise self._damaged(f"{len(arguments)} arguments of {name}")
        storage, offset, shape, strides = arguments[:4]
        sound = isinstance(storage, StorageKey) and _is_count(offset) and isinstance(shape, tuple)
        sound = sound and isinstance(strides, tuple) and len(shape) == len(strides) <= _MOST_AXES
        if not sound or not all(map(_is_count, (*shape, *strides))):
            raise self._damaged(f"impossible arguments of {name}")
        dtype = storage.dtype
        if fixed == 7:
            said = arguments[6].text.removeprefix("torch.") if isinstance(arguments[6], Name) else ""
            if said not in DTYPES:
                raise UnsupportedError(f"{self._name} holds a tensor of type {said!r:.60}; {WAY_OUT}.")
            dtype = DTYPES[said]
        if not dtype or (storage.dtype and dtype != storage.dtype):
            raise self._damaged(f"a tensor of type {dtype or 'unknown'} in a storage of {storage.dtype or 'bytes'}")
        if len(arguments) > max(fixed, 4):
            self._check_metadata(arguments[-1])
        return View(storage, dtype, offset, shape, strides)

    def _check_metadata(self, metadata: Any) -> None:
        """Refuse views that conjugate or negate what is stored."""
        plain = metadata is None or (isinstance(metadata, dict) and all(v is False for v in metadata.values()))
        if not plain:
            raise UnsupportedError(
                f"{self._name} holds a tensor that conjugates or negates the numbers stored for it; {WAY_OUT}."
            )

    def parameter(self, name: str, arguments: tuple[Any, ...]) -> View | Wrapped:
        """``_rebuild_parameter`` and ``_rebuild_parameter_with_state``: the tensor is the first argument."""
        if len(arguments) != (4 if name.endswith("state") else 3) or not isinstance(arguments[0], View | Wrapped):
            raise self._damaged(f"impossible arguments of {name}")
        self._check_attributes(arguments[3] if len(arguments) > 3 else None)
        return arguments[0]

    def _check_attributes(self, state: Any) -> None:
        """Refuse attributes that loading would set on a tensor, but those of training: some replace its numbers.

        A state is a dict, or a tuple of one and of another for slots.
        """
        for one in state if isinstance(state, tuple) else (state,):
            if not isinstance(one, dict | None):
                raise self._damaged(f"attributes of a tensor in {type(one).__name__}")
            for key in one or ():
                if not _ATTRIBUTES.fullmatch(key):
                    raise UnsupportedError(
                        f"{self._name} holds a tensor on which loading sets {key!r:.80}, not known here; {WAY_OUT}."
                    )

    def with_attributes(self, name: str, arguments: tuple[Any, ...]) -> View | Wrapped:
        """``_rebuild_from_type_v2``: a function, a class, its arguments, attributes."""
        if len(arguments) != 4 or not all(isinstance(one, Name) for one in arguments[:2]):
            raise self._damaged(f"impossible arguments of {name}")
        function, kind, given, state = arguments
        if function.text == _WRAPPING:
            if not _WRAPPERS.fullmatch(kind.text):
                raise self._refused(_WRAPPING)
            return self._wrapped(kind.text, given, state)
        self._check_attributes(state)
        if kind.text not in _PLAIN_TENSORS:
            raise UnsupportedError(
                f"{self._name} holds a tensor of the class {kind.text!r:.120}, which is not read; {WAY_OUT}."
            )
        if function.text == name or function.text not in _BUILDERS or not isinstance(given, tuple):
            raise self._damaged(f"impossible arguments of {name}")
        return _BUILDERS[function.text](self, function.text, given)

    def _wrapped(self, kind: str, given: Any, state: Any) -> Wrapped:
        """A tensor of a class of torchao: its shape is the third argument, and all else its attributes."""
        shape = given[2] if isinstance(given, tuple) and len(given) == 8 else None
        if not isinstance(shape, tuple) or len(shape) > _MOST_AXES or not all(map(_is_count, shape)):
            raise self._damaged(f"impossible arguments of {kind}")
        if not isinstance(state, dict):
            raise self._damaged(f"attributes of a tensor in {type(state).__name__}")
        views = {key: value for key, value in state.items() if isinstance(value, View) and key in PARTS}
        if "qdata" not in views:
            raise self._damaged(f"no numbers of a {kind}")
        others = {key: _plain(value) for key, value in state.items() if key not in views}
        return Wrapped(views, Wrapper.of(kind.rpartition(".")[2], others | {"shape": shape}, shape))


def _plain(value: Any) -> Any:
    """A name by its last word."""
    return value.text.rpartition(".")[2] if isinstance(value, Name) else value


def _storage_type(name: str) -> str | None:
    module, _, last = name.rpartition(".")
    return STORAGES.get(last) if module in ("torch", "torch.storage") else None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST


_KNOWN = (_CONSTANTS, _HOLDERS, _WRAPPERS, _OF_WRAPPERS)
_BUILDERS: dict[str, Callable[[_Machine, str, tuple[Any, ...]], View | Wrapped]] = {
    "torch._utils._rebuild_tensor": _Machine.view,
    "torch._utils._rebuild_tensor_v2": _Machine.view,
    "torch._utils._rebuild_tensor_v3": _Machine.view,
    "torch._utils._rebuild_parameter": _Machine.parameter,
    "torch._utils._rebuild_parameter_with_state": _Machine.parameter,
    "torch._tensor._rebuild_from_type_v2": _Machine.with_attributes,
}

Step = Callable[[_Machine, Any], None]


def _constant(value: Any) -> Step:
    return lambda machine, _: machine._push(value)


def _of_mark(step: Callable[[_Machine, list[Any]], None]) -> Step:
    return lambda machine, _: step(machine, machine._pop_to_mark())


def _of_last(step: Callable[[_Machine, list[Any]], None], count: int) -> Step:
    return lambda machine, _: step(machine, machine.last(count))


_BY_NAME: dict[str, Step] = {
    "PROTO": lambda *_: None,
    "FRAME": lambda *_: None,
    "STOP": lambda *_: None,
    "MARK": _constant(_MARK),
    "POP": _Machine.pop_one,
    "POP_MARK": _of_mark(lambda *_: None),
    "DUP": _Machine.duplicate,
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"), _Machine.push_number),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _Machine._push),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), _constant(_BYTES)),
    "EMPTY_TUPLE": _constant(()),
    "TUPLE1": _of_last(_Machine.push_tuple, 1),
    "TUPLE2": _of_last(_Machine.push_tuple, 2),
    "TUPLE3": _of_last(_Machine.push_tuple, 3),
    "TUPLE": _of_mark(_Machine.push_tuple),
    "EMPTY_LIST": _constant(_LIST),
    "LIST": _of_mark(lambda machine, _: machine._push(_LIST)),
    "EMPTY_SET": _constant(_SET),
    "FROZENSET": _of_mark(lambda machine, _: machine._push(_SET)),
    "APPEND": _of_last(_Machine.append, 1),
    "APPENDS": _of_mark(_Machine.append),
    "ADDITEMS": _of_mark(_Machine.append),
    "EMPTY_DICT": lambda machine, _: machine._push({}),
    "DICT": _of_mark(_Machine.fill_new),
    "SETITEM": _of_last(_Machine.fill, 2),
    "SETITEMS": _of_mark(_Machine.fill),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.keep),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.recall),
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_of_stack,
    "REDUCE": _of_last(_Machine.make, 2),
    "NEWOBJ": _of_last(_Machine.make, 2),
    "NEWOBJ_EX": _Machine.make_with_names,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.storage,
}
_STOP, _GLOBAL = ord("."), ord("c")
_OPCODES: dict[int | None, str] = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
_STEPS = {code: _BY_NAME[name] for code, name in _OPCODES.items() if name in _BY_NAME}
