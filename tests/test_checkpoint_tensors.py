"""Tensors that are not what the family says, and names that two families claim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.checkpoints import VOCAB, WIDTH, Toy, toy, write_checkpoint
from tests.refusals import Q, one_line, refused
from verify.base import CheckpointError
from verify.checkpoint import FAMILIES, open_checkpoint


@pytest.mark.parametrize("dtype", ["int64", "int8", "bool"])
def test_a_dtype_that_is_not_read(tmp_path: Path, dtype: str) -> None:
    """Opening succeeds, other tensors are read, and the one that cannot be is refused by name."""
    folder = write_checkpoint(tmp_path, toy())
    save_file(toy().tensors | {Q: np.ones((WIDTH, WIDTH), dtype)}, folder / "model.safetensors")
    checkpoint = open_checkpoint(folder)
    checkpoint.read("k", 0)
    with pytest.raises(CheckpointError, match="this version reads F64, F32, F16, BF16") as caught:
        checkpoint.read("q", 0)
    assert Q in one_line(caught.value)


def test_a_file_that_shrinks_after_it_was_opened(tmp_path: Path) -> None:
    """Weights are read long after the header was; a file changed in between is noticed."""
    folder = write_checkpoint(tmp_path, toy())
    checkpoint = open_checkpoint(folder)
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="changed while it was read"):
        checkpoint.read("q", 0)
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.files()


def test_a_role_that_is_not_there(tmp_path: Path) -> None:
    """Asking for what the model lacks is answered in words."""
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, toy()))
    for ask in (checkpoint.shape, checkpoint.read):
        with pytest.raises(CheckpointError, match="no tensor for `router`, layer 0"):
            ask("router", 0)


def shaped(name: str, *shape: int) -> Toy:
    """The toy Llama with one tensor of another shape."""
    return toy().adding(**{name: np.ones(shape, np.float32)})


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (shaped(Q, WIDTH, WIDTH + 1), "`q` of layer 0 has shape (16, 17)"),
        (shaped(Q, WIDTH), "`q` of layer 0"),
        (shaped(Q), f"{Q!r} holds a single number; expected a matrix or a vector"),
        (shaped("model.layers.1.self_attn.q_proj.weight", 8, WIDTH), "`q` of layer 1"),
        (shaped("model.layers.1.mlp.up_proj.weight", 8, WIDTH), "`up` of layer 1"),
        (shaped("model.layers.1.mlp.up_proj.weight", 0, WIDTH), "`up` of layer 1 is empty"),
        (shaped("model.layers.0.input_layernorm.weight", 3), "`norm_attn` of layer 0"),
        (shaped("model.layers.0.self_attn.q_norm.weight", 3), "`q_norm` of layer 0"),
        (shaped("lm_head.weight", VOCAB, 3), "`unembed`"),
        (shaped("model.embed_tokens.weight", VOCAB), "`embed` has shape"),
        (shaped("model.layers.00.self_attn.q_proj.weight", WIDTH, WIDTH), "claim one place"),
        (shaped("model.layers.5.self_attn.q_proj.weight", WIDTH, WIDTH), "of layer 2 is missing"),
        (shaped("model.layers.999999.self_attn.q_proj.weight", WIDTH, WIDTH), "of layer 2 is missing"),
        (toy().without("model.layers.1.self_attn.v_proj.weight"), "`v` of layer 1 is missing"),
        (toy().without("model.layers.0.self_attn.v_proj.weight"), "`v` of layer 0"),
        (toy().without("model.layers.1.mlp.gate_proj.weight"), "`gate` of layer 1 is missing"),
        (toy("qwen2_moe").without("model.layers.1.mlp.experts.1.down_proj.weight"), "expert 1"),
        (toy("qwen2_moe").adding(**{"model.layers.0.mlp.gate.weight": np.ones((9, WIDTH), np.float32)}), "`router`"),
        (toy("gpt2").adding(**{"h.0.attn.c_attn.weight": np.ones((WIDTH, 49), np.float32)}), "3 fused parts"),
        (toy("gpt2").adding(**{"h.0.attn.c_attn.bias": np.ones(50, np.float32)}), "3 fused parts"),
        (toy("gpt2").adding(**{"h.0.mlp.c_fc.bias": np.ones((), np.float32)}), "bias' holds a single number"),
        (toy("bert").adding(**{"embeddings.position_embeddings.weight": np.ones(8, np.float32)}), "`position`"),
    ],
)
def test_tensors_that_do_not_fit_together(tmp_path: Path, model: Toy, says: str) -> None:
    """Shapes are checked against each other when the checkpoint is opened, from headers alone."""
    assert says in refused(write_checkpoint(tmp_path, model))


def test_a_layout_nobody_knows(tmp_path: Path) -> None:
    """The message shows what the tensors are called and how to say what they are."""
    model = Toy({"strange.weight": np.ones((2, 2), np.float32)}, {"model_type": "mamba"}, {})
    message = refused(write_checkpoint(tmp_path, model))
    assert "strange.weight" in message
    assert "mamba" in message
    assert "--layout my.toml" in message


def test_of_two_families_the_one_that_understands_most_is_taken(tmp_path: Path) -> None:
    """Where tensors fit several tables and config.json is silent; one that understands a layer does not suffice."""
    model = toy("qwen2_moe", dense_layers=(0,)).configured(model_type=None)
    found = open_checkpoint(write_checkpoint(tmp_path, model))
    assert (found.architecture.family, found.architecture.positions) == ("qwen2_moe", "unknown")
    assert found.unrecognised == ()


def test_what_two_families_understand_alike_must_be_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is chosen, as they may compute something else; a declared type tells them apart."""
    llama = FAMILIES.of_name("llama")
    assert llama is not None
    twin = replace(llama, name="twin", model_types=("twin",))
    lines = {"llama": ("llama", ()), "twin": ("twin", ("twin",))}
    monkeypatch.setattr("verify.checkpoint.layouts.families.INDEX", lines)
    monkeypatch.setattr("verify.checkpoint.layouts.families._table", {"llama": llama, "twin": twin}.__getitem__)
    message = refused(write_checkpoint(tmp_path / "silent", toy().configured(model_type=None)))
    assert "several tables fit it (llama at 'model.', twin at 'model.')" in message
    assert "--layout" in message
    told = open_checkpoint(write_checkpoint(tmp_path / "told", toy().configured(model_type="twin")))
    assert told.architecture.family == "twin"
