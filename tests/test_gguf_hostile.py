"""A GGUF file is a stranger's: whatever is wrong becomes one clear sentence."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from tests.architectures import models, write
from tests.checkpoints import toy
from tests.converted import SLOW, converted, read_all, refusal, write_gguf
from tests.gguf_converter import convert
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.formats.gguf_file import parse
from verify.checkpoint.places.place import LocalFile


def small_gguf(folder: Path) -> bytes:
    """A sound file, as bytes."""
    return write_gguf(folder / "sound.gguf", converted(toy(), "llama"), "llama", toy().config).read_bytes()


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
def test_damaged_gguf_gives_a_sentence_or_numbers(tmp_path: Path, data: st.DataObject) -> None:
    """Any byte changed, or the end missing: a refusal, or tensors of the sizes described; never anything else."""
    content = bytearray(small_gguf(tmp_path))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        place = data.draw(st.integers(0, min(2000, len(content) - 1)))
        content[place : place + 8] = data.draw(st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\1", b"\x80" * 4]))
    file = tmp_path / "m.gguf"
    file.write_bytes(bytes(content))
    assert (refusal(lambda: read_all(open_checkpoint(file))) or "read").isprintable()
    with suppress(CheckpointError):
        assert all(t.offset + t.size <= len(content) for t in parse(LocalFile(file))[0].values())


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
def test_damaged_files_of_other_architectures_give_a_sentence_or_numbers(tmp_path: Path, data: st.DataObject) -> None:
    """Also where heads and sizes say how rows are put in order and tensors are joined."""
    content = bytearray(small_other(tmp_path, data.draw(st.sampled_from([*OTHERS]))))
    places = [place.start() for key in SETTINGS for place in re.finditer(re.escape(key), bytes(content))]
    place = data.draw(st.sampled_from(places) | st.integers(0, 4000))
    place += data.draw(st.integers(0, 60))
    content[place : place + 4] = data.draw(st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\3\0\0\0", b"\x80" * 4]))
    file = tmp_path / "m.gguf"
    file.write_bytes(bytes(content))
    assert (refusal(lambda: read_all(open_checkpoint(file))) or "read").isprintable()


OTHERS = {"deepseek_v2:lite": "deepseek2", "falcon:40b": "falcon", "bloom": "bloom", "lfm2_moe": "lfm2moe"}
"""Architecture of GGUF by model type."""
SETTINGS = (b"head_count", b"rank", b"expert_count", b"_length", b"attn_k_b", b"attn_v_b", b"attn_qkv", b"_exps")


def small_other(folder: Path, name: str) -> bytes:
    """A sound file of another architecture, written once a test."""
    file = folder / f"{OTHERS[name]}.gguf"
    if not file.exists():
        model = models()[f"{name} hub"]
        tensors = load_file(write(folder / OTHERS[name], model) / "model.safetensors")
        convert(file, tensors, OTHERS[name], model["config"])
    return file.read_bytes()


def gguf_bytes(entries: bytes = b"", count: int = 0, infos: bytes = b"", tensors: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, count) + entries + infos


def text(value: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(value) if size is None else size) + value


def info(name: bytes, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"PK\3\4" + bytes(40), "zip archive"),
        (b"FFUG" + bytes(40), "begins with"),
        (gguf_bytes(version=4), "version 4"),
        (gguf_bytes(version=4 << 24), "version 4"),
        (gguf_bytes(count=2**63), "truncated"),
        (gguf_bytes(tensors=2**63), "truncated"),
        (gguf_bytes(text(b"a", 2**62), 1), "truncated"),
        (gguf_bytes(text(b"a") + struct.pack("<IIQ", 9, 10, 2**61), 1), "truncated"),
        (gguf_bytes(text(b"a") + struct.pack("<IIQ", 9, 8, 2**61), 1), "truncated"),
        (gguf_bytes(text(b"a") + struct.pack("<IIQ", 9, 9, 1), 1), "array of type 9"),
        (gguf_bytes(text(b"a") + struct.pack("<I", 77), 1), "type 77"),
        (gguf_bytes((text(b"a") + struct.pack("<IB", 0, 1)) * 2, 2), "twice"),
        (gguf_bytes(text(b"general.alignment") + struct.pack("<II", 4, 0), 1), "aligned"),
        (gguf_bytes(infos=info(b"w", (2**40, 2**40)), tensors=1), "expected"),
        (gguf_bytes(infos=info(b"w", (2**40,)), tensors=1), "truncated"),
        (gguf_bytes(infos=info(b"w", (0, 4)), tensors=1), "expected"),
        (gguf_bytes(infos=info(b"w", (31,), kind=2), tensors=1), "whole blocks"),
        (gguf_bytes(infos=info(b"w", (4,), kind=5), tensors=1), "too old to know"),
        (gguf_bytes(infos=info(b"w", (4,), offset=32), tensors=1), "byte 0"),
        (gguf_bytes(infos=info(b"w\n", (4,)), tensors=1), "printable"),
        (gguf_bytes(infos=info(b"w", ()), tensors=1), "axes"),
        (gguf_bytes(infos=info(b"w", (1,)) + info(b"w", (1,), offset=32), tensors=2) + bytes(99), "type F32"),
        (gguf_bytes(), "architecture None"),
        (gguf_bytes(text(b"split.count") + struct.pack("<IH", 2, 3), 1), "gguf-split --merge"),
        (gguf_bytes(text(b"split.no") + struct.pack("<IH", 2, 3), 1), "expected counts"),
    ],
)
def test_hostile_gguf_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    """Counts, sizes, places and names are bounded by the file before anything is made of them."""
    file = tmp_path / "m.gguf"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=expected) as caught:
        open_checkpoint(file)
    assert str(caught.value).isprintable()


def test_heads_that_cannot_be_are_refused(tmp_path: Path) -> None:
    """The order of rows depends on them."""
    model = toy()
    config = model.config | {"num_attention_heads": 5}
    file = write_gguf(tmp_path / "m.gguf", converted(model, "llama"), "llama", config)
    with pytest.raises(CheckpointError, match="pairs of rows"):
        open_checkpoint(file)
