"""Rank among twins: super-uniform for exchangeable recipes whatever happens inside one; what breaks it is shown."""

from itertools import permutations
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.affinity import drawn, p_values, rank_of_last
from verify.base import StatisticsError
from verify.inference import twin_rank
from verify.panel.twins import above_levels

SCORES = st.lists(st.integers(0, 5), min_size=2, max_size=6)


@given(SCORES)
def test_any_values_in_all_orders_are_super_uniform(values):
    """With ties, exactly: of all the ways to say which recipe is the claim's, at most k have rank k or less."""
    ranks = [twin_rank(first, rest).rank for first, *rest in permutations(values)]
    for k in range(1, len(values) + 1):
        assert sum(rank <= k for rank in ranks) <= k * len(ranks) / len(values)


@given(SCORES, st.floats(0.1, 3))
def test_a_common_factor_and_the_order_of_recipes_change_nothing(values, factor):
    first, *rest = values
    found = twin_rank(first, rest)
    assert found == twin_rank(factor * first, [factor * value for value in reversed(rest)])
    assert (found.size, found.rank) == (len(values), 1 + sum(value >= first for value in rest))


def test_a_tie_counted_for_the_claim_would_break_it():
    """Of equal scores all rank last; counting ties the other way, all would rank first."""
    values = [1.0] * 20
    assert {twin_rank(first, rest).rank for first, *rest in (values[i:] + values[:i] for i in range(20))} == {20}
    assert 1 + sum(value > 1.0 for value in values[1:]) == 1


@pytest.mark.parametrize(("claim", "twins"), [(0.5, []), (0.5, [[0.1]]), (np.nan, [0.1]), (0.5, [0.1, np.inf])])
def test_what_is_no_score_is_refused(claim, twins):
    with pytest.raises(StatisticsError):
        twin_rank(claim, twins)


@given(st.floats(0.2, 5), st.floats(0.2, 5), st.floats(0, 1))
def test_factors_of_models_cancel_but_for_the_floor(h, g, share):
    """A model that resembles everything twice as much gets no larger T."""
    levels = np.full((2, 4), 50.0)
    alike = above_levels(100 * share + 50, levels)
    moved = above_levels((100 * share + 50) * h * g, levels * [[h], [g]])
    assert moved == pytest.approx(float(alike), abs=0.01)


def test_a_share_of_zero_has_a_score_and_a_share_below_none():
    assert np.isfinite(above_levels(0.0, np.zeros((2, 3))))
    with pytest.raises(StatisticsError, match="logarithm"):
        above_levels(-0.01, np.zeros((2, 3)))


def test_affinity_of_a_recipe_misleads_ranks_among_members_and_not_the_verdict():
    """Strangers of one recipe among members of others: the residual rung is wrong by far, and twins hold."""
    alone, verdict = p_values(np.random.default_rng(0), 600)
    assert (alone <= 0.01).mean() > 0.15
    assert (verdict <= 0.01).mean() <= 0.01
    assert (verdict <= 0.05).mean() <= 0.05


def test_twins_hold_their_level_by_themselves():
    """The p-value of T is uniform, hubs, affinity and noise or not; the larger one is no smaller."""
    rng, ranks, larger = np.random.default_rng(1), [], []
    for _ in range(2000):
        pairs, levels, _ = drawn(rng, 40, 6)
        T = above_levels(pairs, levels)
        ranks.append(twin_rank(T[-1], T[:-1]).rank)
        larger.append(rank_of_last(pairs, levels).rank)
    for level in (0.05, 0.1, 0.5):
        sd = (level * (1 - level) / 2000) ** 0.5
        assert abs(np.mean(np.array(ranks) <= 40 * level) - level) < 4 * sd
        assert level / 2 < np.mean(np.array(larger) <= 40 * level) < level + 4 * sd


def test_a_claim_of_another_kind_than_the_recipes_breaks_it():
    """The assumption is needed: a claim whose recipe shares more than any of the panel's does is called extreme."""
    rng, extreme = np.random.default_rng(2), 0
    for _ in range(200):
        pairs, levels, _ = drawn(rng, 100, 6)
        pairs[-1] *= exp(2)
        extreme += rank_of_last(pairs, levels).rank == 1
    assert extreme > 100


@pytest.mark.parametrize("factor", [1.5, 2.0, 4.0])
def test_models_trained_longer_than_those_of_every_recipe(factor):
    """One floor keeps a factor from cancelling where scores are as small, and calls them too often; two do not."""
    rng, alone, both = np.random.default_rng(3), 0, 0
    for _ in range(2000):
        pairs, levels, _ = drawn(rng, 100, 16)
        pairs[-1], levels[-1] = pairs[-1] * factor**2, levels[-1] * factor
        T = above_levels(pairs, levels)
        alone += twin_rank(T[-1], T[:-1]).rank == 1
        both += rank_of_last(pairs, levels).rank == 1
    assert both <= 20 + 4 * 20**0.5
    if factor >= 2:
        assert alone > 20 + 6 * 20**0.5
