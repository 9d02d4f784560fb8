"""A file of torch.save may hold any program: none is run, and whatever is strange is refused in one sentence."""

from __future__ import annotations

import ast
import io
import pickle
import struct
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.checkpoints import toy, write_checkpoint
from tests.refusals import one_line, refused
from tests.torch_files import (
    HOOKS,
    REBUILD,
    Call,
    Global,
    Persistent,
    Raw,
    TorchFile,
    legacy,
    legacy_storage,
    pickled,
    saved,
    storage,
    tensor,
    write,
)
from verify.base import CheckpointError, DamagedError, HostileError, UnsupportedError
from verify.checkpoint.formats import pickle_machine, torch_file, torch_legacy, zip_entries
from verify.checkpoint.formats.pickle_machine import take_apart
from verify.checkpoint.formats.torch_file import contents
from verify.checkpoint.places.place import LocalFile

X = np.arange(6, dtype=np.float32).reshape(2, 3)
SOUND = tensor("0", 6, (2, 3), (3, 1))
SAVED = Path(__file__).parent / "torch_saved"


def opened(folder: Path, content: bytes) -> dict[str, Any]:
    """Everything in a file of these bytes, read to the end."""
    path = folder / "model.pt"
    path.write_bytes(content)
    found = contents(LocalFile(path)).tensors
    for one in found.values():
        for _ in one.iter_bytes():
            pass
    return found


def refusal(folder: Path, root: Any, kind: type[CheckpointError] = CheckpointError) -> str:
    """The sentence with which a root, beside a sound tensor, is refused."""
    made = TorchFile({"data/0": X.tobytes()})
    content = made.content(root if isinstance(root, bytes) else {"w": SOUND, "x": root})
    with pytest.raises(kind) as caught:
        opened(folder, content)
    return one_line(caught.value)


def test_what_is_refused_beside_a_tensor_is_refused_for_itself(tmp_path: Path) -> None:
    """The same file with something harmless in its place is read."""
    made = TorchFile({"data/0": X.tobytes()})
    assert opened(tmp_path, made.content({"w": SOUND, "x": 3})).keys() == {"w"}


# Nothing is run


DANGEROUS = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("__builtin__", "apply"),
    ("builtins", "__import__"),
    ("importlib", "import_module"),
    ("runpy", "run_path"),
    ("sys", "modules"),
    ("operator", "attrgetter"),
    ("functools", "partial"),
    ("torch", "load"),
    ("torch.hub", "load"),
    ("torch.serialization", "load"),
    ("torch._utils", "_rebuild_everything"),
    ("torch.storage", "_load_from_bytes"),
    ("torch.jit", "load"),
    ("numpy", "load"),
    ("numpy.testing._private.utils", "runstring"),
    ("pickle", "loads"),
    ("_pickle", "loads"),
    ("transformers.utils", "os.system"),
    ("collections", "OrderedDict.fromkeys"),
    ("collections.OrderedDict", "fromkeys"),
    ("argparse", "Namespace.__init__.__globals__"),
    ("omegaconf", "os"),
    ("__main__", "run"),
    ("builtins", ""),
    ("", "eval"),
]


