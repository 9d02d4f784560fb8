"""Panels: what is built, what is refused, who is ranked among whom, and p-values that keep their promise.

Three kinds of evidence for validity, all through ``evaluate`` itself. *Enumeration*: for any fixed models, with every
pair taken as the claim in turn, at most a share u of claims has p <= u: the theorem of ``inference.orbit``, without
chance. *Simulation*: fresh exchangeable models. *Counter-examples*: the same harness rejects what is broken.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import replace
from itertools import combinations, permutations
from math import log10

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

import verify
from schemas.__main__ import schemas
from tests.models import child, config, weights, write
from tests.reports import words
from tests.strategies import architecture, fingerprint_of, gpt2_like, moe_like, random_arrays
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import ClaimReport, Fingerprint, InputError, SketchSpec, test_lineage
from verify.base import FingerprintError, Phrase, StatisticsError, canonical, digest
from verify.data import model
from verify.inference import bonferroni, critical_odds_ratio, disjoint_pairs
from verify.panel import (
    ALL_PAIRS,
    PRIMARY_DESIGN,
    Exclusion,
    Likeness,
    Member,
    Panel,
    PanelRecord,
    Recipe,
    build_panel,
    comparable,
    comparable_groups,
    compute,
    evaluate,
    evidence,
    false_match_curve,
    kept_scores,
    like_needed,
    load_panel,
    members_needed,
    own_pairs,
    pair_p_values,
    quantile_envelope,
    slim,
    stratum_of,
    unlike,
    with_scores,
)
from verify.panel import build as build_module
from verify.panel import scores as scores_module
from verify.panel.audit import audit
from verify.panel.likeness import likeness
from verify.panel.localise import CLASSES, summarise
from verify.panel.record import DEFAULT, PANEL_COMPONENTS
from verify.panel.selection import Dropped
from verify.statistics import EXACT_TESTS, PANEL_STATISTICS, PRIMARY, on_anchors
from verify.wording.forms import verbal_cap, verbal_scale

FINGERPRINTS = DEFAULT.parents[2] / "benchmarks" / "zoo" / "fingerprints"
HUB = DEFAULT.parents[1] / "data" / "recipes" / "hub-7b.toml"
SEEDS = st.integers(0, 2**32)
CODE = "zoo-code"
"""Corpus of the shipped models and of fifteen members of the shipped panel, nine of them of their stratum."""
REACHED = 0.05
"""A level that nine members of one kind reach, with 55 pairs, and .01 is not."""
SHIPPED = ("reference", "obfuscated", "moe-fine", "distilled", "stranger-1", "stranger-2", "depth-pruned-healed")


@pytest.fixture(scope="module")
def shipped():
    return load_panel("default")


@pytest.fixture(scope="module")
def models():
    names = (*SHIPPED, "gpt2-reference", "gpt2-stranger")
    return {name: verify.fingerprint(model(name)) for name in names}


@pytest.fixture(scope="module")
def reports(shipped, models):
    """Of the shipped models against the reference, with the shipped panel."""
    return {
        name: test_lineage(models[name], models["reference"], panel=shipped, corpus=CODE, panel_alpha=REACHED)
        for name in SHIPPED[1:]
    }


# ---- models that never existed, exchangeable by construction


def synthetic(rng, shape=None, *, name="x", dead=0.0, distinct=None):
    """What the primary statistic reads of a model: ``match`` vectors, some units dead, some copies of others."""
    shape, alive, chosen = shape or architecture(layers=2), {}, {}
    arrays = random_arrays(rng, shape, components=("match",))
    for key, rows in arrays.items():
        (bundle, _), (copies, units) = key.rsplit(".", 1), rows.shape[:2]
        if bundle not in alive:
            alive[bundle] = rng.random((copies, units, 1)) >= dead
            alive[bundle][0, 0] = True
            chosen[bundle] = np.arange(units) if distinct is None else rng.integers(0, distinct, units)
        arrays[key] = rows[:, chosen[bundle]] * alive[bundle]
    return fingerprint_of(arrays, shape, name=name)


def any_shape(rng):
    """Of one to three layers, one in three with experts."""
    base = moe_like() if rng.random() < 1 / 3 else architecture()
    return base.model_copy(update={"layers": int(rng.integers(1, 4))})


LAWS = {
    "plain": synthetic,
    "hubs": lambda rng: synthetic(rng, dead=rng.choice([0.0, 0.5, 0.97])),  # few units left: all others agree on them
    "ties": lambda rng: synthetic(rng, architecture(layers=1), distinct=1),
    "shapes": lambda rng: synthetic(rng, any_shape(rng), dead=rng.choice([0.0, 0.5])),
}


def panel_of(models, *, families=None, strata=None, corpora=None, scored=False):
    """A panel of fingerprints that were never saved."""
    members = tuple(
        Member(
            name=f"m{i}",
            family=families[i] if families else f"f{i}",
            stratum=strata[i] if strata else stratum_of(found.record.architecture),
            corpus=corpora[i] if corpora else "",
            source="synthetic",
            licence="none",
            content_sha256=found.record.content_sha256,
            fingerprint_sha256="0" * 64,
        )
        for i, found in enumerate(models)
    )
    record = PanelRecord(name="toy", version="1", description="", sketch=models[0].record.sketch, members=members)
    panel = Panel(record, {f"m{i}": found for i, found in enumerate(models)})
    return with_scores(panel) if scored else panel


def relative(found, rng):
    """Another model with the same units, as a descendant has, not known to be one."""
    content = hashlib.sha256(rng.bytes(8)).hexdigest()
    return Fingerprint(found.record.model_copy(update={"content_sha256": content}), found.arrays)


def rungs_of(result):
    return {rung.design: rung.log10_p for rung in result.ranks}


# ---- validity


def check_enumerated(p_values):
    """At every level u, at most a share u of the claims has p <= u."""
    values = np.sort(p_values)
    assert (np.arange(1, len(values) + 1) / len(values) <= 10**values + 1e-9).all()


def enumerated(models):
    """Per rung, and for the smallest cell, log10 p of every ordered pair among the others."""
    found = {}
    for a, b in permutations(range(len(models)), 2):
        panel = panel_of([models[i] for i in range(len(models)) if i not in (a, b)])
        result = evaluate(panel, models[a], models[b], alpha=0.2).primary
        assert result.applicable, result.reason
        for design, log10_p in rungs_of(result).items():
            stratum = sorted(stratum_of(models[i].record.architecture) for i in (a, b))
            key = (design, *stratum) if "strat" in design else (design,)
            found.setdefault(key, []).append(log10_p)
        found.setdefault(("cell",), []).append(min(cell.log10_p for cell in result.by_cell))
    return found


@pytest.mark.parametrize("law", LAWS)
@settings(max_examples=3, deadline=None)
@given(seed=SEEDS, related=st.booleans())
def test_of_all_claims_on_fixed_models_at_most_a_share_u_reaches_u(law, seed, related):
    """Every rung, and the smallest cell, whatever the models: two of them may even be relatives."""
    rng = np.random.default_rng(seed)
    found = [LAWS[law](rng) for _ in range(6)]
    if related:
        found[1] = relative(found[0], rng)
    for values in enumerated(found).values():
        check_enumerated(values)


def test_a_rank_that_breaks_ties_for_the_claim_is_caught(monkeypatch):
    """The harness sees what it is there for."""

    def strict(values, claim, *, error=0.0):
        values = np.asarray(values)
        above = int((values > values[claim] + 2 * error).sum()) + 1
        return replace(exact(values, claim, error=error), rank=above, log10_p=log10(above / len(values)))

    exact = evidence.rank.__globals__["orbit_rank"]
    monkeypatch.setitem(evidence.rank.__globals__, "orbit_rank", strict)
    rng = np.random.default_rng(0)
    found = enumerated([LAWS["ties"](rng) for _ in range(6)])
    with pytest.raises(AssertionError):
        check_enumerated(found["pair",])


@pytest.mark.parametrize("law", LAWS)
def test_panel_p_values_are_super_uniform(law):
    """Over fresh exchangeable models, on every rung and for the smallest cell of the grid of layers."""
    rng = np.random.default_rng(7)
    found = {}
    for _ in range(120):
        a, b, *others = (LAWS[law](rng) for _ in range(5))
        result = evaluate(panel_of(others), a, b, alpha=0.2).primary
        for design, log10_p in rungs_of(result).items():
            found.setdefault(design.replace("two_strata", "stratum"), []).append(log10_p)
        found.setdefault("cell", []).append(min(cell.log10_p for cell in result.by_cell))
    assert {"pair", ALL_PAIRS, PRIMARY_DESIGN, "row_a", "row_b", "stratum", "cell"} <= found.keys()
    for values in found.values():
        check_super_uniform(values)


def test_two_hubs_are_called_related_by_the_raw_rung_and_not_by_the_residual():
    """A and B are always the models that agree with everybody, having few different units."""
    rng, found = np.random.default_rng(3), {}
    for _ in range(100):
        a, b, *others = (synthetic(rng, architecture(layers=1), distinct=2 if i < 2 else None) for i in range(12))
        result = evaluate(panel_of(others), a, b, alpha=0.2).primary
        for design, log10_p in rungs_of(result).items():
            found.setdefault(design, []).append(log10_p)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(found["pair"])
    check_super_uniform(found[ALL_PAIRS])


def test_a_copy_is_found_and_located():
    """With fresh members, a relative has the smallest p on every rung, at every layer."""
    rng = np.random.default_rng(5)
    a = synthetic(rng, architecture(layers=3))
    members = [synthetic(rng, architecture(layers=3)) for _ in range(13)]
    result = evaluate(panel_of(members), a, relative(a, rng)).primary
    assert all(rung.rank == 1 for rung in result.ranks)
    assert [(cell.layer_a, cell.layer_b) for cell in result.by_cell] == [(0, 0), (1, 1), (2, 2)]
    assert {cell.log10_p for cell in result.by_cell} == {rungs_of(result)[ALL_PAIRS]} == {log10(1 / 105)}


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=SEEDS)
def test_cells_are_summarised_alike_whichever_model_comes_first(rows, columns, seed):
    shares = np.random.default_rng(seed).random((rows, columns))
    assert summarise(shares).shape == (CLASSES, 4)
    assert np.allclose(summarise(shares), summarise(shares.T))
    assert summarise(shares)[:, 0].sum() == shares.size
    assert np.isclose(summarise(shares)[:, 3].max(), shares.max())


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

    real = scores_module.response_grid
    monkeypatch.setattr(scores_module, "response_grid", grid)
    monkeypatch.setattr(evidence, "PANEL_STATISTICS", tuple(map(counting, PANEL_STATISTICS)))
    return calls


def test_a_claim_costs_two_rows_and_one_score(shipped, models, monkeypatch):
    """2M + 1 scores of each statistic where the panel's own are kept, and the same numbers as afresh, bit for bit."""
    fresh = evaluate(Panel(shipped.record, shipped.fingerprints), models["stranger-1"], models["reference"])
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
        assert set(names[7:]) <= {f"{two}_residual"}
        m = len(use.members)
        sizes = [rung.size for rung in ranks[:6]]
        assert sizes == [(m + 2) * (m + 1) // 2] * 3 + [own_pairs(use)] + [m + 1] * 2
        assert ranks[2].rank == max(rung.rank for rung in ranks[:2])
        assert ranks[3].rank == min(ranks[2].rank, own_pairs(use))
        for rung in ranks:
            assert rung.attainable_log10_p == log10(1 / rung.size)
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
            if rung.design in ("pair_larger", "own_kind"):
                continue
            orbit = orbits[rung.design.removesuffix("_residual")]
            T = dict(zip(orbit, (S[e] for e in orbit), strict=True))
            if rung.design.endswith("_residual"):
                T = residuals(T, bipartite=rung.design.startswith("two"))
            claim = T[0, 1] if (0, 1) in T else T[1, 0]
            assert (sum(t >= claim - 1e-12 for t in T.values()), len(T)) == (rung.rank, rung.size), rung.design
        assert result.score == S[0, 1]
        pairs = disjoint_pairs([member.name for member in use.members])
        assert use.false_match.pairs == len(pairs) == len(use.members) // 2
        assert use.false_match.exceedances == sum(S[2 + i, 2 + j] >= S[0, 1] for i, j in pairs)
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
    assert (PRIMARY.id, PRIMARY_DESIGN) == ("response_match", "own_kind")
    for report in reports.values():
        assert report.panel_log10_p in (None, rungs_of(report.tests["response_match"])["own_kind"])
    # members far closer to one another than the claim: the primary fails where another statistic would reject
    rng = np.random.default_rng(1)
    a, b = synthetic(rng), synthetic(rng)
    core = synthetic(rng)
    members = [relative(core, rng) for _ in range(13)]
    found = evaluate(panel_of(members), a, b)
    assert found.primary is found.results[0]
    assert [result.id for result in found.results] == [statistic.id for statistic in PANEL_STATISTICS]
    assert (found.use.primary, found.use.primary_design) == ("response_match", "own_kind")


def test_best_of_k_pays_everywhere(shipped, models, reports):
    """The exact p, the panel p, the sensitivity, the bound, and the reach of the panel."""
    a, b, once = models["obfuscated"], models["reference"], reports["obfuscated"]
    size = own_pairs(once.panel)
    most = size // 20  # of searches that a p of 1/size survives at level .05
    options = {"panel": shipped, "corpus": CODE, "panel_alpha": REACHED}
    paid, lost, spent = (test_lineage(a, b, **options, searched=k) for k in (most, most + 1, 24))
    assert (once.verdict, paid.verdict, lost.verdict) == ("similar_beyond_panel",) * 2 + ("no_evidence",)
    assert paid.panel_log10_p == bonferroni(once.panel_log10_p, most) == pytest.approx(log10(most / size))
    assert paid.log10_p == bonferroni(once.log10_p, most)
    assert paid.panel.critical_odds_ratio == critical_odds_ratio(1, size, REACHED / most) > 1
    assert paid.panel.false_match.bound == min(1, most * once.panel.false_match.bound)
    assert (lost.panel_log10_p, spent.panel_log10_p) == (None, None)
    assert "9 are both, where level 0.0166667 needs 10" in lost.finding
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
        real = scores_module.response_grid
        monkeypatch.setattr(scores_module, "response_grid", lambda a, b: replace(real(a, b), score=wrong))
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


# ---- selection


def test_members_related_by_declaration_are_dropped_and_listed():
    """A's and B's own weights, with their families, and families declared; everyone else is kept, in order."""
    rng = np.random.default_rng(0)
    found = [synthetic(rng) for _ in range(8)]
    families = ["kin-a", "kin-a", "x", "y", "kin-b", "declared", "z", "declared"]
    selection = comparable(panel_of(found, families=families), found[0], found[4], ["declared"])
    assert [member.name for member in selection.members] == ["m2", "m3", "m6"]
    assert selection.dropped == (
        Exclusion(name="m0", reason="holds the weights of A"),
        Exclusion(name="m1", reason="its family kin-a is that of m0, which holds the weights of A"),
        Exclusion(name="m4", reason="holds the weights of B"),
        Exclusion(name="m5", reason="its family declared is declared for A or B"),
        Exclusion(name="m7", reason="its family declared is declared for A or B"),
    )


@given(st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=12), SEEDS)
@settings(max_examples=25, deadline=None)
def test_one_member_stands_for_a_family_and_no_number_decides_which(families, seed):
    """Shuffling the members' arrays among them changes neither the members selected nor the token list."""
    rng = np.random.default_rng(seed)
    found, a, b = [synthetic(rng) for _ in families], synthetic(rng), synthetic(rng)
    shuffled = [
        Fingerprint(x.record, y.arrays)
        for x, y in zip(found, rng.permutation(len(found)), strict=True)
        for y in [found[y]]
    ]
    one, two = (comparable(panel_of(x, families=families), a, b) for x in (found, shuffled))
    assert (one.members, one.dropped, one.anchors) == (two.members, two.dropped, two.anchors)
    assert sorted(member.family for member in one.members) == sorted(set(families))
    assert len(one.members) + len(one.dropped) == len(families)
    for member in one.members:
        rest = [f"m{i}" for i, family in enumerate(families) if family == member.family]
        assert member.name == min(rest, key=lambda name: hashlib.sha256(name.encode()).digest())


