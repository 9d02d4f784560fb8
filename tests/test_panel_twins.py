"""A claim ranked among twins: which recipes, by which scores, and when there is a verdict."""

import hashlib
import json
from math import log, log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.numpy import save

import tests.panels as made
from tests.panels import panel_of, relative, rungs_of, synthetic
from tests.strategies import architecture
from verify import InputError
from verify.base import Phrase
from verify.claim.evidence import EvidenceLine, panel_line
from verify.fingerprint.cut import on_anchors, reduced
from verify.panel import PRIMARY_DESIGN, Panel, PanelRecord, Recipe, evaluate, slim, undecided
from verify.panel import evidence as evidence_module
from verify.panel.evidence import rank_among_twins
from verify.panel.likeness import pairs_needed
from verify.panel.twin_scores import TwinScores
from verify.panel.twins import FLOORS, above_levels
from verify.statistics import PRIMARY, TwinScore
from verify.wording import say

RECIPES, REFERENCES = 9, 4
"""As many recipes as reach .1, and references whose pairs do so too."""


def drawn(seed=0, recipes=RECIPES, references=REFERENCES, **options):
    """A panel of models at random, with scores, and two further models."""
    rng = np.random.default_rng(seed)
    shape = architecture(layers=2, hidden=12)
    models = [synthetic(rng, shape).only("match") for _ in range(references + 2 * recipes + 2)]
    members, twins = models[:references], [models[i : i + 2] for i in range(references, len(models) - 2, 2)]
    a, b = models[-2:]
    return panel_of(members, twins=twins, scored=True, **options), a, b, rng


def naive(a, b, references):
    """T with each floor by its definition, one score at a time."""
    return [
        log(PRIMARY(a, b) + c) - sum(np.mean([log(PRIMARY(x, r) + c) for r in references]) for x in (a, b))
        for c in FLOORS
    ]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_ranks_follow_from_the_definition(seed):
    panel, a, b, _ = drawn(seed, recipes=8)
    found = evaluate(panel, a, b, alpha=0.2)
    references = [panel.fingerprints[member.name] for member in panel.record.members]
    T = [naive(*(panel.fingerprints[m.name] for m in twins.pair), references) for twins in panel.record.twins]
    np.testing.assert_allclose([twins.above_levels for twins in found.primary.twins], T, atol=1e-9)
    claim = naive(a, b, references)
    rank = 1 + max(sum(t[n] >= claim[n] - 1e-12 for t in T) for n in range(len(FLOORS)))
    rungs = rungs_of(found.primary)
    assert rungs["twins"] == pytest.approx(log10(rank / 9))
    assert found.primary.log10_p == rungs[PRIMARY_DESIGN] == max(rungs["twins"], rungs["pair_larger"])
    assert found.use.false_match.exceedances == rank - 1
    assert found.use.false_match.pairs == 8


def test_the_pair_of_a_recipe_is_chosen_by_names():
    """Of three models, the two with the smallest sha256 of their names, whatever they score."""
    rng = np.random.default_rng(1)
    shape = architecture(layers=2)
    trained = [synthetic(rng, shape) for _ in range(3)]
    panel = panel_of([synthetic(rng, shape) for _ in range(6)], twins=[trained])
    names = sorted(("r0-0", "r0-1", "r0-2"), key=lambda name: hashlib.sha256(name.encode()).digest())
    assert [member.name for member in panel.record.twins[0].pair] == names[:2]
    again = panel_of([synthetic(rng, shape) for _ in range(6)], twins=[trained[::-1]])
    assert [member.name for member in again.record.twins[0].pair] == names[:2]


