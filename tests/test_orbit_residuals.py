"""Residuals remove hubs, keep exact size, and refuse what they cannot judge."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.exchangeable import REPEATS, assert_exact_size, gaussian, p_values, relabelled, score_matrices, symmetric
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import StatisticsError
from verify.inference import (
    bipartite_residual,
    larger_rank,
    orbit_rank,
    pair_design,
    rank,
    row_design,
    stratum_design,
    two_way_residual,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(5, 9), st.integers(0, 2**32 - 1), st.floats(0, 1e3))
def test_the_residual_does_not_depend_on_hubs_and_sums_to_nothing(n, seed, scale):
    """Theorem (residual): T(h_i + h_j + e) = T(e)."""
    rng = np.random.default_rng(seed)
    e, h, k = symmetric(rng.standard_normal((n, n))), scale * rng.standard_cauchy(n), scale * rng.standard_cauchy(n)
    tolerance = 1e-12 * (1 + np.abs(h).max() + np.abs(k).max())
    T = two_way_residual(e)
    np.testing.assert_allclose(two_way_residual(h[:, None] + h + e), T, atol=tolerance)
    np.testing.assert_allclose(np.nansum(T, axis=1), 0, atol=1e-12 * n)
    between = rng.standard_normal((n, 4))
    np.testing.assert_allclose(
        bipartite_residual(h[:, None] + k[:4] + between), bipartite_residual(between), atol=tolerance
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(5, 8))
def test_the_residual_is_equivariant(data, n):
    S = data.draw(score_matrices(n))
    g = np.array(data.draw(st.permutations(range(n))))
    scale = np.nanmax(np.abs(S))
    np.testing.assert_allclose(
        two_way_residual(relabelled(S, g)), relabelled(two_way_residual(S), g), atol=1e-13 * scale
    )
    table = np.where(np.isnan(S), 0.0, S)[:, :4]
    np.testing.assert_allclose(bipartite_residual(table[g]), bipartite_residual(table)[g], atol=1e-13 * scale)


def test_the_residual_is_that_of_least_squares():
    n = 7
    S = gaussian(n)(np.random.default_rng(0))
    first, second = np.triu_indices(n, 1)
    X = np.zeros((len(first), n))
    X[np.arange(len(first)), first] = X[np.arange(len(first)), second] = 1
    fitted = X @ np.linalg.lstsq(X, S[first, second], rcond=None)[0]
    np.testing.assert_allclose(two_way_residual(S)[first, second], S[first, second] - fitted, atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(arrays(np.float64, (5, 5), elements=st.integers(-1, 1)), st.floats(1e-3, 1e6), st.integers(0, 2**32 - 1))
def test_hubs_never_break_ties_by_rounding(e, scale, seed):
    """Exact size for tied e under any hubs: h moves every last bit, and the rank stays at least the exact one."""
    e = symmetric(e)
    h = scale * np.random.default_rng(seed).standard_normal(5)
    design = pair_design(5)
    hubs = h[:, None] + h
    log10_p = [rank(relabelled(e, g) + hubs, design, residual=True).log10_p for g in permutations(range(5))]
    assert_exact_size(np.array(log10_p), 10)


def hubs_at_the_claim(strength, n=22):
    def scores(rng):
        h = np.zeros(n)
        h[:2] = strength
        return h[:, None] + h + symmetric(rng.standard_normal((n, n))) * np.sqrt(2)

    return scores


def test_two_hubs_are_caught_as_raw_scores_and_not_as_residuals():
    """M = 20, alpha = .01, A and B hubs by 1.25 standard deviations of the noise: size .30 raw, .01 residual."""
    design = pair_design(22)
    raw = p_values(hubs_at_the_claim(1.25), design, residual=False)
    fitted = p_values(hubs_at_the_claim(1.25), design, residual=True)
    assert (np.array(raw) <= -2).mean() == pytest.approx(0.30, abs=0.03)
    assert (np.array(fitted) <= -2).mean() < 0.015
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(raw)
    check_super_uniform(fitted)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), n=st.integers(5, 7))
def test_the_larger_rank_is_the_larger_of_two_and_has_exact_size_for_any_array(data, n):
    """Over all claims on fixed models, at most a share u reaches u; it is never below either rank."""
    S, design = data.draw(score_matrices(n)), pair_design(n)
    values = []
    for labels in permutations(range(n), 2):
        order = [*labels, *(i for i in range(n) if i not in labels)]
        claim = relabelled(S, order)
        ranks = [rank(claim, design, residual=residual).rank for residual in (False, True)]
        found = larger_rank(claim, design)
        assert (found.rank, found.size) == (max(ranks), n * (n - 1) // 2)
        values.append(found.log10_p)
    assert_exact_size(np.array(values), n * (n - 1) // 2)


def test_the_larger_rank_needs_one_of_two_nulls_and_fails_without_both():
    """Hubs break the raw null and not the residual one; an affinity of the pair breaks both, and is caught."""
    rng, n = np.random.default_rng(0), 22
    design = pair_design(n)
    check_super_uniform([larger_rank(hubs_at_the_claim(5.0)(rng), design).log10_p for _ in range(REPEATS)])

    def affine(rng):
        S = gaussian(n)(rng)
        S[0, 1] = S[1, 0] = S[0, 1] + 3
        return S

    with pytest.raises(NotSuperUniformError):
        check_super_uniform([larger_rank(affine(rng), design).log10_p for _ in range(REPEATS)])


def test_hubs_of_two_strata_are_caught_as_raw_scores_and_not_as_residuals():
    design = stratum_design(["x", "y"] * 11)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(p_values(hubs_at_the_claim(1.25), design, residual=False))
    check_super_uniform(p_values(hubs_at_the_claim(1.25), design, residual=True))


def test_multiplicative_hubs_are_not_removed():
    """The limit of the theorem: hubs that multiply, or noise that differs, leave the residual invalid."""

    def scores(rng):
        S = hubs_at_the_claim(0)(rng)
        S[0, :] *= 4
        S[:, 0] *= 4
        return S

    with pytest.raises(NotSuperUniformError):
        check_super_uniform(p_values(scores, pair_design(22), residual=True))


def test_a_fit_that_leaves_the_claim_out_is_caught():
    """Hub effects of A and B fitted on the other pairs: not equivariant, though it looks more careful."""
    rng, n = np.random.default_rng(0), 7
    design = pair_design(n)
    first, second = design.orbit.T
    X = np.zeros((len(first), n))
    X[np.arange(len(first)), first] = X[np.arange(len(first)), second] = 1
    log10_p = []
    for _ in range(REPEATS):
        y = gaussian(n)(rng)[first, second]
        effects = np.linalg.lstsq(X[1:], y[1:], rcond=None)[0]
        log10_p.append(orbit_rank(y - X @ effects, 0).log10_p)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(log10_p)


def test_the_claims_that_a_residual_cannot_judge_are_refused():
    S = gaussian(6)(np.random.default_rng(0))
    for design, message in [
        (row_design(6, 0), "fixes one model"),
        (stratum_design(["x"] * 4 + ["y"] * 2), "at least 5 models"),
        (stratum_design(["x", "y", "x", "x", "x", "y"]), "at least 3 models"),
    ]:
        assert rank(S, design, residual=False).log10_p <= 0
        with pytest.raises(StatisticsError, match=message):
            rank(S, design, residual=True)


def test_an_asymmetric_or_missing_score_is_refused_by_name():
    for bad in (np.nan, np.inf, 5.0):
        S = np.ones((6, 6))
        S[2, 4] = bad
        for call in (
            lambda S=S: rank(S, pair_design(6), residual=False),
            lambda S=S: rank(S, pair_design(6), residual=True),
            lambda S=S: two_way_residual(S),
        ):
            with pytest.raises(StatisticsError, match="score of models 2 and 4 is"):
                call()
    with pytest.raises(StatisticsError, match="score of models 1 and 2 is nan"):
        bipartite_residual([[1, 1, 1], [1, 1, np.nan], [1, 1, 1]])
    for S in (np.ones((6, 5)), np.ones(6), np.ones((4, 4)), 1.0):
        with pytest.raises(StatisticsError, match="shape"):
            two_way_residual(S)
        with pytest.raises(StatisticsError, match="shape"):
            rank(S, pair_design(6), residual=False)


def test_a_row_reads_nothing_but_its_row():
    S = np.full((6, 6), np.nan)
    S[0, 1:] = S[1:, 0] = [5.0, 1, 2, 3, 4]
    assert rank(S, row_design(6, 0), residual=False).rank == 1


@pytest.mark.parametrize("residual", [two_way_residual, bipartite_residual])
def test_scores_whose_sums_may_overflow_are_refused(residual):
    """A rank among residuals that are not finite would mean nothing."""
    residual(np.full((6, 6), 1e150))
    with pytest.raises(StatisticsError, match="divide all scores by one number"):
        residual(np.full((6, 6), -1e308))
