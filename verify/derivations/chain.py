"""Two rules, one after the other: what was rounded, pruned, merged or quantised first, and then rounded or quantised.

No case is listed: each rule that gives numbers of its own is tried before each that can be the last. Which can be the
last is seen from B alone, and ends the search for nearly all tensors: B's numbers must be of the type that is rounded
to, or lie on the grid, which gives them again but for the rounding of its scales. A first rule must leave B's numbers
near A's, so strangers are left out at once. Steps are:

- first, a function of A's numbers: rounding, truncation, or a grid, restored in float32 or in A's type;
- first, with what B or a third model must tell: A's numbers where B's are not zero, and zero elsewhere; or a merge,
  at a round weight near the one of least squares, in each arithmetic of ``MERGES``;
- last, a grid; or rounding to a type that B's could hold more than; or a factor, after rounding.

What holds is a fact of the files, as for one rule. B follows from A by two rules if it does by each: a pruning whose
zeros A's numbers do not decide, and a merge, need more than A.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Protocol

import numpy as np

from .casts import TYPES, Array, nearest, same, toward_zero
from .check import VALUES, Block, Check
from .factor import Factor
from .image import Image
from .merged import MERGES, Merged, Way
from .own_grid import is_put
from .pruned import Pruned
from .quantisers import Grid
from .record import Rule

_ALIKE = 0.5
"""Cosine of A's and B's numbers below which neither rounding nor pruning nor a grid leads from one to the other."""
_AGAIN = 2.0**-6
"""By how much of a number it may differ when it is put on its grid again."""


class First(Protocol):
    """The rule that is applied first."""

    def __call__(self, at: Block) -> Array | None:
        """The numbers between the two rules; None if it cannot be."""
        ...

    def found(self) -> Rule | None:
        """The rule, after all blocks."""
        ...


class Function:
    """A function of A's numbers."""

    def __init__(self, rule: Rule, function: Callable[[Array], Array]) -> None:
        self.rule, self.function = rule, function

    def __call__(self, at: Block) -> Array | None:
        """Its values."""
        return self.function(at.x)

    def found(self) -> Rule | None:
        """The rule."""
        return self.rule


class Masked:
    """A's numbers where B's are not zero, and zero elsewhere."""

    def __init__(self, dtype: str) -> None:
        self.pruned = Pruned(dtype, matrix=True)

    def __call__(self, at: Block) -> Array | None:
        """The numbers that are left."""
        found = np.where(at.y == 0, np.zeros_like(at.x), at.x)
        return found if self.pruned.holds(Block(at.x, found)) else None

    def found(self) -> Rule | None:
        """The rule, with what decides which are zero."""
        return self.pruned.found()


class Averaged:
    """A merge with the third model, at one weight, in one way, stored in one type."""

    def __init__(self, weight: float, way: Way, dtype: str) -> None:
        self.weight, self.way, self.dtype = weight, way, dtype

    def __call__(self, at: Block) -> Array | None:
        """The merged numbers."""
        return None if at.z is None else nearest(self.way(self.weight, at.x, at.z, self.dtype), self.dtype)

    def found(self) -> Rule | None:
        """The rule."""
        return Rule(name="merged", value=self.weight)


class Chain:
    """One rule, then another that is tried on its numbers."""

    def __init__(self, first: First, last: Check) -> None:
        self.first, self.last = deepcopy(first), last  # what the first counts is of this chain alone

    def holds(self, at: Block) -> bool:
        """Whether both do."""
        between = self.first(at)
        return between is not None and self.last.holds(Block(between, at.y))

    def found(self) -> Rule | None:
        """The last rule, with the first."""
        last = self.last.found()
        first = None if last is None else self.first.found()
        return None if last is None or first is None else last.model_copy(update={"before": first})


class Cast:
    """A rule whose numbers are rounded to a type that B's could hold more than."""

    def __init__(self, first: Check, dtype: str) -> None:
        self.first, self.dtype = first, dtype

    def holds(self, at: Block) -> bool:
        """Whether it gives the numbers of that type."""
        return self.first.holds(at)

    def found(self) -> Rule | None:
        """Rounding, with the first rule."""
        first = self.first.found()
        return None if first is None else Rule(name="rounded", setting=self.dtype, before=first)


