"""The interval of a share: an exact test inverted, whatever the vectors are, if the order says nothing."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from verify.base import StatisticsError
from verify.inference import Drawn, Share, drawn, products, share_of
from verify.inference.share_interval import _orders

Array = NDArray[np.float64]

SEEDS = st.integers(0, 2**32 - 1)
DRAWS = 199


def vectors(rng: np.random.Generator, n: int, d: int, kind: str) -> Array:
    """Rows of some kind: equal entries, hubs, dead rows, a common mean, heavy tails."""
    x = rng.standard_normal((n, d))
    if kind == "ties":
        x = np.sign(x)
    if kind == "hub":
        x[0] *= 50
    if kind == "dead":
        x[::2] = 0
    if kind == "mean":
        x += 5 * rng.standard_normal(d)
    if kind == "heavy":
        x *= np.exp(2 * rng.standard_normal((n, 1)))
    if kind == "duplicates":
        x[n // 2 :] = x[: n - n // 2]
    return x


KINDS = ("normal", "ties", "hub", "dead", "mean", "heavy", "duplicates")


def found(
    child: list[Array], candidate: list[Array], others: list[list[Array]], *, draws: int = DRAWS, seed: int = 1
) -> Drawn:
    """Sums over blocks of independent order."""
    blocks = zip(child, candidate, *others, strict=True)
    return reduce(
        add, (drawn([products(c, a, rest)], draws, seed=seed, number=n)[0] for n, (c, a, *rest) in enumerate(blocks))
    )


@settings(max_examples=40)
@given(SEEDS, st.sampled_from(KINDS), st.integers(4, 12), st.integers(0, 2), st.sampled_from([0.9, 0.95]))
def test_the_interval_holds_the_shares_that_the_test_does_not_reject(
    seed: int, kind: str, n: int, others: int, level: float
) -> None:
    """By its definition: each share tested by itself, with orders drawn once."""
    rng = np.random.default_rng(seed)
    child, candidate, *rest = ([vectors(rng, n, 6, kind) for _ in range(2)] for _ in range(2 + others))
    child = [c + 0.5 * a for c, a in zip(child, candidate, strict=True)]
    sums = found(child, candidate, rest)
    share = share_of(sums, level)
    low, high = share.interval
    for s in np.linspace(-3, 3, 61):
        own = abs(sums.child - s * sums.own) * (1 - 1e-11)
        p = (1 + np.count_nonzero(np.abs(sums.drawn_child - s * sums.drawn_own) >= own)) / (DRAWS + 1)
        near = min(abs(s - low), abs(s - high)) < 1e-9
        accepted, bounded = p > 1 - level + 1e-12, np.abs(sums.drawn_own) < sums.own * (1 - 1e-12)
        assert near or not accepted or low <= s <= high
        assert near or accepted or not low <= s <= high or not bounded.all()
    if np.isfinite(share.estimate):
        assert low <= share.estimate <= high


@settings(max_examples=30)
@given(SEEDS, st.sampled_from(KINDS), st.floats(-3, 3), st.floats(0.1, 10))
def test_a_share_added_to_the_child_is_added_to_the_interval(seed: int, kind: str, more: float, scale: float) -> None:
    """The scale of all models does not matter, and what others give is taken out."""
    rng = np.random.default_rng(seed)
    child, candidate, other = ([vectors(rng, 12, 8, kind)] for _ in range(3))
    plain = share_of(found(child, candidate, [other]), 0.9)
    changed = [c + more * a + 7 * b for c, a, b in zip(child, candidate, other, strict=True)]
    moved = share_of(found([scale * c for c in changed], [scale * a for a in candidate], [other]), 0.9)
    if np.isfinite(plain.interval.low):
        assert np.allclose(np.subtract(moved.interval, more), plain.interval, atol=1e-6 * (1 + abs(more)))
    else:
        assert not np.isfinite(moved.interval.low)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.9, 0.99])
def test_it_contains_the_share_as_often_as_it_says(kind: str, level: float) -> None:
    """Given the rest of the child and another candidate, as odd as can be, for the candidate's rows in any order."""
    rng = np.random.default_rng([KINDS.index(kind), int(1000 * level)])
    tries, missed, true = 250, 0, 0.4
    rows, rest, other = ([vectors(rng, 8, 5, kind) for _ in range(2)] for _ in range(3))
    rest = [r + 0.3 * b for r, b in zip(rest, other, strict=True)]
    for seed in range(tries):
        candidate = [x[rng.permutation(len(x))] for x in rows]
        child = [true * a + r for a, r in zip(candidate, rest, strict=True)]
        low, high = share_of(found(child, candidate, [other], seed=seed), level).interval
        missed += not low - 1e-9 <= true <= high + 1e-9
    assert missed <= binom.ppf(0.9999, tries, 1 - level)


