"""An error that nobody raised on purpose is one sentence, costs no other model, and keeps its details."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import commands
from tests.commands import Run
from verify import fingerprint, screen
from verify.base.own_errors import DEBUG
from verify.fingerprint import Fingerprint
from verify.panel import build_panel
from verify.panel.recipe import Entry, Recipe

models, run = commands.models, commands.run

SECRET = "/home/somebody/secret"


def broken(*_: object, **__: object) -> None:
    """Fails as no code means to."""
    raise IndexError(f"list index out of range in {SECRET}")


def test_a_command_ends_with_one_line_and_status_70(
    run: Run, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The line names a file that holds the traceback and that only its owner may read."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("verify.lineage.test_lineage", broken)
    status, out, err = vars(run("lineage", models["child"], models["parent"])).values()
    assert (status, out, err.count("\n")) == (70, "", 1)
    assert "(IndexError)" in err
    assert SECRET not in err
    [log] = tmp_path.iterdir()
    assert str(log) in err
    assert SECRET in log.read_text()
    assert "Traceback" in log.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_where_no_details_can_be_kept_the_line_is_printed_all_the_same(
    run: Run, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a full disk."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    monkeypatch.setattr("verify.lineage.test_lineage", broken)
    found = run("lineage", models["child"], models["parent"])
    assert (found.status, found.err.count("\n")) == (70, 1)
    assert "could not be kept" in found.err


def test_a_traceback_is_shown_if_it_is_asked_for(
    run: Run, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a variable of the environment."""
    monkeypatch.setenv(DEBUG, "1")
    monkeypatch.setattr("verify.lineage.test_lineage", broken)
    with pytest.raises(IndexError):
        run("lineage", models["child"], models["parent"])


def test_one_model_does_not_end_a_screen_or_a_panel(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are compared; the record says of the one that it is none of its doing, without its path."""
    load = Fingerprint.load

    def unlucky(path: str | Path, **options: Any) -> Fingerprint:
        return broken() if Path(path).name == "parent" else load(path, **options)  # type: ignore[func-returns-value,return-value]

    for name, model in models.items():
        fingerprint(model).save(tmp_path / name)
    monkeypatch.setattr(Fingerprint, "load", staticmethod(unlucky))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        found = screen([tmp_path / name for name in models], folder=tmp_path / "work")
    assert len(found.record.models) == 2
    [left_out] = found.record.left_out
    assert left_out.reason == (
        "'parent' met an error of verify's own (IndexError), which says nothing of the model; report it."
    )
    assert caplog.text.count("verify-error-") == 1
    entries = tuple(Entry(model=str(tmp_path / name), family=name, licence="mit") for name in models)
    recipe = Recipe(name="p", version="1", member=entries)
    built = build_panel(recipe, tmp_path / "panel")
    assert [(one.name, one.reason) for one in built.record.excluded] == [
        ("parent", "parent met an error of verify's own (IndexError), which says nothing of the model; report it.")
    ]
    assert len(built.record.members) == 2
    assert caplog.text.count("verify-error-") == 2


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_an_interruption_while_the_command_is_loaded_is_one_word(tmp_path: Path) -> None:
    """Not a traceback through half of what it imports."""
    (tmp_path / "click.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    )
    found = subprocess.run(
        [sys.executable, "-m", "verify", "--version"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "Interrupted.\n")
