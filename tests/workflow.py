"""The GitHub Action as its runner runs it: its steps from the file, inputs in the environment, outputs in files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
_EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")


@dataclass(frozen=True)
class Ran:
    """What a step left behind."""

    status: int
    log: str
    outputs: dict[str, str]
    summary: str


def bin_of_this_environment(folder: Path) -> Path:
    """A folder with ``verify`` and ``python`` of the tests' environment, as the step that installs leaves one."""
    folder.mkdir()
    for name, arguments in (("verify", "-W error -m verify"), ("python", "")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    return folder


def run_step(step: dict[str, Any], here: Path, scratch: Path, values: dict[str, str]) -> Ran:
    """Run a step in a folder, as https://docs.github.com/actions has it for ``shell: bash``.

    Parameters
    ----------
    step : of the action.
    here : the checked-out repository.
    scratch : folder for the files of the runner.
    values : values of expressions such as ``inputs.models``; of inputs, defaults are filled in.
    """
    assert step["shell"] == "bash"
    values = {f"inputs.{name}": one.get("default", "") for name, one in ACTION["inputs"].items()} | values
    files = {name: scratch / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.write_text("")
    environment = {name: _EXPRESSION.sub(lambda m: values[m[1]], text) for name, text in step["env"].items()}
    script = scratch / "script.sh"
    script.write_text(step["run"])
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
        cwd=here,
        env=os.environ
        | environment
        | {name: str(file) for name, file in files.items()}
        | {"RUNNER_TEMP": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = files["GITHUB_OUTPUT"].read_text().splitlines()
    outputs = dict(line.split("=", 1) for line in lines)
    return Ran(done.returncode, done.stdout, outputs, files["GITHUB_STEP_SUMMARY"].read_text())


def commands_in(log: str) -> list[str]:
    """The workflow commands that the runner carries out, which trims each line and can be told to stop."""
    found, until = [], ""
    for line in map(str.strip, log.splitlines()):
        if until:
            until = "" if line == f"::{until}::" else until
        elif line.startswith("::stop-commands::"):
            until = line.removeprefix("::stop-commands::")
        elif re.match(r"::[\w-]+[ :]", line):
            found.append(line)
    return found
