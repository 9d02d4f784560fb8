"""Attention behind latent vectors: its groups keep the function, arrays follow them, channels are tested exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import latent
from tests.checkpoints import Toy, write_checkpoint
from tests.latent import Shape
from tests.models import child
from tests.strategies import architecture, fingerprint_of, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint, fingerprint
from verify.base import Phrase
from verify.checkpoint import open_checkpoint
from verify.fingerprint import ANCHORS, EFFORTS
from verify.inference import log10_p_fixed_points
from verify.statistics import (
    HEAD_IDENTITY,
    LATENT_IDENTITY,
    QUERY_KEY_IDENTITY,
    ROTARY_PHASE,
    SIGN_AGREEMENT,
    VALUE_IDENTITY,
)
from verify.statistics.blocks import score
from verify.statistics.latent_identity import by_both
from verify.statistics.matching import fixed_points

SHAPES = {"both": Shape(), "keys and values": Shape(latent_query=0)}
LATENT = architecture(
    family="deepseek",
    model_type="deepseek_v3",
    heads=4,
    kv_heads=4,
    head_size=8,
    rotary="interleaved",
    rotary_size=4,
    key_size=10,
    latent=40,
    latent_query=30,
)
MOVES = [latent.values_moved, latent.latents_moved, latent.planes_turned, latent.heads_moved, latent.rotated]


# ---- groups


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("move", MOVES)
def test_a_forward_pass_is_the_same_after_an_element_of_each_group(shape: Shape, move) -> None:
    w, rng = latent.weights(1, shape), np.random.default_rng(2)
    tokens = rng.integers(0, shape.vocab, 12)
    before, after = (latent.outputs(x, shape, tokens) for x in (w, move(w, shape, rng)))
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()


def latents_turned_by_half_a_quarter(w, *_):
    """Two latent channels turned by 45 degrees, behind a norm with gains."""
    new = dict(w)
    into, out_of = (f"model.layers.0.self_attn.{name}.weight" for name in ("kv_a_proj_with_mqa", "kv_b_proj"))
    turn = np.float32([[1, -1], [1, 1]]) / np.float32(2**0.5)
    new[into], new[out_of] = w[into].copy(), w[out_of].copy()
    new[into][:2] = turn @ w[into][:2]
    new[out_of][:, :2] = w[out_of][:, :2] @ turn.T
    return new


def values_without_writers(w, s, rng):
    """Values moved without what writes them."""
    moved = latent.values_moved(w, s, rng)
    return {name: w[name] if "o_proj" in name else x for name, x in moved.items()}


def queries_turned_alone(w, s, rng):
    """Planes of queries turned without those of the key."""
    return latent.planes_turned(w, s, rng, only_queries=True)


def planes_by_halves(w, s, _):
    """Planes made of the halves of the key, as other models pair them."""
    order = np.arange(s.rotary).reshape(2, -1).T.ravel()
    new, size = dict(w), s.plain + s.rotary
    into, asking = (f"model.layers.0.self_attn.{name}.weight" for name in ("kv_a_proj_with_mqa", "q_b_proj"))
    for name, starts in ((into, [s.latent]), (asking, [h * size + s.plain for h in range(s.heads)])):
        new[name] = w[name].copy()
        for start in starts:
            pair = start + order[:2]
            new[name][pair] = np.stack([-w[name][pair[1]], w[name][pair[0]]])
    return new


@pytest.mark.parametrize(
    "move", [latents_turned_by_half_a_quarter, values_without_writers, queries_turned_alone, planes_by_halves]
)
def test_a_forward_pass_differs_after_what_is_no_element(move) -> None:
    shape = Shape()
    w, rng = latent.weights(1, shape), np.random.default_rng(2)
    tokens = rng.integers(0, shape.vocab, 12)
    before, after = (latent.outputs(x, shape, tokens) for x in (w, move(w, shape, rng)))
    assert np.abs(after - before).max() > 1e-3 * np.abs(before).max()


# ---- what is read


def test_sizes_are_told_by_tensors(tmp_path: Path) -> None:
    for shape in SHAPES.values():
        found = open_checkpoint(latent.write(tmp_path / str(shape.latent_query), latent.weights(0, shape), shape))
        told = found.architecture
        assert (told.heads, told.kv_heads, told.head_size, told.key_size) == (4, 4, 8, 10)
        assert (told.latent, told.latent_query) == (10, shape.latent_query)
        assert (told.rotary, told.rotary_size, told.query_key_norm) == ("interleaved", 4, "none")
        assert told.linear_values
        assert told.heads_alike
        assert found.notes == set()


@pytest.mark.parametrize(("key", "value"), [("num_attention_heads", 2), ("v_head_dim", 4), ("kv_lora_rank", 8)])
def test_a_config_that_contradicts_tensors_leaves_heads_unknown(tmp_path: Path, key: str, value: int) -> None:
    model = Toy(latent.weights(0, Shape()), Shape().config() | {key: value}, {})
    found = open_checkpoint(write_checkpoint(tmp_path, model))
    assert (found.architecture.heads, found.architecture.kv_heads, found.architecture.latent) == (0, 0, 0)
    assert {note.code for note in found.notes} == {"config.heads_misfit"}


def test_pairs_of_halves_where_config_says_so(tmp_path: Path) -> None:
    model = Toy(latent.weights(0, Shape()), Shape().config() | {"rope_interleave": False}, {})
    assert open_checkpoint(write_checkpoint(tmp_path, model)).architecture.rotary == "half"


def test_another_model_type_has_no_known_latent(tmp_path: Path) -> None:
    """Names alone do not tell what lies between the tensors."""
    model = Toy(latent.weights(0, Shape()), Shape().config() | {"model_type": "own"}, {})
    found = fingerprint(write_checkpoint(tmp_path, model))
    assert (found.record.architecture.latent, found.record.architecture.kv_heads) == (0, 0)
    assert not any(name.startswith(("values.", "latent", "keys.", "heads.")) for name in found.arrays)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_effort_gives_the_same_arrays_as_far_as_it_goes(tmp_path: Path, shape: Shape) -> None:
    path = latent.write(tmp_path, latent.weights(3, shape), shape)
    made = {effort: fingerprint(path, effort=effort) for effort in EFFORTS}
    for small in EFFORTS:
        cut = made["full"].at(small)
        assert cut.arrays.keys() == made[small].arrays.keys()
        for name, array in cut.arrays.items():
            np.testing.assert_array_equal(array, made[small].arrays[name], err_msg=name)


def test_rows_of_values_and_of_the_rotary_key_are_those_that_read_the_stream(tmp_path: Path) -> None:
    """Against the products of whole matrices."""
    s = Shape()
    w = latent.weights(5, s)
    model = fingerprint(latent.write(tmp_path, w, s))
    into, gain, out_of, asking, norm, ask = (
        w[f"model.layers.1.self_attn.{name}.weight"].astype(np.float64)
        for name in ("kv_a_proj_with_mqa", "kv_a_layernorm", "kv_b_proj", "q_a_proj", "q_a_layernorm", "q_b_proj")
    )
    embedding = w["model.embed_tokens.weight"].astype(np.float64)
    tokens = [ANCHORS[anchor].decode() for anchor in model.record.anchors]
    known = [latent.VOCABULARY["\u2581" if token == " " else token] for token in tokens]
    read = embedding[known] * w["model.layers.1.input_layernorm.weight"]

    def compare(name: str, rows: np.ndarray) -> None:
        responses = rows @ read.T
        responses -= responses.mean(-1, keepdims=True)
        array = model.arrays[name].astype(np.float64).reshape(responses.shape)
        cosine = (array * responses).sum(-1) / np.sqrt(np.square(responses).sum(-1) * np.square(array).sum(-1))
        np.testing.assert_allclose(np.sort(cosine.ravel())[0], 1.0, atol=1e-4, err_msg=name)

    values = (out_of * gain @ into[: s.latent]).reshape(s.heads, -1, s.width)[:, s.plain :]
    queries = (ask * norm @ asking).reshape(s.heads, -1, s.width)
    compare("response.1.values", values)
    compare("key_responses.1.turned.k", into[s.latent :].reshape(1, 2, 2, s.width))
    compare("key_responses.1.turned.q", queries[:, s.plain :].sum(0).reshape(1, 2, 2, s.width))
    compare("key_responses.1.plain.q", queries[:, : s.plain])


def test_arrays_follow_the_groups(tmp_path: Path) -> None:
    s, rng = Shape(), np.random.default_rng(8)
    w = latent.weights(4, s)
    before = fingerprint(latent.write(tmp_path / "before", w, s)).arrays
    for move, changed in (
        (latent.values_moved, ("values.", "response.0.values", "response.1.values", "latent.")),
        (latent.latents_moved, ("latent",)),
        (
            latent.planes_turned,
            ("keys.0.turned", "keys.1.turned", "key_responses.0.turned", "key_responses.1.turned"),
        ),
        (latent.rotated, ("values.", "keys.", "latent.0.kv.a", "latent.1", "latent.0.q.a", "units.", "stream.")),
    ):
        after = fingerprint(latent.write(tmp_path / move.__name__, move(w, s, rng), s)).arrays
        for name, x in before.items():
            if name.startswith((*changed, "spread", "scales")) or name.endswith(".b"):
                continue
            np.testing.assert_allclose(after[name].astype(float), x.astype(float), atol=4e-3, err_msg=name)


def test_latent_channels_change_place_and_sign_together(tmp_path: Path) -> None:
    """A sign may go to the gain; then the row keeps its sign, and the column times the gain too."""
    s = Shape()
    w = latent.weights(4, s)
    before = fingerprint(latent.write(tmp_path / "a", w, s)).arrays
    after = fingerprint(latent.write(tmp_path / "b", latent.latents_moved(w, s, np.random.default_rng(1)), s)).arrays
    for part in ("kv", "q"):
        names = [f"latent.1.{part}.a", f"latent.1.{part}.b", f"latent_responses.1.{part}"]
        products = [after[name].astype(float) @ before[name].astype(float).T for name in names]
        order = np.abs(products[0]).argmax(1)
        assert sorted(order) == list(range(len(order))) != list(order)
        signed = np.array([p[np.arange(len(order)), order] for p in products])
        np.testing.assert_allclose(np.abs(signed), 1.0, atol=2e-3)
        assert (np.sign(signed) == np.sign(signed[0])).all()


# ---- relatives


def test_each_test_sees_a_child_through_the_groups_of_the_others(tmp_path: Path) -> None:
    s = Shape(layers=4, width=48, heads=8, latent=32, latent_query=32)
    w, rng = latent.weights(1, s), np.random.default_rng(2)
    noisy = child(w, 3, noise=0.1)
    parent = fingerprint(latent.write(tmp_path / "parent", w, s))
    blind = {
        latent.values_moved: {VALUE_IDENTITY, SIGN_AGREEMENT},
        latent.latents_moved: {LATENT_IDENTITY},
        latent.planes_turned: {ROTARY_PHASE},
        latent.heads_moved: {HEAD_IDENTITY},
    }
    every = {VALUE_IDENTITY, LATENT_IDENTITY, ROTARY_PHASE, HEAD_IDENTITY, QUERY_KEY_IDENTITY}
    for move, hidden in blind.items():
        questioned = fingerprint(latent.write(tmp_path / move.__name__, move(noisy, s, rng), s))
        for test in every:
            found = test(questioned, parent).log10_p
            assert (found > -1.5) == (test in hidden), (move.__name__, test.id, found)


# ---- size


def drawn(seed, change=lambda x, _: x) -> Fingerprint:
    """Latent channels of a model that shares nothing with any other, changed."""
    rng = np.random.default_rng(seed)
    arrays = random_arrays(rng, LATENT, components=["latent", "latent_responses"])
    return fingerprint_of({name: change(x, rng) for name, x in arrays.items()}, LATENT)


def alike(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Channels that resemble one another and those of all models, up to a random sign."""
    return 0.5 * x + rng.choice([-1, 1], len(x))[:, None] * np.random.default_rng(3).standard_normal(x.shape[1])


