"""Signs of units and channels that look alike: what no flip changes, copies, size, and what must be caught."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.zoo.ship import with_reference
from tests.strategies import SEEDS, SKETCH, Arrays, architecture, fingerprint_of, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint
from verify.inference import log10_p_signs
from verify.statistics import SIGN_AGREEMENT, partners
from verify.statistics.blocks import BlockReader, strongest_units, unit_pairs, value_responses, values
from verify.statistics.partners import ALIKE, numbers_of_partners

READERS: tuple[BlockReader, ...] = (unit_pairs, values, value_responses, strongest_units)
KINDS = ("units", "values", "response", "match", "stream")
DENSE = architecture(hidden=12)
STACKED = architecture(hidden=12, layers=8)
OF_EXPERTS = SKETCH.model_copy(update={"expert_units": 12, "match_expert_units": 8})
FLIPPING = ("up", "down", "v", "o", "values")


def drawn(rng: np.random.Generator, shape=DENSE) -> Arrays:
    return random_arrays(rng, shape, components=KINDS)


def child(rng: np.random.Generator, arrays: Arrays, noise: float = 0.3) -> Arrays:
    return {name: x + noise * rng.standard_normal(x.shape) for name, x in arrays.items()}


def flipped(rng: np.random.Generator, arrays: Arrays) -> Arrays:
    """Every unit and channel under a sign of its own, the same for up and down, and for v, o and its response."""
    found, signs = {}, {}
    for name, x in arrays.items():
        kind, layer, *rest = name.split(".")
        if rest and rest[-1] in FLIPPING:
            of = (layer, "values") if kind == "values" or rest == ["values"] else (kind, layer, rest[0])
            sign = signs.setdefault(of, rng.choice([-1.0, 1.0], x.shape[:-1]))
            x = x * sign[..., None]
        found[name] = x
    return found


def permuted(rng: np.random.Generator, arrays: Arrays) -> Arrays:
    """Units in one random order per layer, channels and heads likewise."""
    found, orders = {}, {}
    for name, x in arrays.items():
        kind, layer, *rest = name.split(".")
        if rest:
            of = (layer, "values") if kind == "values" or rest == ["values"] else (kind, layer, rest[0])
            heads, order = orders.setdefault(of, (rng.permutation(len(x)), rng.permutation(x.shape[1])))
            x = x[heads][:, order]
        found[name] = x
    return found


def experts_of(rng: np.random.Generator, arrays: Arrays, copies: int = 4, noise: float = 0.2) -> Fingerprint:
    """Every expert a noisy copy of the dense MLP."""
    shape = architecture(family="qwen2_moe", hidden=0, experts=copies, expert_hidden=12)
    found = {}
    for name, x in arrays.items():
        of_mlp = ".mlp" in name
        name = name.replace(".mlp", ".experts")
        found[name] = (
            np.concatenate([x + noise * rng.standard_normal(x.shape) for _ in range(copies)]) if of_mlp else x
        )
    return fingerprint_of(found, shape, sketch=OF_EXPERTS)


def log10_p(read: BlockReader, a: Fingerprint, b: Fingerprint) -> float:
    numbers = numbers_of_partners([read], a, b)
    return log10_p_signs(int((numbers > 0).sum()), int((numbers != 0).sum()))


# ---- the theorem


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, read=st.sampled_from(READERS), side=st.booleans())
def test_flips_change_signs_alone(seed: int, read: BlockReader, side: bool) -> None:
    """Which pairs are kept, and their magnitudes, are constant on the orbit, to the last bit."""
    rng = np.random.default_rng(seed)
    arrays = drawn(rng)
    a, b = arrays, child(rng, permuted(rng, arrays))
    before = numbers_of_partners([read], *(fingerprint_of(x, DENSE) for x in (a, b)))
    if side:
        a = flipped(rng, a)
    else:
        b = flipped(rng, b)
    after = numbers_of_partners([read], *(fingerprint_of(x, DENSE) for x in (a, b)))
    assert len(before) > 0
    np.testing.assert_array_equal(np.abs(before), np.abs(after))


def test_a_flip_of_one_unit_negates_one_number() -> None:
    rng = np.random.default_rng(1)
    arrays = drawn(rng)
    a, b = fingerprint_of(arrays, DENSE), fingerprint_of(child(rng, arrays), DENSE)
    before = numbers_of_partners([unit_pairs], a, b)
    for unit in range(4):
        turned = {n: x.copy() for n, x in arrays.items()}
        for role in ("up", "down"):
            turned[f"units.1.mlp.{role}"][0, unit] *= -1
        after = numbers_of_partners([unit_pairs], fingerprint_of(turned, DENSE), b)
        assert (before != after).sum() == 1
        assert before[before != after] == -after[before != after]


@pytest.mark.parametrize("read", READERS)
def test_permuted_copies_are_found_whatever_their_indices(read: BlockReader) -> None:
    rng = np.random.default_rng(2)
    arrays = drawn(rng)
    a, b = fingerprint_of(arrays, DENSE), fingerprint_of(child(rng, permuted(rng, arrays)), DENSE)
    numbers = numbers_of_partners([read], a, b)
    assert len(numbers) >= 16
    assert (numbers > 0).all()


def test_experts_are_found_from_the_mlp_that_they_are_copies_of() -> None:
    rng = np.random.default_rng(3)
    arrays = drawn(rng)
    found = SIGN_AGREEMENT(experts_of(rng, permuted(rng, arrays)), fingerprint_of(arrays, DENSE, sketch=OF_EXPERTS))
    partner = next(count for count in found.counts if count.part == "hidden units that look alike")
    assert partner.count == partner.n >= 30


def test_the_reading_of_most_pairs_is_used() -> None:
    """Weights of a rotated copy share nothing; responses do."""
    rng = np.random.default_rng(4)
    arrays = drawn(rng)
    other = drawn(rng)
    rotated = {n: other[n] if n.startswith(("units", "values")) else x for n, x in arrays.items()}
    a, b = fingerprint_of(arrays, DENSE), fingerprint_of(rotated, DENSE)
    both = numbers_of_partners([unit_pairs, strongest_units], a, b)
    np.testing.assert_array_equal(both, numbers_of_partners([strongest_units], a, b))
    assert len(both) >= 16


# ---- size


def with_flips(rng: np.random.Generator) -> tuple[Fingerprint, Fingerprint]:
    """A permuted copy whose signs were drawn anew: all pairs look alike, and the null hypothesis is true."""
    arrays = drawn(rng)
    return fingerprint_of(arrays, DENSE), fingerprint_of(flipped(rng, child(rng, permuted(rng, arrays))), DENSE)


def with_copies(rng: np.random.Generator) -> tuple[Fingerprint, Fingerprint]:
    """Experts that are copies of an MLP, in both models, whose signs were drawn once for all copies."""
    arrays = drawn(rng)
    return experts_of(rng, arrays), experts_of(rng, flipped(rng, arrays))


def with_stacked_layers(rng: np.random.Generator) -> tuple[Fingerprint, Fingerprint]:
    """Models of eight layers that began as copies of one; the signs of B's were drawn once for all layers."""
    layer = drawn(rng, architecture(hidden=12, layers=1))
    return tuple(  # type: ignore[return-value]
        fingerprint_of(child(rng, {n.replace(".0.", f".{k}."): x for k in range(8) for n, x in one.items()}), STACKED)
        for one in (layer, flipped(rng, layer))
    )


