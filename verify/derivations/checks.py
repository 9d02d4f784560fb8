"""Rules that may have made the numbers of one tensor from those of another, each tried block by block.

A check is fed the blocks of two tensors, [rows, columns] each, in order, and says after each whether its rule still
holds to the bit; one number that is otherwise ends it. What is left when all were read is a fact of the two files,
without a chance: the rule computes one from the other. Rules with a number to be chosen (a factor, a weight of a
merge) choose it by the first block and keep it. A rule that would hold for numbers that hardly vary is not claimed:
at least ``FEWEST`` numbers of at least ``VALUES`` values must say so (numbers, before and after, that are not zero).
A tensor of one value is named *constant*, whatever the other holds: that tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from .casts import TYPES, Array, nearest, same, steps, toward_zero
from .quantisers import quantisers
from .record import Rule

FEWEST, VALUES = 32, 8
"""Numbers that must say so, and their different values."""
Way = Callable[[float, Array, Array, str], Array]
_PATTERNS = ((1, 4), (2, 4), (4, 8))


class Block(NamedTuple):
    """Some rows of two tensors, [rows, columns]."""

    x: Array
    """Numbers before."""
    y: Array
    """Numbers after."""
    z: Array | None = None
    """Numbers of a third model there; None if it has none."""


class Check(Protocol):
    """A rule that is tried."""

    def holds(self, at: Block) -> bool:
        """Whether the rule holds in one more block; one where it does not is the last."""
        ...

    def found(self) -> Rule | None:
        """The rule, after all blocks; None if too few numbers say so."""
        ...


class Image:
    """A function of the numbers before; of a grid that the type of the file does not ask for, enough must say so."""

    def __init__(self, rule: Rule, function: Callable[[Array], Array], dtype: str, *, chosen: bool = False) -> None:
        self.rule, self.function, self.dtype = rule, function, dtype
        self.enough = Enough() if chosen else None

    def holds(self, at: Block) -> bool:
        """Compare the image with the numbers after."""
        x, y = at.x, at.y
        if self.enough is not None:
            self.enough.see(y)
        return bool(same(nearest(self.function(x), self.dtype), y).all())

    def found(self) -> Rule | None:
        """The rule."""
        return self.rule if self.enough is None or self.enough() else None


class OfThird:
    """The numbers of the third model, rounded to the type of the file."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def holds(self, at: Block) -> bool:
        """Compare with the third model."""
        y, z = at.y, at.z
        return z is not None and bool(same(nearest(z, self.dtype), y).all())

    def found(self) -> Rule | None:
        """The rule."""
        return Rule(name="of_third")


class Factor:
    """One factor for all numbers, other than 1: y is x times it, multiplied in float32 or in float64."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.factor = dtype, 0.0
        self.enough = Enough()

    def holds(self, at: Block) -> bool:
        """Choose the factor by the first block that is not zero, and compare."""
        x, y = at.x, at.y
        self.enough.see(x)
        if not self.factor:
            self.factor = self._chosen(x, y)
            if not self.factor:
                return not x.any() and not y.any()
        double = x.astype(np.float64) * self.factor
        single = x * x.dtype.type(self.factor)
        return any(bool(same(nearest(one.astype(x.dtype), self.dtype), y).all()) for one in (double, single))

    def found(self) -> Rule | None:
        """The rule with its factor."""
        return Rule(name="scaled", value=self.factor) if self.factor not in (0.0, 1.0) and self.enough() else None

    def _chosen(self, x: Array, y: Array) -> float:
        a, b = x.astype(np.float64), y.astype(np.float64)
        at = np.isfinite(a) & np.isfinite(b) & (a != 0) & (b != 0)
        if not at.any():
            return 0.0
        a, b = a[at], b[at]
        return _roundest(b / a, 0.5 * steps(b, self.dtype) / np.abs(a))


class Merged:
    """One weight for all numbers: y is w x + (1 - w) z, 0 < w < 1, by one of ``MERGES`` in all blocks."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.weight = dtype, 0.0
        self.enough, self.ways = Enough(), MERGES

    def holds(self, at: Block) -> bool:
        """Choose the weight by the first block where the models differ, and compare."""
        x, y, z = at.x, at.y, at.z
        if z is None:
            return False
        self.enough.see(x - z)
        if not self.weight:
            self.weight = next((w for w in self._weights(x, y, z) if self._ways(w, at)), 0.0)
            if not self.weight:
                return bool(same(x, z).all() and same(nearest(x, self.dtype), y).all())
        self.ways = self._ways(self.weight, at)
        return bool(self.ways)

    def found(self) -> Rule | None:
        """The rule with its weight."""
        return Rule(name="merged", value=self.weight) if self.weight and self.enough() else None

    def _ways(self, weight: float, at: Block) -> tuple[Way, ...]:
        """The ways of those left that give the numbers after."""
        if at.z is None:
            return ()
        images = [(way, way(weight, at.x, at.z, self.dtype)) for way in self.ways]
        return tuple(way for way, image in images if same(nearest(image, self.dtype), at.y).all())

    def _weights(self, x: Array, y: Array, z: Array) -> Iterator[float]:
        """The roundest weight for one rounding of the result, and for that of each product too."""
        a, b, c = (one.astype(np.float64) for one in (x, y, z))
        at = np.isfinite(a) & np.isfinite(b) & np.isfinite(c) & (a != c)
        if not at.any():
            return
        a, b, c = a[at], b[at], c[at]
        far = np.abs(a - c)
        slack = 0.5 * steps(b, self.dtype) + 2.0**-23 * (np.abs(a) + np.abs(c))
        for more in (0.0, 0.5 * (steps(a, self.dtype) + steps(c, self.dtype))):
            found = _roundest((b - c) / (a - c), (slack + more) / far)
            if 0 < found < 1:
                yield found