class Chains:
    """All pairs of rules, of which the first that holds is given."""

    def __init__(self, x: str, y: str, grids: Callable[[str], Iterator[Grid]], types: tuple[str, ...]) -> None:
        self.x, self.y, self.grids, self.types = x, y, grids, types
        self.left: list[Check] | None = None

    def holds(self, at: Block) -> bool:
        """Choose the pairs by the first block that tells something, and compare."""
        if self.left is None:
            if not at.y.any():
                return not at.x.any() and (at.z is None or not at.z.any())
            self.left = [*self._pairs(at)] if len(np.unique(at.y)) > VALUES else []
        self.left = [one for one in self.left if one.holds(at)]
        return bool(self.left)

    def found(self) -> Rule | None:
        """The first pair that holds."""
        return next((rule for one in self.left or () if (rule := one.found()) is not None), None)

    def _pairs(self, at: Block) -> Iterator[Check]:
        weight = 1.0 if at.z is None else _weight(at)
        likely = at.x if at.z is None else weight * at.x + (1 - weight) * at.z
        if not _alike(likely, at.y):
            return
        coarser = (dtype for dtype in TYPES if dtype not in ("F32", self.y))
        casts = [dtype for dtype in coarser if same(nearest(at.y, dtype), at.y).all()]
        left = np.where(at.y == 0, np.zeros_like(at.x), at.x)
        is_searched = is_put(at.x, at.y) or is_put(left, at.y)
        grids = [grid for grid in self.grids(self.x) if (is_searched if grid.searched else _lies_on(at.y, grid))]
        names = {grid.name for grid in self.grids(self.x)}
        more: dict[str, list[Grid]] = {
            dtype: [grid for grid in self.grids(dtype) if grid.name not in names and _lies_on(at.y, grid)]
            for dtype in ("BF16", "F16")
            if dtype in self.types
        }
        for first in self._firsts():
            for dtype in casts:
                if not _is_cast(first):
                    rounding = partial(nearest, dtype=dtype)
                    yield Chain(first, Image(Rule(name="rounded", setting=dtype), rounding, "F64", chosen=True))
            stored = first.rule.setting if isinstance(first, Function) and _is_cast(first) else self.x
            for grid in (*grids, *more.get(stored, ())):
                if not grid.searched or _is_cast(first) or isinstance(first, Masked):
                    yield Chain(first, grid.check(self.y))
            if _is_cast(first):
                yield Chain(first, Factor(self.y))
        for dtype in casts:
            yield Cast(Factor(dtype), dtype)
            yield Cast(Pruned(dtype, matrix=True), dtype)
            if at.z is not None:
                yield Cast(Merged(dtype), dtype)
        for first in self._merges(weight) if at.z is not None else ():
            for grid in grids:
                yield Chain(first, grid.check(self.y))

    def _firsts(self) -> Iterator[First]:
        """What can be first, the simplest before."""
        for dtype in self.types:
            yield Function(Rule(name="rounded", setting=dtype), partial(nearest, dtype=dtype))
            if not dtype.startswith("F8"):
                yield Function(Rule(name="truncated", setting=dtype), partial(toward_zero, dtype=dtype))
        yield Masked(self.x)
        for grid in self.grids(self.x):
            if not grid.searched:
                for dtype in {"F32": None, self.x: None}:
                    stored = "" if dtype == "F32" else f", restored in {dtype}"
                    rule = Rule(name="quantised", setting=grid.name + stored)
                    yield Function(rule, partial(_restored, function=grid.function, dtype=dtype))

    def _merges(self, weight: float) -> Iterator[First]:
        near = {float(f"{weight:.{digits}f}"): None for digits in (1, 2)}
        for one in (*near, 1 / 3, 2 / 3):
            if 0 < one < 1 and abs(one - weight) < 0.02:
                for dtype in {self.x: None, "F32": None}:
                    yield from (Averaged(one, way, dtype) for way in MERGES)


def _restored(x: Array, function: Callable[[Array], Array], dtype: str) -> Array:
    return nearest(function(x), dtype)


def _is_cast(first: First) -> bool:
    return isinstance(first, Function) and first.rule.name in ("rounded", "truncated")


def _lies_on(y: Array, grid: Grid) -> bool:
    """Whether a grid gives numbers again, but for the rounding of its scales."""
    with np.errstate(all="ignore"):
        away = np.abs(grid.function(y) - y)
        return bool((away <= _AGAIN * np.abs(y)).all())


def _alike(x: Array, y: Array) -> bool:
    a, b = (one[np.isfinite(x) & np.isfinite(y)].astype(np.float64) for one in (x, y))
    with np.errstate(all="ignore"):
        return bool(a @ b >= _ALIKE * np.sqrt(a @ a) * np.sqrt(b @ b))


def _weight(at: Block) -> float:
    """The weight of A's numbers in B's, by least squares."""
    if at.z is None:
        return 1.0
    apart = (at.x - at.z).astype(np.float64).ravel()
    size = float(apart @ apart)
    return float(apart @ (at.y - at.z).astype(np.float64).ravel()) / size if size else 1.0
