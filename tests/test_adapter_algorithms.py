"""Each algorithm of adapters merges as its own formula says, and any part is that part of the whole."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.adapters import DOWN, Q, adapter, chosen, draw, merged, refused
from tests.checkpoints import Array, Toy, toy
from tests.test_adapter_formula import Held
from verify import CheckpointError
from verify.checkpoint import Location
from verify.checkpoint.adapters.bounded import Bounded
from verify.checkpoint.adapters.butterfly import Butterfly
from verify.checkpoint.adapters.circulant import Circulant
from verify.checkpoint.adapters.experts import ByExpert, OneExpert, Stack
from verify.checkpoint.adapters.fourier import Waves
from verify.checkpoint.adapters.gains import Gained
from verify.checkpoint.adapters.generalised import Repeated
from verify.checkpoint.adapters.granular import Blocks
from verify.checkpoint.adapters.hadamard import Hadamard
from verify.checkpoint.adapters.kronecker import Kronecker
from verify.checkpoint.adapters.matrix import Added, Excerpt, Product, Scaled, Stored, Times, Transposed
from verify.checkpoint.adapters.offset import Offset
from verify.checkpoint.adapters.one_vector import Picked
from verify.checkpoint.adapters.pairs import Paired
from verify.checkpoint.adapters.random_bases import Bases
from verify.checkpoint.adapters.reflections import Reflected
from verify.checkpoint.adapters.rotation import Turned
from verify.checkpoint.adapters.sparse import Sparse
from verify.checkpoint.adapters.sum import Sum
from verify.checkpoint.adapters.tiles import Tiled
from verify.checkpoint.adapters.tokens import Replaced
from verify.checkpoint.adapters.vector_bank import Mixed
from verify.checkpoint.adapters.wavelets import Haar
from verify.checkpoint.opening import contents

EMBED = "model.embed_tokens"
BASE = draw(12, 8)


def low_rank(seed: int, rows: int = 12, columns: int = 8) -> Product:
    """A product of two stored matrices."""
    return Product(Stored(Held(draw(rows, 3, seed=seed))), Stored(Held(draw(3, columns, seed=seed + 1))))


def numbers(matrix: Any) -> np.ndarray:
    """All of a matrix."""
    return np.asarray(matrix.part()(slice(None)))


PLACES = np.array([[0, 7, 7, 11, 3, 3], [2, 5, 1, 0, 7, 2]])
SPECTRUM = Held(draw(6, seed=9))


def mixed(rows: int, columns: int, along: int) -> Mixed:
    """A factor of sums of two vectors of a bank."""
    chosen = np.random.default_rng(along).integers(0, 5, (rows, columns, 2))
    return Mixed(draw(rows, columns, 2).astype(np.float64), chosen, Held(draw(5, 4, seed=3)), along)


CHANGED = {
    "LoHa": Sum(Held(BASE), Hadamard(low_rank(1), low_rank(3)), 0.5),
    "LoKr": Sum(Held(BASE), Kronecker(Stored(Held(draw(3, 2, seed=1))), low_rank(2, 4, 4)), 0.5),
    "OFT": Sum(Held(BASE), Turned(Held(BASE), Held(draw(2, 6, seed=1)), 4, 5)),
    "OFT, shared, Cayley": Sum(Held(BASE), Turned(Held(BASE), Held(draw(1, 1, seed=1)), 2, None)),
    "VeRA": Sum(
        Held(BASE),
        Product(
            Scaled(Excerpt(Stored(Held(draw(15, 3, seed=1))), slice(0, 12), slice(None)), Held(draw(12, seed=2)), 0),
            Scaled(
                Excerpt(Stored(Held(draw(9, 3, seed=3)), True), slice(None), slice(0, 8)), Held(draw(3, seed=4)), 0
            ),
        ),
    ),
    "IA3, outputs": Gained(Held(BASE), Held(draw(12, 1, seed=1)), 0),
    "IA3, inputs": Gained(Held(BASE), Held(draw(1, 8, seed=1)), 1),
    "tokens": Replaced(Held(BASE), Held(draw(3, 8, seed=1)), (7, 0, 11)),
    "AdaLoRA": Sum(
        Held(BASE), Product(Stored(Held(draw(12, 3))), Scaled(Stored(Held(draw(3, 8))), Held(draw(3, 1, seed=1)), 0))
    ),
    "HRA": Sum(Held(BASE), Reflected(Held(BASE), Held(draw(8, 3, seed=1)))),
    "MiSS": Sum(Held(BASE), Tiled(Held(draw(3, 4, seed=1)), (12, 8))),
    "BOFT": Sum(Held(BASE), Butterfly(Held(BASE), Held(draw(2, 2, 4, 4, seed=1)), Held(draw(12, 1, seed=2)))),
    "C3A": Sum(Held(BASE), Circulant(Held(draw(3, 2, 4, seed=1)), (12, 8))),
    "RoAd": Paired(Held(BASE), Held(draw(6, seed=1)), Held(draw(6, seed=2)), 4, "road_1"),
    "DeLoRA": Sum(
        Held(BASE),
        Bounded(*map(Held, (draw(3, 8, seed=1), draw(12, 3, seed=2), draw(1), np.abs(draw(8, seed=3))))),
    ),
    "GraLoRA": Sum(Held(BASE), Blocks(Held(draw(2, 4, 6, seed=1)), Held(draw(2, 6, 6, seed=2)))),
    "FourierFT": Sum(Held(BASE), Waves(SPECTRUM, PLACES, (12, 8)), 9.0),
    "FourierFT, turned": Sum(Held(BASE), Transposed(Waves(SPECTRUM, PLACES[::-1], (8, 12))), 9.0),
    "WaveFT": Sum(Held(BASE), Haar(Sparse(SPECTRUM, PLACES, (12, 8)), (12, 8)), 9.0),
    "SHiRA": Sum(Held(BASE), Sparse(SPECTRUM, PLACES, (12, 8))),
    "SuperTuning": Sum(Held(BASE), Added(Sparse(SPECTRUM, PLACES, (12, 8)), Times(low_rank(3), 0.5))),
    "VB-LoRA": Sum(Held(BASE), Product(mixed(3, 2, 0), mixed(2, 2, 1))),
    "RandLoRA": Sum(
        Held(BASE),
        Bases(*map(Held, (draw(3, 1, 9), draw(13, 4, 3, seed=1), draw(3, 3, seed=2), draw(3, 8, seed=3))), 12),
    ),
    "HiRA": Sum(Held(BASE), Hadamard(Stored(Held(BASE)), low_rank(3))),
    "GLoRA": Sum(
        Held(BASE), Added(Hadamard(Stored(Held(BASE)), low_rank(3)), Repeated(Held(draw(12, 1, seed=4)), (12, 8)))
    ),
    "UniLoRA": Sum(Held(BASE), Product(Picked(draw(12, 3)), Picked(draw(3, 8, seed=1)))),
    "one expert": Sum(
        Held(BASE), Product(OneExpert(ByExpert(Held(draw(12, 6, seed=1)), 2), 1), Stored(Held(draw(3, 8))))
    ),
    "experts": Stack(
        Held(draw(3, 4, 5)), Held(draw(6, 5, seed=1)), ByExpert(Held(draw(4, 6, seed=2)), 3), 0.5, False
    ),
    "experts, turned": Stack(
        Held(draw(3, 5, 4)), Held(draw(6, 5, seed=1)), ByExpert(Held(draw(4, 6, seed=2)), 3), 0.5, True
    ),
}


@pytest.mark.parametrize("name", CHANGED)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_part_has_the_bits_of_the_whole(name: str, data: st.DataObject) -> None:
    """Whatever rows and columns are read."""
    tensor = CHANGED[name]
    whole = tensor.read()
    assert whole.dtype == np.float32
    assert whole.shape == tensor.shape
    i, j = chosen(data, whole.shape[0]), chosen(data, whole.shape[1])
    part = whole[slice(None) if i is None else i]
    part = part if j is None else part[:, j]
    assert tensor.read(i, j).tobytes() == np.ascontiguousarray(part).tobytes()
    assert b"".join(tensor.iter_bytes()) == whole.tobytes()
    assert tensor.nbytes() > whole.nbytes


def test_a_bias_is_changed_by_that_of_its_change() -> None:
    """Times the scale; a change of zero keeps every bit."""
    base, added = np.array([-0.0, 2, 3], np.float32), np.array([0, 1, -1], np.float32)
    tensor = Offset(Held(base), Held(added), 0.5)
    assert tensor.read().tobytes() == np.array([-0.0, 2.5, 2.5], np.float32).tobytes()
    assert tensor.read(slice(1, 3)).tolist() == [2.5, 2.5]


def test_matrices_are_those_of_numpy() -> None:
    """Of entries, of Kronecker, of excerpts and gains."""
    a, b = low_rank(1), low_rank(5)
    np.testing.assert_allclose(numbers(Hadamard(a, b)), numbers(a) * numbers(b))
    np.testing.assert_allclose(numbers(Kronecker(a, b)), np.kron(numbers(a), numbers(b)))
    np.testing.assert_array_equal(numbers(Excerpt(a, slice(2, 9, 3), slice(1, 4))), numbers(a)[2:9:3, 1:4])
    np.testing.assert_allclose(numbers(Scaled(a, Held(draw(8)), 1)), numbers(a) * draw(8))


@pytest.mark.parametrize("terms", [None, 2, 3, 4, 5, 8])
def test_a_rotation_is_that_of_its_series(terms: int | None) -> None:
    """(I - Q) (I + Q)⁻¹, or PEFT's sum, in which 3 terms are 4."""
    entries, one = draw(2, 6, seed=1) / 10, np.eye(4)
    turned = Turned(Held(np.eye(8, dtype=np.float32)), Held(entries), 4, terms)
    found = numbers(turned).T + np.eye(8)
    for k in range(2):
        q = np.zeros((4, 4))
        q[np.triu_indices(4, 1)] = entries[k]
        q -= q.T
        if terms is None:
            expected = (one - q) @ np.linalg.inv(one + q)
            np.testing.assert_allclose(expected @ expected.T, one, atol=1e-12)
        else:
            powers = [np.linalg.matrix_power(q, n) for n in range(1, max(4, terms) if terms > 2 else 3)]
            expected = one + 2 * sum(powers[:-1], np.zeros((4, 4))) + powers[-1] * (1 if terms > 2 else 0)
        np.testing.assert_allclose(found[4 * k : 4 * k + 4, 4 * k : 4 * k + 4], expected, atol=1e-7)


