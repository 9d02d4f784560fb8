"""Who is ranked among whom, what that costs, and what follows from the record alone."""

from collections import Counter
from dataclasses import replace
from itertools import combinations
from math import log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import verify
from tests import panels
from tests.models import config, weights, write
from tests.panels import panel_of, relative, rungs_of, synthetic
from tests.reports import words
from verify import ClaimReport, Fingerprint, SketchSpec, test_lineage
from verify.base import StatisticsError
from verify.inference import bonferroni, critical_odds_ratio, disjoint_pairs
from verify.panel import (
    ALL_PAIRS,
    PRIMARY_DESIGN,
    Panel,
    compute,
    evaluate,
    evidence,
    members_needed,
    own_pairs,
    pair_p_values,
)
from verify.panel import scores as scores_module
from verify.statistics import EXACT_TESTS, PANEL_STATISTICS, PRIMARY, on_anchors

models, reports, shipped = panels.models, panels.reports, panels.shipped


# ---- what is ranked


def counted(monkeypatch):
    """Count the similarities computed, by statistic."""
    calls = Counter()

    def counting(statistic):
        def score(a, b):
            calls[statistic.id] += 1
            return statistic.score(a, b)

        return statistic if statistic is PRIMARY else replace(statistic, score=score)

    def grid(a, b):
        calls[PRIMARY.id] += 1
        return real(a, b)

    real = scores_module.statistics.response_grid
    monkeypatch.setattr(scores_module.statistics, "response_grid", grid)
    monkeypatch.setattr(evidence, "PANEL_STATISTICS", tuple(map(counting, PANEL_STATISTICS)))
    return calls


@pytest.mark.slow
def test_a_claim_costs_two_rows_and_one_score(shipped, models, monkeypatch):
    """2M + 1 scores of each statistic where the panel's own are kept, and the same numbers as afresh, bit for bit."""
    afresh = Panel(shipped.record, shipped.fingerprints, (), shipped.twin_scores)
    fresh = evaluate(afresh, models["stranger-1"], models["reference"])
    calls = counted(monkeypatch)
    kept = evaluate(shipped, models["stranger-1"], models["reference"])
    assert kept.results == fresh.results
    assert kept.use == fresh.use
    applicable = {result.id for result in kept.results if result.applicable}
    assert len(applicable) > 1
    assert calls == dict.fromkeys(applicable, 2 * len(kept.use.members) + 1)


@pytest.mark.parametrize(
    ("members", "alpha", "n_searched"), [(12, 0.01, 1), (13, 0.01, 2), (2, 0.5, 1), (13, 1e-30, 1)]
)
def test_an_orbit_that_cannot_reach_the_level_is_refused_before_any_score(members, alpha, n_searched, monkeypatch):
    """With what would be needed; and no more models than that are needed."""
    rng, calls = np.random.default_rng(0), counted(monkeypatch)
    panel = panel_of([synthetic(rng) for _ in range(members)])
    found = evaluate(panel, synthetic(rng), synthetic(rng), alpha=alpha, n_searched=n_searched)
    assert (found.primary.applicable, found.primary.log10_p, calls) == (False, None, Counter())
    assert f"{members} members" in words(found.primary.reason)
    assert "verify panel build RECIPE" in words(found.primary.reason)
    assert found.use.critical_odds_ratio is None


@given(st.floats(1e-12, 0.999))
def test_the_members_needed_are_the_fewest_that_reach_the_level(level):
    n = members_needed(level) + 2
    assert n * (n - 1) / 2 * level >= 1 - 1e-8
    assert n == 5 or (n - 1) * (n - 2) / 2 * level < 1


@pytest.mark.parametrize("level", [5e-324, 1e-300, 0.0])
def test_no_level_takes_for_ever(level):
    assert members_needed(level) > 10**100


