"""Experts of a layer in one quantised tensor are the matrices that the same model has unquantised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.encoders import Array
from tests.newer_encoders import E2M1, exponents, halves
from verify import open_checkpoint
from verify.base import CheckpointError
from verify.checkpoint import Checkpoint
from verify.checkpoint.formats.conventions import Stack
from verify.checkpoint.formats.quantised import dequantised
from verify.checkpoint.formats.safetensors_file import contents
from verify.checkpoint.places.place import LocalFile

WIDTH, UNITS, EXPERTS = 32, 64, 3
RNG = np.random.default_rng(0)
GPT_OSS = {"model_type": "gpt_oss", "num_local_experts": EXPERTS, "head_dim": 8}
QWEN3_MOE = {"model_type": "qwen3_moe", "num_experts": EXPERTS, "head_dim": 8}
SIZES = {"hidden_size": WIDTH, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 1}
LAYER = "model.layers.0."
ATTENTION = {
    "model.embed_tokens.weight": (50, WIDTH),
    "lm_head.weight": (50, WIDTH),
    "model.norm.weight": (WIDTH,),
    LAYER + "input_layernorm.weight": (WIDTH,),
    LAYER + "post_attention_layernorm.weight": (WIDTH,),
    LAYER + "self_attn.q_proj.weight": (32, WIDTH),
    LAYER + "self_attn.k_proj.weight": (16, WIDTH),
    LAYER + "self_attn.v_proj.weight": (16, WIDTH),
    LAYER + "self_attn.o_proj.weight": (WIDTH, 32),
}
OF_GPT_OSS = {LAYER + "mlp.router.weight": (EXPERTS, WIDTH), LAYER + "self_attn.sinks": (4,)}
OF_QWEN3 = {
    LAYER + "mlp.gate.weight": (EXPERTS, WIDTH),
    LAYER + "self_attn.q_norm.weight": (8,),
    LAYER + "self_attn.k_norm.weight": (8,),
}
ROOT = LAYER + "mlp.experts."
OF_DOWN = {ROOT + "down_proj": np.ones((EXPERTS, UNITS, WIDTH), np.float32)}


def plain(*tables: dict[str, tuple[int, ...]]) -> dict[str, Array]:
    """Tensors of both files."""
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal(shape).astype(np.float32) for table in tables for name, shape in table.items()}


def opened(folder: Path, tensors: dict[str, Array], config: dict[str, Any]) -> Checkpoint:
    """The model that holds them."""
    folder.mkdir()
    save_file({name: np.ascontiguousarray(x) for name, x in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(SIZES | config))
    return open_checkpoint(folder)


def alike(one: Checkpoint, other: Checkpoint) -> None:
    """Every canonical tensor is the same, whole and by rows."""
    keys = [key for layer in (None, 0) for key in one.keys(layer)]
    assert keys == [key for layer in (None, 0) for key in other.keys(layer)]
    assert sum(role == "expert_down" for role, _, _ in keys) == EXPERTS
    for key in keys:
        np.testing.assert_array_equal(one.read(*key), other.read(*key))
        rows = np.arange(1, one.shape(*key)[0], 3)
        np.testing.assert_array_equal(one.read(*key, rows=rows), one.read(*key)[rows])


def mxfp4(out: int, size: int) -> tuple[Array, Array, Array]:
    """Blocks and scales of gpt-oss, and the matrices [expert, out, in]."""
    codes = RNG.integers(0, 16, (EXPERTS, out, size))
    stored, scale = exponents(RNG, (EXPERTS, out, size // 32))
    return halves(codes).reshape(EXPERTS, out, -1, 16), stored, E2M1[codes] * np.repeat(scale, 32, -1)


def test_published_gpt_oss_is_its_unquantised_form(tmp_path: Path) -> None:
    """Blocks of MXFP4 [expert, out, in] and floats [expert, in, out] are one model."""
    both, packed, floats = plain(ATTENTION, OF_GPT_OSS), {}, {}
    for name, shape in (("gate_up_proj", (2 * UNITS, WIDTH)), ("down_proj", (WIDTH, UNITS))):
        packed[f"{ROOT}{name}_blocks"], packed[f"{ROOT}{name}_scales"], meant = mxfp4(*shape)
        floats[ROOT + name] = meant.swapaxes(1, 2)
        both[f"{ROOT}{name}_bias"] = RNG.standard_normal((EXPERTS, shape[0])).astype(np.float32)
    said = {"quantization_config": {"quant_method": "mxfp4"}}
    alike(opened(tmp_path / "q", both | packed, GPT_OSS | said), opened(tmp_path / "f", both | floats, GPT_OSS))


def test_experts_beside_their_scales_are_unquantised_experts(tmp_path: Path) -> None:
    """float8 in blocks under the names of newer files: no ``weight`` in the name."""
    both, packed, floats = plain(ATTENTION, OF_QWEN3), {}, {}
    for name, shape in (("gate_up_proj", (2 * UNITS, WIDTH)), ("down_proj", (WIDTH, UNITS))):
        codes = RNG.standard_normal((EXPERTS, *shape)).astype(ml_dtypes.float8_e4m3fn)
        scale = RNG.uniform(0.1, 1, (EXPERTS, shape[0] // 16, shape[1] // 16)).astype(np.float32)
        packed |= {ROOT + name: codes, f"{ROOT}{name}_scale_inv": scale}
        floats[ROOT + name] = codes.astype(np.float32) * np.repeat(np.repeat(scale, 16, 1), 16, 2)
    said = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [16, 16]}}
    alike(opened(tmp_path / "q", both | packed, QWEN3_MOE | said), opened(tmp_path / "f", both | floats, QWEN3_MOE))


def test_experts_of_mlx_are_experts_apart(tmp_path: Path) -> None:
    """A switch of MLX holds what other files hold expert by expert."""
    both, packed, floats = plain(ATTENTION, OF_QWEN3), {}, {}
    for role, shape in (("gate", (UNITS, WIDTH)), ("up", (UNITS, WIDTH)), ("down", (WIDTH, UNITS))):
        codes = RNG.integers(0, 16, (EXPERTS, *shape))
        scale, bias = (RNG.uniform(-1, 1, (EXPERTS, shape[0], shape[1] // 32)).astype(np.float16) for _ in range(2))
        words = halves(codes).view(np.uint32)
        name = f"{LAYER}mlp.switch_mlp.{role}_proj."
        packed |= {name + "weight": words, name + "scales": scale, name + "biases": bias}
        wide = [np.repeat(x.astype(np.float32), 32, -1) for x in (scale, bias)]
        floats |= {f"{ROOT}{e}.{role}_proj.weight": x for e, x in enumerate(codes * wide[0] + wide[1])}
    said = {"quantization": {"bits": 4, "group_size": 32}}
    floats = {name: x.astype(np.float32) for name, x in floats.items()}
    alike(opened(tmp_path / "q", both | packed, QWEN3_MOE | said), opened(tmp_path / "f", both | floats, QWEN3_MOE))


@pytest.mark.parametrize("kind", ["blocks", "beside"])
def test_a_stack_is_its_entries(tmp_path: Path, kind: str) -> None:
    """Shape, numbers by experts and rows, bytes; only blocks are [out, in] whatever the family stores."""
    if kind == "blocks":
        blocks, scales, meant = mxfp4(WIDTH, UNITS)
        parts = {f"{ROOT}down_proj_blocks": blocks, f"{ROOT}down_proj_scales": scales}
    else:  # scales of outputs of experts that are stored [in, out]
        codes = RNG.standard_normal((EXPERTS, UNITS, WIDTH)).astype(ml_dtypes.float8_e4m3fn)
        scales = RNG.uniform(0.1, 1, (EXPERTS, 1, WIDTH)).astype(np.float32)
        parts, meant = (
            {ROOT + "down_proj": codes, ROOT + "down_proj_scale": scales},
            codes.astype(np.float32) * scales,
        )
    save_file(parts, tmp_path / "model.safetensors")
    stack = dequantised(contents(LocalFile(tmp_path / "model.safetensors")).tensors, {})[ROOT + "down_proj"]
    assert isinstance(stack, Stack)
    assert stack.shape == meant.shape
    assert stack.is_out_in == (kind == "blocks")
    np.testing.assert_array_equal(stack.read(), meant)
    np.testing.assert_array_equal(stack.read(slice(1, 3), slice(2, 9)), meant[1:3, 2:9])
    assert stack.read(slice(0, 0)).shape == (0, *meant.shape[1:])
    for expert in range(EXPERTS):
        entry = stack.entry(expert)
        assert entry.is_out_in == stack.is_out_in
        np.testing.assert_array_equal(entry.read(slice(1, 5)), meant[expert, 1:5])
    whole = sum(part.nbytes for part in parts.values())
    assert stack.nbytes() == sum(map(len, stack.iter_bytes())) == whole
    assert sum(stack.entry(expert).nbytes() for expert in range(EXPERTS)) == whole


def test_parts_of_other_numbers_of_experts_are_refused(tmp_path: Path) -> None:
    """Two experts' scales say nothing of three experts."""
    blocks, scales, _ = mxfp4(WIDTH, UNITS)
    stored = {ROOT + "down_proj_blocks": blocks, ROOT + "down_proj_scales": scales[:2]}
    with pytest.raises(CheckpointError, match="parts for \\[2, 3\\] experts"):
        opened(tmp_path / "q", stored, GPT_OSS)


def test_gate_and_up_of_one_row_are_refused(tmp_path: Path) -> None:
    """They alternate row by row, so that each needs one."""
    stored = {ROOT + "gate_up_proj": np.ones((EXPERTS, WIDTH, 1), np.float32)}
    with pytest.raises(CheckpointError, match="has 1 rows"):
        opened(tmp_path / "m", plain(ATTENTION, OF_GPT_OSS) | stored | OF_DOWN, GPT_OSS)


def test_partial_blocks_of_gate_and_up_in_one_tensor_are_refused(tmp_path: Path) -> None:
    """Whether the blocks begin anew at up is not said, and the number of scales can be the same."""
    codes = np.ones((EXPERTS, 2 * UNITS, WIDTH), ml_dtypes.float8_e4m3fn)
    stored = {ROOT + "gate_up_proj": codes, ROOT + "gate_up_proj_scale_inv": np.ones((EXPERTS, 2, 1), np.float32)}
    said = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [96, 32]}}
    with pytest.raises(CheckpointError, match="scales of shape \\(2, 1\\)"):
        opened(tmp_path / "q", stored, QWEN3_MOE | said)
