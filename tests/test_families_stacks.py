"""Models of several stacks, prefixes and embeddings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import verify
from tests.checkpoints import Array, Toy, write_checkpoint
from tests.families import PUBLISHED, toy
from tests.models import VOCABULARY
from tests.published import EXPERTS, HEADS, LAYERS, VOCAB, WIDTH
from verify.base import CheckpointError
from verify.checkpoint import Location, open_checkpoint
from verify.wording import say


@pytest.mark.parametrize("main", ["text", "vision"])
def test_each_of_two_towers_is_a_part(tmp_path: Path, main: str) -> None:
    """The larger is the main part unless the other is asked for; each has the numbers of its own section."""
    text, vision = toy("clip_text_model"), toy("clip_vision_model")
    config = {"model_type": "clip", "text_config": text.config, "vision_config": vision.config}
    folder = write_checkpoint(tmp_path, Toy(text.tensors | vision.tensors, config, {}))
    checkpoint = open_checkpoint(Location(str(folder), layout=None if main == "text" else "clip_vision"))
    (other,) = checkpoint.further()
    towers = (checkpoint, other) if main == "text" else (other, checkpoint)
    assert [tower.architecture.family for tower in (checkpoint, other)] == (
        ["clip_text", "clip_vision"] if main == "text" else ["layout:clip_vision", "clip_text"]
    )
    assert [tower.part.kind for tower in towers] == ["text encoder", "image tower"]
    for tower, model, vocab in zip(towers, (text, vision), (VOCAB, 0), strict=True):
        found = tower.architecture
        assert (found.model_type, found.heads, found.vocab) == (model.config["model_type"], HEADS, vocab)
        assert found.linear_values
        assert tower.unrecognised == ()
        assert {name for name in tower.outside if "_projection" not in name} <= set(model.tensors)
    assert not set(checkpoint.outside) & set(other.outside)
    assert {part.name for part in checkpoint.parts} == {"text_model", "vision_model"}


def test_deepseek_may_start_dense_and_end_with_a_layer_that_predicts(tmp_path: Path) -> None:
    """The last layer's own embedding and head are set apart; the count in config.json leaves such layers out."""
    model, rng = toy("deepseek_v3"), np.random.default_rng(1)
    first = {name: value for name, value in model.tensors.items() if not name.startswith("model.layers.0.mlp.")}
    for role, size in (("gate", (80, WIDTH)), ("up", (80, WIDTH)), ("down", (WIDTH, 80))):
        first[f"model.layers.0.mlp.{role}_proj.weight"] = rng.standard_normal(size).astype(np.float32)
    further = {f"model.layers.1.{name}.weight": np.ones(WIDTH, np.float32) for name in ("enorm", "hnorm", "eh_proj")}
    model = replace(model, tensors=first | further).configured(num_hidden_layers=1, num_nextn_predict_layers=1)
    model = model.configured(intermediate_size=80)
    checkpoint = open_checkpoint(write_checkpoint(tmp_path / "both", model))
    assert (checkpoint.architecture.layers, checkpoint.architecture.hidden) == (2, 80)
    assert checkpoint.outside == tuple(sorted(further))
    assert checkpoint.notes == set()
    other = open_checkpoint(write_checkpoint(tmp_path / "more", model.configured(num_nextn_predict_layers=2)))
    assert ["num_hidden_layers" in say(note) for note in other.notes] == [True]


def test_a_t5_encoder_alone(tmp_path: Path) -> None:
    """A stack that is absent has no layers."""
    model = toy("t5")
    alone = {name: value for name, value in model.tensors.items() if not name.startswith("decoder.")}
    found = open_checkpoint(write_checkpoint(tmp_path, replace(model, tensors=alone))).architecture
    assert found.layers == LAYERS


def test_a_stack_that_lacks_a_layer_is_refused(tmp_path: Path) -> None:
    """Layers of each stack are counted apart, so a gap is seen wherever it is."""
    model = toy("t5")
    with pytest.raises(CheckpointError, match="`v` of layer 2 is missing"):
        open_checkpoint(write_checkpoint(tmp_path, model.without("decoder.block.0.layer.0.SelfAttention.v.weight")))


