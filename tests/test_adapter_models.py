"""Fingerprints and reports of merged models."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import pytest

from tests.adapters import adapter, change
from tests.models import config, weights, write
from verify import fingerprint, replay, test_lineage
from verify.checkpoint import Location, open_checkpoint
from verify.checkpoint.opening import contents
from verify.cli import main


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A base, a stranger, an adapter and one that changes nothing."""
    root, c = tmp_path_factory.mktemp("models"), config()
    module = "model.layers.0.mlp.up_proj"
    nothing = change(module, c.hidden, c.width)
    nothing[f"{module}.lora_B.weight"][:] = 0
    return {
        "base": write(root / "base", weights(0, c), c, dtype="BF16"),
        "stranger": write(root / "stranger", weights(1, c), c),
        "lora": adapter(root / "lora", change(module, c.hidden, c.width)),
        "nothing": adapter(root / "nothing", nothing),
    }


def on(models: dict[str, Path], name: str, base: str = "base") -> Location:
    """An adapter on a base."""
    return Location(str(models[name]), base=str(models[base]))


def test_an_adapter_that_changes_nothing_is_its_base(models: dict[str, Path]) -> None:
    """By the digest of the content."""
    report = test_lineage(on(models, "nothing"), models["base"])
    assert report.verdict == "identical"


def test_changed_numbers_are_told_in_the_type_that_is_stored(models: dict[str, Path]) -> None:
    """Of a base in bfloat16 too, of which other numbers are read."""
    name = "model.layers.0.mlp.up_proj.weight"
    under, over = (contents(location).found[name] for location in (Location(str(models["base"])), on(models, "lora")))
    told, changed = (b"".join(tensor.iter_bytes()) for tensor in (under, over))
    assert len(told) == len(changed) == 2 * over.read().size
    assert changed == over.read().astype(ml_dtypes.bfloat16).tobytes() != told


@pytest.mark.slow
def test_the_record_shows_the_merging(models: dict[str, Path]) -> None:
    """The files of both, the base, and what the settings declare; with workers, the same."""
    record = fingerprint(on(models, "lora")).record
    names = [file.name for file in record.files]
    assert names == ["adapter_config.json", "adapter_model.safetensors", "base/model.safetensors"]
    assert all(file.sha256 for file in record.files)
    assert (record.name, record.merged_onto, record.declared_bases) == ("lora", "base", ("org/base",))
    assert fingerprint(models["base"]).record.merged_onto is None
    assert fingerprint(on(models, "lora"), workers=2).record == record


def test_a_merged_adapter_depends_on_its_base_and_says_why(models: dict[str, Path]) -> None:
    """The report warns that the relation is of the merging, in every rendering, and can be replayed."""
    report = test_lineage(on(models, "lora"), models["base"])
    assert report.verdict == "dependent"
    warning = "A is an adapter that was merged for this report"
    assert any(warning in line for line in report.limitations)
    for text in (report.to_markdown(), report.to_latex(), report.to_html()):
        assert warning in text
        assert "merged onto" in text
    assert replay(report).agrees
    assert replay(report, on(models, "lora"), models["base"]).agrees


def test_two_adapters_of_one_base_are_related_by_the_merging(models: dict[str, Path], tmp_path: Path) -> None:
    """The first page says so; of an adapter and a stranger it does not."""
    said, c = "merged onto one base for this report", config()
    second = adapter(tmp_path / "second", change("model.layers.1.mlp.up_proj", c.hidden, c.width, seed=9))
    both = test_lineage(on(models, "lora"), Location(str(second), base=str(models["base"])))
    assert both.verdict == "dependent"
    assert said in both.answer.rests_on
    assert said not in test_lineage(on(models, "lora"), models["stranger"]).answer.rests_on
    assert said not in test_lineage(on(models, "lora"), models["base"]).answer.rests_on


def test_a_merged_adapter_is_no_relative_of_a_stranger(models: dict[str, Path]) -> None:
    """And its report carries the caveat all the same."""
    report = test_lineage(models["stranger"], on(models, "lora"))
    assert report.verdict == "no_evidence"
    assert any(line.startswith("B is an adapter") for line in report.limitations)


def test_the_card_of_the_base_is_not_the_adapters(models: dict[str, Path], tmp_path: Path) -> None:
    """Its own card is."""
    c = config()
    base = write(tmp_path / "base", weights(0, c), c)
    (base / "README.md").write_text("---\nbase_model: org/older\n---\n")
    lora = Location(str(models["lora"]), base=str(base))
    assert open_checkpoint(base).declared_bases == ("org/older",)
    assert open_checkpoint(lora).declared_bases == ("org/base",)


def test_the_command_line_takes_a_base(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one model, of each of two, and to replay; one sentence without."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["verify", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    base, lora, out = models["base"], models["lora"], tmp_path / "report"
    assert run("fingerprint", lora, "--base", base, "-o", tmp_path / "f.safetensors", "-q") == 0
    assert run("lineage", lora, base, "--base-a", base, "-o", out, "-q") == 0
    assert run("lineage", base, lora, "--base-b", base, "-o", tmp_path / "other", "-q") == 0
    assert run("replay", out / "report.json", "--a", lora, "--base-a", base, "--b", base, "-q") == 0
    capsys.readouterr()
    assert run("lineage", lora, base, "-q") == 2
    assert capsys.readouterr().err.count("\n") == 1
