"""Curves of time against a size: the exponents of their power laws, and the figure of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import results

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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


def read() -> list[Curve]:
    """The curves measured last."""
    return [Curve(**curve) for curve in results.read("cost_curves")["curves"]]
