"""Names that something put around a model's own are undone: the same weights are the same model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.checkpoints import Toy, toy, write_checkpoint
from verify import fingerprint
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.layouts.naming import unwrapped

EXTRA = "model.layers.1.extra.weight"


def in_layers(wrapper: str) -> Callable[[str], str]:
    """A wrapper behind the number of each layer."""
    return lambda name: re.sub(r"(layers\.\d+\.)", rf"\1{wrapper}.", name)


WRAPPED: dict[str, Callable[[str], str]] = {
    "compiled": lambda name: f"_orig_mod.{name}",
    "compiled layer by layer": in_layers("_orig_mod"),
    "checkpointed": in_layers("_checkpoint_wrapped_module"),
    "sharded": lambda name: f"_fsdp_wrapped_module.{in_layers('_fsdp_wrapped_module')(name)}",
    "sharded, checkpointed and compiled": in_layers("_fsdp_wrapped_module._checkpoint_wrapped_module._orig_mod"),
    "in parallel": lambda name: f"module.{name}",
    "in parallel and compiled": lambda name: f"module._orig_mod.{name}",
    "compiled and in parallel": lambda name: f"_orig_mod.module.{name}",
    "by PEFT": lambda name: f"base_model.model.{name}",
    "by PEFT with its layers": lambda name: "base_model.model." + re.sub(r"(_proj\.)", r"\1base_layer.", name),
}


def renamed(model: Toy, names: Callable[[str], str]) -> Toy:
    """The same model under other names."""
    return replace(model, tensors={names(name): value for name, value in model.tensors.items()})


@pytest.mark.parametrize("wrapper", WRAPPED)
def test_the_same_weights_under_wrapped_names_are_the_same_model(tmp_path: Path, wrapper: str) -> None:
    """To the digest, which names also the tensors that have no role."""
    model = toy().adding(**{EXTRA: np.ones(3, np.float32)})
    plain = fingerprint(write_checkpoint(tmp_path / "plain", model)).record
    found = fingerprint(write_checkpoint(tmp_path / "wrapped", renamed(model, WRAPPED[wrapper]))).record
    assert found.content_sha256 == plain.content_sha256
    assert found.architecture == plain.architecture
    assert found.unrecognised == plain.unrecognised == (EXTRA,)


def test_a_prefix_makes_no_adapter_and_factors_do(tmp_path: Path) -> None:
    """What a file is, is told by its tensors."""
    whole = renamed(toy(), WRAPPED["by PEFT"])
    assert open_checkpoint(write_checkpoint(tmp_path / "whole", whole)).architecture.family == "llama"
    factors = {"base_model.model.model.layers.0.mlp.up_proj.lora_A.weight": np.ones((2, 16), np.float32)}
    for n, names in enumerate(factors):
        folder = tmp_path / f"factors-{n}"
        folder.mkdir()
        save_file({names: factors[names]}, folder / "some.safetensors")
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2}))
        with pytest.raises(CheckpointError, match="is an adapter"):
            open_checkpoint(folder)


def test_a_model_that_holds_its_matrices_beside_changes_of_them_is_whole(tmp_path: Path) -> None:
    """As published for one of several inputs; the changes are not understood, and named."""
    tensors = {re.sub(r"(_proj\.)", r"\1base_layer.", name): x for name, x in toy().tensors.items()}
    at = "model.layers.0.mlp.up_proj.lora_"
    factors = {f"{at}{which}.speech.weight": np.ones((2, 2), np.float32) for which in "AB"}
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, replace(toy(), tensors=tensors | factors)))
    assert checkpoint.unrecognised == checkpoint.unrecognised_inside == tuple(sorted(factors))
    np.testing.assert_array_equal(checkpoint.read("up", 0), toy().canonical["up", 0, None])


@pytest.mark.parametrize(
    "name", ["prompt_encoder.point.weight", "model.layers.0.w_lora.lora.0.weight", "lora.weight"]
)
def test_names_by_chance_make_no_adapter(tmp_path: Path, name: str) -> None:
    model = toy().adding(**{name: np.ones(3, np.float32)})
    assert [*open_checkpoint(write_checkpoint(tmp_path, model)).strange.values()] == [(name,)]


def test_quantised_parts_under_wrapped_names_are_one_matrix(tmp_path: Path) -> None:
    """Names are undone before parts are put together."""
    model = toy()
    name = "model.layers.0.mlp.up_proj"
    weight = model.tensors[f"{name}.weight"]
    scale = np.abs(weight).max(1).astype(np.float32)
    parts = {f"{name}.weight": np.round(weight / scale[:, None] * 127).astype(np.int8), f"{name}.SCB": scale}
    stored = {WRAPPED["compiled layer by layer"](key): value for key, value in (model.tensors | parts).items()}
    folder = write_checkpoint(tmp_path, model)
    save_file(stored, folder / "model.safetensors")
    assert np.abs(open_checkpoint(folder).read("up", 0) - weight).max() < scale.max() / 127


def test_names_that_are_one_but_for_wrappers_are_refused(tmp_path: Path) -> None:
    """Which of them the model uses is not known."""
    name = "model.layers.0.mlp.up_proj.weight"
    twice = toy().adding(**{WRAPPED["compiled layer by layer"](name): toy().tensors[name]})
    with pytest.raises(CheckpointError, match="have one name but for wrappers"):
        open_checkpoint(write_checkpoint(tmp_path, twice))


@pytest.mark.parametrize("name", ["_flat_param", "model._fsdp_wrapped_module.flat_param_0", "layers.0._flat_param"])
def test_flattened_parameters_are_refused_by_name(tmp_path: Path, name: str) -> None:
    model = toy().adding(**{name: np.ones(9, np.float32)})
    with pytest.raises(CheckpointError, match="flattened by FSDP"):
        open_checkpoint(write_checkpoint(tmp_path, model))


def test_parts_of_names_that_wrap_nothing_are_left() -> None:
    """A module may be called so; only whole parts of names in their places are wrappers."""
    names = ["module.a.weight", "b.module.weight", "my_orig_mod.weight", "c.base_layer", "flat_parameters"]
    assert list(unwrapped(dict.fromkeys(names))) == names
