"""An ONNX file is a stranger's: whatever is wrong becomes one clear sentence."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

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


MATRICES = {"w": np.ones((4, 4), np.float32), "model.layers.0.self_attn.qkv_proj.weight": np.ones((8, 8), np.float32)}
LONG = "a." * 20_000 + "b"


def scoped(node: onnx.NodeProto, *scopes: str) -> onnx.NodeProto:
    """A node in modules, as PyTorch's newer exporter says them."""
    node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str([*scopes, "node"]))
    return node


def one_after_another(kind: str, weight: str, steps: int, each: int = 300) -> list[onnx.NodeProto]:
    """A product, and steps of many nodes which all make the same output."""
    nodes = [helper.make_node("MatMul", ["x", weight], ["y0"])]
    return nodes + [helper.make_node(kind, [f"y{n}"], [f"y{n + 1}"]) for n in range(steps) for _ in range(each)]


def many_products(each: int = 2000) -> list[onnx.NodeProto]:
    """Products that all make the same output, and as many nodes that use it."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]) for _ in range(each)]
    return nodes + [helper.make_node("Add", ["y", "b"], ["z"]) for _ in range(each)]


BOMBS: dict[str, list[onnx.NodeProto]] = {
    "casts": one_after_another("Cast", "w", 4),
    "additions": one_after_another("Add", "model.layers.0.self_attn.qkv_proj.weight", 3),
    "products": many_products(),
    "one input many times": [scoped(helper.make_node("Mul", ["v.weight"] * 50_000, ["y"]), *["a.b.c"] * 5000)],
    "a long scope": [
        helper.make_node("Transpose", ["v.weight"], ["t"]),
        scoped(helper.make_node("Gather", ["t", "x"], ["y"]), LONG),
        helper.make_node("Attention", ["x", "v.weight"], ["z"], name=LONG.replace(".", "/").replace("a", "/a", 1)),
    ],
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_graph_costs_what_its_size_is(tmp_path: Path, what: str) -> None:
    """Files of at most a few hundred kB, whose uses or words multiply with one another: a sentence in seconds."""
    weights = [numpy_helper.from_array(x, name) for name, x in (MATRICES | {"v.weight": np.ones((4, 4))}).items()]
    message = helper.make_model(helper.make_graph(BOMBS[what], "main", [], [], weights))
    started = time.process_time()
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(write_onnx(tmp_path, message, {}))
    assert str(caught.value).isprintable()
    assert time.process_time() - started < 8


def test_a_scale_that_many_nodes_share_is_held_once(tmp_path: Path) -> None:
    """And not once a node."""
    nodes = [helper.make_node("DequantizeLinear", ["c", "s"], [f"y{n}"], axis=0, block_size=1) for n in range(300)]
    held = {"c": np.zeros((512, 512), np.int8), "s": np.ones((512, 512), np.float16), "v.weight": np.ones(4)}
    weights = [numpy_helper.from_array(x, name) for name, x in held.items()]
    folder = write_onnx(tmp_path, helper.make_model(helper.make_graph(nodes, "main", [], [], weights)), {})
    tracemalloc.start()
    try:
        refusal(lambda: open_checkpoint(folder))
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_an_onnx_file_of_what_no_message_may_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is read."""
    folder = write_onnx(tmp_path, changed(lambda _: None), toy("bert").config)
    monkeypatch.setattr(onnx_file, "_LARGEST", 1000)
    with pytest.raises(CheckpointError, match="below 1000"):
        open_checkpoint(folder)
