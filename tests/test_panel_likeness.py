"""The claim's own kind: a rank shown beside the primary one, and by which older reports replay their verdict."""

from math import log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import panels
from tests.reports import words
from tests.strategies import SEEDS
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import InputError, test_lineage
from verify.panel import ALL_PAIRS, Member, evidence, like_needed, own_pairs, undecided
from verify.panel.designs import OWN_KIND
from verify.panel.likeness import likeness

models, shipped = panels.models, panels.shipped


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
    """What a report by the rule of own kinds would say of a panel, A and B first, all of one stratum unless told."""
    strata, names = strata or ["s"] * len(corpora), [f"c{corpus}" for corpus in corpora]
    members = [Member.model_construct(stratum=s, corpus=c) for s, c in zip(strata[2:], names[2:], strict=True)]
    return evidence.PanelUse.model_construct(
        alpha=alpha,
        primary_design=OWN_KIND,
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


@pytest.mark.slow
@pytest.mark.parametrize("members", [33, 60])
def test_strangers_of_one_corpus_are_counted_by_their_own_kind_however_large_the_panel(members):
    """Ranks over the number of all pairs fail the harness; over that of their kind they pass."""
    corpora = np.array([0] * (2 + 13) + [1 + i for i in range(members - 13)])
    assert undecided(use_of(corpora, 0.01)) is None
    found = rungs_under(corpora)
    check_super_uniform(found[OWN_KIND])
    assert min(found[OWN_KIND]) >= log10(1 / 105)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(found[ALL_PAIRS])


@pytest.mark.slow
def test_strangers_of_two_corpora_that_are_alike_are_counted_by_both_kinds():
    """Nine like A and nine like B, of corpora that resemble each other and none else: a hundred pairs."""
    kinds_ = np.array([0, 1] + [0] * 9 + [1] * 9 + [2 + i for i in range(25)])
    alike, names = np.where(kinds_ < 2, 0, kinds_), [f"c{kind}" for kind in kinds_]
    use, rng = use_of(kinds_, 0.01), np.random.default_rng(3)
    assert (own_pairs(use), undecided(use)) == (100, None)
    ladders = [evidence.ranks_by_design(affine(rng, alike), ["s"] * len(names), names) for _ in range(400)]
    check_super_uniform([rung.log10_p for ranks in ladders for rung in ranks if rung.design == OWN_KIND])
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([rung.log10_p for ranks in ladders for rung in ranks if rung.design == ALL_PAIRS])
    assert "needs 9 like each" in words(undecided(use_of(kinds_[:-26], 0.01)))


@pytest.mark.slow
def test_exchangeable_models_keep_their_p_values():
    """Where no corpus matters, the p-value is valid too, and never smaller than over all pairs."""
    found = rungs_under(np.array([0] * 15 + list(range(1, 19))), shift=0.0)
    check_super_uniform(found[OWN_KIND])
    assert all(own >= whole for own, whole in zip(found[OWN_KIND], found[ALL_PAIRS], strict=True))


@pytest.mark.parametrize(("alpha", "n_searched"), [(0.01, 1), (0.05, 1), (0.05, 5), (0.2, 1)])
def test_one_member_fewer_than_the_level_needs_gave_no_verdict(alpha, n_searched):
    """The reason says how many there are and how many are needed."""
    needed = like_needed(alpha / n_searched)
    assert (alpha / n_searched != 0.01) or needed == 13
    for like, given_ in ((needed - 1, False), (needed, True)):
        use = use_of([0] * (2 + like) + list(range(1, 60 - like)), alpha)
        why = undecided(use, n_searched)
        assert (why is None) == given_ == (1 / own_pairs(use) <= alpha / n_searched + 1e-12)
        if why is not None:
            assert f"{like} are both, where level {alpha / n_searched:g} needs {needed}" in words(why)


def test_a_claim_of_which_one_side_has_no_member_like_it_got_no_verdict():
    """Though the other side's members alone would make pairs enough."""
    assert "0 are both" in words(undecided(use_of([0, 1] + [1] * 120, 0.01)))
    assert "0 are both" in words(undecided(use_of([0, 0, 1, 2, 3], 0.4)))
    assert undecided(use_of([0, 1, 0] + [1] * 120, 0.01)) is None


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
    own, whole = ranks[OWN_KIND], ranks[ALL_PAIRS]
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


@pytest.mark.parametrize(
    ("corpus", "says"), [(("a", "b", "c"), "two names"), (("a", 1), "two names"), ("\ud800", "UTF-8")]
)
def test_a_corpus_that_is_no_name_is_refused(corpus, says, models, shipped):
    with pytest.raises(InputError, match=says):
        test_lineage(models["obfuscated-all"], models["reference"], panel=shipped, corpus=corpus)
