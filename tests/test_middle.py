"""Rules for the middle of three models hold where their assumption does, and no training meets it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks import results
from benchmarks.middle.rules import LEVEL, RULES, flipped, judge
from benchmarks.zoo.build import read
from verify.data import model

ROOT = Path(__file__).parents[1]
SIGNS = [rule for rule in RULES if rule.startswith("signs")]


def _normal(rng: np.random.Generator, scales: np.ndarray) -> np.ndarray:
    return rng.standard_normal((16, 5)) * scales


def test_the_sign_test_holds_its_level_where_signs_of_blocks_are_fair() -> None:
    """Whatever the sizes of blocks: here a few outweigh all others."""
    rng, trials = np.random.default_rng(1), 3000
    sizes = np.exp(3 * rng.standard_normal(40))
    p = np.array([flipped(sizes * rng.choice((-1, 1), 40)) for _ in range(trials)])
    for level in (LEVEL / 3, 0.01, 0.05, 0.2):
        assert (p <= level).sum() <= binom.ppf(0.9999, trials, level)
    assert (p <= 0.2).mean() > 0.15  # and is not met by never rejecting


@pytest.mark.parametrize("rule", SIGNS)
def test_each_sign_test_holds_its_level_on_rows_with_drawn_signs(rule: str) -> None:
    """Though both changes are large in the same rows; of tensors, signs of whole tensors are drawn."""
    rng, trials = np.random.default_rng(2), 400
    scales = np.exp(rng.standard_normal((16, 1)))
    called = 0
    for _ in range(trials):
        m, a, b = ({f"t{n}": _normal(rng, scales) for n in range(12)} for _ in range(3))
        for name, x in a.items():
            a[name] = np.abs(x) * rng.choice((-1, 1), 1 if rule == "signs of tensors" else (16, 1))
            b[name] = np.abs(b[name])
        changes = [(m[name], a[name], b[name]) for name in m]
        called += RULES[rule](changes) <= 0.05
    assert called <= binom.ppf(0.9999, trials, 0.05)


def test_places_of_rows_are_no_null_hypothesis_where_both_changes_are_large_in_the_same_rows() -> None:
    """Signs are fair, and yet permuting rows rejects too often: few large rows carry the sum."""
    rng, trials, called = np.random.default_rng(3), 300, 0
    for _ in range(trials):
        a = rng.standard_normal((60, 4)) * np.where(np.arange(60) < 2, 30.0, 1.0)[:, None]
        b = rng.standard_normal((60, 4)) * np.where(np.arange(60) < 2, 30.0, 1.0)[:, None]
        called += RULES["places of rows"]([(a, a, b)]) <= 0.01
    assert called > 2 * binom.ppf(0.9999, trials, 0.01)


def test_a_star_and_a_chain_are_the_same_three_files_where_a_recipe_leaves_nothing_to_chance() -> None:
    """So no rule of the files tells them apart, and all of these are wrong of the star.

    X and Y are trained from M, each by itself, for 100 and for 400 steps on the same data; or Y from X.
    """
    rng = np.random.default_rng(4)
    data, wanted = rng.standard_normal((500, 24)), rng.standard_normal((500, 12))
    m = rng.standard_normal((24, 12)).astype(np.float32)

    def trained(w: np.ndarray, steps: int) -> np.ndarray:
        for _ in range(steps):
            w = w - 2e-3 * (data.T @ (data @ w - wanted) / len(data)).astype(np.float32)
        return w

    x, y = trained(m, 100), trained(m, 400)
    np.testing.assert_array_equal(y, trained(x, 300))
    files = [{"w": w} for w in (m, x, y)]
    base, light, long = (judge(files[n], files[n - 1], files[n - 2]) for n in range(3))
    for rule in RULES.keys() - {"signs of tensors"}:  # there is one tensor
        assert [one.excluded(rule) for one in (base, light, long)] == [True, False, True]


def test_the_table_has_no_star_whose_base_a_rule_keeps() -> None:
    """As the page on derivations says; where the assumption was made true, rules keep their level."""
    found = results.read("middle")
    kinds = [(kind, one) for table in ("small", "large") for kind, one in found[table].items()]
    stars = [one for kind, one in kinds if kind.startswith("star") and "the base" not in kind and "drawn" not in kind]
    page = " ".join((ROOT / "docs" / "derivation.md").read_text("utf-8").split())
    triples = sum(one["triples"] for one in stars)
    assert f"excluded the true base in all of the {triples} triples" in page
    for rule in RULES:
        assert sum(one["called"][rule]["excluded"] for one in stars) == triples
        assert sum(one["called"][rule]["right"] for one in stars) == 0
    wrong = sum(one["called"]["signs of rows"]["wrong"] for one in stars)
    assert f"left one alone in {wrong}, and it was never the base" in page
    named = sum(one["called"]["largest angle"]["right"] for one in stars)
    assert f"named the base in {named} of the {triples}" in page
    small, large = (
        [(one["called"]["signs of rows"], one["triples"]) for kind, one in found[table].items() if "chain" in kind]
        for table in ("small", "large")
    )
    assert f"in {sum(one['right'] for one, _ in small)} of {sum(n for _, n in small)} chains of small models" in page
    excluded, chains = sum(one["excluded"] for one, _ in large), sum(n for _, n in large)
    assert f"Of {chains} chains of the larger base it excluded the true stage in {excluded}," in page
    (drawn,) = [one for kind, one in kinds if "drawn" in kind]
    for rule in SIGNS:
        assert drawn["called"][rule]["excluded"] <= binom.ppf(0.999, drawn["triples"], LEVEL / 3)


def test_trained_models_that_ship_are_a_counter_example() -> None:
    """Both were trained from the reference; every rule leaves the one that was trained less, as if it lay between."""
    names = ("reference", "fine-tuned", "continued-3x")
    base, light, long = (read(model(name).parent, name)[0] for name in names)
    cosines = []
    for middle, x, y, left in ((base, light, long, False), (light, long, base, True), (long, base, light, False)):
        judged = judge(middle, x, y)
        cosines.append(f"{judged.cosine:.2f}")
        assert all(judged.excluded(rule) is not left for rule in RULES)
    assert cosines == ["0.47", "-0.23", "0.97"]
