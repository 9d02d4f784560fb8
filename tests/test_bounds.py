"""Input that would cost all memory or never end is refused at once, by readers that all doors share."""

from __future__ import annotations

import ast
import json
import os
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import verify
from tests import commands
from tests.adapters import adapter, change
from tests.checkpoints import toy, write_checkpoint
from tests.commands import Run
from verify.base import (
    BoundError,
    CheckpointError,
    HostileError,
    json_object,
    read_regular,
    strict_json,
    toml_table,
    yaml_value,
)
from verify.base.strict_toml import MOST_PARTS
from verify.checkpoint import Location, open_checkpoint
from verify.checkpoint.formats.safetensors_file import contents
from verify.checkpoint.places.place import LocalFile, LocalFolder
from verify.fingerprint import Fingerprint, fingerprint

run = commands.run


def test_there_is_one_reader_of_json_one_of_toml_and_one_of_yaml() -> None:
    """Whoever parses by another way parses without bounds; what the library itself wrote or ships may be."""
    allowed = {
        ("base/strict_json.py", "json"),
        ("base/strict_toml.py", "tomllib"),
        ("base/strict_yaml.py", "yaml"),
        ("wording/forms.py", "tomllib"),  # the words that ship
        ("claim/signature.py", "json"),  # the report that is signed
    }
    root, found = Path(verify.__file__).parent, set()
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("load", "loads", "safe_load", "parse"):
                module = node.value.id if isinstance(node.value, ast.Name) else ""
                if module in ("json", "tomllib", "yaml"):
                    found.add((file.relative_to(root).as_posix(), module))
    assert found == allowed


# ---- TOML


LONG_KEYS = {
    "dotted": "a." * 20_000 + "b = 1",
    "quoted": '"a".' * 20_000 + "b = 1",
    "in single quotes": "'a'." * 20_000 + "b = 1",
    "with spaces": "a . \t" * 20_000 + "b = 1",
    "a header": "[" + "a." * 20_000 + "b]",
    "a header of a list": "[[" + "a." * 20_000 + "b]]",
    "in a table on a line": "x = {" + "a." * 20_000 + "b = 1}",
    "after a text with quotes": 'x = """ \\""" # """\n' + "a." * 20_000 + "b = 1",
    "after a comment": "# it's\n" + "a." * 20_000 + "b = 1",
}


@pytest.mark.parametrize("text", LONG_KEYS.values(), ids=LONG_KEYS)
def test_a_key_of_many_parts_costs_nothing(text: str) -> None:
    """The parser's time and memory grow with their square: 80 kB took 27 seconds and 6 GiB."""
    start = time.process_time()
    with pytest.raises(ValueError, match=r"has a key of \d+ parts"):
        toml_table(text.encode(), most=1 << 20)
    assert time.process_time() - start < 1


@given(st.text(alphabet="a.\"'#\\\n =[]{}1-", max_size=60))
def test_the_bound_of_keys_refuses_no_sound_toml(text: str) -> None:
    """What the parser reads is read, unless a key really has so many parts."""
    import tomllib

    try:
        wanted = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    assert toml_table(text.encode(), most=1000) == wanted


def test_dots_in_texts_and_comments_are_no_parts() -> None:
    """Nor are those of several keys."""
    text = f'a = "{"x." * 99}"\nb = \'{"x." * 99}\'\nc = """\n{"x." * 99}"""\n# {"x." * 99}\nd = [{"1.5, " * 99}]\n'
    assert set(toml_table(text.encode(), most=10_000)) == set("abcd")
    key = ".".join("k" * MOST_PARTS)
    assert toml_table(f"{key} = 1".encode(), most=1000)
    with pytest.raises(BoundError, match="parts"):
        toml_table(f"{key}.k = 1".encode(), most=1000)


# ---- YAML


YAML_BOMBS = {
    "aliases": "a: &a [1, 1]\nb: &b [*a, *a]\n",
    "base 60": "a: " + "1:" * 200_000 + "1",
    "deep": "- " * 1000,
    "deep flow": "[" * 900,
    "values": "[" + "1," * 300_000 + "]",
    "a tag": "a: !!python/name:os.system x",
    "a merge of tags": "a: !!map {b: 1}",
    "keys twice": "a: 1\na: 2\n",
}


