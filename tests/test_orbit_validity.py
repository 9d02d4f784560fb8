"""Ranks by design are super-uniform for exchangeable models, and caught where an assumption is broken."""

import numpy as np
import pytest

from tests.exchangeable import REPEATS, designs, gaussian, p_values, relabelled, symmetric, tied
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify.inference import pair_design, rank, row_design, stratum_design
from verify.inference.blind import blind_order


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
