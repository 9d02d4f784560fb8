"""Means, offsets and pinned indices: strangers are not called related, and what would call them so is caught."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verify
from benchmarks.offset_study import OFFSETS, Array, chain, signs
from tests.models import child, config, weights, write
from tests.strategies import architecture, fingerprint_of, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint
from verify.inference import log10_p_signs
from verify.statistics import (
    EXACT_TESTS,
    SIGN_AGREEMENT,
    STREAM_IDENTITY,
    UNIT_IDENTITY,
    VALUE_IDENTITY,
    stream_identity,
    swaps,
)
from verify.statistics import evidence as statistics_of
from verify.statistics import sign_agreement as signs_of
from verify.statistics.pinned import PINNED, both_pinned, log10_p_pinned
from verify.statistics.result import Part
from verify.statistics.swaps import differences, standardised_mean

PARTS: tuple[Part, ...] = ("hidden units", "value channels")
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
C = config(width=48, hidden=64, layers=2)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Fingerprint, Fingerprint]]:
    """Strangers of every kind and strength of offset, of both models and of one, read from checkpoints."""
    folder, found = tmp_path_factory.mktemp("offsets"), []
    for n, (kind, offset) in enumerate(OFFSETS.items()):
        for k, strength in enumerate(STRENGTHS):
            models = chain(folder / f"{kind}{strength}", 10 * n + k, [offset, offset, None], strength)
            found += pairwise(models)
    return found


# ---- size


def test_every_exact_test_keeps_its_size_under_every_offset(pairs: list[tuple[Fingerprint, Fingerprint]]) -> None:
    """Means of all entries, of rows, of columns, positive entries, quantisers' zeros, hubs, constants; .01 to 10."""
    for test in EXACT_TESTS:
        results = [test(a, b) for a, b in pairs]
        check_super_uniform([result.log10_p or 0.0 for result in results], least=64)
        if test in (SIGN_AGREEMENT, STREAM_IDENTITY):
            assert 0 < sum(bool(result.set_aside) for result in results) < len(results)


def test_the_harness_catches_signs_of_one_index_at_a_time(pairs: list[tuple[Fingerprint, Fingerprint]]) -> None:
    """Differences keep the size of themselves, whatever is set aside."""
    found = [signs(a, b) for a, b in pairs]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p["signs singly"] for p in found], least=64)
    for what in ("signs", "stream"):
        check_super_uniform([p[f"{what} by differences"] for p in found], least=64)


def with_stream(rng: np.random.Generator, *, profile: float = 0.0, means: float = 0.0) -> Fingerprint:
    """Residual dimensions that share a profile over tokens, of this model alone, or have public means."""
    arrays = random_arrays(rng, architecture())
    for name, x in arrays.items():
        if name.startswith("stream."):
            x += profile * rng.standard_normal(x.shape[1]) + means * np.cos(np.arange(len(x)))[:, None]
    return fingerprint_of(arrays, architecture())


def test_the_harness_catches_signs_of_one_dimension_at_a_time() -> None:
    """A profile over tokens that all dimensions share gives strangers one sign everywhere."""
    rng = np.random.default_rng(5)
    found = [signs(with_stream(rng, profile=2.0), with_stream(rng, profile=2.0)) for _ in range(100)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p["stream singly"] for p in found])
    check_super_uniform([p["stream by differences"] for p in found])