@pytest.mark.parametrize("text", YAML_BOMBS.values(), ids=YAML_BOMBS)
def test_yaml_that_stands_for_more_than_it_is_is_refused(text: str) -> None:
    """In time and memory that grow with its length: 400 kB took 19 seconds."""
    start = time.process_time()
    with pytest.raises(ValueError, match=r"^(has|is) "):
        yaml_value(text.encode(), most=1 << 20)
    assert time.process_time() - start < 6


@given(st.binary(max_size=80) | st.text(alphabet="a: -[]{}&*!|>'\"\n#?1", max_size=60).map(str.encode))
def test_any_bytes_are_yaml_or_a_phrase(text: bytes) -> None:
    """Never another error."""
    said = "is read"
    try:
        yaml_value(text, most=1000)
    except ValueError as error:
        said = str(error)
    assert said.startswith(("is ", "has "))
    assert "\n" not in said


# ---- JSON


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'{"":0},', b"0,", b'"",'])
def test_json_of_few_bytes_a_value_takes_no_more_memory_than_the_bound(piece: bytes) -> None:
    """200 MB of empty lists took 4.4 GiB; here a twentieth of the bound."""
    text = b'{"a":[' + piece * 600_000 + b"0]}"
    tracemalloc.start()
    try:
        with pytest.raises(BoundError, match=r"has \d+ values; expected at most 500000"):
            json_object(text, most=1 << 30, values=500_000)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(text) + (40 << 20)
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def monkeypatch_of_block() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(strict_json, "_BLOCK", 7)
        yield


def test_signs_inside_texts_are_no_values() -> None:
    """A vocabulary has brackets, commas and quotes for tokens."""
    value = {"a": ['[,{\\"', ",,,,", "{[{[", "\\", '"']}
    assert json_object(json.dumps(value).encode(), most=1000, values=10) == value


@given(st.recursive(st.text(alphabet='",[{\\a\n'), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_values_are_counted_outside_texts(monkeypatch_of_block: None, value: Any) -> None:  # noqa: ARG001
    """By whatever blocks the text is cut."""

    def signs(one: Any) -> int:
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        return sum(map(signs, inner)) + (max(1, len(inner)) if isinstance(one, dict | list) else 0)

    assert strict_json._values(json.dumps(value).encode()) == signs(value)


def test_a_header_of_a_hundred_thousand_tensors_is_read(tmp_path: Path) -> None:
    """As models of many experts have; what bounds a header is its structure."""
    count = 100_000
    entries = {
        f"model.layers.{n % 60}.mlp.experts.{n}.up_proj.weight": {
            "dtype": "F32",
            "shape": [1, 1],
            "data_offsets": [4 * n, 4 * n + 4],
        }
        for n in range(count)
    }
    text = json.dumps(entries, separators=(",", ":")).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4 * count))
    assert len(contents(LocalFile(path)).tensors) == count


def test_settings_are_smaller_than_tokenizers(tmp_path: Path) -> None:
    """10 MB of config.json are refused before they are parsed."""
    folder = write_checkpoint(tmp_path / "m", toy())
    (folder / "config.json").write_bytes(b'{"a":"' + b"x" * 10_000_000 + b'"}')
    with pytest.raises(HostileError, match=r"config.json has 10000008 bytes; expected at most 10000000"):
        open_checkpoint(folder)


# ---- what is no file


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


def as_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def as_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


KINDS = [as_pipe, as_device, as_socket]


