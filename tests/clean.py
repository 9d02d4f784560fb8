"""Virtual environments that hold what they are told to and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


class Clean:
    """An environment in a folder, and a way to run its programs outside the tree."""

    def __init__(self, folder: Path, python: str, *requirements: str, constraints: Path | None = None) -> None:
        folder.mkdir(parents=True)
        self.folder, self.programs = folder, folder / "environment" / "bin"
        subprocess.run([python, "-m", "venv", folder / "environment"], check=True)
        if requirements:
            held = ["-c", str(constraints)] if constraints else []
            self.run("python", "-m", "pip", "install", "--quiet", *held, *requirements)

    def run(self, program: str, *arguments: str, cwd: Path | None = None, status: int = 0) -> str:
        """What a program prints; by default it runs in the folder, where nothing of the tree can be imported.

        Raises
        ------
        RuntimeError
            If it ends with another status.
        """
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=cwd or self.folder,
            env=variables(),
            capture_output=True,
            text=True,
        )
        if done.returncode != status:
            said = f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
            raise RuntimeError(f"{program} {' '.join(arguments)} ended with {done.returncode}, not {status}:\n{said}")
        return done.stdout

    def tests(self, tree: Path, arguments: Sequence[str]) -> int:
        """Run pytest on a tree, as it prints; its exit status."""
        command = [self.programs / "python", "-m", "pytest", "-q", *arguments]
        return subprocess.run(command, cwd=tree, env=variables()).returncode


def variables() -> dict[str, str]:
    """Ours, without those by which Python would look elsewhere."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
