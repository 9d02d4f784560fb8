"""Rank among twins: super-uniform for exchangeable recipes whatever happens inside one; what breaks it is shown."""

from itertools import permutations
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.base import StatisticsError
from verify.inference import larger_rank, pair_design, twin_rank
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


def drawn(rng, recipes, references, *, shared=0.0):
    """Scores of strangers: hubs that multiply, affinity inside a recipe and a corpus, and unequal noise.

    Each recipe trains for a time of its own, which multiplies all scores of its models and makes them less noisy, on
    one of eight corpora; references are of further recipes. The last recipe is the claim's.

    Returns
    -------
    tuple
        Score of each recipe's pair [recipes], of its models with the references [recipes, 2, references], and of the
        references with one another [references, references].
    """
    corpus = rng.integers(0, 8, recipes)
    length, affinity = rng.normal(0, 0.5, recipes), rng.gamma(4.0, 0.15, recipes)
    noise = 0.1 * np.exp(-0.5 * length) * rng.gamma(5.0, 0.2, recipes)
    hubs = length[:, None] + rng.normal(0, 0.1, (recipes, 2)) + shared
    of_references = rng.normal(0, 0.3, references)
    their_corpus = rng.integers(0, 8, references)
    base = np.log(0.02)
    pairs = base + hubs.sum(1) / 1.5 + affinity + noise * rng.normal(0, 1, recipes)
    same = 0.3 * (corpus[:, None] == their_corpus)[:, None, :]
    levels = base + hubs[:, :, None] / 1.5 + of_references + same
    levels = levels + noise[:, None, None] * rng.normal(0, 1, (recipes, 2, references))
    among = base + of_references[:, None] + of_references + 0.1 * rng.normal(0, 1, (references, references))
    among = (among + among.T) / 2
    return np.exp(pairs), np.exp(levels), np.exp(among)


def p_values(rng, trials, recipes=124, references=16):
    """p of the claim by the residual rung alone, and of the verdict: the larger with that of twins, and an effect."""
    alone, verdict = [], []
    for _ in range(trials):
        pairs, levels, among = drawn(rng, recipes + 1, references)
        S = np.full((references + 2, references + 2), np.nan)
        S[2:, 2:] = among
        S[:2, 2:], S[2:, :2] = levels[-1], levels[-1].T
        S[0, 1] = S[1, 0] = pairs[-1]
        T = above_levels(pairs, levels)
        among_twins = twin_rank(T[-1], T[:-1])
        among_pairs = larger_rank(S, pair_design(len(S)))
        strangers = max(pairs[:-1].max(), among[np.triu_indices(references, 1)].max())
        alone.append(10**among_pairs.log10_p)
        both = 10 ** max(among_pairs.log10_p, among_twins.log10_p)
        verdict.append(both if pairs[-1] > strangers else 1.0)
    return np.array(alone), np.array(verdict)


def test_affinity_of_a_recipe_misleads_ranks_among_members_and_not_the_verdict():
    """Strangers of one recipe among members of others: the residual rung is wrong by far, and twins hold."""
    alone, verdict = p_values(np.random.default_rng(0), 600)
    assert (alone <= 0.01).mean() > 0.15
    assert (verdict <= 0.01).mean() <= 0.01
    assert (verdict <= 0.05).mean() <= 0.05


def test_twins_hold_their_level_by_themselves():
    """The p-value of the twin rung alone is uniform, hubs, affinity and noise or not: 2000 claims on 39 recipes."""
    rng, ranks = np.random.default_rng(1), []
    for _ in range(2000):
        T = above_levels(*drawn(rng, 40, 6)[:2])
        ranks.append(twin_rank(T[-1], T[:-1]).rank)
    for level in (0.05, 0.1, 0.5):
        share, sd = np.mean(np.array(ranks) <= 40 * level), (level * (1 - level) / 2000) ** 0.5
        assert abs(share - level) < 4 * sd


def test_a_claim_of_another_kind_than_the_recipes_breaks_it():
    """The assumption is needed: a claim whose recipe shares more than any of the panel's does is called extreme."""
    rng, extreme = np.random.default_rng(2), 0
    for _ in range(200):
        pairs, levels, _ = drawn(rng, 100, 6)
        pairs[-1] *= exp(2)
        T = above_levels(pairs, levels)
        extreme += twin_rank(T[-1], T[:-1]).rank == 1
    assert extreme > 100
