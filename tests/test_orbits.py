"""Orbits, designs, residuals, combinations: valid as proved, and caught where an assumption is broken.

Three kinds of evidence. *Enumeration*: for any fixed array, the average over the group of 1[p <= u] is at most u,
which is the theorem itself. *Simulation*: p-values from a law that satisfies the null pass `check_super_uniform`.
*Counter-examples*: the same harness rejects each procedure whose assumption is broken.
"""

from itertools import permutations, product
from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, combine_pvalues, rankdata

from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import StatisticsError
from verify.inference import (
    bipartite_residual,
    bonferroni,
    critical_odds_ratio,
    disjoint_pairs,
    false_match_bound,
    fisher,
    larger_rank,
    max_p,
    orbit_rank,
    pair_design,
    rank,
    row_design,
    stratum_design,
    two_way_residual,
)
from verify.inference.blind import blind_order

REPEATS = 2000


def symmetric(array):
    return (array + array.T) / 2


def relabelled(S, labels):
    """The array after model ``i`` is given the scores of ``labels[i]``."""
    return S[np.ix_(labels, labels)]


def p_values(scores, design, *, residual, repeats=REPEATS, seed=0):
    """log10 p of independent arrays drawn by ``scores(rng)``."""
    rng = np.random.default_rng(seed)
    return [rank(scores(rng), design, residual=residual).log10_p for _ in range(repeats)]


# The law of an exchangeable array: a matrix of independent entries, or anything relabelled at random.


def gaussian(n):
    return lambda rng: symmetric(rng.standard_normal((n, n)))


def tied(n):
    return lambda rng: symmetric(rng.integers(0, 2, (n, n)).astype(float))


def heavy_tailed(n):
    return lambda rng: symmetric(rng.standard_cauchy((n, n)))


def random_hubs(n):
    """Hubs that are as likely to be one model as another, with unequal noise."""

    def scores(rng):
        h = np.where(rng.random(n) < 0.2, 5.0, 0.0)
        return h[:, None] + h + (1 + h[:, None]) * (1 + h) * symmetric(rng.standard_normal((n, n)))

    return scores


def points(n):
    """Cosines of random vectors: pairs that share a model depend on each other."""

    def scores(rng):
        x = rng.standard_normal((n, 2))
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        return symmetric(x @ x.T)

    return scores


LAWS = [gaussian, tied, heavy_tailed, random_hubs, points]

# One design of each kind over n models; groups of at least three so that a residual exists.


