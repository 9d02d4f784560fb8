"""Signs and multiplicity, against enumeration and against established libraries."""

from itertools import product
from math import comb, log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaincinv
from scipy.stats import binom

from verify import StatisticsError
from verify.inference import (
    benjamini_yekutieli,
    bonferroni_min,
    critical_agreement,
    critical_count,
    detectable_agreement,
    detectable_share,
    false_match_bound,
    holm,
    log10_p_signs,
    smallest_share,
)


@pytest.mark.parametrize("n", range(1, 11))
def test_the_sign_law_is_that_of_the_enumerated_group(n):
    """Theorem (signs): over all flips of n numbers the count of positives has this tail."""
    numbers = np.random.default_rng(n).standard_normal(n)
    counts = np.array([(numbers * signs > 0).sum() for signs in product([-1, 1], repeat=n)])
    for k in range(n + 1):
        assert 10 ** log10_p_signs(k, n) == pytest.approx((counts >= k).mean())


@given(st.integers(0, 5000), st.floats(0, 1))
def test_the_sign_law_agrees_with_scipy(n, part):
    k = round(n * part)
    expected = binom.logsf(k - 1, n, 0.5) / np.log(10)
    if expected > -280:  # beyond, scipy underflows
        assert log10_p_signs(k, n) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_sign_law_does_not_underflow():
    assert log10_p_signs(100_000, 100_000) == pytest.approx(-100_000 * log10(2))


def test_impossible_sign_counts_are_refused():
    with pytest.raises(StatisticsError, match="outside the domain"):
        log10_p_signs(5, 4)


@given(st.integers(1, 300), st.floats(-20, -0.4))
def test_the_critical_agreement_is_the_first_to_reach_the_level(n, level):
    k = critical_agreement(n, level)
    if k is None:
        assert log10_p_signs(n, n) > level
    else:
        assert log10_p_signs(k, n) <= level < log10_p_signs(k - 1, n)


def test_the_detectable_agreement_has_the_power_it_states():
    probability = detectable_agreement(700, -3.7)
    found = np.random.default_rng(0).binomial(700, probability, 4000)
    power = np.mean([log10_p_signs(int(k), 700) <= -3.7 for k in found])
    assert 0.94 < power < 0.97


@settings(max_examples=30)
@given(st.lists(st.floats(-200, 0), min_size=1, max_size=20), st.integers(0, 30))
def test_adjustments_are_those_of_statsmodels(logs, more):
    """Where p does not underflow; hypotheses that are not listed have p = 1."""
    from statsmodels.stats.multitest import multipletests  # seconds to load, and needed nowhere else

    p = np.array([10**x for x in logs] + [1.0] * more)
    for method, ours in (("holm", holm), ("fdr_by", benjamini_yekutieli)):
        theirs = multipletests(p, method=method)[1][: len(logs)]
        np.testing.assert_allclose(10 ** np.array(ours(logs, len(p))), theirs, rtol=1e-9)


def test_the_smallest_of_p_values_is_bonferronis_of_statsmodels():
    """Where p does not underflow."""
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    for m in rng.integers(1, 30, 100):
        logs = -9 * rng.random(m)
        theirs = multipletests(10**logs, method="bonferroni")[1].min()
        assert 10 ** bonferroni_min(logs.tolist()) == pytest.approx(theirs, rel=1e-12)


def test_shares_and_bounds_are_the_limits_of_statsmodels_and_have_the_power_of_scipy():
    """Clopper and Pearson's upper limit for one fewer, at twice the tail."""
    from statsmodels.stats.proportion import proportion_confint

    rng = np.random.default_rng(1)
    for n in rng.integers(1, 2000, 300):
        k, power = int(rng.integers(1, n + 1)), float(rng.uniform(0.5, 0.9999))
        share = smallest_share(k, int(n), power)
        assert share == pytest.approx(proportion_confint(k - 1, n, 2 * (1 - power), "beta")[1], rel=1e-9)
        assert binom.sf(k - 1, n, share) == pytest.approx(power, rel=1e-9)
        assert false_match_bound(k - 1, int(n), power) == pytest.approx(share, rel=1e-9)


@given(st.data(), st.integers(1, 1_000_000), st.sampled_from([0.05, 0.5, 0.95, 0.999]))
@settings(deadline=None)
def test_the_smallest_share_is_the_inverse_of_the_incomplete_beta_function(
    data: st.DataObject, n: int, power: float
) -> None:
    """To the digits that are given, from one success in a million to a million in a million."""
    needed = data.draw(st.integers(1, n) | st.sampled_from([1, n, -(-n // 2)]))
    assert smallest_share(needed, n, power) == pytest.approx(betaincinv(needed, n - needed + 1, power), rel=1e-8)


@pytest.mark.parametrize("needed", [50_000, 99_999, 100_000])
def test_the_smallest_share_of_a_small_power_misses_no_terms(needed: int) -> None:
    """Where nearly all terms must be added."""
    assert smallest_share(needed, 100_000, 0.001) == pytest.approx(
        betaincinv(needed, 100_001 - needed, 0.001), rel=1e-8
    )


def test_a_level_of_one_is_reached_by_nothing_at_all():
    """By a count of zero, whatever the share of kept indices."""
    assert critical_agreement(7, 0.0) == critical_count(3, 0.0) == 0
    assert detectable_agreement(7, 0.0) == detectable_share(7, 3, 0.0) == 0.0


def test_holm_works_where_p_itself_would_underflow():
    assert holm([-4463.0, 0.0]) == [pytest.approx(-4463 + log10(2)), 0.0]


@settings(max_examples=30)
@given(st.integers(1, 8))
def test_the_smallest_of_m_pays_m(m):
    assert bonferroni_min([-5.0] * m) == pytest.approx(-5 + log10(m))
    with pytest.raises(StatisticsError, match="no p-value"):
        bonferroni_min([])


def test_binomial_coefficients_of_the_sign_law_are_exact_for_moderate_n():
    n, k = 60, 45
    exact = sum(comb(n, i) for i in range(k, n + 1)) / 2**n
    assert 10 ** log10_p_signs(k, n) == pytest.approx(exact, rel=1e-12)
