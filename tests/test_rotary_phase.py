"""Phases of rotary planes: exact for strangers, whatever they have in common that turns leave alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.zoo.changes import changed
from tests.models import config, weights, write
from tests.strategies import SEEDS, architecture, fingerprint_of, random_arrays
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint, fingerprint
from verify.base import Phrase
from verify.checkpoint import Architecture
from verify.data import model as shipped
from verify.inference import log10_p_signs
from verify.statistics import ROTARY_PHASE
from verify.statistics.alignment import assign
from verify.statistics.groups import Grouping
from verify.statistics.planes import PlaneGroup, plane_groups, planes_of, tied_heads
from verify.statistics.ties import TiedSets
from verify.statistics.turns import turns

BOTH = ("keys", "key_responses")
KEYS = ("keys", "key_responses")
PAIRS = 100


def shape(**changes: object) -> Architecture:
    """Twelve planes in each of two heads of three layers."""
    rotary = {"rotary": "half", "rotary_size": 12, "query_key_norm": "none"}
    return architecture(**(rotary | changes))


def turned(x: np.ndarray, quarters: np.ndarray) -> np.ndarray:
    """Planes [..., 2, k] turned by quarters [...]."""
    z = (x[..., 0, :] + 1j * x[..., 1, :]) * (1j**quarters)[..., None]
    return np.stack([z.real, z.imag], axis=-2)


def turned_at_random(arrays: dict[str, np.ndarray], rng: np.random.Generator, step: int = 1) -> dict[str, np.ndarray]:
    """The planes of k and q of a layer turned together, by weights and by responses."""
    drawn: dict[str, np.ndarray] = {}
    for name, x in arrays.items():
        layer = name.split(".")[1]
        if ".turned." in name:
            quarters = drawn.setdefault(layer, step * rng.integers(0, 4 // step, x.shape[:-2]))
            arrays[name] = turned(x, quarters)
    return arrays


def plain(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    return random_arrays(rng, what, components=KEYS)


def with_public_planes(rng: np.random.Generator, what: Architecture, step: int = 1) -> dict[str, np.ndarray]:
    """What every model has at a frequency, in every head and layer, but for its turn."""
    arrays, public = plain(rng, what), np.random.default_rng(7)
    for name in arrays:
        arrays[name] = 0.3 * arrays[name] + public.standard_normal((1, *arrays[name].shape[1:]))
    return turned_at_random(arrays, rng, step)


def with_dead_and_equal_planes(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    arrays = plain(rng, what)
    for name in arrays:
        arrays[name][:, :2] = 0
        arrays[name][:, 3:6] = arrays[name][:, 2:3]
    return turned_at_random(arrays, rng)


def with_one_layer_repeated(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    """All layers are nearly copies of one, turned as it is."""
    arrays = with_public_planes(rng, what)
    for name in arrays:
        kind, _, *rest = name.split(".")
        arrays[name] = arrays[".".join([kind, "0", *rest])] + 0.1 * rng.standard_normal(arrays[name].shape)
    return arrays


def with_one_head_repeated(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    arrays = with_public_planes(rng, what)
    for name in arrays:
        arrays[name][:] = arrays[name][:1]
    return arrays


def with_a_common_mean(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    """Rows of a positive initial law, all alike in part."""
    return {name: x + 3 * np.ones(x.shape[-1]) for name, x in plain(rng, what).items()}


def with_a_slight_common_mean(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    """As after a decoder's offset: too small to be set aside in most pairs."""
    return {name: x + 0.25 * np.ones(x.shape[-1]) for name, x in plain(rng, what).items()}


Maker = Callable[[np.random.Generator, Architecture], dict[str, np.ndarray]]
NULLS: dict[str, tuple[Maker, Architecture]] = {
    "plain": (plain, shape()),
    "public planes": (with_public_planes, shape()),
    "dead and equal planes": (with_dead_and_equal_planes, shape()),
    "one layer repeated": (with_one_layer_repeated, shape(layers=6)),
    "one head repeated": (with_one_head_repeated, shape(layers=6, kv_heads=6, heads=6, head_size=6, rotary_size=6)),
    "a common mean": (with_a_common_mean, shape()),
    "a slight common mean": (with_a_slight_common_mean, shape(layers=8)),
    "gains": (lambda rng, what: with_public_planes(rng, what, 2), shape(query_key_norm="gain")),
    "one plane": (with_public_planes, shape(rotary_size=2, head_size=2, layers=12, kv_heads=1)),
    "partial": (with_public_planes, shape(rotary_size=4)),
}


