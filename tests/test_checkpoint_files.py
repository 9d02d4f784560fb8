"""Files of a checkpoint are a stranger's: no weights, lying indexes and bad headers are one sentence each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checkpoints import raw_safetensors, toy, write_checkpoint
from tests.refusals import Q, one_line, read_all, refused
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def write_raw(folder: Path, content: bytes) -> Path:
    """A folder of one weight file with these bytes, and a sound config."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(toy().config))
    (folder / "model.safetensors").write_bytes(content)
    return folder


# What is not a checkpoint at all


def test_nothing_there(tmp_path: Path) -> None:
    """A path to nothing is named by its last part."""
    assert "does not exist" in refused(tmp_path / "absent")
    assert "does not exist" in refused(tmp_path / ("x" * 500))


def test_a_folder_without_weights(tmp_path: Path) -> None:
    """A folder must hold a file of some format that is read."""
    assert "holds no .safetensors or .gguf or .onnx or .bin or .pt or .pth or .ckpt file" in refused(tmp_path)


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".joblib", ".BIN"])
@pytest.mark.parametrize("content", [b"cos\nsystem\n(S'false'\ntR.", b"\x80\x02cos\nsystem\nX\5\0\0\0false\x85R."])
def test_a_pickle_outside_torch_s_archive_is_never_opened(tmp_path: Path, suffix: str, content: bytes) -> None:
    """Neither named itself nor alone in a folder."""
    path = tmp_path / f"pytorch_model{suffix}"
    path.write_bytes(content)
    for given_path in (path, tmp_path):
        assert "is a pickle" in (message := refused(given_path))
        assert "safetensors" in message


def test_some_other_file(tmp_path: Path) -> None:
    """A file of another kind is refused by its name."""
    (tmp_path / "notes.txt").write_text("hello")
    assert "not a .safetensors or .gguf or .onnx or .bin or .pt or .pth or .ckpt file" in refused(
        tmp_path / "notes.txt"
    )