def repeated(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A third of the channels are copies of one, a third dead."""
    order, third = rng.permutation(len(x)), len(x) // 3
    x[order[:third]], x[order[third : 2 * third]] = x[order[0]], 0
    return x


@pytest.mark.parametrize("change", [lambda x, _: x, alike, repeated])
def test_latent_channels_of_strangers_keep_their_size(change) -> None:
    pairs = [(drawn([i, 0], change), drawn([i, 1], change)) for i in range(100)]
    check_super_uniform([LATENT_IDENTITY(a, b).log10_p for a, b in pairs])


def test_repeated_layers_keep_their_size() -> None:
    """Every layer is a copy of the first, with noise."""

    def copied(seed) -> Fingerprint:
        rng = np.random.default_rng(seed)
        arrays = random_arrays(rng, LATENT, components=["latent", "latent_responses"])
        for name, x in arrays.items():
            kind, _, *rest = name.split(".")
            x[:] = arrays[".".join([kind, "0", *rest])] + 0.2 * rng.standard_normal(x.shape)
        return fingerprint_of(arrays, LATENT)

    pairs = [(copied([i, 0]), copied([i, 1])) for i in range(100)]
    check_super_uniform([LATENT_IDENTITY(a, b).log10_p for a, b in pairs])


def test_the_harness_catches_layers_aligned_by_their_matches() -> None:
    def by_matches(a: Fingerprint, b: Fingerprint) -> float:
        x, y = by_both(a), by_both(b)
        most = [max(int(fixed_points(score(x[i]["kv"], y[j]["kv"])).sum()) for j in y) for i in x]
        return log10_p_fixed_points(sum(most), len(most))

    pairs = [(drawn([i, 0]), drawn([i, 1])) for i in range(150)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([by_matches(a, b) for a, b in pairs])


# ---- when it applies


def test_attention_without_latent_vectors_is_refused() -> None:
    assert LATENT_IDENTITY(drawn(1), stranger(2)).reason == Phrase.of("no_latent", model="B")
