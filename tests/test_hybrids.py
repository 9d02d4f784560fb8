"""Layers of several kinds: what is understood is compared, what differs from most layers is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import verify
from tests.checkpoints import Array, Toy, write_checkpoint
from tests.hybrids import (
    CHANNELS,
    GROUPS,
    HEADS,
    HIDDEN,
    KV_HEADS,
    SIZE,
    STATES,
    WIDTH,
    gated_attention,
    gemma4,
    lfm2,
    mamba,
    mamba2,
    mamba2_outputs,
    mamba_outputs,
    nemotron_h,
    qwen3_5,
)
from tests.models import VOCABULARY, child
from tests.reports import words
from verify.base import Phrase, VerifyError
from verify.checkpoint import Checkpoint, open_checkpoint
from verify.fingerprint import Fingerprint
from verify.statistics.blocks import strongest_units, unit_pairs
from verify.wording import say

FILES = {"vocab.json": json.dumps(VOCABULARY)}
UNITS, VALUES, SIGNS, STREAM = "unit_identity", "value_identity", "sign_agreement", "stream_identity"


def opened(folder: Path, model: Toy) -> Checkpoint:
    return open_checkpoint(write_checkpoint(folder, model))


def printed(folder: Path, model: Toy) -> Fingerprint:
    return verify.fingerprint(write_checkpoint(folder, model, files=FILES))


@pytest.mark.parametrize(
    ("make", "without", "heads"),
    [
        (lfm2, (0, 2), (HEADS, KV_HEADS, SIZE)),
        (gemma4, (2,), (HEADS, KV_HEADS, SIZE)),
        (nemotron_h, (0, 1, 3), (HEADS, KV_HEADS, SIZE)),
        (qwen3_5, (0, 2), (HEADS, KV_HEADS, SIZE)),
        (mamba, (), (0, 0, 0)),
        (mamba2, (), (0, 0, 0)),
    ],
)
def test_attention_is_read_where_it_is(
    tmp_path: Path, make: Callable[[], Toy], without: tuple[int, ...], heads: tuple[int, int, int]
) -> None:
    """The other layers are named in the record, and every tensor is understood."""
    model = printed(tmp_path, make())
    shape = model.record.architecture
    assert (shape.no_attention, (shape.heads, shape.kv_heads, shape.head_size)) == (without, heads)
    assert model.record.unrecognised == ()
    held = {int(name.split(".")[1]) for name in model.arrays if name.startswith("values.")}
    assert held == (set(range(shape.layers)) - set(without) if heads[0] else set())


@pytest.mark.parametrize(
    ("make", "tests"),
    [
        (lfm2, {UNITS, VALUES, SIGNS, STREAM}),
        (gemma4, {UNITS, VALUES, SIGNS, STREAM}),
        (nemotron_h, {UNITS, VALUES, SIGNS, STREAM}),
        (qwen3_5, {UNITS, VALUES, SIGNS, STREAM}),
        (mamba, {UNITS, STREAM}),
        (mamba2, {UNITS, STREAM}),
    ],
)
def test_a_child_is_found_and_a_stranger_is_not(tmp_path: Path, make: Callable[..., Toy], tests: set[str]) -> None:
    """By each test of what is understood; the report replays."""
    parent = make(0)
    a, b, c = (
        printed(tmp_path / name, model)
        for name, model in (
            ("parent", parent),
            ("child", replace(parent, tensors=child(parent.tensors, seed=1))),
            ("stranger", make(2)),
        )
    )
    near, far = verify.test_lineage(b, a), verify.test_lineage(c, a)
    assert (near.verdict, far.verdict) == ("dependent", "no_evidence")
    assert tests <= {test.id for test in near.tests.values() if test.applicable}
    assert verify.replay(near).agrees
    assert verify.replay(far).agrees


def test_layers_without_an_mlp_are_named(tmp_path: Path) -> None:
    """A fingerprint of them is whole; without the arrays of a layer that has an MLP it is refused."""
    model = printed(tmp_path, nemotron_h())
    assert model.record.architecture.no_mlp == (0, 2)
    path = tmp_path / "print.safetensors"
    model.save(path)
    assert Fingerprint.load(path).record == model.record
    shape = model.record.architecture.model_copy(update={"no_mlp": (0,)})
    damaged = Fingerprint(model.record.model_copy(update={"architecture": shape}), model.arrays)
    damaged.save(path)
    with pytest.raises(VerifyError, match="lacks the MLP arrays of layer 2"):
        Fingerprint.load(path)


@pytest.mark.parametrize("layers", [(1, 0), (0, 0), (0, 3)])
def test_layers_are_named_in_order_and_once(tmp_path: Path, layers: tuple[int, ...]) -> None:
    """A record that names others is refused."""
    model = printed(tmp_path, lfm2())
    shape = model.record.architecture.model_copy(update={"no_attention": layers})
    Fingerprint(model.record.model_copy(update={"architecture": shape}), model.arrays).save(tmp_path / "print")
    with pytest.raises(VerifyError, match="ascending layers below 3"):
        Fingerprint.load(tmp_path / "print")


def test_an_unknown_mixer_costs_the_stream_alone(tmp_path: Path) -> None:
    """Units of all layers and values of those with attention are compared; of the stream it is not known."""

    def renamed(model: Toy) -> Toy:
        return replace(model, tensors={n.replace(".conv.", ".mystery."): x for n, x in model.tensors.items()})

    a, b = (printed(tmp_path / str(seed), renamed(lfm2(seed))) for seed in (0, 1))
    report = verify.test_lineage(a, b)
    assert {test.id for test in report.tests.values() if test.applicable} >= {UNITS, VALUES, SIGNS}
    assert "model.layers.0.mystery" in words(report.tests[STREAM].reason)


def test_a_layer_that_lost_its_attention_is_damaged(tmp_path: Path) -> None:
    """Nothing else lies in that layer that could mix positions."""
    model = lfm2(kinds="aaa")
    lost = [name for name in model.tensors if name.startswith("model.layers.1.self_attn.")]
    with pytest.raises(VerifyError, match="`q` of layer 1 is missing; download the checkpoint again"):
        opened(tmp_path / "all", model.without(*lost))
    with pytest.raises(VerifyError, match="`v` of layer 1 is missing; download the checkpoint again"):
        opened(tmp_path / "one", model.without("model.layers.1.self_attn.v_proj.weight"))


def test_a_layer_that_lost_its_mlp_is_damaged(tmp_path: Path) -> None:
    """Only families of uneven layers have layers without one."""
    model = lfm2()
    with pytest.raises(VerifyError, match="MLP of layer 0"):
        opened(tmp_path, model.without(*(f"model.layers.0.feed_forward.w{n}.weight" for n in (1, 2, 3))))


def test_larger_heads_are_set_aside_whole(tmp_path: Path) -> None:
    """Their tensors count as understood, and no test reads them; a tensor that fits nothing is refused still."""
    checkpoint = opened(tmp_path / "sound", gemma4())
    assert [name for name in checkpoint.outside if "v_proj" in name] == ["model.layers.2.self_attn.v_proj.weight"]
    assert not checkpoint.has("q", 2)
    wrong = gemma4().adding(**{"model.layers.2.self_attn.v_proj.weight": np.ones((7, WIDTH), np.float32)})
    with pytest.raises(VerifyError, match=r"of layer 2 has shape .*; expected .* from the other tensors"):
        opened(tmp_path / "wrong", wrong)


def test_mlps_of_another_size_are_set_aside(tmp_path: Path) -> None:
    """Units of the size of most layers are compared."""
    model, at = lfm2(), "model.layers.1.feed_forward."
    small = {f"{at}w{n}.weight": model.tensors[f"{at}w{n}.weight"] for n in (1, 2, 3)}
    cut = {name: x[:, :10] if name == at + "w2.weight" else x[:10] for name, x in small.items()}
    checkpoint = opened(tmp_path, model.adding(**cut))
    assert (checkpoint.architecture.hidden, checkpoint.architecture.no_mlp) == (HIDDEN, (1,))
    assert set(cut) <= set(checkpoint.outside)


def test_later_layers_that_read_earlier_keys_have_no_values_of_their_own(tmp_path: Path) -> None:
    """Gemma 4 says how many; then no symmetry of value channels is assumed in any layer."""
    model = gemma4().configured(num_kv_shared_layers=1)
    shape = opened(tmp_path / "shared", model).architecture
    assert (shape.linear_values, shape.heads_alike) == (False, False)
    shape = opened(tmp_path / "none", gemma4().configured(num_kv_shared_layers=0)).architecture
    assert (shape.linear_values, shape.heads_alike) == (True, True)
    lacking = gemma4().without("model.layers.1.self_attn.k_proj.weight", "model.layers.1.self_attn.v_proj.weight")
    assert opened(tmp_path / "lacking", lacking).architecture.no_attention == (1, 2)


def test_q_and_the_gate_of_values_come_apart_by_heads(tmp_path: Path) -> None:
    """In each head's rows q is first."""
    model = qwen3_5()
    stored = model.tensors["model.layers.1.self_attn.q_proj.weight"].reshape(HEADS, 2, SIZE, WIDTH)
    checkpoint = opened(tmp_path, model)
    np.testing.assert_array_equal(checkpoint.read("q", 1), stored[:, 0].reshape(-1, WIDTH))
    np.testing.assert_array_equal(checkpoint.read("value_gate", 1), stored[:, 1].reshape(-1, WIDTH))