def test_a_narrow_embedding_is_read_as_the_model_reads_it(tmp_path: Path) -> None:
    """The stream of an ALBERT is compared after the map: in another basis of the narrow embedding it is the same."""
    model, files = toy("albert"), {"vocab.json": json.dumps(VOCABULARY)}
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((12, 12)))[0].astype(np.float32)
    embed, into = "albert.embeddings.word_embeddings.weight", "albert.encoder.embedding_hidden_mapping_in.weight"
    turned = model.tensors | {embed: model.tensors[embed] @ turn, into: model.tensors[into] @ turn}
    prints = [
        verify.fingerprint(write_checkpoint(tmp_path / str(n), replace(model, tensors=tensors), files=files))
        for n, tensors in enumerate((model.tensors, turned))
    ]
    assert prints[0].record.architecture.shared_blocks
    x, y = (p.arrays["stream.embed"].astype(np.float64) for p in prints)
    assert x.shape == (WIDTH, len(prints[0].record.anchors))
    np.testing.assert_allclose(x, y, atol=2e-3)


@pytest.mark.parametrize(
    "family", ["llama_like", "albert", "t5", "clip_vision_model", "torch_encoder", "deepseek_v2"]
)
def test_a_model_inside_another_has_one_more_prefix(tmp_path: Path, family: str) -> None:
    """Whatever stands before all names, the names behind it are as published."""
    model = toy("mixtral" if family == "llama_like" else family).prefixed("inner.part.")
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    named = "mixtral" if family == "llama_like" else PUBLISHED[family].named or family
    assert checkpoint.architecture.family == named
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)


def stacked(tensors: dict[str, Array]) -> dict[str, Array]:
    """A mixture under the names of Transformers 5: a layer's experts in one tensor, in the module ``mlp``."""
    found: dict[str, Array] = {}
    experts: dict[str, dict[str, dict[int, Array]]] = {}
    for name, value in tensors.items():
        module, one, rest = name.replace(".block_sparse_moe.", ".mlp.").partition("experts.")
        number, _, word = rest.partition(".")
        if one and number.isdigit():
            role = {"w1": "gate", "w3": "up", "w2": "down"}.get(word.split(".")[0], word.split("_")[0])
            experts.setdefault(module, {}).setdefault(role, {})[int(number)] = value
        else:
            found[module + one + rest] = value
    for module, held in experts.items():
        gate, up, down = (np.stack([held[role][e] for e in range(EXPERTS)]) for role in ("gate", "up", "down"))
        found |= {f"{module}experts.gate_up_proj": np.concatenate([gate, up], 1), f"{module}experts.down_proj": down}
    return found


@pytest.mark.parametrize("family", ["mixtral", "qwen3_moe", "deepseek_v2", "deepseek_v3", "glm4_moe"])
def test_experts_may_lie_in_one_tensor_in_any_mixture(tmp_path: Path, family: str) -> None:
    """What Transformers 5 stores of its live model is read as the file of the Hub, and is the same model."""
    model = toy(family)
    other = replace(model, tensors=stacked(model.tensors))
    assert other.tensors.keys() != model.tensors.keys()
    folders = [write_checkpoint(tmp_path / name, one) for name, one in (("stacked", other), ("hub", model))]
    checkpoint = open_checkpoint(folders[0])
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
    assert checkpoint.unrecognised == ()
    assert verify.test_lineage(*folders).verdict == "identical"


def test_stacked_experts_of_the_wrong_side_are_refused(tmp_path: Path) -> None:
    """Stored [expert, in, out] under the names of [expert, out, in], they fit nothing."""
    model = toy("qwen3_moe")
    turned = {name: x.swapaxes(1, 2) if x.ndim == 3 else x for name, x in stacked(model.tensors).items()}
    with pytest.raises(CheckpointError, match="expert"):
        open_checkpoint(write_checkpoint(tmp_path, replace(model, tensors=turned)))
