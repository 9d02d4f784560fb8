"""``python -m benchmarks.screen_cost``: a screen of 1,000 models with 40 planted relatives, and what its stages cost.

Fingerprints are random vectors at the sizes of a screen: 16 to 24 layers, 32 units, 4 channels of 8 kv heads,
96 anchors, 256 residual dimensions; a child's vectors are its parent's, changed as its kind says. Writes
``tables/screen.json`` and its page, all of it measured; fails if a planted relative is missed or a stranger found.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from verify.screen import ScreenResult, screen

from .pages import publish
from .pages.screen import STAGES
from .planted import EACH, KINDS, SHAPES, SKETCH, plant

SIZES = (250, 500, 1000)
WORKERS = 2


def main() -> None:
    """Plant, screen at growing sizes, check what was found, and write the results and the page."""
    rows = []
    with TemporaryDirectory() as place:
        planted = plant(Path(place), max(SIZES))
        files = sorted(Path(place).glob("*.safetensors"), key=lambda file: not file.stem.startswith("planted"))
        for size in SIZES:
            result, seconds = timed(files[:size], Path(place) / f"screen-{size}")
            rows.append((size, result, seconds))
            print(size, seconds, result, result.record.first_stage.passed, flush=True)
            check(result, planted, {file.stem for file in files[:size]})
    publish("screen", results_of(rows, planted))


Seconds = dict[str, tuple[float, float]]
"""By stage: on the clock, and of all cores (which other work on the machine does not lengthen)."""


def timed(files: list[Path], folder: Path) -> tuple[ScreenResult, Seconds]:
    """A screen, and the seconds of its stages."""
    marks = [("reading", *clocks())]

    def progress(what: str, _: int, total: int) -> None:
        stage = what.replace(" models", "")
        if stage != marks[-1][0] and total:
            marks.append((stage, *clocks()))

    result = screen(files, workers=WORKERS, folder=folder, progress=progress)
    result.save(folder)
    marks.append(("end", *clocks()))
    return result, {
        stage: (clock - clock_before, cores - cores_before)
        for (stage, clock_before, cores_before), (_, clock, cores) in pairwise(marks)
    }


def clocks() -> tuple[float, float]:
    """Seconds on the clock, and of all cores in this process and those that have ended."""
    spent = os.times()
    return time.perf_counter(), spent.user + spent.system + spent.children_user + spent.children_system


def check(result: ScreenResult, planted: dict[frozenset[str], str], present: set[str]) -> None:
    """Every planted pair is found, and no other."""
    found = {frozenset((edge.a, edge.b)) for family in result.families for edge in family.edges}
    wanted = {pair for pair in planted if pair <= present}
    assert found == wanted, (sorted(map(sorted, wanted - found)), sorted(map(sorted, found - wanted)))


def results_of(rows: list[tuple[int, ScreenResult, Seconds]], planted: dict[frozenset[str], str]) -> dict[str, Any]:
    """Content of ``tables/screen.json``."""
    models, result, seconds = rows[-1]
    first, logs = result.record.first_stage, np.log([n for n, *_ in rows])
    return {
        "models": models,
        "layers": [shape.layers for shape in SHAPES],
        "sketch": {size: getattr(SKETCH, size) for size in ("units", "channels", "anchors", "stream")},
        "planted": len(KINDS) * EACH,
        "workers": WORKERS,
        "cores": os.cpu_count(),
        "cost": [costs(*row) for row in rows],
        "exponents": {
            stage: float(np.polyfit(logs, np.log([spent[stage][1] for *_, spent in rows]), 1)[0]) for stage in STAGES
        },
        "rates": {
            "first_stage_microseconds_a_pair": 1e6 * seconds["first stage"][1] / first.tested,
            "second_stage_seconds_a_pair": seconds["second stage"][1] / first.passed,
            "reading_milliseconds_a_model": 1e3 * seconds["reading"][1] / models,
        },
        "found": planted_pairs(result, planted),
        "first_stage": {
            "level": first.level,
            "power": [
                {"statistic": p.statistic, "indices": p.indices, "groups": p.groups, "share": p.share}
                for p in first.power
                if p.share
            ],
        },
    }


def costs(models: int, result: ScreenResult, spent: Seconds) -> dict[str, Any]:
    """Seconds of one screen, by stage."""
    clock, cores = (sum(values) for values in zip(*spent.values(), strict=True))
    return {
        "models": models,
        "pairs": result.record.pairs,
        "core_seconds": {stage: spent[stage][1] for stage in STAGES} | {"all": cores, "half": cores / 2},
        "clock_seconds": clock,
        "passed": result.record.first_stage.passed,
    }


def planted_pairs(result: ScreenResult, planted: dict[frozenset[str], str]) -> list[dict[str, Any]]:
    """Of each kind of planted pair, how many were found, the largest p and what the screen said of them."""
    edges = {frozenset((edge.a, edge.b)): edge for family in result.families for edge in family.edges}
    rows = []
    for kind, number in Counter(planted.values()).items():
        of_kind = [edges[pair] for pair, planted_kind in planted.items() if planted_kind == kind and pair in edges]
        worst = max(edge.adjusted_log10_p for edge in of_kind if edge.adjusted_log10_p is not None)
        said = dict(Counter(edge.kind for edge in of_kind))
        rows.append({"planted": kind, "pairs": number, "found": len(of_kind), "largest_log10_p": worst, "said": said})
    return rows


if __name__ == "__main__":
    main()
