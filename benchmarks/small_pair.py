"""``python -m benchmarks.small_pair``: what a pair of small models costs, beside modelDNA.

The models that ship with the library, as ``verify demo`` compares them: a model with its parent, and with a stranger.
Both tools are installed into environments of their own, with compiled bytecode, and run as whole processes in turn,
with one thread; a ratio is that of two runs one after the other, so that whatever else the machine does meets both.
Then the tests alone in a process that has imported them, from two fingerprints: of these models, and of random arrays
of the shape of a large one; and where the time of a whole process goes, with a clock on its parts
(``parts_of_a_run.py``), which ``--parts`` measures alone. Writes ``tables/small_pair.json``, its page, and the table
of ``README.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import verify
from verify.data import model

from . import results
from .pages import publish
from .peers import model_dna, ours
from .peers.environments import environment, made
from .peers.peer import Task
from .process import Run, measured
from .shapes import SHAPES
from .whole_process import ROOT, synthetic
from .zoo.__main__ import CACHE

PAIRS = {"related": ("fine-tuned", "reference"), "strangers": ("stranger-1", "reference")}
RUNS = 7
DEEP = "14B"
PARTS = ROOT / "benchmarks" / "parts_of_a_run.py"
END = "end of the process"


@dataclass(frozen=True)
class Both:
    """One run of each tool, one after the other; seconds."""

    pair: str
    cpu: float
    wall: float
    peer_cpu: float
    peer_wall: float


@dataclass(frozen=True)
class Shared:
    """CPU seconds of a part of a whole process: medians over runs, by pair."""

    part: str
    modules: int | None
    """Modules that it runs; None for a part that is no import."""
    related: float
    strangers: float


@dataclass(frozen=True)
class Tests:
    """The tests alone, the median of several calls; CPU seconds."""

    models: str
    layers: int
    cpu: float


def main() -> None:
    """Measure, and write the results and the pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_pair", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--environments", type=Path, default=CACHE.parent / "peers", help="(%(default)s)")
    parser.add_argument(
        "--here", type=Path, help="programs of an environment that holds this library (default: made anew)"
    )
    parser.add_argument("--parts", action="store_true", help="measure anew only where the time of a process goes")
    options = parser.parse_args()
    options.environments.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="verify-small-") as folder:
        here = options.here or installed(Path(folder) / "verify")
        compiled(here)
        parts = parts_of(here, Path(folder), options.runs)
        if options.parts:
            loads = sorted((load, os.getloadavg()[0]))
            publish("small_pair", results.read("small_pair") | {"parts": parts, "parts_load": loads})
            return
        there = made(model_dna.PEER.environment, options.environments)
        compiled(there)
        both = [one for name in PAIRS for one in in_turn(name, here, there, Path(folder), options.runs)]
    print(f"load average {load}", flush=True)
    tests = [alone("the models that ship", *shipped(), options.runs), alone(DEEP, *deep(), options.runs)]
    loads = sorted((load, os.getloadavg()[0]))
    publish(
        "small_pair",
        {
            "load": loads,
            "peer": model_dna.PEER.source,
            "python": ".".join(map(str, sys.version_info[:2])),
            "runs": [asdict(one) for one in both],
            "tests": [asdict(one) for one in tests],
            "parts": parts,
            "parts_load": loads,
        },
    )


def installed(place: Path) -> Path:
    """Folder of the programs of a new environment that holds this library as it is now."""
    venv.create(place, with_pip=True)
    subprocess.run([place / "bin" / "pip", "install", "--quiet", ROOT], check=True)
    return place / "bin"


def compiled(programs: Path) -> None:
    """Compile all modules of an environment, so that no run has to."""
    subprocess.run([programs / "python", "-m", "compileall", "-q", programs.parent / "lib"], check=False)


def parts_of(here: Path, home: Path, runs: int) -> list[dict[str, Any]]:
    """Where the CPU time of a process goes, the pairs in turn; the first round, which warms caches, is dropped."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in PAIRS}
    modules: dict[str, int] = {}
    for _ in range(runs + 1):
        for name, rows in found.items():
            a, b = (Path(model(one)) for one in PAIRS[name])
            options = ours.EXACT.command(_task(a, b, here, home))[3:]
            run = _run([str(here / "python"), "-P", str(PARTS), str(home / "parts.json"), *options], home)
            said = json.loads((home / "parts.json").read_text("utf-8"))
            rows.append(said["seconds"] | {END: run.cpu - sum(said["seconds"].values())})
            modules = said["modules"]
    seconds = {
        name: {part: median(row[part] for row in rows[1:]) for part in rows[-1]} for name, rows in found.items()
    }
    order = sorted(seconds["related"], key=lambda part: -seconds["related"][part])
    return [
        asdict(Shared(part, _modules(part, modules), *(of_pair[part] for of_pair in seconds.values())))
        for part in order
    ]


def _modules(part: str, modules: dict[str, int]) -> int | None:
    """Modules that a part runs."""
    if part == "verify: running modules":
        return modules["verify"]
    return modules.get(part.removeprefix("importing "))


def in_turn(name: str, here: Path, there: Path, home: Path, runs: int) -> list[Both]:
    """Both tools on a pair, one after the other, again and again; the first round, which warms caches, is dropped."""
    a, b = (Path(model(one)) for one in PAIRS[name])
    rows = []
    for _ in range(runs + 1):
        one = _run([str(here / "verify"), *ours.EXACT.command(_task(a, b, here, home))[3:]], home)
        other = _run(model_dna.PEER.command(_task(a, b, there, home)), home)
        assert ours.EXACT.read(one.output).related == (name == "related")
        rows.append(Both(name, one.cpu, one.wall, other.cpu, other.wall))
        print(rows[-1], flush=True)
    return rows[1:]


def _task(a: Path, b: Path, programs: Path, home: Path) -> Task:
    return Task(a=a, b=b, programs=programs, place=None, prepared=home)


def _run(command: Any, home: Path) -> Run:
    variables = environment(home)
    return measured(command, environment={k: v for k, v in variables.items() if k != "PYTHONPATH"}, cwd=home)


def shipped() -> tuple[verify.Fingerprint, verify.Fingerprint]:
    """Fingerprints of the related models that ship."""
    a, b = (verify.fingerprint(model(one)) for one in PAIRS["related"])
    return a, b


def deep() -> tuple[verify.Fingerprint, verify.Fingerprint]:
    """Fingerprints of random arrays of the shape of a large model."""
    rng, shape = np.random.default_rng(0), SHAPES[DEEP]
    return synthetic(rng, shape, "standard", "a"), synthetic(rng, shape, "standard", "b")


def alone(models: str, a: verify.Fingerprint, b: verify.Fingerprint, runs: int) -> Tests:
    """The median time of the tests on two fingerprints, with one thread."""
    with threadpool_limits(1):
        verify.test_lineage(a, b)
        seconds = sorted(_seconds(lambda: verify.test_lineage(a, b)) for _ in range(runs))
    return Tests(models, a.record.architecture.layers, seconds[len(seconds) // 2])


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
