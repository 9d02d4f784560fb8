"""Results are written beside no files of a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import commands
from tests.commands import Run, check_refused

run, models = commands.run, commands.models


@pytest.mark.parametrize(
    "arguments",
    [
        ("lineage", "{a}", "{b}", "-o", "{a}"),
        ("share", "{a}", "{b}", "-o", "{b}"),
        ("screen", "{a}", "{b}", "-o", "{a}"),
        ("fingerprint", "{a}", "-o", "{a}/a.fp"),
        ("library", "{a}", "-o", "{b}"),
        ("keygen", "-o", "{a}/key"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_results_do_not_mix_with_the_files_of_a_model(
    run: Run, models: dict[str, Path], arguments: tuple[str, ...]
) -> None:
    """They would be published with it, and a fingerprint or a table taken for part of it."""
    a, b = models["parent"], models["child"]
    before = {path.name for folder in (a, b) for path in folder.iterdir()}
    found = run(*(one.format(a=a, b=b) for one in arguments))
    check_refused(found, "is the folder of a model (it holds 'model.safetensors'), and results would mix")
    assert {path.name for folder in (a, b) for path in folder.iterdir()} == before


def test_loose_files_of_weights_are_no_folder_of_a_model(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """A fingerprint may lie beside them, as in a folder of downloads; and results in a folder below a model's."""
    shutil.copy(models["parent"] / "model.safetensors", tmp_path / "parent.safetensors")
    refused = run("fingerprint", tmp_path / "parent.safetensors", "-o", tmp_path / "parent.fp")
    assert "folder of a model" not in refused.err
    below = shutil.copytree(models["parent"], tmp_path / "model")
    assert run("fingerprint", below, "-o", below / "verify" / "a.fp").status == 0