def test_the_ladder_has_every_rung_with_its_attainable_p(reports):
    """Raw and residual pairs, both rows, and the stratum, raw and residual."""
    for report in reports.values():
        ranks, use = report.tests[PRIMARY.id].ranks, report.panel
        two = "two_strata" if use.stratum_a != use.stratum_b else "stratum"
        names = [rung.design for rung in ranks]
        assert names[:7] == ["pair", "pair_residual", "pair_larger", "own_kind", "row_a", "row_b", two]
        assert set(names[7:-2]) <= {f"{two}_residual"}
        assert names[-2:] == ["twins", PRIMARY_DESIGN]
        m = len(use.members)
        sizes = [rung.size for rung in ranks[:6]]
        assert sizes == [(m + 2) * (m + 1) // 2] * 3 + [own_pairs(use)] + [m + 1] * 2
        assert ranks[2].rank == max(rung.rank for rung in ranks[:2])
        assert ranks[3].rank == min(ranks[2].rank, own_pairs(use))
        twins, both = ranks[-2:]
        assert twins.size == len(use.recipes) + 1
        assert both.model_copy(update={"design": ""}) in [
            rung.model_copy(update={"design": "", "attainable_log10_p": both.attainable_log10_p})
            for rung in (twins, ranks[2])
        ]
        assert both.log10_p == max(twins.log10_p, ranks[2].log10_p)
        assert both.attainable_log10_p == max(twins.attainable_log10_p, ranks[2].attainable_log10_p)
        for rung in ranks:
            assert rung.attainable_log10_p == log10(1 / rung.size) or rung is both
            assert rung.log10_p == log10(rung.rank / rung.size)


def test_every_rank_follows_from_the_record_alone(reports):
    """Scores of the primary, strata, and the definitions of DESIGN 3.2, written out."""
    for report in reports.values():
        again = ClaimReport.from_json(report.to_json())
        result, use = again.tests[PRIMARY.id], again.panel
        n = len(use.members) + 2
        S = np.full((n, n), np.nan)
        S[np.triu_indices(n, 1)] = result.scores
        S = np.where(np.isnan(S), S.T, S)
        strata = [use.stratum_a, use.stratum_b, *(member.stratum for member in use.members)]
        of_a, of_b = ([i for i in range(n) if strata[i] == strata[end]] for end in (0, 1))
        in_strata = list(combinations(of_a, 2)) if of_a == of_b else [(i, j) for i in of_a for j in of_b]
        orbits = {
            "pair": list(combinations(range(n), 2)),
            "row_a": [(0, j) for j in range(n) if j != 0],
            "row_b": [(1, j) for j in range(n) if j != 1],
            "stratum": in_strata,
            "two_strata": in_strata,
        }
        for rung in result.ranks:
            if rung.design in ("pair_larger", "own_kind", "twins", PRIMARY_DESIGN):
                continue
            orbit = orbits[rung.design.removesuffix("_residual")]
            T = dict(zip(orbit, (S[e] for e in orbit), strict=True))
            if rung.design.endswith("_residual"):
                T = residuals(T, bipartite=rung.design.startswith("two"))
            claim = T[0, 1] if (0, 1) in T else T[1, 0]
            assert (sum(t >= claim - 1e-12 for t in T.values()), len(T)) == (rung.rank, rung.size), rung.design
        assert result.score == S[0, 1]
        reached = 0
        for k, floor in enumerate((0.01, 0.001)):
            claim = np.log(S[0, 1] + floor) - np.log(S[:2, 2:] + floor).mean(1).sum()
            reached = max(reached, sum(twins.above_levels[k] >= claim - 1e-9 for twins in result.twins))
        assert rungs_of(result)["twins"] == log10((1 + reached) / (1 + len(result.twins)))
        assert (use.false_match.exceedances, use.false_match.pairs) == (reached, len(result.twins))
        largest = max(*S[2:, 2:][np.triu_indices(n - 2, 1)], *(twins.score for twins in result.twins))
        assert use.largest_stranger == largest
        assert use.effect_ratio == pytest.approx((S[0, 1] + 0.01) / (largest + 0.01))
        assert (result.log10_p, result.id) == (rungs_of(result)[PRIMARY_DESIGN], use.primary)


def residuals(T, *, bipartite):
    """Least-squares residuals of one effect per model, from the normal equations rather than the closed form."""
    ends = [sorted({pair[0] for pair in T}), sorted({pair[1] for pair in T})]
    labels = [[(k if bipartite else 0, pair[k]) for k in (0, 1)] for pair in T]
    names = sorted({label for pair in labels for label in pair})
    X = np.array([[1.0 * (name in pair) for name in names] for pair in labels])
    values = np.array(list(T.values()))
    fitted = X @ np.linalg.lstsq(X, values, rcond=None)[0]
    assert ends
    return dict(zip(T, values - fitted, strict=True))


def test_the_primary_is_fixed_whatever_the_scores(reports):
    """No other statistic and no other rung can become the one that enters the verdict."""
    assert (PRIMARY.id, PRIMARY_DESIGN) == ("response_match", "twins_and_pair_larger")
    for report in reports.values():
        found = rungs_of(report.tests["response_match"])["twins_and_pair_larger"]
        assert report.panel_log10_p == (found if report.panel.effect_ratio > 1 else 0)
    # members far closer to one another than the claim: the primary fails where another statistic would reject
    rng = np.random.default_rng(1)
    a, b = synthetic(rng), synthetic(rng)
    core = synthetic(rng)
    members = [relative(core, rng) for _ in range(13)]
    found = evaluate(panel_of(members), a, b)
    assert found.primary is found.results[0]
    assert [result.id for result in found.results] == [statistic.id for statistic in PANEL_STATISTICS]
    assert (found.use.primary, found.use.primary_design) == ("response_match", "twins_and_pair_larger")
    assert found.use.false_match.pairs == len(disjoint_pairs([f"m{i}" for i in range(13)]))  # without twins


@pytest.mark.slow
def test_best_of_k_pays_everywhere(shipped, models, reports):
    """The exact p, the panel p, the sensitivity, the bound, and the reach of the panel."""
    a, b, once = models["obfuscated-all"], models["reference"], reports["obfuscated-all"]
    size, alpha = len(once.panel.recipes) + 1, 0.05
    most = int(size * alpha)  # of searches that a p of 1/size survives
    options = {"panel": shipped, "panel_alpha": alpha}
    paid, lost, spent = (test_lineage(a, b, **options, searched=k) for k in (most, most + 1, 24))
    assert (once.verdict, paid.verdict, lost.verdict) == ("similar_beyond_panel",) * 2 + ("no_evidence",)
    assert paid.panel_log10_p == bonferroni(once.panel_log10_p, most) == pytest.approx(log10(most / size))
    assert paid.log10_p == bonferroni(once.log10_p, most)
    pairs = rungs_of(paid.tests[PRIMARY.id])[ALL_PAIRS]
    gammas = [critical_odds_ratio(1, m, alpha / most) for m in (size, round(10**-pairs))]
    assert paid.panel.critical_odds_ratio == min(gammas) > 1
    assert paid.panel.false_match.bound == min(1, most * once.panel.false_match.bound)
    assert (lost.panel_log10_p, spent.panel_log10_p) == (None, None)
    assert f"{size - 1} of the panel's {once.panel.recipes_in_panel} recipes" in lost.finding
    assert f"where level {alpha / (most + 1):g} needs {20 * (most + 1) - 1}" in lost.finding
    assert f"{len(once.panel.members)} members" in words(spent.tests[PRIMARY.id].reason)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kept", [True, False])
def test_a_score_that_is_no_number_makes_the_statistic_inapplicable(wrong, kept, monkeypatch):
    """With a reason, among members or with A; it never counts as not extreme."""
    rng = np.random.default_rng(2)
    panel = panel_of([synthetic(rng) for _ in range(6)], scored=True)
    if kept:
        panel.scores[0].matrix[2, 3] = panel.scores[0].matrix[3, 2] = wrong
    else:
        real = scores_module.statistics.response_grid
        monkeypatch.setattr(scores_module.statistics, "response_grid", lambda a, b: replace(real(a, b), score=wrong))
    found = evaluate(panel, synthetic(rng), synthetic(rng), alpha=0.2)
    assert (found.primary.applicable, found.primary.log10_p, found.primary.ranks) == (False, None, ())
    assert "finite" in words(found.primary.reason)
    assert found.use.audit is None


def test_a_model_without_a_living_unit_has_no_score():
    """Whether it is A or a member; the reason names it."""
    rng = np.random.default_rng(2)
    others = [synthetic(rng) for _ in range(6)]
    dead = Fingerprint(
        others[0].record.model_copy(update={"name": "dead", "content_sha256": "1" * 64}),
        {key: np.zeros_like(value) for key, value in others[0].arrays.items()},
    )
    for a, members in ((dead, others), (synthetic(rng), [*others, dead])):
        primary = evaluate(panel_of(members), a, synthetic(rng), alpha=0.2).primary
        assert not primary.applicable
        assert "dead" in words(primary.reason)


def test_a_claim_under_another_sketch_is_not_ranked(shipped, tmp_path):
    """Its units and tokens were chosen otherwise than the members'."""
    c = config(layers=4, vocab=256)
    a, b = (
        verify.fingerprint(write(tmp_path / str(i), weights(i, c), c), sketch=SketchSpec(units=8)) for i in (1, 2)
    )
    report = test_lineage(a, b, panel=shipped)
    assert report.panel_log10_p is None
    assert all("sketch" in words(report.tests[s.id].reason) for s in PANEL_STATISTICS)


def test_scores_of_some_members_are_theirs_in_any_order(shipped):
    """Grids included: a cell's class does not depend on which model comes first."""
    whole = next(kept for kept in shipped.scores if kept.statistic == PRIMARY.id)
    some = whole.of(whole.names[7:2:-1])
    assert some.names == whole.names[7:2:-1]
    models = [on_anchors(shipped.fingerprints[name], whole.anchors) for name in some.names]
    fresh = compute(PRIMARY, models, some.names, whole.anchors)
    np.testing.assert_array_equal(some.matrix, fresh.matrix)
    np.testing.assert_allclose(some.grids, fresh.grids, rtol=1e-12)
    assert fresh.grids[0, 1].any()


# ---- the panel that ships


def test_no_exact_test_applies_to_a_panel_statistic_name():
    assert not {test.id for test in EXACT_TESTS} & {statistic.id for statistic in PANEL_STATISTICS}


def test_a_statistic_outside_its_domain_is_said_so():
    with pytest.raises(StatisticsError):
        pair_p_values(np.zeros((4, 4)))
