"""Tables of a recipe that stand for many, and the recipe of twins that ships."""

import json
import tomllib
from itertools import product
from pathlib import Path
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.__main__ import schemas
from verify import InputError
from verify.panel import Recipe
from verify.panel.members import Member, Twins
from verify.panel.pattern import MOST
from verify.panel.recipe import SHIPPED
from verify.panel.twin_groups import independent_groups

TWINS = "hub-twins"
PAGE = Path(__file__).parents[1] / "docs" / "panels.md"
HEAD = {"name": "x", "version": "1"}
ENTRY = {"model": "hub/{corpus}@s{seed}", "name": "{corpus}-{seed}", "family": "{seed}", "licence": "MIT"}
EACH = {"corpus": ["c4", "falcon"], "seed": [1, 2, 3]}


def read(folder, **content):
    (folder / "r.yaml").write_text(json.dumps(HEAD | content))
    return Recipe.read(folder / "r.yaml")


def test_a_table_stands_for_every_combination_in_order(tmp_path):
    found = read(tmp_path, member=[ENTRY | {"recipe": "r-{corpus}", "initial": "w{seed}", "each": EACH}])
    assert [entry.member for entry in found.members] == [f"{c}-{s}" for c, s in product(*EACH.values())]
    last = found.members[-1]
    assert (last.model, last.family, last.recipe, last.initial) == ("hub/falcon@s3", "3", "r-falcon", "w3")
    assert all(entry.each == {} for entry in found.members)


def test_what_is_read_is_what_was_written_out(tmp_path):
    """A recipe written with patterns, and the one that it stands for, are one."""
    short = read(tmp_path, member=[ENTRY | {"each": EACH}])
    long = [{k: v for k, v in entry.model_dump().items() if k != "each"} for entry in short.members]
    assert read(tmp_path, member=long) == short


def test_the_example_of_the_page_is_six_models():
    """`docs/panels.md`."""
    (example,) = (text for text in PAGE.read_text("utf-8").split("```toml\n") if "each = " in text)
    content = HEAD | tomllib.loads(example.partition("```")[0])
    assert len(Recipe.model_validate(content).members) == 6


def test_positives_have_patterns_too(tmp_path):
    pair = {"model": "a-{seed}", "reference": "b", "each": {"seed": [2, 3]}}
    found = read(tmp_path, member=[{"model": "b", "family": "b", "licence": "MIT"}], positive=[pair])
    assert [pair.model for pair in found.positives] == ["a-2", "a-3"]


def test_without_each_braces_are_part_of_a_name(tmp_path):
    """Folders may have them."""
    found = read(tmp_path, member=[{"model": "{x}/{y}", "name": "m", "family": "{f}", "licence": "MIT"}])
    assert (found.members[0].model, found.members[0].family) == ("{x}/{y}", "{f}")


FIELDS = st.dictionaries(
    st.text(ascii_lowercase, min_size=1, max_size=3),
    st.lists(st.text("abc.{}0", min_size=1, max_size=3), min_size=1, max_size=3, unique=True),
    min_size=1,
    max_size=3,
)


@given(FIELDS)
def test_values_are_never_read_as_patterns(each):
    """Braces in a value stay: what is filled in is not filled in again."""
    text = "/".join(f"{{{field}}}" for field in each)
    content = HEAD | {"member": [{"model": "x", "name": "m", "family": "f", "licence": "MIT"}]}
    content["positive"] = [{"model": text, "reference": "x", "each": each}]
    found = Recipe.model_validate(content).positives
    assert [pair.model for pair in found] == ["/".join(values) for values in product(*each.values())]