# ---- through files


@pytest.fixture
def llama() -> Toy:
    """A toy Llama, whose q is [16, 16] and down [16, 20]."""
    return toy()


def under(module: str, **parts: Array) -> dict[str, Array]:
    """Tensors of a module."""
    return {f"{module}.{name}": x for name, x in parts.items()}


LOHA = under(Q, hada_w1_a=draw(16, 2), hada_w1_b=draw(2, 16), hada_w2_a=draw(16, 2, seed=1), hada_w2_b=draw(2, 16))
LOKR = under(DOWN, lokr_w1=draw(4, 5), lokr_w2_a=draw(4, 2), lokr_w2_b=draw(2, 4, seed=1))
OFT = {f"{Q}.oft_R.weight": draw(4, 6) / np.float32(9)}
OFT_SETTINGS = {"peft_type": "OFT", "oft_block_size": 4, "use_cayley_neumann": False}
VERA = under(Q, vera_lambda_b=draw(16), vera_lambda_d=draw(2))
SHARED = {"base_model.vera_A": draw(2, 20, seed=1), "base_model.vera_B": draw(16, 2, seed=2)}
SHARED_BY_OTHERS = {
    "base_model.pvera_A": draw(4, 20),
    "base_model.pvera_B": draw(16, 2),
    "base_model.randlora_A": draw(2, 1, 20),
    "base_model.randlora_B": draw(20, 10, 2),
    "base_model.vblora_vector_bank": draw(6, 4),
    "base_model.unilora_theta_d": draw(9),
}


