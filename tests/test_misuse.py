"""Input of the wrong kind: one sentence and exit status 2, nothing that waits for ever, nothing replaced."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from verify import fingerprint
from verify.cli import main
from verify.data import model

Run = Callable[..., str]

posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must fail, and return what it says."""

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr().err
        assert (stop.value.code, said.count("\n")) == (2, 1)
        return said

    return run


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fingerprint."""
    file = tmp_path / "saved.safetensors"
    arguments = ["fingerprint", str(model("reference")), "--effort", "screen", "-o", str(file), "-q"]
    monkeypatch.setattr(sys, "argv", ["verify", *arguments])
    main()
    return file


def test_what_would_be_ignored_is_refused(refused: Run, saved: Path, tmp_path: Path) -> None:
    """A revision of a local model; a revision, layout or base of what is a fingerprint already."""
    out = tmp_path / "out.safetensors"
    assert "a revision is given" in refused("lineage", model("reference"), model("fine-tuned"), "--revision-b", "v1")
    for what in ("revision", "layout", "base"):
        assert f"a {what} is given" in refused("fingerprint", saved, f"--{what}", "x", "-o", out)
    assert not out.exists()


def test_an_empty_address_is_not_the_folder_where_one_stands(refused: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an unset variable of a shell gives."""
    monkeypatch.chdir(model("reference"))
    assert "empty" in refused("lineage", "", model("fine-tuned"))
    assert "1 of 2 models" in refused("screen", "", model("fine-tuned"))


@posix
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "README.md", "model.safetensors.index.json"])
def test_a_pipe_beside_the_weights_is_not_waited_for(name: str, refused: Run, tmp_path: Path) -> None:
    """Nor a device read to its end, which it does not have; what a model can do without does not stop it."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in model("reference").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    for _ in range(2):
        if name == "config.json":
            assert name in refused("fingerprint", folder, "-o", tmp_path / "out.safetensors")
        else:
            fingerprint(folder, effort="screen")
        (folder / name).unlink()
        (folder / name).symlink_to("/dev/zero")


@posix
def test_what_is_no_file_is_not_replaced_by_one(refused: Run, tmp_path: Path) -> None:
    """A report into a device of the system would end it."""
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)
    assert "regular" in refused("fingerprint", model("reference"), "-o", pipe)
    assert "regular" in refused("lineage", model("reference"), model("fine-tuned"), "-o", tmp_path)
    assert pipe.is_fifo()


def test_a_list_without_end_is_refused(refused: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read up to a bound only."""
    monkeypatch.setattr("verify.cli.listed._LARGEST_LIST", 100)
    listing = tmp_path / "list.txt"
    listing.write_text("#" * 101)
    assert "more than 100 bytes" in refused("screen", f"@{listing}")


def test_secrets_in_an_address_or_token_that_cannot_be_used_are_not_repeated(
    refused: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a token that no header can carry become a traceback."""
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_TOKEN", "")
    for arguments in (
        ["hf://org/model?token=SECRET"],
        ["org/model", "--token", "hf_SÉCRET"],
        ["org/model", "--token", "hf_SECRET\r\nX: y"],
    ):
        said = refused("inspect", *arguments)
        assert "SECRET" not in said
        assert "CRET" not in said
