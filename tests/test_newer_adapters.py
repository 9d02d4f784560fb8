"""The newer algorithms of adapters merge as their papers say, in the form that PEFT gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from tests.adapters import DOWN, Q, draw, merged, refused
from tests.checkpoints import Array, toy
from tests.test_adapter_algorithms import (
    CHANGED,
    MODULES,
    SHARED,
    SHARED_BY_OTHERS,
    USUAL,
    numbers,
    under,
)
from verify import UnsupportedError
from verify.checkpoint.adapters.fourier import Waves
from verify.checkpoint.adapters.functions import cosine_and_sine, exp, roots_of_one
from verify.checkpoint.adapters.kinds import KINDS
from verify.checkpoint.adapters.names import Names
from verify.checkpoint.adapters.rotation import OFT
from verify.checkpoint.adapters.seeded import first_of_permutation
from verify.checkpoint.adapters.settings import Settings
from verify.checkpoint.adapters.wavelets import Haar

EPSILON = float(np.finfo(np.float64).eps)


def q_of(tmp_path: Path, kind: str, tensors: dict[str, Array], **changes: Any) -> Array:
    """The merged q of a toy Llama."""
    shared = SHARED_BY_OTHERS if kind in ("PVERA", "RANDLORA", "UNILORA", "VBLORA") else None
    settings_ = USUAL | changes | {"peft_type": kind, "shared": shared}
    found: Array = merged(tmp_path, toy(), tensors, **settings_).read("q", 0)
    return found


W = toy().canonical["q", 0, None].astype(np.float64)
"""q of the toy, [16, 16]."""


def test_every_algorithm_is_tested_for_its_parts() -> None:
    """And for whatever settings it may be given."""
    assert {*KINDS} - {*MODULES} == {"LN_TUNING"}
    assert len(CHANGED) >= len(KINDS)


# ---- elementary functions


@given(st.lists(st.floats(-800, 0), min_size=1))
def test_the_exponential_function_is_right(x: list[float]) -> None:
    """To two units in the last place."""
    np.testing.assert_allclose(exp(np.array(x)), np.exp(x), rtol=2 * EPSILON, atol=1e-300)


@given(st.lists(st.floats(-(2.0**20), 2.0**20), min_size=1))
def test_cosine_and_sine_are_right(x: list[float]) -> None:
    """To two units of the last place of 1."""
    cosine, sine = cosine_and_sine(np.array(x))
    np.testing.assert_allclose(cosine, np.cos(x), atol=2 * EPSILON)
    np.testing.assert_allclose(sine, np.sin(x), atol=2 * EPSILON)


def test_angles_of_no_use_have_no_cosine() -> None:
    """Rather than one that rounding decides."""
    assert np.isnan(cosine_and_sine(np.array([np.nan, np.inf, 1e300]))).all()


@given(st.integers(1, 5000))
def test_roots_of_one_lie_on_the_circle(order: int) -> None:
    """In order, by equal steps."""
    expected = np.exp(2j * np.pi * np.arange(order) / order)
    cosine, sine = roots_of_one(order)
    np.testing.assert_allclose(cosine + 1j * sine, expected, atol=1e-14)


# ---- places from a seed


@pytest.mark.parametrize(
    ("seed", "size", "first"),
    [
        (0, 5, [4, 0, 1, 3, 2]),
        (777, 2304, [1895, 2184, 627, 1613, 879, 1125, 93, 2139]),
        (2**32 - 1, 10**6, [326371, 347458, 662314, 756890]),
    ],
)
def test_places_are_those_of_torch(seed: int, size: int, first: list[int]) -> None:
    """As torch 2.13 gave them."""
    assert first_of_permutation(seed, size, len(first)).tolist() == first


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.data())
def test_places_are_drawn_once_each(seed: int, size: int, data: st.DataObject) -> None:
    """And the first of many are the first of fewer."""
    count = data.draw(st.integers(1, size))
    whole = first_of_permutation(seed, size, size).tolist()
    assert sorted(whole) == list(range(size))
    assert first_of_permutation(seed, size, count).tolist() == whole[:count]


# ---- the formulae


def test_boft_is_a_product_of_permuted_blocks(tmp_path: Path) -> None:
    """Of orthogonal ones; each output is scaled."""
    x, scales = draw(2, 4, 4, 4) / np.float32(5), draw(16, 1, seed=1)
    rotation = np.eye(16)
    for i in range(2):
        skew = (x[i] - x[i].transpose(0, 2, 1)).astype(np.float64) / 2
        blocks = linalg.block_diag(*((np.eye(4) - q) @ np.linalg.inv(np.eye(4) + q) for q in skew))
        order = np.arange(16) if i == 0 else np.array([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
        permutation = np.eye(16)[order]
        rotation = permutation @ blocks @ permutation.T @ rotation
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(16), atol=1e-12)
    found = q_of(tmp_path, "BOFT", under(Q, boft_R=x, boft_s=scales))
    np.testing.assert_allclose(found, scales * (W @ rotation.T), rtol=1e-5, atol=1e-6)


def test_c3a_adds_circulant_blocks(tmp_path: Path) -> None:
    """Over the number of inputs."""
    kernel = draw(4, 2, 8, seed=1)[:2]
    blocks = [[linalg.circulant(kernel[m, n]).T for n in range(2)] for m in range(2)]
    found = q_of(tmp_path, "C3A", {f"{Q}.c3a_kernel": kernel})
    np.testing.assert_allclose(found, W + np.block(blocks) / 16, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("variant", "count"), [("road_1", 8), ("road_2", 16), ("road_4", 32)])
def test_road_rotates_pairs_of_outputs(tmp_path: Path, variant: str, count: int) -> None:
    """Half a group apart."""
    theta, alpha = draw(count), draw(count, seed=1)
    expected = np.empty((16, 16))
    for i in range(16):
        group, at = divmod(i, 8)
        partner, sign = (i + 4, -1) if at < 4 else (i - 4, 1)
        c, s = {
            "road_1": (4 * group + at % 4,) * 2,
            "road_2": (i, i),
            "road_4": (16 * group + at, 16 * group + at + 8),
        }[variant]
        expected[i] = alpha[c] * np.cos(theta[c]) * W[i] + sign * alpha[s] * np.sin(theta[s]) * W[partner]
    found = q_of(tmp_path, "ROAD", under(Q, road_theta=theta, road_alpha=alpha), variant=variant)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_road_rotates_a_bias_too(tmp_path: Path) -> None:
    """As PEFT merges it."""
    model, module = toy("qwen2_moe"), "model.layers.1.self_attn.q_proj"
    theta, alpha = draw(8), draw(8, seed=1)
    tensors = under(module, road_theta=theta, road_alpha=alpha)
    found = merged(tmp_path, model, tensors, peft_type="ROAD", variant="road_1", group_size=16).read("q_bias", 1)
    bias = model.canonical["q_bias", 1, None]
    cosine, sine = np.tile(alpha * np.cos(theta), 2), np.tile(alpha * np.sin(theta), 2)
    np.testing.assert_allclose(found, cosine * bias + sine * np.concatenate([-bias[8:], bias[:8]]), rtol=1e-5)


def test_delora_bounds_the_length_of_a_change(tmp_path: Path) -> None:
    """By lambda over the rank for each channel, times the stored lengths."""
    a, b, bound, lengths = draw(2, 16), draw(16, 2, seed=1), np.array([3], np.float32), np.abs(draw(16, seed=2))
    tensors = under(Q, delora_A=a, delora_B=b, delora_lambda=bound, delora_w_norm=lengths)
    unit = (b / np.linalg.norm(b, axis=0)) @ (a / np.linalg.norm(a, axis=1, keepdims=True))
    np.testing.assert_allclose(q_of(tmp_path, "DELORA", tensors), W + 1.5 * unit * lengths, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("hybrid", [0, 3])
def test_gralora_is_of_low_rank_in_blocks(tmp_path: Path, hybrid: int) -> None:
    """Each block has its own slice of the factors; a change of the whole is added."""
    a, b, first, second = draw(2, 8, 4), draw(2, 4, 8, seed=1), draw(3, 16, seed=2), draw(16, 3, seed=3)
    change = np.block([[b[g, 2 * n : 2 * n + 2].T @ a[n, :, 2 * g : 2 * g + 2].T for n in (0, 1)] for g in (0, 1)])
    tensors = under(Q, gralora_A=a, gralora_B=b)
    if hybrid:
        tensors |= under(Q, **{"gralora_A_general.weight": first, "gralora_B_general.weight": second})
        change = change + second @ first
    found = q_of(tmp_path, "GRALORA", tensors, r=4, alpha=6, hybrid_r=hybrid)
    np.testing.assert_allclose(found, W + 6 / (4 + hybrid) * change, rtol=1e-4, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(1, 60), st.integers(0, 99))
def test_waves_are_the_inverse_transform(rows: int, columns: int, seed: int) -> None:
    """Of any sizes, several numbers of one input or output included."""
    rng = np.random.default_rng(seed)
    at = np.stack(np.divmod(rng.permutation(rows * columns)[: 1 + rows * columns // 2], columns))
    spectrum = rng.standard_normal(at.shape[1])
    dense = np.zeros((rows, columns))
    dense[tuple(at)] = spectrum
    found = numbers(Waves(CHANGED["HRA"].base.__class__(spectrum), at, (rows, columns)))
    np.testing.assert_allclose(found, np.fft.ifft2(dense).real, atol=1e-13)


def test_fourierft_is_scaled_and_seeded(tmp_path: Path) -> None:
    """Down is [16, 20]."""
    spectrum = draw(30)
    dense = np.zeros(320)
    dense[first_of_permutation(5, 320, 30)] = spectrum
    tensors = {f"{DOWN}.fourierft_spectrum": spectrum}
    found = merged(tmp_path, toy(), tensors, peft_type="FOURIERFT", random_loc_seed=5, scaling=150.0)
    change = 150 * np.fft.ifft2(dense.reshape(16, 20)).real
    expected = toy().canonical["down", 1, None] + change
    np.testing.assert_allclose(found.read("down", 1), expected, rtol=1e-4, atol=1e-5)


class Dense:
    """A matrix in memory."""

    def __init__(self, x: Array) -> None:
        self.x, self.shape = x, x.shape

    def part(self, rows: Any = None, columns: Any = None) -> Any:
        """Some rows and columns."""
        x = self.x if rows is None else self.x[rows]
        x = x if columns is None else x[:, columns]
        return lambda which: x[which]

    def nbytes(self) -> int:
        """Its bytes."""
        return self.x.nbytes


@given(st.integers(1, 9), st.integers(1, 9))
def test_haar_undoes_its_transform(rows: int, columns: int) -> None:
    """Sums and differences of neighbours along both axes; of odd sizes the last ones are cut."""
    x = draw(rows + rows % 2, columns + columns % 2).astype(np.float64)
    low, high = (x[0::2] + x[1::2]) / 2**0.5, (x[0::2] - x[1::2]) / 2**0.5
    parts = [[(y[:, 0::2] + y[:, 1::2]) / 2**0.5, (y[:, 0::2] - y[:, 1::2]) / 2**0.5] for y in (low, high)]
    (a, v), (h, d) = parts
    found = numbers(Haar(Dense(np.block([[a, h], [v, d]])), (rows, columns)))
    np.testing.assert_allclose(found, x[:rows, :columns], atol=1e-12)


def test_waveft_without_wavelets_and_shira_add_at_places(tmp_path: Path) -> None:
    """Those of a seed, and stored ones, as whole numbers or floats."""
    values = draw(5)
    expected = W.copy()
    expected[np.divmod(first_of_permutation(777, 256, 5), 16)] += 25 * values
    found = q_of(tmp_path / "a", "WAVEFT", {f"{Q}.waveft_spectrum": values}, scaling=25.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    at = np.array([[0, 3, 3, 9, 15], [4, 2, 7, 0, 15]])
    expected = W.copy()
    expected[tuple(at)] += values
    for kind in (np.int32, np.int64, np.float32):
        tensors = under(Q, shira_weight=values, shira_indices=at.astype(kind))
        np.testing.assert_allclose(q_of(tmp_path / kind.__name__, "SHIRA", tensors), expected, rtol=1e-5)


def test_supertuning_adds_a_lora(tmp_path: Path) -> None:
    """Places are of the flattened matrix."""
    values, a, b = draw(3), draw(2, 16), draw(16, 2, seed=1)
    expected = W.copy()
    expected.reshape(-1)[[0, 17, 255]] += values
    tensors = under(Q, supertuning_values=values, supertuning_indices=np.array([0, 17, 255], np.int32))
    np.testing.assert_allclose(q_of(tmp_path / "a", "SUPERTUNING", tensors), expected, rtol=1e-5)
    tensors |= under(Q, **{"supertuning_lora_A.weight": a, "supertuning_lora_B.weight": b})
    np.testing.assert_allclose(q_of(tmp_path / "b", "SUPERTUNING", tensors), expected + 3 * (b @ a), rtol=1e-4)


def test_vblora_mixes_the_likeliest_vectors(tmp_path: Path) -> None:
    """By the softmax of their logits, or by stored weights."""
    bank, logits = SHARED_BY_OTHERS["base_model.vblora_vector_bank"], (draw(2, 4, 6), draw(4, 2, 6, seed=1))

    def factor(x: Array) -> tuple[Array, Array, Array]:
        order = np.argsort(-x, axis=2)[:, :, :3]
        weights = np.exp(np.take_along_axis(x, order, 2))
        weights /= weights.sum(2, keepdims=True)
        return order, weights, (weights[..., None] * bank[order]).sum(2)

    (i, u, first), (j, v, second) = map(factor, logits)
    a, b = first.reshape(2, 16), second.transpose(0, 2, 1).reshape(16, 2)
    tensors = under(Q, vblora_logits_A=logits[0], vblora_logits_B=logits[1])
    np.testing.assert_allclose(q_of(tmp_path / "a", "VBLORA", tensors, topk=3), W + b @ a, rtol=1e-4, atol=1e-5)
    chosen = {"A": (i, u), "B": (j, v)}
    tensors = under(
        Q,
        **{f"vblora_logits_{part}_topk_indices": order.astype(np.uint8) for part, (order, _) in chosen.items()},
        **{
            f"vblora_logits_{part}_topk_weights": np.ascontiguousarray(weights[:, :, :-1]).astype(np.float32)
            for part, (_, weights) in chosen.items()
        },
    )
    np.testing.assert_allclose(q_of(tmp_path / "b", "VBLORA", tensors, topk=3), W + b @ a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("module", [Q, DOWN])
def test_randlora_sums_its_bases(tmp_path: Path, module: str) -> None:
    """In the order in which PEFT flattens them, of more outputs or more inputs."""
    a, b = (SHARED_BY_OTHERS[f"base_model.randlora_{x}"] for x in "AB")
    most = 16 if module == Q else 20
    by_base, by_column = draw(2, 8), draw(8, 16, seed=1)
    right = (by_base[:, :, None] * a[:, :, :16] * by_column).reshape(16, 16)
    change = b[:most, :8].reshape(most, 16) @ right
    tensors = under(module, randlora_lambda=by_base, randlora_gamma=by_column)
    settings_ = USUAL | {"peft_type": "RANDLORA", "randlora_alpha": 6, "shared": SHARED_BY_OTHERS}
    role, layer = ("q", 0) if module == Q else ("down", 1)
    found = merged(tmp_path, toy(), tensors, **settings_).read(role, layer)
    expected = toy().canonical[role, layer, None] + 3 * (change if module == Q else change.T)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_pvera_merges_its_means(tmp_path: Path) -> None:
    """The first half of d and of A."""
    by_row, by_rank = draw(16), draw(4, seed=1)
    a, b = (SHARED_BY_OTHERS[f"base_model.pvera_{x}"] for x in "AB")
    change = (by_row[:, None] * b) @ (by_rank[:2, None] * a[:2, :16])
    found = q_of(tmp_path, "PVERA", under(Q, pvera_lambda_b=by_row, pvera_lambda_d=by_rank))
    np.testing.assert_allclose(found, W + change, rtol=1e-4, atol=1e-5)


def test_glora_scales_entries_and_adds(tmp_path: Path) -> None:
    """W + W ∘ A + B: low-rank matrices, a number for each output, one number, or nothing."""
    up, down = draw(16, 2, seed=1), draw(2, 16, seed=2)
    column, number, nothing = draw(16, 1, seed=3), draw(1, seed=4), np.zeros((16, 16), np.float32)
    paths: dict[str, tuple[dict[str, Array], Any]] = {
        "low rank": ({"Xd": up, "Xu": down}, up.astype(np.float64) @ down),
        "outputs": ({"X": column}, column),
        "one": ({"X": number}, number),
        "nothing": ({"zeros": nothing}, 0.0),
        "not stored": ({}, 0.0),
    }
    for first, (a, times) in paths.items():
        for second, (b, plus) in paths.items():
            own = {f"glora_A.{part}": x for part, x in a.items()} | {f"glora_B.{part}": x for part, x in b.items()}
            own["glora_C.zeros"] = np.zeros((16, 1), np.float32)
            found = q_of(tmp_path / f"{first} {second}", "GLORA", under(Q, **own))
            np.testing.assert_allclose(found, W + W * times + plus, rtol=1e-5, atol=1e-6)


def test_unilora_takes_entries_of_one_vector(tmp_path: Path) -> None:
    """W + B A, whose entries are those at the stored places, times the stored factors; else it must be saved anew."""
    theta = SHARED_BY_OTHERS["base_model.unilora_theta_d"].astype(np.float64)
    parts = MODULES["UNILORA"]
    a, b = (
        theta[parts[f"{Q}.unilora_indices_{at}"]] * parts[f"{Q}.unilora_scales_{at}"].astype(np.float64)
        for at in "AB"
    )
    np.testing.assert_allclose(q_of(tmp_path / "a", "UNILORA", parts), W + b @ a, rtol=1e-5, atol=1e-6)
    said = refused(tmp_path / "b", parts, **(USUAL | {"peft_type": "UNILORA", "save_indices": False}))
    assert "save it with save_indices=True" in said
    assert "unilora_theta_d" in refused(tmp_path / "c", parts, **(USUAL | {"peft_type": "UNILORA"}))


def test_hira_multiplies_entries(tmp_path: Path) -> None:
    """By one more than those of a low-rank matrix; of embeddings too."""
    a, b = draw(2, 16), draw(16, 2, seed=1)
    found = q_of(tmp_path / "a", "HIRA", under(Q, hira_A=a, hira_B=b))
    np.testing.assert_allclose(found, W * (1 + b @ a), rtol=1e-4, atol=1e-5)
    a, b, model = draw(2, 30), draw(16, 2, seed=1), toy()
    tensors = under("model.embed_tokens", hira_embedding_A=a, hira_embedding_B=b)
    found = merged(tmp_path / "b", model, tensors, peft_type="HIRA").read("embed")
    np.testing.assert_allclose(found, model.canonical["embed", None, None] * (1 + (b @ a).T), rtol=1e-4, atol=1e-5)


def test_beft_adds_to_biases(tmp_path: Path) -> None:
    """And needs one."""
    model, module, added = toy("qwen2_moe"), "model.layers.1.self_attn.q_proj", draw(1, 16)
    found = merged(tmp_path / "a", model, {f"{module}.beft_bias": added}, peft_type="BEFT").read("q_bias", 1)
    np.testing.assert_allclose(found, model.canonical["q_bias", 1, None] + added[0], rtol=1e-6)
    assert "does not have" in refused(tmp_path / "b", {f"{Q}.beft_bias": added}, peft_type="BEFT")


@pytest.mark.parametrize(
    ("kind", "tensors", "changes", "expected"),
    [
        ("BOFT", under(Q, boft_R=draw(2, 3, 4, 4), boft_s=draw(16, 1)), {}, "does not fit"),
        ("BOFT", under(Q, boft_R=draw(3, 4, 4, 3), boft_s=draw(16, 1)), {}, "does not fit"),
        ("BOFT", under(Q, boft_R=draw(1, 4, 4, 4)), {}, "expected boft_R and boft_s"),
        ("C3A", {f"{Q}.c3a_kernel": draw(4, 3, 4)}, {}, "does not fit"),
        ("ROAD", MODULES["ROAD"], {"variant": "road_3"}, "one of road_1"),
        ("ROAD", MODULES["ROAD"], {"group_size": 6}, "does not fit"),
        ("ROAD", MODULES["ROAD"], {"variant": "road_2"}, "does not fit"),
        ("DELORA", MODULES["DELORA"], {"r": 3}, "at rank 3"),
        ("GRALORA", MODULES["GRALORA"], {"hybrid_r": 2}, "expected gralora_A, gralora_B, gralora_A_general"),
        ("GRALORA", MODULES["GRALORA"], {"r": 4}, "at rank 4"),
        ("FOURIERFT", {f"{Q}.fourierft_spectrum": draw(257)}, {}, "does not fit"),
        ("FOURIERFT", MODULES["FOURIERFT"], {"random_loc_seed": None}, "from 0 to 2**32 - 1"),
        ("FOURIERFT", MODULES["FOURIERFT"], {"random_loc_seed": -1}, "from 0 to 2**32 - 1"),
        ("FOURIERFT", MODULES["FOURIERFT"], {"scaling": "1"}, "expected a number"),
        ("WAVEFT", MODULES["WAVEFT"], {"use_idwt": True, "wavelet_family": "db2"}, "wavelets 'db2', and only db1"),
        ("SHIRA", under(Q, shira_weight=draw(1), shira_indices=np.array([[16], [0]])), {}, "no whole numbers below"),
        ("SHIRA", under(DOWN, shira_weight=draw(1), shira_indices=np.array([[16], [0]])), {}, "largest place"),
        ("SHIRA", under(Q, shira_weight=draw(1), shira_indices=np.array([[-1], [0]])), {}, "no whole numbers below"),
        ("SHIRA", under(Q, shira_weight=draw(1), shira_indices=draw(2, 1)), {}, "no whole numbers below"),
        ("SHIRA", under(Q, shira_weight=draw(2), shira_indices=np.array([[1], [0]])), {}, "does not fit"),
        ("SUPERTUNING", under(Q, supertuning_values=draw(1)), {}, "expected supertuning_values and"),
        ("VBLORA", MODULES["VBLORA"], {"topk": 7}, "topk 7"),
        ("VBLORA", {f"{Q}.vblora_logits_A": draw(2, 4, 6)}, {}, "expected vblora_logits_A and vblora_logits_B"),
        ("RANDLORA", under(Q, randlora_lambda=draw(2, 7), randlora_gamma=draw(7, 16)), {}, "at rank 2"),
        ("HIRA", MODULES["HIRA"], {"r": 3}, "at rank 3"),
        ("GLORA", MODULES["GLORA"], {"r": 3}, "at rank 3"),
        ("GLORA", under(Q, **{"glora_A.X": draw(15, 1)}), {}, "does not fit"),
        ("GLORA", under(Q, **{"glora_A.Xd": draw(16, 2)}), {}, "does not fit"),
        ("GLORA", MODULES["GLORA"] | under(Q, **{"glora_D.X": draw(1)}), {}, "changes the bias of"),
        ("UNILORA", MODULES["UNILORA"], {"r": 3}, "at rank 3"),
        ("UNILORA", MODULES["UNILORA"] | under(Q, unilora_scales_A=draw(16, 2)), {}, "does not fit"),
        (
            "UNILORA",
            MODULES["UNILORA"] | under(Q, unilora_indices_A=np.full((2, 16), 9)),
            {},
            "whole numbers below 9",
        ),
        ("UNILORA", under(Q, unilora_scales_A=draw(16, 2)), {}, "unilora_indices_A"),
        ("PVERA", under(Q, pvera_lambda_b=draw(16), pvera_lambda_d=draw(2)), {}, "at rank 2"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, kind: str, tensors: dict[str, Array], changes: dict[str, Any], expected: str
) -> None:
    """In a sentence that says what was expected."""
    shared = SHARED_BY_OTHERS if kind in ("PVERA", "RANDLORA", "UNILORA", "VBLORA") else None
    assert expected in refused(tmp_path, tensors, **(USUAL | {"shared": shared} | changes | {"peft_type": kind}))


class Sized:
    """A tensor of which only the size is asked."""

    is_out_in = False

    def __init__(self, *shape: int) -> None:
        self.shape = shape


@pytest.mark.parametrize(("terms", "fits"), [(64, False), (5, True)])
def test_a_series_of_large_blocks_is_bounded(terms: int, fits: bool) -> None:
    """Since its powers take minutes."""
    config = {"use_cayley_neumann": True, "peft_version": "0.21.2", "num_cayley_neumann_terms": terms}
    entries: Any = Sized(1, 1024 * 1023 // 2)
    change = OFT.changes(Settings("a", config, {}), "m", {"oft_R": entries}, Names({}))["m.weight"]
    if fits:
        assert change(Sized(4, 1024)).shape == (4, 1024)  # type: ignore[arg-type]
        return
    with pytest.raises(UnsupportedError, match="64 terms of blocks of 1024, which take more than"):
        change(Sized(4, 1024))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("VERA", "save_projection"), ("PVERA", "save_projection"), ("RANDLORA", "save_projection"), ("VBLORA", "bank")],
)
def test_what_torch_drew_in_floating_point_must_be_stored(tmp_path: Path, kind: str, expected: str) -> None:
    """Since no other software gives the same bits."""
    assert expected in refused(tmp_path, MODULES[kind], **(USUAL | {"peft_type": kind}))
    assert SHARED


@pytest.mark.parametrize("kind", ["ADAMSS", "DEFT", "FROD", "OSF", "PEANUT", "PSOFT", "TINYLORA"])
def test_others_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    """With the way out."""
    said = refused(tmp_path, under(Q, other_A=draw(2, 16)), peft_type=kind)
    assert f"of type {kind!r}" in said
    assert "merge it with the tool that made it" in said
