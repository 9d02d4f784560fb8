"""Weights that a graph packs into blocks, fuses, merges or renames are those of the original, or are refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tests.checkpoints import HEADS, KV_HEADS, LAYERS, Toy, toy
from tests.converted import SLOW, Array, export, read_all, refusal
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.formats.onnx_models import contents
from verify.checkpoint.formats.tensor import Tensor
from verify.checkpoint.places.place import LocalFile, LocalFolder

Nodes = list[onnx.NodeProto]


def write(folder: Path, nodes: Nodes, weights: dict[str, Any]) -> Path:
    """A graph, as a file."""
    held = [
        one if isinstance(one, onnx.TensorProto) else numpy_helper.from_array(np.ascontiguousarray(one), name)
        for name, one in weights.items()
    ]
    folder.mkdir(exist_ok=True)
    model = helper.make_model(helper.make_graph(nodes, "main", [], [], held))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


def read(folder: Path) -> dict[str, Tensor]:
    return contents(LocalFile(folder / "model.onnx"), LocalFolder(folder)).tensors


# Blocks


def packed(codes: Array, bits: int) -> Array:
    """Codes along the last axis, the lower bits of a byte first; what is left of the last byte is 0."""
    each = 8 // bits
    codes = np.concatenate([codes, np.zeros((*codes.shape[:-1], -codes.shape[-1] % each), np.uint8)], axis=-1)
    parts = codes.reshape(*codes.shape[:-1], -1, each).astype(np.uint8)
    found = np.zeros(parts.shape[:-1], np.uint8)
    for k in range(each):
        found |= parts[..., k] << (bits * k)
    return found


def in_blocks(
    rows: int, columns: int, bits: int, size: int, zeros: bool, flat: bool
) -> tuple[Nodes, dict[str, Any], Array]:
    """A node of MatMulNBits, its weights and what they are."""
    rng, name = np.random.default_rng(bits), "fc.weight"
    blocks = -(-columns // size)
    codes = rng.integers(0, 1 << bits, (rows, blocks, size), np.uint8)
    scales = rng.random((rows, blocks), np.float32)
    middle = rng.integers(0, 1 << bits, (rows, blocks), np.uint8)
    weights: dict[str, Any] = {f"{name}_Q4": packed(codes, bits), f"{name}_scales": scales}
    zero = middle if zeros else np.full_like(middle, 1 << (bits - 1))
    if zeros:
        weights[f"{name}_zero_points"] = packed(middle, bits)
    if flat:
        weights = {key: value if key.endswith("_Q4") else value.ravel() for key, value in weights.items()}
    inputs = ["x", *weights]
    sizes = {"N": rows, "K": columns, "bits": bits, "block_size": size, "accuracy_level": 4}
    node = helper.make_node("MatMulNBits", inputs, ["y"], name="/fc/MatMul_Q4", domain="com.microsoft", **sizes)
    whole = (codes.astype(np.float32) - zero[..., None]) * scales[..., None]
    return [node], weights, whole.reshape(rows, -1)[:, :columns]


@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 90),
    bits=st.sampled_from([2, 4, 8]),
    size=st.sampled_from([16, 32, 128]),
    zeros=st.booleans(),
    flat=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
def test_blocks_of_a_row_are_decoded_by_their_definition(
    tmp_path: Path, rows: int, columns: int, bits: int, size: int, zeros: bool, flat: bool
) -> None:
    """scale * (code - zero), the last block cut to the columns; whole and by rows and columns."""
    nodes, weights, expected = in_blocks(rows, columns, bits, size, zeros, flat)
    found = read(write(tmp_path / "m", nodes, weights))
    assert found.keys() == {"fc.weight"}
    tensor = found["fc.weight"]
    assert (tensor.shape, tensor.is_out_in) == (expected.shape, True)
    np.testing.assert_array_equal(tensor.read(), expected)
    some = np.unique([0, rows - 1])
    np.testing.assert_array_equal(tensor.read(some, slice(0, columns, 2)), expected[some, ::2])
    assert tensor.nbytes(some) == tensor.nbytes() // rows * len(some)


@pytest.mark.parametrize("change", ["order", "float zeros", "size", "bits", "computed"])
def test_blocks_of_another_kind_are_refused(tmp_path: Path, change: str) -> None:
    """Never read by the wrong rule."""
    nodes, weights, _ = in_blocks(4, 64, 4, 32, True, False)
    if change == "order":
        weights["g_idx"] = np.arange(64, dtype=np.int32)
        nodes[0].input.append("g_idx")
    if change == "float zeros":
        weights["fc.weight_zero_points"] = np.zeros((4, 2), np.float32)
    if change in ("size", "bits"):
        key, value = ("block_size", 16) if change == "size" else ("bits", 3)
        next(one for one in nodes[0].attribute if one.name == key).i = value
    if change == "computed":
        del weights["fc.weight_scales"]
    assert re.search("packs the weight|computes", str(refusal(lambda: read(write(tmp_path, nodes, weights)))))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("kind", [TensorProto.INT4, TensorProto.UINT4, TensorProto.INT8, TensorProto.UINT8])
def test_blocks_of_an_axis_are_decoded_as_the_reference_decodes_them(tmp_path: Path, kind: int, axis: int) -> None:
    """DequantizeLinear with a block size, also of two codes in a byte; the last block is cut."""
    rng, size, shape = np.random.default_rng(axis), 4, (10, 6)
    low, high = {TensorProto.INT4: (-8, 8), TensorProto.INT8: (-128, 128)}.get(
        kind, (0, 16 if kind == TensorProto.UINT4 else 256)
    )
    blocks = tuple(-(-n // size) if k == axis else n for k, n in enumerate(shape))
    codes, zeros = (rng.integers(low, high, one) for one in (shape, blocks))
    if kind in (TensorProto.INT4, TensorProto.UINT4) and blocks[1] % 2:
        pytest.skip("a row of zeros ends within a byte")
    name = "fc.weight"
    weights = {
        f"{name}_quantized": helper.make_tensor(f"{name}_quantized", kind, shape, codes.ravel().tolist()),
        f"{name}_scale": rng.random(blocks, np.float32),
        f"{name}_zero_point": helper.make_tensor(f"{name}_zero_point", kind, blocks, zeros.ravel().tolist()),
    }
    node = helper.make_node("DequantizeLinear", [*weights], [name], axis=axis, block_size=size)
    product = helper.make_node("MatMul", ["x", name], ["y"], name="/fc/MatMul")
    folder = write(tmp_path / "m", [node, product], weights)
    graph = onnx.load(folder / "model.onnx").graph
    result = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    alone = helper.make_graph([node], "one", [], [result], graph.initializer)
    reference = ReferenceEvaluator(helper.make_model(alone, opset_imports=[helper.make_opsetid("", 21)]))
    expected = np.asarray(reference.run(None, {})[0])
    tensor = read(folder)[name]
    np.testing.assert_array_equal(tensor.read(), expected.T)
    np.testing.assert_array_equal(tensor.read(np.array([1, 5]), slice(2, 9)), expected.T[[1, 5], 2:9])


# Fused attention


def test_attention_with_one_weight_gives_q_k_and_v_of_the_original(tmp_path: Path) -> None:
    """As onnxruntime's optimiser fuses BERT; the module is that of the output, the names those of the family."""
    model = toy("bert")
    made = export(model, "torchscript")
    for i in range(LAYERS):
        at = f"encoder.layer.{i}.attention.self"
        parts = [f"{at}.{name}" for name in ("query", "key", "value")]
        weight = np.concatenate([model.tensors[f"{part}.weight"] for part in parts]).T
        made.weights[f"Attention_{i}_qkv_weight"] = weight
        made.weights[f"Attention_{i}_qkv_bias"] = np.concatenate([model.tensors[f"{part}.bias"] for part in parts])
        inputs = ["x", f"Attention_{i}_qkv_weight", f"Attention_{i}_qkv_bias"]
        out = f"/{at.replace('.', '/').replace('layer/', 'layer.')}/Reshape_3_output_0"
        made.nodes.append(
            helper.make_node(
                "Attention", inputs, [out], name=f"Attention_{i}", domain="com.microsoft", num_heads=HEADS
            )
        )
        gone = re.compile(rf"/?{re.escape(at)}\.(query|key|value)")
        made.weights = {key: value for key, value in made.weights.items() if not gone.match(key)}
        made.nodes = [n for n in made.nodes if not re.search(rf"layer/{i}/attention/self/\w+/", n.name)]
    folder = tmp_path / "m"
    write(folder, made.nodes, dict[str, Any](made.weights))
    (folder / "config.json").write_text(json.dumps(model.config))
    found = open_checkpoint(folder)
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(found.read(*key), expected)


