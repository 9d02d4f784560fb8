"""Which members are ranked with A and B: by declaration, by family, by kind, never by a score."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import panels
from tests.panels import panel_of, synthetic
from tests.reports import words
from tests.strategies import SEEDS, architecture, gpt2_like, moe_like
from verify import Fingerprint, test_lineage
from verify.base import Phrase
from verify.panel import Panel, comparable, comparable_groups, evaluate
from verify.panel.dropped import Dropped
from verify.statistics import PRIMARY, on_anchors

models, shipped = panels.models, panels.shipped


def test_members_related_by_declaration_are_dropped_and_listed():
    """A's and B's own weights, with their families, and families declared; everyone else is kept, in order."""
    rng = np.random.default_rng(0)
    found = [synthetic(rng) for _ in range(8)]
    families = ["kin-a", "kin-a", "x", "y", "kin-b", "declared", "z", "declared"]
    selection = comparable(panel_of(found, families=families), found[0], found[4], ["declared"])
    assert [member.name for member in selection.members] == ["m2", "m3", "m6"]
    assert [(out.name, words(out.reason)) for out in selection.dropped] == [
        ("m0", "holds the weights of A"),
        ("m1", "its family 'kin-a' is that of 'm0', which holds the weights of A"),
        ("m4", "holds the weights of B"),
        ("m5", "its family 'declared' is declared for A or B"),
        ("m7", "its family 'declared' is declared for A or B"),
    ]


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
    names = [[member.name for member in found.members] for found in (one, two)]
    assert (names[0], one.dropped, one.anchors) == (names[1], two.dropped, two.anchors)
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
    assert words(primary.reason) == "the vocabularies share 30 anchor tokens, fewer than 32"


def test_kinds_hold_members_that_can_be_compared_with_one_another():
    rng = np.random.default_rng(0)
    shapes = [architecture(), gpt2_like(), architecture(layers=1), gpt2_like(), moe_like()]
    found = comparable_groups(panel_of([synthetic(rng, shape) for shape in shapes]))
    assert [[member.name for member in members] for members, _ in found] == [["m0", "m2", "m4"], ["m1", "m3"]]


@pytest.mark.parametrize(
    ("b", "says"),
    [
        ({"norm": "layer"}, "different kinds of norm"),
        ({"gated": False}, "gated and those of the other are not"),
    ],
)
def test_a_and_b_of_different_kinds_are_not_ranked(b, says):
    rng = np.random.default_rng(0)
    panel = panel_of([synthetic(rng) for _ in range(5)])
    primary = evaluate(panel, synthetic(rng), synthetic(rng, architecture(layers=2, **b)), alpha=0.2).primary
    assert says in words(primary.reason)


def test_models_of_a_kind_the_panel_lacks_are_told_how_to_build_one(shipped, models):
    gated = tuple(member for member in shipped.record.members if member.gated)
    none = {"members": gated, "twins": (), "scores": (), "twin_scores": ()}
    panel = Panel(shipped.record.model_copy(update=none), {m.name: shipped.fingerprints[m.name] for m in gated})
    report = test_lineage(models["gpt2-stranger"], models["gpt2-reference"], panel=panel)
    assert (report.panel_log10_p, report.robust_log10_p) == (None, None)
    assert report.verdict == "no_evidence"
    assert "build a panel of models like them with `verify panel build RECIPE`" in words(
        report.tests[PRIMARY.id].reason
    )
    assert {out.name for out in report.panel.dropped} == {member.name for member in gated}
    assert "build a panel of models like them" in report.to_markdown()
