"""``python -m benchmarks.whole_process``: what ``verify lineage`` costs as a whole process on models of real shapes.

Pairs of random bfloat16 checkpoints of the widths of Llama-2-7B and Qwen2.5-14B and few layers, a model and its
child, are compared at every effort with the files in the page cache and without. Reading costs a part that does not
depend on depth and a part for each layer; both are read off two depths and give the full depth. The tests compare
blocks with one another and do not grow along a line: their time is measured at each depth on fingerprints of random
arrays, taken off the runs and added again. Writes ``tables/cost.json``, its page, and the table of ``README.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import verify
from verify.checkpoint import FileIdentity
from verify.fingerprint import Fingerprint, FingerprintRecord, SketchSpec, unit_rows
from verify.fingerprint.record import SAMPLED
from verify.fingerprint.sketch import EFFORTS, Effort

from .pages import publish
from .process import Run, forget, measured, warm
from .shapes import SHAPES, Shape, write

ROOT = Path(__file__).parent.parent
DEPTHS = (2, 4)
CHECK = {"7B": 8}
"""A third depth, whose cost is foretold from the other two."""
REPEATS = 3
FULL_ON = ("7B",)
"""Shapes that are read whole; full effort grows with bytes and needs no second width."""


@dataclass(frozen=True)
class Cost:
    """One row: a comparison of two models, the best of several runs; bytes and seconds."""

    shape: str
    layers: int
    effort: Effort
    how: str
    """``cold``, ``warm``, or ``line`` for what the line through the depths measured gives."""
    stored: int
    decoded: int
    disk: int | None
    wall: float
    cpu: float
    anonymous: int
    resident: int | None


@dataclass(frozen=True)
class Stage:
    """Seconds of the tests alone."""

    shape: str
    layers: int
    effort: Effort
    wall: float
    cpu: float


def main() -> None:
    """Measure, and write the results and the pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole_process", description=__doc__)
    parser.add_argument("--efforts", nargs="+", choices=EFFORTS, default=list(EFFORTS))
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    rows: list[Cost] = []
    for name in options.shapes:
        efforts = [e for e in options.efforts if e != "full" or name in FULL_ON]
        for layers in (*DEPTHS, *([CHECK[name]] if name in CHECK else [])):
            deep = [e for e in efforts if e != "full" or layers in DEPTHS]
            rows += _measure(SHAPES[name].at(layers), deep, options.repeats)
    start = min(measured([sys.executable, "-m", "verify", "--version"], cwd=ROOT).wall for _ in range(REPEATS))
    publish("cost", {"start": start, "load": os.getloadavg()[2]} | carried(rows))


