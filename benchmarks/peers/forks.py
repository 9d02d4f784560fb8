"""A process of a peer's environment that has imported what is slow to import, from which its commands are forked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .peer import DRIVERS

SLOW: dict[str, tuple[str, ...]] = {
    "ours": ("verify.cli", "verify.lineage", "verify.panel"),
    "torch": ("torch", "transformers", "transformers.models.llama.modeling_llama", "scipy.stats", "pandas"),
    "provenance-kit": ("torch", "transformers"),
}
"""Modules that the programs of an environment import anyway."""


@dataclass(frozen=True)
class Forks:
    """Such a process."""

    serving: subprocess.Popen[str]
    scratch: Path

    def run(self, command: Sequence[str], *, cwd: Path, path: Path | None) -> str:
        """What a command prints.

        Raises
        ------
        RuntimeError
            If it fails; with the end of what it said.
        """
        assert self.serving.stdin
        assert self.serving.stdout
        files = {name: str(self.scratch / name) for name in ("output", "errors")}
        task = {"command": list(command), "cwd": str(cwd), "path": str(path) if path else None} | files
        self.serving.stdin.write(json.dumps(task) + "\n")
        self.serving.stdin.flush()
        status = self.serving.stdout.readline().strip()
        if status != "0":
            errors, output = (Path(files[name]).read_text("utf-8", "replace") for name in ("errors", "output"))
            said = errors if errors.strip() else output
            raise RuntimeError(said[-2000:] or f"ended with {status or 'no status'}")
        return Path(files["output"]).read_text("utf-8")

    def close(self) -> None:
        """End the process."""
        self.serving.terminate()
        self.serving.communicate()


def served(name: str, programs: Path, scratch: Path, environment: Mapping[str, str]) -> Forks:
    """The process of an environment.

    Parameters
    ----------
    name : of the environment.
    programs : folder of its programs.
    scratch : a folder of its own.
    environment : variables that commands run under.
    """
    scratch.mkdir(parents=True)
    python = sys.executable if name == "ours" else str(programs / "python")
    process = subprocess.Popen(
        [python, str(DRIVERS / "forked.py"), *SLOW.get(name, ())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )
    return Forks(process, scratch)
