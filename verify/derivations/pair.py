"""Two tensors side by side: which rules compute one from the other, in one reading of each, by blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from math import gcd, prod

import numpy as np

from ..base import UnsupportedError
from ..checkpoint import Tensor
from .amount import Growing
from .casts import Array, nearest, same
from .check import VALUES, Block, Check
from .checks import checks
from .quantisers import FLAT
from .record import FEWEST_IN_PLACE, Amount, Rule

ENTRIES = 1 << 20
"""Numbers of each tensor in memory at a time, but for at least one row, or 64 of an odd number of columns."""
_FIRST = 1 << 12
"""Numbers of the first block, which ends most rules."""
_SAMPLE = 1 << 16
"""Numbers by which it is shown that some are lost."""
_DECODED = {"float16": "F16", "bfloat16": "BF16", "float64": "F64"}


@dataclass
class Seen:
    """What one reading of a tensor keeps."""

    entries: int
    shape: tuple[int, ...]
    digest: str
    """Over its numbers, as float32 or float64."""
    rounded: dict[str, str] = field(default_factory=dict)
    """Over its numbers rounded to other types, by these."""
    constant: bool = True
    few: bool = True
    """Whether it has fewer than ``VALUES`` different numbers."""


@dataclass
class Sides:
    """What is found of two tensors that stand side by side."""

    equal: int = 0
    compared: int = 0
    rule: Rule | None = None
    back: Rule | None = None
    lost_a: int = 0
    lost_b: int = 0
    amount: Amount | None = None
    """None if all numbers are equal or few, or the lengths are not to be had."""


def dtype_of(tensor: Tensor) -> str | None:
    """Type of a tensor's numbers: the stored one, or that in which a quantised one is decoded; None if unreadable."""
    if not tensor.shape or 0 in tensor.shape:
        return None
    if tensor.dtype in ("F64", "F32", "F16", "BF16"):
        return tensor.dtype
    try:
        found = tensor.read(slice(0, 1)).dtype
    except UnsupportedError:
        return None
    return _DECODED.get(found.name, "F32")


def columns_of(tensor: Tensor) -> int:
    """Columns of a matrix or of a stack of matrices; 0 for a vector."""
    return tensor.shape[-1] if len(tensor.shape) > 1 else 0


def numbers(tensor: Tensor, rows: slice, wide: bool) -> Array:
    """Some rows of a tensor as a matrix; a vector is one row.

    Parameters
    ----------
    tensor : the tensor.
    rows : indices of its first axis.
    wide : whether in float64, else in float32.
    """
    with np.errstate(all="ignore"):
        found = np.asarray(tensor.read(rows)).astype(np.float64 if wide else np.float32)
    return found.reshape(-1, tensor.shape[-1]) if len(tensor.shape) > 1 else found.reshape(1, -1)