@pytest.mark.parametrize(
    ("weight", "sizes"),
    [((4, 12), None), ((4, 11), None), ((), None), ((12,), None), ((4, 12), [6, 6]), ((4, 12), [4, 9, -1])],
)
def test_attention_that_does_not_fit_or_that_no_table_names_is_refused(
    tmp_path: Path, weight: tuple[int, ...], sizes: list[int] | None
) -> None:
    """Its parts are not guessed."""
    out = ["/a/y" if sizes is None and weight == (4, 12) else "/encoder/layer.0/attention/self/y"]
    node = helper.make_node("Attention", ["x", "w"], out, name="Attention_0", domain="com.microsoft", num_heads=2)
    if sizes is not None:
        node.attribute.append(helper.make_attribute("qkv_hidden_sizes", sizes))
    with pytest.raises(CheckpointError, match="fuses attention in 'Attention_0', whose module no table names"):
        read(write(tmp_path, [node], {"w": np.ones(weight, np.float32)}))


def test_biases_that_attention_adds_are_those_of_q_k_and_v(tmp_path: Path) -> None:
    """Where their matrices are multiplied one by one."""
    at = "encoder.layer.0.attention.self"
    bias = np.arange(12, dtype=np.float32)
    out = ["/encoder/layer.0/attention/self/Reshape_output_0"]
    node = helper.make_node("MultiHeadAttention", ["q", "k", "v", "b"], out, domain="com.microsoft", num_heads=2)
    found = read(write(tmp_path, [node], {"b": bias, "pooler.dense.bias": np.ones(4, np.float32)}))
    for k, name in enumerate(("query", "key", "value")):
        np.testing.assert_array_equal(found[f"{at}.{name}.bias"].read(), bias[4 * k : 4 * k + 4])


