"""``python -m benchmarks.screen_growth``: what a screen costs by its number of models, one model more, and dask.

Whole processes, one thread for linear algebra each, on the fingerprints of ``benchmarks.planted``: a screen in a new
folder, then of one model more in the same folder; and a screen on two processes of our own beside one on two workers
of dask, in turn. CPU seconds and memory are those of all processes together. Writes ``tables/screen_growth.json`` and
its page after each round.

``--large 10000 --place DIR`` makes one screen of so many models on two processes instead, in a new folder (2 MB a
model: the fingerprint, its first-stage sketch and its blocks). ``--tiles`` measures the first stage alone at 10,000,
30,000 and 100,000 models, by tiles drawn from all of the plan: the models of these are planted, and no others.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from math import log10
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from verify.screen import all_pairs, plan
from verify.screen.bounds import least_grade
from verify.screen.models import labelled, located, prepare
from verify.screen.stacks import forget
from verify.screen.stages import MAX_FALSE_PASSES_PER_MODEL

from .many_cost import growth
from .pages import publish
from .planted import LEAN, SHAPES, plant, stranger
from .process import Run, measured
from .whole_process import ROOT

SIZES = (256, 512, 1024)
BESIDE_DASK = 256
DRAWN = (10_000, 30_000, 100_000)
"""Numbers of models of whose first stage some tiles are measured."""
TILES = 6
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(512 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
"""With these, workers of dask keep the memory that they free (``findings/dask_memory_threshold.sh``)."""
RESULTS = ROOT / "benchmarks" / "tables" / "screen_growth.json"
WORK = """
import sys
from pathlib import Path
from verify.screen import screen

def main():
    models, size, folder, how = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    files = sorted(models.glob("*.safetensors"))[:size]
    if how == "dask":
        from distributed import Client, LocalCluster  # whose workers have the variables of the environment
        one_thread = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
        with LocalCluster(**one_thread) as cluster, Client(cluster) as client:
            with client.get_executor() as workers:
                result = screen(files, workers=workers, folder=folder)
    else:
        result = screen(files, workers=int(how), folder=folder)
    print(result.record.first_stage.tested, result.record.first_stage.passed)

if __name__ == "__main__":
    main()
