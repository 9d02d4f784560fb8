"""Quantised models: related to their parents, or refused in a sentence where not understood."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import verify
from tests.encoders import (
    CONVENTIONS,
    MODULE,
    Array,
    Encoded,
    awq,
    bits4,
    float8,
    gptq,
    gptq_without_order,
    llm_int8,
    logical,
    packed_tensors,
)
from tests.newer_encoders import affine, auto_round, bitnet, dense, float4, gemv, hqq, in_bytes
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.formats.safetensors_file import contents
from verify.checkpoint.places.place import LocalFile

MODELS = Path(verify.__file__).parent / "data" / "models"


def refusals() -> dict[str, tuple[Encoded, str]]:
    """Encodings with one thing wrong, and what the refusal must say."""
    w = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)

    def without(made: Encoded, *names: str) -> Encoded:
        return made._replace(parts={name: part for name, part in made.parts.items() if name not in names})

    def having(made: Encoded, **parts: Array) -> Encoded:
        return made._replace(parts=made.parts | parts)

    def e4m3(shape: tuple[int, ...]) -> Array:
        return np.ones(shape, ml_dtypes.float8_e4m3fn)

    def said(made: Encoded, **entries: Any) -> Encoded:
        return made._replace(config={"quantization_config": made.config["quantization_config"] | entries})

    state = "weight.quant_state.bitsandbytes__nf4"
    bad_state = np.frombuffer(b'{"shape": [1, 1e9], "blocksize": 0}', np.uint8)
    return {
        "gptq of marlin": (said(gptq(w), checkpoint_format="marlin"), "marlin"),
        "gptq of 5 bits": (said(gptq(w), bits=5), "2, 3, 4 or 8 bits"),
        "gptq group out of range": (having(gptq(w), g_idx=np.full(64, 8, np.int32)), "groups 0 to 7"),
        "gptq short order": (having(gptq(w), g_idx=np.zeros(63, np.int32)), "g_idx"),
        "gptq zeros": (having(gptq(w), qzeros=np.zeros((8, 3), np.int32)), "qzeros"),
        "gptq no zeros": (without(gptq(w), "qzeros"), "not read"),
        "awq gemv": (said(awq(w), version="gemv", group_size=32), "gemv"),
        "awq gemv of small groups": (said(gemv(w), group_size=16), "groups of 16"),
        "awq gemv_fast": (said(awq(w), version="gemv_fast"), "gemv_fast"),
        "awq scales": (having(awq(w), scales=np.ones((8, 31), np.float16)), "scales"),
        "no method, no order": (
            Encoded(gptq_without_order(w).parts, {}, w),
            "not read",
        ),
        "bitsandbytes tiles": (having(llm_int8(w), weight_format=np.array(2, np.uint8)), "rearranged"),
        "bitsandbytes rows": (having(llm_int8(w), SCB=np.ones(31, np.float32)), "SCB"),
        "nf4 without state": (without(bits4(w), state), "quant_state"),
        "nf4 hostile state": (having(bits4(w), **{state: bad_state}), "counts"),
        "nf4 short": (having(bits4(w), weight=np.zeros((9, 1), np.uint8)), "half a byte"),
        "nf4 no second table": (without(bits4(w, nested=True), "weight.nested_quant_map"), "nested_quant_map"),
        "packed huge": (having(packed_tensors(w), weight_shape=np.array([2**40, 64], np.int64)), "weight_packed"),
        "packed negative": (having(packed_tensors(w), weight_shape=np.array([-32, 64], np.int64)), "weight_packed"),
        "packed groups": (having(packed_tensors(w), weight_scale=np.ones((31, 8), np.float32)), "weight_scale"),
        "float8 odd scales": (having(float8(w, "rows"), weight_scale=np.ones((5, 7), np.float32)), "block"),
        "float8 unscaled though quantised": (without(float8(w, "rows"), "weight_scale"), "not read"),
        "scaled floats": (having(float8(w, "rows"), weight=w), "not read"),
        "nvfp4": (having(float8(w, "rows"), weight_scale_2=np.ones((), np.float32)), "not read"),
        "bitnet": (having(float8(w, "one"), weight=np.zeros((8, 64), np.uint8)), "not read"),
        "float4 of another run": (having(float4(w, "modelopt nvfp4"), weight_scale=e4m3((32, 1))), r"\(32, 4\)"),
        "float4 with scales of floats": (
            having(float4(w, "compressed-tensors mxfp4"), weight_scale=np.ones((32, 2), np.float32)),
            "weight_scale of F32",
        ),
        "float4 with a scale too many": (
            having(float4(w, "modelopt nvfp4"), weight_scale_2=np.ones(2, np.float32)),
            "weight_scale_2",
        ),
        "float4 called int8 elsewhere": (
            said(float4(w, "fp8 mxfp4"), quant_method="compressed-tensors"),
            "weight_scale_inv of F8_E8M0",
        ),
        "mlx without settings": (affine(w, 4)._replace(config={}), "a mode, bits and group_size"),
        "mlx of other bits": (
            affine(w, 4)._replace(config={"quantization": {"bits": 8, "group_size": 32}}),
            "8 bits each in groups of 32",
        ),
        "mlx of another mode": (
            affine(w, 4)._replace(config={"quantization": {"bits": 4, "group_size": 32, "mode": "mxfp4"}}),
            "biases in mode affine alone",
        ),
        "mlx of an unknown mode": (
            without(affine(w, 4), "biases")._replace(config={"quantization": {"bits": 4, "mode": "new"}}),
            "'new'",
        ),
        "packed in other bits": (
            said(dense(w, 3), config_groups={"group_0": {"weights": {"num_bits": 4}}}),
            "4 bits for each number",
        ),
        "packed with bits left out": (
            having(dense(w, 3), weight_packed=np.zeros((32, 7), np.int32)),
            "none left out",
        ),
        "bitnet of a new class": (said(bitnet(w, multiplies=True), linear_class="newlinear"), "newlinear"),
        "bitnet of floats": (having(bitnet(w, multiplies=True), weight=w), "not read"),
        "hqq without zeros": (without(hqq(w, 4, 1), "zero"), "no zero"),
        "hqq packed anew": (having(hqq(w, 4, 1), packing=np.frombuffer(b"5bit_32", np.uint8)), "5bit_32"),
        "hqq of no shape": (having(hqq(w, 4, 1), shape=np.array([2**40, 0])), "at least 1"),
        "hqq of a huge shape": (having(hqq(w, 4, 1), shape=np.array([2**40, 64])), "W_q"),
        "hqq of split groups": (having(hqq(w, 4, 1), group_size=np.array(24, np.int32)), "whole groups"),
        "torchao int4": (
            having(in_bytes(w, "torchao"), _weight_zero_point=np.zeros((32, 2), np.float16)),
            "zero_point of F16",
        ),
        "torchao mx": (
            having(in_bytes(w, "torchao", floats=True), _weight_scale=e4m3((32, 2)).view(ml_dtypes.float8_e8m0fnu)),
            "scale of F8_E8M0",
        ),
        "quanto in 4 bits": (
            Encoded(
                {"weight._data._data": np.zeros((16, 64), np.uint8), "weight._scale": np.ones(2, np.float16)}, {}, w
            ),
            "does not say the shape",
        ),
        "auto-round in a new format": (said(auto_round(w), packing_format="auto_round:new"), "'auto_round:new'"),
        "another method": (said(gptq(w), quant_method="vptq"), "vptq"),
        "no settings": (gptq(w)._replace(config={"quantization_config": 3}), "expected an object"),
    }


def read_all(folder: Path, made: Encoded) -> None:
    for tensor in logical(folder, made).values():
        tensor.read()


@pytest.mark.parametrize("name", refusals())
def test_what_is_not_understood_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    """Never misread: the tensor or entry, what was found, and what to do."""
    made, expected = refusals()[name]
    with pytest.raises(CheckpointError, match=expected) as caught:
        read_all(tmp_path, made)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_integers_without_scales_are_refused_where_numbers_are_needed(tmp_path: Path, dtype: type) -> None:
    """A matrix of a layer that is stored as plain integers has no meaning that is known."""
    weights = load_file(MODELS / "reference" / "model.safetensors")
    weights["model.layers.0.mlp.up_proj.weight"] = np.zeros((176, 64), dtype)
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes((MODELS / "reference" / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match=r"layers\.0\.mlp\.up_proj\.weight' as [IU]8, with no scales"):
        verify.fingerprint(tmp_path)


def test_names_by_chance_are_left_alone(tmp_path: Path) -> None:
    """Floats that share a name with a part of some convention are tensors like any other."""
    parts = {"B": np.ones((2, 2), np.float32), "s": np.ones(2, np.float32), "scales": np.ones(3, np.float32)}
    found = logical(tmp_path, Encoded(parts, {}, np.zeros(0)))
    assert sorted(found) == [f"{MODULE}.{name}" for name in ("B", "s", "scales")]


def quantise(model: str, folder: Path, encode: Callable[[Array], Encoded]) -> Path:
    """A shipped model with every matrix in its layers stored by a convention."""
    folder.mkdir()
    stored: dict[str, Array] = {}
    config = json.loads((MODELS / model / "config.json").read_text())
    for name, weight in load_file(MODELS / model / "model.safetensors").items():
        if weight.ndim == 2 and re.search(r"\.(layers|h)\.", name):
            made = encode(weight.astype(np.float32) if ".layers." in name else weight.T.astype(np.float32))
            stored |= {f"{name.removesuffix('.weight')}.{part}": value for part, value in made.parts.items()}
            config |= made.config
        else:
            stored[name] = weight
    save_file({name: np.ascontiguousarray(value) for name, value in stored.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes((MODELS / model / "tokenizer.json").read_bytes())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gptq 4", "nf4 nested", "llm.int8"])
def test_a_quantised_child_is_dependent_on_its_parent(tmp_path: Path, name: str) -> None:
    """And so strongly that what rounding costs does not matter; a stranger is still a stranger."""
    child = quantise("fine-tuned", tmp_path / "child", CONVENTIONS[name])
    report = verify.test_lineage(child, MODELS / "reference")
    assert report.verdict == "dependent"
    assert report.log10_p is not None
    assert report.log10_p < -50
    assert verify.test_lineage(child, MODELS / "stranger-1").verdict == "no_evidence"


def test_matrices_that_the_family_stores_the_other_way_round_are_turned(tmp_path: Path) -> None:
    """GPT-2 stores [in, out] and its quantisers [out, in], which in a square matrix no shape would tell."""
    child = open_checkpoint(quantise("gpt2-reference", tmp_path / "child", CONVENTIONS["llm.int8"]))
    parent = open_checkpoint(MODELS / "gpt2-reference")
    for key in parent.keys(0):
        np.testing.assert_allclose(child.read(*key), parent.read(*key), atol=0.02 * np.abs(parent.read(*key)).max())


def test_scales_of_activations_are_no_tensors_of_the_model(tmp_path: Path) -> None:
    """Calibration is left out; bytes read are those that are stored."""
    scale = {"input_scale": np.ones((), np.float32)}
    folder = quantise("reference", tmp_path / "q", lambda w: (m := float8(w, "rows"))._replace(parts=m.parts | scale))
    weights = contents(LocalFile(folder / "model.safetensors"))
    assert any(name.endswith("input_scale") for name in weights.tensors)
    checkpoint = open_checkpoint(folder)
    assert checkpoint.unrecognised == ()
    shape = checkpoint.shape("up", 0)
    checkpoint.read("up", 0)
    assert checkpoint.bytes_read == shape[0] * shape[1] + 4 * shape[0]
