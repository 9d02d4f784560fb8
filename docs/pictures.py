"""Draw the pictures of README.md and of these pages from results that are kept: ``python -m docs.pictures``.

``tests/test_docs.py`` fails if one is out of date.
"""

from __future__ import annotations

import csv
import math
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from benchmarks import results
from verify import ClaimReport
from verify.render.drawing import PHONE, Dots, Drawing, Line, Role, Shape, Text, box, frame, moved
from verify.render.identity_map import identity_map
from verify.render.svg import standalone

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "img"
CLAIMED = 0.927
_GOLDEN = 0.6180339887
_MARGIN = 12.0
_LETTERS = 59  # of a line of words


def dispute() -> Drawing:
    """Published correlations of three kinds of pairs, beside the one in dispute."""
    with (ROOT / "examples" / "dispute" / "correlations.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["statistic"] == "sd"]
    kinds = {
        "Unrelated, of other families": [
            row for row in rows if row["kind"] == "unrelated" and row["source"] == "GraphNet"
        ],
        "Unrelated, trained apart by one recipe": [row for row in rows if row["kind"] == "same_recipe"],
        "One known to be made from the other": [row for row in rows if row["kind"] == "derived"],
    }
    least, strip, top = -0.6, 62.0, 44.0
    height = top + len(kinds) * strip + 26

    def across(r: float) -> float:
        return _MARGIN + (PHONE - 2 * _MARGIN) * (r - least) / (1 - least)

    shapes: list[Shape] = [
        Text((_MARGIN, 16), "Each dot: two models,", "muted", 11),
        Text((_MARGIN, 30), "and their correlation", "muted", 11),
        Text((across(CLAIMED) + 4, 16), "0.927", "accent", 13, "end", bold=True),
        Text((across(CLAIMED) + 4, 30), "the number in dispute", "accent", 11, "end"),
    ]
    told = []
    for place, (kind, pairs) in enumerate(kinds.items()):
        y = top + place * strip
        values = sorted(float(row["r"]) for row in pairs)
        reach = sum(r >= CLAIMED for r in values)
        shapes += [
            Text((_MARGIN, y + 9), kind, "ink", 11),
            box(_MARGIN, y + 15, PHONE - 2 * _MARGIN, strip - 24, "faint"),
            *_scattered(values, across, y + 15, strip - 24),
            Text((PHONE - _MARGIN, y + 9), f"{reach} of {len(values)} reach it", "ink", 11, "end", bold=True),
            Line(((across(CLAIMED), y + 13), (across(CLAIMED), y + strip - 7)), "accent", 1.5),
        ]
        told.append(f"{kind}: {reach} of {len(values)} pairs reach 0.927.")
    shapes += [
        Text((across(r), height - 10), f"{r:g}", "muted", 11, "middle" if r < 1 else "end") for r in (-0.5, 0, 0.5, 1)
    ]
    return Drawing(
        name="dispute",
        title="Correlation of standard deviations by layer, of pairs whose relation is known",
        alt=" ".join(told) + " Strangers of one recipe reach it too, so the number by itself does not show descent.",
        caption="",
        width=PHONE,
        height=height,
        shapes=tuple(shapes),
    )


def _scattered(values: list[float], across: Callable[[float], float], y: float, height: float) -> tuple[Dots, Dots]:
    """A dot for each value, those that reach the number apart; heights mean nothing and only keep dots apart."""
    at = [(across(r), y + 4 + (height - 8) * (i * _GOLDEN % 1)) for i, r in enumerate(values)]
    below = sum(r < CLAIMED for r in values)
    return Dots(tuple(at[:below]), "muted", radius=0.9), Dots(tuple(at[below:]), "accent", radius=1.2)


def report() -> Drawing:
    """The first lines of the example report ``related``, and its identity map."""
    record = ClaimReport.from_json(ROOT / "examples" / "reports" / "related" / "report.json")
    answer, places = record.answer, identity_map(record)
    shapes: list[Shape] = [Text((_MARGIN, 26), answer.word, "found", 18, bold=True)]
    y = 46.0
    for label, line in (("", answer.sentence), *answer.lines):
        for n, words in enumerate(textwrap.wrap(line, _LETTERS)):
            if n == 0 and label:
                shapes.append(Text((_MARGIN, y), label, "muted", 11, bold=True))
                y += 15
            shapes.append(Text((_MARGIN, y), words, "ink", 11))
            y += 15
        y += 5
    width = PHONE + 2 * _MARGIN
    alt = [f"{answer.word}.", answer.sentence, *(": ".join(line) for line in answer.lines)]
    if places is not None:
        shapes += (moved(shape, _MARGIN, y) for shape in places.shapes)
        y += places.height + _MARGIN
        alt.append(places.alt)
    return Drawing(
        name="report",
        title="The first lines of a report",
        alt=" ".join(alt),
        caption="",
        width=width,
        height=y,
        shapes=(frame(0.5, 0.5, width - 1, y - 1), *shapes),
    )


def evasion() -> Drawing:
    """Each way to damage a copy: what was paid, and whether the report still says RELATED."""
    found = results.read("evasion")
    attacks = [attack for attack in found["attacks"] if not attack["free"]]
    (free,) = (row for attack in found["attacks"] for row in attack["rows"] if row["strength"] == "all changes")
    strip, top, least, most = 30.0, 52.0, 0.01, 10.0
    height = top + strip * (len(attacks) + 1) + 34

    def across(cost: float) -> float:
        """Costs of less than the least stand with it, at the left."""
        share = math.log(min(max(cost, least), most) / least) / math.log(most / least)
        return _MARGIN + 4 + (PHONE - 2 * _MARGIN - 8) * share

    shapes: list[Shape] = [
        Text((_MARGIN, 16), "Each dot: copies attacked with one strength.", "muted", 11),
        Text((_MARGIN, 30), "Small: the report says RELATED of every copy;", "muted", 11),
        Text((_MARGIN, 44), "middle: of some; large: of none.", "muted", 11),
    ]
    told = []
    for place, (title, rows) in enumerate(
        [
            ("every change that keeps the function, at once", [free]),
            *((one["title"], one["rows"]) for one in attacks),
        ]
    ):
        y = top + place * strip
        hides = [row for row in rows if row["related"] == 0]
        paid = min((row["cost"][0] for row in hides), default=None)
        said = "found at every strength" if paid is None else f"hidden for {max(paid, 0):.3f}"
        shapes += [
            box(_MARGIN, y + 15, PHONE - 2 * _MARGIN, 12, "faint"),
            Text((_MARGIN, y + 11), _short(title), "ink", 11),
            Text((PHONE - _MARGIN, y + 11), said, "warn" if hides else "found", 11, "end", bold=bool(hides)),
        ]
        kinds: tuple[tuple[list[dict[str, Any]], Role, float], ...] = (
            ([row for row in rows if row["related"] == row["pairs"]], "found", 2.5),
            ([row for row in rows if 0 < row["related"] < row["pairs"]], "accent", 3.5),
            (hides, "warn", 4.5),
        )
        shapes += [
            Dots(tuple((across(row["cost"][0]), y + 21) for row in of_kind), role, radius)
            for of_kind, role, radius in kinds
            if of_kind
        ]
        told.append(f"{title}: {said}.")
    y = top + strip * (len(attacks) + 1) + 12
    ticks = {least: f"≤ {least:g}", 0.1: "0.1", 1.0: "1", most: f"≥ {most:g}"}
    for value, label in ticks.items():
        anchor: Literal["start", "middle", "end"] = (
            "start" if value == least else "end" if value == most else "middle"
        )
        shapes.append(Text((across(value), y), label, "muted", 11, anchor))
    shapes.append(Text((PHONE / 2, y + 15), "loss added, nats per token", "muted", 11, "middle"))
    return Drawing(
        name="evasion",
        title="What it costs to hide a copy",
        alt=" ".join(told),
        caption="",
        width=PHONE,
        height=height,
        shapes=tuple(shapes),
    )


def _short(title: str) -> str:
    """A title that fits beside what is said of it."""
    return {
        "every change that keeps the function, at once": "all symmetries at once",
        "all but phases and unused rows, then noise": "most symmetries, then noise",
        "all but phases and unused rows, then training": "most symmetries, then trained",
        "further training, five times the rate": "further training, high rate",
        "noise, pruning and quantisation": "these three together",
    }.get(title, title)


PICTURES: tuple[Callable[[], Drawing], ...] = (dispute, report, evasion)


def drawn() -> dict[Path, str]:
    """The text of each file."""
    return {FOLDER / f"{picture.__name__}.svg": standalone(picture()) for picture in PICTURES}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in drawn().items():
        path.write_text(text, "utf-8")