def _in_double(w: float, x: Array, z: Array, *_: str) -> Array:
    found: Array = (w * x.astype(np.float64) + (1 - w) * z.astype(np.float64)).astype(x.dtype)
    return found


def _in_single(w: float, x: Array, z: Array, *_: str) -> Array:
    found: Array = x.dtype.type(w) * x + x.dtype.type(1 - w) * z
    return found


def _along(w: float, x: Array, z: Array, *_: str) -> Array:
    found: Array = z + x.dtype.type(w) * (x - z)
    return found


def _by_steps(w: float, x: Array, z: Array, dtype: str) -> Array:
    found: Array = nearest(x.dtype.type(w) * x, dtype) + nearest(x.dtype.type(1 - w) * z, dtype)
    return found


MERGES: tuple[Way, ...] = (_in_double, _in_single, _along, _by_steps)
"""Ways to compute w x + (1 - w) z: in float64; in float32; as z + w (x - z); each product rounded to the type."""


class Pruned:
    """Numbers are as before, rounded to the type of the file, or zero.

    Which are zero is a fact that the rule needs; unless they stand for the smallest magnitudes of the tensor, of each
    row, or of each group of a pattern n:m (at least m - n zeros in each m neighbours of a row): then the numbers
    before decide, and the rule computes. It does not where one of the kept and one of the zeros had equal magnitudes.
    """

    def __init__(self, dtype: str, matrix: bool) -> None:
        self.dtype, self.zeros = dtype, 0
        self.enough = Enough()
        self.kept, self.removed = np.inf, 0.0
        self.by_row = _STRICT if matrix else _NOT
        self.patterns = dict.fromkeys(_PATTERNS, _STRICT) if matrix else {}

    def holds(self, at: Block) -> bool:
        """Compare where the numbers after are not zero, and see which are."""
        before, y = nearest(at.x, self.dtype), at.y
        if not (same(before, y) | (y == 0)).all():
            return False
        gone = (y == 0) & (before != 0)
        self.zeros += int(gone.sum())
        self.enough.see(y)
        size = np.abs(before)
        kept, removed = np.where(y != 0, size, np.inf), np.where(gone, size, 0)
        self.kept, self.removed = min(self.kept, float(kept.min())), max(self.removed, float(removed.max()))
        self.by_row = min(self.by_row, _smaller(removed, kept))
        for n, m in [*self.patterns]:
            if y.shape[-1] % m or ((y == 0).reshape(-1, m).sum(-1) < m - n).any():
                del self.patterns[n, m]
            else:
                smaller = _smaller(removed.reshape(-1, m), kept.reshape(-1, m))
                self.patterns[n, m] = min(self.patterns[n, m], smaller)
        return True

    def found(self) -> Rule | None:
        """The rule with what decides which numbers are zero."""
        if not self.zeros or not self.enough():
            return None
        of_all = _smaller(np.array([[self.removed]]), np.array([[self.kept]]))
        patterns = [(f"{n}:{m}", f", smallest of each {m}", smaller) for (n, m), smaller in self.patterns.items()]
        deciding = [("", "smallest of the tensor", of_all), *patterns, ("", "smallest of each row", self.by_row)]
        strict = next((one for one in deciding if one[2] == _STRICT), None)
        pattern, smallest, smaller = strict or max(deciding, key=lambda one: (bool(one[0]), one[2]))
        ties = ", but for ties" if smaller == _TIES else ""
        setting = pattern + (smallest + ties if smaller != _NOT else "")
        return Rule(name="pruned", setting=setting, count=self.zeros, by_size=smaller == _STRICT)


_NOT, _TIES, _STRICT = range(3)


def _smaller(removed: Array, kept: Array) -> int:
    """Whether in each row all that was removed is smaller than all that was kept, or smaller but for ties."""
    most, least = removed.max(-1), kept.min(-1)
    return _STRICT if (most < least).all() else _TIES if (most <= least).all() else _NOT


class Enough:
    """Whether enough numbers that are not zero, of enough values, were seen."""

    def __init__(self) -> None:
        self.numbers, self.values = 0, set[float]()

    def see(self, x: Array) -> None:
        """Count the numbers of one more block."""
        self.numbers += int(np.count_nonzero(x))
        if len(self.values) < VALUES:
            self.values.update(np.unique(x[x != 0])[:VALUES].tolist())

    def __call__(self) -> bool:
        """Whether they are enough."""
        return self.numbers >= FEWEST and len(self.values) >= VALUES


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
    if columns >= FEWEST and x != "F64":
        for name, function in quantisers(columns, y):
            yield Image(Rule(name="quantised", setting=name), function, y, chosen=True)
    if third:
        yield Merged(y)


def coarser(dtype: str) -> tuple[str, ...]:
    """The types that do not hold all numbers of a type.

    Examples
    --------
    >>> coarser("BF16")
    ('F16', 'F8_E4M3', 'F8_E5M2')
    """
    return tuple(TYPES) if dtype == "F64" else tuple(one for one in TYPES if one not in (dtype, "F32"))


def _roundest(values: Array, slack: Array) -> float:
    """A number within the slack of all values, of the fewest decimal digits; their middle, or 0 if there is none."""
    low, high = float((values - slack).max()), float((values + slack).min())
    if not low <= high:
        return 0.0
    middle = (low + high) / 2
    for digits in range(1, 17):
        found = float(f"{middle:.{digits}g}")
        if low <= found <= high:
            return found
    return middle
