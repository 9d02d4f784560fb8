"""``python -m benchmarks.cost_curves``: how time grows with depth, width and the size of a panel.

Fingerprints of random bfloat16 checkpoints at each effort, the exact tests on fingerprints of growing depth, and
claims on panels of growing size; warm files, one process, sizes in turn, best of several. Exponents are fitted by
least squares on logarithms: below what a size costs by itself lies a constant, so they are lower than the order.
Writes ``tables/cost_curves.md``, ``tables/cost_curves.json`` and the paper's figure.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import verify
from verify.fingerprint.sketch import EFFORTS

from .panel_cost import SIZES, measure
from .shapes import SHAPES, Shape, write
from .whole_process import synthetic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TABLES = Path(__file__).parent / "tables"
FIGURE = Path(__file__).parent.parent / "paper" / "figures" / "cost_curves.pdf"
LAYERS = (4, 8, 16, 32)
WIDTHS = (512, 1024, 2048, 4096)
TESTED = (12, 24, 48, 96)
AT_WIDTH, AT_LAYERS = 512, 2
REPEATS = 3
LARGEST = {"full": {"layers": 16, "width": 1024}}
"""Where a curve stops because one point more would take minutes."""


@dataclass(frozen=True)
class Curve:
    """Seconds against one size."""

    what: str
    against: str
    sizes: list[int]
    seconds: list[float]

    @property
    def exponent(self) -> float:
        """Of the power law through all points."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.seconds), 1)[0])

    @property
    def last(self) -> float:
        """Exponent between the last two points, where constants weigh least."""
        return float(np.diff(np.log(self.seconds[-2:]))[0] / np.diff(np.log(self.sizes[-2:]))[0])


def main() -> None:
    """Measure, and write the table and the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost_curves", description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    repeats = parser.parse_args().repeats
    curves = _fingerprints("layers", LAYERS, lambda n: shape(n, AT_WIDTH), repeats)
    curves += _fingerprints("width", WIDTHS, lambda n: shape(AT_LAYERS, n), repeats)
    curves.append(_tests(repeats))
    curves.append(Curve("claim on a panel", "members", list(SIZES), measure()))
    found = [asdict(curve) for curve in curves]
    (TABLES / "cost_curves.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    (TABLES / "cost_curves.md").write_text(page(curves), "utf-8")
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


def page(curves: list[Curve]) -> str:
    """The Markdown page."""
    lines = [
        "# Growth of cost",
        "",
        f"Seconds, best of {REPEATS} in turn, warm files, one process on 2 cores",
        "(`python -m benchmarks.cost_curves`). Fingerprints of random bfloat16 models, of width "
        f"{AT_WIDTH} against layers and of {AT_LAYERS}",
        "layers against width; exact tests on fingerprints alone; claims as in `panel_cost.md`. The exponent is",
        "that of the power law through all points, by least squares on logarithms; the last is between the last two.",
        "",
        "| what | against | sizes | seconds | exponent | last |",
        "|---|---|---|---|---:|---:|",
    ]
    lines += [
        f"| {c.what} | {c.against} | {', '.join(map(str, c.sizes))} | {', '.join(f'{s:.3g}' for s in c.seconds)} | "
        f"{c.exponent:.2f} | {c.last:.2f} |"
        for c in curves
    ]
    return "\n".join(lines) + "\n"


def draw(curves: list[Curve], path: Path) -> None:
    """One panel for each size that time is drawn against."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    panels = {
        "layers": [c for c in curves if c.what.startswith("fingerprint") and c.against == "layers"],
        "width": [c for c in curves if c.against == "width"],
        "layers ": [c for c in curves if c.what.startswith("exact")],
        "members of the panel": [c for c in curves if c.against == "members"],
    }
    figure = Figure(figsize=(7.2, 2.3), layout="constrained")
    axes: list[Axes] = list(figure.subplots(1, len(panels), width_ratios=(3, 3, 2, 2)))
    for place, (label, drawn) in zip(axes, panels.items(), strict=True):
        for curve, marker in zip(drawn, "os^", strict=False):
            name = curve.what.removeprefix("fingerprint, ").split(",")[0].split(" on ")[0]
            place.loglog(curve.sizes, curve.seconds, marker=marker, ms=3, lw=1, label=f"{name}: {curve.exponent:.2f}")
        sizes = drawn[0].sizes if drawn else []
        place.set_xticks(sizes, [str(n) for n in sizes])
        place.minorticks_off()
        low, high = place.get_ylim()
        place.set_ylim(low / 1.2, high * (high / low) ** (0.12 + 0.14 * len(drawn)))  # room for the legend
        place.yaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=12))
        place.yaxis.set_major_formatter("{x:g}")
        place.set_xlabel(label.strip(), fontsize=8)
        place.tick_params(labelsize=7)
        place.legend(fontsize=6.5, frameon=False, loc="upper left")
        place.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("seconds", fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"CreationDate": None} if path.suffix == ".pdf" else None)


def read(path: Path = TABLES / "cost_curves.json") -> list[Curve]:
    """The curves measured last."""
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return [Curve(**curve) for curve in found]


if __name__ == "__main__":
    main()