def knowing(found, anchors):
    """The model with a smaller vocabulary."""
    return on_anchors(found, anchors)


def test_members_that_share_too_few_tokens_are_dropped_so_that_one_list_serves_all():
    rng = np.random.default_rng(0)
    found = [synthetic(rng) for _ in range(4)]
    found[1] = knowing(found[1], range(5, 40))
    found[2] = knowing(found[2], range(20))
    selection = comparable(panel_of(found), synthetic(rng), knowing(synthetic(rng), range(38)))
    assert [member.name for member in selection.members] == ["m0", "m1", "m3"]
    assert selection.anchors == tuple(range(5, 38))
    assert selection.dropped == (Dropped(name="m2", reason=Phrase.of("panel.member.few_anchors")),)


def test_where_a_and_b_share_too_few_tokens_no_member_is_to_blame():
    rng = np.random.default_rng(0)
    panel = panel_of([synthetic(rng) for _ in range(4)])
    a, b = knowing(synthetic(rng), range(34)), knowing(synthetic(rng), range(4, 40))
    assert len(comparable(panel, a, b).members) == 4
    primary = evaluate(panel, a, b, alpha=0.2).primary
    assert primary.reason == "the vocabularies share 30 anchor tokens, fewer than 32"


def test_kinds_hold_members_that_can_be_compared_with_one_another():
    rng = np.random.default_rng(0)
    shapes = [architecture(), gpt2_like(), architecture(layers=1), gpt2_like(), moe_like()]
    found = comparable_groups(panel_of([synthetic(rng, shape) for shape in shapes]))
    assert [[member.name for member in members] for members, _ in found] == [["m0", "m2", "m4"], ["m1", "m3"]]


