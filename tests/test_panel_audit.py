"""The audit of a panel: what could make its ranks wrong is flagged, and what could not is left alone."""

from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verify.panel.audit
from tests import panels
from tests.strategies import SEEDS
from tests.uniformity import check_super_uniform
from verify.inference import disjoint_pairs
from verify.panel import comparable_groups, false_match_curve, kept_scores, pair_p_values, quantile_envelope
from verify.panel.audit import audit
from verify.statistics import PRIMARY

shipped = panels.shipped


def exchangeable(rng, n):
    x = rng.standard_normal((n, n)) + rng.standard_normal(n)
    return (x + x.T) / 2


def test_members_that_resemble_each_other_inside_a_stratum_are_flagged():
    rng = np.random.default_rng(0)
    S, strata = exchangeable(rng, 16), ["cluster"] * 5 + [f"s{i % 3}" for i in range(11)]
    S[:5, :5] += 6
    found = audit(S, strata, [f"f{i}" for i in range(16)])
    assert found.members == 16
    assert found.sizes[-1].excess_p < 0.01
    assert found.sizes[-1].within_strata > 0.2


def test_a_family_that_agrees_with_everybody_in_turn_is_named():
    """Not as a hub, which the residual takes out, but with half of the rest."""
    S = exchangeable(np.random.default_rng(1), 14)
    S[0, 1::2] += 8
    S[1::2, 0] += 8
    found = audit(S, ["s"] * 14, [f"f{i}" for i in range(14)])
    assert found.sizes[-1].worst_family == "f0"
    assert found.sizes[-1].worst_family_share > 0.2


@pytest.mark.slow
def test_labels_that_do_not_matter_are_not_flagged():
    """Excess p-values are super-uniform over fresh scores."""
    rng = np.random.default_rng(4)
    found = [audit(exchangeable(rng, 8), list("aabbbccc"), list("abcdefgh")) for _ in range(100)]
    for level in range(3):
        check_super_uniform([log10(each.sizes[level].excess_p) for each in found])


def test_one_stratum_and_few_members_give_no_answer():
    rng = np.random.default_rng(0)
    for strata in (["a"] * 6, list("abcdef")):
        found = audit(exchangeable(rng, 6), strata, list("abcdef"))
        assert {(size.within_strata, size.excess_p) for size in found.sizes} == {(None, None)}
        assert found.pairs_within_strata == 0
    assert audit(exchangeable(rng, 5), list("aabbb"), list("abcde")) is None
    alike = audit(exchangeable(rng, 6), list("aabbcc"), ["one"] * 6)
    assert {size.worst_family for size in alike.sizes} == {None}


def test_an_audit_is_the_same_every_time(shipped):
    members, anchors = comparable_groups(shipped)[0]
    S = kept_scores(shipped, PRIMARY, [m.name for m in members], anchors).matrix
    arguments = (S, [m.stratum for m in members], [m.family for m in members])
    assert audit(*arguments) == audit(*arguments)


@given(
    SEEDS, st.integers(6, 14), st.booleans(), st.lists(st.sampled_from("abcdefghijklmn"), min_size=14, max_size=14)
)
@settings(max_examples=25, deadline=None)
def test_a_family_of_one_is_ranked_as_a_fit_of_its_own_would_rank_it(seed, n, tied, families):
    """Once for all of these, with ties or without, to the last digit; other families are fitted by themselves."""
    S = exchangeable(np.random.default_rng(seed), n)
    S = np.round(S) if tied else S
    arguments = (S, [f"s{i % 2}" for i in range(n)], families[:n])
    once = audit(*arguments)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(verify.panel.audit, "_settled", lambda _: False)
        assert audit(*arguments).model_dump_json() == once.model_dump_json()


def test_where_rounding_could_decide_a_tie_every_family_is_fitted(monkeypatch):
    """And nowhere else: with families of one, an audit fits the scores twice whatever their number."""
    S, fits = exchangeable(np.random.default_rng(0), 12), []
    fit = verify.panel.audit.inference.two_way_residual
    monkeypatch.setattr(verify.panel.audit.inference, "two_way_residual", lambda x: fits.append(1) or fit(x))
    audit(S, ["s"] * 12, [f"f{i}" for i in range(12)])
    assert len(fits) == 2
    T = np.sort(fit(S)[np.triu_indices(12, 1)])
    monkeypatch.setattr(verify.panel.audit, "_TIED", T[40] - T[30])
    audit(S, ["s"] * 12, [f"f{i}" for i in range(12)])
    assert len(fits) == 2 + 2 + 12


@given(SEEDS, st.integers(6, 15))
@settings(max_examples=25, deadline=None)
def test_false_match_bounds_fall_with_the_threshold_and_hold_the_estimate(seed, n):
    S = np.round(exchangeable(np.random.default_rng(seed), n), 1)
    curve = false_match_curve(S, [f"m{i}" for i in range(n)])
    thresholds, found, pairs, bounds = zip(*curve, strict=True)
    assert len(curve) == 21
    assert set(pairs) == {len(disjoint_pairs([f"m{i}" for i in range(n)]))} == {n // 2}
    assert list(thresholds) == sorted(thresholds)
    assert list(found) == sorted(found, reverse=True)
    assert list(bounds) == sorted(bounds, reverse=True)
    assert all(bound >= k / n for k, n, bound in zip(found, pairs, bounds, strict=True))
    assert thresholds[-1] == S[np.triu_indices(n, 1)].max()


@given(SEEDS)
@settings(max_examples=5, deadline=None)
def test_the_envelope_has_one_place_for_each_pair_inside_strata(seed):
    S = exchangeable(np.random.default_rng(seed), 9)
    observed, low, high = quantile_envelope(S, list("aaabbbccc"))
    assert observed.shape == low.shape == high.shape == (9,)
    assert (np.diff(observed) >= 0).all()
    assert (low <= high).all()
    assert (low > 0).all()
    assert np.isin(observed, pair_p_values(S)).all()
