"""What a screen finds: relatives and no strangers, families, joints, and every model accounted for."""

from __future__ import annotations

from itertools import combinations
from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import screens
from tests.screens import SHAPE, changed, edges, named
from tests.strategies import EXACT, SKETCH, architecture, gpt2_like, moe_like, random_arrays
from verify import Fingerprint
from verify.checkpoint import Architecture
from verify.claim.evidence import combine
from verify.data import model
from verify.fingerprint import table
from verify.fingerprint.layout import subset
from verify.inference import benjamini_yekutieli, holm
from verify.lineage import exact_results
from verify.screen import ScreenResult, first_stage, screen
from verify.screen import stages as module
from verify.screen.kinds import kind
from verify.screen.summary import summary
from verify.statistics import EXACT_TESTS

family, found = screens.family, screens.found


# ---- what is found


def without_anchors(model: Fingerprint) -> Fingerprint:
    """As of a model whose vocabulary is not known."""
    record = model.record.model_copy(update={"anchors": (), "unused": ()})
    return Fingerprint(record, subset(model.arrays, table(model.record), table(record)))


def test_relatives_are_found_and_strangers_are_not(found: ScreenResult) -> None:
    """One family; each edge says by which tests, and which found nothing."""
    assert found.record.pairs == 13 * 12 // 2
    (only,) = found.families
    assert all(not name.startswith("stranger") for name in only.members)
    every = {name for name, value in found.pairs[0].tests.items() if value is not None}
    assert every >= {"head_identity", "unused_tokens"}
    weights = {"unit_identity", "value_identity"}
    for name, missed in (
        ("child-fine-tuned", set()),
        ("child-mlp-replaced", {"unit_identity"}),
        ("child-embeddings", weights | {"response_identity", "sign_agreement"}),
        ("child-rotated", weights | {"stream_identity", "sign_agreement"}),
    ):
        edge = edges(found)[name, "parent"]
        assert edge.not_detected.keys() == missed
        assert set(edge.found) == every - missed
        assert all(share is not None and f"{share:.3f}" in edge.kind for share in edge.not_detected.values())


def test_a_kind_follows_from_the_pairs_own_p_values_and_the_level(found: ScreenResult) -> None:
    """With fewer models listed the p-values are the same, and only the level is another, which the page says."""
    rows = {(row.a, row.b): row for row in found.pairs}
    for pair, edge in edges(found).items():
        p = {name: value for name, value in rows[pair].tests.items() if value is not None}
        level = log10(found.record.alpha / found.record.pairs / len(p))
        assert set(edge.found) == {name for name, value in p.items() if value <= max(level, min(p.values()))}
    said = next(line for line in found.record.statements if line.startswith("A kind"))
    assert "divided by the number of pairs (78)" in said
    assert "With more models this level is smaller" in said


def test_more_models_change_no_p_value_and_find_no_more(family: list[Fingerprint], found: ScreenResult) -> None:
    """What a pair shows of two models is the same whoever else is listed."""
    few = screen(family[:3])
    before = {(row.a, row.b): row.tests for row in found.pairs}
    for row in few.pairs:
        assert row.tests == before[row.a, row.b]
        assert set(edges(few)[row.a, row.b].found) >= set(edges(found)[row.a, row.b].found)


def test_a_child_of_which_only_rotary_planes_are_kept_passes_the_first_stage() -> None:
    """All that other tests read is new, so only what the first stage counts of planes can let it pass."""
    rng, shape = np.random.default_rng(11), architecture(layers=6, kv_heads=4, rotary="half", rotary_size=12)
    parent = random_arrays(rng, shape)
    child = changed(parent, rng, *(name for name in EXACT if "key" not in name))
    models = {"parent": parent, "child": child, "stranger": random_arrays(rng, shape)}
    result = screen([named(name, arrays, shape) for name, arrays in models.items()])
    assert {pair: edge.found for pair, edge in edges(result).items()} == {("child", "parent"): ("rotary_phase",)}


def test_no_kind_names_a_cause(found: ScreenResult) -> None:
    """Not of what was found, nor of what was not."""
    kinds = " ".join(edge.kind for edge in edges(found).values())
    counted = summary(found.record).split("## Kinds")[1].split("## ")[0]
    for cause in ("replaced", "permuted", "tuned", "merged", "quantised", "rotated", "initialisation", "copied"):
        assert cause not in kinds + counted