Pair = Callable[[np.random.Generator], tuple[Fingerprint, Fingerprint]]


@pytest.mark.parametrize("pair", [with_flips, with_copies, with_stacked_layers])
def test_it_keeps_its_size(pair: Pair) -> None:
    rng = np.random.default_rng(5)
    models = [pair(rng) for _ in range(100)]
    for read in READERS:
        check_super_uniform([log10_p(read, a, b) for a, b in models])


def test_signs_of_flipped_copies_are_fair_coins() -> None:
    """Not only few: among all of many pairs, half agree."""
    rng = np.random.default_rng(6)
    numbers = np.concatenate([numbers_of_partners([unit_pairs], *with_flips(rng)) for _ in range(60)])
    assert len(numbers) > 1000
    assert abs((numbers > 0).mean() - 0.5) < 4 * 0.5 / len(numbers) ** 0.5


def test_the_harness_catches_matching_that_sees_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner chosen by signed cosines agrees because it was chosen."""
    monkeypatch.setattr(partners, "cosines", signed_cosines)
    monkeypatch.setattr(partners, "ALIKE", 0.25)
    rng = np.random.default_rng(7)
    models = [[fingerprint_of(drawn(rng), DENSE) for _ in "ab"] for _ in range(100)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([log10_p(unit_pairs, a, b) for a, b in models])
    monkeypatch.undo()
    monkeypatch.setattr(partners, "ALIKE", 0.25)
    check_super_uniform([log10_p(unit_pairs, a, b) for a, b in models])


def signed_cosines(a, b):
    """Cosines in which flipping vectors keep their signs."""
    both = zip(a.sign_fixed + a.sign_flipping, b.sign_fixed + b.sign_flipping, strict=True)
    return np.sum([x.reshape(-1, x.shape[-1]) @ y.reshape(-1, y.shape[-1]).T for x, y in both], axis=0)


def test_the_harness_catches_copies_that_count_singly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partners, "_apart", lambda alike: np.arange(len(alike)))
    rng = np.random.default_rng(8)
    models = [with_stacked_layers(rng) for _ in range(100)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([log10_p(unit_pairs, a, b) for a, b in models])


def test_vectors_that_share_a_mean_look_alike_and_count_once() -> None:
    """A mean large enough to make partners of strangers cannot make many."""
    for mean in (0.5, 1.0, 2.0, 8.0):
        rng = np.random.default_rng(9)
        a, b = (fingerprint_of({n: x + mean for n, x in drawn(rng).items()}, DENSE) for _ in "ab")
        assert all(len(numbers_of_partners([read], a, b)) <= 8 for read in READERS)
        assert SIGN_AGREEMENT(a, b).log10_p > -1


def test_strangers_have_hardly_any_partners() -> None:
    for seed in range(20):
        a, b = stranger([seed, 0]), stranger([seed, 1])
        assert all(len(numbers_of_partners([read], a, b)) <= 4 for read in READERS), ALIKE


# ---- the zoo

ZOO = Path(__file__).parents[1] / "benchmarks/zoo/fingerprints"


def of_zoo(name: str) -> Fingerprint:
    return Fingerprint.load(ZOO / f"{name}.safetensors")


@pytest.mark.parametrize(
    ("name", "most"),
    [("moe-fine", -50), ("moe-coarse", -50), ("fine-tuned-rotated", -50), ("fine-tuned-units-permuted", -28)],
)
def test_changed_copies_of_the_zoo_are_found(name: str, most: float) -> None:
    assert (SIGN_AGREEMENT(*with_reference(name)).log10_p or 0.0) < most


def test_strangers_of_the_zoo_have_few_partners() -> None:
    for n in range(1, 10):
        result = SIGN_AGREEMENT(of_zoo(f"stranger-{n}"), of_zoo("reference"))
        assert sum(count.n for count in result.counts if "alike" in (count.part or "")) <= 12
        assert (result.log10_p or 0.0) > -2