def test_gated_values_are_exchangeable_with_their_gates() -> None:
    """By a forward pass: channels of v, o and gate permuted, signs of v and o changed; not without the gate."""
    rng, at = np.random.default_rng(0), "model.layers.1.self_attn."
    tensors = {name: x for name, x in qwen3_5().tensors.items() if name.startswith(at)}
    x = rng.standard_normal((9, WIDTH))
    before = gated_attention(tensors, at, x)
    orders = [rng.permutation(SIZE) for _ in range(KV_HEADS)]
    signs = [rng.choice([-1.0, 1.0], SIZE) for _ in range(KV_HEADS)]
    moved = {name: value.copy() for name, value in tensors.items()}
    v = moved[at + "v_proj.weight"].reshape(KV_HEADS, SIZE, WIDTH)
    o = moved[at + "o_proj.weight"].reshape(WIDTH, HEADS, SIZE)
    for head in range(HEADS):
        group = head // (HEADS // KV_HEADS)
        o[:, head] = o[:, head][:, orders[group]] * signs[group]
    for group in range(KV_HEADS):
        v[group] = v[group][orders[group]] * signs[group][:, None]
    assert np.abs(gated_attention(moved, at, x) - before).max() > 1e-2
    gate = moved[at + "q_proj.weight"].reshape(HEADS, 2, SIZE, WIDTH)
    for head in range(HEADS):
        gate[head, 1] = gate[head, 1][orders[head // (HEADS // KV_HEADS)]]
    np.testing.assert_allclose(gated_attention(moved, at, x), before, atol=1e-6)


def test_inner_channels_of_mamba_are_exchangeable_and_their_signs_are_not(tmp_path: Path) -> None:
    """By a forward pass: all that is stored by the channel moves; a sign passes an activation."""
    model, rng, tokens = mamba(), np.random.default_rng(0), np.arange(12) % 7
    assert not opened(tmp_path, model).architecture.odd_in_up
    before = mamba_outputs(model.tensors, tokens)
    moved, flipped = ({n: x.copy() for n, x in model.tensors.items()} for _ in range(2))
    for i in range(2):
        at, order, sign = f"backbone.layers.{i}.mixer.", rng.permutation(HIDDEN), rng.choice([-1, 1], HIDDEN)
        x, z = np.split(moved[at + "in_proj.weight"].copy(), 2)
        moved[at + "in_proj.weight"] = np.concatenate([x[order], z[order]])
        for name in ("conv1d.weight", "conv1d.bias", "A_log", "D", "dt_proj.weight", "dt_proj.bias"):
            moved[at + name] = moved[at + name][order]
        for name in ("x_proj.weight", "out_proj.weight"):
            moved[at + name] = moved[at + name][:, order]
        flipped[at + "in_proj.weight"][:HIDDEN] *= sign[:, None]
        flipped[at + "out_proj.weight"] *= sign
    np.testing.assert_allclose(mamba_outputs(moved, tokens), before, atol=1e-6)
    assert np.abs(mamba_outputs(flipped, tokens) - before).max() > 1e-2


MOVED = ("in_proj.weight", "in_proj.bias", "conv1d.weight", "conv1d.bias", "norm.weight", "out_proj.weight")


def permuted(model: Toy, order: NDArray[np.intp], *names: str) -> dict[str, Array]:
    """Tensors of a Mamba 2 with the channels of these in another order, in each layer."""
    moved, inner = {name: x.copy() for name, x in model.tensors.items()}, len(order)
    for name, x in moved.items():
        kind = name.partition(".mixer.")[2]
        if kind in names and kind.startswith("in_proj"):
            moved[name] = np.concatenate([x[:inner][order], x[inner : 2 * inner][order], x[2 * inner :]])
        elif kind in names:
            moved[name] = x[:, order] if kind.startswith("out") else np.concatenate([x[:inner][order], x[inner:]])
    return moved


@pytest.mark.parametrize("normed", [1, GROUPS])
def test_channels_of_mamba_2_are_exchangeable_inside_heads(normed: int) -> None:
    """By forward passes, under a norm of all channels and of each group: not if any tensor of theirs stays, nor
    across heads, nor with signs."""
    model, rng, tokens = mamba2(), np.random.default_rng(0), np.arange(12) % 7
    before = mamba2_outputs(model.tensors, tokens, normed)
    inside = np.concatenate([head * CHANNELS + rng.permutation(CHANNELS) for head in range(STATES)])

    def change(tensors: dict[str, Array]) -> float:
        return float(np.abs(mamba2_outputs(tensors, tokens, normed) - before).max())

    assert change(permuted(model, inside, *MOVED)) < 1e-6
    for name in MOVED:
        assert change(permuted(model, inside, *({*MOVED} - {name}))) > 1e-3, name
    assert change(permuted(model, rng.permutation(len(inside)), *MOVED)) > 1e-2
    flipped, inner, sign = (
        {n: x.copy() for n, x in model.tensors.items()},
        len(inside),
        rng.choice([-1, 1], len(inside)),
    )
    for i in range(3):
        at = f"backbone.layers.{i}.mixer."
        flipped[at + "in_proj.weight"][inner : 2 * inner] *= sign[:, None]
        flipped[at + "out_proj.weight"] *= sign
    assert change(flipped) > 1e-2


def test_heads_of_mamba_2_are_read(tmp_path: Path) -> None:
    """Gates of channels are before the channels; what else ``in_proj`` holds is read, and compared by no test."""
    model, inner = mamba2(), STATES * CHANNELS
    checkpoint = opened(tmp_path, model)
    shape, stored = checkpoint.architecture, model.tensors["backbone.layers.1.mixer.in_proj.weight"]
    assert (shape.state_heads, shape.state_size, shape.hidden, shape.heads) == (STATES, CHANNELS, 0, 0)
    np.testing.assert_array_equal(checkpoint.read("state_gate", 1), stored[:inner])
    np.testing.assert_array_equal(checkpoint.read("state_up", 1), stored[inner : 2 * inner])
    np.testing.assert_array_equal(checkpoint.read("state_rest", 1), stored[2 * inner :])


def test_what_is_assumed_of_the_channels_of_heads_is_said(tmp_path: Path) -> None:
    """A p-value that counts channels of state spaces rests on more than the order of hidden units of MLPs."""
    said = say(Phrase.of("assumption.state_spaces"))
    one, other = (printed(tmp_path / str(seed), mamba2(seed)) for seed in (0, 1))
    assert said in verify.test_lineage(one, other).to_markdown()
    one, other = (printed(tmp_path / f"mamba-{seed}", mamba(seed)) for seed in (0, 1))
    assert said not in verify.test_lineage(one, other).to_markdown()


def test_decays_that_tell_other_heads_leave_the_channels_out(tmp_path: Path) -> None:
    """A number of heads that does not divide the channels, or differs between layers, tells nothing."""
    other = {"backbone.layers.1.mixer.A_log": np.ones(3, np.float32)}
    assert opened(tmp_path / "one", mamba2().adding(**other)).architecture.state_heads == 0
    every = {f"backbone.layers.{i}.mixer.A_log": np.ones(5, np.float32) for i in range(3)}
    assert opened(tmp_path / "all", mamba2().adding(**every)).architecture.state_heads == 0


def test_another_step_size_is_another_model(tmp_path: Path) -> None:
    """All rows of ``in_proj`` count for whether two models are the same."""
    model = mamba2()
    name = "backbone.layers.0.mixer.in_proj.weight"
    other = model.tensors[name].copy()
    other[-1] += 1
    a, b = (printed(tmp_path / n, one) for n, one in (("a", model), ("b", model.adding(**{name: other}))))
    assert verify.test_lineage(a, a).verdict == "identical"
    assert verify.test_lineage(a, b).verdict != "identical"


def authors(model: Toy, **changes: Any) -> Toy:
    """A Mamba as mamba_ssm saves it: another name, settings of its own, and the head beside the embedding."""
    old, new = "backbone.embeddings.weight", "backbone.embedding.weight"
    tensors = {new if name == old else name: x for name, x in model.tensors.items()}
    tensors.setdefault("lm_head.weight", model.tensors[old])
    layer = {"mamba": "Mamba1", "mamba2": "Mamba2"}[str(model.config["model_type"])]
    said = {"d_model": WIDTH, "n_layer": 2 if layer == "Mamba1" else 3, "ssm_cfg": {"layer": layer}, "rms_norm": True}
    said |= {"attn_layer_idx": [], "d_intermediate": 0, "tie_embeddings": layer == "Mamba1"}
    return Toy(tensors, said | changes, {})


@pytest.mark.parametrize("make", [mamba, mamba2])
def test_models_of_mamba_ssm_are_those_of_the_hub(tmp_path: Path, make: Callable[[], Toy]) -> None:
    """The same weights are the same model, and read whole."""
    model = make()
    a, b = printed(tmp_path / "hub", model), printed(tmp_path / "authors", authors(model))
    assert b.record.unrecognised == ()
    assert a.record.architecture == b.record.architecture
    assert verify.test_lineage(a, b).verdict == "identical"


@pytest.mark.parametrize(
    "changes",
    [
        {"attn_layer_idx": [1]},
        {"d_intermediate": 64},
        {"rms_norm": False},
        {"ssm_cfg": {"layer": "Mamba2", "d_ssm": 12}},
        {"ssm_cfg": {"layer": "Mamba3"}},
        {"ssm_cfg": None},
        {"d_model": -1},
    ],
)
def test_what_mamba_ssm_says_more_is_not_followed(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Nothing is then assumed of the rows of ``in_proj``."""
    try:
        shape = opened(tmp_path, authors(mamba2(), **changes)).architecture
    except VerifyError:
        return
    assert (shape.state_heads, shape.positions) == (0, "unknown")


def test_a_state_space_has_no_signs(tmp_path: Path) -> None:
    """Signs of its channels are compared by no test, whatever the MLPs beside it."""
    made = printed(tmp_path, mamba2())
    assert any(name.startswith("units.0.state.") for name in made.arrays)
    assert unit_pairs(made) == strongest_units(made) == {}


def test_a_norm_with_a_bias_is_no_rms_norm(tmp_path: Path) -> None:
    """Biases that the table does not know contradict it, whoever named it; signs of the stream are then left out."""
    model = lfm2()
    biases = {n.replace(".weight", ".bias"): np.ones(WIDTH, np.float32) for n in model.tensors if "_norm." in n}
    checkpoint = opened(tmp_path, model.adding(**biases))
    assert checkpoint.architecture.norm == "layer"
    assert any("model.embedding_norm.bias" in say(note) for note in checkpoint.notes)


@pytest.mark.parametrize("name", ["no_attention", "no_mlp"])
def test_a_record_without_any_layer_of_what_it_describes_is_refused(tmp_path: Path, name: str) -> None:
    """Heads or units in no layer are no description of a model."""
    made = verify.fingerprint(write_checkpoint(tmp_path / "m", lfm2(), files=FILES))
    shape = made.record.architecture
    every = shape.model_copy(update={name: tuple(range(shape.layers))})
    forged = Fingerprint(made.record.model_copy(update={"architecture": every}), made.arrays)
    forged.save(path := tmp_path / "forged.safetensors")
    with pytest.raises(VerifyError, match="a layer left that has the"):
        Fingerprint.load(path)


def test_an_unknown_tensor_of_a_state_space_costs_the_stream(tmp_path: Path) -> None:
    """Where all that mixes positions is unknown, as where some layers have no attention."""
    model = mamba()
    more = model.adding(**{"backbone.layers.0.mixer.mystery.weight": np.ones((WIDTH, 3), np.float32)})
    tests = []
    for name, one in (("plain", model), ("more", more)):
        made = printed(tmp_path / name, one)
        other = printed(tmp_path / f"child of {name}", replace(one, tensors=child(one.tensors, seed=1)))
        tests.append(verify.test_lineage(other, made).tests)
    assert tests[0][STREAM].applicable
    assert not tests[1][STREAM].applicable


def test_a_number_inside_a_layer_is_not_the_layers(tmp_path: Path) -> None:
    """Attention that is missing is not made up for by the first of several kernels of another layer."""
    model = lfm2()
    whole = {name: x for name, x in model.tensors.items() if not name.startswith("model.layers.1.self_attn.")}
    kernel = {"model.layers.0.conv.kernels.1.weight": np.ones((3, 3), np.float32)}
    with pytest.raises(VerifyError, match="`q` of layer 1 is missing"):
        opened(tmp_path, replace(model, tensors=whole | kernel))