def test_every_model_is_accounted_for(found: ScreenResult, family: list[Fingerprint]) -> None:
    """Those without relatives, and those that could not be compared, by name."""
    page = summary(found.record)
    alone = page.split("## Without relatives")[1].split("##")[0]
    assert all(f"`stranger-{n}`" in alone for n in range(8))
    assert "`parent`" not in alone
    assert "13 models, 78 pairs" in found.finding
    assert "8 without a relative that was found" in found.finding
    finer = Fingerprint(
        family[-2].record.model_copy(update={"sketch": SKETCH.model_copy(update={"spectrum": 9}), "name": "finer"}),
        family[-2].arrays,
    )
    result = screen([*family[:2], finer])
    assert {m.label: m.untestable for m in result.record.models} == {"parent": 1, "child-fine-tuned": 1, "finer": 2}
    page = summary(result.record)
    assert "## Compared with none\n\nNo exact test applies to any pair of `finer`." in page
    assert "- `parent`: 1 of 2" in page
    assert "No relative was found" not in page


def test_declared_relations_are_told_from_others(family: list[Fingerprint]) -> None:
    """By the names that makers give, which no test uses."""
    parent, child, other = family[:3]
    stated = Fingerprint(child.record.model_copy(update={"declared_bases": ("org/parent",)}), child.arrays)
    result = screen([parent, stated, other])
    assert edges(result)["child-fine-tuned", "parent"].declared is True
    assert edges(result)["child-mlp-replaced", "parent"].declared is False
    assert (
        edges(result)["child-mlp-replaced", "parent"].kind
        == edges(screen(family[:3]))["child-mlp-replaced", "parent"].kind
    )


def test_p_values_are_those_of_the_exact_tests_over_all_pairs(found: ScreenResult, family: list[Fingerprint]) -> None:
    """What one pair gives by itself, adjusted for every pair of the screen."""
    models = {m.record.name: m for m in family}
    row = next(row for row in found.pairs if (row.a, row.b) == ("child-fine-tuned", "parent"))
    results, log10_p = combine(exact_results(models["child-fine-tuned"], models["parent"]))
    assert row.log10_p == log10_p
    assert row.tests == {result.id: result.log10_p for result in results}
    values = [row.log10_p or 0.0 for row in found.pairs]
    assert [row.adjusted_log10_p for row in found.pairs] == holm(values, found.record.pairs)
    assert [row.fdr_log10_p for row in found.pairs] == benjamini_yekutieli(values, found.record.pairs)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([architecture(), gpt2_like(), moe_like()]))
def test_strangers_have_no_family(seed: int, shape: Architecture) -> None:
    """Whatever the architecture."""
    rng = np.random.default_rng(seed)
    result = screen([named(f"m{n}", random_arrays(rng, shape), shape) for n in range(6)])
    assert result.families == ()
    assert all(row.verdict == "no_evidence" and row.kind == "" for row in result.pairs)


def test_selection_never_makes_a_p_value_smaller(monkeypatch: pytest.MonkeyPatch, family: list[Fingerprint]) -> None:
    """A pair's p-value is the same whichever pairs pass; with a level of 1 all do."""
    some = [*family[:3], family[-1]]
    few = {(r.a, r.b): r.log10_p for r in screen(some).pairs}
    monkeypatch.setattr(first_stage, "LARGEST_LEVEL", 1.0)
    monkeypatch.setattr(module, "MAX_FALSE_PASSES_PER_MODEL", 9.0)
    result = screen(some)
    assert len(result.pairs) == result.record.pairs == 6
    everything = {(r.a, r.b): r.log10_p for r in result.pairs}
    assert len(few) == 3
    assert few.items() <= everything.items()


def test_models_without_a_common_statistic_go_to_the_exact_tests() -> None:
    """An MLP upcycled to experts, without anchors in common and with heads of another size, is not lost."""
    rng = np.random.default_rng(1)
    dense = architecture(head_size=12, positions="sinusoidal")
    sparse = architecture(head_size=13, positions="sinusoidal", hidden=0, experts=4, expert_hidden=40)
    a, b = (named(n, random_arrays(rng, s), s) for n, s in (("dense", dense), ("sparse", sparse)))
    half = [without_anchors(model) for model in (a, b)]
    result = screen(half)
    assert [(row.a, row.b, row.first_log10_p) for row in result.pairs] == [("dense", "sparse", None)]
    assert result.pairs[0].tests["unit_identity"] is not None


def test_identical_models_are_recognised_without_tests(family: list[Fingerprint]) -> None:
    """By content; two of one name are told apart by a number."""
    twin = Fingerprint(family[0].record.model_copy(update={"bytes_read": 7}), family[0].arrays)
    result = screen([*family[:1], twin, family[-1]])
    assert [(row.a, row.b, row.stage, row.kind) for row in result.pairs] == [
        ("parent", "parent (2)", "identical", "identical weights")
    ]
    assert (result.record.identical, result.record.pairs) == (1, 3)
    assert result.families[0].members == ("parent", "parent (2)")