@pytest.mark.parametrize(
    ("b", "says"),
    [
        ({"norm": "layer"}, "different kinds of norm"),
        ({"gated": False}, "gated and the other's are not"),
    ],
)
def test_a_and_b_of_different_kinds_are_not_ranked(b, says):
    rng = np.random.default_rng(0)
    panel = panel_of([synthetic(rng) for _ in range(5)])
    primary = evaluate(panel, synthetic(rng), synthetic(rng, architecture(layers=2, **b)), alpha=0.2).primary
    assert says in words(primary.reason)


def test_models_of_a_kind_the_panel_lacks_are_told_how_to_build_one(shipped, models):
    report = test_lineage(models["gpt2-stranger"], models["gpt2-reference"], panel=shipped)
    assert (report.panel_log10_p, report.robust_log10_p) == (None, None)
    assert report.verdict == "no_evidence"
    assert "build a panel of models like them with `verify panel build RECIPE`" in words(
        report.tests[PRIMARY.id].reason
    )
    assert {out.name for out in report.panel.dropped} >= {"panel-01", "SmolLM2-135M-Instruct"}
    assert "build a panel of models like them" in report.to_markdown()


# ---- verdicts on the shipped models


def test_copies_no_exact_test_can_reach_are_found_and_strangers_are_not(reports):
    """The copy re-ordered in every way, and the one whose MLP became experts, at the smallest attainable panel p."""
    for name, report in reports.items():
        primary = report.tests[PRIMARY.id]
        whole = next(rung for rung in primary.ranks if rung.design == ALL_PAIRS)
        if name in ("obfuscated", "moe-fine", "depth-pruned-healed"):
            assert (whole.rank, primary.log10_p) == (1, primary.attainable_log10_p)
        else:
            assert report.verdict == "no_evidence"
            assert whole.log10_p > -1
        if report.panel_log10_p is not None:
            assert report.robust_log10_p == max(report.log10_p, report.panel_log10_p)
    assert reports["obfuscated"].verdict == "similar_beyond_panel"
    assert reports["moe-fine"].verdict == "dependent"


# ---- no verdict without members like the two models


def test_a_rank_is_no_verdict_until_the_panel_holds_members_like_a_and_b(shipped, models, reports):
    """By what is declared alone: the same scores and ranks, and a finding that says why they are no verdict."""
    a, b, declared = models["obfuscated"], models["reference"], reports["obfuscated"]
    use = declared.panel
    assert (use.corpus_a, use.corpus_b, use.like_a, use.like_b) == (
        CODE,
        CODE,
        *[Likeness(stratum=17, corpus=15, both=9)] * 2,
    )
    assert declared.finding.index("at most 0.193") < declared.finding.index("p = 0.018")  # what is guaranteed first
    for corpus, why in (
        ("", "the text behind A and B is not declared"),
        ((CODE, ""), "the text behind B is not declared"),
        (
            "another text",
            "0 were trained on their declared corpus ('another text') and 0 are both, where level 0.05 needs 5",
        ),
        (("zoo-prose", "elsewhere"), "of the stratum of B"),
    ):
        report = test_lineage(a, b, panel=shipped, corpus=corpus, panel_alpha=REACHED)
        same, other = report.tests[PRIMARY.id], declared.tests[PRIMARY.id]
        assert same.scores == other.scores
        assert [r for r in same.ranks if r.design != PRIMARY_DESIGN] == [
            r for r in other.ranks if r.design != PRIMARY_DESIGN
        ]
        assert (report.verdict, report.panel_log10_p, report.robust_log10_p) == ("no_evidence", None, None)
        assert (
            "Among the 465 pairs of A, B and the panel's members theirs ranks 1 by response_match" in report.finding
        )
        assert f"which is no verdict: {why}"[:20] in report.finding
        assert why in report.finding
        assert why in " ".join(report.to_markdown().split()).replace("\\", "")
    different = test_lineage(a, b, panel=shipped, corpus=("zoo-prose", "zoo-science"), panel_alpha=REACHED)
    assert (different.panel.like_a.both, different.panel.like_b.both) == (4, 4)
    assert different.verdict == "similar_beyond_panel"  # of five times five pairs of their two kinds
    assert different.panel_log10_p == log10(1 / 25)
    strict = test_lineage(a, b, panel=shipped, corpus=CODE)
    assert (strict.verdict, strict.panel_log10_p) == ("no_evidence", None)
    assert "9 are both, where level 0.01 needs 13" in strict.finding
    assert "9 are both, where level 0.01 needs 13" in " ".join(strict.to_markdown().split())


