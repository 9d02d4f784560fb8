"""Channels of q and k that positions do not turn: exact for strangers, and what the symmetry is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.strategies import architecture, fingerprint_of, random_arrays
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint, fingerprint
from verify.base import Phrase
from verify.checkpoint import Architecture
from verify.data import model as shipped
from verify.inference import log10_p_fixed_points
from verify.statistics import QUERY_KEY_IDENTITY
from verify.statistics.groups import groups
from verify.statistics.matching import fixed_points
from verify.statistics.query_key_identity import _by_both

KEYS = ("keys", "key_responses")
PAIRS = 100


def shape(**changes: object) -> Architecture:
    """Twelve channels in each of two heads of three layers, none turned."""
    return architecture(**({"positions": "learned", "query_key_norm": "none"} | changes))


def plain(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    return random_arrays(rng, what, components=KEYS)


def scattered(
    arrays: dict[str, np.ndarray], rng: np.random.Generator, *, order: bool = True
) -> dict[str, np.ndarray]:
    """Channels of every head in random order (unless it is fixed) and with random signs, all vectors alike."""
    drawn: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, x in arrays.items():
        heads, n = x.shape[:2]
        where = name.partition(".")[2].rpartition(".")[0]
        if where not in drawn:
            orders = np.stack([rng.permutation(n) if order else np.arange(n) for _ in range(heads)])
            drawn[where] = orders, rng.choice([-1.0, 1.0], (heads, n))
        orders, signs = drawn[where]
        arrays[name] = np.take_along_axis(x, orders[..., None, None], 1) * signs[..., None, None]
    return arrays


def with_hubs(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    """Channels that every model has, anywhere, and two that resemble everything."""
    arrays, public = plain(rng, what), np.random.default_rng(7)
    for name, x in arrays.items():
        common = public.standard_normal(x.shape[2:])
        arrays[name] = 0.5 * x + public.standard_normal(x.shape)
        arrays[name][:, :2] += 5 * common
    return scattered(arrays, rng)


def with_dead_and_equal_channels(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    arrays = plain(rng, what)
    for x in arrays.values():
        x[:, :2] = 0
        x[:, 3:7] = x[:, 2:3]
    return scattered(arrays, rng)


def with_one_layer_repeated(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    arrays = plain(rng, what)
    for name, x in arrays.items():
        kind, _, *rest = name.split(".")
        arrays[name] = arrays[".".join([kind, "0", *rest])] + 0.1 * x
    return arrays


def with_gains(rng: np.random.Generator, what: Architecture) -> dict[str, np.ndarray]:
    """Every model has the same at the same channel, but for signs."""
    arrays, public = plain(rng, what), np.random.default_rng(7)
    arrays = {name: 0.5 * x + public.standard_normal(x.shape) for name, x in arrays.items()}
    return scattered(arrays, rng, order=False)


NULLS: dict[str, tuple[Callable[..., dict[str, np.ndarray]], Architecture]] = {
    "plain": (plain, shape()),
    "hubs": (with_hubs, shape()),
    "dead and equal channels": (with_dead_and_equal_channels, shape()),
    "one layer repeated": (with_one_layer_repeated, shape(layers=8)),
    "gains": (with_gains, shape(query_key_norm="gain")),
    "two channels": (plain, shape(head_size=2, layers=8)),
    "beside turned ones": (with_hubs, shape(rotary="half", rotary_size=4, positions="rotary")),
}


def strangers(kind: str, seed: object) -> list[Fingerprint]:
    make, what = NULLS[kind]
    rng = np.random.default_rng(seed)
    return [fingerprint_of(make(rng, what), what, components=KEYS) for _ in "ab"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", NULLS)
def test_p_values_of_strangers_are_super_uniform(kind: str) -> None:
    results = [QUERY_KEY_IDENTITY(*strangers(kind, [i, *kind.encode()])) for i in range(PAIRS)]
    assert all(result.applicable for result in results)
    check_super_uniform([result.log10_p for result in results])


@pytest.mark.slow
def test_the_harness_catches_the_order_of_channels_with_gains() -> None:
    """Only their signs are free, and only they are counted."""
    pairs = [strangers("gains", i) for i in range(PAIRS)]

    def by_order(a: Fingerprint, b: Fingerprint) -> float:
        found = groups(_by_both, a, b).separate
        return log10_p_fixed_points(sum(int(fixed_points(group.scores).sum()) for group in found), len(found))

    with pytest.raises(NotSuperUniformError):
        check_super_uniform([by_order(a, b) for a, b in pairs])
    result = QUERY_KEY_IDENTITY(*pairs[0])
    assert [count.law for count in result.counts] == ["signs"]
    because = Phrase.of("keys_gain", model="A")
    assert result.notes == (Phrase.of("left_out", part="fixed points", because=because),)


def test_a_relative_is_found_and_a_stranger_is_not() -> None:
    reference = fingerprint(shipped("gpt2-reference"))
    assert QUERY_KEY_IDENTITY(fingerprint(shipped("gpt2-fine-tuned")), reference).log10_p < -100
    assert QUERY_KEY_IDENTITY(fingerprint(shipped("gpt2-stranger")), reference).log10_p > -2


def test_it_survives_another_width_by_responses_alone() -> None:
    rng = np.random.default_rng(1)
    arrays = plain(rng, shape())
    wider = fingerprint_of(plain(rng, shape(width=30)), shape(width=30), components=KEYS)
    seen = {name: x for name, x in arrays.items() if name.startswith("key_responses")}
    child = Fingerprint(wider.record, dict(wider.arrays) | fingerprint_of(seen, shape(), components=KEYS).arrays)
    found = QUERY_KEY_IDENTITY(child, fingerprint_of(arrays, shape(), components=KEYS))
    assert found.counts[0].count == found.counts[0].n


@pytest.mark.parametrize(
    ("changes", "code", "values"),
    [
        ({"rotary": "half", "rotary_size": 12}, "all_turned", {"model": "A"}),
        ({"rotary": "half", "rotary_size": 4}, "plain_sizes", {"a": 8, "b": 12}),
        ({"query_key_norm": "layer"}, "keys_layer_norm", {"model": "A"}),
    ],
)
def test_what_does_not_apply_says_why(changes: dict[str, object], code: str, values: dict[str, object]) -> None:
    rng = np.random.default_rng(0)
    a, b = (fingerprint_of(plain(rng, what), what, components=KEYS) for what in (shape(**changes), shape()))
    assert QUERY_KEY_IDENTITY(a, b).reason == Phrase.of(code, **values)


def test_a_fingerprint_follows_its_channels(tmp_path: Path) -> None:
    """Reordered and flipped channels of q and k of a GPT-2 reorder and flip the rows, to the bit."""
    from safetensors.numpy import load_file, save_file

    source = shipped("gpt2-reference")
    w, rng = load_file(source / "model.safetensors"), np.random.default_rng(3)
    size, heads, width = 16, 4, 64
    order = np.concatenate([h * size + rng.permutation(size) for h in range(heads)])
    signs = rng.choice(np.float32([-1, 1]), heads * size)
    for layer in range(2):
        for ending in ("weight", "bias"):
            name = f"transformer.h.{layer}.attn.c_attn.{ending}"
            x = w[name].copy()
            for start in (0, width):  # q, then k
                x[..., start : start + width] = x[..., start : start + width][..., order] * signs
            w[name] = x
    (tmp_path / "moved").mkdir()
    save_file(w, tmp_path / "moved" / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / "moved" / name).write_bytes((source / name).read_bytes())
    before, after = fingerprint(source), fingerprint(tmp_path / "moved")
    for name, x in before.arrays.items():
        if name.startswith(("keys", "key_responses")):
            rows = x.reshape(heads * size, -1)[order] * signs[:, None]
            np.testing.assert_array_equal(after.arrays[name].reshape(rows.shape), rows, err_msg=name)
        elif name.startswith(("values", "units", "stream")):
            np.testing.assert_array_equal(after.arrays[name], x, err_msg=name)
