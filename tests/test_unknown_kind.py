"""The rank among models of declared kinds when the kinds of A and B are unknown: its size, and what breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from verify.base import StatisticsError
from verify.inference import larger_rank, least_pairs, pair_design, unknown_kind_rank, unknown_kind_row

Array = NDArray[np.float64]
SIZES = {"narrow": 6, "wide": 9, "other": 12}
LEVELS = (0.05, 0.2)
DRAWS = 1500


def scores(rng: np.random.Generator, kinds: list[str], *, hubs: bool = False, affinity: float = 3.0) -> Array:
    """Scores of unrelated models, higher within the kind ``narrow`` and lower with ``other``."""
    n = len(kinds)
    level = {"narrow": affinity, "wide": 0.5, "other": 0.0}
    S = rng.standard_normal((n, n))
    for i in range(n):
        for j in range(i):
            S[i, j] += level[kinds[i]] if kinds[i] == kinds[j] else 0.0
    if hubs:
        h = 4 * rng.exponential(size=n)
        S += h[:, None] + h
    S = np.tril(S, -1)
    return S + S.T


def called(of_a: str, of_b: str, *, hubs: bool = False, affinity: float = 3.0) -> tuple[list[float], list[float]]:
    """Shares of unrelated pairs with p at most each level: by the smallest kind, and over all pairs."""
    rng, others = np.random.default_rng(7), [kind for kind, size in SIZES.items() for _ in range(size)]
    found, over_all = [], []
    for _ in range(DRAWS):
        S = scores(rng, [of_a, of_b, *others], hubs=hubs, affinity=affinity)
        found.append(10 ** unknown_kind_rank(S, others).log10_p)
        over_all.append(10 ** larger_rank(S, pair_design(len(S))).log10_p)
    return tuple([float((np.array(p) <= level + 1e-12).mean()) for level in LEVELS] for p in (found, over_all))  # type: ignore[return-value]


@pytest.mark.parametrize(("of_a", "of_b"), [("narrow", "narrow"), ("wide", "wide"), ("other", "narrow")])
@pytest.mark.parametrize("hubs", [False, True])
def test_unrelated_models_of_any_kind_reach_a_level_no_more_often_than_it_says(
    of_a: str, of_b: str, hubs: bool
) -> None:
    """Also where effects of single models are larger than all else."""
    rates, _ = called(of_a, of_b, hubs=hubs)
    for rate, level in zip(rates, LEVELS, strict=True):
        assert rate <= level + 3 * np.sqrt(level * (1 - level) / DRAWS)


def test_over_all_pairs_two_models_of_an_affine_kind_would_be_called_related() -> None:
    """That is why the smallest kind is counted; and of a kind that no other model is of, nothing is guaranteed."""
    rates, over_all = called("narrow", "narrow")
    assert over_all[0] > 3 * LEVELS[0]
    assert rates[0] <= LEVELS[0] * 1.5
    rng, others = np.random.default_rng(8), ["other"] * 13
    unseen = [
        10 ** unknown_kind_rank(scores(rng, ["narrow", "narrow", *others], affinity=6.0), others).log10_p <= 0.05
        for _ in range(200)
    ]
    assert np.mean(unseen) > 0.5


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_two_models_of_different_kinds_have_no_fewer_pairs_than_the_smallest_kind(sizes: list[int]) -> None:
    least = least_pairs([kind for kind, size in enumerate(sizes) for _ in range(size)])
    assert least == min((n + 2) * (n + 1) // 2 for n in sizes)
    for i, one in enumerate(sizes):
        assert all((one + 1) * (other + 1) >= least for j, other in enumerate(sizes) if j != i)


@given(st.integers(0, 999), st.permutations(range(8)))
def test_the_rank_does_not_depend_on_the_order_of_the_others_nor_on_who_is_a(seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    kinds = ["x", "x", "x", "y", "y", "y", "y", "y"]
    S = rng.standard_normal((10, 10))
    S = S + S.T
    at = [0, 1, *(2 + k for k in order)]
    found = unknown_kind_rank(S, kinds)
    assert unknown_kind_rank(S[np.ix_(at, at)], [kinds[k] for k in order]) == found
    swapped = [1, 0, *range(2, 10)]
    assert unknown_kind_rank(S[np.ix_(swapped, swapped)], kinds) == found
    assert unknown_kind_row(S, kinds, 0) == unknown_kind_row(S[np.ix_(swapped, swapped)], kinds, 1)


def test_ties_count_against_the_claim_and_p_is_at_most_one() -> None:
    found = unknown_kind_rank(np.ones((9, 9)), ["x"] * 3 + ["y"] * 4)
    assert (found.rank, found.size, found.log10_p) == (10, 10, 0.0)
    row = unknown_kind_row(np.ones((9, 9)), ["x"] * 3 + ["y"] * 4, 1)
    assert (row.rank, row.size) == (4, 4)


def test_rows_hold_for_a_model_of_an_unknown_kind() -> None:
    rng, low = np.random.default_rng(3), 0
    others = ["narrow"] * 9 + ["other"] * 19
    for _ in range(DRAWS):
        S = scores(rng, ["narrow", "narrow", *others])
        low += 10 ** unknown_kind_row(S, others, 1).log10_p <= 0.1 + 1e-12
    assert low / DRAWS <= 0.1 + 3 * np.sqrt(0.09 / DRAWS)


def test_no_others_are_refused() -> None:
    with pytest.raises(StatisticsError, match="at least one"):
        least_pairs([])
    with pytest.raises(StatisticsError, match="shape"):
        unknown_kind_rank(np.ones((5, 5)), ["x"] * 8)