def strangers(kind: str, seed: object) -> list[Fingerprint]:
    make, what = NULLS[kind]
    rng = np.random.default_rng(seed)
    return [fingerprint_of(make(rng, what), what, components=KEYS) for _ in "ab"]


# ---- size


@pytest.mark.slow
@pytest.mark.parametrize("kind", NULLS)
def test_p_values_of_strangers_are_super_uniform(kind: str) -> None:
    results = [ROTARY_PHASE(*strangers(kind, [i, *kind.encode()])) for i in range(PAIRS)]
    assert all(result.applicable for result in results)
    check_super_uniform([result.log10_p for result in results])


def test_a_slight_common_mean_is_compared_two_planes_at_a_time() -> None:
    """One at a time, strangers would be rejected; the larger p-value is the test's."""
    pairs = [strangers("a slight common mean", i) for i in range(PAIRS)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p_of(numbers(a, b)) for a, b in pairs])
    results = [ROTARY_PHASE(a, b) for a, b in pairs]
    planes = 8 * 2 * 6
    assert {result.counts[0].n for result in results} <= {0, planes, 2 * planes}
    check_super_uniform([result.log10_p for result in results])


def test_a_model_with_repeated_heads_is_not_set_aside() -> None:
    """Equal heads are no mean: with itself it has every plane of one head in each layer."""
    what = shape(kv_heads=4, heads=4)
    arrays = plain(np.random.default_rng(1), what)
    for name in arrays:
        arrays[name][:] = arrays[name][:1]
    model = fingerprint_of(arrays, what, components=KEYS)
    result = ROTARY_PHASE(model, model)
    assert (result.counts[0].count, result.counts[0].n, result.set_aside) == (36, 36, ())


def grouped(a: Fingerprint, b: Fingerprint) -> Grouping[PlaneGroup]:
    x, y = planes_of(a, *BOTH), planes_of(b, *BOTH)
    return plane_groups(x, y, (tied_heads(x, quarter=True), tied_heads(y, quarter=True)))


def numbers(a: Fingerprint, b: Fingerprint, *, quarter: bool = True) -> np.ndarray:
    found = plane_groups(planes_of(a, *BOTH), planes_of(b, *BOTH), (TiedSets(), TiedSets())).separate
    return np.concatenate([turns(group.products, quarter=quarter) for group in found])


def p_of(x: np.ndarray) -> float:
    return log10_p_signs(int((x > 0).sum()), int((x != 0).sum()))


@pytest.mark.slow
def test_the_harness_catches_quarter_turns_where_gains_leave_half_turns() -> None:
    """Both signs of a plane are then one coin."""
    what = shape(query_key_norm="gain", layers=1)
    rng = np.random.default_rng(5)
    pairs = [
        [fingerprint_of(with_public_planes(rng, what, 2), what, components=KEYS) for _ in "ab"] for _ in range(400)
    ]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p_of(numbers(a, b)) for a, b in pairs])
    check_super_uniform([p_of(numbers(a, b, quarter=False)) for a, b in pairs])


@pytest.mark.slow
def test_the_harness_catches_planes_paired_wrongly() -> None:
    """Rows of planes that are turned apart, read as one plane: half-split for interleaved."""

    def mispaired(model: Fingerprint) -> Fingerprint:
        shifted = {n: np.stack([x[..., 0, :], np.roll(x[..., 1, :], 1, 1)], -2) for n, x in model.arrays.items()}
        return Fingerprint(model.record, shifted)

    what, rng = shape(layers=1), np.random.default_rng(8)
    pairs = [[fingerprint_of(with_public_planes(rng, what), what, components=KEYS) for _ in "ab"] for _ in range(400)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p_of(numbers(mispaired(a), mispaired(b))) for a, b in pairs])
    check_super_uniform([p_of(numbers(a, b)) for a, b in pairs])