def test_a_stratum_that_the_panel_lacks_gives_no_verdict(reports):
    """Of removed layers, whatever corpus is declared: the exact tests remain."""
    report = reports["depth-pruned-healed"]
    assert (report.panel.like_a.stratum, report.panel.like_a.corpus, report.panel.like_a.both) == (0, 15, 0)
    assert report.tests[PRIMARY.id].ranks[2].rank == 1
    assert report.panel_log10_p is None
    assert report.verdict in ("dependent", "no_evidence")


def affine(rng, corpora, *, shift=6.0, hubs=1.0):
    """Scores of A, B and members: noise, a hub effect of each, and ``shift`` more for two models of one corpus."""
    n, level = len(corpora), rng.standard_normal(len(corpora)) * hubs
    noise = np.triu(rng.standard_normal((n, n)), 1)
    return (
        noise
        + noise.T
        + (level[:, None] + level)
        + shift * (np.equal.outer(corpora, corpora) & ~np.eye(n, dtype=bool))
    )


def use_of(corpora, alpha, strata=None):
    """What a report would say of a panel, A and B first, all of one stratum unless told."""
    strata, names = strata or ["s"] * len(corpora), [f"c{corpus}" for corpus in corpora]
    members = [Member.model_construct(stratum=s, corpus=c) for s, c in zip(strata[2:], names[2:], strict=True)]
    return evidence.PanelUse.model_construct(
        alpha=alpha,
        members=tuple(members),
        **{f"stratum_{side}": strata[i] for i, side in enumerate("ab")},
        **{f"corpus_{side}": names[i] for i, side in enumerate("ab")},
        **{f"like_{side}": likeness(members, strata[i], names[i]) for i, side in enumerate("ab")},
    )


def rungs_under(corpora, draws=400, seed=11, **law):
    """log10 p of each rung for fresh strangers, all others of a corpus of their own."""
    rng, names, found = np.random.default_rng(seed), [f"c{corpus}" for corpus in corpora], {}
    for _ in range(draws):
        for rung in evidence.ranks_by_design(affine(rng, corpora, **law), ["s"] * len(corpora), names):
            assert rung.attainable_log10_p == log10(1 / rung.size)
            found.setdefault(rung.design, []).append(rung.log10_p)
    return found


@pytest.mark.parametrize("members", [33, 60])
def test_strangers_of_one_corpus_are_counted_by_their_own_kind_however_large_the_panel(members):
    """Ranks over the number of all pairs fail the harness; over that of their kind they pass."""
    corpora = np.array([0] * (2 + 13) + [1 + i for i in range(members - 13)])
    assert unlike(use_of(corpora, 0.01)) is None
    found = rungs_under(corpora)
    check_super_uniform(found[PRIMARY_DESIGN])
    assert min(found[PRIMARY_DESIGN]) >= log10(1 / 105)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(found[ALL_PAIRS])


def test_strangers_of_two_corpora_that_are_alike_are_counted_by_both_kinds():
    """Nine like A and nine like B, of corpora that resemble each other and none else: a hundred pairs."""
    kinds_ = np.array([0, 1] + [0] * 9 + [1] * 9 + [2 + i for i in range(25)])
    alike, names = np.where(kinds_ < 2, 0, kinds_), [f"c{kind}" for kind in kinds_]
    use, rng = use_of(kinds_, 0.01), np.random.default_rng(3)
    assert (own_pairs(use), unlike(use)) == (100, None)
    ladders = [evidence.ranks_by_design(affine(rng, alike), ["s"] * len(names), names) for _ in range(400)]
    check_super_uniform([rung.log10_p for ranks in ladders for rung in ranks if rung.design == PRIMARY_DESIGN])
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([rung.log10_p for ranks in ladders for rung in ranks if rung.design == ALL_PAIRS])
    assert "needs 9 like each" in unlike(use_of(kinds_[:-26], 0.01))


def test_exchangeable_models_keep_their_p_values():
    """Where no corpus matters, the p-value is valid too, and never smaller than over all pairs."""
    found = rungs_under(np.array([0] * 15 + list(range(1, 19))), shift=0.0)
    check_super_uniform(found[PRIMARY_DESIGN])
    assert all(own >= whole for own, whole in zip(found[PRIMARY_DESIGN], found[ALL_PAIRS], strict=True))


@pytest.mark.parametrize(("alpha", "n_searched"), [(0.01, 1), (0.05, 1), (0.05, 5), (0.2, 1)])
def test_one_member_fewer_than_the_level_needs_gives_no_verdict(alpha, n_searched):
    """The reason says how many there are and how many are needed."""
    needed = like_needed(alpha / n_searched)
    assert (alpha / n_searched != 0.01) or needed == 13
    for like, given_ in ((needed - 1, False), (needed, True)):
        use = use_of([0] * (2 + like) + list(range(1, 60 - like)), alpha)
        why = unlike(use, n_searched)
        assert (why is None) == given_ == (1 / own_pairs(use) <= alpha / n_searched + 1e-12)
        if why is not None:
            assert f"{like} are both, where level {alpha / n_searched:g} needs {needed}" in why


def test_a_claim_of_which_one_side_has_no_member_like_it_gets_no_verdict():
    """Though the other side's members alone would make pairs enough."""
    assert "0 are both" in unlike(use_of([0, 1] + [1] * 120, 0.01))
    assert "0 are both" in unlike(use_of([0, 0, 1, 2, 3], 0.4))
    assert unlike(use_of([0, 1, 0] + [1] * 120, 0.01)) is None


@given(
    labels=st.lists(st.tuples(st.sampled_from("st"), st.sampled_from(["", "c", "d"])), min_size=7, max_size=14),
    seed=SEEDS,
)
def test_the_rung_is_what_is_declared_and_the_rank_among_all_pairs(labels, seed):
    """Its size by the counts of members like A and B, whichever way they are counted; its rank never beyond that."""
    strata, corpora = map(list, zip(*labels, strict=True))
    members = [Member.model_construct(stratum=s, corpus=c) for s, c in labels[2:]]
    use = evidence.PanelUse.model_construct(
        stratum_a=strata[0],
        stratum_b=strata[1],
        corpus_a=corpora[0],
        corpus_b=corpora[1],
        like_a=likeness(members, *labels[0]),
        like_b=likeness(members, *labels[1]),
        members=tuple(members),
    )
    rng = np.random.default_rng(seed)
    ranks = {rung.design: rung for rung in evidence.ranks_by_design(affine(rng, range(len(labels))), strata, corpora)}
    own, whole = ranks[PRIMARY_DESIGN], ranks[ALL_PAIRS]
    assert own.size == own_pairs(use) <= whole.size
    assert own.rank == min(whole.rank, own.size)
    assert (own.log10_p, own.attainable_log10_p) == (log10(own.rank / own.size), log10(1 / own.size))


