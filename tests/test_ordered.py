"""Order of indices: strangers that share classes of indices are not called related, and each model shows them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.strategies import SEEDS, SKETCH, architecture, fingerprint_of, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint
from verify.base import Phrase
from verify.fingerprint import chosen_indices
from verify.inference import mantel
from verify.statistics import SIGN_AGREEMENT, STREAM_IDENTITY, UNIT_IDENTITY, VALUE_IDENTITY, ordered
from verify.statistics.ordered import ORDERED, READERS, distance, order

Indices = NDArray[np.intp]
SHAPE = architecture(layers=8, hidden=64, kv_heads=1, heads=1)
WIDE = SKETCH.model_copy(update={"units": 32, "channels": 12, "projections": 32})


def halves(at: Indices, size: int) -> NDArray[np.float64]:
    """Two classes: nested widths, for instance."""
    return np.eye(2)[2 * at // size]


def quarters(at: Indices, size: int) -> NDArray[np.float64]:
    return np.eye(4)[4 * at // size]


def interleaved(at: Indices, size: int) -> NDArray[np.float64]:  # noqa: ARG001
    """Rows of gate and up by turns, read as though they stood one behind the other."""
    return np.eye(2)[at % 2]


def curve(at: Indices, size: int) -> NDArray[np.float64]:
    """Units sorted by what moves along a curve."""
    return np.stack([np.cos(np.pi * at / size), np.sin(np.pi * at / size)], axis=1)


KINDS: dict[str, tuple[Callable[[Indices, int], NDArray[np.float64]], float]] = {
    "halves": (halves, 0.8),
    "quarters": (quarters, 0.8),
    "interleaved": (interleaved, 0.8),
    "curve": (curve, 0.8),
}


def with_classes(rng: np.random.Generator, kind: str, strength: float | None = None) -> Fingerprint:
    """A model whose units and channels have public directions, by the class of their index."""
    arrays, (classes, usual) = random_arrays(rng, SHAPE, WIDE), KINDS[kind]
    for name, x in arrays.items():
        if name.startswith(("units", "values", "response")):
            of_values = "values" in name
            size = SHAPE.head_size if of_values else SHAPE.hidden
            at = chosen_indices("channels" if of_values else "units", size, x.shape[1])
            public = classes(at, size)
            directions = np.random.default_rng(list(name.encode())).standard_normal((public.shape[1], x.shape[-1]))
            x += (usual if strength is None else strength) * public @ directions
    return fingerprint_of(arrays, SHAPE, sketch=WIDE)


def of_units(pairs: list[tuple[Fingerprint, Fingerprint]]) -> list[float]:
    return [UNIT_IDENTITY(a, b).log10_p or 0.0 for a, b in pairs]


@pytest.mark.parametrize("kind", KINDS)
def test_strangers_that_share_classes_of_indices_are_not_called_related(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(list(kind.encode()))
    pairs = [(with_classes(rng, kind), with_classes(rng, kind)) for _ in range(100)]
    for a, b in pairs[:5]:
        result = UNIT_IDENTITY(a, b)
        assert result.set_aside == ("order of hidden units",)
        assert result.notes[-1] == Phrase.of("set_aside_ordered", part="hidden units")
        assert result.log10_p == result.attainable_log10_p == 0
        assert VALUE_IDENTITY(a, b).set_aside == ("order of value channels",)
    check_super_uniform(of_units(pairs))
    monkeypatch.setattr("verify.statistics.evidence.both_ordered", lambda *_: False)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(of_units(pairs))


@pytest.mark.parametrize("kind", KINDS)
def test_classes_are_seen_before_they_matter(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At classes so faint that two in three models are not seen, the size holds without the guard."""
    rng = np.random.default_rng(list(kind.encode()))
    usual = KINDS[kind][1]
    for strength in np.linspace(0.05, 1, 20) * usual:
        models = [with_classes(rng, kind, float(strength)) for _ in range(20)]
        if np.mean([_ordered(model) for model in models]) > 1 / 3:
            break
    assert strength < usual
    below = [(with_classes(rng, kind, strength), with_classes(rng, kind, strength)) for _ in range(100)]
    monkeypatch.setattr("verify.statistics.evidence.both_ordered", lambda *_: False)
    check_super_uniform(of_units(below))


