"""Completion in a real shell: commands, options, formats, verdicts and files."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import commands
from tests.commands import Run

run = commands.run
ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash") or ""

needs_bash = pytest.mark.skipif(not BASH, reason="there is no bash here")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `verify` as it is installed, and a model to find."""
    folder = tmp_path_factory.mktemp("home")
    command = folder / "bin" / "verify"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m verify "$@"\n')
    command.chmod(0o755)
    (folder / "my models" / "first").mkdir(parents=True)
    (folder / "unique-report.json").write_text("{}")
    return folder


def environment(home: Path) -> dict[str, str]:
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "PS1": "$ ", "TERM": "dumb", "INPUTRC": "/dev/null"}


@needs_bash
def test_bash_offers_commands_options_formats_and_verdicts(home: Path) -> None:
    """The last word of each line, by the script that is printed."""
    lines = {
        "lin": ["lineage"],
        "panel a": ["audit"],
        "lineage a b --pan": ["--panel", "--panel-alpha"],
        "lineage a b --layout-": ["--layout-a", "--layout-b"],
        "lineage a b --effort s": ["screen", "standard"],
        "lineage a b --format json,h": ["json,html"],
        "lineage a b --fail-on identical,de": ["identical,dependent"],
        "screen a --fail-on left": ["left_out"],
        "calibrate x --scale lo": ["log", "logit"],
        "completion z": ["zsh"],
    }
    asked = "\n".join(
        f"COMPREPLY=(); COMP_WORDS=(verify {line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        "_verify_completion verify; "
        'printf "%s " "${COMPREPLY[@]}"; echo'
        for line in lines
    )
    script = f"source <(verify completion bash)\n{asked}"
    done = subprocess.run([BASH, "-c", script], capture_output=True, text=True, check=True, env=environment(home))
    assert dict(zip(lines, map(str.split, done.stdout.splitlines()), strict=True)) == lines


@needs_bash
def test_bash_completes_files_where_models_and_reports_are_given(home: Path) -> None:
    """By the tabulator, on a terminal."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(home)
        os.execve(BASH, ["bash", "--norc", "--noprofile", "-i"], environment(home))
    seen = b""

    def until(text: bytes, typed: bytes) -> None:
        nonlocal seen
        seen, end = b"", time.monotonic() + 60
        os.write(terminal, typed)
        while text not in seen and time.monotonic() < end:
            if select.select([terminal], [], [], 0.5)[0]:
                seen += os.read(terminal, 4096)
        assert text in seen, seen

    try:
        until(b"READY", b'source <(verify completion bash); echo REA""DY\n')
        until(b"verify replay unique-report.json ", b"verify replay uniq\t")
        until(b"verify lineage my\\ models/first/", b"\x15verify lineage my\\ models/fi\t")
    finally:
        os.write(terminal, b"\x15exit\n")
        os.close(terminal)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_printed(run: Run, shell: str) -> None:
    """And asks this command."""
    said = run("completion", shell)
    assert (said.status, said.err) == (0, "")
    assert f"_VERIFY_COMPLETE={shell}_complete" in said.out
    assert "verify" in said.out


def test_another_shell_is_refused(run: Run) -> None:
    """By name."""
    commands.check_refused(run("completion", "tcsh"), "'tcsh' is not one of 'bash', 'zsh', 'fish'")