@given(
    members=st.lists(st.tuples(st.sampled_from(["s", "t"]), st.sampled_from(["", "c", "d"])), max_size=9),
    corpus=st.sampled_from(["", "c"]),
)
def test_likeness_counts_what_is_declared_and_an_undeclared_corpus_is_shared_with_nobody(members, corpus):
    found = likeness([Member.model_construct(stratum=s, corpus=c) for s, c in members], "s", corpus)
    assert found.stratum == sum(s == "s" for s, _ in members)
    assert found.corpus == (0 if not corpus else sum(c == "c" for _, c in members))
    assert found.both == (0 if not corpus else members.count(("s", "c"))) <= min(found.stratum, found.corpus or 0)


def test_a_panel_of_before_corpora_were_declared_keeps_its_digest(saved, tmp_path):
    """Nothing is written of a corpus that is not declared; one that is is covered by the digest."""
    panel, folder = saved
    assert "corpus" not in (folder / "panel.json").read_text()
    first, *others = panel.record.members
    declared = panel.record.model_copy(update={"members": (first.model_copy(update={"corpus": "c"}), *others)})
    assert declared.sealed().digest != panel.digest
    Panel(declared, panel.fingerprints, panel.scores).save(tmp_path)
    assert Panel.load(tmp_path).record.members[0].corpus == "c"


@pytest.mark.parametrize(
    ("corpus", "says"), [(("a", "b", "c"), "two names"), (("a", 1), "two names"), ("\ud800", "UTF-8")]
)
def test_a_corpus_that_is_no_name_is_refused(corpus, says, models, shipped):
    with pytest.raises(InputError, match=says):
        test_lineage(models["obfuscated"], models["reference"], panel=shipped, corpus=corpus)


def test_identical_weights_need_no_panel(shipped, models):
    report = test_lineage(models["reference"], models["reference"], panel=shipped)
    assert (report.verdict, report.panel, report.panel_log10_p, report.robust_log10_p) == (
        "identical",
        None,
        None,
        None,
    )


def test_removed_layers_align_to_the_right_ones(reports, shipped):
    """Of the reference's layers 2 and 3 were dropped: two remain of the small model's four, four of six."""
    cells = reports["depth-pruned-healed"].tests[PRIMARY.id].by_cell
    assert [(cell.layer_a, cell.layer_b) for cell in cells] == [(0, 0), (1, 1)]
    assert max(cell.log10_p for cell in cells) < -2
    cells = located("depth-pruned-healed", shipped)
    assert [(cell.layer_a, cell.layer_b) for cell in cells] == [(0, 0), (1, 1), (2, 4), (3, 5)]
    assert max(cell.log10_p for cell in cells) < -2


def test_reinitialised_layers_are_the_only_ones_not_significant(shipped):
    cells = located("reinitialised", shipped)
    assert {cell.layer_a for cell in cells if cell.log10_p > -2} == {2, 3}
    assert {cell.layer_a for cell in cells if cell.log10_p < -2} == {0, 1, 4, 5}


def located(name, shipped):
    a, b = (Fingerprint.load(FINGERPRINTS / f"{x}.safetensors") for x in (name, "reference"))
    return evaluate(shipped, a, b).primary.by_cell


def test_a_report_round_trips_and_its_page_names_what_it_rests_on(reports):
    """Panel, digest, every rung, audit, bound and words, and members left out."""
    for report in reports.values():
        assert ClaimReport.from_json(report.to_json()) == report
        page, use = report.to_markdown(), report.panel
        for text in (use.name, use.digest, "audit of the panel", "bound", "sensitivity", "(primary)"):
            assert text in page.lower()
        for rung in report.tests[PRIMARY.id].ranks:
            assert f"| {rung.design.replace('_', ' ')}" in page
            assert f"| {rung.rank} | {rung.size} |" in page
        for out in use.dropped:
            assert f"`{out.name}`" in page
            assert out.reason in page
        assert verbal_cap(use.false_match.bound) in page
        assert ("no verdict" in page) == (report.panel_log10_p is None)


def test_no_page_holds_a_stronger_word_than_the_panel_supports(reports):
    for report in reports.values():
        cap = 1 / report.panel.false_match.bound
        stronger = [row["words"] for row in verbal_scale() if row["at_least"] > cap]
        assert len(stronger) >= 5  # tens of models support weak words at most
        assert not [words for words in stronger if words in report.to_markdown()]


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (1.0, "no support"),
        (0.5 + 1e-12, "no support"),
        (0.5, "weak support"),
        (0.1 + 1e-12, "weak support"),
        (0.1, "moderate support"),
        (0.01, "moderately strong support"),
        (0.001, "strong support"),
        (1e-4, "very strong support"),
        (1.1e-6, "very strong support"),
        (1e-6, "extremely strong support"),
    ],
)
def test_words_are_capped_at_the_boundaries_of_the_scale(bound, words):
    assert verbal_cap(bound) == words


# ---- audit


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


# ---- build


def write_toys(root, n=3, layers=1):
    c = config(layers=layers)
    for i in range(n):
        write(root / f"toy-{i}", weights(i, c), c)


def recipe(*names, **changes):
    entries = [{"model": name, "family": name, "licence": "MIT"} | changes.get(name, {}) for name in names]
    return Recipe.model_validate({"name": "toys", "version": "1", "member": entries})


