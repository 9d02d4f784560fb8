"""Which pairs the first stage has yet to compare, as rectangles of models for matrix products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .first_stage import Wanted

TILE = 128
"""Most models on each side of a rectangle."""

_DENSE = 1 / 3
"""Share of a rectangle's pairs from which all of it is compared at once; half of the pairs of a tile of models with
themselves are two orders of one pair."""


class Rectangle(NamedTuple):
    """Pairs of models by their positions."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    wanted: Wanted
    """Which of the pairs are meant; shape [rows, columns]."""


def left(models: int, known: Iterable[Rectangle], *, alone: bool) -> list[Rectangle]:
    """Rectangles of all pairs (i, j) with i < j that are not known.

    Parameters
    ----------
    models : number of models.
    known : pairs that are known; a position below 0 is of a model that is not there.
    alone : whether pairs with the first model are asked for alone.

    Returns
    -------
    list of Rectangle
        Each pair in one of them, and none that is known.
    """
    stretches = [np.arange(at, min(at + TILE, models)) for at in range(0, models, TILE)]
    masks: dict[tuple[int, int], Wanted] = {}
    for rows, columns, made in known:
        for r, at_r in _by_stretch(rows):
            for c, at_c in _by_stretch(columns):
                if c < r or (alone and r):
                    continue
                if (r, c) not in masks:
                    masks[r, c] = _all(stretches[r], stretches[c], alone)
                masks[r, c][np.ix_(rows[at_r] - r * TILE, columns[at_c] - c * TILE)] &= ~made[np.ix_(at_r, at_c)]
    found = []
    for r, c in combinations_with_replacement(range(len(stretches)), 2):
        if not (alone and r):
            if (r, c) not in masks and r < c and not alone:  # all of it, and no byte for each pair
                whole = np.broadcast_to(np.True_, (len(stretches[r]), len(stretches[c])))
                found.append(Rectangle(stretches[r], stretches[c], whole))
                continue
            mask = masks.get((r, c))
            mask = _all(stretches[r], stretches[c], alone) if mask is None else mask
            found += [Rectangle(stretches[r][x], stretches[c][y], wanted) for x, y, wanted in _rectangles(mask)]
    return found


def _all(rows: NDArray[np.intp], columns: NDArray[np.intp], alone: bool) -> Wanted:
    pairs = rows[:, None] < columns
    return pairs & (rows[:, None] == 0) if alone else pairs


def _by_stretch(positions: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Where in a list of positions those of each stretch are; those of absent models are in none."""
    stretch = positions // TILE
    for one in np.unique(stretch[positions >= 0]):
        yield int(one), np.flatnonzero(stretch == one)


def _rectangles(mask: Wanted) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], Wanted]]:
    """One rectangle around all pairs of a mask if it is dense, else one for all rows that lack the same columns."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    around = mask[np.ix_(rows, columns)]
    if around.sum() >= _DENSE * around.size:
        if around.size:
            yield rows, columns, around
        return
    alike: dict[bytes, list[int]] = {}
    for row in rows:
        alike.setdefault(mask[row].tobytes(), []).append(int(row))
    for members in alike.values():
        lacking = np.flatnonzero(mask[members[0]])
        yield np.array(members), lacking, np.ones((len(members), len(lacking)), dtype=bool)