def test_it_misses_where_the_order_says_something() -> None:
    """If both are in order of size, a stranger is given a share: the assumption is needed."""
    rng = np.random.default_rng(0)
    missed = 0
    for seed in range(60):
        child, candidate = (np.sort(np.exp(rng.standard_normal((32, 4))), axis=0) for _ in range(2))
        low, high = share_of(found([child], [candidate], [], seed=seed), 0.99).interval
        missed += not low <= 0 <= high
    assert missed > 50


def test_copies_counted_as_independent_miss_and_permuted_as_one_do_not() -> None:
    """Two blocks of a candidate in one order are one draw of an order, not two."""
    rng = np.random.default_rng(1)
    apart = together = 0
    tries = 200
    for seed in range(tries):
        child = vectors(rng, 6, 3, "heavy")
        candidate = vectors(rng, 6, 3, "heavy")
        blocks = [products(child, candidate, ())] * 8
        free = [drawn([block], DRAWS, seed=seed, number=n)[0] for n, block in enumerate(blocks)]
        one = drawn(blocks, DRAWS, seed=seed)
        apart += share_of(reduce(add, free), 0.9).p <= 0.1
        together += share_of(reduce(add, one), 0.9).p <= 0.1
    assert apart > 3 * tries * 0.1
    assert together <= binom.ppf(0.9999, tries, 0.1)


@settings(max_examples=20)
@given(SEEDS)
def test_a_copy_among_the_others_leaves_nothing_to_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    child, candidate = (vectors(rng, 10, 6, "normal") for _ in range(2))
    share = share_of(found([child], [candidate], [[2 * candidate]]), 0.9)
    assert not np.isfinite(share.interval.low)
    assert not np.isfinite(share.interval.high)


def test_little_beyond_a_relative_makes_a_wide_interval() -> None:
    """Of two candidates of one origin, neither's share of an innocent child is pinned down."""
    rng = np.random.default_rng(3)
    origin, child = (vectors(rng, 64, 16, "normal") for _ in range(2))
    near, far = ([origin + size * vectors(rng, 64, 16, "normal") for _ in range(2)] for size in (0.01, 1.0))
    wide, narrow = (share_of(found([child], [a], [[b]]), 0.9).interval for a, b in (near, far))
    assert wide.high - wide.low > 10 * (narrow.high - narrow.low)


@settings(max_examples=20)
@given(st.integers(1, 8), SEEDS)
def test_every_order_is_as_likely(n: int, seed: int) -> None:
    """The draws are permutations, and those of other seeds and sets of blocks are others."""
    drawn_orders = _orders(n, 50, f"{seed} 0 0")
    assert (np.sort(drawn_orders, axis=1) == np.arange(n)).all()
    if n == 8:
        assert not np.array_equal(drawn_orders, _orders(n, 50, f"{seed} 1 0"))


def test_draws_are_uniform_and_the_same_everywhere() -> None:
    orders = _orders(3, 6000, "1 0 0")
    counts = [int((orders == order).all(axis=1).sum()) for order in permutations(range(3))]
    assert min(counts) > 890
    assert max(counts) < 1110
    assert _orders(5, 3, "1 0 0").tolist() == [[4, 3, 2, 1, 0], [4, 1, 3, 2, 0], [0, 1, 3, 2, 4]]


def test_too_few_draws_are_refused() -> None:
    rng = np.random.default_rng(0)
    sums = found([vectors(rng, 8, 4, "normal")], [vectors(rng, 8, 4, "normal")], [])
    with pytest.raises(StatisticsError, match="draw at least"):
        share_of(sums, 0.999)
    assert isinstance(share_of(sums, 0.99), Share)
