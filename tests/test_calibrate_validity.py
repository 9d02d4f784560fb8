"""Under each design's null hypothesis p is super-uniform, and variants that break an assumption are caught."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.calibrations import A, B, names, report, rows_of, strangers, twins
from tests.exchangeable import assert_exact_size
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify.calibrate import ranks, selection
from verify.inference import OrbitRank
from verify.statistics import DesignRank

TABLES = st.builds(
    strangers, st.integers(5, 7), st.integers(0, 10**6), hubs=st.sampled_from([0.0, 2.0]), tied=st.booleans()
)


def by_claim(S: np.ndarray, **options: object) -> dict[tuple[int, int], dict[str, DesignRank]]:
    """The ranks of every pair of one table as the claim: the whole orbit of the symmetric group."""
    called, rows = names(len(S)), rows_of(S)
    return {
        (i, j): report(rows, (called[i], called[j]), alpha=0.9, **options).ranks
        for i, j in combinations(range(len(S)), 2)
    }


@settings(max_examples=15)
@given(TABLES)
def test_over_all_claims_of_a_table_no_rank_over_pairs_is_too_small(S: np.ndarray) -> None:
    """Exactly: of the pairs of any table, at most k have rank k or less, with ties and hubs."""
    found = by_claim(S)
    for design in ("pair", "pair_residual", "pair_larger"):
        assert_exact_size(np.array([one[design].log10_p for one in found.values()]), len(found))


@settings(max_examples=15)
@given(TABLES)
def test_over_all_partners_of_a_model_no_rank_in_its_row_is_too_small(S: np.ndarray) -> None:
    found = by_claim(S)
    row = [ranks_["row_a"].log10_p for (i, _), ranks_ in found.items() if i == 0]
    assert_exact_size(np.array(row), len(S) - 1)
    column = [ranks_["row_b"].log10_p for (_, j), ranks_ in found.items() if j == len(S) - 1]
    assert_exact_size(np.array(column), len(S) - 1)


@settings(max_examples=15)
@given(TABLES)
def test_over_all_claims_inside_a_stratum_no_rank_is_too_small_whatever_the_others(S: np.ndarray) -> None:
    """The models of the stratum may resemble one another more than the others: these are never exchanged."""
    S = S.copy()
    S[:4, :4] += 3.0
    called = names(len(S))
    strata = {name: "one" if i < 4 else "two" for i, name in enumerate(called)}
    found = {
        pair: report(rows_of(S), (called[pair[0]], called[pair[1]]), alpha=0.9, strata=strata).ranks
        for pair in combinations(range(4), 2)
    }
    for design in ("stratum", "own_kind"):
        assert_exact_size(np.array([one[design].log10_p for one in found.values()]), 6)


def of_every_recipe(seed: int, references: int, *, tied: bool, count: int = 5) -> np.ndarray:
    """log10 p of each of some recipes as the claim, the others its twins: the whole orbit."""
    rows, recipes = twins(count - 1, references, seed, hubs=2.0 if references else 0.0, tied=tied)
    pairs = [(A, B), *((f"r{r}-x", f"r{r}-y") for r in range(count - 1))]
    found = []
    for x, y in pairs:
        labels = recipes | {A: "claim", B: "claim"}
        others = {name: label for name, label in labels.items() if name not in (x, y)}
        found.append(report(rows, (x, y), alpha=0.9, design="twins", recipes=others).log10_p)
    return np.array(found)


CASES = pytest.mark.parametrize(("references", "tied"), [(0, False), (0, True), (3, False), (3, True)])


@CASES
def test_over_all_recipes_no_rank_among_twins_is_too_small(references: int, tied: bool) -> None:
    for seed in range(10):
        assert_exact_size(of_every_recipe(seed, references, tied=tied), 5)


def test_ties_counted_for_the_claim_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strict inequality, which most software has: two equal pairs are both called the most extreme."""

    def strict(claim: float, others: list[float]) -> OrbitRank:
        rank, size = 1 + sum(other > claim + 1e-9 for other in others), len(others) + 1
        return OrbitRank(rank=rank, size=size, log10_p=log10(rank / size), attainable_log10_p=log10(1 / size))

    monkeypatch.setattr(ranks, "twin_rank", strict)
    with pytest.raises(AssertionError):
        [assert_exact_size(of_every_recipe(seed, 0, tied=True), 5) for seed in range(10)]


def simulated(make: Callable[[int], float], repeats: int = 200) -> list[float]:
    return [make(seed) for seed in range(repeats)]


def among_twins(seed: int) -> float:
    rows, recipes = twins(9, 2, seed, hubs=5.0)
    return report(rows, design="twins", recipes=recipes).log10_p


@pytest.mark.slow
def test_models_that_resemble_everything_are_no_more_often_called_alike_among_twins() -> None:
    """Main effects of five standard deviations, which raw scores would follow."""
    check_super_uniform(simulated(among_twins))