@pytest.fixture
def toys(tmp_path):
    """Three models to build a panel of, and where to."""
    write_toys(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def read(monkeypatch):
    """Names of the models that were fingerprinted."""
    names = []

    def reading(source, **options):
        names.append(source.name)
        return verify.fingerprint(source, **options)

    monkeypatch.setattr(build_module, "fingerprint", reading)
    return names


TOYS = ("toy-0", "toy-1", "toy-2")


def bad_model(name, root):
    """A model that cannot be a member, as a recipe's entry, and what is said."""
    c, path = config(layers=1), root / "bad"
    if name == "absent":
        return "'bad' does not exist"
    if name == "damaged":
        write(path, weights(5, c), c)
        (path / "model.safetensors").write_bytes(b"")
        return "is empty"
    if name == "other sketch":
        verify.fingerprint(root / "toy-0", sketch=SketchSpec(units=8)).save(path)
        return "another sketch"
    if name == "slim":
        verify.fingerprint(write(root / "whole", weights(5, c), c)).only(*PANEL_COMPONENTS).save(path)
        return "cut down for a panel"
    if name == "dead":
        w = weights(5, c)
        write(path, w | {"model.layers.0.mlp.down_proj.weight": 0 * w["model.layers.0.mlp.down_proj.weight"]}, c)
        return "No unit of bad responds"
    write(path, weights(1, c), c)
    return "holds the same weights as toy-1"


@pytest.mark.parametrize("name", ["absent", "damaged", "other sketch", "slim", "dead", "twin"])
def test_a_bad_model_is_reported_listed_and_skipped(name, toys, tmp_path):
    """Whatever is wrong with it, the rest are built, and the panel loads."""
    says, lines = bad_model(name, toys), []
    panel = build_panel(recipe(*TOYS, "bad"), tmp_path / "panel", base=toys, report=lines.append)
    assert [member.name for member in panel.record.members] == list(TOYS)
    (left,) = panel.record.excluded
    assert left.name == "bad"
    assert says in left.reason
    assert lines == [f"bad: skipped: {left.reason}"]
    assert str(tmp_path) not in left.reason
    assert load_panel(tmp_path / "panel").record == panel.record
    assert panel.scores


def test_if_no_model_can_be_used_it_is_one_error(tmp_path):
    with pytest.raises(InputError, match="No model of the recipe 'toys' could be fingerprinted"):
        build_panel(recipe("a", "b"), tmp_path / "panel", base=tmp_path)
    assert not (tmp_path / "panel").exists()


def test_an_interrupted_build_resumes_where_it_stopped(toys, tmp_path, read):
    """Finished models are not read again, and the panel is the one an undisturbed build makes."""

    def interrupted(what, done, _):
        if what == "panel toys" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_panel(recipe(*TOYS), tmp_path / "panel", base=toys, progress=interrupted)
    assert read == ["toy-0", "toy-1"]
    assert not (tmp_path / "panel" / "panel.json").exists()
    resumed = build_panel(recipe(*TOYS), tmp_path / "panel", base=toys)
    assert read == ["toy-0", "toy-1", "toy-2"]
    assert resumed.digest == build_panel(recipe(*TOYS), tmp_path / "other", base=toys).digest
    assert build_panel(recipe(*TOYS), tmp_path / "panel", base=toys).digest == resumed.digest
    assert len(read) == 6


def change(name, toys, cached):
    """What may happen to a model after it was fingerprinted; whether it must be read again."""
    weights_file, c = toys / "toy-1" / "model.safetensors", config(layers=1)
    old = cached.stat().st_mtime - 100
    if name == "newer":
        write(toys / "toy-1", weights(9, c), c)
        os.utime(weights_file, (old + 200, old + 200))
    elif name == "older file of another size":
        write(toys / "toy-1", weights(9, config(layers=2)), config(layers=2))
        for path in (toys / "toy-1").iterdir():
            os.utime(path, (old, old))
    elif name == "newer configuration":
        os.utime(toys / "toy-1" / "config.json", (old + 200, old + 200))
    elif name == "damaged fingerprint":
        cached.write_bytes(cached.read_bytes()[:-1])
    elif name == "other sketch":
        verify.fingerprint(toys / "toy-1", sketch=SketchSpec(units=8)).save(cached)
    elif name == "gone":
        shutil.rmtree(toys / "toy-1")
        return False
    return name != "nothing"


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "gone",
        "newer",
        "newer configuration",
        "older file of another size",
        "damaged fingerprint",
        "other sketch",
    ],
)
def test_a_model_is_read_again_if_it_changed_and_only_then(name, toys, tmp_path, read):
    build_panel(recipe(*TOYS), tmp_path / "panel", base=toys)
    read.clear()
    again = change(name, toys, tmp_path / "panel" / "fingerprints" / "toy-1.safetensors")
    panel = build_panel(recipe(*TOYS), tmp_path / "panel", base=toys)
    assert read == (["toy-1"] if again else [])
    assert len(panel.record.members) == 3
    fresh = toys / "toy-1"
    if fresh.exists():
        expected = verify.fingerprint(fresh).record.content_sha256
        assert panel.fingerprints["toy-1"].record.content_sha256 == expected


def test_a_name_given_to_another_model_is_read_again(toys, tmp_path):
    """A fingerprint made of one model never stands for another."""
    build_panel(recipe(*TOYS), tmp_path / "panel", base=toys)
    again = recipe("toy-0", "elsewhere", elsewhere={"name": "toy-1"})
    panel = build_panel(again, tmp_path / "panel", base=toys)
    assert [member.name for member in panel.record.members] == ["toy-0"]
    verify.fingerprint(toys / "toy-2").save(toys / "elsewhere")
    panel = build_panel(again, tmp_path / "panel", base=toys)
    expected = verify.fingerprint(toys / "toy-2").record.content_sha256
    assert panel.record.members[1].content_sha256 == expected


def test_a_cached_fingerprint_of_another_sketch_is_refused(toys, tmp_path):
    """Though no weights are there to make a better one."""
    cached = tmp_path / "panel" / "fingerprints" / "toy-9.safetensors"
    found = verify.fingerprint(toys / "toy-0", sketch=SketchSpec(units=8))
    Fingerprint(found.record.model_copy(update={"name": "toy-9"}), found.arrays).save(cached)
    panel = build_panel(recipe("toy-0", "toy-9"), tmp_path / "panel", base=toys)
    assert [(left.name, "another sketch" in left.reason) for left in panel.record.excluded] == [("toy-9", True)]


def test_relatives_are_listed_and_kept(toys, tmp_path):
    c = config(layers=1)
    write(toys / "kin", child(weights(0, c), 11), c)
    panel = build_panel(recipe(*TOYS, "kin"), tmp_path / "panel", base=toys)
    assert [(pair.a, pair.b) for pair in panel.record.kinship] == [("toy-0", "kin")]
    assert len(panel.record.members) == 4
    assert panel.record.kinship[0].log10_p < -3


def test_no_place_on_the_builders_machine_enters_a_panel(toys, tmp_path):
    """A source that was not stated is the recipe's own word for the model, or its name where that is a place."""
    names = {"a": str(toys / "toy-0"), "b": "../models/toy-1", "c": "toy-2"}
    entries = [{"model": path, "name": name, "family": name, "licence": "x"} for name, path in names.items()]
    absent = {"model": str(tmp_path / "secret" / "d"), "family": "d", "licence": "x"}
    made = Recipe.model_validate({"name": "n", "version": "1", "member": [*entries, absent]})
    panel = build_panel(made, tmp_path / "panel", base=toys)
    assert [member.source for member in panel.record.members] == ["a", "b", "toy-2"]
    text = (tmp_path / "panel" / "panel.json").read_text()
    assert not any(place in text for place in (str(tmp_path), "..", "secret"))


def test_panel_build_takes_a_recipe_or_its_path_with_models_beside_it(toys, tmp_path, monkeypatch):
    (toys / "toys.toml").write_text(toml(RECIPE))
    by_path = build_panel(toys / "toys.toml", tmp_path / "one")
    monkeypatch.chdir(toys)
    by_recipe = build_panel(Recipe.read(toys / "toys.toml"), tmp_path / "two")
    assert by_path.digest == by_recipe.digest == load_panel(tmp_path / "one").digest
    assert repr(by_path) == f"Panel('toys' 1, 3 members, {by_path.digest:.19})"