def _measure(shape: Shape, efforts: list[Effort], repeats: int) -> list[Cost]:
    """A model against its child, at each effort, cold and warm."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="verify-cost-") as folder:
        parent = write(shape, Path(folder) / "parent", seed=1)
        child = write(shape, Path(folder) / "child", seed=1, child=2)
        print(f"{shape.name}, {shape.layers} layers: {shape.bytes() / 1e9:.2f} GB each", flush=True)
        stored = 2 * sum(path.stat().st_size for path in parent.glob("*.safetensors"))
        for how in ("cold", "warm"):
            if how == "warm":
                warm(parent)
                warm(child)
            for effort in efforts:
                runs = []
                for _ in range(1 if effort == "full" else repeats):
                    if how == "cold":
                        forget(parent)
                        forget(child)
                    runs.append(_lineage(child, parent, effort))
                best = min(runs, key=lambda run: run.wall)
                report = json.loads(best.output)
                assert report["verdict"] == "dependent", report["verdict"]
                rows.append(
                    Cost(
                        shape=shape.name,
                        layers=shape.layers,
                        effort=effort,
                        how=how,
                        stored=stored,
                        decoded=report["a"]["bytes_read"] + report["b"]["bytes_read"],
                        disk=best.disk,
                        wall=best.wall,
                        cpu=best.cpu,
                        anonymous=max(run.anonymous for run in runs),
                        resident=max(run.resident for run in runs),
                    )
                )
                print(rows[-1], flush=True)
    return rows


def _lineage(a: Path, b: Path, effort: Effort) -> Run:
    command = [sys.executable, "-m", "verify", "lineage", str(a), str(b), "--panel", "none", "--effort", effort]
    return measured([*command, "--json", "--quiet"], cwd=ROOT, environment=dict(os.environ))


def carried(rows: list[Cost]) -> dict[str, Any]:
    """What was measured with what the line gives, and the seconds of the tests alone."""
    kinds = dict.fromkeys((row.shape, row.effort, row.how) for row in rows)
    stages: list[Stage] = []
    for name, effort in dict.fromkeys((name, effort) for name, effort, _ in kinds):
        for layers in sorted({*DEPTHS, *_others(name, effort)}):
            stages.append(_tests(SHAPES[name].at(layers), effort))
            print(stages[-1], flush=True)
    lines = [
        _line(SHAPES[name], effort, rows, how, layers, stages)
        for name, effort, how in kinds
        for layers in _others(name, effort)
    ]
    return {"rows": [asdict(row) for row in rows + lines], "tests": [asdict(stage) for stage in stages]}


def _others(name: str, effort: Effort) -> list[int]:
    """Depths that a line is drawn to."""
    return [*([CHECK[name]] if name in CHECK and effort != "full" else []), SHAPES[name].layers]


def _line(shape: Shape, effort: Effort, rows: list[Cost], how: str, layers: int, stages: list[Stage]) -> Cost:
    """What the line through the two depths gives for another depth, the tests by themselves."""
    tests = {stage.layers: stage for stage in stages if (stage.shape, stage.effort) == (shape.name, effort)}
    few, more = (
        next(r for r in rows if (r.shape, r.effort, r.how, r.layers) == (shape.name, effort, how, depth))
        for depth in DEPTHS
    )

    def at(first: float, second: float) -> float:
        return first + (second - first) / (more.layers - few.layers) * (layers - few.layers)

    return Cost(
        shape=shape.name,
        layers=layers,
        effort=effort,
        how=f"{how}, line",
        stored=round(at(few.stored, more.stored)),
        decoded=round(at(few.decoded, more.decoded)),
        disk=round(at(few.disk or 0, more.disk or 0)),
        wall=at(few.wall - tests[few.layers].wall, more.wall - tests[more.layers].wall) + tests[layers].wall,
        cpu=at(few.cpu - tests[few.layers].cpu, more.cpu - tests[more.layers].cpu) + tests[layers].cpu,
        anonymous=round(at(few.anonymous, more.anonymous)),
        resident=None,
    )


def _tests(shape: Shape, effort: Effort) -> Stage:
    """The tests alone, on fingerprints of random arrays."""
    rng = np.random.default_rng(0)
    least: Effort = "standard" if effort == "full" else effort  # the exact tests are the same
    a, b = synthetic(rng, shape, least, "a"), synthetic(rng, shape, least, "b")
    start, used = time.perf_counter(), time.process_time()
    verify.test_lineage(a, b)
    return Stage(shape.name, shape.layers, effort, time.perf_counter() - start, time.process_time() - used)


def synthetic(rng: np.random.Generator, shape: Shape, effort: Effort, name: str) -> Fingerprint:
    """A fingerprint of random arrays, as the exact tests read it."""
    sketch = SketchSpec().at(effort)
    writing = effort != "screen"
    arrays: dict[str, np.ndarray] = {}

    def rows(*size: int) -> np.ndarray:
        return unit_rows(rng.standard_normal(size))

    for layer in range(shape.layers):
        for role in ("gate", "up", *(["down"] if writing else [])):
            arrays[f"units.{layer}.mlp.{role}"] = rows(1, sketch.units, sketch.projections)
        for role in ("v", *(["o"] if writing else [])):
            arrays[f"values.{layer}.{role}"] = rows(shape.kv_heads, sketch.channels, sketch.projections)
        arrays[f"response.{layer}.mlp"] = rows(1, sketch.units, sketch.anchors)
        arrays[f"response.{layer}.values"] = rows(shape.kv_heads, sketch.channels, sketch.anchors)
    for role in ("embed", "unembed"):
        arrays[f"stream.{role}"] = rows(sketch.stream, sketch.anchors)
    gram = rng.standard_normal((sketch.anchors, shape.width))
    arrays["gram.embed"] = (gram @ gram.T / np.square(gram).sum()).astype(np.float32)
    digest = rng.bytes(32).hex()
    record = FingerprintRecord(
        name=name,
        architecture=shape.architecture(),
        files=(FileIdentity(name="model.safetensors", size=1, sha256=digest),),
        effort=effort,
        content_sha256=digest,
        sketch=sketch,
        components=SAMPLED,
        anchors=tuple(range(sketch.anchors)),
        bytes_read=0,
        software={},
    )
    return Fingerprint(record, arrays)


if __name__ == "__main__":
    main()
