"""How the channels of q and k may be changed: which are turned in pairs, and what norms them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checkpoints import WITHOUT_HEADS, write_checkpoint
from tests.checkpoints import toy as first
from tests.converted import LLAMA_NAMES, converted, write_gguf
from tests.families import DECLARED, NOTHING, OPEN, PUBLISHED, toy
from tests.published import SIZE
from verify.base import OptionError
from verify.checkpoint import Architecture, open_checkpoint
from verify.checkpoint.layouts.families import FAMILIES
from verify.checkpoint.layouts.layout_file import family_of


def found(folder: Path, family: str, **changes: Any) -> Architecture:
    """The architecture of a published family with other entries in config.json."""
    return open_checkpoint(write_checkpoint(folder, toy(family).configured(**changes))).architecture


def queries(architecture: Architecture) -> tuple[str, int, str]:
    """What an architecture says of q and k."""
    return architecture.rotary, architecture.rotary_size, architecture.query_key_norm


@pytest.mark.parametrize("family", PUBLISHED)
def test_every_family_says_what_is_turned_and_what_is_normed(tmp_path: Path, family: str) -> None:
    """As the published model computes it; a family that is missing here fails."""
    assert queries(found(tmp_path, family)) == DECLARED[family]


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        *((family, ("half", 4, "none")) for family in ("llama", "qwen2_moe", "pangu_pro_moe")),
        ("qwen3", ("half", 4, "gain")),
        ("gpt2", NOTHING),
        ("bert", NOTHING),
    ],
)
def test_the_first_families_do_too(tmp_path: Path, family: str, expected: tuple[str, int, str]) -> None:
    """A norm of q and k counts where its gains are stored."""
    assert queries(open_checkpoint(write_checkpoint(tmp_path, first(family))).architecture) == expected


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_table_declares_both_or_neither(family: Any) -> None:
    """Where nothing is said of the norm, nothing is said of rotation; planes are of rotary positions."""
    assert family.query_key_norm != "unknown" or not family.rotary
    assert family.positions == "rotary" or not family.rotary


@pytest.mark.parametrize(
    ("family", "changes", "size"),
    [
        ("gpt_neox", {"rotary_pct": 1.0}, 8),
        ("gpt_neox", {"rotary_pct": 0.5}, 4),
        ("gpt_neox", {"rotary_pct": 0.5, "rope_parameters": {"partial_rotary_factor": 0.75}}, 6),
        ("gpt_neox", {"rope_parameters": {"rope_theta": 1e4}}, 2),
        ("phi3", {"partial_rotary_factor": 0.75}, 6),
        ("phi3", {"partial_rotary_factor": 1}, 8),
        ("gptj", {"rotary_dim": 6}, 6),
        ("glm", {"partial_rotary_factor": None}, 4),
        ("glm4_moe", {"partial_rotary_factor": 1.0}, 8),
        ("qwen", {"rotary_pct": 0.25}, 2),
    ],
)
def test_the_size_of_a_partial_rotation_is_that_of_the_config(
    tmp_path: Path, family: str, changes: dict[str, Any], size: int
) -> None:
    """A share of the head, or a number of channels; the newer entry goes before the older."""
    assert found(tmp_path, family, **changes).rotary_size == size


@pytest.mark.parametrize("said", [0, 0.2, 3, 10, -2, True, "4", [4], float("nan"), float("inf"), 1e300, 2.0])
def test_a_size_that_cannot_be_leaves_q_and_k_open(tmp_path: Path, said: Any) -> None:
    """Nothing is turned by half a plane, or beyond the head: then no symmetry of q and k is declared."""
    plain = found(tmp_path / "plain", "phi3")
    other = found(tmp_path / "other", "phi3", partial_rotary_factor=said)
    assert other == plain.model_copy(update={"rotary": "", "rotary_size": 0, "query_key_norm": "unknown"})


@pytest.mark.parametrize(
    ("family", "changes", "expected"),
    [
        ("gptj", {"rotary_dim": None}, OPEN),
        ("chatglm", {"original_rope": False}, OPEN),
        ("falcon 40b", {"alibi": True}, NOTHING),
        ("baichuan", {"max_position_embeddings": None}, NOTHING),
        ("mpt", {"attn_config": {"qk_ln": True}}, ("", 0, "layer")),
        ("mpt", {"attn_config": {"rope": True}}, OPEN),
        ("mixtral", {"model_type": "mixtral-like"}, OPEN),
        ("mixtral", {"num_attention_heads": None}, OPEN),
    ],
)
def test_what_cannot_be_said_is_left_open(
    tmp_path: Path, family: str, changes: dict[str, Any], expected: tuple[str, int, str]
) -> None:
    """A setting that changes what lies between q and k is heeded; names alone declare nothing."""
    assert queries(found(tmp_path, family, **changes)) == expected


def test_later_layers_that_read_earlier_keys_leave_q_and_k_open(tmp_path: Path) -> None:
    """Gemma 3n: turning the keys of one layer turns the queries of several."""
    assert queries(found(tmp_path, "gemma3_text", model_type="gemma3n_text")) == OPEN


def test_without_heads_nothing_is_said_of_them(tmp_path: Path) -> None:
    """Neither of planes nor of value channels."""
    plain = found(tmp_path / "plain", "mixtral")
    assert found(tmp_path / "other", "mixtral", num_attention_heads=3) == plain.model_copy(update=WITHOUT_HEADS)


# ---- clipping


@pytest.mark.parametrize(
    ("family", "entry"), [("olmo", {"clip_qkv": 8.0}), ("mpt", {"attn_config": {"alibi": True, "clip_qkv": 6}})]
)
def test_clipped_channels_keep_their_symmetries(tmp_path: Path, family: str, entry: dict[str, Any]) -> None:
    """Nothing is lost where q, k and v are clipped."""
    assert found(tmp_path / "clipped", family, **entry) == found(tmp_path / "plain", family)


def test_clipping_commutes_with_signed_permutations_and_with_no_other_turn() -> None:
    """Quarter turns of planes are among them; an eighth of a turn is not."""
    rng = np.random.default_rng(0)
    x, c = rng.standard_normal((64, 2)) * 2, np.sqrt(0.5)
    quarter, eighth = np.array([[0, -1], [1, 0]]), np.array([[c, -c], [c, c]])
    clip = lambda values: np.clip(values, -1, 1)  # noqa: E731
    np.testing.assert_array_equal(clip(x @ quarter), clip(x) @ quarter)
    assert np.abs(clip(x @ eighth) - clip(x) @ eighth).max() > 0.3


# ---- other formats


def test_rows_of_a_gguf_are_paired_as_those_of_the_original(tmp_path: Path) -> None:
    """llama.cpp turns rows 2c and 2c + 1 of q and k; as read, c and c + half a head, which is what is declared."""
    model = first("llama")
    stored = converted(model, "llama")
    checkpoint = open_checkpoint(write_gguf(tmp_path / "m.gguf", stored, "llama", model.config))
    shape = checkpoint.architecture
    assert queries(shape) == ("half", shape.head_size, "none")
    for role, name, heads in (("q", "attn_q", shape.heads), ("k", "attn_k", shape.kv_heads)):
        raw = stored[f"blk.0.{name}.weight"].reshape(heads, shape.head_size // 2, 2, -1)
        read = checkpoint.read(role, 0).reshape(heads, 2, shape.head_size // 2, -1)
        np.testing.assert_array_equal(raw.swapaxes(1, 2), read)


@pytest.mark.parametrize("said", [None, 4, 6])
def test_a_gguf_says_how_many_channels_are_turned(tmp_path: Path, said: int | None) -> None:
    """As ``rope.dimension_count``; without it llama.cpp turns the whole head."""
    model = toy("phi3")
    table = LLAMA_NAMES | {"self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"}
    config = model.config | ({} if said is None else {"rotary_dim": said})
    path = write_gguf(tmp_path / "m.gguf", converted(model, "phi3", table), "phi3", config)
    assert queries(open_checkpoint(path).architecture) == ("half", said or SIZE, "none")


# ---- layout files

LAYOUT: dict[str, Any] = {
    "name": "m",
    "layer": {role: f"layers.{{i}}.{role}.weight" for role in (*"qkvo", "up", "down")},
}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"rotary": "half"}, "both rotary and rotary_size"),
        ({"rotary_size": 4, "positions": "rotary"}, "both rotary and rotary_size"),
        ({"rotary": "half", "rotary_size": 4}, "positions"),
        ({"rotary": "", "rotary_size": 4}, "rotary"),
        ({"rotary": "half", "rotary_size": 3, "positions": "rotary"}, "even number"),
        ({"rotary": "half", "rotary_size": True, "positions": "rotary"}, "even number"),
        ({"query_key_norm": "rms"}, "query_key_norm"),
        (
            {"query_key_norm": "none", "layer": LAYOUT["layer"] | {"q_norm": "layers.{i}.n.weight"}},
            "kind of norm",
        ),
    ],
)
def test_a_layout_whose_lines_on_q_and_k_do_not_go_together_is_refused(entries: dict[str, Any], message: str) -> None:
    """With what was expected."""
    with pytest.raises(OptionError, match=message):
        family_of(LAYOUT | entries)


def test_a_layout_that_declares_nothing_of_q_and_k_leaves_them_open() -> None:
    """Rotary positions alone do not tell which channels are turned."""
    assert family_of(LAYOUT | {"positions": "rotary"}).query_key_norm == "unknown"
    declared = family_of(LAYOUT | {"positions": "rotary", "rotary": "interleaved", "rotary_size": 4})
    assert (declared.rotary, declared.rotary_size, declared.query_key_norm) == ("interleaved", 4, "unknown")
