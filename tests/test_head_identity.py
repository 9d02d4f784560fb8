"""Heads are told by what no change of basis alters, and their order is tested exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.zoo.changes import changed
from benchmarks.zoo.config import Config
from tests.checkpoints import Array
from tests.models import config, weights, write
from tests.strategies import architecture, fingerprint_of, gpt2_like, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint, fingerprint
from verify.base import Phrase
from verify.fingerprint.heads import normed
from verify.inference import log10_p_fixed_points
from verify.statistics import HEAD_IDENTITY
from verify.statistics.blocks import score
from verify.statistics.head_identity import heads
from verify.statistics.matching import fixed_points

SHAPE = architecture(layers=6, heads=8, kv_heads=8, head_size=6)


def of_heads(folder: Path, w: dict[str, Array], c: Config) -> dict[str, np.ndarray]:
    """The arrays of heads of a model."""
    arrays = fingerprint(write(folder, w, c)).arrays
    return {name: x.astype(np.float64) for name, x in arrays.items() if name.startswith("heads.")}


def rows(w: dict[str, Array], layer: int, role: str) -> str:
    """Name of a matrix of attention."""
    name = f"model.layers.{layer}.self_attn.{role}_proj.weight"
    assert name in w
    return name


def other_basis(w: dict[str, Array], c: Config, rng: np.random.Generator) -> dict[str, Array]:
    """Another basis of the channels of each kv head: any of v, and planes of q and k turned by any angle."""
    new, sharing, half = dict(w), c.heads // c.kv_heads, c.head_size // 2
    for i in range(c.layers):
        q, k, v, o = (w[rows(w, i, role)].copy() for role in "qkvo")
        for g in range(c.kv_heads):
            own = slice(g * c.head_size, (g + 1) * c.head_size)
            mixing = rng.standard_normal((c.head_size, c.head_size))
            v[own] = mixing @ v[own]
            angle = rng.uniform(0, 2 * np.pi, half)
            turn = np.block(
                [[np.diag(np.cos(angle)), -np.diag(np.sin(angle))], [np.diag(np.sin(angle)), np.diag(np.cos(angle))]]
            )
            k[own] = turn @ k[own]
            for h in range(g * sharing, (g + 1) * sharing):
                own = slice(h * c.head_size, (h + 1) * c.head_size)
                o[:, own] = o[:, own] @ np.linalg.inv(mixing)
                q[own] = turn @ q[own]
        new |= {rows(w, i, role): x for role, x in zip("qkvo", (q, k, v, o), strict=True)}
    return new


def other_queries(w: dict[str, Array], c: Config, rng: np.random.Generator) -> dict[str, Array]:
    """Another order of the query heads of each kv head."""
    new, sharing = dict(w), c.heads // c.kv_heads
    for i in range(c.layers):
        order = np.concatenate([g * sharing + rng.permutation(sharing) for g in range(c.kv_heads)])
        at = (order[:, None] * c.head_size + np.arange(c.head_size)).ravel()
        new |= {rows(w, i, "q"): w[rows(w, i, "q")][at], rows(w, i, "o"): w[rows(w, i, "o")][:, at]}
    return new


def rotated_stream(w: dict[str, Array], c: Config, rng: np.random.Generator) -> dict[str, Array]:
    """A rotated stream, with gains folded in."""
    return changed(w, c, rng, "stream_rotation")


@pytest.mark.parametrize("change", [other_basis, other_queries, rotated_stream])
def test_no_change_of_basis_alters_heads(tmp_path: Path, change) -> None:
    c = config(width=32, heads=8, kv_heads=4)
    w = weights(1, c)
    before, after = (
        of_heads(tmp_path / "a", w, c),
        of_heads(tmp_path / "b", change(w, c, np.random.default_rng(2)), c),
    )
    assert set(before) == {f"heads.{layer}.{circuit}" for layer in range(2) for circuit in ("qk", "vo")}
    for name, x in before.items():
        np.testing.assert_allclose(after[name], x, atol=2e-3)


def test_permuted_heads_permute_the_rows(tmp_path: Path) -> None:
    c = config(width=32, heads=8, kv_heads=4)
    w = weights(1, c)
    permuted = changed(w, c, np.random.default_rng(3), "head_order", "query_order")
    before, after = of_heads(tmp_path / "a", w, c), of_heads(tmp_path / "b", permuted, c)
    for layer in range(c.layers):
        k, moved = (x[rows(w, layer, "k")].reshape(c.kv_heads, -1) for x in (w, permuted))
        order = [int(np.flatnonzero((k == row).all(1))[0]) for row in moved]
        for circuit in ("qk", "vo"):
            name = f"heads.{layer}.{circuit}"
            np.testing.assert_allclose(after[name], before[name][order], atol=1e-3)  # query heads are added in turn


def test_norms_of_queries_and_keys_are_applied() -> None:
    """Scaling a query head changes nothing behind a norm of each head; a gain on a channel does."""
    rng, gain = np.random.default_rng(0), np.array([1.0, 2.0, 0.5, 1.0])
    image = rng.standard_normal((8, 5))
    scaled = image * np.repeat([3.0, 0.1], 4)[:, None]
    np.testing.assert_allclose(normed(scaled, gain), normed(image, gain))
    parts = normed(image, gain).reshape(2, 4, 5) / gain[:, None]
    np.testing.assert_allclose(np.square(parts).mean(1), 1.0)
    assert not normed(np.zeros((4, 5)), gain).any()


# ---- size


def drawn(seed, shape=SHAPE) -> Fingerprint:
    """Heads that share nothing with those of any other model."""
    return fingerprint_of(random_arrays(np.random.default_rng(seed), shape, components=["heads"]), shape)


def with_alike_heads(rng):
    """Heads of a layer that resemble one another and heads of all models, two of them copies."""
    arrays, common = random_arrays(rng, SHAPE, components=["heads"]), np.random.default_rng(9)
    for name, x in arrays.items():
        if name.startswith("heads."):
            x *= 0.3
            x += common.standard_normal(x.shape[-1])
            first, second, dead = rng.permutation(len(x))[:3]
            x[second], x[dead] = x[first], 0
    return fingerprint_of(arrays, SHAPE)


def with_repeated_layers(rng):
    """All layers are copies of the first, with noise."""
    arrays = random_arrays(rng, SHAPE, components=["heads"])
    for name, x in arrays.items():
        if name.startswith("heads."):
            x[:] = arrays[f"heads.0.{name.split('.')[2]}"] + 0.2 * rng.standard_normal(x.shape)
    return fingerprint_of(arrays, SHAPE)


@pytest.mark.parametrize("kv_heads", [2, 3, 8])
def test_few_heads_keep_their_size(kv_heads: int) -> None:
    shape = architecture(layers=12, heads=2 * kv_heads, kv_heads=kv_heads)
    pairs = [(drawn([i, 0], shape), drawn([i, 1], shape)) for i in range(100)]
    check_super_uniform([HEAD_IDENTITY(a, b).log10_p for a, b in pairs])


@pytest.mark.parametrize("make", [with_alike_heads, with_repeated_layers])
def test_alike_heads_keep_their_size(make) -> None:
    pairs = [(make(np.random.default_rng([i, 0])), make(np.random.default_rng([i, 1]))) for i in range(100)]
    check_super_uniform([HEAD_IDENTITY(a, b).log10_p for a, b in pairs])


def test_the_harness_catches_layers_aligned_by_their_matches() -> None:
    """Choosing for each layer the one whose heads agree most inflates the size; the test does not."""

    def by_matches(a: Fingerprint, b: Fingerprint) -> float:
        x, y = heads(a), heads(b)
        most = [max(int(fixed_points(score(x[i]["heads"], y[j]["heads"])).sum()) for j in y) for i in x]
        return log10_p_fixed_points(sum(most), len(most))

    pairs = [(drawn([i, 0]), drawn([i, 1])) for i in range(100)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([by_matches(a, b) for a, b in pairs])
    check_super_uniform([HEAD_IDENTITY(a, b).log10_p for a, b in pairs])


def test_the_harness_catches_fixed_slopes() -> None:
    """Slopes of ALiBi make head 0 of all models look at near tokens; the test refuses there."""
    common = np.random.default_rng(1).standard_normal((8, 40))

    def sloped(seed) -> Fingerprint:
        arrays = random_arrays(np.random.default_rng(seed), SHAPE, components=["heads"])
        for name, x in arrays.items():
            if name.endswith(".qk"):
                x += common
        return fingerprint_of(arrays, SHAPE)

    pairs = [(sloped([i, 0]), sloped([i, 1])) for i in range(100)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([HEAD_IDENTITY(a, b).log10_p for a, b in pairs])
    told = stranger(1, SHAPE.model_copy(update={"heads_alike": False, "positions": "none"}))
    assert HEAD_IDENTITY(told, stranger(2, SHAPE)).reason == Phrase.of("heads_told_apart", model="A")


# ---- when it applies


def test_one_head_has_no_order() -> None:
    shape = architecture(kv_heads=1)
    assert HEAD_IDENTITY(stranger(1, shape), stranger(2)).reason == Phrase.of("one_head", model="A")


def test_unknown_norms_of_keys_leave_values() -> None:
    """Then logits are not compared, by the architectures alone."""
    odd = gpt2_like().model_copy(update={"query_key_norm": "layer", "layers": 12})
    known = odd.model_copy(update={"query_key_norm": "none"})
    arrays = random_arrays(np.random.default_rng(0), known)
    a = fingerprint_of({name: x for name, x in arrays.items() if not name.endswith(".qk")}, odd)
    assert HEAD_IDENTITY(a, fingerprint_of(arrays, known)).log10_p < -10
