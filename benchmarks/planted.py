"""Random fingerprints at the sizes of a screen, with planted families: a parent, and a child changed by kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.strategies import EXACT, Arrays, fingerprint_of, random_arrays
from verify.checkpoint import Architecture
from verify.fingerprint import SketchSpec

from .panel_cost import SHAPE

SKETCH = SketchSpec(units=32, channels=4, projections=32, anchors=96, stream=256)
SHAPES = tuple(
    SHAPE.model_copy(update={"layers": layers, "width": 1024, "heads": 8, "kv_heads": 8, "hidden": 2816})
    for layers in (16, 20, 24)
)
LEAN = SKETCH.model_copy(update={"units": 16, "keys": 16})
"""No more units than the first stage keeps, and no more rows of queries and keys than screen effort: less to write of
many models, and the same products."""
EACH = 5
"""Children of a kind."""


def plant(folder: Path, count: int, sketch: SketchSpec = SKETCH) -> dict[frozenset[str], str]:
    """Write ``count`` fingerprints, the planted families among them; return the kind of every related pair."""
    truth: dict[frozenset[str], str] = {}
    made = 0
    for seed, (kind, change) in enumerate((k, c) for k, c in KINDS.items() for _ in range(EACH)):
        rng = np.random.default_rng([1, seed])
        shape = SHAPES[-1] if kind == "layers removed" else SHAPES[seed % len(SHAPES)]
        parent, other = vectors(rng, shape, sketch), vectors(rng, shape, sketch)
        child = change(rng, parent, other)
        names = [f"planted-{seed:02d}-{role}" for role in ("child", "parent", "other")]
        layers = SHAPES[1] if kind == "layers removed" else shape
        save(folder, names[0], child, layers, sketch)
        save(folder, names[1], parent, shape, sketch)
        truth[frozenset(names[:2])] = kind
        made += 2
        if kind == "merged .3/.7":
            save(folder, names[2], other, shape, sketch)
            truth[frozenset((names[0], names[2]))] = kind
            made += 1
    for seed in range(count - made):
        stranger(folder, seed, sketch)
    return truth


def stranger(folder: Path, seed: int, sketch: SketchSpec = SKETCH) -> Path:
    """Write the fingerprint of a model that is related to no other."""
    shape = SHAPES[seed % len(SHAPES)]
    return save(
        folder, f"stranger-{seed:04d}", vectors(np.random.default_rng([2, seed]), shape, sketch), shape, sketch
    )


def vectors(rng: np.random.Generator, shape: Architecture, sketch: SketchSpec = SKETCH) -> Arrays:
    """Independent Gaussian vectors of every array that the exact tests look at."""
    return random_arrays(rng, shape, sketch, dtype=np.float32)


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


def save(folder: Path, name: str, arrays: Arrays, shape: Architecture, sketch: SketchSpec = SKETCH) -> Path:
    """Write one fingerprint."""
    found = fingerprint_of(arrays, shape, name=name, sketch=sketch, components=EXACT)
    found.save(folder / f"{name}.safetensors")
    return folder / f"{name}.safetensors"
