"""Heads whose keys have more channels than their values, as in MiMo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import verify
from tests.checkpoints import Toy, write_checkpoint
from tests.hybrids import VOCAB, WIDTH, drawn, gated
from verify.checkpoint import Checkpoint, open_checkpoint
from verify.fingerprint import projection
from verify.wording import say

HEADS, KEYS, VALUES, LAYERS = 8, 24, 6, 4
KV_HEADS = {True: 4, False: 2}
"""Of layers whose attention slides, and of the first, whose does not."""
CONFIG = {
    "model_type": "mimo_v2_flash",
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS[False],
    "head_dim": KEYS,
    "v_head_dim": VALUES,
    "partial_rotary_factor": 0.334,
    "n_group": 1,
}


def mimo(seed: int = 0) -> Toy:
    """As published, with three experts in each layer."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCAB, WIDTH), "model.norm.weight": (WIDTH,)}
    shapes["lm_head.weight"] = (VOCAB, WIDTH)
    for i in range(LAYERS):
        at, kv_heads = f"model.layers.{i}.", KV_HEADS[i > 0]
        shapes |= {f"{at}{norm}_layernorm.weight": (WIDTH,) for norm in ("input", "post_attention")}
        rows = {"q": HEADS * KEYS, "k": kv_heads * KEYS, "v": kv_heads * VALUES}
        shapes |= {f"{at}self_attn.{role}_proj.weight": (size, WIDTH) for role, size in rows.items()}
        shapes[f"{at}self_attn.o_proj.weight"] = (WIDTH, HEADS * VALUES)
        shapes |= {f"{at}self_attn.attention_sink_bias": (HEADS,)} if i else {}
        shapes[f"{at}mlp.gate.weight"] = (3, WIDTH)
        for e in range(3):
            shapes |= gated(f"{at}mlp.experts.{e}.", ("gate_proj", "up_proj", "down_proj"))
    return Toy(drawn(shapes, seed), CONFIG, {})


def opened(folder: Path, model: Toy) -> Checkpoint:
    return open_checkpoint(write_checkpoint(folder, model))


def test_sizes_are_those_of_most_layers(tmp_path: Path) -> None:
    """The number of kv heads that is stated is that of the other layers, which are set aside."""
    checkpoint = opened(tmp_path, mimo())
    shape = checkpoint.architecture
    assert (shape.heads, shape.kv_heads, shape.head_size, shape.key_size) == (HEADS, KV_HEADS[True], VALUES, KEYS)
    assert (shape.rotary_size, shape.query_key_norm, shape.no_attention) == (8, "none", (0,))
    assert checkpoint.unrecognised == ()


def test_rows_of_keys_are_found_by_their_own_size(tmp_path: Path) -> None:
    """Of each head, the channels that positions do not turn follow those that they turn."""
    model = mimo()
    made = verify.fingerprint(write_checkpoint(tmp_path, model))
    k = model.tensors["model.layers.1.self_attn.k_proj.weight"].reshape(KV_HEADS[True], KEYS, WIDTH)
    projected = k.astype(np.float64) @ projection(WIDTH, made.record.sketch.projections)
    length = np.linalg.norm(projected[:, 8:], axis=-1, keepdims=True)
    np.testing.assert_allclose(made.arrays["keys.1.plain.k"][:, :, 0], projected[:, 8:] / length, atol=1e-3)


@pytest.mark.parametrize("said", [{"v_head_dim": 8}, {"head_dim": 16}, {"num_attention_heads": 4}])
def test_sizes_that_do_not_fit_leave_heads_unknown(tmp_path: Path, said: dict[str, int]) -> None:
    """A note says which; nothing is then assumed of heads."""
    checkpoint = opened(tmp_path, mimo().configured(**said))
    shape = checkpoint.architecture
    assert (shape.heads, shape.kv_heads, shape.head_size, shape.key_size, shape.rotary_size) == (0, 0, 0, 0, 0)
    (key,) = said
    assert any(key in say(note) for note in checkpoint.notes)


def test_other_families_have_values_as_large_as_keys(tmp_path: Path) -> None:
    """Attention of two sizes is no attention of Llama."""
    model = mimo()
    dense = {name: x for name, x in model.tensors.items() if ".mlp." not in name and "sink" not in name}
    for i in range(LAYERS):
        at = f"model.layers.{i}.mlp."
        one = {name.replace("experts.0.", ""): x for name, x in model.tensors.items() if f"{at}experts.0." in name}
        dense |= one
    with pytest.raises(verify.VerifyError, match="has shape"):
        opened(tmp_path, Toy(dense, CONFIG | {"model_type": "llama"}, {}))