@pytest.mark.slow
def test_references_in_which_the_claim_takes_part_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the levels of twins, and not those of A and B, are measured against A and B too, p is not valid."""

    def with_the_claim(self: ranks.Ladder, S: np.ndarray) -> tuple[float, dict[str, float], float]:
        references = self.selection.references

        def levelled(i: int, j: int, among: list[int]) -> float:
            return float(S[i, j] - S[i, among].mean() - S[j, among].mean())

        of_twins = {recipe: levelled(*pair, [0, 1, *references]) for recipe, pair in self.selection.twins.items()}
        return levelled(0, 1, references), of_twins, 0.0

    def with_all_scores(seed: int) -> float:
        rows, recipes = twins(9, 2, seed, hubs=5.0)
        of = {frozenset(row[:2]): row[2] for row in rows}
        rng = np.random.default_rng(seed)
        level = {name: of[frozenset((name, "ref-0"))] for name in (A, B, *recipes)}  # that of the reference is shared
        rows += [
            (x, y, (level[x] + level[y]) + float(rng.standard_normal()))
            for x in recipes
            for y in (A, B)
            if frozenset((x, y)) not in of
        ]
        found = report(rows, design="twins", recipes=recipes).evidence
        rank = 1 + sum(twin.score >= (found.twin_score or 0.0) for twin in found.twins)  # by levels alone
        return log10(rank / (len(found.twins) + 1))

    check_super_uniform(simulated(with_all_scores))
    monkeypatch.setattr(ranks.Ladder, "_levelled", with_the_claim)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(simulated(with_all_scores))


def test_a_low_level_alone_makes_no_two_models_alike() -> None:
    """A score next to nothing with one reference, in logarithms, lifts a pair over twins that are all more alike."""
    rows, recipes = twins(9, 2)
    rows = [(x, y, 0.3 if {x, y} == {A, B} else 0.5) for x, y, _ in rows]
    rows = [(x, y, 1e-300 if {x, y} == {A, "ref-0"} else score) for x, y, score in rows]
    found = report(rows, design="twins", recipes=recipes, scale="log")
    assert all(twin.score < found.evidence.twin_score for twin in found.evidence.twins)
    assert (found.verdict, found.log10_p) == ("no_evidence", 0.0)


@pytest.mark.slow
def test_a_pair_chosen_by_its_score_from_each_recipe_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice is by names: the least alike two of three models make A and B look alike."""

    def made(seed: int) -> float:
        rng = np.random.default_rng(seed)
        rows = [(A, B, float(rng.standard_normal()))]
        recipes = {f"r{r}-{k}": f"r{r}" for r in range(9) for k in range(3)}
        for r in range(9):
            rows += [(f"r{r}-{i}", f"r{r}-{j}", float(rng.standard_normal())) for i, j in combinations(range(3), 2)]
        scores.clear()
        scores.update({(min(x, y), max(x, y)): score for x, y, score in rows})
        return report(rows, design="twins", recipes=recipes).log10_p

    scores: dict[tuple[str, str], float] = {}

    def by_score(called: list[str]) -> list[int]:
        if len(called) < 3:
            return [*range(len(called))]
        least = min(combinations(range(3), 2), key=lambda pair: scores[called[pair[0]], called[pair[1]]])
        return [*least, *({0, 1, 2} - set(least))]

    check_super_uniform(simulated(made))
    monkeypatch.setattr(selection, "blind_order", by_score)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(simulated(made))


@pytest.mark.slow
def test_hubs_mislead_raw_ranks_and_not_the_primary_one() -> None:
    """A and B that resemble everything are called alike by raw scores, and by neither residual nor the larger "
    "rank."""

    def made(seed: int, design: str) -> float:
        S = strangers(7, seed)
        h = np.array([6.0, 6.0, *[0.0] * 5])  # fixed by the claim: the array is exchangeable only without them
        return report(rows_of(S + h[:, None] + h), design=design).log10_p

    check_super_uniform(simulated(lambda seed: made(seed, "pair_larger")))
    check_super_uniform(simulated(lambda seed: made(seed, "pair_residual")))
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(simulated(lambda seed: made(seed, "pair")))


@pytest.mark.slow
def test_relatives_counted_as_strangers_are_caught() -> None:
    """Ten copies of one model far from A shrink p in its row; one for all does not."""

    def made(seed: int, *, represented: bool) -> float:
        S = strangers(6, seed)
        rows = rows_of(S)
        copies = [f"copy-{k}" for k in range(20)]
        at = {name: i for i, name in enumerate(names(6))}
        rows += [(name, copy, float(S[at[name], 2])) for copy in copies for name in at if name != "model-2"]
        rows += [(copy, "model-2", 9.0) for copy in copies]
        pairs = [("model-2", copy) for copy in copies]
        return report(
            rows, design="row_a", relatives=pairs if represented else None, one_per_family=represented
        ).log10_p

    check_super_uniform(simulated(lambda seed: made(seed, represented=True)))
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(simulated(lambda seed: made(seed, represented=False)))