WRONG = {
    "an unknown field": (ENTRY | {"each": {"corpus": ["c4"]}}, "`model` has {seed}, which `each` does not list"),
    "a nameless field": (ENTRY | {"model": "{}", "each": EACH}, "`model` has {}, which `each` does not list"),
    "an empty list": (ENTRY | {"each": EACH | {"seed": []}}, "`each` lists no value of 'seed'"),
    "a list too many": (ENTRY | {"each": EACH | {"size": ["a", "b"]}}, "two members are named 'c4-1'"),
    "a value twice": (ENTRY | {"each": EACH | {"seed": [1, 1]}}, "two members are named 'c4-1'"),
    "too many": (ENTRY | {"each": {"corpus": ["c"] * 400, "seed": [1] * 400}}, f"stand for 160000, more than {MOST}"),
    "one value": (ENTRY | {"each": {"corpus": "c4", "seed": [1]}}, "at 'member.0.each.corpus'"),
    "a truth value": (ENTRY | {"each": EACH | {"seed": [True]}}, "at 'member.0.each.seed.0"),
    "twins of one start": (ENTRY | {"each": EACH, "recipe": "r", "initial": "w"}, "start from the same weights"),
    "a name that is none": (ENTRY | {"each": EACH | {"corpus": ["a/b"]}}, "needs a `name`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_pattern_is_one_sentence(name, tmp_path):
    entry, says = WRONG[name]
    with pytest.raises(InputError) as error:
        read(tmp_path, member=[entry])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_as_many_as_allowed_are_read_in_one_pass(tmp_path):
    """Names are compared with a set, not with each other."""
    each = {"corpus": [f"c{i}" for i in range(MOST // 100)], "seed": list(range(100))}
    assert len(read(tmp_path, member=[ENTRY | {"each": each}]).members) == MOST


# ---- the recipe that ships


def twins_of(recipe):
    """As the panel's record will have them."""
    found = {}
    for entry in recipe.members:
        if entry.recipe:
            told = {key: getattr(entry, key) for key in ("family", "initial", "licence", "corpus")}
            digests = dict.fromkeys(("content_sha256", "fingerprint_sha256"), "0" * 64)
            found.setdefault(entry.recipe, []).append(
                Member(name=entry.member, stratum="s", source="x", **told, **digests)
            )
    return [Twins(recipe=name, gated=True, norm="rms", models=models) for name, models in found.items()]


def test_the_recipe_of_twins_is_found_by_name(tmp_path, monkeypatch):
    """Also where its output lies under the same name; a file of the name is meant where there is one."""
    monkeypatch.chdir(tmp_path)
    shipped, place = Recipe.find(Path(TWINS))
    assert (shipped.name, place) == (TWINS, Path())
    (tmp_path / TWINS).mkdir()
    assert Recipe.find(Path(TWINS))[0] == shipped
    for path in (Path("sub") / TWINS, Path("hub-nothing")):
        with pytest.raises(InputError, match="or the name of one of hub-7b, hub-twins"):
            Recipe.find(path)
    (tmp_path / "hub-7b").write_text(json.dumps(HEAD | {"member": [{"model": "m", "family": "f", "licence": "x"}]}))
    assert Recipe.find(Path("hub-7b"))[0].name == "x"


def test_the_recipe_of_twins_says_what_it_is_worth():
    """Three sizes of DataDecide are three groups however many corpora; five sizes of Pythia are five."""
    recipe = Recipe.read(SHIPPED / f"{TWINS}.toml")
    twins = twins_of(recipe)
    assert len(twins) == 25 + 25 + 4 + 5
    decide = [one for one in twins if one.recipe.startswith("datadecide")]
    pythia = [one for one in twins if one.recipe.startswith("pythia")]
    assert len(set(independent_groups(decide))) == 3
    assert len(set(independent_groups(pythia))) == 5
    assert {len(one.models) for one in decide} == {3}
    assert {len(one.models) for one in pythia} == {9}


def test_the_recipe_of_twins_has_no_known_relative_as_a_twin():
    """Models that share initial weights by design are references or positives, and relatives of one family."""
    recipe = Recipe.read(SHIPPED / f"{TWINS}.toml")
    assert not any(
        "data-seed" in entry.model or "weight-seed" in entry.model for entry in recipe.members if entry.recipe
    )
    assert {pair.reference for pair in recipe.positives} <= {entry.model for entry in recipe.members}
    starts = {}
    for entry in recipe.members:
        if entry.initial:
            assert starts.setdefault(entry.initial, entry.family) == entry.family
    assert all(entry.model.startswith("hf://") == ("@" in entry.model) for entry in recipe.members)


def test_the_schema_allows_patterns_and_what_they_stand_for():
    validator = Draft202012Validator(json.loads(schemas()["panel-recipe-1.schema.json"]))
    for file in SHIPPED.glob("*.toml"):
        validator.validate(tomllib.loads(file.read_text("utf-8")))
        validator.validate(json.loads(Recipe.read(file).model_dump_json(by_alias=True)))