def _ordered(model: Fingerprint) -> bool:
    return any(abs(z) > ORDERED for read in READERS["hidden units"] for z in order(read, model))


def test_one_ordered_model_is_tested_as_before() -> None:
    """The order of the other may be random, which is enough."""
    rng = np.random.default_rng(1)
    pairs = [(with_classes(rng, "quarters"), with_classes(rng, "quarters", 0.0)) for _ in range(100)]
    check_super_uniform(of_units(pairs))
    assert all(UNIT_IDENTITY(a, b).set_aside == () for a, b in pairs)


def test_residual_dimensions_in_classes_are_set_aside() -> None:
    """Nested widths: one group, whose fixed points are as many as there are classes."""

    def nested(rng: np.random.Generator) -> Fingerprint:
        arrays = random_arrays(rng, SHAPE, WIDE)
        for name, x in arrays.items():
            if name.startswith("stream"):
                x += (
                    2
                    * quarters(np.arange(len(x)), len(x))
                    @ np.random.default_rng(4).standard_normal((4, x.shape[1]))
                )
        return fingerprint_of(arrays, SHAPE, sketch=WIDE)

    rng = np.random.default_rng(5)
    for _ in range(5):
        result = STREAM_IDENTITY(nested(rng), nested(rng))
        assert "order of residual dimensions" in result.set_aside
        assert Phrase.of("set_aside_ordered", part="residual dimensions") in result.notes
        assert result.counts[0].n == 0
    assert STREAM_IDENTITY(nested(rng), with_classes(rng, "halves", 0.0)).set_aside == ()


def test_signs_do_not_rest_on_order() -> None:
    rng = np.random.default_rng(2)
    assert "order" not in str(SIGN_AGREEMENT(with_classes(rng, "halves"), with_classes(rng, "halves")).set_aside)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=st.integers(4, 6))
def test_mean_and_variance_are_those_of_all_permutations(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    scores, at = rng.random((n, n)), np.sort(rng.permutation(20)[:n])
    scores, apart = scores + scores.T, ~np.eye(n, dtype=bool)
    every = [(scores[np.ix_(p, p)] * distance(at))[apart].sum() for p in permutations(range(n))]
    excess, variance = mantel(scores, distance(at))
    assert excess == pytest.approx((scores * distance(at))[apart].sum() - np.mean(every), abs=1e-9)
    assert variance == pytest.approx(np.var(every))


def test_three_indices_say_nothing() -> None:
    assert mantel(np.ones((3, 3)), np.ones((3, 3))) == (0.0, 0.0)


def test_it_is_standardised() -> None:
    """Over models whose order is random: mean 0, variance 1, never near the threshold."""
    found = np.array(
        [
            [z for read in readers for z in order(read, stranger(seed))]
            for seed in range(150)
            for readers in [READERS["hidden units"]]
        ]
    )
    assert abs(found.mean()) < 0.15
    assert found.std() == pytest.approx(1, abs=0.15)
    assert np.abs(found).max() < ORDERED


def test_honest_models_are_not_ordered() -> None:
    """Trained models have values like those of random order: none sets a test aside, few are large."""
    folder = Path(__file__).parents[1] / "benchmarks" / "zoo" / "fingerprints"
    models = [Fingerprint.load(path) for path in sorted(folder.glob("*.safetensors"))]
    values = np.array(
        [z for model in models for readers in READERS.values() for read in readers for z in order(read, model)]
    )
    values = np.abs(values[values != 0])  # fingerprints cut down for a panel have no units
    assert len(values) > 300
    assert np.sqrt(np.square(values).mean()) == pytest.approx(1, abs=0.15)
    assert (values > 2).mean() < 0.05
    assert (values > 3).sum() <= 1  # one is expected among 360
    assert values.max() < ORDERED


def test_copies_count_once() -> None:
    """A block that stands sixteen times is one block, and experts that are copies are summed."""
    shape = architecture(family="qwen2_moe", hidden=0, experts=16, expert_hidden=20, layers=2)
    found = []
    for seed in range(60):
        arrays = random_arrays(np.random.default_rng(seed), shape, SKETCH)
        for name, x in arrays.items():
            if "experts" in name:
                x[:] = x[:1] + 0.1 * np.random.default_rng([seed, 1]).standard_normal(x.shape)
        found += order(ordered.units, fingerprint_of(arrays, shape))
    assert np.std(found) < 1.3
