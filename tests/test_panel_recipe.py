"""Recipes of panels: TOML or YAML, and one sentence for what is none."""

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas.__main__ import schemas
from tests.panels import RECIPE, toml
from verify import InputError
from verify.panel import Recipe
from verify.panel.record import DEFAULT

HUB = DEFAULT.parents[1] / "data" / "recipes" / "hub-7b.toml"


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".YAML", ".TOML"])
def test_toml_and_yaml_are_one_recipe(suffix, tmp_path):
    (tmp_path / "r.toml").write_text(toml(RECIPE))
    (tmp_path / f"other{suffix}").write_text(toml(RECIPE) if "T" in suffix else json.dumps(RECIPE))
    assert Recipe.read(tmp_path / "r.toml") == Recipe.read(tmp_path / f"other{suffix}")


def without(key):
    return {k: v for k, v in RECIPE.items() if k != key}


def with_member(**changes):
    return RECIPE | {"member": [{**RECIPE["member"][0], **changes}]}


WRONG = {
    "no name": (without("name"), "at 'name': Field required"),
    "no members": (without("member"), "at 'member': Field required"),
    "no member": (RECIPE | {"member": []}, "at least 1 item"),
    "a type": (RECIPE | {"version": 1}, "at 'version'"),
    "an unknown key": (RECIPE | {"memeber": 1}, "at 'memeber'"),
    "no licence": (RECIPE | {"member": [{"model": "a", "family": "b"}]}, "at 'member.0.licence'"),
    "two of a name": (RECIPE | {"member": RECIPE["member"] * 2}, "two members are named 'toy-0'"),
    "a path": (with_member(name="../../evil"), "needs a `name`"),
    "a slash": (with_member(name="a/b"), "needs a `name`"),
    "a backslash": (with_member(name="a\\b"), "needs a `name`"),
    "a control character": (with_member(name="a\x1b[31m"), "needs a `name`"),
    "two lines": (with_member(name="a\n"), "needs a `name`"),
    "hidden": (with_member(name=".a"), "needs a `name`"),
    "too long": (with_member(name="a" * 101), "needs a `name`"),
    "no model": (with_member(model=""), "needs a `name`"),
    "the parent": (with_member(model=".."), "needs a `name`"),
    "a model with spaces": (with_member(model="my model"), "needs a `name`"),
    "no family": (with_member(family=""), "has an empty `family`"),
    "a recipe of spaces": (with_member(recipe=" "), "`recipe` of member 'toy-0'"),
    "a long recipe": (with_member(recipe="q" * 100_000), "`recipe` of member 'toy-0'"),
    "a recipe with what cannot be seen": (with_member(recipe="q\u202e"), "`recipe` of member 'toy-0'"),
    "a family filled in": (with_member(family="x{n}", each={"n": ["\n"]}), "`family` of member 'toy-0'"),
    "a list": ([], "at 'the document'"),
    "no text": (None, "at 'the document'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_recipe_is_one_sentence(name, tmp_path):
    """That says where; and the rules hold for recipes made in Python."""
    content, says = WRONG[name]
    (tmp_path / "wrong.yaml").write_text(json.dumps(content))
    refused(tmp_path / "wrong.yaml", says)
    with pytest.raises(ValidationError):
        Recipe.model_validate(content)


def refused(path, says):
    with pytest.raises(InputError) as error:
        Recipe.read(path)
    assert says in str(error.value)
    assert path.name[:50] in str(error.value)
    assert str(path.parent) not in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.toml", b"name = ", "not TOML"),
        ("a.toml", b"\xff\xfe", "not TOML"),
        ("a.toml", b"a = " + b"[" * 20_000, "nested too deeply"),
        ("a.yaml", b"[" * 20_000, "not YAML"),
        ("a.yaml", b"a: [1", "not YAML"),
        ("a.yaml", b"a: 2024-13-45", "not YAML"),
        ("a.yaml", b"a: !!python/object/apply:os.system [x]", "anchor, alias or tag"),
        ("a.yaml", b'name: "\\ud800"', "'a.yaml' "),
        ("a.toml", b"#" * 3_000_000, "more than 2097152 bytes"),
        ("absent.toml", None, "No such file"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_sentence(name, content, says, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, says)


def test_a_folder_is_no_recipe(tmp_path):
    (tmp_path / "x.toml").mkdir()
    refused(tmp_path / "x.toml", "directory")


def test_the_hub_recipe_names_families_once_and_its_positives_are_of_members():
    found = Recipe.read(HUB)
    families = [entry.family for entry in found.members]
    assert len(families) == len(set(families)) >= 13
    models = {entry.model for entry in found.members}
    assert found.positives
    assert {positive.reference for positive in found.positives} <= models
    assert not {positive.model for positive in found.positives} & models
    assert all(entry.licence and entry.model.count("/") == 1 for entry in found.members)
    Draft202012Validator(json.loads(schemas()["panel-recipe-1.schema.json"])).validate(
        json.loads(found.model_dump_json(by_alias=True))
    )