def test_a_number_behind_a_name_makes_no_other_models_name() -> None:
    """Or two models would be one label, and one of them tested against itself."""
    rng = np.random.default_rng(3)
    alike = [named(name, random_arrays(rng, SHAPE), SHAPE) for name in ("x", "x", "x", "x (2)")]
    result = screen(alike)
    assert [m.label for m in result.record.models] == ["x", "x (3)", "x (4)", "x (2)"]
    assert result.families == ()


def test_pairs_that_no_test_applies_to_are_counted_with_the_reason(family: list[Fingerprint]) -> None:
    """Shapes and sketches that differ."""
    other = gpt2_like().model_copy(update={"width": 60, "head_size": 15, "positions": "sinusoidal"})
    alien = named("alien", random_arrays(np.random.default_rng(9), other), other)
    finer = Fingerprint(
        family[-2].record.model_copy(update={"sketch": SKETCH.model_copy(update={"spectrum": 9}), "name": "finer"}),
        family[-2].arrays,
    )
    result = screen([without_anchors(alien), finer, family[-1]])
    assert sum(u.pairs for u in result.record.untestable) == 3
    assert {u.reason.split(" (")[0] for u in result.record.untestable} == {
        "the fingerprints were made under different sketches"
    } | {"the residual streams have different widths"}
    assert result.record.first_stage.tested == 0


def test_statements_promise_no_more_than_was_kept(family: list[Fingerprint]) -> None:
    """Pairs rejected at either level may be false at the rate of both; adapters are related by their merging."""
    adapter = Fingerprint(family[1].record.model_copy(update={"merged_onto": "parent"}), family[1].arrays)
    result = screen([family[0], adapter, family[-1]], alpha=0.05, fdr=0.01)
    said = " ".join(result.record.statements)
    assert "“suspected” is at most 0.06, the sum of both levels." in said
    assert "by the merging: child-fine-tuned." in said
    assert "by the merging" not in " ".join(screen([family[0], family[-1]]).record.statements)


def test_what_a_screen_rests_on_names_forgery(family: list[Fingerprint]) -> None:
    """Whoever reads RELATED reads that it can be forged, whether every two were compared or one with all."""
    for found in (screen(family), screen(family[1:], against=family[0])):
        assert "that nobody re-ordered one model to look like another" in str(dict(found.answer.lines)["Rests on"])
        assert any("it can be forged" in statement for statement in found.record.statements)


def test_one_against_many_pays_for_them_alone(family: list[Fingerprint]) -> None:
    """Pairs with A only."""
    result = screen(family[1:], against=family[0])
    assert result.record.pairs == len(family) - 1
    assert result.record.against == "parent"
    assert all("parent" in (row.a, row.b) for row in result.pairs)
    assert set(result.families[0].members) == {m.record.name for m in family[:5]}


def test_kinds_follow_what_rejects() -> None:
    """Also where a test does not apply, or only one passes its level."""
    base: dict[str, float | None] = dict.fromkeys(test.id for test in EXACT_TESTS)
    others = ", ".join(test.compares for test in EXACT_TESTS if test.id != "value_identity")
    assert kind(base | {"value_identity": -50.0}, {}, -6).words == f"found: value channels; not comparable: {others}"
    some = base | {"sign_agreement": -5.0, "unit_identity": -0.1, "value_identity": 0.0}
    made = kind(some, {"unit_identity": 0.25, "value_identity": None}, -6)
    assert made.found == ("sign_agreement",)
    assert made.words.startswith(
        "found: signs; not detected: hidden units (would have been from share 0.250 on), value channels (no share "
        "would have been); not comparable: "
    )
    assert kind({"a_new_test": -9.0}, {}, -6).words == "found: a_new_test"


# ---- files and the command


def test_every_pair_goes_through_the_first_stage(found: ScreenResult) -> None:
    """None is skipped by chance or architecture."""
    assert found.record.first_stage.tested == len(list(combinations(found.record.models, 2)))
    assert found.record.first_stage.passed == len(found.pairs)


def test_layers_that_only_one_model_has_were_not_kept() -> None:
    """Of the first half of a model's layers, closeness to it is half of that to a whole copy, and never above."""
    names = ("reference", "depth-pruned-healed", "fine-tuned", "continued-3x")
    found = screen([model(name) for name in names])
    near = {frozenset((e.a, e.b)): e.closeness or 0.0 for family in found.families for e in family.edges}
    layers = {one.label: one.layers for one in found.record.models}
    assert layers["depth-pruned-healed"] == 2
    assert all(near[frozenset(("depth-pruned-healed", name))] <= 0.5 for name in names if layers[name] == 4)
    assert near[frozenset(("reference", "fine-tuned"))] > 0.9
