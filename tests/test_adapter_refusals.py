"""Adapters that cannot be merged as their formula says are refused in a sentence."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.adapters import PLAIN, Q, adapter, change, draw, refused
from tests.checkpoints import Array, toy, write_checkpoint
from verify import CheckpointError, InputError, UnsupportedError, fingerprint
from verify.checkpoint import Location, open_checkpoint
from verify.checkpoint.adapters.settings import Settings


def test_without_a_base_the_sentence_says_what_it_is(tmp_path: Path) -> None:
    """An adapter of which base, its rank, and how to give it; a file and a folder alike."""
    folder = adapter(tmp_path / "lora", change(Q, 16, 16), init_lora_weights="eva")
    for path in (folder, folder / "adapter_model.safetensors"):
        with pytest.raises(CheckpointError, match=r"adapter \(LORA, rank 2\) of 'org/base'.*--base-a"):
            open_checkpoint(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\nb", 7, None, ["org/base"]])
def test_a_hostile_base_name_is_not_repeated_whole(tmp_path: Path, name: Any) -> None:
    """Bounded, printable, and never opened."""
    folder = adapter(tmp_path / "lora", change(Q, 16, 16), base_model_name_or_path=name, init_lora_weights="eva")
    with pytest.raises(CheckpointError, match="not a whole model") as caught:
        open_checkpoint(folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_the_base_that_an_adapter_names_is_never_opened(tmp_path: Path) -> None:
    """Not even where it exists."""
    base = write_checkpoint(tmp_path / "base", toy())
    folder = adapter(tmp_path / "lora", change(Q, 16, 16), base_model_name_or_path=str(base))
    with pytest.raises(UnsupportedError, match="is an adapter without its base of rank 2; expected at least 4"):
        open_checkpoint(folder)


@pytest.mark.parametrize("kind", ["OSF", "PEANUT", None, 3, ["LORA"]])
def test_other_kinds_of_adapter_are_refused(tmp_path: Path, kind: Any) -> None:
    """By name, with or without a base."""
    tensors = {"prompt_embeddings": draw(4, 16)}
    assert f"of type {kind!r}" in refused(tmp_path, tensors, peft_type=kind)


@pytest.mark.parametrize("kind", ["PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "CPT", "XLORA", "LORA"])
def test_adapters_that_no_tool_can_merge_leave_the_base_to_compare(tmp_path: Path, kind: str) -> None:
    """Learned inputs, mixtures by input, and changes from a certain token on."""
    said = refused(tmp_path, {"prompt_embeddings": draw(4, 16)}, peft_type=kind, alora_invocation_tokens=[5])
    assert "the base is what there is to compare" in said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"init_lora_weights": "pissa_niter_16"}, "init_lora_weights"),
        ({"init_lora_weights": "loftq"}, "init_lora_weights"),
        ({"layer_replication": [[0, 2]]}, "layer_replication"),
        ({"use_qalora": True}, "use_qalora"),
        ({"r": 3}, "at rank 3"),
        ({"r": 0}, "a rank of at least 1"),
        ({"r": True}, "a rank of at least 1"),
        ({"r": 10**30}, "a rank of at least 1"),
        ({"r": None}, "a rank of at least 1"),
        ({"lora_alpha": "16"}, "expected a number"),
        ({"lora_alpha": float("nan")}, "expected a number"),
        ({"lora_alpha": float("inf")}, "expected a number"),
        ({"lora_alpha": 10**400}, "expected a number"),
        ({"rank_pattern": [1]}, "expected an object"),
        ({"alpha_pattern": {"(a+)+$": 1}}, "expected names of modules"),
        ({"use_dora": True}, "use_dora as True"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """With the setting and what was expected."""
    assert expected in refused(tmp_path, change(Q, 16, 16), **changes)


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        (change("model.layers.9.self_attn.q_proj", 16, 16), "changes 1 modules that base does not have"),
        (change(Q, 16, 17), "does not fit"),
        (change(Q, 15, 16), "does not fit"),
        (change("model.norm", 16, 16), "does not fit"),
        ({f"{Q}.lora_A.weight": draw(2, 16), f"{Q}.lora_B.weight": draw(16, 3)}, "does not fit"),
        ({f"{Q}.lora_A.weight": draw(2, 16)}, "expected one A and one B"),
        ({f"{Q}.lora_A.weight": draw(2, 16), f"{Q}.lora_embedding_B": draw(16, 2)}, "expected one A and one B"),
        (change(Q, 16, 16) | {f"{Q}.lora_magnitude_vector": draw(16)}, "use_dora as False"),
        (change(Q, 16, 16) | {f"{Q}.lora_C.weight": draw(16)}, "not understood"),
        (change(Q, 16, 16) | {f"{Q}.lora_A": draw(2, 16)}, "each once"),
        ({f"{Q}.weight": draw(16, 16), f"{Q}.base_layer.weight": draw(16, 16)}, "each once"),
        (change(Q, 16, 16) | change(Q.removeprefix("model."), 16, 16), "twice"),
        ({f"{Q}.weight": draw(17, 16)}, "replaces"),
        ({"score.weight": draw(3, 16)}, "does not have"),
        ({"model.layers.0.new.weight": draw(3, 16)}, "does not have"),
        (change("x" * 600, 16, 16), "not understood"),
    ],
)
def test_tensors_that_fit_nothing_are_refused(tmp_path: Path, tensors: dict[str, Array], expected: str) -> None:
    """With the tensor, its shape and what was expected."""
    assert expected in refused(tmp_path, tensors)


def test_a_rank_beyond_the_matrix_is_refused(tmp_path: Path) -> None:
    """However much of it the file holds."""
    assert "at rank 17" in refused(tmp_path, change(Q, 16, 16, rank=17), r=17)


@pytest.mark.parametrize("part", ["lora_A.weight", "lora_down.weight", "hada_w1_a"])
def test_adapters_of_diffusion_models_are_called_so(tmp_path: Path, part: str) -> None:
    """Those of diffusers and of kohya have no settings."""
    save_file({f"lora_unet_mid_block.{part}": draw(2, 16)}, tmp_path / "lora.safetensors")
    with pytest.raises(CheckpointError, match="diffusers' and kohya's"):
        open_checkpoint(tmp_path / "lora.safetensors")


def test_a_base_is_for_adapters_only_and_is_no_adapter(tmp_path: Path) -> None:
    """A whole model, or a fingerprint, takes no base; an adapter of an adapter is refused."""
    base = write_checkpoint(tmp_path / "base", toy())
    lora = adapter(tmp_path / "lora", change(Q, 16, 16))
    with pytest.raises(CheckpointError, match="is a whole model"):
        open_checkpoint(Location(str(base), base=str(base)))
    with pytest.raises(CheckpointError, match="is an adapter; give a whole model"):
        open_checkpoint(Location(str(lora), base=str(lora)))
    fingerprint(base).save(tmp_path / "base.fingerprint")
    with pytest.raises(InputError, match="is a fingerprint"):
        fingerprint(Location(str(tmp_path / "base.fingerprint"), base=str(base)))


def test_settings_must_lie_beside_the_weights(tmp_path: Path) -> None:
    """Tensors alone do not say how they are scaled."""
    lora = adapter(tmp_path / "lora", change(Q, 16, 16))
    (lora / "adapter_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"no adapter_config\.json"):
        open_checkpoint(lora)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["peft_type", "r", "lora_alpha", "rank_pattern", "use_dora", "fan_in_fan_out", "init_lora_weights"]
        ),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)
        | st.dictionaries(st.text(), st.integers()),
    )
)
def test_no_settings_raise_anything_but_a_sentence(tmp_path_factory: pytest.TempPathFactory, changes: Any) -> None:
    """Whatever JSON they are."""
    folder = tmp_path_factory.mktemp("hostile")
    base = write_checkpoint(folder / "base", toy())
    lora = adapter(folder / "lora", change(Q, 16, 16))
    (lora / "adapter_config.json").write_text(json.dumps(PLAIN | changes))
    try:
        outcome = str(open_checkpoint(Location(str(lora), base=str(base))).read("q", 0).shape)
    except CheckpointError as error:
        outcome = str(error)
    assert outcome == "(16, 16)" or (outcome.endswith(".") and outcome.isprintable())


def test_patterns_for_many_modules_are_read_once() -> None:
    """And not once a module: both lie in files of a few MB."""
    patterns = {f"layers.{n}.q_proj": 1 + n % 7 for n in range(20_000)}
    found = Settings("lora", PLAIN | {"rank_pattern": patterns}, {})
    started = time.process_time()
    assert all(found.rank(f"model.layers.{n}.q_proj") == 1 + n % 7 for n in range(3000))
    assert time.process_time() - started < 5
