"""Write files of torch.save opcode by opcode, without torch: sound ones, and those that torch never writes."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex64": "ComplexFloatStorage",
}
FLOAT8 = {"float8_e4m3fn", "float8_e5m2"}


@dataclass(frozen=True)
class Global:
    """A class or function by module and name."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """What calling something gives (REDUCE), or making one of a class (another opcode), and perhaps its state."""

    function: Any
    arguments: tuple[Any, ...] = ()
    opcode: bytes = b"R"
    state: Any = None


@dataclass(frozen=True)
class Persistent:
    """An object outside the pickle (BINPERSID)."""

    what: Any


@dataclass(frozen=True)
class Raw:
    """Opcodes as they are."""

    code: bytes


REBUILD = Global("torch._utils", "_rebuild_tensor_v2")
HOOKS = Call(Global("collections", "OrderedDict"))


def pickled(root: Any) -> bytes:
    """A pickle of protocol 2, without memo, of plain values and of the classes above."""
    return b"\x80\x02" + _code(root) + b"."


def _code(value: Any) -> bytes:
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            size = value.bit_length() // 8 + 1
            return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            text = value.encode("utf-8", "surrogatepass")
            return b"X" + struct.pack("<I", len(text)) + text
        case bytes():
            return b"C" + bytes([len(value)]) + value
        case tuple():
            return b"(" + b"".join(map(_code, value)) + b"t"
        case list():
            return b"](" + b"".join(map(_code, value)) + b"e"
        case Mapping():
            return b"}(" + b"".join(_code(k) + _code(v) for k, v in value.items()) + b"u"
        case Global():
            return f"c{value.module}\n{value.name}\n".encode()
        case Call():
            state = b"" if value.state is None else _code(value.state) + b"b"
            return _code(value.function) + _code(value.arguments) + value.opcode + state
        case Persistent():
            return _code(value.what) + b"Q"
        case Raw():
            return value.code
    raise TypeError(f"{type(value).__name__} cannot be written")


def storage(key: str, kind: str, count: int) -> Persistent:
    """A reference to an entry."""
    module = "torch.storage" if kind == "UntypedStorage" else "torch"
    return Persistent(("storage", Global(module, kind), key, "cpu", count))


def legacy(root: Any, held: Mapping[str, NDArray[Any]], **parts: bytes) -> bytes:
    """A file as torch.save wrote it before 1.6, with some of its parts otherwise."""
    own = {
        "magic": pickled(0x1950A86A20F9469CFC6C),
        "version": b"\x80\x02M\xe9\x03.",
        "machine": pickled({"little_endian": True}),
        "tensors": pickled(root),
        "keys": pickled(list(held)),
        "storages": b"".join(struct.pack("<q", x.size) + x.tobytes() for x in held.values()),
    }
    return b"".join((own | parts).values())


def legacy_storage(key: str, kind: str, count: int, part_of: Any = None) -> Persistent:
    """A reference to a storage, as before torch 1.6."""
    return Persistent(("storage", Global("torch", kind), key, "cpu", count, part_of))


def tensor(
    key: str,
    count: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int = 0,
    dtype: str = "float32",
) -> Call:
    """A view of an entry, as torch.save describes one."""
    if dtype in STORAGES:
        return Call(REBUILD, (storage(key, STORAGES[dtype], count), offset, shape, strides, False, HOOKS))
    function = Global("torch._utils", "_rebuild_tensor_v3")
    held = storage(key, "UntypedStorage", count * np.dtype(getattr(ml_dtypes, dtype)).itemsize)
    return Call(function, (held, offset, shape, strides, False, HOOKS, Global("torch", dtype)))


@dataclass
class TorchFile:
    """A file in the making: entries by name inside the one folder, and a root."""

    entries: dict[str, bytes] = field(default_factory=dict)
    byteorder: str | None = "little"
    top: str = "archive"

    def add(self, x: NDArray[Any]) -> Call:
        """Keep an array in an entry of its own, in whatever order of axes it lies in memory."""
        order = [int(axis) for axis in np.argsort([-step for step in x.strides], kind="stable")]
        stored = np.array(x.transpose(order), order="C")
        strides = [0] * x.ndim
        for axis, step in zip(order, stored.strides, strict=True):
            strides[axis] = step // x.itemsize
        key = str(sum(name.startswith("data/") for name in self.entries))
        raw = stored.reshape(-1).view(f"<u{x.itemsize}")
        self.entries[f"data/{key}"] = raw.astype(f"{'>' if self.byteorder == 'big' else '<'}u{x.itemsize}").tobytes()
        return tensor(key, x.size, x.shape, tuple(strides), dtype=x.dtype.name)

    def content(self, root: Any) -> bytes:
        """All bytes; a root of bytes is the pickle itself."""
        named = {"data.pkl": root if isinstance(root, bytes) else pickled(root)}
        named |= {} if self.byteorder is None else {"byteorder": self.byteorder.encode()}
        buffer = io.BytesIO()
        with ZipFile(buffer, "w", ZIP_STORED) as archive:
            for name, content in (named | self.entries | {"version": b"3\n"}).items():
                archive.writestr(f"{self.top}/{name}", content)
        return buffer.getvalue()


def saved(tensors: Mapping[str, NDArray[Any]], byteorder: str | None = "little") -> bytes:
    """A file that holds a state dict."""
    made = TorchFile(byteorder=byteorder)
    return made.content({name: made.add(x) for name, x in tensors.items()})


def write(path: Path, root: Any, entries: dict[str, bytes] | None = None) -> Path:
    """Write a file of some root."""
    path.write_bytes(TorchFile(dict(entries or {})).content(root))
    return path
