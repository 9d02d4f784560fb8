"""``python -m benchmarks.panel_cost``: what one claim costs on panels of growing size.

Members are random fingerprints of 12 blocks and 64 units a block, with their scores kept in the panel; these are
random numbers, since only the cost of a claim is measured. Writes ``tables/panel_cost.json`` and its page.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np

from verify.checkpoint import FileIdentity
from verify.fingerprint import Fingerprint, FingerprintRecord, SketchSpec, unit_rows
from verify.panel import Member, Panel, PanelRecord, Scores, evaluate
from verify.panel.localise import CLASSES
from verify.statistics import PANEL_STATISTICS, PRIMARY

from .pages import publish
from .shapes import Shape

SIZES = (25, 50, 100, 200)
BLOCKS, SKETCH = 12, SketchSpec()
SHAPE = Shape("panel", "llama", layers=BLOCKS, width=512, heads=8, kv_heads=4, hidden=1152, vocab=256).architecture()


def main() -> None:
    """Measure, and write the results and the page."""
    seconds = measure()
    slope = float(np.polyfit(np.log(SIZES), np.log(seconds), 1)[0])
    times = [None, *(round(b / a, 6) for a, b in pairwise(seconds))]
    rows = [{"members": m, "seconds": s, "times": t} for m, s, t in zip(SIZES, seconds, times, strict=True)]
    publish("panel_cost", {"exponent": slope, "rows": rows})


def measure() -> list[float]:
    """Seconds of a claim on a panel of each size."""
    rng = np.random.default_rng(0)
    models = [_model(rng, f"m{n:03d}") for n in range(max(SIZES) + 2)]
    seconds = []
    for size in SIZES:
        panel = _panel(rng, models[2 : size + 2])
        start = time.perf_counter()
        evidence = evaluate(panel, models[0], models[1])
        seconds.append(time.perf_counter() - start)
        assert len(evidence.use.members) == size
        print(f"{size} members: {seconds[-1]:.1f} s", flush=True)
    return seconds


def _model(rng: np.random.Generator, name: str) -> Fingerprint:
    arrays: dict[str, np.ndarray] = {}
    for layer in range(BLOCKS):
        for role in ("gate", "up", "down"):
            rows = rng.standard_normal((1, SKETCH.match_units, SKETCH.anchors))
            arrays[f"match.{layer}.mlp.{role}"] = unit_rows(rows)
        for circuit in ("qk", "vo"):
            arrays[f"spectrum.{layer}.{circuit}"] = np.sort(rng.random(SKETCH.spectrum))[::-1].astype(np.float32)
    for layer in (BLOCKS - 2, BLOCKS - 1):
        for circuit in ("qk", "vo", "ffn"):
            square = rng.standard_normal((1, SKETCH.anchors**2))
            arrays[f"circuit.{layer}.{circuit}"] = unit_rows(square).reshape(SKETCH.anchors, -1)
    embedding = rng.standard_normal((SKETCH.anchors, SHAPE.width))
    gram = embedding @ embedding.T
    arrays["gram.embed"] = (gram / np.trace(gram)).astype(np.float32)
    for role in "qkvo":
        arrays[f"spread.{role}"] = rng.random((BLOCKS, 4))
    digest = rng.bytes(32).hex()
    record = FingerprintRecord(
        name=name,
        architecture=SHAPE,
        files=(FileIdentity(name="model.safetensors", size=1, sha256=digest),),
        content_sha256=digest,
        sketch=SKETCH,
        components=("match", "gram", "circuit", "spectrum", "spread"),
        anchors=tuple(range(SKETCH.anchors)),
        bytes_read=0,
        software={},
    )
    return Fingerprint(record, arrays)


def _panel(rng: np.random.Generator, models: list[Fingerprint]) -> Panel:
    names = tuple(model.record.name for model in models)
    members = tuple(
        Member(
            name=model.record.name,
            family=model.record.name,
            stratum="random",
            source="random",
            licence="none",
            content_sha256=model.record.content_sha256,
            fingerprint_sha256=model.record.content_sha256,
        )
        for model in models
    )
    record = PanelRecord(name="random", version="0", description="", sketch=SKETCH, members=members)
    n, anchors = len(models), tuple(range(SKETCH.anchors))
    kept = []
    for statistic in PANEL_STATISTICS:
        upper = np.triu(rng.random((n, n)), 1)
        grids = np.zeros((n, n, CLASSES, 4)) if statistic is PRIMARY else np.zeros(0)
        if grids.size:
            grids[:] = rng.random(grids.shape)
            grids = np.maximum(grids, grids.transpose(1, 0, 2, 3))
        kept.append(Scores(statistic.id, statistic.version, anchors, names, upper + upper.T, grids))
    return Panel(record, {model.record.name: model for model in models}, kept)


if __name__ == "__main__":
    main()
