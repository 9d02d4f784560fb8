"""A panel tested on strangers outside it: which pairs, at which levels, and what is said of them."""

import json
import shutil

import numpy as np
import pytest

import verify
from tests import commands
from tests.models import config, weights, write
from tests.panels import panel_of, relative, synthetic
from tests.strategies import architecture
from verify.inference import disjoint_pairs, false_match_bound
from verify.panel import audit_strangers

run, check_refused = commands.run, commands.check_refused
RECIPES, REFERENCES = 19, 6
"""Recipes that just reach .05; references that do, and that an audit asks for."""


def drawn(seed, recipes=RECIPES, references=REFERENCES):
    """A panel of models at random, with scores, and what draws further models."""
    rng = np.random.default_rng(seed)
    shape = architecture(layers=2, hidden=24)

    def draw():
        return synthetic(rng, shape).only("match")

    members = [draw() for _ in range(references)]
    return panel_of(members, twins=[[draw(), draw()] for _ in range(recipes)], scored=True), draw, rng


def test_strangers_like_the_panels_get_no_more_verdicts_than_the_level():
    panel, draw, _ = drawn(0)
    steps = []
    found = audit_strangers(
        panel, [{f"{i}": draw() for i in range(7)}, {"a": draw(), "b": draw()}], lambda *x: steps.append(x)
    )
    assert found.pairs == 4  # three disjoint pairs of seven models, and one
    assert steps[-1] == ("strangers", 4, 4)
    assert [(at.level, at.reachable) for at in found.levels] == [(0.05, True), (0.01, False)]
    assert found.calibrated
    first, second = found.levels
    assert (first.called, first.low, first.high) == (0, 0.0, false_match_bound(0, 4))
    assert (second.called, second.low) == (0, 0.0)


def test_models_that_all_get_verdicts_are_called_too_many():
    """As relatives do that somebody takes for strangers."""
    panel, draw, rng = drawn(1)
    groups = [{"parent": one, "child": relative(one, rng)} for one in (draw() for _ in range(3))]
    found = audit_strangers(panel, groups)
    assert (found.pairs, found.levels[0].called, found.calibrated) == (3, 3, False)
    assert found.levels[0].low == pytest.approx(
        0.05 ** (1 / 3)
    )  # 95%: if the share were below, three in a row are rare
    assert audit_strangers(panel, groups[:1]).levels[0].low == pytest.approx(0.05)  # one pair proves nothing
    assert audit_strangers(panel, groups[:1]).calibrated


@pytest.mark.parametrize(("recipes", "references"), [(0, 8), (RECIPES - 1, REFERENCES), (RECIPES, 4)])
def test_a_panel_that_reaches_no_level_is_not_called_calibrated(recipes, references):
    """For want of twins, of one recipe, or of one reference (five make 21 pairs with A and B)."""
    panel, draw, rng = drawn(2, recipes, references)
    one = draw()
    found = audit_strangers(panel, [{"parent": one, "child": relative(one, rng)}])
    assert found.calibrated is None
    assert {(at.called, at.reachable) for at in found.levels} == {(0, False)}


def test_a_model_is_in_one_pair_only_and_pairs_are_formed_inside_a_group():
    panel, draw, _ = drawn(3)
    assert audit_strangers(panel, [{"alone": draw()}, {"too": draw()}]) is None
    assert audit_strangers(panel, []) is None
    assert len(disjoint_pairs([f"{i}" for i in range(7)])) == 3


# ---- on the command line


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A panel of toys that reaches .05, saved, and two folders of toys outside it."""
    root, c = tmp_path_factory.mktemp("toys"), config(layers=1)

    def toy(seed):
        return verify.fingerprint(write(root / "toy", weights(seed, c), c)).only("match")

    members = [toy(i) for i in range(REFERENCES)]
    twins = [[toy(100 + 2 * i), toy(101 + 2 * i)] for i in range(RECIPES)]
    panel_of(members, twins=twins, scored=True).save(root / "panel")
    panel_of(members, scored=True).save(root / "no-twins")
    for i in range(5):
        write(root / ("first" if i < 3 else "second") / f"stranger-{i}", weights(1000 + i, c), c)
    shutil.copytree(root / "first" / "stranger-0", root / "alone" / "model")
    (root / "empty").mkdir()
    (root / "bad" / "x").mkdir(parents=True)
    (root / "bad" / "y").mkdir()
    return root


def test_the_audit_ends_in_a_sentence_on_calibration(run, folders):
    """Whether it was tested on strangers or not."""
    alone = run("panel", "audit", folders / "panel").out.splitlines()[-1]
    assert alone.startswith(f"Is it calibrated? Not shown here: {RECIPES} recipes of twins")
    assert "--strangers FOLDER" in alone
    options = ("--strangers", folders / "first", "--strangers", folders / "second")
    told = run("panel", "audit", folders / "panel", *options)
    assert (told.status, told.err) == (0, "")
    assert told.out.splitlines()[-1] == (
        "Is it calibrated? Nothing here contradicts it: 0 of 2 disjoint pairs of strangers get a verdict at "
        "level 0.05 (95% bounds 0.000 and 0.776)."
    )
    none = run("panel", "audit", folders / "no-twins", *options).out.splitlines()[-1]
    assert none == "Is it calibrated? It gives no verdict on these models: it has no twins of their kind."


def test_relatives_called_strangers_are_told(run, folders, tmp_path):
    """The same weights under two names, in three folders."""
    options = []
    for i in range(3):
        for name in ("one", "two"):
            shutil.copytree(folders / ("first" if i < 3 else "second") / f"stranger-{i}", tmp_path / f"{i}" / name)
        options += ["--strangers", tmp_path / f"{i}"]
    said = run("panel", "audit", folders / "panel", *options).out.splitlines()[-1]
    assert said.startswith("Is it calibrated? No, not for models like these: 3 of 3 disjoint pairs")


def test_the_audit_as_json_has_the_strangers(run, folders):
    options = ("--strangers", folders / "second", "--json")
    found = json.loads(run("panel", "audit", folders / "panel", *options).out)
    assert found["strangers"]["pairs"] == 1
    assert [at["level"] for at in found["strangers"]["levels"]] == [0.05, 0.01]
    assert [at["reachable"] for at in found["strangers"]["levels"]] == [True, False]
    assert "strangers" not in json.loads(run("panel", "audit", folders / "panel", "--json").out)


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("nothing-here", "which is no folder; give a folder of models"),
        ("alone", "No folder given by --strangers holds two models"),
        ("empty", "No folder given by --strangers holds two models"),
        ("bad", "holds no .safetensors"),
        ("first/stranger-0/config.json", "which is no folder; give a folder of models"),
    ],
)
def test_strangers_that_cannot_be_paired_are_one_line(run, folders, folder, says):
    check_refused(run("panel", "audit", folders / "panel", "--strangers", folders / folder), says)
