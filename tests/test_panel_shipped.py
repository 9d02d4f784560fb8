"""The panel that ships: size, licences, sources, and no model of the examples among its members."""

import os

import pytest

from tests import panels
from verify.panel import comparable_groups, evaluate, undecided
from verify.panel.record import DEFAULT, PANEL_COMPONENTS
from verify.statistics import PANEL_STATISTICS

models, reports, shipped = panels.models, panels.reports, panels.shipped
KINDS = {(True, "rms"), (False, "layer")}
"""Gated or not, and the norm."""


def test_the_shipped_panel_is_large_enough_and_small_enough(shipped):
    """Of either kind 99 recipes and 13 references, each of a family of its own; under 20 MB; no relatives known."""
    groups = comparable_groups(shipped)[: len(KINDS)]
    found = set()
    for members, anchors in groups:
        shapes = [shipped.fingerprints[member.name].record.architecture for member in members]
        kinds = {(shape.gated, shape.norm) for shape in shapes}
        found |= kinds
        assert len(kinds) == 1
        assert len(members) >= 13
        assert len({member.family for member in members}) == len(members)
        assert len(anchors) >= 32
        recipes = [twins for twins in shipped.record.twins if (twins.gated, twins.norm) in kinds]
        assert len(recipes) >= 99
        for scores in shipped.record.twin_scores:
            if scores.anchors == anchors:
                assert {*scores.recipes} == {twins.recipe for twins in recipes}
                assert {*scores.references} == {member.name for member in members}
    assert found == KINDS
    assert {scores.anchors for scores in shipped.record.twin_scores} == {anchors for _, anchors in groups}
    assert sum(path.stat().st_size for path in DEFAULT.rglob("*") if path.is_file()) < 20_000_000
    assert shipped.record.kinship == ()
    assert {scores.statistic for scores in shipped.record.scores} == {one.id for one in PANEL_STATISTICS}
    assert all({*found.record.components} == {*PANEL_COMPONENTS} for found in shipped.fingerprints.values())


def test_twins_are_two_models_of_seeds_of_their_own(shipped):
    """And of no recipe of a reference; each recipe counts as one draw."""
    record = shipped.record
    twins = [member for recipe in record.twins for member in recipe.models]
    assert all(len(recipe.models) == 2 for recipe in record.twins)
    assert len({member.content_sha256 for member in (*twins, *record.members)}) == len(twins) + len(record.members)
    assert not {recipe.recipe for recipe in record.twins} & {member.family for member in record.members}
    assert {member.initial for member in twins} == {""}


def test_a_recipe_is_left_out_only_where_it_has_no_score(shipped):
    """As no claim with such a model has one."""
    left = {out.name: out.reason for out in shipped.record.excluded}
    assert {*left} == {"gated-121-a", "gated-121-b"}
    assert all("responds to any token" in reason for reason in left.values())


@pytest.mark.slow
def test_a_verdict_is_possible_for_either_kind(shipped, models, reports):
    """At .01, with every recipe of the kind."""
    use = reports["stranger-1"].panel
    assert (undecided(use), len(use.recipes)) == (None, 123)
    use = evaluate(shipped, models["gpt2-stranger"], models["gpt2-reference"]).use
    assert (undecided(use), len(use.recipes)) == (None, 124)


def test_every_statistic_is_ranked_in_it(reports):
    assert all(result.applicable for result in reports["stranger-1"].ranked)


def test_every_shipped_member_has_a_licence_and_a_source_and_no_file_names_a_place(shipped):
    record = shipped.record
    for member in (*record.members, *(one for recipe in record.twins for one in recipe.models)):
        assert member.licence
        assert member.source
    for found in shipped.fingerprints.values():
        for file in found.record.files:
            assert "/" not in file.name
    listed = {f"fingerprints/{member.name}.safetensors" for member in record.members}
    listed |= {kept.file for kept in (*record.scores, *record.twin_scores)} | {"panel.json", "SOURCES.md"}
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
    """What the panel is shown on was not used to fill it, neither as a reference nor as a twin."""
    record = shipped.record
    contents = {member.content_sha256 for member in record.members}
    contents |= {member.content_sha256 for recipe in record.twins for member in recipe.models}
    assert not contents & {found.record.content_sha256 for found in models.values()}