@pytest.mark.slow
def test_the_harness_catches_heads_matched_by_the_real_part() -> None:
    what = shape(kv_heads=6, heads=6, head_size=6, rotary_size=6, layers=6)

    def by_real_part(a: Fingerprint, b: Fingerprint) -> float:
        x, y = (planes_of(model, *BOTH).vectors for model in (a, b))
        found = []
        for layer_a, layer_b in zip(x, y, strict=True):
            z = np.einsum("gnk,hnk->ghn", layer_a, layer_b.conj())
            found += [turns(z[g, h], quarter=True) for g, h in zip(*assign(z.real.sum(-1)), strict=True)]
        return p_of(np.concatenate(found))

    rng = np.random.default_rng(5)
    pairs = [[fingerprint_of(plain(rng, what), what, components=KEYS) for _ in "ab"] for _ in range(PAIRS)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([by_real_part(a, b) for a, b in pairs])
    check_super_uniform([ROTARY_PHASE(a, b).log10_p for a, b in pairs])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one layer repeated", "one head repeated"])
def test_the_harness_catches_copies_counted_apart(kind: str) -> None:
    pairs = [strangers(kind, i) for i in range(PAIRS)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p_of(numbers(a, b)) for a, b in pairs])


@pytest.mark.slow
def test_the_harness_catches_a_mean_that_both_models_have() -> None:
    """It is set aside: p = 1, with the reason."""
    pairs = [strangers("a common mean", i) for i in range(PAIRS)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p_of(numbers(a, b)) for a, b in pairs])
    result = ROTARY_PHASE(*pairs[0])
    assert (result.log10_p, result.set_aside) == (0.0, ("signs of rotary planes",))
    assert result.notes == (Phrase.of("set_aside_mean", what="signs of rotary planes"),)


# ---- the lemma, and what alignment may see


@given(st.integers(0, 3), st.integers(0, 3), SEEDS)
def test_a_quarter_turn_takes_u_and_w_to_w_and_minus_u(of_a: int, of_b: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, 2, 5))
    z = [np.vdot(y[0] + 1j * y[1], x[0] + 1j * x[1])]
    after_a, after_b = turned(x, np.array(of_a)), turned(y, np.array(of_b))
    z.append(np.vdot(after_b[0] + 1j * after_b[1], after_a[0] + 1j * after_a[1]))
    before, after = (turns(np.array([one]), quarter=True) for one in z)
    for _ in range((of_a - of_b) % 4):
        before = np.array([before[1], -before[0]])
    np.testing.assert_allclose(after, before, atol=1e-12)


