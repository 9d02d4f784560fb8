"""Each model type of the census is read as it was when forward passes were compared, and no other way."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.architectures.declared import SYMMETRIES, outcome
from tests import architectures
from verify.base import CheckpointError, InputError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.layouts.understand import understood

MODELS = architectures.models()
ROWS = {f"{row['type']} {row['naming']}": row for row in results.read("architectures")}
BUILT = {name: row for name, row in ROWS.items() if row["outcome"] != "not built" and row["kind"] != "part"}


def test_every_model_that_was_built_has_a_fixture() -> None:
    assert MODELS.keys() == BUILT.keys()


@pytest.mark.parametrize("name", BUILT)
def test_a_model_type_is_read_as_in_the_census(tmp_path: Path, name: str) -> None:
    """A new reading is written into the table by a census, which holds it against forward passes."""
    row, folder = BUILT[name], architectures.write(tmp_path / name.split()[1], MODELS[name])
    if row["outcome"] == "refused":
        with pytest.raises((CheckpointError, InputError)):
            open_checkpoint(folder)
        return
    found = outcome(open_checkpoint(folder))
    main, *others = found["parts"].values()
    beside = "; ".join(f"{one['family']} of {one['kind']}" for one in others)
    read = (main["family"], "; ".join(main["declared"]), beside, str(found["left_out"]), str(found["outside"]))
    said = tuple(row[cell] for cell in ("family", "declared", "beside", "left_out", "outside"))
    assert read == said, "Run `python -m benchmarks.architectures`."


def test_no_symmetry_that_is_declared_was_found_false() -> None:
    assert not [name for name, row in ROWS.items() if row["false"]]


def test_children_were_found_and_strangers_were_not() -> None:
    pairs = {name: (row["child"], row["stranger"]) for name, row in BUILT.items() if row["outcome"] != "refused"}
    assert {name: pair for name, pair in pairs.items() if pair != ("dependent", "no_evidence")} == {}


def test_every_symmetry_is_declared_of_some_model() -> None:
    declared = {symmetry for row in BUILT.values() for symmetry in row["declared"].split("; ")}
    assert declared - {""} == set(SYMMETRIES)


def test_a_table_that_is_named_elsewhere_has_no_precedence() -> None:
    """Of a tower that config.json does not describe, the table that claims most is used, as of any unknown model."""
    tower = {f"vision_tower.{name}": shape for name, shape in architectures.shapes(MODELS["gemma2:mha hub"])}
    main = {f"text_model.{name}": shape for name, shape in architectures.shapes(MODELS["got_ocr2 hub"])}
    fits = understood("model", main | tower, MODELS["got_ocr2 hub"]["config"])
    assert {fit.family.name for fit in fits if fit.prefix[0].startswith("vision_tower.")} == {"gemma2"}


def test_the_readme_counts_what_the_table_says() -> None:
    """Types by the names of the Hub, and decoders among them."""
    readme = " ".join((Path(__file__).parents[1] / "README.md").read_text("utf-8").split())
    built = [row for row in ROWS.values() if row["naming"] == "hub" and row["outcome"] != "not built"]
    decoders = [row for row in built if row["kind"] == "decoder"]
    (read, whole), (of_decoders, whole_decoders) = (
        (sum(row["outcome"] in ("read", "partly") for row in rows), sum(row["outcome"] == "read" for row in rows))
        for rows in (built, decoders)
    )
    assert f"Of the {len(built)} model types of Transformers 5.24, Diffusers and timm" in readme
    assert f"{read} are read under the names of the Hub, {whole} of them with every symmetry that holds" in readme
    assert f"(of {len(decoders)} decoders: {of_decoders} and {whole_decoders})" in readme
