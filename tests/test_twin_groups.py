"""Twins whose recipes share initial weights: valid counted by group, and invalid counted otherwise."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from verify.base import StatisticsError
from verify.inference import grouped_twin_rank, twin_rank
from verify.panel.designs import TWINS
from verify.panel.evidence import ranks_by_design, used
from verify.panel.members import Member, RelatedPair, Twins
from verify.panel.twin_groups import independent_groups
from verify.panel.twins import above_levels
from verify.statistics import TwinScore

LEVELS = st.integers(-3, 3).map(float)  # coarse, so that ties are common
PANELS = st.lists(st.tuples(LEVELS, st.integers(0, 3)), min_size=1, max_size=8)


def p_value(found) -> float:
    return found.rank / found.size


# ---- the rank


@given(LEVELS, PANELS)
def test_p_is_at_least_that_of_every_choice_of_one_recipe_a_group(claim, panel):
    """The step of the proof that is not exchangeability, for all choices."""
    scores, groups = zip(*panel, strict=True)
    found = grouped_twin_rank(claim, scores, groups)
    members = [[score for score, group in panel if group == one] for one in sorted(set(groups))]
    assert found.size == len(members) + 1
    for chosen in product(*members):
        assert found.rank >= twin_rank(claim, chosen).rank


@given(LEVELS, st.lists(LEVELS, min_size=1, max_size=8))
def test_recipes_that_share_nothing_are_counted_one_by_one(claim, scores):
    assert grouped_twin_rank(claim, scores, range(len(scores))) == twin_rank(claim, scores)


@given(LEVELS, PANELS, st.randoms(use_true_random=False))
def test_neither_order_nor_names_of_groups_matter(claim, panel, rng):
    scores, groups = zip(*panel, strict=True)
    shuffled = rng.sample(panel, len(panel))
    other, names = zip(*((score, f"group {group}") for score, group in shuffled), strict=True)
    assert grouped_twin_rank(claim, scores, groups) == grouped_twin_rank(claim, other, names)


@pytest.mark.parametrize(
    ("scores", "groups", "says"),
    [
        ([], [], "at least one"),
        ([1.0, 2.0], ["x"], "the group of each recipe"),
        ([1.0, np.nan], ["x", "x"], "finite"),
        ([np.nan, 1.0], ["x", "x"], "finite"),
        ([[1.0]], ["x"], "the group of each recipe"),
    ],
)
def test_what_is_no_score_of_each_recipe_is_refused(scores, groups, says):
    with pytest.raises(StatisticsError, match=says):
        grouped_twin_rank(0.0, scores, groups)


# ---- the size: shared seeds


def shares(claims, panels, groups, level):
    """Shares of simulated unrelated claims with p at most a level: by groups, and by recipes."""
    found = [
        (p_value(grouped_twin_rank(claim, panel, groups)), p_value(twin_rank(claim, panel)))
        for claim, panel in zip(claims, panels, strict=True)
    ]
    return np.mean(np.array(found) <= level, axis=0)


def test_one_seed_for_all_recipes_is_one_draw():
    """Counted by recipes, half of all unrelated claims lead a panel of 19 and are called related at .05."""
    rng = np.random.default_rng(0)
    of_seeds, noise = rng.standard_normal((2000, 2)), 0.01 * rng.standard_normal((2000, 20))
    panels, claims = of_seeds[:, :1] + noise[:, 1:], of_seeds[:, 1] + noise[:, 0]
    by_groups, by_recipes = shares(claims, panels, [0] * 19, 0.05)
    assert by_groups == 0
    assert by_recipes > 0.45


def test_pairs_of_seeds_that_overlap_are_no_draws_of_their_own():
    """Three seeds make three pairs: a claim leads all of them with probability 2/5, not 1/4."""
    rng = np.random.default_rng(1)
    seeds = rng.standard_normal((4000, 5))
    pairs = np.stack([seeds[:, list(pair)].max(1) for pair in combinations(range(3), 2)], axis=1)
    by_group, by_pairs = shares(seeds[:, 3:].max(1), pairs, [0, 0, 0], 0.25)
    assert by_group == 0
    assert abs(by_pairs - 0.4) < 4 * np.sqrt(0.4 * 0.6 / 4000)


@pytest.mark.parametrize("effect", [0.0, 0.5, 1.0])
def test_the_level_holds_whatever_share_is_the_seeds(effect):
    """Nine groups of five recipes; groups of unequal size make p larger, never smaller."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(9), 5)
    of_seeds, own = rng.standard_normal((2000, 10)), rng.standard_normal((2000, 46))
    scores = effect * of_seeds[:, [*groups, 9]] + (1 - effect) * own
    by_groups, _ = shares(scores[:, -1], scores[:, :-1], groups.tolist(), 0.1)
    assert by_groups <= 0.1 + 4 * np.sqrt(0.1 * 0.9 / 2000)


# ---- in a panel


def test_the_ladder_counts_groups():
    """The rung of twins, and with it the smallest p of the primary design."""
    rng = np.random.default_rng(3)
    scores = rng.random((9, 9))
    scores = scores + scores.T
    strata, corpora = ["s"] * 9, [""] * 9
    made = [TwinScore(recipe=f"r{i}", score=0.1, above_levels=(float(i) - 9,) * 2) for i in range(6)]
    of = {
        draws: {rank.design: rank.size for rank in ranks_by_design(scores, strata, corpora, made, draws)}[TWINS]
        for draws in ((), tuple("abcdef"), tuple("aabbcc"), tuple("aaaaaa"))
    }
    assert list(of.values()) == [7, 7, 4, 2]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_the_report_names_each_group_by_its_first_recipe(links):
    """A recipe that shares nothing has no group; what recipes count as is read from the record alone."""
    recipes = [twins(f"r{i}", (f"a{i}", f"w{link}"), (f"b{i}", "")) for i, link in enumerate(links)]
    found = used(recipes)
    for i, link in enumerate(links):
        first = links.index(link)
        assert found[i].group == (f"r{first}" if links.count(link) > 1 else "")
    assert len({one.group or one.recipe for one in found}) == len(set(links))