def test_the_orbit_of_a_plane_has_every_pair_of_signs_once() -> None:
    found = {tuple(np.sign(turns(np.array([(2 + 1j) * 1j**q]), quarter=True))) for q in range(4)}
    assert found == {(1, 1), (1, -1), (-1, -1), (-1, 1)}


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, step=st.sampled_from([1, 2]))
def test_turns_of_either_model_leave_alignment_and_the_number_compared(seed: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = strangers("plain", seed)
    moved = Fingerprint(a.record, turned_at_random(dict(a.arrays), rng, step))
    for x, y, z in ((a, b, moved), (b, a, moved)):
        first, second = ((x, y), (z, y)) if x is a else ((x, y), (x, z))
        before, after = (grouped(*pair) for pair in (first, second))
        assert [group.pairs for group in before.separate] == [group.pairs for group in after.separate]
        assert [group.pairs for group in before.merged] == [group.pairs for group in after.merged]


# ---- fingerprints of weights


def turn_planes(w: dict[str, np.ndarray], c: object, quarters: np.ndarray) -> dict[str, np.ndarray]:
    """Turn the planes (half-split) of every kv head [layers, kv heads, planes], with the query heads that read it."""
    new, size = dict(w), c.head_size  # type: ignore[attr-defined]
    for layer in range(c.layers):  # type: ignore[attr-defined]
        for role in "kq":
            name = f"model.layers.{layer}.self_attn.{role}_proj.weight"
            by_head = w[name].reshape(-1, 2, size // 2, w[name].shape[-1])
            share = len(by_head) // c.kv_heads  # type: ignore[attr-defined]
            z = (by_head[:, 0] + 1j * by_head[:, 1]) * (1j ** np.repeat(quarters[layer], share, 0))[..., None]
            new[name] = np.stack([z.real, z.imag], 1).reshape(w[name].shape).astype(np.float32)
    return new


def test_a_fingerprint_follows_the_turns_of_its_weights(tmp_path: Path) -> None:
    """To the bit, in every array of planes; and nothing else moves."""
    c = config()
    w = weights(1, c)
    quarters = np.random.default_rng(2).integers(0, 4, (c.layers, c.kv_heads, c.head_size // 2))
    before, after = (
        fingerprint(write(tmp_path / n, x, c)) for n, x in (("a", w), ("b", turn_planes(w, c, quarters)))
    )
    for name, x in before.arrays.items():
        expected = turned(x.astype(float), quarters[int(name.split(".")[1])]) if ".turned." in name else x
        if not name.startswith(("circuit", "spectrum", "spread")):
            np.testing.assert_array_equal(after.arrays[name], expected, err_msg=name)


def test_an_obfuscated_copy_is_found_and_one_with_turned_planes_is_not(tmp_path: Path) -> None:
    """Permuted and flipped units and channels, and a rotated stream, hide nothing here."""
    c = config()
    w = weights(3, c)
    rng = np.random.default_rng(4)
    hiding = ("unit_order", "unit_signs", "value_order", "value_signs", "head_order", "stream_rotation")
    hidden = changed(w, c, rng, *hiding)
    quarters = rng.integers(0, 4, (c.layers, c.kv_heads, c.head_size // 2))
    plainly, copy, evaded = (
        fingerprint(write(tmp_path / name, x, c))
        for name, x in (("plain", w), ("copy", hidden), ("evaded", turn_planes(hidden, c, quarters)))
    )
    found = ROTARY_PHASE(copy, plainly)
    planes = quarters.size
    assert (found.counts[0].count, found.counts[0].n) == (2 * planes, 2 * planes)
    assert found.log10_p == pytest.approx(planes * np.log10(1 / 4))
    assert ROTARY_PHASE(evaded, plainly).log10_p > -3


@pytest.mark.parametrize(("name", "most"), [("obfuscated", -38), ("depth-pruned-healed", -19), ("same-seed", -12)])
def test_shipped_relatives_are_found(name: str, most: float) -> None:
    assert ROTARY_PHASE(fingerprint(shipped(name)), fingerprint(shipped("reference"))).log10_p < most


@pytest.mark.parametrize("name", ["distilled", "stranger-1", "stranger-2"])
def test_shipped_strangers_are_not(name: str) -> None:
    assert ROTARY_PHASE(fingerprint(shipped(name)), fingerprint(shipped("reference"))).log10_p > -2


# ---- refusals


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rotary": "", "rotary_size": 0}, "not_rotary"),
        ({"query_key_norm": "layer"}, "keys_layer_norm"),
        ({"query_key_norm": "unknown", "rotary": "", "rotary_size": 0}, "keys_unknown"),
    ],
)
def test_what_does_not_apply_says_why(changes: dict[str, object], code: str) -> None:
    rng = np.random.default_rng(0)
    a, b = (fingerprint_of(plain(rng, what), what, components=KEYS) for what in (shape(**changes), shape()))
    assert ROTARY_PHASE(a, b).reason == Phrase.of(code, model="A")
    assert ROTARY_PHASE(b, a).reason == Phrase.of(code, model="B")


def test_fingerprints_of_the_sketch_before_are_refused_in_words() -> None:
    a, b = strangers("plain", 0)
    older = a.at_sketch(2)
    assert not older.arrays
    reason = ROTARY_PHASE(older, b.at_sketch(2)).reason
    assert reason == Phrase.of("older_sketch", version=2)
