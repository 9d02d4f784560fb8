"""``python -m benchmarks.many_cost BEFORE``: cost by number of models, here and in an earlier tree in turn.

``BEFORE`` is a folder with another commit of this repository (``git worktree add BEFORE COMMIT``), run by the same
interpreter; parts may be named after it: ``screen``, ``audit``, ``claim``. The two are measured alternately, in core
seconds with one thread, and have to give the same results. Models of screens are those of ``benchmarks.planted``:
random fingerprints at the sizes of a screen, and relatives of known kinds. Panels hold copies of the shipped
references, under other names and digests, with random scores among them: a claim costs the same whatever these are.
Writes ``tables/many_cost.json`` and its page.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.stats import t as student

from .pages import publish
from .planted import plant

SIZES = {
    "screen": ((32, 64, 96), (32, 64, 128, 256), 3),
    "audit": ((50, 100, 200), (50, 100, 200, 400), 5),
    "claim": ((25, 50), (25, 50, 100, 200, 400), 1),
}
"""Sizes before, sizes here, and runs."""
HERE = Path(__file__).parents[1]
RESULTS = HERE / "benchmarks" / "tables" / "many_cost.json"


def main(before: Path, parts: list[str]) -> None:
    """Measure both, and write the results and the page."""
    with TemporaryDirectory() as folder:
        place = Path(os.environ.get("MANY_COST_FOLDER", folder))
        if "screen" in parts and not (place / "models").exists():
            (place / "models").mkdir(parents=True)
            plant(place / "models", max(SIZES["screen"][1]))
        for what in parts:
            few, more, times = SIZES[what]
            runs: dict[str, list[Any]] = {"before": [], "here": []}
            load = []
            for _ in range(times):
                runs["before"].append(side(before, what, place, few))
                runs["here"].append(side(HERE, what, place, more))
                load.append(os.getloadavg()[0])
                print(what, runs["before"][-1], runs["here"][-1], load[-1], flush=True)
            known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            publish("many_cost", known | {what: summarised(what, runs) | {"load": max(load), "runs": times}})


def side(tree: Path, what: str, place: Path, sizes: tuple[int, ...]) -> list[Any]:
    """Results of one tree."""
    script = str(Path(__file__).with_name("many_side.py"))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [sys.executable, script, what, str(place), *map(str, sizes)]
    made = subprocess.run(command, cwd=tree, env=os.environ | threads, check=True, capture_output=True, text=True)
    found: list[Any] = json.loads(made.stdout)
    return found


def summarised(what: str, sides: dict[str, list[Any]]) -> dict[str, Any]:
    """Medians by size, ratios of alternate runs, and growth; fails where results differ."""
    seconds = {name: {row[0]: [run[n][1] for run in of] for n, row in enumerate(of[0])} for name, of in sides.items()}
    digests = {name: {row[0]: row[2] for run in of for row in run} for name, of in sides.items()}
    assert all(digests["here"].get(size, one) == one for size, one in digests["before"].items()), f"{what} differs"
    rows = []
    for size in sorted({*seconds["here"], *seconds["before"]}):
        here, earlier = (seconds[name].get(size) for name in ("here", "before"))
        both = sorted(a / b for a, b in zip(earlier, here, strict=True)) if here and earlier else None
        rows.append({"size": size, "here": _median(here), "before": _median(earlier), "ratios": both})
    parts = sides["here"][0][-1][3] if what == "claim" else {}
    return {"rows": rows, "growth": {name: growth(of) for name, of in seconds.items()}, "parts": parts}


def _median(values: list[float] | None) -> float | None:
    return None if values is None else float(np.median(values))


def growth(seconds: dict[int, list[float]]) -> dict[str, Any]:
    """Slope of log seconds on log size by least squares, with its 95% interval by Student's t."""
    x = np.log([size for size, of in seconds.items() for _ in of])
    y = np.log([one for of in seconds.values() for one in of])
    slope, at = np.polyfit(x, y, 1)
    free = len(x) - 2
    error = np.sqrt(((y - at - slope * x) ** 2).sum() / free / ((x - x.mean()) ** 2).sum()) if free else np.inf
    half = float(student.ppf(0.975, free) * error) if free else None
    return {"slope": float(slope), "half": half, "sizes": len(seconds)}


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:] or list(SIZES))
