"""``python -m benchmarks.screen_growth``: what a screen costs by its number of models, one model more, and dask.

Whole processes, one thread for linear algebra each, on the fingerprints of ``benchmarks.planted``: a screen in a new
folder, then of one model more in the same folder; and a screen on two processes of our own beside one on two workers
of dask, in turn. CPU seconds and memory are those of all processes together. Writes ``tables/screen_growth.json`` and
its page after each round.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .many_cost import growth
from .pages import publish
from .planted import plant
from .process import Run, measured
from .whole_process import ROOT

SIZES = (256, 512, 1024)
BESIDE_DASK = 256
WORK = """
import sys
from pathlib import Path
from verify.screen import screen

def main():
    models, size, folder, how = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    files = sorted(models.glob("*.safetensors"))[:size]
    if how == "dask":
        from distributed import Client, LocalCluster
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
    options = parser.parse_args()
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
            own, by_dask = (
                _run(script, models, BESIDE_DASK, Path(place) / f"{turn}-{how}", how) for how in ("2", "dask")
            )
            assert own.output == by_dask.output
            dask.append({"models": BESIDE_DASK, "own": own.cpu, "dask": by_dask.cpu})
            print(dask[-1], flush=True)
            publish("screen_growth", results_of(alone, dask, load))


def results_of(alone: list[dict[str, Any]], dask: list[dict[str, float]], load: list[float]) -> dict[str, Any]:
    """Content of ``tables/screen_growth.json``."""
    return {
        "load": [min(load), max(load)],
        "alone": alone,
        "growth": {what: growth(_by_size(alone, what)) for what in ("cpu", "more_cpu")},
        "dask": dask,
    }


def _run(script: Path, models: Path, size: int, folder: Path, how: str) -> Run:
    variables = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    variables |= {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), str(models), str(size), str(folder), how]
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
