"""ONNX files give the tensors of the model they were made from, as each exporter writes it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

import verify
from tests.checkpoints import LAYERS, toy
from tests.converted import MODELS, Export, Kind, export, external, shipped, write_onnx, write_shipped
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.formats import onnx_models
from verify.checkpoint.places.place import LocalFile, LocalFolder

# Hostile GGUF


@pytest.mark.parametrize(("suffix", "package"), [(".gguf", "gguf"), (".onnx", "onnx")])
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    """One sentence that says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / f"m{suffix}").write_bytes(bytes(100))
    with pytest.raises(CheckpointError, match=rf"verify-lineage\[{package}\]"):
        open_checkpoint(tmp_path / f"m{suffix}")


# ONNX, as each exporter writes it
STYLES = ("gemm", "torchscript", "transposed", "dynamo", "onnxruntime", "qdq")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("family", ["bert", "llama", "gpt2"])
@pytest.mark.parametrize("wrapper", ["", "inner.", "model.0.auto_model."])
def test_onnx_gives_back_the_layers_of_the_original(tmp_path: Path, style: str, family: str, wrapper: str) -> None:
    """Whichever exporter or quantiser wrote it: names by bias or scope, [out, in], within what rounding loses."""
    model = toy(family)
    checkpoint = open_checkpoint(write_onnx(tmp_path, export(model, style, wrapper).model(), model.config))
    assert checkpoint.unrecognised == ()
    keys = {key for layer in (None, *range(LAYERS)) for key in checkpoint.keys(layer)}
    assert keys == set(model.canonical)
    exact = style in ("gemm", "torchscript", "transposed")
    for key, expected in model.canonical.items():
        tolerance = 0 if exact else 0.02 * float(np.abs(expected).max())
        found = checkpoint.read(*key)
        np.testing.assert_allclose(found, expected, atol=tolerance)
        np.testing.assert_array_equal(checkpoint.read(*key, rows=slice(1, 3)), found[1:3])


def test_a_prefix_that_a_family_needs_stays(tmp_path: Path) -> None:
    """OPT's names all begin with `model.decoder.`, of which `decoder.` must stay."""
    made = Export("gemm")
    made.linear("model.decoder.layers.0.fc1", np.ones((3, 2), np.float32), None, 0)
    made.table("model.decoder.embed_tokens.weight", np.ones((5, 2), np.float32))
    (tmp_path / "m.onnx").write_bytes(made.model().SerializeToString())
    found = onnx_models.contents(LocalFile(tmp_path / "m.onnx"), LocalFolder(tmp_path)).tensors
    assert sorted(found) == ["decoder.embed_tokens.weight", "decoder.layers.0.fc1.weight"]


def test_onnx_codes_decode_to_their_formula(tmp_path: Path) -> None:
    """scale * (code - zero), exactly, and bytes read are those of the codes."""
    model = toy("bert")
    made = export(model, "onnxruntime")
    checkpoint = open_checkpoint(write_onnx(tmp_path, made.model(), model.config))
    name = next(node.input[1] for node in made.nodes if node.name == "/encoder/layer/1/output/dense/MatMul_quant")
    base = name.removesuffix("_quantized")
    zero, scale = made.weights[f"{base}_zero_point"], made.weights[f"{base}_scale"]
    expected = ((made.weights[name].astype(np.float32) - np.float32(zero)) * scale).T
    np.testing.assert_array_equal(checkpoint.read("down", 1), expected)
    assert checkpoint.bytes_read == expected.size


def test_numbers_spelled_out_one_by_one_are_read(tmp_path: Path) -> None:
    """Not every writer uses raw data."""
    model = toy("bert")
    message = export(model, "torchscript").model()
    spelled = [
        helper.make_tensor(t.name, t.data_type, t.dims, numpy_helper.to_array(t).ravel().tolist())
        for t in message.graph.initializer
    ]
    del message.graph.initializer[:]
    message.graph.initializer.extend(spelled)
    checkpoint = open_checkpoint(write_onnx(tmp_path, message, model.config))
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)


def test_data_beside_an_onnx_file_is_read_and_counted_among_its_files(tmp_path: Path) -> None:
    """The identity of the model covers it."""
    model = toy("bert")
    checkpoint = open_checkpoint(external(model, tmp_path, "data.bin"))
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
    assert [file.name for file in checkpoint.files()] == ["data.bin", "model.onnx"]


@pytest.mark.parametrize("style", ["onnxruntime", "dynamo"])
def test_an_int8_onnx_child_is_dependent_on_its_parent(tmp_path: Path, style: str) -> None:
    """Across formats and rounding; a stranger stays one."""
    model = shipped("fine-tuned")
    folder = write_onnx(tmp_path, export(model, style).model(), model.config)
    (folder / "tokenizer.json").write_bytes((MODELS / "reference" / "tokenizer.json").read_bytes())
    report = verify.test_lineage(folder, MODELS / "reference")
    assert report.verdict == "dependent"
    assert report.log10_p is not None
    assert report.log10_p < -100
    assert verify.test_lineage(folder, MODELS / "stranger-1").verdict == "no_evidence"


def test_gguf_and_onnx_of_one_model_are_dependent(tmp_path: Path) -> None:
    """No safetensors on either side."""
    file = write_shipped("reference", tmp_path / "m.gguf", Kind.Q8_0)
    model = shipped("reference")
    folder = write_onnx(tmp_path / "o", export(model, "torchscript").model(), model.config)
    assert verify.test_lineage(file, folder).verdict == "dependent"
