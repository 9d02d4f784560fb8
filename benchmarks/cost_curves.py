"""``python -m benchmarks.cost_curves``: how time grows with depth, width and the size of a panel.

Fingerprints of random bfloat16 checkpoints at each effort, the exact tests on fingerprints of growing depth, and
claims on panels of growing size; warm files, one process, sizes in turn, best of several. Exponents are fitted by
least squares on logarithms: below what a size costs by itself lies a constant, so they are lower than the order.
Writes ``tables/cost_curves.json``, its page and the paper's figure.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

import verify
from verify.fingerprint.sketch import EFFORTS

from .curves import Curve, draw
from .pages import publish
from .panel_cost import SIZES, measure
from .shapes import SHAPES, Shape, write
from .whole_process import synthetic

FIGURE = Path(__file__).parent.parent / "paper" / "figures" / "cost_curves.pdf"
LAYERS = (4, 8, 16, 32)
WIDTHS = (512, 1024, 2048, 4096)
TESTED = (12, 24, 48, 96)
AT_WIDTH, AT_LAYERS = 512, 2
REPEATS = 3
LARGEST = {"full": {"layers": 16, "width": 1024}}
"""Where a curve stops because one point more would take minutes."""


def main() -> None:
    """Measure, and write the results, the page and the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost_curves", description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    repeats = parser.parse_args().repeats
    curves = _fingerprints("layers", LAYERS, lambda n: shape(n, AT_WIDTH), repeats)
    curves += _fingerprints("width", WIDTHS, lambda n: shape(AT_LAYERS, n), repeats)
    curves.append(_tests(repeats))
    curves.append(Curve("claim on a panel", "members", list(SIZES), measure()))
    found = {"repeats": repeats, "width": AT_WIDTH, "layers": AT_LAYERS}
    publish("cost_curves", found | {"curves": [asdict(curve) for curve in curves]})
    draw(curves, FIGURE)


def shape(layers: int, width: int) -> Shape:
    """A small dense model: heads of 64 channels, four query heads to a kv head."""
    return Shape(
        f"width {width}",
        "llama",
        layers=layers,
        width=width,
        heads=width // 64,
        kv_heads=width // 256,
        hidden=width * 11 // 4,
        vocab=1024,
    )


def _fingerprints(against: str, sizes: tuple[int, ...], of: Callable[[int], Shape], repeats: int) -> list[Curve]:
    """One curve for each effort."""
    best: dict[str, dict[int, float]] = {effort: {} for effort in EFFORTS}
    folder = Path(tempfile.mkdtemp(prefix="verify-curves-"))
    try:
        models = {size: write(of(size), folder / str(size), seed=1) for size in sizes}
        for _ in range(repeats):
            for effort in EFFORTS:
                for size, model in models.items():
                    if size <= LARGEST.get(effort, {}).get(against, size):
                        seconds = _seconds(partial(verify.fingerprint, model, effort=effort))
                        best[effort][size] = min(seconds, best[effort].get(size, seconds))
    finally:
        shutil.rmtree(folder)
    print(f"fingerprints against {against}: {best}", flush=True)
    return [Curve(f"fingerprint, {e}", against, list(s), list(s.values())) for e, s in best.items()]


def _tests(repeats: int) -> Curve:
    """The exact tests on two fingerprints at standard effort."""
    rng = np.random.default_rng(0)
    best: dict[int, float] = {}
    pairs = {n: [synthetic(rng, SHAPES["14B"].at(n), "standard", name) for name in "ab"] for n in TESTED}
    for _ in range(min(2, repeats)):
        for layers, (a, b) in pairs.items():
            seconds = _seconds(partial(verify.test_lineage, a, b))
            best[layers] = min(seconds, best.get(layers, seconds))
    print(f"exact tests: {best}", flush=True)
    return Curve("exact tests, 8 kv heads", "layers", list(best), list(best.values()))


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