def test_two_weight_files_without_an_index(tmp_path: Path) -> None:
    """Which of them is the model is not guessed."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors").write_bytes(raw_safetensors({name: F32}, bytes(8)))
    assert "2 sets of weights that differ: 'a.safetensors', 'b.safetensors'" in refused(tmp_path)


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    """Only regular files are opened."""
    os.mkfifo(tmp_path / "model.safetensors")
    assert "not a regular file" in refused(tmp_path)
    assert "not a regular file" in refused(tmp_path / "model.safetensors")


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    """A directory may have any name."""
    (tmp_path / "model.safetensors").mkdir()
    assert "not a regular file" in refused(tmp_path)


def test_a_file_name_of_two_lines(tmp_path: Path) -> None:
    """A name cannot break the one line of a message or a report."""
    (tmp_path / "a\nb.safetensors").write_bytes(raw_safetensors({}))
    assert r"a\nb" in refused(tmp_path)


# The index of shards


@pytest.mark.parametrize(
    "file",
    ["../x.safetensors", "/etc/x.safetensors", "a/../../x.safetensors", "..\\x.safetensors", "C:\\x.safetensors",
     "x\0.safetensors", "model.bin", ""],
)  # fmt: skip
def test_an_index_may_not_leave_the_folder(tmp_path: Path, file: str) -> None:
    """Names of shards are checked as names, before anything is opened."""
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": file}}))
    assert "inside the folder" in refused(tmp_path)


@pytest.mark.parametrize(
    "index", ["[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', '{"weight_map": {"a": 1}}']
)
def test_an_index_without_a_map(tmp_path: Path, index: str) -> None:
    """The index must map tensor names to file names."""
    (tmp_path / "model.safetensors.index.json").write_text(index)
    refused(tmp_path)


@pytest.mark.parametrize("name", ["gone.safetensors", "x" * 400 + ".safetensors"])
def test_a_missing_shard(tmp_path: Path, name: str) -> None:
    """A shard that is not there, or cannot be, is missing."""
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    assert "is missing (1 of 1 shards)" in refused(tmp_path)


def test_an_index_that_lies(tmp_path: Path) -> None:
    """A tensor is where the index says; a shard of the same name in another folder will not do."""
    folder = write_checkpoint(tmp_path, toy(), shards=2)
    index = folder / "model.safetensors.index.json"
    weight_map = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": weight_map | {"ghost": weight_map[Q]}}))
    assert "'ghost'" in refused(folder)


def test_a_tensor_in_two_shards(tmp_path: Path) -> None:
    """One tensor has one place."""
    folder = write_checkpoint(tmp_path, toy(), shards=2)
    (folder / "model-00002-of-00002.safetensors").write_bytes(
        (folder / "model-00001-of-00002.safetensors").read_bytes()
    )
    assert "is in both" in refused(folder)


# The safetensors header


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x10\0\0", "truncated"),
        (raw_safetensors(b"{}", length=2**63), "truncated"),
        (raw_safetensors(b"{}", length=3), "truncated"),
        (raw_safetensors(b"not json"), "not valid JSON"),
        (raw_safetensors(b"\xff\xfe"), "not valid JSON"),
        (raw_safetensors([1]), "expected an object"),
        (raw_safetensors(b"[" * 50_000), "nested too deeply"),
        (raw_safetensors(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"), "nested too deeply"),
        (raw_safetensors(b'{"a": 1, "a": 2}'), "appears twice"),
        (raw_safetensors(b'{"a": ' + b"9" * 5000 + b"}"), "not valid JSON"),
        (raw_safetensors({"a\nb": F32}, bytes(8)), "printable"),
        (raw_safetensors(b'{"\\ud800": {}}'), "printable"),
        (raw_safetensors({"a": F32}, bytes(7)), "truncated (77 bytes"),
        (raw_safetensors({"a": F32}, bytes(9)), "longer than its header says"),
        (raw_safetensors({"a": F32, "b": F32}, bytes(8)), "gap or overlap"),
        (raw_safetensors({"a": F32 | {"data_offsets": [8, 16]}}, bytes(16)), "gap or overlap"),
    ],
)
def test_a_bad_header(tmp_path: Path, content: bytes, says: str) -> None:
    """Each way a header can lie is told apart."""
    says = "truncated" if says.startswith("truncated") else says
    assert says in refused(write_raw(tmp_path, content))


@pytest.mark.parametrize(
    "entry",
    [
        None, 3, "F32", [], {}, {"dtype": "F32"}, F32 | {"dtype": "F33"}, F32 | {"dtype": ["F32"]},
        F32 | {"dtype": None},
        F32 | {"shape": [3]}, F32 | {"shape": [-2]}, F32 | {"shape": [True, 2]}, F32 | {"shape": [2.0]},
        F32 | {"shape": "2"}, F32 | {"shape": {}}, F32 | {"shape": [2**60]}, F32 | {"shape": [1] * 9 + [2]},
        F32 | {"shape": [float("inf")]}, F32 | {"data_offsets": [0]}, F32 | {"data_offsets": [0, 4, 8]},
        F32 | {"data_offsets": [8, 0]}, F32 | {"data_offsets": [-8, 0]}, F32 | {"data_offsets": [False, 8]},
        F32 | {"data_offsets": "08"}, F32 | {"data_offsets": [2**70, 2**70 + 8]},
    ],
)  # fmt: skip
def test_a_bad_entry(tmp_path: Path, entry: Any) -> None:
    """A tensor's dtype, shape and offsets must be such, and agree."""
    assert "tensor 'a'" in refused(write_raw(tmp_path, raw_safetensors({"a": entry}, bytes(8))))


@pytest.mark.slow
@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_a_header_escapes(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes flipped, cut or inserted: the file is read, or refused in one sentence; nothing else comes out."""
    folder = tmp_path / "damaged"
    if not folder.exists():
        write_checkpoint(folder, toy())
        (tmp_path / "sound").write_bytes((folder / "model.safetensors").read_bytes())
    content = bytearray((tmp_path / "sound").read_bytes())
    end = 8 + int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        if not content:
            break
        at = data.draw(st.integers(0, end - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "digit", "end"]))
        if kind == "flip":
            content[at % len(content)] ^= data.draw(st.integers(1, 255))
        elif kind == "digit":
            digits = [i for i in range(8, min(end, len(content))) if chr(content[i]) in "0123456789"] or [0]
            content[digits[at % len(digits)]] = data.draw(st.sampled_from(b"0123456789-.e"))
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 6))]
        else:
            del content[max(1, len(content) - at) :]
    (folder / "model.safetensors").write_bytes(content)
    try:
        read_all(open_checkpoint(folder))
    except CheckpointError as error:
        one_line(error)