def test_only_recipes_of_the_kinds_of_a_and_b_count():
    """Gated or not, and the kind of norm, of the models themselves; fewer than the level needs are said first."""
    panel, a, b, rng = drawn(recipes=RECIPES - 1)
    other = architecture(layers=2, hidden=12, norm="layer")
    further = [[synthetic(rng, other), synthetic(rng, other)]]
    plain = panel_of(
        [panel.fingerprints[m.name] for m in panel.record.members],
        twins=[[panel.fingerprints[m.name] for m in twins.models] for twins in panel.record.twins] + further,
        scored=True,
    )
    said = []
    found = evaluate(plain, a, b, alpha=0.1, announce=said.append)
    assert len(found.use.recipes) == RECIPES - 1
    assert [undecided(found.use)] == said
    assert f"{RECIPES - 1} of the panel's {RECIPES} recipes" in say(said[0])
    assert panel_line(found, decisive=False).log10_p is None


def test_that_no_verdict_is_possible_is_said_before_any_score(monkeypatch):
    rng, calls = np.random.default_rng(0), []
    shape = architecture(layers=2)
    panel = panel_of([synthetic(rng, shape) for _ in range(6)])
    real = evidence_module.compute
    monkeypatch.setattr(evidence_module, "compute", lambda *a, **k: calls.append("score") or real(*a, **k))
    evaluate(panel, synthetic(rng, shape), synthetic(rng, shape), alpha=0.2, announce=lambda _: calls.append("said"))
    assert calls[0] == "said"
    assert "score" in calls


def test_a_recipe_with_a_model_of_the_claim_is_left_out():
    panel, a, _, _ = drawn()
    twin = panel.fingerprints[panel.record.twins[3].models[1].name]
    found = evaluate(panel, a, twin, alpha=0.1)
    assert "r3" not in [recipe.recipe for recipe in found.use.recipes]
    assert [dropped.name for dropped in found.use.recipes_dropped] == ["r3"]
    declared = evaluate(panel, a, synthetic(np.random.default_rng(9), a.record.architecture), families=["r5"])
    assert [dropped.name for dropped in declared.use.recipes_dropped] == ["r5"]


def test_a_relative_is_found_and_strangers_are_not():
    panel, a, b, rng = drawn()
    child = evaluate(panel, relative(a, rng), a, alpha=0.1)
    line = panel_line(child, decisive=undecided(child.use) is None)
    assert child.use.effect_ratio > 1
    assert line.rejects
    assert line.log10_p == pytest.approx(log10(1 / (RECIPES + 1)))
    strangers = evaluate(panel, a, b, alpha=0.1)
    assert not panel_line(strangers, decisive=undecided(strangers.use) is None).rejects


def test_a_score_that_a_stranger_reached_is_no_verdict():
    """Though it ranks first among all twins by its level: the p-value of the line is 1, and is said to be."""
    panel, a, _, rng = drawn()
    found = evaluate(panel, relative(a, rng), a, alpha=0.1)
    reached = found.use.model_copy(update={"effect_ratio": 1.0})
    line = panel_line(type(found)(found.results, reached), decisive=True)
    assert line.log10_p == 0.0
    assert not line.rejects
    assert line.able


def test_scores_are_kept_and_twins_need_no_fingerprints(tmp_path):
    """A slim panel gives the same evidence; on fewer tokens than it has scores for, it allows no verdict."""
    panel, a, b, _ = drawn()
    small = slim(panel)
    assert set(small.fingerprints) == {member.name for member in panel.record.members}
    small.save(tmp_path / "small")
    panel.save(tmp_path / "whole")
    loaded, whole = Panel.load(tmp_path / "small"), Panel.load(tmp_path / "whole")
    assert loaded.record.twins == panel.record.twins
    known = evaluate(panel, a, b, alpha=0.1)
    for one in (small, loaded, whole):
        assert evaluate(one, a, b, alpha=0.1).primary == known.primary
    fewer = [on_anchors(model, model.record.anchors[4:]) for model in (a, b)]
    assert undecided(evaluate(whole, *fewer, alpha=0.1).use) is None
    said = []
    none = evaluate(loaded, *fewer, alpha=0.1, announce=said.append)
    assert [undecided(none.use)] == said
    assert "other tokens" in say(said[0])
    assert none.primary.twins == ()


