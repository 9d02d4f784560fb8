"""Sensitivity to biased selection, and the bound on false matches of a panel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from verify import StatisticsError
from verify.inference import critical_odds_ratio, disjoint_pairs, false_match_bound, orbit_rank


@settings(max_examples=200)
@given(st.integers(2, 500), st.data(), st.sampled_from([0.05, 0.01, 0.001]))
def test_gamma_star_is_where_biased_selection_reaches_the_level(size, data, alpha):
    k = data.draw(st.integers(1, size - 1))
    gamma = critical_odds_ratio(k, size, alpha)
    assert gamma * k / (gamma * k + size - k) == pytest.approx(alpha)
    assert (gamma >= 1) == (k / size <= alpha) or gamma == pytest.approx(1)
    assert critical_odds_ratio(size, size, alpha) == 0


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0.05), (2.0, 0.095)])
def test_gamma_star_by_simulation_of_a_biased_claim(factor, expected):
    """The claim is drawn with odds Gamma towards the k highest of its orbit."""
    rng, size, k, alpha = np.random.default_rng(0), 231, 3, 0.05
    gamma = factor * critical_odds_ratio(k, size, alpha)
    hits = 0
    for _ in range(300):
        values = rng.standard_normal(size)
        weights = np.where(values >= np.sort(values)[-k], gamma, 1.0)
        claims = rng.choice(size, 40, p=weights / weights.sum())
        hits += sum(orbit_rank(values, int(claim)).rank <= k for claim in claims)
    assert hits / 12000 == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("rank_", "size", "alpha"), [(0, 5, 0.1), (6, 5, 0.1), (1, 5, 0.0), (1, 5, 1.0)])
def test_a_rank_outside_its_orbit_has_no_sensitivity(rank_, size, alpha):
    with pytest.raises(StatisticsError, match="outside the domain"):
        critical_odds_ratio(rank_, size, alpha)


@pytest.mark.parametrize("pairs", [1, 5, 10, 40])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_false_match_bound_covers_every_rate(pairs, confidence):
    """By enumeration of the binomial law."""
    bounds = np.array([false_match_bound(x, pairs, confidence) for x in range(pairs + 1)])
    assert (np.diff(bounds) > 0).all()
    for q in np.linspace(0, 1, 201):
        assert binom.pmf(np.arange(pairs + 1), pairs, q)[bounds >= q].sum() >= confidence - 1e-9


@pytest.mark.parametrize("pairs", [1, 10, 500])
def test_the_false_match_bound_without_exceedance(pairs):
    assert false_match_bound(0, pairs) == pytest.approx(1 - 0.05 ** (1 / pairs))
    with pytest.raises(StatisticsError, match="outside the domain"):
        false_match_bound(pairs + 1, pairs)


def test_overlapping_pairs_do_not_bound_the_false_match_rate():
    """All M(M-1)/2 pairs taken for independent: the bound is far too small when hubs are rare and strong."""
    rng, covered, M = np.random.default_rng(0), 0, 20
    hub = 0.03
    rate = 1 - (1 - hub) ** 2  # two strangers exceed if either is a hub
    for _ in range(500):
        hubs = rng.random(M) < hub
        exceed = hubs[:, None] | hubs
        covered += false_match_bound(int(exceed[np.triu_indices(M, 1)].sum()), M * (M - 1) // 2) >= rate
    assert covered / 500 < 0.6


@given(st.lists(st.text(max_size=8), unique=True, max_size=21))
def test_disjoint_pairs_use_each_model_once_whatever_the_order(names):
    pairs = disjoint_pairs(names)
    used = [i for pair in pairs for i in pair]
    assert len(pairs) == len(names) // 2
    assert len(set(used)) == len(used)
    backwards = names[::-1]
    assert [{names[i], names[j]} for i, j in pairs] == [
        {backwards[i], backwards[j]} for i, j in disjoint_pairs(backwards)
    ]
