"""One side of ``benchmarks.many_cost``: the first stage of screens, audits and claims of the tree that it is run in.

Run by path, with the tree to measure as working directory; prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from hashlib import sha256
from itertools import pairwise
from math import log10
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

sys.path[0] = str(Path.cwd())

LEVEL = log10(4e-5)
"""Of the first stage at 1,000 models, whatever the number here, so that each pair costs what it does there."""


def main(what: str, place: str, sizes: list[int]) -> None:
    """Measure one thing at some sizes, and print seconds and a digest of the results of each."""
    print(json.dumps({"screen": screens, "audit": audits, "claim": claims}[what](Path(place), sizes)))


def screens(place: Path, sizes: list[int]) -> list[list[Any]]:
    """Core seconds of the first stage over all pairs of the first models, prepared before and with nothing kept."""
    from verify.screen import all_pairs
    from verify.screen.kept import Kept
    from verify.screen.models import labelled, located, prepare

    work = place / Path.cwd().name
    files = sorted((place / "models").glob("*.safetensors"), key=lambda file: _digest(file.name))[: max(sizes)]
    before = time.process_time()
    ready = [prepare(located(file, work), work, "screen") for file in files]
    spent, found = time.process_time() - before, []
    for size in sizes:
        order = sorted(labelled(ready[:size]), key=lambda m: (m.prepared.signature, m.label))
        with TemporaryDirectory() as folder:
            before = time.process_time()
            result = all_pairs.compare_all(
                order,
                Kept(Path(folder), {}),
                alone=False,
                log10_level=LEVEL,
                workers=None,
                progress=lambda *_: None,
            )
            seconds = time.process_time() - before
        passing = [(order[i].label, order[j].label, sorted(values.items())) for i, j, values in result.passing]
        found.append([size, seconds, _digest((passing, result.tested, sorted(map(str, result.sizes)))), spent])
    return found


def audits(_: Path, sizes: list[int]) -> list[list[Any]]:
    """Core seconds of an audit of members of eight strata, each of a family of its own."""
    from verify.panel.audit import audit

    found = []
    for size in sizes:
        x = np.triu(np.random.default_rng(size).random((size, size)), 1)
        arguments = x + x.T, [f"s{i % 8}" for i in range(size)], [f"f{i}" for i in range(size)]
        before = time.process_time()
        result = audit(*arguments)
        found.append([size, time.process_time() - before, _digest(result and result.model_dump())])
    return found


def claims(_: Path, sizes: list[int]) -> list[list[Any]]:
    """Core seconds of a claim of shipped models on panels of so many members, copies of the shipped references."""
    from verify import fingerprint
    from verify.data import model
    from verify.panel import evaluate

    a, b = (fingerprint(model(name)) for name in ("reference", "stranger-1"))
    found = []
    for size in sizes:
        panel = _panel(size, a, b)
        spent: dict[str, float] = {}
        marks = [("", time.process_time())]
        evidence = evaluate(panel, a, b, progress=partial(_mark, marks))
        marks.append(("end", time.process_time()))
        for (_, start), (name, end) in pairwise(marks):
            spent[name] = spent.get(name, 0.0) + end - start
        found.append([size, marks[-1][1] - marks[0][1], _digest(evidence), spent])
    return found


def _mark(marks: list[tuple[str, float]], what: str, done: int, total: int) -> None:
    if done == total:
        marks.append((what, time.process_time()))


def _panel(size: int, a: Any, b: Any) -> Any:
    from verify.panel import Member, Panel, PanelRecord, Scores, comparable
    from verify.panel.localise import CLASSES
    from verify.statistics import PANEL_STATISTICS, PRIMARY

    shipped = Panel.load("default")
    kind = [m.name for m in shipped.record.members if m.kind == (True, "rms")]
    models = {}
    for i in range(size):
        name = f"m{i:04d}"
        held = shipped.fingerprints[kind[i % len(kind)]]
        models[name] = held.with_arrays(held.arrays, name=name, content_sha256=_digest(i))
    members = tuple(
        Member(
            name=name,
            family=name,
            stratum=f"s{i % 8}",
            source="",
            licence="",
            content_sha256=_digest(i),
            fingerprint_sha256=_digest(i),
        )
        for i, name in enumerate(models)
    )
    record = PanelRecord(name="copies", version="0", description="", sketch=shipped.record.sketch, members=members)
    anchors, rng, kept = comparable(Panel(record, models), a, b).anchors, np.random.default_rng(0), []
    for statistic in PANEL_STATISTICS:
        upper = np.triu(rng.random((size, size)), 1)
        grids = rng.random((size, size, CLASSES, 4)) if statistic is PRIMARY else np.zeros(0)
        if grids.size:
            grids = np.maximum(grids, grids.transpose(1, 0, 2, 3))
        kept.append(Scores(statistic.id, statistic.version, anchors, tuple(models), upper + upper.T, grids))
    return Panel(record, models, kept)


def _digest(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], [int(size) for size in sys.argv[3:]])