def test_fewer_units_are_compared_with_as_many():
    """A model of an older sketch, with fewer units of largest response: all are cut to these."""
    panel, a, b, _ = drawn()
    few = [reduced(model, match_units=4) for model in (a, b)]
    mixed = evaluate(panel, few[0], b, alpha=0.1)
    same = evaluate(panel, *few, alpha=0.1)
    assert mixed.primary.ranks == same.primary.ranks
    assert mixed.primary.score == PRIMARY(*few)
    assert mixed.primary.score != PRIMARY(a, b)
    assert "other tokens" in say(undecided(evaluate(slim(panel), *few, alpha=0.1).use))


@pytest.mark.parametrize("what", ["pairs", "levels"])
def test_altered_scores_of_twins_are_refused(what, tmp_path):
    panel, *_ = drawn(recipes=2)
    panel.save(tmp_path)
    file = tmp_path / panel.record.twin_scores[0].file
    content = bytearray(file.read_bytes())
    content[-1 if what == "pairs" else 200] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match="altered"):
        Panel.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda scores: np.full_like(scores, np.nan),
        lambda scores: scores.astype(np.int8),
        lambda scores: scores.astype(bool),
        lambda scores: scores.astype(np.complex64),
    ],
    ids=["not a number", "integers", "truth values", "complex"],
)
def test_scores_of_twins_that_are_no_real_numbers_are_refused(change):
    """Whoever wrote the file may have made its digests anew."""
    panel, *_ = drawn(recipes=2)
    (about, made_before), *_ = zip(panel.record.twin_scores, panel.twin_scores, strict=True)
    content = save({"pairs": change(made_before.pairs), "levels": change(made_before.levels)})
    with pytest.raises(InputError, match="does not hold the scores of 2 recipes"):
        TwinScores.from_bytes(content, about)


