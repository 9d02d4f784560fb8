"""The identity map: each unit's place in A against the place of its best match in B, beside what chance gives.

Chance is the null distribution of the test itself: the same matches after the places of B are put in a uniformly
random order inside each group. The order is drawn from a generator that the matches seed, so the same matches give
the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from numpy.random import PCG64

from ..claim import ClaimReport
from ..claim.answer import looked_at
from ..statistics import Places
from ..wording.forms import capital
from .drawing import PHONE, Dots, Drawing, Line, Point, Shape, Text, box, frame, moved

_SIDE = 168.0
_TOP = 20.0
Matches = tuple[tuple[int, int, int | None], ...]
"""Of each index: its group, its place in it, and the place of its match."""


def identity_map(report: ClaimReport) -> Drawing | None:
    """The map of the first exact test whose places are recorded; None where none is."""
    found = next(((one, one.test.places) for one in looked_at(report) if one.test.places is not None), None)
    if found is None:
        return None
    one, places = found
    observed, chance = places.listed, shuffled(places, seed_of(places))
    what = report.say(one.what).rstrip(",")
    drawn = f"{len(observed)} of {one.count.n}" if places.step > 1 else f"{one.count.n}"
    unmatched = sum(best is None for _, _, best in observed)
    blocks = len(places.sizes)
    left = f"{capital(what)}: a dot for each of {drawn}"
    left += f", of {blocks} blocks laid over one another." if blocks > 1 else "."
    right = (
        "Beside it, for scale, what chance gives if the null hypothesis of the test holds: the same matches after "
        "the places of B were put in random order (simulated, seeded by the matches themselves)."
    )
    numbers = (
        f"On the diagonal, at the same place in both: {_fixed(observed)}; without a single best match: {unmatched}."
    )
    return Drawing(
        name="identity",
        title="Place in A against place in B",
        alt=f"{left} {numbers} {right} On the diagonal there: {_fixed(chance)}.",
        caption=f"{left} {right}",
        width=PHONE,
        height=_TOP + _SIDE + 36,
        shapes=(
            *(moved(shape, 1, 0) for shape in _panel("A against B", places, observed)),
            *(moved(shape, PHONE - _SIDE - 1, 0) for shape in _panel("one random order", places, chance)),
            Text((1, _TOP + _SIDE + 32), "across: place in A; up: place in B of the best match", "muted"),
        ),
    )


def seed_of(places: Places) -> str:
    """What seeds the picture of matches: these matches, and nothing of the machine that found them."""
    return places.model_dump_json()


def shuffled(places: Places, seed: str) -> Matches:
    """The matches after the places of B are put in a uniformly random order, group by group.

    Parameters
    ----------
    places : where matches stand.
    seed : any text; the same one gives the same order.
    """
    stream = PCG64(int.from_bytes(sha256(seed.encode()).digest()))
    moved_to: dict[tuple[int, int], int] = {}
    taken: set[tuple[int, int]] = set()
    made: list[tuple[int, int, int | None]] = []
    for group, place, best in places.listed:
        while best is not None and (group, best) not in moved_to:
            to = int(stream.random_raw()) % places.sizes[group]
            if (group, to) not in taken:
                taken.add((group, to))
                moved_to[group, best] = to
        made.append((group, place, None if best is None else moved_to[group, best]))
    return tuple(made)


def _panel(title: str, places: Places, matches: Matches) -> Iterable[Shape]:
    def points(same: bool) -> tuple[Point, ...]:
        return tuple(
            (
                _SIDE * (place + 0.5) / places.sizes[group],
                _TOP + _SIDE * (1 - (best + 0.5) / places.sizes[group]),
            )
            for group, place, best in matches
            if best is not None and (place == best) is same
        )

    yield Text((0, 12), title, bold=True)
    yield box(0, _TOP, _SIDE, _SIDE, "paper")
    yield Line(((0, _TOP + _SIDE), (_SIDE, _TOP)), "faint")
    yield frame(0, _TOP, _SIDE, _SIDE)
    yield Dots(points(same=False), "muted", 1.4)
    yield Dots(points(same=True), "found", 1.9)
    yield Text((0, _TOP + _SIDE + 15), f"{_fixed(matches)} of {len(matches)} on the diagonal")


def _fixed(matches: Matches) -> int:
    return sum(place == best for _, place, best in matches)
