"""Orbit ranks and designs: ties count against the claim, and the size is exact for any fixed array.

*Enumeration*: for any fixed array, the average over the group of 1[p <= u] is at most u, which is the theorem itself.
"""

from itertools import permutations, product
from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from tests.exchangeable import REPEATS, assert_exact_size, designs, p_values, relabelled, score_matrices, tied
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import StatisticsError
from verify.inference import orbit_rank, pair_design, rank, row_design, stratum_design

# One design of each kind over n models; groups of at least three so that a residual exists.


def group_elements(design, n):
    """All relabellings in the group of a design."""
    for images in product(*(permutations(group) for group in design.groups)):
        labels = np.arange(n)
        for group, image in zip(design.groups, images, strict=True):
            labels[list(group)] = image
        yield labels


def enumerated_log10_p(S, design, *, residual):
    return np.array(
        [rank(relabelled(S, g), design, residual=residual).log10_p for g in group_elements(design, len(S))]
    )


# Orbit rank


def test_the_rank_counts_the_claim_and_ties_against_it():
    result = orbit_rank([3.0, 1.0, 3.0, 2.0], 0)
    assert (result.rank, result.size) == (2, 4)
    assert result.log10_p == log10(2 / 4)
    assert result.attainable_log10_p == log10(1 / 4)


def test_an_orbit_of_one_says_nothing():
    assert orbit_rank([7.0], 0).log10_p == 0.0


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_at_most_k_comparisons_have_rank_at_most_k(values):
    """The lemma of the theorem, for any values."""
    ranks = np.array([orbit_rank(values, e).rank for e in range(len(values))])
    for k in range(1, len(values) + 1):
        assert (ranks <= k).sum() <= k


@given(arrays(np.float64, 12, elements=st.integers(-3, 3)), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_a_stated_arithmetic_error_never_lowers_the_rank(exact, error, seed):
    noise = np.random.default_rng(seed).uniform(-error, error, 12) * (1 - 1e-9)
    computed = exact + noise
    for claim in range(12):
        assert orbit_rank(computed, claim, error=error).rank >= orbit_rank(exact, claim).rank


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused_never_ranked(bad):
    with pytest.raises(StatisticsError, match="Value 2 of the orbit is"):
        orbit_rank([1.0, 0.0, bad], 0)


@pytest.mark.parametrize(
    ("values", "claim", "error"), [([], 0, 0), ([[1.0]], 0, 0), ([1.0], 1, 0), ([1.0], -1, 0), ([1.0], 0, -1)]
)
def test_an_orbit_without_its_claim_is_refused(values, claim, error):
    with pytest.raises(StatisticsError, match="give"):
        orbit_rank(values, claim, error=error)


def test_ties_broken_for_the_claim_are_caught():
    rng, design = np.random.default_rng(0), pair_design(8)
    first, second = design.orbit.T

    def strict(S):
        values = S[first, second]
        return log10((1 + (values > values[design.claim]).sum()) / len(values))

    log10_p = [strict(tied(8)(rng)) for _ in range(REPEATS)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(log10_p)
    check_super_uniform(p_values(tied(8), design, residual=False))


# Designs


@pytest.mark.parametrize("n", [2, 5, 22])
def test_the_sizes_of_the_orbits(n):
    assert len(pair_design(n).orbit) == n * (n - 1) // 2
    assert len(row_design(n, 0).orbit) == len(row_design(n, 1).orbit) == n - 1
    assert len(stratum_design(["x"] * n).orbit) == n * (n - 1) // 2
    assert len(stratum_design(["x"] + ["y"] * (n - 1)).orbit) == n - 1


@pytest.mark.parametrize("n", [5, 6])
def test_an_orbit_is_the_orbit_of_the_claim_under_the_group_of_its_design(n):
    for design in designs(n):
        images = {frozenset(g[:2].tolist()) for g in group_elements(design, n)}
        assert {frozenset(pair) for pair in design.orbit.tolist()} == images
        assert len(design.orbit) == len(images)
        assert set(design.orbit[design.claim].tolist()) == {0, 1}
        assert set(design.models) == set(design.orbit.ravel().tolist())
        assert "unrelated" in design.null


def test_a_design_cannot_be_changed_after_it_was_declared():
    design = pair_design(5)
    with pytest.raises(ValueError, match="read-only"):
        design.orbit[0] = 3
    with pytest.raises(AttributeError):
        design.claim = 1


def test_designs_without_a_claim_are_refused():
    for build in (lambda: pair_design(1), lambda: row_design(5, 2), lambda: stratum_design(["x"])):
        with pytest.raises(StatisticsError, match="give"):
            build()


# Exact size, by enumeration of the group


@settings(max_examples=12, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("n", [5, 6])
def test_every_design_has_exact_size_for_any_array(n, residual, data):
    """Theorem (orbit rank): averaged over the group, P(p <= k/m) <= k/m, ties or not."""
    for design in designs(n):
        smallest_side = min(map(len, design.groups))
        if residual and (design.row or smallest_side < (3 if design.bipartite else 5)):
            continue
        S = data.draw(score_matrices(n))
        assert_exact_size(enumerated_log10_p(S, design, residual=residual), len(design.orbit))


def test_enumeration_catches_a_claim_ranked_among_the_pairs_of_the_panel_alone():
    """These are no orbit: with one hub, four pairs of ten beat every pair they are compared with, not one in four."""
    S, others = np.zeros((5, 5)), ([0, 2, 2, 3], [1, 3, 4, 4])
    S[0, :] = S[:, 0] = 1.0
    log10_p = [orbit_rank(relabelled(S, g)[others], 0).log10_p for g in permutations(range(5))]
    with pytest.raises(AssertionError):
        assert_exact_size(np.array(log10_p), 4)
    assert_exact_size(enumerated_log10_p(S, pair_design(5), residual=False), 10)


# Sensitivity and the worth of a panel


def test_an_orbit_rank_is_the_rank_of_scipy():
    """The worst of tied ones, from the top."""
    rng = np.random.default_rng(0)
    for size in rng.integers(1, 60, 200):
        values = rng.integers(0, 9, size).astype(float)
        claim = int(rng.integers(size))
        assert orbit_rank(values, claim).rank == rankdata(-values, method="max")[claim]