@pytest.mark.parametrize(("module", "name"), DANGEROUS)
@pytest.mark.parametrize("how", ["GLOBAL", "REDUCE", "STACK_GLOBAL"])
def test_a_name_that_is_not_known_is_refused_and_named(tmp_path: Path, module: str, name: str, how: str) -> None:
    """Whether it is called or only named, and by either opcode."""
    named: Any = Global(module, name)
    if how == "REDUCE":
        named = Call(named, ("touch never",))
    if how == "STACK_GLOBAL":
        text = pickled((module, name))[2:-1]
        named = Raw(text[1:-1] + b"\x93")
    said = refusal(tmp_path, named, HostileError if not module.startswith("torch") else UnsupportedError)
    assert repr(f"{module}.{name}")[1:-1] in said


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose import, classes and functions leave a mark; of a name that may lie beside weights."""
    (tmp_path / "path" / "mmengine").mkdir(parents=True)
    mark = tmp_path / "mark"
    (tmp_path / "path" / "mmengine" / "__init__.py").write_text(
        f"from pathlib import Path\nmark = Path({str(mark)!r})\nmark.write_text('imported')\n"
        "class Config(dict):\n"
        "    def __init__(self, *_): mark.write_text('made')\n"
        "    def __setstate__(self, _): mark.write_text('built')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    monkeypatch.delitem(sys.modules, "mmengine", raising=False)
    yield mark
    sys.modules.pop("mmengine", None)


SPRUNG = {
    "named": Global("mmengine", "Config"),
    "called": Call(Global("mmengine", "Config")),
    "made": Call(Global("mmengine", "Config"), opcode=b"\x81"),
    "built": Call(Global("mmengine", "Config"), state={"a": 1}),
}


@pytest.mark.parametrize("how", SPRUNG)
def test_what_may_lie_beside_weights_is_neither_imported_nor_called(tmp_path: Path, trap: Path, how: str) -> None:
    """While the tensors are read; unpickling the same bytes springs the trap."""
    made = TorchFile({"data/0": X.tobytes()})
    root = {"state_dict": {"w": SOUND}, "config": SPRUNG[how]}
    assert opened(tmp_path, made.content(root)).keys() == {"w"}
    assert not trap.exists()
    assert "mmengine" not in sys.modules
    pickle.loads(pickled(SPRUNG[how]))
    assert trap.exists()


def test_the_reader_has_no_way_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """It imports nothing that unpickles, looks nothing up by name, and imports nothing while it reads."""
    for module in (pickle_machine, torch_file, torch_legacy, zip_entries):
        tree = ast.parse(Path(module.__file__).read_text())
        imported = {
            one.partition(".")[0]
            for node in ast.walk(tree)
            for one in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""] * (not node.level)
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not imported & {"pickle", "_pickle", "importlib", "torch", "os", "sys", "builtins", "operator"}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not used & {"getattr", "eval", "exec", "__import__", "compile", "globals", "vars"}

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    text = pickled({"w": SOUND, "x": Call(Global("argparse", "Namespace"), opcode=b"\x81", state={"a": 1})})
    monkeypatch.setattr("builtins.__import__", never)
    take_apart(text, "model.pt")


# What a pickle may say


UNKNOWN = {
    "INST": Raw(b"(ios\nsystem\n"),
    "OBJ": Raw(b"(cargparse\nNamespace\no"),
    "EXT1": Raw(b"\x82\x01"),
    "EXT2": Raw(b"\x83\x01\x00"),
    "EXT4": Raw(b"\x84\x01\x00\x00\x00"),
    "PERSID": Raw(b"Pabc\n"),
    "STRING": Raw(b"S'\\q'\n"),
    "UNICODE": Raw(b"V\\q\n"),
    "INT": Raw(b"I1\n"),
    "LONG": Raw(b"L" + b"9" * 5000 + b"L\n"),
    "FLOAT": Raw(b"F1.0\n"),
    "NEXT_BUFFER": Raw(b"\x97"),
}


@pytest.mark.parametrize("opcode", UNKNOWN)
def test_an_opcode_that_torch_never_writes_is_named(tmp_path: Path, opcode: str) -> None:
    """Before its argument is parsed."""
    assert f"opcode {opcode}," in refusal(tmp_path, UNKNOWN[opcode], HostileError)


NAMESPACE = Global("argparse", "Namespace")
STRANGE = {
    "a call of a number": Call(3),
    "a call of what a call gave": Call(Call(NAMESPACE)),
    "a call of a text": Call("os.system"),
    "a call without a tuple": Raw(b"cargparse\nNamespace\n]R"),
    "a class made of no class": Call(3, opcode=b"\x81"),
    "a class made of a function": Call(REBUILD, opcode=b"\x81"),
    "attributes of a number": Raw(b"K\x01}b"),
    "attributes of a tensor": Raw(pickled(SOUND)[2:-1] + b"}b"),
    "a mark as a value": Raw(b"(\x85"),
    "a mark duplicated": Raw(b"(2"),
    "no mark": Raw(b"0" * 50 + b"t"),
    "an empty stack": Raw(b"0" * 50 + b"R"),
    "a memo of nothing": Raw(b"h\x07"),
    "a memo of a mark": Raw(b"(q\x01"),
    "items of a number": Raw(b"K\x01K\x02K\x03s"),
    "half an item": Raw(b"}(K\x01u"),
    "appended to a dict": Raw(b"}K\x01a"),
    "an ordered dict of arguments": Call(Global("collections", "OrderedDict"), ((),)),
    "a storage called": Call(Global("torch", "FloatStorage"), ()),
    "a tensor called": Call(Global("torch", "Tensor"), ()),
    "one key twice": Raw(b"}(X\1\0\0\0aNX\1\0\0\0aNu"),
    "a name that is no text": Raw(b"K\x01K\x02\x93"),
    "text that is not UTF-8": Raw(b"X\1\0\0\0\xff"),
    "text beyond the end": Raw(b"X\xff\xff\xff\x7fab"),
    "bytes beyond memory": Raw(b"\x8e" + b"\xff" * 8),
    "a name beyond the end": Raw(b"cos"),
    "a name with an escape": Raw(b"ctorch\n\\x46loatStorage\n"),
    "a name with half an escape": Raw(b"ctorch\nFloat\\Storage\n"),
    "no such opcode": Raw(b"\xff"),
    "a persistent number": Persistent(3),
    "a persistent nothing": Persistent(()),
    "a persistent text": Persistent(("module", "os", "system", "x", 1)),
    "a storage of six": Persistent(("storage", Global("torch", "FloatStorage"), "0", "cpu", 6, None)),
    "a storage of no class": Persistent(("storage", "FloatStorage", "0", "cpu", 6)),
    "a storage of another class": Persistent(("storage", NAMESPACE, "0", "cpu", 6)),
    "a storage by number": Persistent(("storage", Global("torch", "FloatStorage"), 0, "cpu", 6)),
    "a storage of fewer than none": storage("0", "FloatStorage", -6),
    "a storage of true": Persistent(("storage", Global("torch", "FloatStorage"), "0", "cpu", True)),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_pickle_that_makes_no_sense_is_one_sentence(tmp_path: Path, what: str) -> None:
    """Whatever its opcodes do to each other."""
    assert "model.pt holds a pickle with" in refusal(tmp_path, STRANGE[what], DamagedError)


HELD = storage("0", "FloatStorage", 6)


def view(*arguments: Any, function: str = "_rebuild_tensor_v2", module: str = "torch._utils") -> Call:
    return Call(Global(module, function), arguments)


PLAIN = (HELD, 0, (2, 3), (3, 1), False, HOOKS)
TENSORS: dict[str, Any] = {
    "no arguments": view(),
    "nine arguments": view(*PLAIN, None, None, None),
    "no storage": view("0", *PLAIN[1:]),
    "a tensor for a storage": view(SOUND, *PLAIN[1:]),
    "a negative offset": view(HELD, -1, *PLAIN[2:]),
    "an offset beyond the storage": view(HELD, 1, *PLAIN[2:]),
    "a fractional offset": view(HELD, 0.0, *PLAIN[2:]),
    "a huge offset": view(HELD, 2**63, *PLAIN[2:]),
    "an offset that wraps around": view(HELD, 2**64 - 1, *PLAIN[2:]),
    "a negative size": view(HELD, 0, (-2, 3), (3, 1), False, HOOKS),
    "a size of true": view(HELD, 0, (True, 3), (3, 1), False, HOOKS),
    "a size of text": view(HELD, 0, "23", (3, 1), False, HOOKS),
    "a size that overflows": view(HELD, 0, (2**40, 2**40), (3, 1), False, HOOKS),
    "sizes whose product wraps around": view(HELD, 0, (2**32, 2**32), (0, 0), False, HOOKS),
    "a list of sizes": view(HELD, 0, [2, 3], (3, 1), False, HOOKS),
    "a negative stride": view(HELD, 5, (2, 3), (-3, -1), False, HOOKS),
    "a stride beyond the storage": view(HELD, 0, (2, 3), (4, 1), False, HOOKS),
    "a stride too few": view(HELD, 0, (2, 3), (1,), False, HOOKS),
    "a hundred axes": view(HELD, 0, (1,) * 100, (1,) * 100, False, HOOKS),
    "a storage that is not there": view(storage("7", "FloatStorage", 6), *PLAIN[1:]),
    "a storage outside": view(storage("../data.pkl", "FloatStorage", 6), *PLAIN[1:]),
    "a storage larger than its entry": view(storage("0", "FloatStorage", 7), *PLAIN[1:]),
    "a storage smaller than its entry": view(storage("0", "FloatStorage", 5), 0, (1,), (1,), False, HOOKS),
    "a storage of another type": view(storage("0", "DoubleStorage", 6), *PLAIN[1:]),
    "bytes without a type": view(storage("0", "UntypedStorage", 24), *PLAIN[1:]),
    "an unknown type": view(
        storage("0", "UntypedStorage", 24), *PLAIN[1:], Global("torch", "bits8"), function="_rebuild_tensor_v3"
    ),
    "another type": view(*PLAIN, Global("torch", "int32"), function="_rebuild_tensor_v3"),
    "a type that is text": view(*PLAIN, "torch.float32", function="_rebuild_tensor_v3"),
    "negated": view(*PLAIN, {"neg": True}),
    "conjugated": view(*PLAIN, {"conj": True}),
    "with metadata of a device": view(*PLAIN, {"neg": False, "x": 1}),
    "a parameter of nothing": view(None, True, HOOKS, function="_rebuild_parameter"),
    "a parameter of a storage": view(HELD, True, HOOKS, function="_rebuild_parameter"),
    "a parameter of too much": view(SOUND, True, HOOKS, {}, function="_rebuild_parameter"),
    "a class that wraps": view(
        REBUILD, Global("__main__", "Wrapper"), PLAIN, {}, function="_rebuild_from_type_v2", module="torch._tensor"
    ),
    "a function that is text": view(
        "os.system", Global("torch", "Tensor"), PLAIN, {}, function="_rebuild_from_type_v2", module="torch._tensor"
    ),
    "itself": view(
        Global("torch._tensor", "_rebuild_from_type_v2"),
        Global("torch", "Tensor"),
        (),
        {},
        function="_rebuild_from_type_v2",
        module="torch._tensor",
    ),
}


@pytest.mark.parametrize("what", TENSORS)
def test_a_tensor_that_cannot_be_is_one_sentence(tmp_path: Path, what: str) -> None:
    """Sizes, strides and offsets must lie in the storage, and the storage must be the entry."""
    refusal(tmp_path, TENSORS[what])


def test_the_tensors_refused_above_are_so_for_one_reason_each(tmp_path: Path) -> None:
    """Each ingredient alone is read."""
    sound = [
        view(*PLAIN),
        view(*PLAIN, None),
        view(*PLAIN, {"neg": False}),
        view(*PLAIN[:4], function="_rebuild_tensor"),
        view(
            storage("1", "UntypedStorage", 24), *PLAIN[1:], Global("torch", "float32"), function="_rebuild_tensor_v3"
        ),
        view(view(*PLAIN), True, HOOKS, function="_rebuild_parameter"),
        view(view(*PLAIN), True, HOOKS, {"partition_dim": 1}, function="_rebuild_parameter_with_state"),
        view(REBUILD, Global("torch", "Tensor"), PLAIN, {}, function="_rebuild_from_type_v2", module="torch._tensor"),
        view(HELD, 0, (0, 3), (7, 1), False, HOOKS),
    ]
    made = TorchFile({"data/0": X.tobytes(), "data/1": X.tobytes()})
    found = opened(tmp_path, made.content({f"w{n}": one for n, one in enumerate(sound)}))
    assert len(found) == len(sound)
    assert all(one.read().tobytes() == X.tobytes() for name, one in found.items() if name != "w8")


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ({"a\nb": SOUND}, "printable"),
        ({"\ud800": SOUND}, "printable"),
        ({"a" * 901: SOUND}, "901 characters"),
        ({"a" * 800: {"b" * 800: SOUND, "c": SOUND}, "d": {"e": SOUND}}, "at most 900"),
        ({"a.b": SOUND, "a": {"b": SOUND}}, "once"),
        ({}, "no dict of tensors"),
        ({"optimizer": {"state": {"w": SOUND}, "param_groups": []}, "epoch": 1}, "beside it 'optimizer'"),
        ([SOUND], "holds 'list'"),
        (SOUND, "holds 'View'"),
        (3, "holds 'int'"),
        (Call(NAMESPACE), "holds 'argparse.Namespace'"),
        ({"w": SOUND, "x": Call(Global("numpy.core.multiarray", "_reconstruct"), (1,))}, "among tensors"),
        ({"w": SOUND, "x": Call(Global("megatron.core", "ShardedTensor"))}, "among tensors"),
    ],
)
def test_a_root_without_plain_tensors_by_name_is_refused(tmp_path: Path, root: Any, says: str) -> None:
    """And so are names that no message can show."""
    made = TorchFile({"data/0": X.tobytes()})
    with pytest.raises(CheckpointError) as caught:
        opened(tmp_path, made.content(root))
    assert says in one_line(caught.value)


# Bombs


def nested(depth: int) -> bytes:
    """Dicts in dicts."""
    return b"\x80\x02" + b"}X\1\0\0\0a" * depth + pickled(SOUND)[2:-1] + b"s" * depth + b"."


def doubling(depth: int) -> bytes:
    """Each dict holds the one before it twice: 2^depth paths to a tensor."""
    code = b"\x80\x02" + pickled({"w": SOUND})[2:-1] + b"q\0"
    for _ in range(depth):
        code += b"}(X\1\0\0\0ah\0X\1\0\0\0bh\0uq\0"
    return code + b"."


def long_names(depth: int, inner: dict[str, Any]) -> dict[str, Any]:
    """Dicts in dicts, under the longest names allowed."""
    return {"x" * 900: long_names(depth - 1, inner) if depth else inner | {"y": {"w": SOUND}}}


def in_itself() -> bytes:
    """A dict that holds itself beside a tensor."""
    return b"\x80\x02}q\0(X\1\0\0\0ah\0X\1\0\0\0w" + pickled(SOUND)[2:-1] + b"u."


def many_tensors(count: int) -> bytes:
    """As many tensors, of one storage, as short as they can be written."""
    first = pickled(REBUILD)[2:-1] + b"q\0" + pickled(PLAIN)[2:-1] + b"q\1R0"
    items = b"".join(b"X\7\0\0\0" + b"%07d" % n + b"h\0h\1R" for n in range(count))
    return b"\x80\x02" + first + b"}(" + items + b"u."


BOMBS: dict[str, Callable[[], bytes]] = {
    "dicts nested deeply": lambda: nested(100_000),
    "tuples nested deeply": lambda: b"\x80\x02N" + b"\x85" * 200_000 + b".",
    "marks": lambda: b"\x80\x02" + b"(" * 200_000 + b".",
    "paths that double": lambda: doubling(40),
    "a dict in itself": in_itself,
    "tensors without end": lambda: many_tensors(100_000),
    "values without end": lambda: b"\x80\x02" + b"]" * 200_000 + b".",
    "a value repeated": lambda: b"\x80\x02N" + b"2" * 200_000 + b".",
    "memo entries": lambda: b"\x80\x04N" + b"\x94" * 200_000 + b".",
    "a pickle of zeros": lambda: bytes(1 << 27),
    "long names of what is left out": lambda: pickled(long_names(12, {f"optim_{n}": 1 for n in range(3000)})),
    "names that match slowly": lambda: pickled({"rng_" * 200_000 + "\n": {"a": 1}, "_" * 1_000_000: {"b": 1}}),
    "views of everything": lambda: pickled(
        {f"w{n}": view(HELD, 0, (2**20, 2, 3), (0, 3, 1), False, HOOKS) for n in range(20)}
    ),
    "one view of everything": lambda: pickled({"w": view(HELD, 0, (2**47, 2, 3), (0, 3, 1), False, HOOKS)}),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the bound that it meets first; here that of opcodes is a sixteenth of the real one."""
    monkeypatch.setattr(pickle_machine, "MOST_STEPS", pickle_machine.MOST_STEPS >> 4)
    content = TorchFile({"data/0": X.tobytes()}).content(BOMBS[what]())
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        contents(LocalFile(tmp_path / "model.pt"))
    one_line(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("text", [many_tensors(1_000_000), b"\x80\x02" + b"}" * (1 << 25)], ids=["tensors", "dicts"])
def test_the_largest_bomb_takes_seconds_and_less_than_a_gigabyte(tmp_path: Path, text: bytes) -> None:
    """A million tensors, and as many dicts as the bound of bytes allows."""
    (tmp_path / "model.pt").write_bytes(TorchFile({"data/0": X.tobytes()}).content(text))
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(HostileError, match="opcodes"):
            contents(LocalFile(tmp_path / "model.pt"))
        assert tracemalloc.get_traced_memory()[1] < 1 << 30
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 60  # of tracing, mostly


def test_memory_is_bounded_by_the_number_of_opcodes(tmp_path: Path) -> None:
    """Long text, repeated by the memo, is held once."""
    text = b"\x80\x02X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\0" + b"h\0" * 50_000 + b"0."
    (tmp_path / "model.pt").write_bytes(TorchFile().content(text))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            contents(LocalFile(tmp_path / "model.pt"))
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


# The archive


def archive(entries: dict[str, bytes], compression: int = ZIP_STORED) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", compression) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return buffer.getvalue()


GOOD = {"a/data.pkl": pickled({"w": SOUND}), "a/byteorder": b"little", "a/data/0": X.tobytes()}
TABLE = b"PK\x01\x02"


def changed(content: bytes, entry: str, at: int, new: bytes, table: bool) -> bytes:
    """A file with some bytes of an entry's header changed, in the table or in the archive."""
    name = entry.encode()
    place = content.rindex(name) - 46 if table else content.index(name) - 30
    assert content[place : place + 4] == (TABLE if table else b"PK\x03\x04")
    return content[: place + at] + new + content[place + at + len(new) :]


def twice(content: bytes) -> bytes:
    """The table has the last entry twice."""
    start = content.rindex(TABLE)
    end = content.rindex(b"PK\x05\x06")
    entry = content[start:end]
    sizes = struct.unpack("<HHII", content[end + 8 : end + 20])
    tail = struct.pack("<HHII", sizes[0] + 1, sizes[1] + 1, sizes[2] + len(entry), sizes[3])
    return content[:end] + entry + content[end : end + 8] + tail + content[end + 20 :]


SOUND_FILE = archive(GOOD)
ARCHIVES: dict[str, bytes] = {
    "compressed": archive(GOOD, ZIP_DEFLATED),
    "a bomb": archive(GOOD | {"a/data.pkl": bytes(1 << 24)}, ZIP_DEFLATED),
    "no data.pkl": archive({"a/data/0": b"x"}),
    "two folders": archive(GOOD | {"b/data.pkl": b"x"}),
    "no folder": archive({"data.pkl": GOOD["a/data.pkl"]}),
    "empty": archive({}),
    "a strange byteorder": archive(GOOD | {"a/byteorder": b"middle"}),
    "a long byteorder": archive(GOOD | {"a/byteorder": b"little" * 100}),
    "a program": archive(GOOD | {"a/code/x.py": b"x"}),
    "constants": archive(GOOD | {"a/constants.pkl": b"x"}),
    "a name of two lines": archive(GOOD | {"a/x\ny": b"x"}),
    "an entry twice": twice(SOUND_FILE),
    "truncated": SOUND_FILE[:-30],
    "cut at the front": SOUND_FILE[10:],
    "something before it": b"PK\x03\x04" + SOUND_FILE,
    "larger in the table": changed(SOUND_FILE, "a/data/0", 20, struct.pack("<II", 2**31, 2**31), True),
    "elsewhere in the table": changed(SOUND_FILE, "a/data/0", 42, struct.pack("<I", 2**30), True),
    "on another entry": changed(SOUND_FILE, "a/data/0", 42, struct.pack("<I", 0), True),
    "encrypted in the table": changed(SOUND_FILE, "a/data/0", 8, b"\1\0", True),
    "encrypted in the archive": changed(SOUND_FILE, "a/data/0", 6, b"\1\0", False),
    "compressed in the archive": changed(SOUND_FILE, "a/data/0", 8, b"\x08\0", False),
    "of another name in the archive": changed(SOUND_FILE, "a/data/0", 30, b"b", False),
    "of a longer name in the archive": changed(SOUND_FILE, "a/data/0", 26, b"\x09", False),
    "beyond its end in the archive": changed(SOUND_FILE, "a/data/0", 28, b"\xff\xff", False),
    "no header in the archive": changed(SOUND_FILE, "a/data/0", 0, b"PK\x01\x02", False),
    "a version to come": changed(SOUND_FILE, "a/data/0", 6, b"\xff", True),
    "only a beginning": b"PK\x03\x04",
    "a beginning and zeros": b"PK\x03\x04" + bytes(1000),
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_an_archive_that_torch_would_not_write_is_one_sentence(tmp_path: Path, what: str) -> None:
    """The sound one is read; nothing is unpacked."""
    assert opened(tmp_path, SOUND_FILE)["w"].read().tobytes() == X.tobytes()
    with pytest.raises(CheckpointError) as caught:
        opened(tmp_path, ARCHIVES[what])
    one_line(caught.value)


def test_large_archives_have_64_bit_sizes(tmp_path: Path) -> None:
    """As torch writes beyond 4 GB; here in a sparse file of 5 GB."""
    big = 5 << 30
    path = tmp_path / "model.pt"
    names = {"a/data.pkl": pickled({"w": tensor("0", big, (big // 4, 4), (4, 1), dtype="uint8"), "v": SOUND_AFTER})}
    names |= {"a/data/1": X.tobytes()}
    with path.open("wb") as file:
        table = b""
        for name, content in [("a/data/0", None), *names.items()]:
            start, size = file.tell(), big if content is None else len(content)
            extra = struct.pack("<HHQQQ", 1, 24, size, size, start)
            crc = 0 if content is None else zlib.crc32(content)
            fields = struct.pack("<HHHHHIIIHH", 45, 0x800, 0, 0, 0, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(name), 20)
            file.write(b"PK\x03\x04" + fields + name.encode() + struct.pack("<HHQQ", 1, 16, size, size))
            file.seek(big, 1) if content is None else file.write(content)
            fields = fields[:-2] + struct.pack("<HHHHII", len(extra), 0, 0, 0, 0, 0xFFFFFFFF)
            table += TABLE + struct.pack("<H", 45) + fields + name.encode() + extra
        at, count = file.tell(), 1 + len(names)
        file.write(table)
        end = file.tell()
        file.write(b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, len(table), at))
        file.write(b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1))
        file.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    found = contents(LocalFile(path)).tensors
    assert found["w"].nbytes() == big
    assert found["v"].read().tobytes() == X.tobytes()


SOUND_AFTER = tensor("1", 6, (2, 3), (3, 1))


# Files of before 1.6

NUMBERS = np.arange(6, dtype=np.float32)


def before(held: Any, **parts: bytes) -> bytes:
    """A file of one tensor in one storage."""
    root = {"w": Call(Global("torch._utils", "_rebuild_tensor_v2"), (held, 0, (2, 3), (3, 1), False, HOOKS))}
    return legacy(root, {"7": NUMBERS}, **parts)


LEGACY = legacy_storage("7", "FloatStorage", 6)


def test_a_file_of_before_1_6_is_read(tmp_path: Path) -> None:
    """As the torch of today writes one on request: see also the files that it wrote."""
    assert opened(tmp_path, before(LEGACY))["w"].read().tobytes() == NUMBERS.tobytes()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (before(LEGACY)[:-1], "storages up to byte"),
        (before(LEGACY) + b"\0", "storages up to byte"),
        (before(LEGACY)[:60], "pickles that are cut off"),
        (before(LEGACY, version=b"\x80\x02M\xea\x03."), "is a pickle, or a tar archive"),
        (
            before(LEGACY, machine=b"cos\nsystem\n(X\2\0\0\0lstR."),
            "names 'os.system', which no plain checkpoint needs",
        ),
        (
            before(LEGACY, tensors=b"cos\nsystem\n(X\2\0\0\0lstR."),
            "names 'os.system', which no plain checkpoint needs",
        ),
        (before(LEGACY, tensors=b"ccollections\nOrdered\\qDict\n)R."), "a backslash in a name"),
        (before(LEGACY, keys=b"cos\nsystem\n(X\2\0\0\0lstR."), "something else than a list of the keys"),
        (before(LEGACY, keys=pickled(["7", "7"])), "something else than a list of the keys"),
        (before(LEGACY, keys=pickled(["8"])), "1 keys of storages, and tensors in 1, not the same ones"),
        (before(LEGACY, keys=pickled(["7", "8"])), "2 keys of storages, and tensors in 1, not the same ones"),
        (before(legacy_storage("7", "FloatStorage", 5)), "storages up to byte"),
        (
            before(LEGACY, storages=struct.pack("<q", 5) + NUMBERS.tobytes()),
            "a storage '7' of 5 entries whose tensors say 6",
        ),
        (before(legacy_storage("7", "FloatStorage", 6, ("8", 0, 6))), "a storage that is a part of another"),
        (before(storage("7", "FloatStorage", 6), storages=b""), "storages up to byte"),
        (before(Persistent(("module", Global("torch", "FloatStorage"), "a.py", "pass"))), "to something else than a"),
    ],
)
def test_a_file_of_before_1_6_that_torch_would_not_write_is_one_sentence(
    tmp_path: Path, content: bytes, says: str
) -> None:
    """Whatever stands in whichever of its pickles; nothing is run."""
    with pytest.raises(CheckpointError) as caught:
        opened(tmp_path, content)
    assert says in one_line(caught.value)


def test_pickles_of_before_1_6_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read to their end and no further than the bound."""
    monkeypatch.setattr("verify.checkpoint.formats.torch_legacy._FIRST", 64)
    assert opened(tmp_path, before(LEGACY))["w"].read().tobytes() == NUMBERS.tobytes()
    monkeypatch.setattr("verify.checkpoint.formats.torch_file._LARGEST_PICKLE", 64)
    with pytest.raises(HostileError, match="holds pickles of more than 64 bytes in all"):
        opened(tmp_path, before(LEGACY))


# Whatever comes


REAL = sorted(path for path in SAVED.iterdir() if path.suffix in (".pt", ".ckpt"))


@given(st.sampled_from(REAL), st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_a_file_escapes(tmp_path: Path, path: Path, data: st.DataObject) -> None:
    """Bytes flipped, cut, inserted or moved: the file is read, or refused in one sentence; nothing is imported."""
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        kind = data.draw(st.sampled_from(["flip", "set", "cut", "insert", "move", "end"]))
        if kind == "flip" and content:
            content[at] ^= data.draw(st.integers(1, 255))
        elif kind == "set" and content:
            content[at : at + 4] = data.draw(
                st.sampled_from([b"\xff" * 4, bytes(4), b"\0\0\0\x80", b"cos\n", b"PK\x01\x02"])
            )
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 6))]
        elif kind == "move":
            other = data.draw(st.integers(0, max(0, len(content) - 1)))
            content[at : at + 16] = content[other : other + 16]
        else:
            del content[at:]
    before = set(sys.modules)
    try:
        opened(tmp_path, bytes(content))
    except CheckpointError as error:
        one_line(error)
    assert not {name.partition(".")[0] for name in set(sys.modules) - before} & {"torch", "mmengine", "omegaconf"}


CODES = [bytes([code]) for code in range(256)]
PIECES = [
    b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nFloatStorage\n", b"ccollections\nOrderedDict\n",
    b"cos\nsystem\n",
    b"ctorch._tensor\n_rebuild_from_type_v2\n", b"ctorch\nTensor\n", b"cargparse\nNamespace\n", b"X\7\0\0\0storage",
    b"X\1\0\0\0w", b"X\1\0\0\x000", b"K\2", b"K\3", b"K\x06", b"K\0", b"]", b"}", b")", b"(", b"t", b"\x85", b"\x86",
    b"\x87", b"R", b"Q", b"b", b"s", b"u", b"a", b"e", b"q\0", b"h\0", b"q\1", b"h\1", b"0", b"2", b"1", b"N",
    b"\x88", b"\x81", b"\x92", b"\x93", b"\x94", b"\x8a\x09" + b"\xff" * 9, b"G" + b"\xff" * 8,
    pickled(SOUND)[2:-1], pickled(HELD)[2:-1], pickled(PLAIN)[2:-1],
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.sampled_from(CODES) | st.binary(max_size=3), max_size=40))
@example([b"}", b"X\1\0\0\0w", pickled(SOUND)[2:-1], b"s"])
@settings(max_examples=600, deadline=None)
def test_no_sequence_of_opcodes_escapes(pieces: list[bytes]) -> None:
    """The machine gives a plain value or one of its own, or refuses in one sentence."""
    try:
        found, _ = take_apart(b"\x80\x02" + b"".join(pieces) + b".", "model.pt")
    except CheckpointError as error:
        one_line(error)
    else:
        own = (pickle_machine.Name, pickle_machine.Opaque, pickle_machine.StorageKey, pickle_machine.View)
        assert type(found) in (dict, tuple, str, int, float, bool, type(None), *own)


def test_a_hostile_model_is_one_sentence_at_the_top(tmp_path: Path) -> None:
    """In place of a model that is otherwise sound."""
    folder = write_checkpoint(tmp_path / "m", toy())
    (folder / "model.safetensors").unlink()
    made = TorchFile()
    root: dict[str, Any] = {name: made.add(x) for name, x in toy().tensors.items()}
    (folder / "pytorch_model.bin").write_bytes(made.content(root | {"x": Call(Global("os", "system"), ("false",))}))
    assert "'os.system'" in refused(folder)
    (folder / "pytorch_model.bin").write_bytes(saved(toy().tensors)[:-1])
    assert "damaged zip archive" in refused(folder)


@pytest.mark.parametrize("state", [{"data": view(*PLAIN)}, {"real": 7.0}, (None, {"data": view(*PLAIN)}), {"new": 1}])
@pytest.mark.parametrize("function", ["_rebuild_parameter_with_state", "_rebuild_from_type_v2"])
def test_attributes_that_could_replace_numbers_are_refused(tmp_path: Path, state: Any, function: str) -> None:
    """Loading sets them on the tensor, and some stand for its numbers."""
    if function == "_rebuild_from_type_v2":
        made = view(REBUILD, Global("torch", "Tensor"), PLAIN, state, function=function, module="torch._tensor")
    else:
        made = view(view(*PLAIN), True, HOOKS, state, function=function)
    path = write(tmp_path / "a.pt", {"w": made}, {"data/0": bytes(24)})
    with pytest.raises(UnsupportedError, match="loading sets"):
        contents(LocalFile(path))


def test_a_storage_has_one_type(tmp_path: Path) -> None:
    """Of two references to one, torch takes the first for both."""
    tensors = {"a": tensor("0", 4, (4,), (1,), dtype="bfloat16"), "w": tensor("0", 4, (4,), (1,), dtype="float16")}
    with pytest.raises(DamagedError, match="described twice"):
        contents(LocalFile(write(tmp_path / "a.pt", tensors, {"data/0": bytes(8)})))


@pytest.mark.parametrize("names", [("data/a", "data/A"), ("DATA.PKL",), ("BYTEORDER",), ("Version",)])
def test_names_are_told_apart_by_more_than_case(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Torch finds entries whatever their case."""
    entries = {"data/0": bytes(16), **dict.fromkeys(names, bytes(16))}
    path = tmp_path / "a.pt"
    path.write_bytes(TorchFile(entries, byteorder=None).content({"w": tensor("0", 4, (4,), (1,))}))
    with pytest.raises(HostileError, match=r"two entries named|has an entry named"):
        contents(LocalFile(path))


def test_an_empty_tensor_of_many_rows_is_empty(tmp_path: Path) -> None:
    """In big-endian order too, where the numbers of others are gathered."""
    path = tmp_path / "a.pt"
    made = TorchFile({"data/0": b""}, byteorder="big").content({"w": tensor("0", 0, (2**46, 0), (1, 1))})
    path.write_bytes(made)
    assert contents(LocalFile(path)).tensors["w"].shape == (2**46, 0)
