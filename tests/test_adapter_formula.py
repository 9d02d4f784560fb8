"""LoRA adapters are merged on the way as their formula and their settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters import DOWN, Q, change, chosen, draw, merged
from tests.checkpoints import Toy, toy
from verify.checkpoint.adapters.matrix import Product, Stored
from verify.checkpoint.adapters.sum import Sum
from verify.checkpoint.formats.tensor import Indexer

EMBED, BIAS = "model.embed_tokens", "model.layers.0.self_attn.q_proj.bias"


@pytest.fixture
def llama() -> Toy:
    """A toy Llama, whose q is [16, 16] and down [16, 20]."""
    return toy()


# ---- the formula


class Held:
    """A tensor in memory."""

    name, file, dtype, is_out_in, notes = "w", "memory", "F32", False, ()

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape = values, values.shape

    def read(self, rows: Indexer = None, columns: Indexer = None) -> np.ndarray:
        """Some of it."""
        part = self.values[slice(None) if rows is None else rows]
        return part if columns is None else part[:, columns]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Its bytes."""
        return int(self.read(rows, columns).nbytes)

    def iter_bytes(self) -> Any:
        """As stored."""
        yield self.values.tobytes()

    def entry(self, index: int) -> Held:
        """The part at an index of the first axis."""
        return Held(self.values[index])


sizes = st.integers(1, 7)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    rows=sizes,
    columns=sizes,
    rank=sizes,
    scale=st.floats(-4, 4),
    turned=st.booleans(),
    dora=st.booleans(),
)
def test_any_part_is_that_part_of_the_sum(
    data: st.DataObject, rows: int, columns: int, rank: int, scale: float, turned: bool, dora: bool
) -> None:
    """Any rows and columns have the bits of the whole, which is W + s B A, with DoRA of the learned lengths."""
    w, left, right = draw(rows, columns), draw(rows, rank, seed=1), draw(rank, columns, seed=2)
    outputs = 1 if turned else 0
    lengths = np.abs(draw((rows, columns)[outputs], seed=3)) + 1
    factors = [Stored(Held(np.ascontiguousarray(x.T) if turned else x), turned) for x in (left, right)]
    tensor = Sum(Held(w), Product(*factors), scale, Held(lengths) if dora else None, outputs)
    expected = w.astype(np.float64) + scale * (left.astype(np.float64) @ right.astype(np.float64))
    if dora:
        norm = np.linalg.norm(expected, axis=1 - outputs, keepdims=True)
        expected *= (lengths if turned else lengths[:, None]) / norm
    whole = tensor.read()
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-6)
    i, j = chosen(data, rows), chosen(data, columns)
    part = whole[slice(None) if i is None else i]
    part = part if j is None else part[:, j]
    assert tensor.read(i, j).tobytes() == np.ascontiguousarray(part).tobytes()
    assert b"".join(tensor.iter_bytes()) == whole.tobytes()
    assert tensor.nbytes(i, j) >= part.nbytes


def test_a_change_of_zero_keeps_every_bit() -> None:
    """Negative zero, subnormal numbers and NaN included, in the type that they are stored in."""
    w = np.array([[-0.0, 1e-40, 3.14159], [np.nan, np.inf, -1.0]], ml_dtypes.bfloat16)
    factors = Stored(Held(np.zeros((2, 1), np.float32))), Stored(Held(np.ones((1, 3), np.float32)))
    tensor = Sum(Held(w), Product(*factors), 2.0)
    assert tensor.read().tobytes() == w.astype(np.float32).tobytes()
    assert b"".join(tensor.iter_bytes()) == w.tobytes()


# ---- what the settings say


@pytest.mark.parametrize(
    ("changes", "scale"),
    [
        ({}, 3.0),
        ({"lora_alpha": 1.5}, 0.75),
        ({"use_rslora": True}, 6 / 2**0.5),
        ({"alpha_pattern": {"q_proj": 8}}, 4.0),
        ({"alpha_pattern": {Q: 8, "q_proj": 2}}, 4.0),
        ({"alpha_pattern": {"^" + Q: 10}}, 5.0),
        ({"alpha_pattern": {"proj": 8, "^q_proj": 8}}, 3.0),
        ({"r": 7, "rank_pattern": {"q_proj": 2}}, 3.0),
        ({"r": 7, "rank_pattern": {"q_proj": 2}, "use_rslora": True}, 6 / 2**0.5),
    ],
)
def test_scale_and_rank_are_as_the_settings_say(
    tmp_path: Path, llama: Toy, changes: dict[str, Any], scale: float
) -> None:
    """alpha / r, or alpha / sqrt(r); of the first pattern that is the module's name or its end."""
    tensors = change(Q, 16, 16)
    found = merged(tmp_path, llama, tensors, **changes).read("q", 0)
    a, b = tensors.values()
    np.testing.assert_allclose(found, llama.canonical["q", 0, None] + scale * (b @ a), rtol=1e-5, atol=1e-5)


