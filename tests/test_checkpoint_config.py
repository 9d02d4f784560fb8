"""``config.json`` is a stranger's: where it and the tensors differ, the tensors decide, and it is noted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.checkpoints import HEADS, LAYERS, WITHOUT_HEADS, toy, write_checkpoint
from tests.refusals import one_line, read_all, refused
from verify.base import CheckpointError
from verify.checkpoint import Architecture, open_checkpoint
from verify.wording import say


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{", '{"a": 1, "a": 2}', "[" * 50_000, "\ufeff{}"])
def test_a_config_that_is_no_object(tmp_path: Path, text: str) -> None:
    """Configuration is one JSON object."""
    assert "config.json" in refused(write_checkpoint(tmp_path, toy(), files={"config.json": text}))


def opened(folder: Path, family: str, **changes: Any) -> tuple[Architecture, set[str]]:
    """How a model with other numbers in config.json is read, and what is noted of it."""
    checkpoint = open_checkpoint(write_checkpoint(folder, toy(family).configured(**changes)))
    return checkpoint.architecture, {say(note) for note in checkpoint.notes}


@pytest.mark.parametrize("key", ["num_attention_heads", "head_dim", "hidden_size", "num_hidden_layers", "vocab_size"])
@pytest.mark.parametrize("value", [-1, True, 1.5, 2**40, 10**400, "4", [4], {"a": 4}, float("inf"), float("nan")])
def test_a_number_that_is_no_count_is_noted_and_the_tensors_decide(tmp_path: Path, key: str, value: Any) -> None:
    """Negative, boolean, fractional, huge or of another kind: the key is named, and no more is lost than heads."""
    plain, _ = opened(tmp_path / "plain", "llama")
    found, notes = opened(tmp_path / "other", "llama", **{key: value})
    assert [key in note and note.isprintable() for note in notes] == [True]
    assert found == plain.model_copy(update=WITHOUT_HEADS if "head" in key else {})


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {"hidden_size": 99}),
        ("llama", {"num_hidden_layers": 3}),
        ("llama", {"intermediate_size": 21}),
        ("llama", {"intermediate_size": [21, 21]}),
        ("llama", {"intermediate_size": []}),
        ("llama", {"vocab_size": 31}),
        ("gpt2", {"n_embd": 99}),
        ("gpt2", {"n_inner": 99}),
        ("qwen2_moe", {"num_experts": 4}),
        ("pangu_pro_moe", {"moe_intermediate_size": 7}),
        ("pangu_pro_moe", {"shared_expert_intermediate_size": 7}),
    ],
)
def test_where_config_and_tensors_differ_the_tensors_decide_and_it_is_noted(
    tmp_path: Path, family: str, changes: dict[str, Any]
) -> None:
    """One edited number stops no test."""
    plain, nothing = opened(tmp_path / "plain", family)
    found, notes = opened(tmp_path / "other", family, **changes)
    assert found == plain
    assert not nothing
    ((key, value),) = changes.items()
    (note,) = notes
    said = value if isinstance(value, int) else repr(str(value))
    assert f"config.json says {key} is {said}, and the tensors have" in note


def test_a_number_may_be_given_once_a_layer(tmp_path: Path) -> None:
    """A list of what the tensors have agrees with them."""
    hidden = opened(tmp_path / "plain", "llama")[0].hidden
    assert opened(tmp_path / "list", "llama", intermediate_size=[hidden, hidden])[1] == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"num_attention_heads": 0},
        {"num_attention_heads": 3},
        {"num_attention_heads": 99},
        {"num_attention_heads": 2},
        {"num_key_value_heads": 4},
        {"head_dim": 3},
    ],
)
def test_heads_that_contradict_the_tensors_or_each_other_are_not_known(
    tmp_path: Path, changes: dict[str, int]
) -> None:
    """Heads taken for larger than they are would make channels exchangeable that are not; nothing else is lost."""
    plain, _ = opened(tmp_path / "plain", "llama")
    found, notes = opened(tmp_path / "other", "llama", **changes)
    assert found == plain.model_copy(update=WITHOUT_HEADS)
    (note,) = notes
    assert "heads were taken as not known" in note
    assert all(f"{key} {value}" in note for key, value in changes.items())


@pytest.mark.parametrize("changes", [{"num_attention_heads": 2}, {"num_attention_heads": 5}, {"head_dim": 3}])
def test_norms_of_single_heads_tell_how_many_there_are(tmp_path: Path, changes: dict[str, int]) -> None:
    """Where config.json is contradicted, the length of such a norm is that of a head."""
    plain, _ = opened(tmp_path / "plain", "qwen3")
    found, notes = opened(tmp_path / "other", "qwen3", **changes)
    assert found == plain
    (note,) = notes
    assert "the norms of single heads were believed" in note


@pytest.mark.parametrize(("said", "stored"), [(True, True), (False, False), (None, False)])
def test_a_head_that_contradicts_what_is_said_of_tying_is_noted(
    tmp_path: Path, said: bool | None, stored: bool
) -> None:
    model = toy("llama").configured(tie_word_embeddings=said)
    tensors = {name: value for name, value in model.tensors.items() if name != "lm_head.weight"}
    tensors |= {"lm_head.weight": model.tensors["model.embed_tokens.weight"]} if stored else {}
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, replace(model, tensors=tensors)))
    assert checkpoint.architecture.tied_embeddings
    assert ["tie_word_embeddings" in say(note) for note in checkpoint.notes] == ([] if said is None else [True])


def test_a_number_about_an_absent_part_says_nothing(tmp_path: Path) -> None:
    """Mixtures of experts declare intermediate_size though no layer is dense."""
    open_checkpoint(write_checkpoint(tmp_path, toy("qwen2_moe").configured(intermediate_size=12345)))


@pytest.mark.parametrize("value", [{"a": 1}, ["llama"], 7, True, "a\nb"])
def test_a_model_type_that_is_no_name(tmp_path: Path, value: Any) -> None:
    """A type is a printable string."""
    assert "model_type" in refused(write_checkpoint(tmp_path, toy().configured(model_type=value)))


def test_fused_heads_cannot_be_told_from_shapes(tmp_path: Path) -> None:
    """A lone weight file needs the config that was beside it, where q, k and v lie in one tensor."""
    model = toy()
    fused = {
        f"model.layers.{i}.{name}.weight": np.concatenate([model.canonical[role, i, None] for role in roles])
        for i in range(LAYERS)
        for name, roles in (("self_attn.qkv_proj", "qkv"), ("mlp.gate_up_proj", ("gate", "up")))
    }
    folder = write_checkpoint(tmp_path, model.adding(**fused).configured(model_type="phi3"))
    (folder / "config.json").unlink()
    config = {"model_type": "phi3"}
    (folder / "config.json").write_text(json.dumps(config))
    message = refused(folder / "model.safetensors")
    assert "num_attention_heads" in message
    assert "config.json" in message


@pytest.mark.slow
@given(
    st.dictionaries(
        st.sampled_from(["model_type", "num_attention_heads", "head_dim", "hidden_size", "tie_word_embeddings"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
@example({"num_attention_heads": HEADS})
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_config_escapes(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Any JSON in place of the numbers that matter gives a checkpoint or one sentence."""
    folder = tmp_path / "model"
    if not folder.exists():
        write_checkpoint(folder, toy())
    (folder / "config.json").write_text(json.dumps(toy().config | changes))
    try:
        read_all(open_checkpoint(folder))
    except CheckpointError as error:
        one_line(error)


def test_a_name_longer_than_any_is_refused(tmp_path: Path) -> None:
    """Parts are named by it, and a fingerprint would be written that cannot be read again."""
    folder = write_checkpoint(tmp_path / "model", toy())
    (folder / "model.safetensors").unlink()
    save_file({**toy().tensors, "x" * 1000 + ".weight": np.ones((2, 2), np.float32)}, folder / "model.safetensors")
    assert "1007 characters" in refused(folder)
