"""Declared families under other names, with parts left out, or with experts in one tensor: read alike.

What a table does not know is named for what it is, and costs a test only where it lies inside what is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.checkpoints import LAYERS, Toy, toy, write_checkpoint
from tests.families import toy as published
from verify import fingerprint
from verify.base import CheckpointError, Phrase
from verify.checkpoint import Location, open_checkpoint
from verify.statistics.applicability import linear_values, no_fixed_vectors, odd_in_up

Arrays = dict[str, NDArray[np.float32]]


def fused(model: Toy, parts: tuple[str, ...], into: str) -> Toy:
    """Tensors of the same module and kind one after the other in one."""
    tensors: Arrays = {}
    for name, value in model.tensors.items():
        first, *_ = [part for part in parts if f".{part}." in name] or [None]
        if first == parts[0]:
            joined = [model.tensors[name.replace(f".{first}.", f".{part}.")] for part in parts]
            tensors[name.replace(f".{first}.", f".{into}.")] = np.concatenate(joined)
        elif first is None:
            tensors[name] = value
    return replace(model, tensors=tensors)


def served(model: Toy) -> Toy:
    """As inference servers hold it."""
    model = fused(model, ("q_proj", "k_proj", "v_proj"), "qkv_proj")
    return fused(model, ("gate_proj", "up_proj"), "gate_up_proj")


def older_norms(model: Toy) -> Toy:
    """As BERT was first published."""

    def old(name: str) -> str:
        return name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")

    return replace(model, tensors={old(name): value for name, value in model.tensors.items()})


def head_only(model: Toy) -> Toy:
    """The one tied matrix under the name of the head."""
    tensors = {name: value for name, value in model.tensors.items() if name != "model.embed_tokens.weight"}
    tensors["lm_head.weight"] = model.tensors["model.embed_tokens.weight"]
    canonical = {key: value for key, value in model.canonical.items() if key[0] != "unembed"}
    return replace(model, tensors=tensors, canonical=canonical).configured(tie_word_embeddings=True)


def stacked(model: Toy) -> Toy:
    """The experts of a layer in two tensors of three axes."""
    tensors = {name: value for name, value in model.tensors.items() if ".experts." not in name}
    tensors = {name.replace("block_sparse_moe.", "mlp."): value for name, value in tensors.items()}
    experts = 1 + max(key[2] for key in model.canonical if key[2] is not None)
    for i in range(LAYERS):
        gate, up, down = (
            np.stack([model.canonical[f"expert_{role}", i, e] for e in range(experts)])
            for role in ("gate", "up", "down")
        )
        at = f"model.layers.{i}.mlp.experts."
        tensors |= {at + "gate_up_proj": np.concatenate([gate, up], 1), at + "down_proj": down}
    return replace(model, tensors=tensors)


def without_prefix(model: Toy) -> Toy:
    """A tower saved alone."""
    return replace(model, tensors={name.removeprefix("text_model."): x for name, x in model.tensors.items()})


OTHER: dict[str, tuple[Toy, Callable[[Toy], Toy]]] = {
    "fused by a server": (toy("llama"), served),
    "fused by a server, qwen3": (toy("qwen3"), served),
    "gate and up fused only": (toy("llama"), lambda model: fused(model, ("gate_proj", "up_proj"), "gate_up_proj")),
    "older norms": (toy("bert"), older_norms),
    "tied, by the head": (toy("llama"), head_only),
    "stacked mixtral": (published("mixtral"), stacked),
    "stacked qwen3_moe": (published("qwen3_moe"), stacked),
    "stacked qwen2_moe": (toy("qwen2_moe"), stacked),
    "stacked glm4_moe": (published("glm4_moe"), stacked),
    "clip without its prefix": (published("clip_text_model"), without_prefix),
}


@pytest.mark.parametrize("name", OTHER)
def test_a_declared_model_under_other_names_is_read_alike(tmp_path: Path, name: str) -> None:
    """The same architecture, with its symmetries, the same tensors and the same digest."""
    plain, change = OTHER[name]
    changed = change(plain)
    here = open_checkpoint(write_checkpoint(tmp_path / "plain", replace(plain, config=changed.config)))
    there = open_checkpoint(write_checkpoint(tmp_path / "other", changed))
    assert there.architecture == here.architecture
    assert there.architecture.positions != "unknown"
    assert there.unrecognised == here.unrecognised
    for key, value in changed.canonical.items():
        np.testing.assert_array_equal(there.read(*key), value)
        np.testing.assert_array_equal(there.read(*key, rows=slice(1, 2)), value[1:2])
    digests = {fingerprint(tmp_path / folder).record.content_sha256 for folder in ("plain", "other")}
    assert len(digests) == 1


def test_other_names_are_for_declared_models_only(tmp_path: Path) -> None:
    """Names alone may be those of a model that computes something else."""
    model = served(toy("llama")).configured(model_type=None)
    found = open_checkpoint(write_checkpoint(tmp_path, model)).architecture
    assert (found.family, found.positions) == ("phi3", "unknown")


@pytest.mark.parametrize("stacked_too", [False, True])
def test_a_declared_mixture_may_lack_its_shared_expert(tmp_path: Path, stacked_too: bool) -> None:
    """Its symmetries are known; without a declaration the shared expert is what tells the family."""
    whole = toy("qwen2_moe")
    kept = {name: value for name, value in whole.tensors.items() if "shared_expert" not in name}
    canonical = {key: value for key, value in whole.canonical.items() if not key[0].startswith("shared")}
    model = replace(whole, tensors=kept, canonical=canonical).configured(shared_expert_intermediate_size=0)
    found = open_checkpoint(write_checkpoint(tmp_path / "declared", stacked(model) if stacked_too else model))
    assert found.architecture.shared_hidden == 0
    assert found.architecture.odd_in_up
    assert found.architecture.linear_values
    undeclared = open_checkpoint(write_checkpoint(tmp_path / "undeclared", model.configured(model_type=None)))
    assert undeclared.architecture.family == "inferred"


@pytest.mark.parametrize("model_type", ["llama", "qwen2"])
def test_biases_of_mlps_are_a_part_of_them(tmp_path: Path, model_type: str) -> None:
    rng, model = np.random.default_rng(0), toy("llama")
    biases = {
        name.replace(".weight", ".bias"): rng.standard_normal(len(value)).astype(np.float32)
        for name, value in model.tensors.items()
        if ".mlp." in name
    }
    found = open_checkpoint(write_checkpoint(tmp_path, model.adding(**biases).configured(model_type=model_type)))
    assert found.unrecognised == ()
    np.testing.assert_array_equal(found.read("up_bias", 1), biases["model.layers.1.mlp.up_proj.bias"])


WIDTH, HEADS, KV, SIZE, UNITS, EXPERTS = 16, 4, 2, 4, 10, 3


def attention(rng: np.random.Generator, biased: bool) -> tuple[Arrays, dict[tuple[str, int | None, int | None], Any]]:
    """Embeddings, norms and attention by the names of Llama."""
    rows = {"q": HEADS * SIZE, "k": KV * SIZE, "v": KV * SIZE, "o": WIDTH}
    shapes: dict[str, tuple[str, int | None, tuple[int, ...]]] = {
        "model.embed_tokens.weight": ("embed", None, (40, WIDTH)),
        "lm_head.weight": ("unembed", None, (40, WIDTH)),
        "model.norm.weight": ("norm_final", None, (WIDTH,)),
    }
    for i in range(2):
        at = f"model.layers.{i}."
        shapes[at + "input_layernorm.weight"] = ("norm_attn", i, (WIDTH,))
        shapes[at + "post_attention_layernorm.weight"] = ("norm_mlp", i, (WIDTH,))
        for role, size in rows.items():
            shapes[f"{at}self_attn.{role}_proj.weight"] = (role, i, (size, HEADS * SIZE if role == "o" else WIDTH))
            if biased:
                shapes[f"{at}self_attn.{role}_proj.bias"] = (role + "_bias", i, (size,))
    tensors = {name: rng.standard_normal(size).astype(np.float32) for name, (_, _, size) in shapes.items()}
    return tensors, {(role, layer, None): tensors[name] for name, (role, layer, _) in shapes.items()}


def mixture(kind: str) -> Toy:
    """Llama 4 or gpt-oss: experts stored [expert, in, out], gate before up or a row of each in turn."""
    rng = np.random.default_rng(1)
    tensors, canonical = attention(rng, biased=kind == "gpt_oss")
    for i in range(2):
        at = f"model.layers.{i}." + ("mlp." if kind == "gpt_oss" else "feed_forward.")
        gate, up = (rng.standard_normal((EXPERTS, UNITS, WIDTH)).astype(np.float32) for _ in range(2))
        down = rng.standard_normal((EXPERTS, WIDTH, UNITS)).astype(np.float32)
        parts = {"expert_gate": gate, "expert_up": up, "expert_down": down}
        both = np.concatenate([gate, up], 1)
        if kind == "gpt_oss":
            both = np.stack([gate, up], 2).reshape(EXPERTS, 2 * UNITS, WIDTH)
            biases = rng.standard_normal((EXPERTS, UNITS, 2)).astype(np.float32)
            parts |= {"expert_gate_bias": biases[:, :, 0], "expert_up_bias": biases[:, :, 1]}
            parts["expert_down_bias"] = rng.standard_normal((EXPERTS, WIDTH)).astype(np.float32)
            tensors[at + "experts.gate_up_proj_bias"] = biases.reshape(EXPERTS, 2 * UNITS)
            tensors[at + "experts.down_proj_bias"] = parts["expert_down_bias"]
            tensors[f"model.layers.{i}.self_attn.sinks"] = canonical["sinks", i, None] = np.ones(HEADS, np.float32)
            tensors[at + "router.bias"] = canonical["router_bias", i, None] = np.ones(EXPERTS, np.float32)
        else:
            for role, size in (("gate", (UNITS, WIDTH)), ("up", (UNITS, WIDTH)), ("down", (WIDTH, UNITS))):
                value = rng.standard_normal(size).astype(np.float32)
                tensors[f"{at}shared_expert.{role}_proj.weight"] = canonical[f"shared_{role}", i, None] = value
        tensors[at + "experts.gate_up_proj"] = np.ascontiguousarray(both.swapaxes(1, 2))
        tensors[at + "experts.down_proj"] = np.ascontiguousarray(down.swapaxes(1, 2))
        router = rng.standard_normal((EXPERTS, WIDTH)).astype(np.float32)
        tensors[at + "router.weight"] = canonical["router", i, None] = router
        canonical |= {(role, i, e): part[e] for role, part in parts.items() for e in range(EXPERTS)}
    config = {"model_type": kind, "hidden_size": WIDTH, "num_hidden_layers": 2, "intermediate_size": UNITS}
    config |= {"num_attention_heads": HEADS, "num_key_value_heads": KV, "num_local_experts": EXPERTS}
    return Toy(tensors, config | {"vocab_size": 40, "tie_word_embeddings": False}, canonical)


@pytest.mark.parametrize("kind", ["llama4_text", "gpt_oss"])
def test_experts_that_are_one_axis_of_a_tensor_are_read_one_by_one(tmp_path: Path, kind: str) -> None:
    """Any rows, as published; gpt-oss clamps its MLPs and adds 1 to up, so no sign of theirs is free."""
    model = mixture(kind)
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
        rows = np.array([2, 0]) % len(expected)
        np.testing.assert_array_equal(checkpoint.read(*key, rows=rows), expected[rows])
    assert {key for layer in (None, 0, 1) for key in checkpoint.keys(layer)} == set(model.canonical)
    found = checkpoint.architecture
    assert (found.experts, found.expert_hidden, found.odd_in_up) == (EXPERTS, UNITS, kind == "llama4_text")
    assert found.linear_values
    assert checkpoint.notes == set()


LAYOUT = """
name = "experts"
prefix = "model."
norm = "rms"
positions = "rotary"
linear_values = true