# onnxruntime-genai


def built(folder: Path, model: Toy, kind: str = "llama", caches: tuple[str, ...] = ("cos_cache",)) -> Path:
    """A Llama under the names of the builder, q, k and v in one matrix, without a config.json."""
    weights: dict[str, Any] = {}
    nodes: Nodes = []
    said = model.tensors
    for i in range(LAYERS):
        at, attention = f"model.layers.{i}.", f"model.layers.{i}.self_attn."
        parts = {"attn.qkv_proj": np.concatenate([said[f"{attention}{role}_proj.weight"] for role in "qkv"])}
        parts["attn.o_proj"] = said[f"{attention}o_proj.weight"]
        parts |= {f"mlp.{role}_proj": said[f"{at}mlp.{role}_proj.weight"] for role in ("gate", "up", "down")}
        for name, weight in parts.items():
            weights[f"{at}{name}.MatMul.weight"] = weight.T
            path = f"/{at[:-1].replace('.', '/').replace('layers/', 'layers.')}/{name.replace('.', '/')}/MatMul"
            nodes.append(
                helper.make_node("MatMul", ["x", f"{at}{name}.MatMul.weight"], [f"{path}/output_0"], name=path)
            )
        first = nodes[-5].output[0]
        inputs = [first, "", "", *["past"] * 4, *caches]
        attend = helper.make_node("GroupQueryAttention", inputs, [f"a{i}"], domain="com.microsoft")
        attend.attribute.append(helper.make_attribute("num_heads", HEADS))
        attend.attribute.append(helper.make_attribute("kv_num_heads", KV_HEADS))
        nodes.append(attend)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{at}{norm}.weight"] = said[f"{at}{norm}.weight"]
    weights |= {
        "model.embed_tokens.weight": said["model.embed_tokens.weight"],
        f"model.layers.{LAYERS}.final_norm_layernorm.weight": said["model.norm.weight"],
        "lm_head.MatMul.weight": said["lm_head.weight"].T,
        "cos_cache": np.ones((8, 2), np.float32),
    }
    nodes.append(helper.make_node("MatMul", ["x", "lm_head.MatMul.weight"], ["logits"], name="/lm_head/MatMul"))
    nodes.append(helper.make_node("Gather", ["model.embed_tokens.weight", "ids"], ["rows"]))
    write(folder, nodes, weights)
    decoder = {key: model.config[key] for key in ("hidden_size", "num_attention_heads", "num_hidden_layers")}
    (folder / "genai_config.json").write_text(json.dumps({"model": {"type": kind, "decoder": decoder}}))
    return folder


def test_names_of_the_builder_are_those_of_the_original(tmp_path: Path) -> None:
    """One matrix of q, k and v is taken apart by the heads of the node, and the type is that of its own settings."""
    model = toy()
    found = open_checkpoint(built(tmp_path / "m", model))
    assert found.architecture.model_type == "llama"
    assert (found.architecture.heads, found.architecture.kv_heads) == (HEADS, KV_HEADS)
    assert found.architecture.rotary_size == 4
    assert {key for layer in (None, *range(LAYERS)) for key in found.keys(layer)} == set(model.canonical)
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(found.read(*key), expected)
        rows = np.array([0, len(expected) - 1])
        np.testing.assert_array_equal(found.read(*key, rows=rows), expected[rows])