def test_a_file_of_scores_too_large_to_read_is_refused(tmp_path):
    panel, *_ = drawn(recipes=2)
    panel.save(tmp_path)
    with (tmp_path / panel.record.twin_scores[0].file).open("wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(InputError, match="missing or altered"):
        Panel.load(tmp_path)


def changed(record, twins):
    """A panel's record with other twins, as someone may write it."""
    return PanelRecord.model_validate(record.model_dump() | {"twins": [one.model_dump() for one in twins]})


def test_a_model_is_in_one_recipe_under_one_name():
    """One pair of models under the names of two recipes would count as two draws."""
    record = drawn(recipes=3)[0].record
    first, second, *rest = record.twins
    models = tuple(
        two.model_copy(update={"content_sha256": one.content_sha256})
        for one, two in zip(first.models, second.models, strict=True)
    )
    with pytest.raises(ValueError, match="have the same weights"):
        changed(record, (first, second.model_copy(update={"models": models}), *rest))


def test_a_recipe_is_of_the_kind_of_its_models_and_of_the_references_it_has_scores_with():
    """A recipe of another kind would not be ranked among, though its twins are strangers of the claim's kind."""
    record = drawn(recipes=3)[0].record
    first, *rest = record.twins
    with pytest.raises(ValueError, match="of several kinds"):
        changed(record, (first.model_copy(update={"gated": not first.gated}), *rest))
    other = {"gated": not first.gated}
    models = tuple(model.model_copy(update=other) for model in first.models)
    with pytest.raises(ValueError, match="of several kinds"):
        changed(record, (first.model_copy(update=other | {"models": models}), *rest))


def test_the_digest_covers_every_recipe(tmp_path):
    panel, *_ = drawn(recipes=2)
    panel.save(tmp_path)
    record = json.loads((tmp_path / "panel.json").read_text())
    record["twins"][0]["recipe"] = "other"
    (tmp_path / "panel.json").write_text(json.dumps(record))
    with pytest.raises(InputError):
        Panel.load(tmp_path)


def test_a_panel_without_twins_has_the_digest_it_had():
    """Fields that came with twins are not written where there are none."""
    assert "twin" not in made.panel_of([synthetic(np.random.default_rng(0))]).record.model_dump_json()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_a_tie_up_to_rounding_counts_against_the_claim(seed, swapped):
    """Twins with the scores of A and B, read in another order of models and references, reach the claim's T."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(3, 40))
    S = np.zeros((k + 2, k + 2))
    S[:2, 2:] = rng.random((2, k))
    S[0, 1] = rng.random()
    order = rng.permutation(k)
    levels = S[:2, 2:][::-1] if swapped else S[:2, 2:]
    T = tuple(float(above_levels(S[0, 1], levels[:, order], floor)) for floor in FLOORS)
    assert rank_among_twins(S, [TwinScore(recipe="r", score=S[0, 1], above_levels=T)]).rank == 2


def kindred(*, twin=("", ""), other=("", ""), reference=("", "")):
    """A panel whose second recipe, or a reference, has the family or initial weights of a model of the first."""
    panel, a, b, _ = drawn(recipes=3)
    first, second, third = panel.record.twins
    models = [
        tuple(member.model_copy(update={"family": member.name}) for member in recipe.models)
        for recipe in (first, second, third)
    ]
    for number, (label, value) in enumerate((twin, other)):
        if label:
            models[number] = (models[number][0].model_copy(update={label: value}), *models[number][1:])
    recipes = [one.model_copy(update={"models": made}) for one, made in zip(panel.record.twins, models, strict=True)]
    members = list(panel.record.members)
    if reference[0]:
        members[0] = members[0].model_copy(update=dict([reference]))
    record = panel.record.model_copy(update={"twins": tuple(recipes), "members": tuple(members), "twin_scores": ()})
    return Panel(record, panel.fingerprints), a, b


@pytest.mark.parametrize("label", ["family", "initial"])
def test_relatives_of_a_twin_that_is_the_claim_s_are_left_out(label):
    """A is a model of one recipe: other recipes with a relative of it are no strangers to A."""
    panel, a, _ = kindred(twin=(label, "shared"), other=(label, "shared"))
    twin = panel.fingerprints[panel.record.twins[0].models[0].name]
    found = evaluate(panel, twin, a, alpha=0.3)
    assert [recipe.recipe for recipe in found.use.recipes] == ["r2"]
    assert [dropped.name for dropped in found.use.recipes_dropped] == ["r0", "r1"]
    assert "shared" in say(found.use.recipes_dropped[1].reason)


@pytest.mark.parametrize("label", ["family", "initial"])
def test_a_panel_with_a_reference_that_is_a_relative_of_twins_is_refused(label):
    panel, *_ = kindred(twin=(label, "shared"), reference=(label, "shared"))
    with pytest.raises(ValidationError, match=f"have the {label} 'shared'; leave the latter out"):
        type(panel.record).model_validate(panel.record.model_dump())
    entries = [{"model": name, "family": name, "licence": "MIT"} for name in "abc"]
    entries[0] |= {label: "shared"}
    entries[1] |= {label: "shared", "recipe": "r"}
    with pytest.raises(ValidationError, match="levels are measured against strangers"):
        Recipe.model_validate({"name": "x", "version": "1", "member": entries})


@pytest.mark.parametrize("searched", [1, 6, 12, 46])
def test_the_number_of_recipes_that_is_asked_for_is_enough(searched):
    """Where a verdict is said to be possible, rounding of a product does not prevent it."""
    needed = pairs_needed(0.01 / searched)
    line = EvidenceLine(
        line="panel",
        asked=Phrase.of("closer_than_twins"),
        assumes=(),
        alpha=0.01,
        log10_p=min(0.0, log10(1 / needed) + log10(searched)),
        attainable_log10_p=None,
        results=(),
    )
    assert line.rejects
    fewer = line.model_copy(update={"log10_p": log10(1 / (needed - 1)) + log10(searched)})
    assert not fewer.rejects