@pytest.mark.parametrize("name", ["", "x"])
def test_a_recipe_beside_its_model_builds_a_panel_or_says_why_before_any_work(toys, tmp_path, name, monkeypatch):
    """A place that is only `.` has no last part to name a member by, and says nothing as a source."""
    entry = {"model": ".", "family": "f", "licence": "MIT"} | ({"name": name} if name else {})
    (toys / "toy-0" / "r.toml").write_text(toml(RECIPE | {"member": [entry], "positive": []}))
    if name:
        panel = build_panel(toys / "toy-0" / "r.toml", tmp_path / "panel")
        assert [(member.name, member.source) for member in panel.record.members] == [("x", "x")]
        assert panel.fingerprints["x"].record.name == "toy-0"
        return
    monkeypatch.setattr("verify.panel.build.fingerprint", None)
    with pytest.raises(InputError, match="needs a `name`"):
        build_panel(toys / "toy-0" / "r.toml", tmp_path / "panel")
    assert not (tmp_path / "panel").exists()


def test_workers_build_the_same_panel(toys, tmp_path):
    panels = [build_panel(recipe(*TOYS), tmp_path / str(n), base=toys, workers=n) for n in (None, 2)]
    assert panels[0] == panels[1]


# ---- recipes

RECIPE = {
    "name": "toys",
    "version": "1",
    "member": [{"model": name, "family": name, "licence": "MIT"} for name in TOYS],
    "positive": [{"model": "toy-1", "reference": "toy-0"}],
}


def toml(content):
    lines = [f"{key} = {json.dumps(value)}" for key, value in content.items() if not isinstance(value, list)]
    for key, rows in content.items():
        if isinstance(rows, list):
            for row in rows:
                lines += [f"[[{key}]]", *(f"{name} = {json.dumps(value)}" for name, value in row.items())]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".YAML", ".TOML"])
def test_toml_and_yaml_are_one_recipe(suffix, tmp_path):
    (tmp_path / "r.toml").write_text(toml(RECIPE))
    (tmp_path / f"other{suffix}").write_text(toml(RECIPE) if "T" in suffix else json.dumps(RECIPE))
    assert Recipe.read(tmp_path / "r.toml") == Recipe.read(tmp_path / f"other{suffix}")


def without(key):
    return {k: v for k, v in RECIPE.items() if k != key}


def with_member(**changes):
    return RECIPE | {"member": [{**RECIPE["member"][0], **changes}]}


