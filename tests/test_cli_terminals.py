"""What the command line prints on terminals of any encoding, and on which stream."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import verify
from tests import commands
from tests.commands import Run
from tests.reports import CREATED
from verify.cli.app import cli
from verify.cli.output import echo, echo_json

models, run = commands.models, commands.run


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, call: Callable[[], object]) -> str:
    """What is printed on a terminal of an encoding."""
    stream = io.TextIOWrapper(held := io.BytesIO(), encoding, write_through=True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        call()
    return held.getvalue().decode(encoding)


@pytest.mark.parametrize(
    "encoding", ["ascii", "latin-1", "cp1252", "cp437", "koi8-r", "shift-jis", "utf-8", "utf-16"]
)
def test_a_terminal_that_lacks_a_sign_gets_another(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Each sign by itself where the terminal has it, and no error anywhere; JSON stays the same value."""
    text = "p ≥ 10–3 × 2, “µ” … é 模 \U0001f600 \udcff ─│█ end"
    shown = printed(monkeypatch, encoding, lambda: echo(text))
    assert shown.startswith("p ")
    assert shown.endswith(" end\n")
    assert all(sign in shown for sign in text if sign != "\udcff" and decodes(sign, encoding))
    if encoding in ("ascii", "latin-1"):
        assert shown.startswith("p >= 10-3 ")
    value = {"≥ 模": '\U0001f600 " é'}
    assert (
        json.loads(printed(monkeypatch, encoding, lambda: echo_json(json.dumps(value, ensure_ascii=False)))) == value
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of POSIX")
@pytest.mark.parametrize(
    ("shell", "status", "out", "err"),
    [
        ("{} | true", 3, 0, 0),  # the reader goes before anything is said
        ("{} --json | head -c 9", 3, 9, 0),
        ("{} >&-", 3, 0, 0),
        ("{} 2>&-", 3, 1000, 0),
        ("{} <&- >&- 2>&-", 3, 0, 0),
        ("{} --alpha 2 2>&-", 2, 0, 0),
        ("{} >/dev/full", 2, 0, 1),
    ],
)
def test_a_stream_that_is_closed_or_full_changes_neither_files_nor_status(
    models: dict[str, Path], tmp_path: Path, shell: str, status: int, out: int, err: int
) -> None:
    """A status of 1 would say of a replay that something does not agree."""
    if "/dev/full" in shell and not Path("/dev/full").exists():
        pytest.skip("no such device")
    folder = tmp_path / "out"
    words = [sys.executable, "-m", "verify", "lineage", models["child"], models["parent"], "--fail-on", "dependent"]
    command = shlex.join(map(str, [*words, "-o", folder, "--format", "json", "--created", CREATED]))
    whole = f"set -o pipefail; {shell.format(command)}"
    done = subprocess.run(["bash", "-c", whole], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert len(done.stdout) >= out
    assert done.stderr.count("\n") == err
    if "--alpha" not in shell:
        assert verify.replay(folder / "report.json").agrees


def decodes(sign: str, encoding: str) -> bool:
    return sign.encode(encoding, "ignore").decode(encoding) == sign


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_commands_print_on_such_a_terminal(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Files are UTF-8 all the same."""
    a, b = (tmp_path / f"{name}.safetensors" for name in ("stranger", "parent"))
    for file in (a, b):
        assert run("fingerprint", models[file.stem], "-o", file, "--effort", "screen").status == 0
    pair = ("lineage", a, b, "--created", CREATED)
    assert run(*pair, "-o", tmp_path).status == 0
    page, record = ((tmp_path / f"report.{name}").read_text("utf-8") for name in ("md", "json"))
    assert not page.isascii()
    said = {}
    for command in (pair, (*pair, "--json"), ("screen", a, b), ("replay", tmp_path / "report.json")):
        said[command] = printed(monkeypatch, encoding, lambda command=command: run(*command))
        assert "\N{REPLACEMENT CHARACTER}" not in said[command]
    assert " ".join(said[pair].split()).startswith("NO SIGN OF A RELATION FOUND stranger (A), parent (B)")
    assert json.loads(said[*pair, "--json"]) == json.loads(record)


def test_help_is_ascii(run: Run) -> None:
    """It is printed before anything is known of the terminal."""
    for command in (*cli.commands, "panel build", "panel show", "panel audit", "cache clear", ""):
        assert run(*command.split(), "--help").out.isascii()


def test_progress_goes_to_standard_error_only(
    run: Run, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only if somebody is there to see it."""
    arguments = ("lineage", models["child"], models["parent"], "--json", "--created", CREATED)
    silent = run(*arguments)
    assert silent.err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    seen = run(*arguments)
    assert "reading child" in seen.err
    assert seen.out == silent.out
    assert run(*arguments, "-q").err == ""


def test_help_and_version_are_no_errors(run: Run) -> None:
    """Nor is asking for nothing."""
    for arguments in ((), ("--help",), ("-h",), ("lineage", "-h")):
        result = run(*arguments)
        assert (result.status, result.err) == (0, "")
        assert "Usage: " in result.out
    assert verify.__version__ in run("--version").out