[globals]
embed = "embed_tokens.weight"
norm_final = "norm.weight"

[layer]
q = "layers.{i}.self_attn.q_proj.weight"
k = "layers.{i}.self_attn.k_proj.weight"
v = "layers.{i}.self_attn.v_proj.weight"
o = "layers.{i}.self_attn.o_proj.weight"
norm_attn = "layers.{i}.input_layernorm.weight"
norm_mlp = "layers.{i}.post_attention_layernorm.weight"
expert_down = { name = "layers.{i}.mlp.experts.down_proj", transposed = true, stacked = true }

[layer.expert_gate]
name = "layers.{i}.mlp.experts.gate_up_proj"
transposed = true
stacked = true
part = [0, 2]
fused = "alternate"

[layer.expert_up]
name = "layers.{i}.mlp.experts.gate_up_proj"
transposed = true
stacked = true
part = [1, 2]
fused = "alternate"
"""


def test_a_layout_file_can_say_that_experts_are_one_axis(tmp_path: Path) -> None:
    model = mixture("gpt_oss")
    (tmp_path / "layout.toml").write_text(LAYOUT, encoding="utf-8")
    folder = write_checkpoint(tmp_path / "model", model.configured(model_type=None))
    checkpoint = open_checkpoint(Location(str(folder), layout=str(tmp_path / "layout.toml")))
    for role in ("expert_gate", "expert_up", "expert_down"):
        np.testing.assert_array_equal(checkpoint.read(role, 1, 2), model.canonical[role, 1, 2])


@pytest.mark.parametrize("shape", [(3,), (0, 4, 4), (2, 3, 4, 5)])
def test_what_is_no_stack_of_experts_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    model = mixture("gpt_oss").adding(**{"model.layers.0.mlp.experts.down_proj": np.ones(shape, np.float32)})
    with pytest.raises(CheckpointError, match=r"one after the other|is empty"):
        open_checkpoint(write_checkpoint(tmp_path, model))


def test_gemma_3n_norms_its_values_and_gives_units_once_a_layer(tmp_path: Path) -> None:
    model = published("gemma3_text")
    layers = model.config["num_hidden_layers"]
    model = model.configured(
        model_type="gemma3n_text", intermediate_size=[model.config["intermediate_size"]] * layers
    )
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    found = checkpoint.architecture
    assert (found.family, found.norm_offset, found.odd_in_up, found.linear_values) == ("gemma3n", 0, True, False)
    assert checkpoint.notes == set()


# ---- true reasons


def test_a_table_that_reads_some_layers_does_not_stop_the_search(tmp_path: Path) -> None:
    """Dense layers first, then experts, under a type that nobody knows: read from names and shapes."""
    model = toy("qwen2_moe", dense_layers=(0,)).configured(model_type="unknown")
    kept = {name.replace("shared_expert", "shared_experts"): x for name, x in model.tensors.items()
            if "shared_expert_gate" not in name}  # fmt: skip
    found = open_checkpoint(write_checkpoint(tmp_path, replace(model, tensors=kept))).architecture
    assert found.family == "inferred"
    assert min(found.hidden, found.experts, found.shared_hidden) > 0


def test_a_layer_that_is_not_understood_is_not_called_missing(tmp_path: Path) -> None:
    """Its tensors are named, and what can be done; a file that was cut short is to be obtained again."""
    model = toy("llama")
    renamed = {name.replace("layers.1.mlp", "layers.1.mixer"): value for name, value in model.tensors.items()}
    with pytest.raises(
        CheckpointError, match=r"MLP of layer 1 is not among .* 'model\.layers\.1\.mixer\..*--layout-a"
    ):
        open_checkpoint(write_checkpoint(tmp_path / "other", replace(model, tensors=renamed)))
    cut = {name: value for name, value in model.tensors.items() if "layers.1.mlp" not in name}
    with pytest.raises(CheckpointError, match="MLP of layer 1 is missing; download the checkpoint again"):
        open_checkpoint(write_checkpoint(tmp_path / "cut", replace(model, tensors=cut)))


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("vision_tower.encoder.layers.0.self_attn.extra.weight", ()),
        ("vision_tower.encoder.layers.0.mlp.extra.weight", ()),
        ("model.layers.0.self_attn.extra.weight", ("values",)),
        ("model.layers.1.mlp.extra.weight", ("signs",)),
    ],
)
def test_unknown_tensors_cost_a_test_where_they_lie_inside_what_is_compared(
    tmp_path: Path, name: str, lost: tuple[str, ...]
) -> None:
    """Those of another tower stand between nothing; they are still named."""
    model = toy("llama").adding(**{name: np.ones(3, np.float32)})
    found = fingerprint(write_checkpoint(tmp_path, model))
    assert [tensor.name for tensor in found.record.rest] == [name]
    refused = {"values": linear_values(found, found), "signs": odd_in_up(found, found)}
    assert tuple(what for what, reason in refused.items() if reason) == lost
    older = found.record.model_copy(update={"unrecognised": (name,), "unrecognised_inside": None})
    kind = "signs" if ".mlp." in name else "values"
    test = {"values": linear_values, "signs": odd_in_up}[kind]
    expected = Phrase.of("tensor_not_understood", model="A", tensor=name)
    assert test(type(found)(older, {}), type(found)(older, {})) == expected


def test_a_known_type_under_names_of_another_is_not_called_unknown(tmp_path: Path) -> None:
    """The reason is that the names are not those of the type; an unknown type is called so."""
    for declared, reason in (
        ("llama", "names_unlike_type"),
        ("new", "type_unknown"),
    ):
        found = fingerprint(write_checkpoint(tmp_path / declared, toy("gpt2").configured(model_type=declared)))
        assert no_fixed_vectors(found, found) == Phrase.of(reason, model="A", type=declared)