def blocks(shape: tuple[int, ...], start: int, stop: int) -> Iterator[slice]:
    """Slices of the first axis that begin at a whole run of flattened numbers, the first of them small.

    Parameters
    ----------
    shape : of the tensor.
    start, stop : first row, and the one after the last.
    """
    each = prod(shape[1:])
    unit = FLAT // gcd(each, FLAT)
    first, usual = (max(unit, entries // max(1, each) // unit * unit) for entries in (_FIRST, ENTRIES))
    step = first if start == 0 else usual
    while start < stop:
        yield slice(start, min(stop, start + step))
        start, step = start + step, usual


class Reading:
    """A tensor that is read once, block by block, beside another or alone."""

    def __init__(self, tensor: Tensor, types: Collection[str] = ()) -> None:
        self.tensor, self.dtype = tensor, dtype_of(tensor) or "F32"
        self.wide = self.dtype == "F64"
        self._own = hashlib.sha256()
        self._rounded = {dtype: hashlib.sha256() for dtype in types if dtype != self.dtype}
        self._first: float | None = None
        self._constant = True
        self._values = set[float]()

    def see(self, x: Array) -> None:
        """Keep what is needed of a block."""
        if self._first is None and x.size:
            self._first = float(x.flat[0])
        self._constant = self._constant and bool(same(x, np.asarray(self._first, x.dtype)).all())
        if len(self._values) < VALUES:
            self._values.update(np.unique(x)[:VALUES].tolist())
        self._own.update(canonical(x, self.wide))
        for dtype, digest in self._rounded.items():
            digest.update(canonical(nearest(x, dtype), dtype == "F64"))

    def alone(self, start: int = 0) -> None:
        """Read the rows from one on."""
        for rows in blocks(self.tensor.shape, start, self.tensor.shape[0]):
            self.see(numbers(self.tensor, rows, self.wide))

    def seen(self) -> Seen:
        """What was kept."""
        rounded = {dtype: digest.hexdigest() for dtype, digest in self._rounded.items()}
        shape = tuple(self.tensor.shape)
        few = len(self._values) < VALUES
        return Seen(prod(shape), shape, self._own.hexdigest(), rounded, self._constant, few)


def side_by_side(a: Reading, b: Reading, c: Tensor | None = None) -> Sides:
    """Read two tensors whose rows have one shape, and find the rules that hold for the rows that both have.

    Parameters
    ----------
    a, b : the tensors, not read yet; all their rows are read.
    c : that of a third model, of the shape of B's; None if there is none.
    """
    x, y = a.tensor, b.tensor
    wide = a.wide or b.wide
    columns = columns_of(x)
    forth = list(checks(a.dtype, b.dtype, columns, third=c is not None))
    back = list(checks(b.dtype, a.dtype, columns))
    found, growing, sample = Sides(), Growing(), list[tuple[Array, Array]]()
    common = min(x.shape[0], y.shape[0])
    for rows in blocks(x.shape, 0, common):
        p, q = numbers(x, rows, wide), numbers(y, rows, wide)
        r = None if c is None else numbers(c, rows, wide)
        a.see(p)
        b.see(q)
        equal = int(same(p, q).sum())
        found.equal += equal
        found.compared += p.size
        growing.see(p, q, equal=equal == p.size)
        with np.errstate(all="ignore"):  # numbers that are not finite, and those that a smaller type does not hold
            forth = _holding(forth, Block(p, q, r))
            back = _holding(back, Block(q, p))
        if found.compared >= ENTRIES:
            forth, back = _simplest(forth), _simplest(back)
        if sum(one.size for one, _ in sample) < _SAMPLE:
            sample.append((p.ravel()[:_SAMPLE], q.ravel()[:_SAMPLE]))
    a.alone(common)
    b.alone(common)
    found.rule, found.back = _first(forth), _first(back)
    found.amount = growing.found() if found.equal < found.compared >= FEWEST_IN_PLACE else None
    if b.seen().constant:
        found.rule = Rule(name="constant")
    if a.seen().constant:
        found.back = Rule(name="constant")
    if (found.rule or found.back) and sample:
        p, q = (np.concatenate([one[side] for one in sample]) for side in (0, 1))
        found.lost_a = lost(p, q) if is_open(found.back) else 0
        found.lost_b = lost(q, p) if is_open(found.rule) else 0
    return found


def is_open(rule: Rule | None) -> bool:
    """Whether no rule was found that gives a tensor's numbers, but at most that they lie on a grid of their own."""
    return rule is None or rule.name == "on_own_grid"


def lost_at_first(a: Tensor, b: Tensor) -> int:
    """Numbers that are lost among the first of two matrices of one shape."""
    rows = slice(0, -(-_SAMPLE // max(1, prod(a.shape[1:]))))
    return lost(*(numbers(one, rows, wide=False).ravel()[:_SAMPLE] for one in (a, b)))


def first_numbers(tensor: Tensor) -> Array:
    """The numbers of the first block, at least, as one row of float32."""
    rows = next(blocks(tensor.shape, 0, tensor.shape[0]))
    return numbers(tensor, rows, wide=False).ravel()


def lost(x: Array, y: Array) -> int:
    """Numbers of x that differ from another of x beside an equal number of y.

    The pairs (x, y) with one y, beyond the first of them, counted over all y: if g is any function of a number, then
    of k different numbers of x beside equal numbers of y it can give at most one, and misses at least k - 1.
    """
    keep = ~(np.isnan(x) | np.isnan(y))
    pairs = np.unique(np.stack([x[keep] + 0.0, y[keep] + 0.0]), axis=1)
    return int(pairs.shape[1] - np.unique(pairs[1]).size)


def canonical(x: Array, wide: bool) -> bytes:
    """The bytes of numbers, of zeros of one sign and of one that is not a number."""
    found = x.astype("<f8" if wide else "<f4") + 0.0
    found[np.isnan(found)] = np.nan
    return found.tobytes()


def _holding(rules: list[Check], block: Block) -> list[Check]:
    return [rule for rule in rules if rule.holds(block)]


def _simplest(rules: list[Check]) -> list[Check]:
    """The rules up to the first that enough numbers say holds: of so many, what is simpler than the rest is kept."""
    at = next((at for at, rule in enumerate(rules) if rule.found() is not None), len(rules))
    return rules[: at + 1]


def _first(rules: list[Check]) -> Rule | None:
    return next((found for rule in rules if (found := rule.found()) is not None), None)
