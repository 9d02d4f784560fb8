"""The chance hill: of every exact test, the law of its count under the null hypothesis, and the count observed.

Counts of indices at the same place stand on a square-root scale, on which their hills are equally wide whatever the
number of groups, and hill and count can be seen together; agreeing signs on a linear one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from math import sqrt
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

from ..claim import ClaimReport
from ..claim.answer import Looked, looked_at
from ..inference import law_of_random_orders, law_of_signs
from ..statistics import Count, LayerResult
from ..statistics.result import MOST_INDICES
from ..wording import say
from ..wording.forms import capital
from .drawing import PHONE, Area, Drawing, Line, Point, Shape, Text, moved
from .numbers import general

_LEFT, _RIGHT = 2.0, PHONE - 2.0
_LINE, _HILL = 14.0, 25.0  # heights
_LETTERS = 54  # of a line of words
_SEEN = 1e-3  # of its highest point, from which a hill is drawn
_RARE = 1e-3
_SCALE = "square-root scale"
_SCALE_WIDTH = 5.8 * len(_SCALE) + 8
_ROWS = 40  # the library has fewer exact tests: a record cannot ask for any number of laws
_STEPS = 60  # counts of a hill that are drawn as steps; more are a line


def chance_hills(report: ClaimReport) -> Drawing | None:
    """A row for each test of a report that applies; None where nothing was counted."""
    return hills(looked_at(report), report.wording)


def hills(looked: Sequence[Looked], wording: int) -> Drawing | None:
    """A row for each test, of its least likely count; None where nothing was counted.

    Parameters
    ----------
    looked : the counts, those of one test after one another.
    wording : version of the catalogue.
    """
    rows = [
        min(counts, key=lambda one: one.count.log10_p)
        for _, found in groupby(looked, key=lambda one: one.test.id)
        if (counts := [one for one in found if _can_be(one.count)])
    ]
    if not rows:
        return None
    left_out, rows = len(rows[_ROWS:]), rows[:_ROWS]
    described: list[str] = []
    shapes: list[Shape] = []
    y = 0.0
    for one in rows:
        title = wrap(_what(one, wording), _LETTERS, max_lines=2, placeholder=" …")
        shapes += [Text((0, y + 11 + _LINE * n), line, bold=True) for n, line in enumerate(title)]
        y += _LINE * len(title) + 4
        law = law_of(one)
        shapes += (moved(shape, 0, y) for shape in _row(one, law))
        described.append(_in_words(one, law, wording))
        y += _HILL + _LINE + 11
    how = _how_to_read({one.count.law for one in rows})
    if left_out:
        how += f" The hills of {left_out} more tests are left out."
    return Drawing(
        name="chance",
        title="Counts observed, and the counts that chance gives",
        alt=" ".join((how, *described)),
        caption=how,
        width=PHONE,
        height=y - 4,
        shapes=tuple(shapes),
    )


def law_of(one: Looked) -> NDArray[np.float64]:
    """Probability of every count under the null hypothesis: of fair coins, or of random orders."""
    return law_of_signs(one.count.n) if one.count.law == "signs" else law_of_random_orders(_sizes(one))


def usual(law: NDArray[np.float64]) -> tuple[int, int]:
    """The smallest and largest count that are not too rare: as small or as large ones have at least ``_RARE`` / 2."""
    below, above = np.cumsum(law), np.cumsum(law[::-1])[::-1]
    return int(np.argmax(below >= _RARE / 2)), int(np.flatnonzero(above >= _RARE / 2)[-1])


def _sizes(one: Looked) -> list[int]:
    """Sizes of the groups, as far as the record has them: those of a layer are as equal as can be."""
    places, count = one.test.places, one.count
    if places is not None and (sum(places.sizes), len(places.sizes)) == (count.n, count.groups):
        return list(places.sizes)
    rows: Sequence[Count | LayerResult] = one.test.by_layer
    if (sum(row.n for row in rows), sum(row.groups for row in rows)) != (count.n, count.groups):
        rows = (count,)
    return [row.n // row.groups + (k < row.n % row.groups) for row in rows for k in range(row.groups)]


def _can_be(count: Count) -> bool:
    """Whether there are so many indices: a record that nobody checked can say anything."""
    possible = 0 <= count.count <= count.n and 1 <= count.n <= MOST_INDICES
    return possible and (count.law == "signs" or 1 <= count.groups <= count.n)


def _row(one: Looked, law: NDArray[np.float64]) -> Iterable[Shape]:
    """The hill, the axis and the count; the top of the hill is at 0."""
    count, hill = one.count, _hill(law, one.count)
    observed, chance = _at(count.count, count), _at(one.expected, count)
    yield Area(hill, "faint")
    yield Line(hill[1:-1], "muted")
    yield Line(((_LEFT, _HILL), (_RIGHT, _HILL)), "ink")
    yield Line(((observed, -2), (observed, _HILL)), "accent", 3)
    yield _beside(observed, hill, f"{count.count} observed")
    yield from (Line(((x, _HILL), (x, _HILL + 3)), "ink") for x in (_LEFT, chance, _RIGHT))
    base, most, words = _HILL + _LINE, f"{count.n}", f"{general(one.expected)} by chance"
    half, start, end = 3.2 * len(words), _LEFT + 14, _RIGHT - 7 * (len(most) + 1)
    middle = min(max(chance, start + half), end - half)  # between the ends of the axis, and as near as can be
    yield Text((_LEFT, base), "0")
    yield Text((middle, base), words, "muted", anchor="middle")
    yield Text((_RIGHT, base), most, anchor="end")
    if count.law != "signs":
        if end - (middle + half) > _SCALE_WIDTH:
            yield Text((end, base), _SCALE, "muted", anchor="end")
        elif middle - half - start > _SCALE_WIDTH:
            yield Text((start, base), _SCALE, "muted")


def _beside(observed: float, hill: tuple[Point, ...], words: str) -> Text:
    """Words about the observed count: as near to its line as the hill and the edges of the sheet allow.

    Where the hill leaves no room at its sides they stand beside the line, above the bars as far as these are low.
    """
    width, gap, low, high = 6.8 * len(words), 6.0, hill[0][0], hill[-1][0]
    starts = (
        *(observed + gap, observed - gap - width),
        *(max(observed, high) + gap, min(observed, low) - gap - width),
    )
    free = (x for x in starts if x >= 0 and x + width <= PHONE and not x < observed < x + width)

    def top(x: float) -> float:
        return min((y for at, y in hill if x - 2 <= at <= x + width + 2), default=_HILL)

    x = max(free, key=top, default=0.0)  # the first of equals
    y = max(5.0, min(_HILL / 2 + 1, top(x) - 2))
    if x < observed:
        return Text((x + width, y), words, "accent", anchor="end", bold=True)
    return Text((x, y), words, "accent", bold=True)


def _hill(law: NDArray[np.float64], count: Count) -> tuple[Point, ...]:
    """The outline, from the base line to the base line: a step for each count, or a line if there are many."""
    top = float(law.max())
    seen = np.flatnonzero(law >= _SEEN * top)
    low, high = int(seen[0]), int(seen[-1])

    def y(k: int) -> float:
        return _HILL * (1 - round(float(law[k]) / top, 9))  # processors differ in the last digits of a law

    points: list[Point] = []
    if high - low < _STEPS:
        for k in range(low, high + 1):
            points += [(_at(max(0.0, k - 0.5), count), y(k)), (_at(min(count.n, k + 0.5), count), y(k))]
    else:
        points = [(_at(k, count), y(k)) for k in np.linspace(low, high, _STEPS).round().astype(int).tolist()]
    return ((points[0][0], _HILL), *points, (points[-1][0], _HILL))


def _at(value: float, count: Count) -> float:
    share = value / count.n
    return _LEFT + (_RIGHT - _LEFT) * (share if count.law == "signs" else sqrt(share))


def _what(one: Looked, wording: int) -> str:
    part = f" ({one.count.part})" if one.count.part else ""
    return capital(say(one.what, version=wording)).rstrip(",") + part


def _in_words(one: Looked, law: NDArray[np.float64], wording: int) -> str:
    low, high = usual(law)
    return (
        f"{_what(one, wording)}: {one.count.count} of {one.count.n} observed; by chance {general(one.expected)} on "
        f"average, and {low} to {high} in all but 1 in 1,000 cases."
    )


def _how_to_read(laws: Collection[str]) -> str:
    said = ["Grey hill: how often chance gives each count. Line: the count observed."]
    if "fixed_points" in laws:
        said.append(
            "Of things at the same place, on a square-root scale, the hill is the law of random orders, one for each "
            "group, and the chance stated is an upper bound on its part from the line on. Matches need be no "
            "order, so a count may stand between its steps."
        )
    if "signs" in laws:
        said.append(
            "Of signs, the hill is the law of fair coins, and the chance stated is its part from the line on."
        )
    return " ".join(said)
