"""Building a panel: bad models are listed and skipped, what was read is kept, and read again where it changed."""

import os
import shutil

import numpy as np
import pytest

import verify
from tests.models import child, config, weights, write
from tests.panels import RECIPE, TOYS, recipe, toml, write_toys
from verify import Fingerprint, InputError, SketchSpec
from verify.panel import Recipe, build_panel, load_panel
from verify.panel import build as build_module
from verify.panel.evidence import used
from verify.panel.record import PANEL_COMPONENTS


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


@pytest.mark.slow
def test_workers_build_the_same_panel(toys, tmp_path):
    panels = [build_panel(recipe(*TOYS), tmp_path / str(n), base=toys, workers=n) for n in (None, 2)]
    assert panels[0] == panels[1]


def test_undeclared_initial_weights_of_twins_are_found_and_counted_once(tmp_path):
    """Recipes that use the same two seeds, as a collection does: they are one draw, though nobody says so."""
    c, rng, of = config(layers=1), np.random.default_rng(0), {}
    write_toys(tmp_path, 5)
    for number in range(3):
        for seed in (7, 8):
            trained = {
                name: (array + 0.01 * array.std() * rng.standard_normal(array.shape)).astype(array.dtype)
                for name, array in weights(seed, c).items()
            }
            write(tmp_path / f"r{number}-{seed}", trained, c)
            of[f"r{number}-{seed}"] = {"recipe": f"r{number}"}
    panel = build_panel(recipe(*(f"toy-{i}" for i in range(5)), *of, **of), tmp_path / "panel", base=tmp_path)
    assert len(panel.record.kinship) == 4
    found = used(panel.record.twins, panel.record.kinship)
    assert {one.group or one.recipe for one in found} == {"r0"}
