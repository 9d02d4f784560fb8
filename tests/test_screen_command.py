"""``verify screen``: the files it writes, exit statuses, and one sentence for bad input."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas.__main__ import HERE
from tests import screens
from verify import Fingerprint, InputError
from verify.cli import main
from verify.screen import ScreenResult, screen
from verify.statistics import EXACT_TESTS

family, found, weights_at = screens.family, screens.found, screens.weights_at


@pytest.fixture
def files(family: list[Fingerprint], tmp_path: Path) -> Path:
    """A folder of fingerprints, cut to what a file may hold, and one that is damaged."""
    folder = tmp_path / "prints"
    for model in family[:5] + family[-2:]:
        model.save(folder / f"{model.record.name}.safetensors")
    damaged = (folder / "parent.safetensors").read_bytes()[:-50]
    (folder / "damaged.safetensors").write_bytes(damaged)
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["verify", "screen", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
@pytest.mark.parametrize("odd", [b"\xff\xfe", b"red\a\x1b[31m", b"two\nlines", "\u202eturned".encode(), b"x" * 200])
def test_a_model_of_any_name_that_is_left_out_costs_no_finished_work(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], odd: bytes
) -> None:
    """What is printed of it is one line without control characters, on a terminal too, and the record is UTF-8."""
    folder = tmp_path / os.fsdecode(odd)
    folder.mkdir()
    assert run(monkeypatch, files, folder, "-o", tmp_path / "out") == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    record = json.loads((tmp_path / "out" / "families.json").read_bytes())
    assert len(record["left_out"]) == 2
    assert all(one["name"].isprintable() for one in record["left_out"])


def test_the_command_writes_a_page_tables_a_summary_and_the_record(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that cannot be read is reported and costs nothing else; tables are CSV unless Parquet is asked for."""
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out"
    assert run(monkeypatch, files, "-o", out, "--format", "parquet") == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("damaged.safetensors: left out: The fingerprint")
    said = " ".join(printed.out.split())
    assert said.startswith("1 FAMILY OF RELATED MODELS 7 models, 21 pairs: ")
    assert "1 model could not be read." in said
    assert "Left out 1 model: damaged.safetensors." in said
    assert f"Next open {out / 'screen.html'};" in said
    record = json.loads((out / "families.json").read_bytes())
    Draft202012Validator(json.loads((HERE / "screen-1.schema.json").read_text("utf-8"))).validate(record)
    assert [m["name"] for m in record["left_out"]] == ["damaged.safetensors"]
    table = parquet.read_table(out / "pairs.parquet")
    models = parquet.read_table(out / "models.parquet")
    assert run(monkeypatch, files, "-o", out, "--json") == 0
    assert json.loads(capsys.readouterr().out) == record
    with (out / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == table.column_names
    assert [float(row["log10_p"]) for row in rows] == table["log10_p"].to_pylist()
    assert {f"{test.id}_{what}" for test in EXACT_TESTS for what in ("log10_p", "share", "cosine")} <= set(rows[0])
    assert [float(row["closeness"]) for row in rows] == table["closeness"].to_pylist()
    with (out / "models.csv").open(newline="") as file:
        of_models = list(csv.DictReader(file))
    assert list(of_models[0]) == models.column_names
    assert [row["model"] for row in of_models] == [m["label"] for m in record["models"]] + ["damaged.safetensors"]
    statuses = {row["model"]: (row["status"], row["family"], row["closest"]) for row in of_models}
    assert statuses["child-fine-tuned"] == ("related", "1", "parent")
    assert statuses["stranger-6"] == ("no relative found", "", "")
    assert statuses["damaged.safetensors"][0] == "left out"
    names = ("families.json", "models.csv", "pairs.csv", "screen.html", "summary.md")
    assert sorted(path.name for path in out.iterdir() if path.name != ".work") == list(names)
    page = (out / "summary.md").read_text("utf-8")
    assert "`child-fine-tuned`" in page
    assert "a related pair passes with probability 0.999" in page


@pytest.mark.parametrize(
    "name",
    ["screen.html", "summary.md", "pairs.csv", "models.csv", "models.parquet", "families.json", "families.png"],
)
def test_files_of_somebody_else_are_neither_replaced_nor_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """It is said before any work; a result in hand is not saved over them either."""
    (tmp_path / name).write_text("mine")
    assert run(monkeypatch, "a", "b", "-o", tmp_path) == 2
    assert "would be lost" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


@pytest.mark.parametrize(
    ("fail_on", "status"),
    [
        ("", 0),
        ("identical", 0),
        ("dependent", 3),
        ("dependent,identical", 3),
        ("suspected, untestable", 0),
        ("no_evidence", 3),
        ("left_out", 3),
        ("guilty", 2),
    ],
)
def test_chosen_verdicts_of_a_screen_become_status_3(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fail_on: str, status: int
) -> None:
    """As of a single pair; the result is printed all the same. A model that cannot be read fails only if asked."""
    names = ("parent", "child-fine-tuned", "stranger-6", "damaged")
    some = [files / f"{name}.safetensors" for name in names]
    assert run(monkeypatch, *some, "--fail-on", fail_on) == status
    assert ("3 models, 3 pairs: " in capsys.readouterr().out) == (status != 2)


def test_an_exact_copy_becomes_status_3(
    weights_at: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone, it is no dependent pair; what is printed are sentences whose words agree with their numbers."""
    for fail_on, status in (("identical", 3), ("dependent", 0), ("no_evidence,left_out", 0)):
        assert run(monkeypatch, weights_at / "A", weights_at / "copy", "--fail-on", fail_on) == status
    printed = " ".join(capsys.readouterr().out.split())
    assert "2 models, 1 pair: 0 related and 1 of the same weights, in 1 family;" in printed
    assert "1 set of models with the same weights: A, copy." in printed
    assert "1 pairs" not in printed


def test_a_result_is_saved_under_a_path_as_text(found: ScreenResult, tmp_path: Path) -> None:
    """What an earlier screen left there is replaced, and what is not of a screen stays."""
    found.save(tmp_path, "parquet")
    (tmp_path / "notes.md").write_text("mine")
    written = found.save(str(tmp_path), "csv")
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written} | {"notes.md"}
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_the_command_takes_lists_and_one_against_many(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Relative to the list; comments and empty lines are skipped."""
    listing = files / "list.txt"
    listing.write_text("# models\n\nchild-rotated.safetensors\nstranger-6.safetensors\n")
    assert run(monkeypatch, f"@{listing}", "--against", files / "parent.safetensors", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["pairs"], record["against"]) == (2, "parent")
    assert [f["members"] for f in record["families"]] == [["child-rotated", "parent"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{files}/damaged.safetensors", "{files}/parent.safetensors"], "1 of 2 models can be compared"),
        (["{files}/nothing", "{files}/absent"], "0 of 2 models"),
        (["{files}", "--against", "{files}/absent"], "absent"),
        (["{files}", "--alpha", "2"], "alpha is 2.0"),
        (["{files}", "--workers", "0"], "workers is 0"),
        (["{files}", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "give one of them"),
        (["@{files}/absent.txt"], "cannot be read"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    arguments: list[str],
    said: str,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Never a traceback."""
    assert run(monkeypatch, *(a.format(files=files) for a in arguments)) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


def test_a_list_of_models_is_asked_for(family: list[Fingerprint]) -> None:
    """A single one is a slip."""
    with pytest.raises(InputError, match="give a list of models"):
        screen(family[0])  # type: ignore[arg-type]