# ---- what is declared


def twins(recipe, *models):
    """A recipe of (family, initial weights)."""
    members = tuple(
        Member(
            name=f"{recipe}-{n}",
            family=family,
            stratum="s",
            initial=initial,
            source="x",
            licence="x",
            content_sha256="0" * 64,
            fingerprint_sha256="0" * 64,
        )
        for n, (family, initial) in enumerate(models)
    )
    return Twins(recipe=recipe, gated=True, norm="rms", models=members)


def test_recipes_with_weights_of_their_own_are_groups_of_their_own():
    assert independent_groups([twins(f"r{i}", (f"a{i}", ""), (f"b{i}", "")) for i in range(3)]) == (0, 1, 2)
    assert independent_groups([]) == ()


def test_recipes_that_start_from_the_same_weights_are_one_group():
    """One corpus or many: the initial weights decide."""
    one_size = [twins(f"r{i}", (f"a{i}", "seed 1"), (f"b{i}", "seed 2")) for i in range(3)]
    assert independent_groups([*one_size, twins("s", ("c", "seed 3"), ("d", ""))]) == (0, 0, 0, 1)


def test_links_connect():
    """1-2, 3-4 and 5-6 are three groups until 2-3 and 4-5 come."""
    ends = [(1, 2), (3, 4), (5, 6), (7, 8), (2, 3), (4, 5)]
    recipes = [twins(f"r{i}", (f"a{i}", str(a)), (f"b{i}", str(b))) for i, (a, b) in enumerate(ends)]
    assert independent_groups(recipes[:4]) == (0, 1, 2, 3)
    assert independent_groups(recipes) == (0, 0, 0, 1, 0, 0)


def test_recipes_with_models_of_one_family_are_one_group():
    """A family is declared for models that are related or may be."""
    assert independent_groups([twins("r", ("a", ""), ("b", "")), twins("s", ("b", ""), ("c", ""))]) == (0, 0)


def test_a_model_outside_the_pair_links_nothing():
    """Only the pair has a score."""
    models = [("a", "1"), ("b", "2"), ("c", "3")]
    recipe = twins("r", *models)
    spare = next(member for member in recipe.models if member not in recipe.pair)
    other = twins("s", ("d", spare.initial), ("e", ""))
    assert independent_groups([recipe, other]) == (0, 1)


@given(st.lists(st.sets(st.integers(0, 6), min_size=2, max_size=2), max_size=7))
def test_groups_are_the_connected_parts(ends):
    """Held against paths: recipes are of one group exactly if a chain of shared weights connects them."""
    recipes = [twins(f"r{i}", *((f"{i}{one}", f"w{one}") for one in sorted(pair))) for i, pair in enumerate(ends)]
    n = len(ends)
    reach = np.eye(n, dtype=bool)
    for i, j in product(range(n), repeat=2):
        reach[i, j] |= bool(ends[i] & ends[j])
    for k in range(n):
        reach |= reach[:, [k]] & reach[[k], :]
    groups = independent_groups(recipes)
    assert all((groups[i] == groups[j]) == reach[i, j] for i, j in product(range(n), repeat=2))
    assert all(b <= a + 1 for a, b in pairwise([-1, *np.maximum.accumulate(groups or (0,)).tolist()]))


def test_models_of_one_recipe_that_start_from_the_same_weights_are_no_twins():
    """They are known relatives, and would raise the null distribution."""
    with pytest.raises(ValidationError, match=r"'r-0' and 'r-2' of recipe 'r' start from the same weights; keep one"):
        twins("r", ("a", "1"), ("b", "2"), ("c", "1"))


def test_relatives_that_an_exact_test_finds_link_their_recipes():
    """Whatever was declared: one seed for all recipes is easily left undeclared."""
    recipes = [twins(f"r{i}", (f"a{i}", ""), (f"b{i}", "")) for i in range(3)]
    found = [RelatedPair(a=recipes[0].pair[0].name, b=recipes[2].pair[1].name, log10_p=-9.0)]
    assert independent_groups(recipes, found) == (0, 1, 0)
    assert [one.group for one in used(recipes, found)] == ["r0", "", "r0"]


def test_a_reference_that_is_a_relative_of_twins_breaks_the_level():
    """It raises the levels of these twins alone, so a claim stands out: why such a panel is refused."""
    rng, extreme = np.random.default_rng(4), {0.0: 0, 3.0: 0}
    for kin, _ in product(extreme, range(1000)):
        levels = np.exp(rng.normal(-4, 0.3, (10, 2, 5)))
        levels[:9, :, :3] *= np.exp(kin)  # three of five references are relatives of the panel's twins
        T = above_levels(np.exp(rng.normal(-4, 0.3, 10)), levels)
        extreme[kin] += p_value(twin_rank(T[-1], T[:-1])) <= 0.1
    assert extreme[0.0] <= 100 + 4 * np.sqrt(90)
    assert extreme[3.0] > 500
