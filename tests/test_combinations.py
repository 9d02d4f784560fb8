"""Combining p-values: valid under what is declared, and caught without it."""

from itertools import permutations
from math import log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import combine_pvalues

from tests.exchangeable import REPEATS
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import StatisticsError
from verify.inference import bonferroni, fisher, max_p, orbit_rank


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
