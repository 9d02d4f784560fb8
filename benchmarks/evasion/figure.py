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
_COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#bbbbbb", "#aa3377", "#997700")


def drawn(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The attacks that are drawn: those that cost something."""
    return [attack for attack in found["attacks"] if not attack["free"]]


def draw(found: dict[str, Any], path: Path = FIGURE) -> None:
    """One panel for each attack.

    Parameters
    ----------
    found : content of the table of evasions.
    path : of the figure; its ending is the format.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    attacks = drawn(found)
    lines = -(-(len(attacks) + 1) // _COLUMNS)
    figure = Figure(figsize=(7.2, 1.45 * lines), layout="constrained")
    places: list[Axes] = list(figure.subplots(lines, _COLUMNS, sharex=True, sharey=True).flat)
    for place, attack in zip(places, attacks, strict=False):
        _panel(place, attack, found["tests"])
    for place in places[len(attacks) :]:
        place.axis("off")
    for place in places[len(attacks) - _COLUMNS : len(attacks)]:
        place.tick_params(labelbottom=True)
        place.set_xlabel("cost, nats per token", fontsize=7)
    for place in places[::_COLUMNS]:
        place.set_ylabel("share found", fontsize=7)
    handles = [Line2D([], [], color="k", lw=1.4, marker="o", ms=3, label="the report says RELATED")]
    handles.append(Line2D([], [], color="k", lw=0, marker="o", ms=3, mfc="w", label="the same after a repair"))
    for test, colour in zip(found["tests"], _COLOURS, strict=True):
        handles.append(Line2D([], [], color=colour, lw=1, label=test))
    places[-1].legend(handles=handles, fontsize=5.6, frameon=False, loc="center", borderaxespad=0)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"CreationDate": None} if path.suffix == ".pdf" else None, dpi=150)


def _panel(place: Axes, attack: dict[str, Any], tests: list[str]) -> None:
    for repaired in (False, True):
        rows = sorted((row for row in attack["rows"] if row["repaired"] == repaired), key=lambda row: row["cost"][0])
        costs = [row["cost"][0] for row in rows]
        if not repaired:
            for test, colour in zip(tests, _COLOURS, strict=True):
                shares = [row["found"][test][0] / row["found"][test][2] for row in rows if test in row["found"]]
                if len(shares) == len(rows):
                    place.plot(costs, shares, color=colour, lw=0.9)
        for row in rows:
            _whole(place, row, filled=not repaired)
        if not repaired:
            place.plot(costs, [row["related"] / row["pairs"] for row in rows], color="k", lw=1.4)
    place.set_xscale("symlog", linthresh=_LINEAR, linscale=0.5)
    place.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    place.minorticks_off()
    place.set_yticks((0, 0.5, 1), ("0", ".5", "1"))
    place.set_ylim(-0.08, 1.08)
    place.tick_params(labelsize=6.5)
    place.set_title(attack["title"].replace(", then", ",\nthen"), fontsize=6.8, pad=2)
    place.spines[["top", "right"]].set_visible(False)


def _whole(place: Axes, row: dict[str, Any], *, filled: bool) -> None:
    """The share of reports that say RELATED, with its 95% Clopper-Pearson interval."""
    k, n = row["related"], row["pairs"]
    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    share, cost = k / n, row["cost"][0]
    place.errorbar(cost, share, [[share - low], [high - share]], color="k", lw=0.5, alpha=0.5)
    place.plot(cost, share, "o", ms=3, color="k", mfc="k" if filled else "w", mew=0.7, zorder=3)