def designs(n):
    strata = ["x", "y"] + ["x", "y"] * (n // 2 - 1) + ["x"] * (n % 2)
    return [
        pair_design(n),
        row_design(n, 0),
        row_design(n, 1),
        stratum_design(["x"] * (n - 1) + ["y"]),
        stratum_design(strata),
    ]


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


def assert_exact_size(log10_p, size):
    """Over a whole group, no rank k is undercut by more than a share k / size."""
    for k in range(1, size + 1):
        assert (log10_p <= log10(k / size) + 1e-12).mean() <= k / size + 1e-12


def score_matrices(n):
    """Symmetric matrices with many ties, of any scale, diagonal missing."""
    entries = st.one_of(st.integers(-2, 2).map(float), st.floats(-1e6, 1e6))
    return arrays(np.float64, (n, n), elements=entries).map(
        lambda M: np.where(np.eye(n, dtype=bool), np.nan, symmetric(M))
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


# Super-uniformity, by simulation


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("n", [5, 11])
def test_every_design_is_super_uniform_for_exchangeable_models(law, residual, n):
    for design in designs(n):
        if residual and (design.row or min(map(len, design.groups)) < (3 if design.bipartite else 5)):
            continue
        check_super_uniform(p_values(law(n), design, residual=residual, repeats=800))


def one_peculiar_model(n):
    """A is unlike anything; the others are exchangeable."""

    def scores(rng):
        S = points(n)(rng)
        S[0, 1:] = S[1:, 0] = 2 + 0.1 * rng.standard_normal(n - 1)
        return S

    return scores


def test_a_row_needs_one_exchangeable_model_and_pairs_need_both():
    check_super_uniform(p_values(one_peculiar_model(12), row_design(12, 0), residual=False))
    for design in (pair_design(12), row_design(12, 1)):
        with pytest.raises(NotSuperUniformError):
            check_super_uniform(p_values(one_peculiar_model(12), design, residual=False))


def two_kinds(rng):
    """Two kinds of model, each exchangeable within itself: noise and level differ between kinds."""
    kind = np.array([0, 1] + [0] * 5 + [1] * 5)
    level = np.array([[3.0, 1.0], [1.0, 0.0]])[np.ix_(kind, kind)]
    return level + (1 + level) * symmetric(rng.standard_cauchy((12, 12)))


def test_two_strata_are_valid_where_kinds_differ():
    design = stratum_design(["x", "y"] + ["x"] * 5 + ["y"] * 5)
    assert (len(design.orbit), design.bipartite) == (36, True)
    for residual in (False, True):
        check_super_uniform(p_values(two_kinds, design, residual=residual))


def one_laboratory(rng):
    """A, B and four more share a laboratory, whose models resemble each other."""
    S = symmetric(rng.standard_normal((20, 20)))
    S[:6, :6] += 1.5
    return S


def test_affinity_of_a_laboratory_is_caught_over_all_pairs_even_after_the_residual_and_not_within_the_stratum():
    for residual in (False, True):
        with pytest.raises(NotSuperUniformError):
            check_super_uniform(p_values(one_laboratory, pair_design(20), residual=residual))
        within = stratum_design(["lab"] * 6 + ["other"] * 14)
        check_super_uniform(p_values(one_laboratory, within, residual=residual))


def test_strata_are_valid_with_labels_permuted_and_caught_when_drawn_around_the_score():
    rng, n = np.random.default_rng(0), 14
    permuted, chosen = [], []
    for _ in range(REPEATS):
        S = gaussian(n)(rng)
        labels = rng.permutation(["x"] * 7 + ["y"] * 7)
        permuted.append(rank(S, stratum_design(list(labels)), residual=False).log10_p)
        least_alike = 2 + np.argsort(S[0, 2:] + S[1, 2:])[:5]  # a "stratum" of A, B and what resembles them least
        labels = np.full(n, "y")
        labels[[0, 1, *least_alike]] = "x"
        chosen.append(rank(S, stratum_design(list(labels)), residual=False).log10_p)
    check_super_uniform(permuted)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(chosen)


def test_dropping_panel_members_because_they_score_high_is_caught():
    rng, n = np.random.default_rng(0), 14
    by_score, by_lineage = [], []
    for _ in range(REPEATS):
        S = gaussian(n)(rng)
        np.fill_diagonal(S, -9)
        highest = 2 + np.argsort(S[2:].max(axis=1))  # panel members, from the least to the most alike to anything
        for kept, result in ((highest[:6], by_score), (np.arange(2, 8), by_lineage)):
            models = np.concatenate(([0, 1], kept))
            result.append(rank(relabelled(S, models), pair_design(8), residual=False).log10_p)
    check_super_uniform(by_lineage)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(by_score)


def test_families_are_valid_with_blind_representatives_and_caught_with_chosen_ones():
    """Families of four, alike within; the representative that resembles A and B least is no blind choice."""
    rng = np.random.default_rng(0)
    family = np.array([0, 1] + [f for f in range(2, 9) for _ in range(4)])
    order = blind_order([f"m{i}" for i in range(30)])
    first = [next(i for i in order if family[i] == f) for f in range(9)]
    blind, chosen, all_models = [], [], []
    for _ in range(REPEATS):
        x = rng.standard_normal((9, 3))[family] + 0.7 * rng.standard_normal((30, 3))
        S = symmetric(x @ x.T)
        blind.append(rank(relabelled(S, first), pair_design(9), residual=False).log10_p)
        least = [min(np.flatnonzero(family == f), key=lambda i, S=S: S[i].max()) for f in range(9)]
        chosen.append(rank(relabelled(S, least), pair_design(9), residual=False).log10_p)
        all_models.append(rank(S, pair_design(30), residual=False).log10_p)
    check_super_uniform(blind)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(chosen)


# Residuals


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


# Sensitivity and the worth of a panel


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


def test_an_orbit_rank_is_the_rank_of_scipy():
    """The worst of tied ones, from the top."""
    rng = np.random.default_rng(0)
    for size in rng.integers(1, 60, 200):
        values = rng.integers(0, 9, size).astype(float)
        claim = int(rng.integers(size))
        assert orbit_rank(values, claim).rank == rankdata(-values, method="max")[claim]


# Combination


def test_the_larger_is_valid_when_only_one_is():
    rng = np.random.default_rng(0)
    valid = np.log10(rng.random(REPEATS))
    invalid = np.full(REPEATS, -50.0)
    check_super_uniform([max_p(p, q) for p, q in zip(valid, invalid, strict=True)])
    check_super_uniform([max_p(q, p) for p, q in zip(valid, invalid, strict=True)])
    check_super_uniform([max_p(p, p) for p in valid])
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([min(p, log10(1 - 10**p)) for p in valid])
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([max_p(q, q) for q in invalid])


@given(st.lists(st.floats(-60, 0), min_size=1, max_size=5))
def test_fisher_agrees_with_scipy_where_scipy_does_not_underflow(log10_ps):
    expected = combine_pvalues(10 ** np.array(log10_ps), method="fisher").pvalue
    assert fisher(log10_ps, invariant=True) == pytest.approx(np.log10(expected), rel=1e-9, abs=1e-9)


def test_fisher_does_not_underflow():
    value = fisher([-4463.0, -2.0], invariant=True)
    x = 4465 * np.log(10)
    assert value == pytest.approx(-4465 + np.log10(1 + x))
    assert fisher([0.0, 0.0], invariant=True) == 0.0
    assert fisher([-4463.0], invariant=True) == pytest.approx(-4463.0)


UNITS = np.array(list(permutations(range(5))))


def unit_permutation_and_panel(rng, *, invariant):
    """Exact p of a match of five units under their permutations, and a panel p from scores of the same models.

    The panel score is the largest inner product of units, which no permutation changes; or the trace, which one does.
    """
    models = rng.standard_normal((100, 5, 3))
    products = np.einsum("ud,jvd->juv", models[0], models[1:])
    row = products.max(axis=(1, 2)) if invariant else np.trace(products, axis1=1, axis2=2)
    traces = products[0][np.arange(5), UNITS].sum(axis=1)
    return log10((traces >= traces[0]).mean()), orbit_rank(row, 0).log10_p


def test_fisher_is_valid_for_an_invariant_score_and_caught_for_one_that_is_not():
    rng = np.random.default_rng(0)
    pairs = {
        kind: [unit_permutation_and_panel(rng, invariant=kind) for _ in range(REPEATS)] for kind in (True, False)
    }
    check_super_uniform([fisher(pair, invariant=True) for pair in pairs[True]])
    for which in (0, 1):
        check_super_uniform([pair[which] for pair in pairs[False]])  # each alone is valid
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([fisher(pair, invariant=True) for pair in pairs[False]])


@pytest.mark.parametrize("declared", [False, None, 1])
def test_fisher_needs_its_assumption_declared(declared):
    with pytest.raises(StatisticsError, match="declare invariant=True"):
        fisher([-1.0, -2.0], invariant=declared)
    with pytest.raises(StatisticsError, match="no p-value"):
        fisher([], invariant=True)


def test_the_best_of_k_pays_k():
    rng = np.random.default_rng(0)
    best = np.log10(rng.random((REPEATS, 7)).min(axis=1))
    check_super_uniform([bonferroni(p, 7) for p in best])
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(best)
    assert bonferroni(-4463.0, 100) == -4461.0
    with pytest.raises(StatisticsError, match="best of 0"):
        bonferroni(-1.0, 0)


@pytest.mark.parametrize("bad", [np.nan, -np.inf, 0.1])
def test_what_is_no_log10_p_value_is_refused(bad):
    for call in (lambda: max_p(bad, -1), lambda: fisher([bad], invariant=True), lambda: bonferroni(bad, 2)):
        with pytest.raises(StatisticsError, match="outside the domain"):
            call()