"""


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screen_growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", type=Path, help="a folder of fingerprints of benchmarks.planted, made before")
    parser.add_argument("--large", type=int, help="one screen of so many models, on two processes")
    parser.add_argument("--tiles", action="store_true", help="the first stage alone, on some tiles of many models")
    parser.add_argument(
        "--place", type=Path, help="folder for what --large and --tiles write; by default a temporary"
    )
    parser.add_argument("--tile", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tile:
        one_tile(Path(options.tile[0]), int(options.tile[1]))
        return
    if options.large or options.tiles:
        with TemporaryDirectory(prefix="verify-screen-", dir=options.place) as place:
            found = {"large": large(Path(place), options.large)} if options.large else {"tiles": tiles(Path(place))}
        publish("screen_growth", known() | found)
        return
    alone: list[dict[str, Any]] = []
    dask: list[dict[str, float]] = []
    load: list[float] = []
    with TemporaryDirectory(prefix="verify-screen-") as place:
        models = options.models or Path(place) / "models"
        if options.models is None:
            models.mkdir()
            plant(models, max(SIZES) + 1)
        script = Path(place) / "one.py"
        script.write_text(WORK, "utf-8")
        for turn in range(options.rounds):
            for size in SIZES:
                folder = Path(place) / f"{turn}-{size}"
                alone.append(_row(size, *(_run(script, models, n, folder, "1") for n in (size, size + 1))))
                print(alone[-1], flush=True)
                load.append(os.getloadavg()[0])
            own, by_dask, keeping = (
                _run(script, models, BESIDE_DASK, Path(place) / f"{turn}-{n}", how, **more)
                for n, (how, more) in enumerate((("2", {}), ("dask", {}), ("dask", KEEPING)))
            )
            assert own.output == by_dask.output == keeping.output
            dask.append({"models": BESIDE_DASK, "own": own.cpu, "dask": by_dask.cpu, "keeping": keeping.cpu})
            print(dask[-1], flush=True)
            publish("screen_growth", known() | results_of(alone, dask, load))


def known() -> dict[str, Any]:
    """What was measured before."""
    found: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return found


def large(place: Path, models: int) -> dict[str, Any]:
    """One screen on two processes, in a new folder."""
    script = place / "one.py"
    script.write_text(WORK, "utf-8")
    (place / "models").mkdir()
    plant(place / "models", models, LEAN)
    made = _run(script, place / "models", models, place / "out", "2")
    tested, passed = map(int, made.output.split())
    written = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    row = {"models": models, "tested": tested, "passed": passed, "wall": made.wall, "cpu": made.cpu}
    row |= {"anonymous": made.anonymous, "disk": written, "load": os.getloadavg()[2]}
    print(row, flush=True)
    return row


def tiles(place: Path) -> list[dict[str, Any]]:
    """CPU seconds and memory of some tiles of the first stage, each number of models in a process of its own."""
    rows = []
    for models in DRAWN:
        made = _run(None, place, models, place, "")
        row = json.loads(made.output) | {"anonymous": made.anonymous, "load": os.getloadavg()[0]}
        print(row, flush=True)
        rows.append(row)
    return rows


def one_tile(place: Path, models: int) -> None:
    """Draw tiles of the plan for so many strangers, make their models, and bound their counts; prints JSON."""
    before = time.process_time()
    rectangles = plan.left(models, (), alone=False)
    planned = time.process_time() - before
    chosen = np.random.default_rng(models).choice(len(rectangles), TILES, replace=False)
    level = log10(MAX_FALSE_PASSES_PER_MODEL * models / (models * (models - 1) / 2))
    work, spent = place / f"work-{models}", []
    with TemporaryDirectory(dir=place) as folder:
        for rectangle in (rectangles[n] for n in chosen):
            ready = []
            for at in np.union1d(rectangle.rows, rectangle.columns).tolist():
                kind, number = divmod(at, -(-models // len(SHAPES)))  # in the order of signatures, as a screen is
                file = stranger(Path(folder), number * len(SHAPES) + kind, LEAN)
                ready.append(prepare(located(file, work), work, "screen"))
                file.unlink()
            order = sorted(labelled(ready), key=lambda one: (one.prepared.signature, one.label))
            rows = np.arange(len(rectangle.rows))
            columns = np.arange(len(order) - len(rectangle.columns), len(order))
            task = all_pairs._task(order, plan.Rectangle(rows, columns, rectangle.wanted), least_grade(level))
            all_pairs._bounds(task)
            stacked = time.process_time()
            all_pairs._bounds(task)  # both sides are stacked: a screen stacks one anew for each tile, or none
            bounded = time.process_time()
            forget()
            grades = all_pairs._bounds(task).grades
            seconds = {"anew": time.process_time() - bounded, "held": bounded - stacked}
            spent.append(seconds | {"possible": int((grades >= least_grade(level)).sum())})
    row = {"models": models, "tiles": len(rectangles), "plan": planned, "level": 10**level, "drawn": spent}
    print(json.dumps(row))


def results_of(alone: list[dict[str, Any]], dask: list[dict[str, float]], load: list[float]) -> dict[str, Any]:
    """Content of ``tables/screen_growth.json``."""
    return {
        "load": [min(load), max(load)],
        "alone": alone,
        "growth": {what: growth(_by_size(alone, what)) for what in ("cpu", "more_cpu")},
        "dask": dask,
    }


def _run(script: Path | None, models: Path, size: int, folder: Path, how: str, **more: str) -> Run:
    variables = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    variables |= {"PYTHONPATH": str(ROOT)} | more
    command = [sys.executable, str(script), str(models), str(size), str(folder), how]
    if script is None:
        command = [sys.executable, "-m", "benchmarks.screen_growth", "--tile", str(models), str(size)]
    return measured(command, environment=variables, cwd=folder.parent)


def _row(size: int, first: Run, more: Run) -> dict[str, Any]:
    tested, passed = map(int, first.output.split())
    return {
        "models": size,
        "tested": tested,
        "passed": passed,
        "cpu": first.cpu,
        "anonymous": first.anonymous,
        "more_cpu": more.cpu,
        "more_anonymous": more.anonymous,
    }


def _by_size(rows: list[dict[str, Any]], what: str) -> dict[int, list[float]]:
    sizes = sorted({row["models"] for row in rows})
    return {size: [row[what] for row in rows if row["models"] == size] for size in sizes}


if __name__ == "__main__":
    main()
