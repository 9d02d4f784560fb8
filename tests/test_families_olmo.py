"""OLMo's own code: what config.json says of norm, activation and positions, and the order of its fused tensors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checkpoints import Toy, write_checkpoint
from tests.families import toy
from tests.published import HIDDEN, VOCAB, WIDTH
from verify.checkpoint import open_checkpoint
from verify.checkpoint.architecture import Architecture

BLOCK = "model.transformer.blocks.0."


def found(folder: Path, model: Toy | None = None, **changes: Any) -> Architecture:
    return open_checkpoint(write_checkpoint(folder, (model or toy("hf_olmo")).configured(**changes))).architecture


def test_its_mlp_computes_what_olmo_does(tmp_path: Path) -> None:
    """``x, gate = ff_proj(x).chunk(2); ff_out(silu(gate) * x)``, written out anew from the published code."""
    model = toy("hf_olmo")
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    h = np.random.default_rng(0).standard_normal(WIDTH)
    x, to_gate = np.split(model.tensors[BLOCK + "ff_proj.weight"] @ h, 2)
    expected = model.tensors[BLOCK + "ff_out.weight"] @ (to_gate / (1 + np.exp(-to_gate)) * x)
    gate, up, down = (checkpoint.read(role, 0).astype(np.float64) for role in ("gate", "up", "down"))
    g = gate @ h
    np.testing.assert_allclose(down @ (g / (1 + np.exp(-g)) * (up @ h)), expected, rtol=1e-6)


def test_queries_come_before_keys_before_values(tmp_path: Path) -> None:
    """``q, k, v = att_proj(x).split((d, kv, kv))``."""
    model = toy("hf_olmo")
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    parts = [checkpoint.read(role, 0) for role in "qkv"]
    np.testing.assert_array_equal(np.concatenate(parts), model.tensors[BLOCK + "att_proj.weight"])


def test_a_norm_that_is_not_said_to_be_rms_subtracts_the_mean(tmp_path: Path) -> None:
    """As the code's default does; signs of the stream are then no symmetry."""
    said = [found(tmp_path / str(n), layer_norm_type=kind).norm for n, kind in enumerate(("rms", "default", None))]
    assert said == ["rms", "layer", "layer"]


@pytest.mark.parametrize("kind", ["gelu", "relu"])
def test_without_swiglu_nothing_is_gated(tmp_path: Path, kind: str) -> None:
    """``ff_proj`` then is one matrix of all units."""
    model = toy("hf_olmo")
    wide = {
        name: np.concatenate([tensor] * 2, axis=1)
        if name.startswith("model.transformer.blocks") and "ff_out" in name
        else tensor
        for name, tensor in model.tensors.items()
    }
    architecture = found(tmp_path, replace(model, tensors=wide), activation_type=kind)
    assert (architecture.gated, architecture.odd_in_up, architecture.hidden) == (False, False, 2 * HIDDEN)


def test_positions_are_those_that_config_says(tmp_path: Path) -> None:
    """Learned ones where neither rope nor alibi is on."""
    changes: tuple[dict[str, Any], ...] = ({}, {"rope": False, "alibi": True}, {"rope": None})
    kinds = [found(tmp_path / str(n), **change).positions for n, change in enumerate(changes)]
    assert kinds == ["rotary", "none", "learned"]


def test_norms_of_queries_leave_them_open(tmp_path: Path) -> None:
    """They may be of either kind, with or without gains."""
    assert found(tmp_path, attention_layer_norm=True).query_key_norm == "unknown"


def test_norms_after_the_sublayers_are_not_read_as_norms_before(tmp_path: Path) -> None:
    """Gains would otherwise be taken into matrices that they do not feed."""
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, toy("hf_olmo").configured(norm_after=True)))
    assert checkpoint.architecture.post_norm
    assert checkpoint.norm_before("mlp", 0) is None
    assert checkpoint.has("norm_mlp_out", 0)


def test_heads_of_keys_are_those_of_queries_unless_said(tmp_path: Path) -> None:
    """``n_kv_heads`` is null in most files."""
    model = toy("hf_olmo")
    square = {
        name: np.concatenate([tensor[:WIDTH]] * 3) if "att_proj" in name else tensor
        for name, tensor in model.tensors.items()
    }
    architecture = found(tmp_path, replace(model, tensors=square), n_kv_heads=None)
    assert (architecture.heads, architecture.kv_heads) == (4, 4)


def test_rows_beyond_the_tokenizer_are_no_contradiction(tmp_path: Path) -> None:
    """``vocab_size`` counts tokens, ``embedding_size`` rows."""
    folder = write_checkpoint(tmp_path, toy("hf_olmo"))
    assert json.loads((folder / "config.json").read_text("utf-8"))["vocab_size"] < VOCAB
    assert open_checkpoint(folder).notes == set()