def test_loha_and_lokr_are_scaled_by_alpha(tmp_path: Path, llama: Toy) -> None:
    """Over the rank."""
    found = merged(tmp_path / "a", llama, LOHA, peft_type="LOHA", alpha=5).read("q", 0)
    w = list(LOHA.values())
    expected = llama.canonical["q", 0, None] + 2.5 * (w[0] @ w[1]) * (w[2] @ w[3])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    found = merged(tmp_path / "b", llama, LOKR, peft_type="LOKR", alpha=5).read("down", 1)
    w = list(LOKR.values())
    expected = llama.canonical["down", 1, None] + 2.5 * np.kron(w[0], w[1] @ w[2])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_adalora_divides_by_its_first_rank(tmp_path: Path, llama: Toy) -> None:
    """However little of it is left, nothing included."""
    tensors = under(Q, lora_A=draw(2, 16), lora_B=draw(16, 2, seed=1), lora_E=draw(2, 1, seed=2))
    for left in (2, 0):
        some = {name: np.ascontiguousarray(x[:, :left] if "_B" in name else x[:left]) for name, x in tensors.items()}
        found = merged(tmp_path / f"{left}", llama, some, peft_type="ADALORA", init_r=6, rank_pattern={Q: [True] * 2})
        a, b, e = some.values()
        expected = llama.canonical["q", 0, None] + (b * e.T) @ a
        np.testing.assert_allclose(found.read("q", 0), expected, rtol=1e-4, atol=1e-5)