def test_without_the_channels_that_turn_nothing_is_assumed_of_attention(tmp_path: Path) -> None:
    """The tests of hidden units remain."""
    found = open_checkpoint(built(tmp_path / "m", toy(), caches=()))
    assert (found.architecture.model_type, found.architecture.positions) == ("", "unknown")
    assert found.architecture.hidden


@pytest.mark.parametrize("kind", ["gemma2", "nemotron"])
def test_norms_that_the_builder_changes_are_refused(tmp_path: Path, kind: str) -> None:
    """It adds 1 to those of Gemma and Nemotron."""
    with pytest.raises(CheckpointError, match=f"of the type '{kind}', to whose norms"):
        open_checkpoint(built(tmp_path / "m", toy(), kind))


def test_a_table_that_is_the_head_turned_is_read(tmp_path: Path) -> None:
    """As the builder writes tied embeddings."""
    folder, model = built(tmp_path / "m", toy()), toy()
    message = onnx.load(folder / "model.onnx")
    kept = [one for one in message.graph.initializer if one.name != "model.embed_tokens.weight"]
    nodes = [node for node in message.graph.node if node.op_type != "Gather"]
    nodes.append(helper.make_node("Transpose", ["lm_head.MatMul.weight"], ["table"], perm=[1, 0]))
    nodes.append(helper.make_node("Gather", ["table", "ids"], ["rows"], name="/model/embed_tokens/Gather"))
    found = open_checkpoint(write(folder, nodes, {one.name: one for one in kept}))
    np.testing.assert_array_equal(found.read("embed"), model.tensors["lm_head.weight"])
    assert found.architecture.tied_embeddings


# Names


def test_weights_used_in_branches_are_named_by_them(tmp_path: Path) -> None:
    """As of a decoder with and without a cache, merged into one graph."""
    model = toy("bert")
    made = export(model, "torchscript")
    branches = {f"{key}_branch": helper.make_graph(made.nodes, key, [], []) for key in ("then", "else")}
    folder = write(tmp_path / "m", [helper.make_node("If", ["cached"], ["y"], **branches)], dict(made.weights))
    (folder / "config.json").write_text(json.dumps(model.config))
    found = open_checkpoint(folder)
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(found.read(*key), expected)


def test_a_graph_whose_names_were_lost_says_so(tmp_path: Path) -> None:
    """As after quantising what PyTorch's newer exporter wrote; a layout file would not help."""
    made = export(toy(), "torchscript")
    for node in made.nodes:
        node.name = "node_linear"
    folder = write(tmp_path, made.nodes, dict[str, Any](made.weights))
    with pytest.raises(CheckpointError, match=r"matrices whose names were lost .* give the file from before"):
        open_checkpoint(folder)


def test_equal_tensors_that_became_one_have_both_names(tmp_path: Path) -> None:
    """Untouched norms, which PyTorch's newer exporter writes once; a name that no table has is not made up."""
    scopes = {"a": "model.layers.0.input_layernorm", "b": "model.layers.1.input_layernorm", "c": "model.strange"}
    nodes = []
    for name, scope in scopes.items():
        node = helper.make_node("Mul", ["model.layers.0.input_layernorm.weight", name], [f"{name}_out"])
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(["", "model", scope, "mul"]))
        nodes.append(node)
    weights = {"model.layers.0.input_layernorm.weight": np.ones(4, np.float32), "model.norm.weight": np.ones(4)}
    found = read(write(tmp_path, nodes, weights))
    assert found.keys() == {"layers.0.input_layernorm.weight", "layers.1.input_layernorm.weight", "norm.weight"}


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
def test_damaged_graphs_give_a_sentence_or_numbers(tmp_path: Path, data: st.DataObject) -> None:
    """Of blocks, and of attention that takes q, k and v as one: any byte changed."""
    if data.draw(st.booleans()):
        nodes, weights, _ = in_blocks(8, 40, 4, 16, True, False)
        folder = write(tmp_path / "m", nodes, weights)
    else:
        folder = built(tmp_path / "m", toy())
    content = bytearray((folder / "model.onnx").read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place : place + 3] = data.draw(st.sampled_from([b"\xff\xff\x7f", b"\0", b"\1", b"\x7f", b"\x10"]))
    (folder / "model.onnx").write_bytes(bytes(content))
    assert (refusal(lambda: [tensor.read() for tensor in read(folder).values()]) or "read").isprintable()
    assert (refusal(lambda: read_all(open_checkpoint(folder))) or "read").isprintable()
