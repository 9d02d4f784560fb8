"""An ONNX file is a stranger's: whatever is wrong becomes one clear sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checkpoints import toy
from tests.converted import SLOW, export, external, read_all, refusal, write_onnx
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.formats import onnx_file


@pytest.mark.parametrize(
    ("location", "entries", "expected"),
    [
        ("../weights.bin", {}, "beside it"),
        ("/etc/passwd", {}, "beside it"),
        ("sub/weights.bin", {}, "beside it"),
        ("C:weights.bin", {}, "beside it"),
        ("..\\weights.bin", {}, "beside it"),
        ("..", {}, "beside it"),
        ("", {}, "beside it"),
        ("absent.bin", {}, "missing"),
        ("weights.bin", {"offset": 2**40}, "truncated"),
        ("weights.bin", {"offset": -4}, "counts of bytes"),
        ("weights.bin", {"length": 3}, "bytes of it"),
    ],
)
def test_data_outside_the_folder_or_the_file_is_refused(
    tmp_path: Path, location: str, entries: dict[str, int], expected: str
) -> None:
    """No name leads out, no place lies outside, and nothing is read for it."""
    with pytest.raises(CheckpointError, match=expected):
        open_checkpoint(external(toy("bert"), tmp_path, location, **entries))


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
def test_damaged_onnx_gives_a_sentence_or_numbers(tmp_path: Path, data: st.DataObject) -> None:
    """Any bytes changed, or the end missing: a refusal or tensors; never anything else."""
    content = bytearray(export(toy("bert"), "onnxruntime").model().SerializeToString())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + 8] = data.draw(st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\1", b"\x0a\x80", b"\x12"]))
    folder = write_onnx(tmp_path, onnx.ModelProto(), toy("bert").config)
    (folder / "model.onnx").write_bytes(bytes(content))
    assert (refusal(lambda: read_all(open_checkpoint(folder))) or "read").isprintable()


def changed(change: Callable[[onnx.ModelProto], None]) -> onnx.ModelProto:
    message = export(toy("bert"), "torchscript").model()
    change(message)
    return message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, 2**40), "bytes of it"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, -1), "sizes"),
        (lambda m: setattr(m.graph.initializer[0], "name", "a\nb"), "printable"),
        (lambda m: m.graph.initializer.add().CopyFrom(m.graph.initializer[0]), "twice"),
        (lambda m: m.graph.initializer.__delitem__(slice(None)), "no ONNX graph"),
        (lambda m: setattr(m.graph.node[3], "op_type", "MatMulNBits"), "packs the weight"),
        (lambda m: setattr(m.graph.node[3], "op_type", "QGemm"), "packed weights"),
    ],
)
def test_hostile_onnx_is_refused(tmp_path: Path, change: Callable[[onnx.ModelProto], None], expected: str) -> None:
    """Sizes and names are checked before anything is made of them."""
    with pytest.raises(CheckpointError, match=expected) as caught:
        open_checkpoint(write_onnx(tmp_path, changed(change), toy("bert").config))
    assert str(caught.value).isprintable()


def test_an_onnx_file_of_what_no_message_may_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is read."""
    folder = write_onnx(tmp_path, changed(lambda _: None), toy("bert").config)
    monkeypatch.setattr(onnx_file, "_LARGEST", 1000)
    with pytest.raises(CheckpointError, match="below 1000"):
        open_checkpoint(folder)