def test_what_a_dimension_adds_to_every_token_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public mean of each residual dimension would pin its index and its sign."""
    rng = np.random.default_rng(6)
    pairs = [(with_stream(rng, means=3.0), with_stream(rng, means=3.0)) for _ in range(100)]
    check_super_uniform([STREAM_IDENTITY(a, b).log10_p or 0.0 for a, b in pairs])
    monkeypatch.setattr(stream_identity, "centred", lambda x: x)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([STREAM_IDENTITY(a, b).log10_p or 0.0 for a, b in pairs])


def test_the_harness_catches_centring_by_the_mean() -> None:
    """What is left after the mean of the block does not flip with its index: signs within a block are not free."""
    rng, found = np.random.default_rng(0), []
    for _ in range(2000):
        a, b = rng.standard_normal((2, 40, 2, 8))
        numbers = ((a - a.mean(1, keepdims=True)) * (b - b.mean(1, keepdims=True))).sum(-1).ravel()
        found.append(log10_p_signs(int((numbers > 0).sum()), numbers.size))
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(found)


# ---- why: the lemma, and the two nulls of which one is enough


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(2, 7), k=st.integers(1, 5), flip=st.booleans())
def test_a_swap_or_a_flip_of_a_pair_negates_its_number_and_no_other(seed: int, n: int, k: int, flip: bool) -> None:
    """Lemma (swaps), to the last bit, in either model; and a mean common to all vectors leaves the numbers."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-9, 9, (2, n, k)).astype(float)
    pair, alive = int(rng.integers(n // 2)), np.ones(n, dtype=bool)
    at, expected = slice(2 * pair, 2 * pair + 2), differences(a @ b.T, alive)
    for model, moved in ((0, a.copy()), (1, b.copy())):
        moved[at] = -moved[at] if flip else moved[at][::-1]
        found = differences(moved @ b.T if model == 0 else a @ moved.T, alive)
        np.testing.assert_array_equal(found, np.where(np.arange(n // 2) == pair, -expected, expected))
    shifted = differences((a + rng.integers(-9, 9, k)) @ (b + rng.integers(-9, 9, k)).T, alive)
    np.testing.assert_array_equal(shifted, expected)


def test_a_pair_with_a_dead_index_is_dropped() -> None:
    found = differences(np.eye(4), np.array([True, True, False, True]))
    np.testing.assert_array_equal(found, [2.0, np.nan])


def with_means(rng: np.random.Generator, sizes: Array) -> Fingerprint:
    """A public direction in every vector that a flip changes, as strong as ``sizes`` say at each index."""
    arrays, shape = random_arrays(rng, architecture()), architecture()
    for name, x in arrays.items():
        if name.endswith((".up", ".down", ".v", ".o")):
            x += np.resize(sizes, x.shape[-2])[:, None] * np.ones(x.shape[-1])
    return fingerprint_of(arrays, shape)


def test_a_mean_that_indices_pin_is_seen_by_one_model_and_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither flips nor swaps are a symmetry then, so differences alone are too few."""
    rng, sizes = np.random.default_rng(1), np.array([0.5, 4.0])
    found = [(with_means(rng, sizes), with_means(rng, sizes)) for _ in range(20)]
    for a, b in found:
        result = SIGN_AGREEMENT(a, b)
        assert result.set_aside == ("signs of hidden units", "signs of value channels")
        assert result.log10_p == result.attainable_log10_p == 0
        assert [note.code for note in result.notes] == ["set_aside_mean", "set_aside_mean"]
        assert SIGN_AGREEMENT(a, stranger(rng)).set_aside == ()
    monkeypatch.setattr(swaps, "FAR", np.inf)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([SIGN_AGREEMENT(a, b).log10_p or 0.0 for a, b in found], least=20)


def test_the_mean_of_honest_vectors_is_standardised() -> None:
    """Over flips its mean is 0 and its variance 1."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((9, 4))
    found = [standardised_mean([[x * rng.choice([-1.0, 1.0], (9, 1))]]) for _ in range(4000)]
    assert abs(np.mean(found)) < 0.06
    assert np.std(found) == pytest.approx(1, abs=0.08)


# ---- indices that a public matrix pins


def began_with(matrix: Array, seed: int, noise: float, *roles: str) -> dict[str, np.ndarray]:
    """Random weights whose matrices of some roles began as the rows of a public matrix."""
    rng, tensors = np.random.default_rng(seed), weights(seed, C)
    for name, x in tensors.items():
        if any(f".{role}_proj." in name for role in roles):
            tensors[name] = (matrix[: len(x), : x.shape[1]] + noise * rng.standard_normal(x.shape)).astype(np.float32)
    return tensors


EYE, HADAMARD = np.eye(64), np.ones((1, 1))
while len(HADAMARD) < 64:
    HADAMARD = np.block([[HADAMARD, HADAMARD], [HADAMARD, -HADAMARD]])


@pytest.mark.parametrize(
    ("matrix", "noise", "roles", "test", "part"),
    [
        (EYE, 0.1, ("v", "o"), VALUE_IDENTITY, "value channels"),
        (EYE, 0.05, ("v",), VALUE_IDENTITY, "value channels"),
        (np.tile(EYE[:12], (4, 1)), 0.05, ("v", "o"), VALUE_IDENTITY, "value channels"),
        (EYE, 0.1, ("gate", "up"), UNIT_IDENTITY, "hidden units"),
        (HADAMARD, 0.5, ("gate", "up"), UNIT_IDENTITY, "hidden units"),
    ],
    ids=["identity", "identity in v only", "identity in each head", "units", "Hadamard"],
)
def test_indices_that_a_public_matrix_pins_are_set_aside(
    matrix: Array, noise: float, roles: tuple[str, ...], test, part: str, tmp_path: Path, monkeypatch
) -> None:
    """Strangers that began alike: p = 1 with the reason, where the test alone would reject."""
    a, b, c = (
        verify.fingerprint(write(tmp_path / name, tensors, C), effort="standard")
        for name, tensors in (
            ("a", began_with(matrix, 1, noise, *roles)),
            ("b", began_with(matrix, 2, noise, *roles)),
            ("c", weights(3, C)),
        )
    )
    result = test(a, b)
    assert result.set_aside == (part,)
    assert result.log10_p == result.attainable_log10_p == 0
    assert result.notes[0].code == "set_aside_pinned"
    assert test(a, c).set_aside == ()
    assert part in SIGN_AGREEMENT(a, b).set_aside
    check_super_uniform([t(a, b).log10_p or 0.0 for t in EXACT_TESTS], least=5)
    for module in (statistics_of, signs_of):
        monkeypatch.setattr(module, "both_pinned", lambda *_: False)
    assert test(a, b).log10_p < -3


@pytest.mark.parametrize("noise", [0.05, 0.1])
@pytest.mark.parametrize("matrix", [EYE, np.tile(EYE[:12], (4, 1))], ids=["identity", "identity in each head"])
def test_rows_of_q_and_k_that_a_public_matrix_pins_are_seen(matrix: Array, noise: float, tmp_path: Path) -> None:
    """At any effort; where one model is not pinned, nothing is set aside."""
    a, b, c = (
        write(tmp_path / name, tensors, C)
        for name, tensors in (
            ("a", began_with(matrix, 1, noise, "q", "k")),
            ("b", began_with(matrix, 2, noise, "q", "k")),
            ("c", weights(3, C)),
        )
    )
    for effort in ("screen", "standard"):
        x, y, z = (verify.fingerprint(path, effort=effort) for path in (a, b, c))  # type: ignore[arg-type]
        assert both_pinned("rotary planes", x, y)
        assert not both_pinned("rotary planes", x, z)
        assert not both_pinned("query and key channels", x, y), "Llama turns all channels"


def test_a_child_of_a_pinned_model_is_found_by_what_is_not_pinned(tmp_path: Path) -> None:
    parent = began_with(EYE, 1, 0.1, "v", "o")
    a, b = (write(tmp_path / name, x, C) for name, x in (("p", parent), ("c", child(parent, 2))))
    report = verify.test_lineage(a, b)
    assert report.verdict == "dependent"
    assert report.tests["value_identity"].set_aside == report.tests["response_identity"].set_aside
    assert report.tests["response_identity"].log10_p < -9


def test_models_whose_order_is_random_do_not_look_pinned() -> None:
    """Under permutations of its indices a model looks pinned with a probability of at most 10^-4."""
    found = [log10_p_pinned(part, stranger(seed)) for seed in range(60) for part in PARTS]
    check_super_uniform(found)
    assert min(found) > PINNED


def test_a_model_of_repeated_layers_does_not_look_pinned() -> None:
    """One chance match of a block that stands twelve times is one match."""
    found = []
    for seed in range(40):
        arrays = random_arrays(np.random.default_rng(seed), architecture(layers=1))
        layered = {name: x for name, x in arrays.items() if not name.startswith("stream")}
        more = {name.replace(".0.", f".{n}."): x for name, x in layered.items() for n in range(12)}
        model = fingerprint_of(arrays | more, architecture(layers=12))
        found += [log10_p_pinned(part, model) for part in PARTS]
    check_super_uniform(found, least=64)
    assert min(found) > PINNED


# ---- power is of indices that can match


def applicable(report: verify.ClaimReport) -> set[str]:
    return {result.id for result in report.tests.values() if result.applicable}


def test_where_nothing_can_match_nothing_is_promised(tmp_path: Path) -> None:
    """All zero, all NaN, or nearly all dead: no p-value could have been small, and the words say so."""
    whole = weights(0, C)
    rng = np.random.default_rng(0)
    dead = {
        "zero": {name: np.zeros_like(x) for name, x in whole.items()},
        "nan": {name: np.full_like(x, np.nan) for name, x in whole.items()},
        "nearly": {
            name: x * (rng.random((len(x), 1)) < 0.02) if "proj" in name else 0 * x
            for name, x in weights(1, C).items()
        },
    }
    reference = write(tmp_path / "whole", whole, C)
    alive = verify.test_lineage(write(tmp_path / "alive", weights(2, C), C), reference)
    for name, tensors in dead.items():
        report = verify.test_lineage(write(tmp_path / name, tensors, C), reference)
        assert report.verdict == "untestable", name
        assert report.power is None
        assert "finite and not all zero" in report.finding
        assert applicable(report) == applicable(alive), "as many tests as ever share the level"
        assert verify.replay(report).disagreements == ()


def test_power_is_of_live_indices() -> None:
    """Half of the units dead in one model: the least share that would be found is of the other half."""
    rng, shape = np.random.default_rng(3), architecture()
    arrays = random_arrays(rng, shape)
    for name, x in arrays.items():
        if name.startswith("units."):
            x[:, ::2] = 0
    half, other = UNIT_IDENTITY(fingerprint_of(arrays, shape), stranger(4)), UNIT_IDENTITY(stranger(5), stranger(4))
    assert (half.counts[0].live, half.counts[0].n) == (18, 36)
    assert [row.live for row in half.by_layer] == [6, 6, 6]
    assert half.attainable_log10_p > other.attainable_log10_p
    assert half.detectable_share is None or half.detectable_share > other.detectable_share