@pytest.fixture
def soon() -> Iterator[None]:
    """An end for what would wait for ever."""
    import signal

    def stop(*_: object) -> None:
        raise AssertionError("it waits for a pipe")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound report, and the two models that it is of."""
    folder = tmp_path_factory.mktemp("report")
    models = [write_checkpoint(folder / name, toy(seed=seed)) for seed, name in enumerate("ab")]
    (folder / "report.json").write_text(verify.test_lineage(*models).to_json() + "\n", "utf-8")
    return folder


DOORS: dict[str, tuple[str, ...]] = {
    "replay": ("replay", "FILE"),
    "render": ("render", "FILE", "-o", "OUT"),
    "sign": ("sign", "FILE", "--key", "report.json"),
    "the key of sign": ("sign", "report.json", "--key", "FILE"),
    "check-signature": ("check-signature", "FILE", "--key", "report.json"),
    "the key of check-signature": ("check-signature", "report.json", "--key", "FILE"),
    "a list": ("screen", "@FILE", "a"),
    "a recipe": ("panel", "build", "FILE", "-o", "OUT"),
    "options": ("lineage", "a", "b", "--config", "FILE"),
    "a layout": ("lineage", "a", "b", "--layout-a", "FILE"),
    "a tokenizer": ("lineage", "a", "b", "--tokenizer-a", "FILE"),
    "a base": ("lineage", "a", "b", "--base-a", "FILE"),
    "a panel": ("lineage", "a", "b", "--panel", "FILE"),
    "a root certificate": ("lineage", "a", "b", "--dated-a", "a.tsr", "--tsa", "FILE"),
    "a model": ("inspect", "FILE"),
    "scores": ("calibrate", "FILE", "--claim", "a", "b"),
    "a model of replay": ("replay", "report.json", "--a", "FILE"),
    "an output": ("fingerprint", "a", "-o", "FILE"),
}


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_file_is_refused_at_every_door(
    run: Run, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, door: str, kind: Callable[[Path], None]
) -> None:
    """A pipe is not waited for, a device is not read without end, and a socket is not opened."""
    monkeypatch.chdir(report)
    (file := tmp_path / "report.json").parent.mkdir(exist_ok=True)
    kind(file)
    words = {"FILE": str(file), "OUT": str(tmp_path / "out"), "@FILE": f"@{file}"}
    said = run(*(words.get(word, word) for word in DOORS[door]))
    assert said.status == 2
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "tokenizer.json", "README.md", "added_tokens.json", "panel.json"]
)
def test_what_is_no_file_inside_a_folder_is_not_waited_for(
    tmp_path: Path, name: str, kind: Callable[[Path], None]
) -> None:
    """A stranger's folder may hold anything; a card or tokenizer that is no file is as none."""
    folder = write_checkpoint(tmp_path / "m", toy())
    (folder / name).unlink(missing_ok=True)
    kind(folder / name)
    if name == "panel.json":
        with pytest.raises(verify.InputError, match="Not a regular file"):
            verify.Panel.load(folder)
    elif name in ("config.json", "model.safetensors"):
        with pytest.raises(CheckpointError, match="not a regular file"):
            open_checkpoint(folder)
    else:
        checkpoint = open_checkpoint(folder)
        assert checkpoint.vocabulary() is None
        assert checkpoint.declared_bases == ()


def as_dangling(path: Path) -> None:
    path.symlink_to(path.parent / "gone")