def test_other_tensors_stay_as_they_are(tmp_path: Path, llama: Toy) -> None:
    """Only what the adapter names is changed."""
    checkpoint = merged(tmp_path, llama, change(DOWN, 16, 20))
    for (role, layer, expert), expected in llama.canonical.items():
        same = np.array_equal(checkpoint.read(role, layer, expert), expected)
        assert same is ((role, layer) != ("down", 1))


def test_conv1d_is_turned_and_fused_parts_are_changed(tmp_path: Path) -> None:
    """GPT-2 stores [in, out], fuses q, k and v, and lacks the prefix that its model has; DoRA's lengths likewise."""
    model, module = toy("gpt2"), "transformer.h.1.attn.c_attn"
    tensors = change(module, 48, 16)
    a, b = tensors.values()
    checkpoint = merged(tmp_path, model, tensors, fan_in_fan_out=True)
    for i, role in enumerate("qkv"):
        expected = model.canonical[role, 1, None] + 3 * (b @ a)[16 * i : 16 * (i + 1)]
        np.testing.assert_allclose(checkpoint.read(role, 1), expected, rtol=1e-5, atol=1e-5)
    rows = np.array([1, 5], np.intp)
    assert np.array_equal(checkpoint.read("k", 1, rows=rows), checkpoint.read("k", 1)[rows])
    lengths = np.full(48, 2.0, np.float32)
    tensors[f"{module}.lora_magnitude_vector"] = lengths
    checkpoint = merged(tmp_path / "dora", model, tensors, fan_in_fan_out=True, use_dora=True)
    np.testing.assert_allclose(np.linalg.norm(checkpoint.read("k", 1), axis=1), 2.0, rtol=1e-5)


def test_embeddings_are_changed(tmp_path: Path, llama: Toy) -> None:
    """A is [r, vocab], B [width, r]."""
    a, b = draw(2, 30, seed=1), draw(16, 2, seed=2)
    checkpoint = merged(tmp_path, llama, {f"{EMBED}.lora_embedding_A": a, f"{EMBED}.lora_embedding_B": b})
    np.testing.assert_allclose(
        checkpoint.read("embed"), llama.canonical["embed", None, None] + 3 * (b @ a).T, rtol=1e-4
    )


def test_what_is_trained_whole_replaces_the_base(tmp_path: Path) -> None:
    """Biases, modules to save, and embeddings of more tokens; a new head is left out and listed."""
    model = toy("qwen2_moe")
    more, bias = draw(33, 16, seed=5), draw(16, seed=6)
    tensors = {
        f"{EMBED}.weight": more,
        "lm_head.modules_to_save.weight": more,
        BIAS: bias,
        "score.weight": draw(3, 16),
    }
    checkpoint = merged(tmp_path, model, tensors, modules_to_save=["lm_head", "score"], bias="all")
    assert np.array_equal(checkpoint.read("embed"), more)
    assert np.array_equal(checkpoint.read("q_bias", 0), bias)
    assert checkpoint.unrecognised == ("score.weight",)


def test_a_layer_saved_with_its_change_is_replaced_and_then_changed(tmp_path: Path) -> None:
    """As PEFT saves embeddings of a LoRA, and biases."""
    model, module = toy("qwen2_moe"), "model.layers.0.self_attn.q_proj"
    tensors = change(module, 16, 16)
    a, b = tensors.values()
    w, bias = draw(16, 16, seed=5), draw(16, seed=6)
    tensors |= {f"{module}.base_layer.weight": w, f"{module}.base_layer.bias": bias}
    checkpoint = merged(tmp_path, model, tensors)
    np.testing.assert_allclose(checkpoint.read("q", 0), w + 3 * (b @ a), rtol=1e-5, atol=1e-5)
    assert np.array_equal(checkpoint.read("q_bias", 0), bias)


def test_dora_gives_the_learned_lengths(tmp_path: Path, llama: Toy) -> None:
    """Each output's weights have the learned length, in the direction of the sum."""
    tensors = change(Q, 16, 16)
    a, b = tensors.values()
    tensors[f"{Q}.lora_magnitude_vector"] = lengths = np.abs(draw(16, seed=9)) + 0.5
    checkpoint = merged(tmp_path, llama, tensors, use_dora=True)
    total = llama.canonical["q", 0, None] + 3 * (b @ a)
    expected = lengths[:, None] * total / np.linalg.norm(total, axis=1, keepdims=True)
    np.testing.assert_allclose(checkpoint.read("q", 0), expected, rtol=1e-4)
