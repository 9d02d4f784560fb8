"""``python -m benchmarks.model_dna``: ``modeldna compare`` and ``verify lineage`` as whole processes on a small pair.

Installs modeldna 0.1 into a virtual environment of its own, in a folder that is deleted, and runs both in turn on two
models that ship with the library; what is timed is starting and importing as much as comparing. Lists what our run
imports and how long that takes. Writes ``tables/model_dna.json`` and its page.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from verify.data import model

from .pages import publish
from .process import Run, measured

ROOT = Path(__file__).parent.parent
PEER = "modeldna==0.1.0"
PAIR = ("continued-3x", "reference")
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
EFFORTS = ("full", "standard", "screen")


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_dna", description=__doc__)
    parser.add_argument("--repeats", type=int, default=8)
    repeats = parser.parse_args().repeats
    a, b = (str(model(name)) for name in PAIR)
    ours = [sys.executable, "-m", "verify", "lineage", a, b, "--panel", "none", "--quiet"]
    with tempfile.TemporaryDirectory(prefix="verify-modeldna-") as folder:
        peer = _installed(Path(folder))
        commands = {"modeldna compare": [str(peer / "modeldna"), "compare", a, b]}
        commands |= {f"verify lineage, {effort} effort": [*ours, "--effort", effort] for effort in EFFORTS}
        commands |= {f"{sys.implementation.name} alone": [sys.executable, "-c", "pass"]}
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(repeats + 1):  # the first fills the page cache, and compiles
            for name, command in commands.items():
                where = Path(folder) if name.startswith("modeldna") else ROOT
                runs[name].append(measured(command, environment=_environment(folder), cwd=where))
    imported = _imported([sys.executable, "-X", "importtime", *ours[1:], "--effort", "standard"])
    found: dict[str, Any] = {
        "peer": PEER.replace("==", " "),
        "pair": PAIR,
        "wall": {name: min(run.wall for run in of[1:]) for name, of in runs.items()},
        "cpu": {name: min(run.cpu for run in of[1:]) for name, of in runs.items()},
        "memory": {name: max(run.anonymous for run in of[1:]) for name, of in runs.items()},
        "repeats": repeats,
        "imported": imported,
    }
    publish("model_dna", found)


def _installed(folder: Path) -> Path:
    """Folder of the commands of a new environment that holds the peer."""
    venv.create(folder / "venv", with_pip=True)
    place = folder / "venv" / "bin"
    subprocess.run([place / "pip", "install", "--quiet", PEER], check=True)
    return place


def _environment(home: str) -> dict[str, str]:
    """One thread of linear algebra, and a home folder that the peer may write its database in."""
    return os.environ | THREADS | {"HOME": home, "HF_HUB_OFFLINE": "1"}


def _imported(command: list[str]) -> dict[str, dict[str, float]]:
    """Modules and seconds of each package that a run imports."""
    done = subprocess.run(command, cwd=ROOT, env=os.environ | THREADS, capture_output=True, check=True, text=True)
    return by_package(done.stderr.splitlines())


def by_package(lines: Iterable[str]) -> dict[str, dict[str, float]]:
    """Modules and own seconds of each package, slowest first, from what ``-X importtime`` prints."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: {"modules": 0, "seconds": 0.0})
    for line in lines:
        own, _, name = line.removeprefix("import time:").split("|") if line.count("|") == 2 else ("", "", "")
        if own.strip().isdigit():
            parts = name.strip().split(".")
            top = ".".join(parts[:2]) if parts[0] in ("scipy", "verify") else parts[0]
            found[top]["modules"] += 1
            found[top]["seconds"] += int(own) / 1e6
    return dict(sorted(found.items(), key=lambda item: -item[1]["seconds"]))


if __name__ == "__main__":
    main()