def test_hra_reflects_in_turn(tmp_path: Path, llama: Toy) -> None:
    """In vectors of length 1."""
    u = draw(16, 2)
    found = merged(tmp_path, llama, {f"{Q}.hra_u": u}, peft_type="HRA").read("q", 0)
    expected = llama.canonical["q", 0, None].astype(np.float64)
    for vector in (u / np.linalg.norm(u, axis=0)).T:
        expected = expected @ (np.eye(16) - 2 * np.outer(vector, vector))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("start", "across"), [(True, 16), ("mini", 4)])
def test_miss_repeats_its_tile(tmp_path: Path, llama: Toy, start: Any, across: int) -> None:
    """Along inputs, of which the last tile may be cut, and outputs."""
    tile = draw(3, across)
    settings_ = {"peft_type": "MISS", "r": 3, "mini_r": 4, "init_weights": start}
    found = merged(tmp_path, llama, {f"{DOWN}.miss_block": tile}, **settings_).read("down", 1)
    change = np.tile(tile.T, (16 // across, 7))[:, :20]
    np.testing.assert_allclose(found, llama.canonical["down", 1, None] + change, rtol=1e-5, atol=1e-5)


def test_the_terms_of_oft_are_not_all_held() -> None:
    """Of 64 powers of a block, which are added one by one."""
    size = 128
    entries = draw(1, size * (size - 1) // 2) / np.float32(1000)
    rotation = Turned(Held(draw(2, size)), Held(entries), size, 64)
    tracemalloc.start()
    try:
        rotation.part()(slice(None))
        assert tracemalloc.get_traced_memory()[1] < 24 * 8 * size * size
    finally:
        tracemalloc.stop()


def test_oft_keeps_the_length_of_rows(tmp_path: Path, llama: Toy) -> None:
    """A rotation of the inputs."""
    found, base = merged(tmp_path, llama, OFT, **OFT_SETTINGS).read("q", 0), llama.canonical["q", 0, None]
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(base, axis=1), rtol=1e-5)
    assert not np.allclose(found, base)


def test_vera_needs_its_projections(tmp_path: Path, llama: Toy) -> None:
    """They are merged if stored, and asked for if not."""
    found = merged(tmp_path, llama, VERA, shared=SHARED, peft_type="VERA").read("q", 0)
    a, b = SHARED.values()
    change = (VERA[f"{Q}.vera_lambda_b"][:, None] * b) @ (VERA[f"{Q}.vera_lambda_d"][:, None] * a[:, :16])
    np.testing.assert_allclose(found, llama.canonical["q", 0, None] + change, rtol=1e-4, atol=1e-5)
    assert "save_projection=True" in refused(tmp_path / "not", VERA, peft_type="VERA")


def test_ia3_multiplies_outputs_and_biases_or_inputs(tmp_path: Path) -> None:
    """By the shape of its numbers."""
    model = toy("qwen2_moe")
    of_outputs, module = draw(16, 1), "model.layers.1.self_attn.q_proj"
    tensors = {f"{module}.ia3_l": of_outputs}
    checkpoint = merged(tmp_path, model, tensors, peft_type="IA3")
    for role, factor in (("q", of_outputs), ("q_bias", of_outputs[:, 0])):
        np.testing.assert_allclose(checkpoint.read(role, 1), model.canonical[role, 1, None] * factor, rtol=1e-6)
    llama = toy()
    of_inputs = draw(1, 20)
    checkpoint = merged(tmp_path / "in", llama, {f"{DOWN}.ia3_l": of_inputs}, peft_type="IA3")
    np.testing.assert_allclose(checkpoint.read("down", 1), llama.canonical["down", 1, None] * of_inputs, rtol=1e-6)


def test_trainable_tokens_replace_rows(tmp_path: Path, llama: Toy) -> None:
    """Alone, or beside a LoRA; in the order of the indices."""
    rows = draw(2, 16, seed=3)
    expected = np.array(llama.canonical["embed", None, None])
    expected[[9, 4]] = rows
    alone = {f"{EMBED}.trainable_tokens_delta": rows}
    found = merged(tmp_path / "a", llama, alone, peft_type="TRAINABLE_TOKENS", token_indices=[9, 4])
    assert np.array_equal(found.read("embed"), expected)
    beside = {f"{EMBED}.token_adapter.trainable_tokens_delta": rows}
    for i, indices in enumerate(([9, 4], {"embed_tokens": [9, 4]})):
        found = merged(tmp_path / f"b{i}", llama, beside, trainable_token_indices=indices)
        assert np.array_equal(found.read("embed"), expected)


def test_norms_that_were_tuned_replace_those_of_the_base(tmp_path: Path, llama: Toy) -> None:
    """LN tuning stores them whole."""
    norm = draw(16)
    tensors = {"model.layers.1.input_layernorm.ln_tuning_layers.weight": norm}
    checkpoint = merged(tmp_path, llama, tensors, peft_type="LN_TUNING")
    assert np.array_equal(checkpoint.read("norm_attn", 1), norm)


def test_a_bias_of_lora_is_added(tmp_path: Path) -> None:
    """Times the scale; a module without bias is refused."""
    model, module = toy("qwen2_moe"), "model.layers.0.self_attn.q_proj"
    tensors = under(module, **{"lora_A.weight": draw(2, 16), "lora_B.weight": draw(16, 2), "lora_B.bias": draw(16)})
    found = merged(tmp_path, model, tensors, lora_bias=True).read("q_bias", 0)
    np.testing.assert_allclose(found, model.canonical["q_bias", 0, None] + 3 * draw(16), rtol=1e-5)
    assert "q_proj.bias" in refused(tmp_path / "none", tensors, lora_bias=True)


@pytest.mark.parametrize(
    ("stored", "module"),
    [
        ("language_model.model.layers.0.q_proj", "model.language_model.layers.0.q_proj"),
        ("model.layers.0.q_proj", "model.language_model.layers.0.q_proj"),
        ("model.language_model.layers.0.q_proj", "language_model.model.layers.0.q_proj"),
        ("language_model.lm_head", "lm_head"),
    ],
)
def test_names_that_were_changed_in_memory_are_found(tmp_path: Path, stored: str, module: str) -> None:
    """Of models of text and images, whose files keep older ones."""
    tensors = under(module, **{"lora_A.weight": draw(2, 16), "lora_B.weight": draw(16, 2, seed=1)})
    lora = adapter(tmp_path / "lora", tensors)
    for name, x in (("base", f"{stored}.weight"), ("other", "visual.q_proj.weight")):
        (tmp_path / name).mkdir()
        save_file({x: draw(16, 16)}, tmp_path / name / "model.safetensors")
    found = contents(Location(str(lora), base=str(tmp_path / "base"))).found
    a, b = tensors.values()
    np.testing.assert_allclose(found[f"{stored}.weight"].read(), draw(16, 16) + 3 * b @ a, rtol=1e-4, atol=1e-4)
    with pytest.raises(CheckpointError, match="does not have"):
        contents(Location(str(lora), base=str(tmp_path / "other")))


EXPERTS = ["mlp.experts.down_proj", "mlp.experts.gate_up_proj"]


def of_experts(at: str, experts: int, hidden: int, width: int) -> dict[str, Array]:
    """Changes of gate and up together, nested, and of down; at rank 2."""
    up, down = draw(2 * experts, width), draw(2 * experts, hidden, seed=2)
    tensors = under(
        f"{at}.base_layer", **{"lora_A.weight": up, "lora_B.weight": draw(2 * hidden, 2 * experts, seed=1)}
    )
    return tensors | under(at, **{"lora_A.weight": down, "lora_B.weight": draw(width, 2 * experts, seed=3)})


def change_of(tensors: dict[str, Array], which: int, e: int, experts: int) -> Array:
    """That of one expert: A has experts in turn, B rank by rank."""
    a, b = list(tensors.values())[2 * which :][:2]
    return 3 * b[:, e::experts] @ a[2 * e : 2 * e + 2]


def test_experts_of_a_base_that_holds_them_apart_are_changed(tmp_path: Path) -> None:
    """Gate and up are the halves of one change."""
    model = toy("qwen2_moe")
    hidden, width = model.canonical["expert_gate", 1, 0].shape
    experts = sum(key[:2] == ("expert_gate", 1) for key in model.canonical)
    tensors = of_experts("model.layers.1.mlp.experts", experts, hidden, width)
    checkpoint = merged(tmp_path, model, tensors, target_parameters=EXPERTS)
    for e in range(experts):
        both = change_of(tensors, 0, e, experts)
        changes = {"gate": both[:hidden], "up": both[hidden:], "down": change_of(tensors, 1, e, experts)}
        for role, change in changes.items():
            expected = model.canonical[f"expert_{role}", 1, e] + change
            np.testing.assert_allclose(checkpoint.read(f"expert_{role}", 1, e), expected, rtol=1e-4, atol=1e-4)
        assert np.array_equal(checkpoint.read("expert_up", 0, e), model.canonical["expert_up", 0, e])


def stacked(tmp_path: Path, tensors: dict[str, Array], base: dict[str, Array]) -> dict[str, Any]:
    """The tensors of a base of stacked experts and an adapter together."""
    at = "model.layers.0.mlp.experts"
    (tmp_path / "base").mkdir()
    save_file({f"{at}.{name}": x for name, x in base.items()}, tmp_path / "base" / "model.safetensors")
    lora = adapter(tmp_path / "lora", tensors, target_parameters=EXPERTS)
    found = contents(Location(str(lora), base=str(tmp_path / "base"))).found
    return {name: found[f"{at}.{name}"] for name in base}


@pytest.mark.parametrize("turned", [False, True])
def test_stacked_experts_are_changed(tmp_path: Path, turned: bool) -> None:
    """[E, out, in], or [E, in, out], as shapes tell."""
    base = {"gate_up_proj": draw(3, 8, 7), "down_proj": draw(3, 7, 4)}
    base = {name: np.ascontiguousarray(x.swapaxes(1, 2)) for name, x in base.items()} if turned else base
    tensors = of_experts("model.layers.0.mlp.experts", 3, 4, 7)
    found = stacked(tmp_path, tensors, base)
    for i, (name, x) in enumerate(base.items()):
        for e in range(3):
            change = change_of(tensors, i, e, 3)
            expected = x[e] + (change.T if turned else change)
            np.testing.assert_allclose(found[name].read()[e], expected, rtol=1e-4, atol=1e-4)
            assert np.array_equal(found[name].entry(e).read(), found[name].read(slice(e, e + 1))[0])


def test_square_experts_are_turned_as_their_neighbours_or_refused(tmp_path: Path) -> None:
    """Shapes of a square do not tell inputs from outputs."""
    base = {"gate_up_proj": draw(3, 4, 8), "down_proj": draw(3, 4, 4)}
    tensors = of_experts("model.layers.0.mlp.experts", 3, 4, 4)
    found = stacked(tmp_path, tensors, base)
    expected = base["down_proj"][1] + change_of(tensors, 1, 1, 3).T
    np.testing.assert_allclose(found["down_proj"].read()[1], expected, rtol=1e-4, atol=1e-4)
    (tmp_path / "alone").mkdir()
    alone = dict(list(tensors.items())[2:])
    with pytest.raises(CheckpointError, match="square"):
        stacked(tmp_path / "alone", alone, {"down_proj": base["down_proj"]})
    (tmp_path / "lost").mkdir()
    with pytest.raises(CheckpointError, match="none of them"):
        stacked(tmp_path / "lost", alone, {"other": base["down_proj"]})


@pytest.mark.parametrize(
    ("tensors", "changes", "expected"),
    [
        (LOHA, {"peft_type": "LOHA", "alpha": 4, "r": 3}, "at rank 3"),
        ({f"{Q}.hada_w1_a": draw(16, 2)}, {"peft_type": "LOHA", "alpha": 4}, "expected hada_w1_a"),
        (LOKR, {"peft_type": "LOKR"}, "expected a number"),
        ({f"{DOWN}.lokr_w1": draw(4, 5)}, {"peft_type": "LOKR", "alpha": 4}, "lokr_w2"),
        (under(DOWN, lokr_w1=draw(4, 5), lokr_w2=draw(4, 5)), {"peft_type": "LOKR", "alpha": 4}, "does not fit"),
        (OFT, OFT_SETTINGS | {"use_cayley_neumann": None}, "older than peft 0.18"),
        (OFT, OFT_SETTINGS | {"use_cayley_neumann": True, "peft_version": "0.17.1"}, "older than peft 0.18"),
        (OFT, OFT_SETTINGS | {"coft": True}, "coft"),
        (OFT, OFT_SETTINGS | {"fan_in_fan_out": True}, "does not fit"),
        ({f"{Q}.oft_R.weight": draw(4, 5)}, OFT_SETTINGS, "does not fit"),
        ({f"{Q}.ia3_l": draw(15, 1)}, {"peft_type": "IA3"}, "does not fit"),
        ({f"{Q}.ia3_l": draw(16)}, {"peft_type": "IA3"}, "does not fit"),
        ({f"{Q}.hra_u": draw(16, 2)}, {"peft_type": "HRA", "apply_GS": True}, "apply_GS"),
        ({f"{Q}.hra_u": draw(15, 2)}, {"peft_type": "HRA"}, "does not fit"),
        ({f"{Q}.miss_block": draw(2, 16)}, {"peft_type": "MISS", "init_weights": "bat"}, "of the form 'bat'"),
        ({f"{Q}.miss_block": draw(2, 5)}, {"peft_type": "MISS", "init_weights": True}, "does not fit"),
        (LOHA, {"peft_type": "ADALORA"}, "expected lora_A"),
        (LOHA, {}, "expected lora_A"),
        ({f"{Q}.hada_w9": draw(2)}, {}, "not understood"),
        ({f"{EMBED}.trainable_tokens_delta": draw(2, 16)}, {"trainable_token_indices": [1, 1]}, "each once"),
        ({f"{EMBED}.trainable_tokens_delta": draw(2, 16)}, {"trainable_token_indices": [1, 10**6]}, "does not fit"),
        (
            {f"{EMBED}.trainable_tokens_delta": draw(2, 16)},
            {"trainable_token_indices": {"lm_head": [1]}},
            "each once",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, tensors: dict[str, Array], changes: dict[str, Any], expected: str
) -> None:
    """In a sentence that says what was expected."""
    assert expected in refused(tmp_path, tensors, **changes)


MODULES = {
    "ADALORA": under(Q, lora_A=draw(2, 16), lora_B=draw(16, 2), lora_E=draw(2, 1)),
    "BEFT": {f"{Q}.beft_bias": draw(1, 16)},
    "BOFT": under(Q, boft_R=draw(2, 4, 4, 4), boft_s=draw(16, 1)),
    "C3A": {f"{Q}.c3a_kernel": draw(4, 4, 4)},
    "DELORA": under(Q, delora_A=draw(2, 16), delora_B=draw(16, 2), delora_lambda=draw(1), delora_w_norm=draw(16)),
    "FOURIERFT": {f"{Q}.fourierft_spectrum": draw(9)},
    "GLORA": under(
        Q, **{f"glora_{x}.{part}": y for x in "AB" for part, y in (("Xd", draw(16, 2)), ("Xu", draw(2, 16)))}
    ),
    "GRALORA": under(Q, gralora_A=draw(2, 8, 2), gralora_B=draw(2, 2, 8)),
    "HIRA": under(Q, hira_A=draw(2, 16), hira_B=draw(16, 2)),
    "HRA": {f"{Q}.hra_u": draw(16, 2)},
    "IA3": {f"{Q}.ia3_l": draw(16, 1)},
    "LOHA": LOHA,
    "LOKR": LOKR,
    "LORA": under(Q, **{"lora_A.weight": draw(2, 16), "lora_B.weight": draw(16, 2)}),
    "MISS": {f"{Q}.miss_block": draw(2, 16)},
    "OFT": OFT,
    "PVERA": under(Q, pvera_lambda_b=draw(16), pvera_lambda_d=draw(4)),
    "RANDLORA": under(Q, randlora_lambda=draw(2, 8), randlora_gamma=draw(8, 16)),
    "ROAD": under(Q, road_theta=draw(8), road_alpha=draw(8)),
    "SHIRA": under(Q, shira_weight=draw(5), shira_indices=np.arange(10, dtype=np.int32).reshape(2, 5)),
    "SUPERTUNING": under(Q, supertuning_values=draw(5), supertuning_indices=np.arange(5, dtype=np.int32)),
    "TRAINABLE_TOKENS": {f"{EMBED}.trainable_tokens_delta": draw(2, 16)},
    "UNILORA": under(
        Q,
        unilora_indices_A=np.arange(32).reshape(2, 16) % 9,
        unilora_indices_B=np.arange(32).reshape(16, 2) % 7,
        unilora_scales_A=draw(2, 16),
        unilora_scales_B=draw(16, 2),
    ),
    "VBLORA": under(Q, vblora_logits_A=draw(2, 4, 6), vblora_logits_B=draw(4, 2, 6)),
    "VERA": VERA,
    "WAVEFT": {f"{Q}.waveft_spectrum": draw(9)},
}
KEYS = (
    *("alpha", "alpha_pattern", "block_share", "coft", "fan_in_fan_out", "init_lora_weights", "init_r"),
    *("init_weights", "lora_alpha", "mini_r", "num_cayley_neumann_terms", "peft_version", "r", "rank_pattern"),
    *("target_parameters", "token_indices", "trainable_token_indices", "use_cayley_neumann", "use_dora"),
    *("group_size", "hybrid_r", "random_loc_seed", "randlora_alpha", "scaling", "topk", "use_idwt", "variant"),
    *("save_indices", "wavelet_family"),
)
USUAL = {
    "alpha": 3,
    "group_size": 8,
    "hybrid_r": 0,
    "random_loc_seed": 777,
    "randlora_alpha": 4,
    "save_indices": True,
    "scaling": 2.0,
    "topk": 2,
    "variant": "road_1",
    "wavelet_family": "db1",
}
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)


@pytest.mark.parametrize("kind", MODULES)
@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), JSON | st.dictionaries(st.text(), st.integers())))
def test_no_settings_raise_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: dict[str, Any]
) -> None:
    """Whatever JSON they are."""
    folder, model = tmp_path_factory.mktemp("hostile"), toy()
    shared = SHARED_BY_OTHERS if kind in ("PVERA", "RANDLORA", "UNILORA", "VBLORA") else SHARED
    try:
        checkpoint = merged(
            folder, model, MODULES[kind], **(USUAL | {"shared": shared} | changes | {"peft_type": kind})
        )
        outcome = str(checkpoint.read("q", 0).shape)
    except CheckpointError as error:
        outcome = str(error)
    assert outcome == "(16, 16)" or (outcome.endswith(".") and outcome.isprintable())
