"""Draw the pictures of README.md and of these pages from results that are kept: ``python -m docs.pictures``.

``tests/test_docs.py`` fails if one is out of date.
"""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Callable
from pathlib import Path

from verify import ClaimReport
from verify.render.drawing import PHONE, Dots, Drawing, Line, Shape, Text, box, frame, moved
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


PICTURES: tuple[Callable[[], Drawing], ...] = (dispute, report)


def drawn() -> dict[Path, str]:
    """The text of each file."""
    return {FOLDER / f"{picture.__name__}.svg": standalone(picture()) for picture in PICTURES}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in drawn().items():
        path.write_text(text, "utf-8")
