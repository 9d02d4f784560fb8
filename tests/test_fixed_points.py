"""The fixed-point bound is above the true tail: by enumeration of the group, for any best-match map."""

from itertools import permutations, product
from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify import StatisticsError
from verify.inference import critical_count, detectable_share, log10_p_fixed_points


@st.composite
def best_match_maps(draw):
    """One map per group: n source indices, images among m targets or None; not injective, not total."""
    groups = []
    for _ in range(draw(st.integers(1, 2))):
        n = draw(st.integers(1, 4))
        image = st.one_of(st.none(), st.integers(0, n + 1))
        groups.append(draw(st.lists(image, min_size=n, max_size=n)))
    return groups


def enumerated_tail(maps, counted):
    """Exact P(F >= k), k = 0, 1, ..., over the product of symmetric groups; ``counted(f, g)`` is F of one."""
    orbits = [[counted(f, g) for g in permutations(range(len(f)))] for f in maps]
    totals = np.array([sum(parts) for parts in product(*orbits)])
    return [(totals >= k).mean() for k in range(totals.max() + 2)]


def source_permuted(f, g):
    return sum(f[g[i]] == i for i in range(len(f)))


def target_permuted(f, g):
    return sum(f[i] is not None and f[i] < len(f) and g[f[i]] == i for i in range(len(f)))


@pytest.mark.parametrize("counted", [source_permuted, target_permuted])
@settings(max_examples=150, deadline=None)
@given(maps=best_match_maps())
def test_the_bound_is_never_below_the_enumerated_tail(counted, maps):
    """Theorem (fixed points): one invariant model suffices, whichever it is, whatever the map."""
    for k, tail in enumerate(enumerated_tail(maps, counted)):
        bound = 10 ** log10_p_fixed_points(k, len(maps))
        assert tail <= bound * (1 + 1e-12)


def test_enumeration_catches_a_bound_that_forgets_groups():
    """The same enumeration rejects the bound of one group applied to two."""
    tails = enumerated_tail([[0, 1], [0, 1]], source_permuted)
    assert any(tail > 10 ** log10_p_fixed_points(k, 1) for k, tail in enumerate(tails))


def test_the_bound_of_a_single_group_is_one_over_k_factorial():
    assert 10 ** log10_p_fixed_points(5, 1) == pytest.approx(1 / 120)


@given(st.integers(1, 60), st.integers(0, 400))
def test_the_bound_is_a_log_probability_that_falls_with_the_count(groups, count):
    """p is never 0 and never above 1, and a larger count is never less significant."""
    value = log10_p_fixed_points(count, groups)
    assert np.isfinite(value)
    assert log10_p_fixed_points(count + 1, groups) <= value <= 0


@given(st.integers(1, 60), st.integers(0, 400))
def test_the_closed_form_is_the_best_of_all_markov_bounds(groups, count):
    """L^(k-L) L!/k! is the minimum over j of L^j (k-j)!/k!."""
    best, value = 0.0, 0.0
    for j in range(count):
        value += log10(groups) - log10(count - j)
        best = min(best, value)
    assert log10_p_fixed_points(count, groups) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize(("count", "groups"), [(-1, 3), (2, 0)])
def test_counts_outside_the_domain_are_refused(count, groups):
    with pytest.raises(StatisticsError, match="outside the domain"):
        log10_p_fixed_points(count, groups)


@given(st.integers(1, 40), st.floats(-50, -0.5))
def test_the_critical_count_is_the_first_to_reach_the_level(groups, level):
    k = critical_count(groups, level)
    assert log10_p_fixed_points(k, groups) <= level < log10_p_fixed_points(k - 1, groups)


def test_the_detectable_share_has_the_power_it_states():
    """Simulated at the stated share, the level is reached about 95% of the time."""
    share = detectable_share(384, 6, -3.7)
    found = np.random.default_rng(0).binomial(384, share, 4000)
    power = np.mean([log10_p_fixed_points(int(k), 6) <= -3.7 for k in found])
    assert 0.94 < power < 0.97


def test_no_share_is_detectable_where_all_indices_are_too_few():
    assert detectable_share(4, 1, -3.0) is None
