"""``python -m benchmarks.screen_cost``: a screen of 1,000 models with 40 planted relatives, and what its stages cost.

Fingerprints are random vectors at the sizes of a screen: 16 to 24 layers, 32 units, 4 channels of 8 kv heads,
96 anchors, 256 residual dimensions; a child's vectors are its parent's, changed as its kind says. Writes
``tables/screen.md``, all of it measured; fails if a planted relative is missed or a stranger found.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.panel_cost import SHAPE
from tests.strategies import Arrays, fingerprint_of, random_arrays
from verify.checkpoint import Architecture
from verify.fingerprint import SketchSpec
from verify.screen import ScreenResult, screen
from verify.screen.sketches import NEEDED

TABLE = Path(__file__).parent / "tables" / "screen.md"
SIZES = (250, 500, 1000)
WORKERS = 2
SKETCH = SketchSpec(units=32, channels=4, projections=32, anchors=96, stream=256)
SHAPES = tuple(
    SHAPE.model_copy(update={"layers": layers, "width": 1024, "heads": 8, "kv_heads": 8, "hidden": 2816})
    for layers in (16, 20, 24)
)
EACH = 5
"""Children of a kind."""


def main() -> None:
    """Plant, screen at growing sizes, check what was found, write the table."""
    rows = []
    with TemporaryDirectory() as place:
        planted = plant(Path(place), max(SIZES))
        files = sorted(Path(place).glob("*.safetensors"), key=lambda file: not file.stem.startswith("planted"))
        for size in SIZES:
            result, seconds = timed(files[:size], Path(place) / f"screen-{size}")
            rows.append((size, result, seconds))
            print(size, seconds, result, result.record.first_stage.passed, flush=True)
            check(result, planted, {file.stem for file in files[:size]})
    write(rows, planted)


def plant(folder: Path, count: int) -> dict[frozenset[str], str]:
    """Write ``count`` fingerprints, the planted families among them; return the kind of every related pair."""
    truth: dict[frozenset[str], str] = {}
    made = 0
    for seed, (kind, change) in enumerate((k, c) for k, c in KINDS.items() for _ in range(EACH)):
        rng = np.random.default_rng([1, seed])
        shape = SHAPES[-1] if kind == "layers removed" else SHAPES[seed % len(SHAPES)]
        parent, other = vectors(rng, shape), vectors(rng, shape)
        child = change(rng, parent, other)
        names = [f"planted-{seed:02d}-{role}" for role in ("child", "parent", "other")]
        layers = SHAPES[1] if kind == "layers removed" else shape
        save(folder, names[0], child, layers)
        save(folder, names[1], parent, shape)
        truth[frozenset(names[:2])] = kind
        made += 2
        if kind == "merged .3/.7":
            save(folder, names[2], other, shape)
            truth[frozenset((names[0], names[2]))] = kind
            made += 1
    for seed in range(count - made):
        shape = SHAPES[seed % len(SHAPES)]
        save(folder, f"stranger-{seed:04d}", vectors(np.random.default_rng([2, seed]), shape), shape)
    return truth


def vectors(rng: np.random.Generator, shape: Architecture) -> Arrays:
    """Independent Gaussian vectors of every array that the exact tests look at."""
    return random_arrays(rng, shape, SKETCH, dtype=np.float32)


def noisy(share: float) -> Callable[[np.random.Generator, Arrays, Arrays], Arrays]:
    """Vectors whose cosine with the parent's is about ``share``."""

    def change(rng: np.random.Generator, parent: Arrays, _: Arrays) -> Arrays:
        rest = float(np.sqrt(1 - share**2))
        return {name: share * x + rest * rng.standard_normal(x.shape, dtype=np.float32) for name, x in parent.items()}

    return change


def merged(_: np.random.Generator, parent: Arrays, other: Arrays) -> Arrays:
    """Three tenths of one model, seven of another."""
    return {name: 0.3 * x + 0.7 * other[name] for name, x in parent.items()}


def kept(*wanted: str) -> Callable[[np.random.Generator, Arrays, Arrays], Arrays]:
    """Arrays whose names begin with one of ``wanted``, slightly changed; new ones in place of the others."""

    def change(rng: np.random.Generator, parent: Arrays, other: Arrays) -> Arrays:
        child = noisy(0.95)(rng, parent, other)
        return {
            name: child[name] if name.startswith(wanted) or name.endswith(wanted) else other[name] for name in child
        }

    return change


