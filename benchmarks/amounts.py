"""``python -m benchmarks.amounts``: how much tensors change by training of known length, by rounding, and at random.

Two models that ship, of one recipe and two architectures, are trained on, on another text, for several lengths and
learning rates; they are put on grids, rounded, and held beside models that were trained apart. Each is compared with
the model it was made from by `verify derivation`, part by part, and by the exact test of hidden units. Writes
``tables/amounts.json`` and its page. Needs PyTorch to train what is not there yet.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

import verify
from verify.data import model
from verify.derivations.casts import nearest
from verify.derivations.record import DerivationReport, changed

from .pages import publish
from .trained import write
from .zoo.__main__ import CACHE
from .zoo.build import read
from .zoo.changes.roles import Arrays
from .zoo.derive import quantise

BASES = {"Llama": "reference", "GPT-2": "gpt2-reference"}
STEPS, PEAKS = (25, 100, 300, 900), (2e-3, 2e-4, 2e-5)
"""Steps of training, of which the bases had 900; and largest learning rates, of which theirs was the first."""
LONGER = {"Llama": (2700, 2e-4), "GPT-2": (2700, 2e-4)}
RANKED, RANK = "Llama", 4
"""What is also trained by a change of low rank."""
TEXT = "prose"
"""The bases saw another."""
SHIPPED = {
    "Llama": {
        "trained, 2700 steps at 0.002": "continued-3x",
        "one seed, trained apart": "same-seed",
        "stranger 1": "stranger-1",
        "stranger 2": "stranger-2",
    },
    "GPT-2": {"stranger 1": "gpt2-stranger"},
}
PARTS = {
    "embeddings": r"embed_tokens|lm_head|wte|wpe",
    "attention": r"attn",
    "MLP": r"mlp",
}


def main() -> None:
    """Train what is missing, compare, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amounts", description=__doc__)
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "amounts", help="of the models (%(default)s)")
    folder = parser.parse_args().folder
    rows = []
    for title, base in BASES.items():
        for what, made in _made(folder, title, base):
            rows.append({"base": title, "what": what, **_compared(model(base), made)})
            print(title, what, flush=True)
    publish("amounts", {"rows": rows, "text": TEXT, "trained": STEPS[-1], "peak": PEAKS[0]})


def _made(folder: Path, title: str, base: str) -> Iterator[tuple[str, Path]]:
    """What is compared with a base, and where it lies."""
    lengths = [(steps, peak) for peak in reversed(PEAKS) for steps in STEPS] + [LONGER[title]]
    for steps, peak in sorted(lengths, key=lambda one: (one[1], one[0])):
        yield f"trained, {steps} steps at {peak:g}", _trained(folder, base, steps, peak, 0)
    if title == RANKED:
        yield f"trained, rank {RANK}, 300 steps at {PEAKS[0]:g}", _trained(folder, base, 300, PEAKS[0], RANK)
    changes: dict[str, Callable[[Arrays], Arrays]] = {
        "rounded to bfloat16": partial(_rounded, dtype="BF16"),
        "rounded to 8 bits (E4M3)": partial(_rounded, dtype="F8_E4M3"),
        "int8 by rows": partial(_on_grid, bits=8),
        "int4 by rows": partial(_on_grid, bits=4),
        "int3 by rows": partial(_on_grid, bits=3),
    }
    arrays = {name: x.astype(np.float32) for name, x in load_file(model(base) / "model.safetensors").items()}
    for what, change in changes.items():
        at = folder / f"{base}-{re.sub('[^a-z0-9]+', '-', what.lower()).strip('-')}"
        folder.mkdir(parents=True, exist_ok=True)
        yield what, write(at, model(base), change(arrays))
    for what, name in SHIPPED[title].items():
        yield what, model(name)


def _trained(folder: Path, base: str, steps: int, peak: float, rank: int) -> Path:
    """The base, trained on, if it is not there yet."""
    at = folder / f"{base}-{steps}-{peak:g}-{rank}"
    if not (at / "model.safetensors").exists():
        from .zoo.train import train

        weights, config = read(model(base).parent, base, torch=True)
        found, _ = train(weights, config, data=TEXT, steps=steps, seed=steps, peak=peak, rank=rank)
        folder.mkdir(parents=True, exist_ok=True)
        write(at, model(base), {name: x.numpy() for name, x in found.items()})
    return at


def _rounded(arrays: Arrays, dtype: str) -> Arrays:
    return {name: nearest(x, dtype).astype(np.float32) for name, x in arrays.items()}


def _on_grid(arrays: Arrays, bits: int) -> Arrays:
    """Every matrix of a layer on a grid, whatever its name."""
    named = {name: f"{name}.proj.weight" if x.ndim > 1 and re.search(r"\.\d+\.", name) else name
             for name, x in arrays.items()}  # fmt: skip
    put = quantise({named[name]: x for name, x in arrays.items()}, bits)
    return {name: put[named[name]] for name in arrays}


def _compared(base: Path, made: Path) -> dict[str, Any]:
    report = verify.derivation(base, made)
    lineage = verify.test_lineage(base, made)
    (units,) = (one for one in lineage.exact if one.id == "unit_identity")
    effect = units.effect
    return {
        "parts": {part: _part(report, pattern) for part, pattern in PARTS.items()},
        "units": None if effect is None else {"share": effect.share, "cosine": effect.cosine_identified},
        "verdict": lineage.verdict,
    }


def _part(report: DerivationReport, pattern: str) -> dict[str, Any]:
    beside = [one for one in report.tensors if re.search(pattern, one.name) and one.entries >= 1024]
    found = changed(pattern, beside)
    if found.equal == found.tensors:
        return {"state": "equal"}
    if found.distance is None:
        return {"state": "not in place"}
    out = found.tensors - found.equal - found.in_place
    return {"state": "changed", "distance": found.distance, "cosine": found.cosine, "out": out}


if __name__ == "__main__":
    main()
