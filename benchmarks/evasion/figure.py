"""The figure of the paper: what is found against what is paid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scipy.stats import beta

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE = Path(__file__).parents[2] / "paper" / "figures" / "evasion.pdf"
_COLUMNS = 4
_LINEAR = 0.03  # nats, below which the axis of cost is linear
_TICKS = (0, 0.1, 1, 5)
_LETTERS = {
    "further training": "t",
    "further training, five times the rate": "r",
    "all but phases and unused rows, then training": "h",
    "body anew on kept embeddings": "b",
    "distillation": "d",
}
"""Of the trainings, which share a panel; the caption says what they stand for."""
_COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#bbbbbb", "#aa3377", "#997700")


def draw(found: dict[str, Any], path: Path = FIGURE) -> None:
    """One panel for each attack that damages a copy, and one for all that train it.

    Parameters
    ----------
    found : content of the table of evasions.
    path : of the figure; its ending is the format.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    damaging = [attack for attack in found["attacks"] if not attack["free"] and not attack["training"]]
    training = [attack for attack in found["attacks"] if attack["training"]]
    seen = [test for test in found["tests"] if any(_share(row, test) for one in damaging for row in one["rows"])]
    colours = dict(zip(seen, _COLOURS, strict=False))
    lines = -(-(len(damaging) + 2) // _COLUMNS)
    figure = Figure(figsize=(7.2, 1.45 * lines), layout="constrained")
    places: list[Axes] = list(figure.subplots(lines, _COLUMNS, sharex=True, sharey=True).flat)
    for place, attack in zip(places, damaging, strict=False):
        place.set_title(attack["title"].replace(", then", ",\nthen"), fontsize=6.8, pad=2)
        _curves(place, attack["rows"], colours)
    last = len(damaging)
    places[last].set_title("training", fontsize=6.8, pad=2)
    for attack in training:
        for row in attack["rows"]:
            _whole(places[last], row)
            hidden = row["related"] < row["pairs"]
            places[last].annotate(
                _LETTERS[attack["title"]],
                (row["cost"][0], row["related"] / row["pairs"]),
                (0, 5 if hidden else -10),
                textcoords="offset points",
                fontsize=6.5,
                ha="center",
            )
    for place in places[last + 1 :]:
        place.axis("off")
    for place in places[last + 1 - _COLUMNS : last + 1]:
        place.tick_params(labelbottom=True)
        place.set_xlabel("cost, nats per token", fontsize=7)
    for place in places[::_COLUMNS]:
        place.set_ylabel("share found", fontsize=7)
    places[0].set_xscale("symlog", linthresh=_LINEAR, linscale=0.5)
    places[0].set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    places[0].set_xlim(-0.3, 40)
    for place in places[: last + 1]:
        place.minorticks_off()
        place.set_yticks((0, 0.5, 1), ("0", ".5", "1"))
        place.set_ylim(-0.1, 1.1)
        place.tick_params(labelsize=6.5)
        place.spines[["top", "right"]].set_visible(False)
    handles = [Line2D([], [], color="k", lw=1.4, marker="o", ms=3, label="the report says RELATED")]
    handles.append(Line2D([], [], color="k", lw=0, marker="o", ms=3, mfc="w", label="the same after a repair"))
    handles += [Line2D([], [], color=colour, lw=1, label=test) for test, colour in colours.items()]
    places[last + 1].legend(handles=handles, fontsize=5.8, frameon=False, loc="center", borderaxespad=0)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"CreationDate": None} if path.suffix == ".pdf" else None, dpi=150)


def _curves(place: Axes, rows: list[dict[str, Any]], colours: dict[str, str]) -> None:
    """In the order of the strengths, which need not be that of the costs."""
    at_once = [row for row in rows if not row["repaired"]]
    costs = [row["cost"][0] for row in at_once]
    for test, colour in colours.items():
        place.plot(costs, [_share(row, test) for row in at_once], color=colour, lw=0.9)
    place.plot(costs, [row["related"] / row["pairs"] for row in at_once], color="k", lw=1.4)
    for row in rows:
        _whole(place, row)


def _share(row: dict[str, Any], test: str) -> float:
    """The share of copies that a test finds; not a number where it applies to none."""
    found, _, of = row["found"].get(test, (0, 0, 0))
    return found / of if of else float("nan")


def _whole(place: Axes, row: dict[str, Any]) -> None:
    """The share of reports that say RELATED, with its 95% Clopper-Pearson interval."""
    k, n = row["related"], row["pairs"]
    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    share, cost = k / n, row["cost"][0]
    place.errorbar(cost, share, [[share - low], [high - share]], color="k", lw=0.5, alpha=0.5)
    place.plot(cost, share, "o", ms=3, color="k", mfc="w" if row["repaired"] else "k", mew=0.7, zorder=3)