def shortened(rng: np.random.Generator, parent: Arrays, other: Arrays) -> Arrays:
    """Layers 3, 9, 15 and 21 of 24 removed."""
    remaining = [layer for layer in range(24) if layer % 6 != 3]
    child = noisy(0.95)(rng, parent, other)
    names = {old: new for new, old in enumerate(remaining)}
    out: Arrays = {}
    for name, x in child.items():
        parts = name.split(".")
        if not parts[1].isdigit():
            out[name] = x
        elif int(parts[1]) in names:
            out[".".join([parts[0], str(names[int(parts[1])]), *parts[2:]])] = x
    return out


# Permuted units: of 2816 units, the 32 kept ones of the child are almost all others than its parent's.
# Rotated: every projected vector is new, responses are not.
KINDS: dict[str, Callable[[np.random.Generator, Arrays, Arrays], Arrays]] = {
    "fine-tuned": noisy(0.95),
    "pruned": noisy(0.75),
    "merged .3/.7": merged,
    "units permuted": kept("values", ".values", "stream"),
    "MLP replaced": kept("values", ".values", "stream"),
    "embeddings kept only": kept("stream"),
    "layers removed": shortened,
    "stream rotated": kept("response"),
}


def save(folder: Path, name: str, arrays: Arrays, shape: Architecture) -> None:
    """Write one fingerprint."""
    found = fingerprint_of(arrays, shape, name=name, sketch=SKETCH, components=NEEDED)
    found.save(folder / f"{name}.safetensors")


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


def write(rows: list[tuple[int, ScreenResult, Seconds]], planted: dict[frozenset[str], str]) -> None:
    """The table."""
    size, result, seconds = rows[-1]
    stages, first = ("reading", "first stage", "second stage"), result.record.first_stage
    lines = [
        f"# A screen of {size:,} models",
        "",
        f"{size:,} random fingerprints ({', '.join(str(s.layers) for s in SHAPES)} layers, {SKETCH.units} units, "
        f"{SKETCH.channels} channels of 8 kv heads,",
        f"{SKETCH.anchors} anchors, {SKETCH.stream} residual dimensions), {len(KINDS) * EACH} planted relatives, "
        f"{WORKERS} processes on {os.cpu_count()} cores",
        "(`python -m benchmarks.screen_cost`). All planted pairs were found and no other pair.",
        "",
        "## Cost",
        "",
        "Core seconds, which other work on the machine does not lengthen; on the clock, it was shared.",
        "",
        "| models | pairs | reading | first stage | second stage | all | half of all, for two cores | on the clock | "
        "passed the first stage |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for n, found, spent in rows:
        cells = " | ".join(f"{spent[stage][1]:.1f}" for stage in stages)
        clock, cores = (sum(values) for values in zip(*spent.values(), strict=True))
        passed = found.record.first_stage.passed
        lines.append(
            f"| {n:,} | {found.record.pairs:,} | {cells} | {cores:.1f} | {cores / 2:.1f} | {clock:.1f} | {passed} |"
        )
    logs = np.log([n for n, *_ in rows])
    slopes = {s: np.polyfit(logs, np.log([spent[s][1] for *_, spent in rows]), 1)[0] for s in stages}
    powers = ", ".join(f"{slope:.2f} ({stage})" for stage, slope in slopes.items())
    lines += [
        "",
        f"Core seconds grow like the number of models to the power {powers}.",
        f"First stage: {1e6 * seconds['first stage'][1] / first.tested:.0f} core microseconds a pair; second: "
        f"{seconds['second stage'][1] / first.passed:.2f} core seconds a pair; reading: "
        f"{1e3 * seconds['reading'][1] / size:.0f} core milliseconds a model.",
        "",
        "## What was found",
        "",
        "| planted | pairs | found | largest adjusted log10 p | said |",
        "|---|---:|---:|---:|---|",
    ]
    edges = {frozenset((edge.a, edge.b)): edge for family in result.families for edge in family.edges}
    for kind, number in Counter(planted.values()).items():
        of_kind = [edges[pair] for pair, planted_kind in planted.items() if planted_kind == kind and pair in edges]
        worst = max(edge.adjusted_log10_p for edge in of_kind if edge.adjusted_log10_p is not None)
        said = Counter(edge.kind for edge in of_kind)
        words = "; ".join(f"{words} ({n})" for words, n in said.items())
        lines.append(f"| {kind} | {number} | {len(of_kind)} | {worst:.1f} | {words} |")
    lines += ["", "## The first stage", "", f"Level of each statistic at {size:,} models: {first.level:.1e}.", ""]
    lines += ["| statistic | indices | groups | s |", "|---|---:|---:|---:|"]
    lines += [f"| {p.statistic} | {p.indices} | {p.groups} | {p.share:.3f} |" for p in first.power if p.share]
    lines += [
        "",
        "A relative of which each same-layer unit keeps its index (sign) with probability at least s",
    ]
    lines += ["passes with probability at least .999, by that statistic alone."]
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
