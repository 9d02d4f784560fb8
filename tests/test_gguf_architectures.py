"""Every GGUF architecture: what the converter makes of a checkpoint is read as the checkpoint itself is."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.architectures import models, write
from tests.gguf_converter import SHIFTED, convert
from verify.checkpoint import Checkpoint, open_checkpoint
from verify.checkpoint.formats.gguf_conversions import CONVERSIONS
from verify.checkpoint.layouts.families import FAMILIES
from verify.checkpoint.layouts.naming import Key

MODELS = {
    "afmoe": "afmoe",
    "apertus": "apertus",
    "arcee": "arcee",
    "bloom": "bloom",
    "cohere": "command-r",
    "cohere:qk": "command-r",
    "deepseek_v2": "deepseek2",
    "deepseek_v3": "deepseek2",
    "dots1": "dots1",
    "ernie4_5": "ernie4_5",
    "exaone4": "exaone4",
    "falcon:11b": "falcon",
    "falcon:40b": "falcon",
    "falcon:7b": "falcon",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
    "glm": "chatglm",
    "glm4": "glm4",
    "glm4_moe": "glm4moe",
    "gpt2": "gpt2",
    "gpt_bigcode:mqa": "starcoder",
    "gpt_neox": "gptneox",
    "gpt_neox:serial": "gptneox",
    "gpt_oss": "gpt-oss",
    "granite": "granite",
    "granitemoe": "granitemoe",
    "granitemoeshared": "granitemoe",
    "lfm2": "lfm2",
    "lfm2_moe": "lfm2moe",
    "llama": "llama",
    "llama:bias": "llama",
    "llama4_text": "llama4",
    "minicpm3": "minicpm3",
    "ministral3": "mistral3",
    "mistral": "llama",
    "mixtral": "llama",
    "nemotron": "nemotron",
    "olmo": "olmo",
    "olmo2": "olmo2",
    "olmoe": "olmoe",
    "phi3": "phi3",
    "qwen2": "qwen2",
    "qwen2_moe": "qwen2moe",
    "qwen3": "qwen3",
    "qwen3_moe": "qwen3moe",
    "seed_oss": "seed_oss",
    "smollm3": "smollm3",
    "stablelm": "stablelm",
    "starcoder2": "starcoder2",
}
"""Architecture of GGUF by model type."""
BY_FILE = {"model_type", "vocab"}
"""What of an architecture a GGUF file may say otherwise."""
GREEDY = {"deepseek_v2"}
"""Types whose files do not say that routing chooses among all experts alike."""


census = cache(models)


def keys(checkpoint: Checkpoint) -> set[Key]:
    return {key for layer in (None, *range(checkpoint.architecture.layers)) for key in checkpoint.keys(layer)}


def plain(folder: Path) -> Checkpoint:
    """A checkpoint of random weights without what the converter leaves out."""
    tensors = load_file(folder / "model.safetensors")
    tied = json.loads((folder / "config.json").read_text()).get("tie_word_embeddings")
    left_out = ("lm_head.weight",) if tied else ()
    save_file({name: value for name, value in tensors.items() if name not in left_out}, folder / "model.safetensors")
    return open_checkpoint(folder)


FUSED = ("llama", "granite", "qwen2", "qwen2_moe", "llama:bias")


@pytest.mark.parametrize("name", MODELS | dict.fromkeys(f"{name}, fused" for name in FUSED))
def test_a_converted_checkpoint_is_read_as_the_checkpoint(tmp_path: Path, name: str) -> None:
    """The same tensors, number by number but for the rounding of (w + 1) - 1, of the same architecture."""
    name, _, fused = name.partition(", ")
    folder, architecture = write(tmp_path / "m", census()[f"{name} hub"]), MODELS[name]
    expected = plain(folder)
    tensors = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    found = open_checkpoint(convert(tmp_path / "m.gguf", tensors, architecture, config, bool(fused)))
    assert found.unrecognised == ()
    assert keys(found) == keys(expected)
    for key in keys(expected):
        numbers, rows = expected.read(*key), np.array([0, expected.shape(*key)[0] - 1])
        tolerance = 1.2e-7 if architecture in SHIFTED and "norm" in key[0] else 0
        np.testing.assert_allclose(found.read(*key), numbers, rtol=0, atol=tolerance)
        np.testing.assert_allclose(found.read(*key, rows=rows), numbers[rows], rtol=0, atol=tolerance)
    untold = BY_FILE | ({"expert_group"} if name in GREEDY else set())
    said = [one.architecture.model_dump(exclude=untold) for one in (found, expected)]
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("llama", {"partial_rotary_factor": 0.5}, {"rotary_size": 8}),
        ("stablelm", {"partial_rotary_factor": 1.0}, {"rotary_size": 16}),
        ("stablelm", {"q_norm": True}, {"query_key_norm": "layer", "heads_alike": False}),
        ("cohere", {"q_norm": True}, {"query_key_norm": "layer", "heads_alike": False}),
    ],
)
def test_what_decides_on_symmetries_is_read_from_the_file(
    tmp_path: Path, name: str, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    """And not taken from the defaults of a family, which may promise more than the model has."""
    model = census()[f"{name} hub"]
    tensors = load_file(write(tmp_path / "m", model) / "model.safetensors")
    config = model["config"] | {"rope_parameters": changes}
    if changes.pop("q_norm", False):
        size = config["hidden_size"] // config["num_attention_heads"]
        shape = (config["num_attention_heads"], size)
        for i in range(config["num_hidden_layers"]):
            tensors[f"blk.{i}.attn_q_norm.weight"] = np.ones(shape, np.float32)
    found = open_checkpoint(convert(tmp_path / "m.gguf", tensors, MODELS[name], config)).architecture
    assert {key: getattr(found, key) for key in expected} == expected


@pytest.mark.parametrize(("layers", "positions"), [(32, "rotary"), (3, "none")])
def test_positions_of_baichuan_follow_from_its_depth(tmp_path: Path, layers: int, positions: str) -> None:
    """Of its two sizes the larger one has slopes instead, which tell heads apart."""
    model = census()["llama hub"]
    tensors = load_file(write(tmp_path / "m", model) / "model.safetensors")
    few = {name: value for name, value in tensors.items() if ".layers." not in name or ".layers.0." in name}
    for i in range(1, layers):
        few |= {name.replace(".0.", f".{i}."): value for name, value in tensors.items() if ".layers.0." in name}
    config = model["config"] | {"num_hidden_layers": layers}
    found = open_checkpoint(convert(tmp_path / "m.gguf", few, "baichuan", config)).architecture
    assert (found.family, found.positions, found.heads_alike) == ("baichuan", positions, positions == "rotary")


def test_every_conversion_names_a_family() -> None:
    """By a model type that a table reads."""
    known = {model_type for family in FAMILIES for model_type in family.model_types}
    assert {conversion.model_type for conversion in CONVERSIONS.values()} <= known


def test_every_architecture_is_named_in_the_page_on_formats() -> None:
    """To which the refusal of any other leads."""
    page = (Path(__file__).parents[1] / "docs" / "formats.md").read_text("utf-8")
    (said,) = re.findall(r"\nRead: ([^.]*)\.", page)
    assert re.findall(r"`([^`]+)`", said) == sorted(name for name in CONVERSIONS if " " not in name)
