"""The rules that are tried, the simplest first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from .casts import TYPES, nearest, toward_zero
from .chain import Chains
from .check import Check
from .factor import Factor
from .image import Image, OfThird
from .merged import Merged
from .own_grid import OwnGrid
from .pruned import Pruned
from .quantisers import grids
from .record import Rule


def checks(x: str, y: str, columns: int, *, third: bool = False) -> Iterator[Check]:
    """The rules to try, the simplest first.

    Parameters
    ----------
    x, y : types of the numbers before and after, ``F64``, ``F32``, ``F16`` or ``BF16``.
    columns : of a matrix; 0 for other tensors.
    third : whether a third model is given.
    """
    yield Image(Rule(name="equal"), lambda numbers: numbers, "F64")
    if third:
        yield OfThird(y)
    for dtype in coarser(x):
        chosen = dtype != y
        yield Image(Rule(name="rounded", setting=dtype), partial(nearest, dtype=dtype), "F64", chosen=chosen)
        if not dtype.startswith("F8"):
            toward = partial(toward_zero, dtype=dtype)
            yield Image(Rule(name="truncated", setting=dtype), toward, "F64", chosen=chosen)
    yield Factor(y)
    yield Pruned(y, matrix=columns > 0)
    known = columns > 1 and x != "F64"
    if known:
        yield from (grid.check(y) for grid in grids(columns, y, x))
    if third:
        yield Merged(y)
    if columns > 0:
        yield Chains(x, y, partial(grids, columns, y) if known else lambda _: iter(()), coarser(x))
        yield OwnGrid(columns)


def coarser(dtype: str) -> tuple[str, ...]:
    """The types that do not hold all numbers of a type.

    Examples
    --------
    >>> coarser("BF16")
    ('F16', 'F8_E4M3', 'F8_E5M2')
    """
    return tuple(TYPES) if dtype == "F64" else tuple(one for one in TYPES if one not in (dtype, "F32"))