WRONG = {
    "no name": (without("name"), "at name: Field required"),
    "no members": (without("member"), "at member: Field required"),
    "no member": (RECIPE | {"member": []}, "at least 1 item"),
    "a type": (RECIPE | {"version": 1}, "at version"),
    "an unknown key": (RECIPE | {"memeber": 1}, "at memeber"),
    "no licence": (RECIPE | {"member": [{"model": "a", "family": "b"}]}, "at member.0.licence"),
    "two of a name": (RECIPE | {"member": RECIPE["member"] * 2}, "two members are named 'toy-0'"),
    "a path": (with_member(name="../../evil"), "needs a `name`"),
    "a slash": (with_member(name="a/b"), "needs a `name`"),
    "a backslash": (with_member(name="a\\b"), "needs a `name`"),
    "a control character": (with_member(name="a\x1b[31m"), "needs a `name`"),
    "two lines": (with_member(name="a\n"), "needs a `name`"),
    "hidden": (with_member(name=".a"), "needs a `name`"),
    "too long": (with_member(name="a" * 101), "needs a `name`"),
    "no model": (with_member(model=""), "needs a `name`"),
    "the parent": (with_member(model=".."), "needs a `name`"),
    "a model with spaces": (with_member(model="my model"), "needs a `name`"),
    "a list": ([], "at the document"),
    "no text": (None, "at the document"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_recipe_is_one_sentence(name, tmp_path):
    """That says where; and the rules hold for recipes made in Python."""
    content, says = WRONG[name]
    (tmp_path / "wrong.yaml").write_text(json.dumps(content))
    refused(tmp_path / "wrong.yaml", says)
    with pytest.raises(ValidationError):
        Recipe.model_validate(content)


def refused(path, says):
    with pytest.raises(InputError) as error:
        Recipe.read(path)
    assert says in str(error.value)
    assert path.name[:50] in str(error.value)
    assert str(path.parent) not in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.toml", b"name = ", "not valid TOML"),
        ("a.toml", b"\xff\xfe", "not valid TOML"),
        ("a.toml", b"a = " + b"[" * 20_000, "not valid TOML"),
        ("a.yaml", b"[" * 20_000, "not valid TOML or YAML"),
        ("a.yaml", b"a: [1", "not valid TOML or YAML"),
        ("a.yaml", b"a: 2024-13-45", "not valid TOML or YAML"),
        ("a.yaml", b"a: !!python/object/apply:os.system [x]", "not valid TOML or YAML"),
        ("a.yaml", b'name: "\\ud800"', "at "),
        ("a.toml", b"#" * 10_000_001, "has over 10000000 bytes"),
        ("absent.toml", None, "No such file"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_sentence(name, content, says, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, says)


def test_a_folder_is_no_recipe(tmp_path):
    (tmp_path / "x.toml").mkdir()
    refused(tmp_path / "x.toml", "directory")


def test_the_hub_recipe_names_families_once_and_its_positives_are_of_members():
    found = Recipe.read(HUB)
    families = [entry.family for entry in found.members]
    assert len(families) == len(set(families)) >= 13
    models = {entry.model for entry in found.members}
    assert found.positives
    assert {positive.reference for positive in found.positives} <= models
    assert not {positive.model for positive in found.positives} & models
    assert all(entry.licence and entry.model.count("/") == 1 for entry in found.members)
    Draft202012Validator(json.loads(schemas()["panel-recipe-1.schema.json"])).validate(
        json.loads(found.model_dump_json(by_alias=True))
    )


# ---- the record


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small panel with scores, in its folder."""
    root = tmp_path_factory.mktemp("saved")
    write_toys(root, layers=3)
    return build_panel(recipe(*TOYS), root / "panel", base=root), root / "panel"


@pytest.mark.parametrize("units", [2**53, 10**30, -1, True])
def test_a_number_that_no_digest_covers_is_refused_in_a_sentence(units, tmp_path):
    content = json.loads((DEFAULT / "panel.json").read_bytes())
    content["sketch"]["units"] = units
    (tmp_path / "panel.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"(altered|damaged).*(obtain|build) the panel again"):
        load_panel(tmp_path)


def test_a_panel_loads_as_it_was_saved(saved):
    panel, folder = saved
    loaded = Panel.load(folder)
    assert loaded.record == panel.record
    assert (
        loaded.digest == panel.digest == digest(json.loads((folder / "panel.json").read_text()), without=("digest",))
    )
    for name, found in panel.fingerprints.items():
        assert loaded.fingerprints[name].to_bytes() == found.to_bytes()
    assert len(loaded.scores) == len(panel.scores) == len(PANEL_STATISTICS)
    for one, two in zip(panel.scores, loaded.scores, strict=True):
        assert one.to_bytes() == two.to_bytes()
        np.testing.assert_array_equal(one.matrix, two.matrix)
        upper = np.triu_indices(3, 1)
        if one.grids.size:
            np.testing.assert_array_equal(one.grids[upper], two.grids[upper])


def test_the_schema_describes_the_record(saved):
    validator = Draft202012Validator(json.loads(schemas()["panel-1.schema.json"]))
    for folder in (saved[1], DEFAULT):
        validator.validate(json.loads((folder / "panel.json").read_text()))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_anywhere_is_refused(data, saved):
    """In the record, a fingerprint or a score; an equivalent spelling of the record may load, as the same record."""
    panel, folder = saved
    path = data.draw(st.sampled_from(sorted(p for p in folder.rglob("*") if p.is_file())))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    loaded = message = None
    try:
        path.write_bytes(bytes(changed))
        loaded = Panel.load(folder)
    except InputError as error:
        message = str(error)
    finally:
        path.write_bytes(content)
    if loaded is None:
        assert "\n" not in message
        assert str(folder) not in message
    else:
        assert path.name == "panel.json"
        assert loaded.record == panel.record


def test_a_missing_file_is_refused_by_name(saved, tmp_path):
    panel, folder = saved
    files = [f"fingerprints/{panel.record.members[1].name}.safetensors", panel.record.scores[0].file, "panel.json"]
    for number, file in enumerate(files):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        (copy / file).unlink()
        with pytest.raises(InputError, match=file.rsplit("/", 1)[-1].replace(".", r"\.")):
            load_panel(copy)


def resealed(folder, change):
    """The panel with a record changed by someone who also made its digest anew."""
    content = json.loads((folder / "panel.json").read_text())
    change(content)
    record = PanelRecord.model_construct(**content)
    content["digest"] = digest(content, without=("digest",))
    assert record
    (folder / "panel.json").write_bytes(canonical(content))


FORGED = {
    "another model": (lambda c: c["members"][0].update(content_sha256="0" * 64), "another model or sketch"),
    "another sketch": (lambda c: c["sketch"].update(units=7), "another model or sketch"),
    "two of a name": (lambda c: c["members"][1].update(name=c["members"][0]["name"]), "two members have one name"),
    "a place": (lambda c: c["members"][0].update(name="../toy"), "members.0.name"),
    "a score elsewhere": (lambda c: c["scores"][0].update(file="../x.safetensors"), "scores.0.file"),
    "scores of a stranger": (lambda c: c["scores"][0]["names"].__setitem__(0, "who"), "scores are not of distinct"),
    "scores of one twice": (lambda c: c["scores"][0]["names"].__setitem__(0, "toy-1"), "scores are not of distinct"),
    "scores of two": (lambda c: c["scores"][0]["names"].pop(), "does not hold the scores of 2 members"),
    "scores of another kind": (lambda c: c["scores"][0].update(statistic="x"), "does not hold the scores"),
    "no members": (lambda c: c.update(members=[]), "members"),
    "another schema": (lambda c: c.update(schema_version=2), "schema_version"),
    "more": (lambda c: c.update(more=1), "more"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_record_that_contradicts_its_files_is_refused(name, saved, tmp_path):
    shutil.copytree(saved[1], tmp_path / "panel")
    forge, says = FORGED[name]
    resealed(tmp_path / "panel", forge)
    with pytest.raises(InputError, match=says):
        load_panel(tmp_path / "panel")


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_kept_scores_that_are_no_numbers_are_refused(wrong, saved, tmp_path):
    shutil.copytree(saved[1], tmp_path / "panel")
    kept = saved[0].scores[1]
    kept = replace(kept, matrix=np.where(np.eye(3) == 1, kept.matrix, wrong))
    file = saved[0].record.scores[1].file
    (tmp_path / "panel" / file).write_bytes(kept.to_bytes())
    sha256 = hashlib.sha256(kept.to_bytes()).hexdigest()
    resealed(tmp_path / "panel", lambda content: content["scores"][1].update(sha256=sha256))
    with pytest.raises(InputError, match="does not hold the scores of 3 members"):
        load_panel(tmp_path / "panel")


def test_there_is_no_panel_where_there_is_none(tmp_path):
    assert load_panel(None) is None
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(InputError, match="is not a panel"):
            load_panel(place)


def test_slim_keeps_every_panel_score_and_nothing_exact(saved, tmp_path):
    panel, _ = saved
    small = slim(panel)
    small.save(tmp_path)
    loaded = Panel.load(tmp_path)
    assert loaded.digest == small.digest != panel.digest
    names = [member.name for member in panel.record.members]
    for statistic in PANEL_STATISTICS:
        one, two = (
            compute(statistic, [each.fingerprints[name] for name in names], names, ()) for each in (panel, loaded)
        )
        assert one.to_bytes() == two.to_bytes()
    kinds_of_arrays = {name.split(".")[0] for found in loaded.fingerprints.values() for name in found.arrays}
    assert kinds_of_arrays == set(PANEL_COMPONENTS)
    with pytest.raises(FingerprintError, match=r"cut down for a panel and lacks .*units.*make it again"):
        test_lineage(loaded.fingerprints["toy-0"], loaded.fingerprints["toy-1"])


# ---- the panel that ships


def test_the_shipped_panel_is_large_enough_and_small_enough(shipped):
    """Twenty strangers of one kind, each of a family of its own; under 15 MB; no relatives known."""
    members, anchors = comparable_groups(shipped)[0]
    shapes = [shipped.fingerprints[member.name].record.architecture for member in members]
    assert len(members) >= 20
    assert len({member.family for member in members}) == len(members)
    assert {(shape.gated, shape.norm) for shape in shapes} == {(True, "rms")}
    assert len(anchors) >= 32
    assert sum(path.stat().st_size for path in DEFAULT.rglob("*") if path.is_file()) < 15_000_000
    assert shipped.record.kinship == ()
    assert {kept.statistic for kept in shipped.record.scores} == {statistic.id for statistic in PANEL_STATISTICS}
    assert all(set(found.record.components) == set(PANEL_COMPONENTS) for found in shipped.fingerprints.values())


def test_every_shipped_member_has_a_licence_and_a_source_and_no_file_names_a_place(shipped):
    for member in shipped.record.members:
        assert member.licence
        assert member.source
        for file in shipped.fingerprints[member.name].record.files:
            assert "/" not in file.name
    listed = {f"fingerprints/{member.name}.safetensors" for member in shipped.record.members}
    listed |= {kept.file for kept in shipped.record.scores} | {"panel.json", "SOURCES.md"}
    assert {str(path.relative_to(DEFAULT)) for path in DEFAULT.rglob("*") if path.is_file()} == listed
    for path in DEFAULT.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".safetensors":
                content = content[8 : 8 + int.from_bytes(content[:8], "little")]
            found = [
                place for place in (b"/home/", b"/root", b"/tmp", b"/work", b"/Users/", b"C:\\") if place in content
            ]
            assert not found, path
            assert os.uname().nodename.encode() not in content


def test_no_shipped_model_is_in_the_shipped_panel(shipped, models):
    """What the panel is shown on was not used to fill it."""
    contents = {member.content_sha256 for member in shipped.record.members}
    assert not contents & {found.record.content_sha256 for found in models.values()}


def test_no_exact_test_applies_to_a_panel_statistic_name():
    assert not {test.id for test in EXACT_TESTS} & {statistic.id for statistic in PANEL_STATISTICS}


def test_a_statistic_outside_its_domain_is_said_so():
    with pytest.raises(StatisticsError):
        pair_p_values(np.zeros((4, 4)))