@pytest.mark.parametrize("make", [as_dangling, Path.mkdir])
def test_a_card_that_is_not_there_declares_nothing(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """As a pruned cache leaves one: the card is a statement beside the model, and refuses none."""
    folder = write_checkpoint(tmp_path / "m", toy())
    make(folder / "README.md")
    assert fingerprint(folder).record.declared_bases == ()


def test_a_file_that_grows_while_it_is_read_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size that was looked at before is no promise."""
    path = tmp_path / "x"
    path.write_bytes(b"a" * 10)
    stat = os.fstat

    def later(descriptor: int) -> os.stat_result:
        found = stat(descriptor)
        with path.open("ab") as file:
            file.write(b"b" * 1000)
        return found

    monkeypatch.setattr(os, "fstat", later)
    with pytest.raises(OSError, match="it changed while it was read"):
        read_regular(path, 100_000)


# ---- what changes while it is read


def overwritten(path: Path) -> None:
    """Other bytes in the same place, of the same length, a moment later."""
    content = bytearray(path.read_bytes())
    content[-8:] = b"\x11" * 8
    with path.open("r+b") as file:
        file.write(content)
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000))  # where the clock of files is coarse


def replaced(path: Path) -> None:
    """Another file of that name, with the same time."""
    found, content = path.stat(), path.read_bytes()
    path.rename(path.with_name("earlier"))
    path.write_bytes(content[:-8] + b"\x11" * 8)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize("how", [overwritten, replaced])
@pytest.mark.parametrize("effort", ["full", "standard", "screen"])
@pytest.mark.parametrize("mapped", [False, True])
def test_weights_that_change_while_they_are_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Callable[[Path], None], effort: Any, mapped: bool
) -> None:
    """At any effort, read or mapped, after the last byte was read too: no fingerprint is of a mixture."""
    if mapped:
        monkeypatch.setattr("verify.checkpoint.places.place._MAPPED", 16)
    folder, seen = write_checkpoint(tmp_path / "m", toy(), shards=2), []
    last = sorted(folder.glob("*.safetensors"))[-1]

    def progress(what: str, done: int, total: int) -> None:
        seen.append(done)
        if done == total - 1 and what.startswith("reading"):
            how(last)

    with pytest.raises(CheckpointError, match=f"{last.name} changed while it was read; start again"):
        fingerprint(folder, effort=effort, progress=progress)


@pytest.mark.parametrize("which", ["lora", "base"])
def test_an_adapter_or_its_base_that_changes_is_refused(tmp_path: Path, which: str) -> None:
    """Both are one model."""
    model = toy()
    write_checkpoint(tmp_path / "base", model)
    name = next(name for name, x in model.tensors.items() if "q_proj" in name)
    adapter(tmp_path / "lora", change(name.removesuffix(".weight"), *model.tensors[name].shape))

    def progress(_: str, done: int, total: int) -> None:
        if done == total - 1:
            (file,) = (tmp_path / which).glob("*.safetensors")
            overwritten(file)

    with pytest.raises(CheckpointError, match="changed while it was read"):
        fingerprint(Location(str(tmp_path / "lora"), base=str(tmp_path / "base")), progress=progress)


def test_a_text_beside_the_weights_is_of_one_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a tokenizer."""
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    before = os.fstat

    def later(descriptor: int) -> os.stat_result:
        found = before(descriptor)
        overwritten_once()
        return found

    def overwritten_once() -> None:
        monkeypatch.setattr(os, "fstat", before)
        path.write_text("[]")
        os.utime(path, ns=(0, 1))

    monkeypatch.setattr(os, "fstat", later)
    with pytest.raises(CheckpointError, match="changed while it was read"):
        LocalFolder(tmp_path).read_bytes("tokenizer.json")


def test_a_model_that_is_left_alone_is_read(tmp_path: Path) -> None:
    """Also where another file of its folder changes meanwhile."""
    folder = write_checkpoint(tmp_path / "m", toy())

    def progress(_: str, done: int, __: int) -> None:
        (folder / "log.txt").write_text(str(done))

    assert fingerprint(folder, progress=progress).record.files


# ---- what is written must be readable


@pytest.mark.parametrize("layers", [600, 1000])
def test_a_deep_model_is_written_and_read(tmp_path: Path, layers: int) -> None:
    """Hybrid models have hundreds of layers; each bound is asked when a fingerprint is made, not when it is read."""
    model = toy("gpt2")
    tensors = {name: x for name, x in model.tensors.items() if ".h." not in name}
    for name, x in model.tensors.items():
        if ".h.0." in name:
            tensors |= {name.replace(".h.0.", f".h.{n}."): x + np.float32(n) / 9 for n in range(layers)}
    folder = tmp_path / "m"
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(model.config | {"n_layer": layers}))
    made = fingerprint(folder, effort="screen")
    made.save(tmp_path / "x.safetensors")
    assert Fingerprint.load(tmp_path / "x.safetensors") == made


def test_what_could_not_be_read_again_is_refused_when_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence, with the entry and its bound."""
    from verify.fingerprint import check

    monkeypatch.setitem(check._COUNTS, "layers", (1, 1))
    folder = write_checkpoint(tmp_path / "m", toy())
    with pytest.raises(verify.InputError, match=r"'m' gives architecture.layers as 2; expected 1 to 1"):
        fingerprint(folder)


@pytest.mark.parametrize("bits", [0x7F800001, 0xFF800001, 0x7FA00000])
def test_a_signalling_nan_is_counted_without_a_warning(tmp_path: Path, bits: int) -> None:
    """Warnings are errors here."""
    folder = write_checkpoint(tmp_path / "m", toy())
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if "up_proj" in name)
    tensors[name].view(np.uint32)[0, 0] = bits
    save_file(tensors, folder / "model.safetensors")
    assert fingerprint(folder).record.non_finite == 1
