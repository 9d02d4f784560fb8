"""Grids whose scales need the whole tensor: one scale for all, tiles of rows, and scales that are quantised too.

They are tried only where B's first numbers are about the nearest of B's own grid. The first reading of A then gives
the largest magnitude of each run of 64, and the second compares. Rounding to 16 bits first keeps the order of
magnitudes, so one reading serves that too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import lcm

import numpy as np

from ..checkpoint import Tensor
from .casts import Array, nearest, same
from .check import Enough
from .float8 import TILE, Way, by_tiles, float8, ways
from .nested import means, nested
from .own_grid import SHORT, is_put
from .pair import blocks, dtype_of, numbers
from .quantisers import FLAT, FP4, NF4, absmax_by, flat_runs, four_bit
from .record import Rule

_FIRST = ("BF16", "F16")
"""Types that numbers may be rounded to before."""
Grid = Callable[[Array, int], Array]
"""The numbers on a grid, of some rows and the place of their first in the flattened tensor."""


@dataclass
class _Tried:
    rule: Rule
    grid: Grid
    first: str | None
    tiled: bool
    """Whether the first rows are too few."""


def of_tensor(a: Tensor, b: Tensor) -> Rule | None:
    """The grid that B's matrix lies on, computed from A's; None if none of these.

    Parameters
    ----------
    a, b : matrices of one shape.
    """
    x, y = dtype_of(a) or "F32", dtype_of(b) or "F32"
    if len(b.shape) != 2 or a.shape != b.shape or b.shape[1] % SHORT or "F64" in (x, y):
        return None
    rows = next(blocks(b.shape, 0, b.shape[0]))
    p, q = numbers(a, rows, wide=False), numbers(b, rows, wide=False)
    with np.errstate(all="ignore"):
        if not is_put(p, q):
            return None
        tops = np.concatenate([np.abs(flat_runs(part)).max(-1) for part in _parts(a)])
        tried = [one for one in _all(tops, x, y) if one.tiled or same(_image(one, p, 0, y), q).all()]
        enough = Enough()
        start = 0
        for p, q in zip(_parts(a), _parts(b), strict=True):
            enough.see(q)
            tried = [one for one in tried if same(_image(one, p, start, y), q).all()]
            start += p.size
            if not tried:
                return None
    return tried[0].rule if enough() else None


def _image(one: _Tried, x: Array, start: int, dtype: str) -> Array:
    return nearest(one.grid(x if one.first is None else nearest(x, one.first), start), dtype)


def _parts(tensor: Tensor) -> Iterator[Array]:
    """Whole tiles of rows, of whole runs."""
    high = lcm(TILE, FLAT // np.gcd(FLAT, tensor.shape[1]))
    for start in range(0, tensor.shape[0], high):
        yield numbers(tensor, slice(start, min(start + high, tensor.shape[0])), wide=False)


def _all(tops: Array, x: str, y: str) -> Iterator[_Tried]:
    """The grids to try, those without a rounding before them first."""
    for first in (None, *(one for one in _FIRST if one != x)):
        sizes = tops if first is None else nearest(tops, first)
        for setting, grid in _grids(sizes, first or x, y):
            before = None if first is None else Rule(name="rounded", setting=first)
            yield _Tried(Rule(name="quantised", setting=setting, before=before), grid, first, "tiles" in setting)


def _grids(tops: Array, x: str, y: str) -> Iterator[tuple[str, Grid]]:
    most = tops.max()
    for way in ways(x):
        yield f"float8 by tensor, {way.said}", partial(_whole, top=most, way=way)
        yield f"float8 by tiles of {TILE}, {way.said}", partial(_tiles, way=way)
    for scale in {"F32": None, y: None, x: None}:
        yield f"int8 by tensor, scales {scale}", partial(_int8, top=most, scale=scale)
    for name, codes in (("NF4", NF4), ("FP4", FP4)):
        for of_cpu in (False, True):
            for mean in means(tops):
                sizes = nested(tops, mean, of_cpu=of_cpu)
                yield f"{name} by runs of {FLAT}, scales quantised", partial(_nested, codes=codes, sizes=sizes)


def _whole(x: Array, _: int, top: Array, way: Way) -> Array:
    return float8(x, top, way)


def _tiles(x: Array, _: int, way: Way) -> Array:
    return by_tiles(x, way)


def _int8(x: Array, _: int, top: Array, scale: str) -> Array:
    return absmax_by(x, np.asarray(top), 127, scale)


def _nested(x: Array, start: int, codes: Array, sizes: Array) -> Array:
    first = start // FLAT
    return four_bit(x, codes, sizes[first : first + -(-x.size // FLAT)])
