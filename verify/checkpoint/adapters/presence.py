"""Whether a model holds the change that an adapter makes to a tensor of its base: counts, exact, without a p-value.

Of a tensor with numbers p in the base, p + d merged with the adapter and c in the model questioned, an entry is
*moved* if no tool's rounding leaves it at p. Tools compute d in float32 or in 16 bits, by sums in their own order,
and add it to p or to p rounded to the type of the file. Their d is taken to differ from the exact one by at most 2⁻⁶
times its size plus that of its row (root mean square): factors and product rounded to bfloat16 make errors of about
2⁻⁸ of the latter. Rounding is monotone, so c lies between the roundings of p + d less and plus that, whatever the
order of sums; a moved entry is one where these leave out p. A number that a tool made with a larger error counts as
another one: that makes agreement rarer, never more frequent.

Where no number of an adapter was drawn by chance before its training ((IA)³ begins with ones, OFT with no rotation),
two trainings on the same texts end close to each other, and less is allowed: 2⁻¹² in place of 2⁻⁶.

Where a model holds another multiple of the change, that is the t whose intervals hold most numbers of a sample of
rows: one free number beside thousands of entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from ..formats.rounding import COARSER, held, rounded, step, type_of
from ..formats.tensor import Indexer, Stacked, Tensor
from .changed import Changed
from .experts import Stack
from .matrix import Numbers

SLACK, TIGHT = 2.0**-6, 2.0**-12
"""Largest error of a tool's change, relative to its size and to the root mean square of its row: of adapters that
began with drawn numbers, and of others."""
FITS = 0.99
"""Share of the moved entries of a tensor that agree where a model holds the change."""
_SHRUNK = 0.01
"""Of a change, and of a factor, within which rows count as multiplied by one number."""
_FEWEST_SHRUNK = 4  # rows
_ENTRIES = 1 << 18  # of a block
_SAMPLE = 1 << 16
_LARGEST = 8.0  # multiple of a change

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """Of the entries that an adapter moves in a tensor, how many a model holds as moved."""

    moved: int = 0
    """Entries that the change moves, however a tool rounds."""
    equal: int = 0
    """Those that are as the exact merge gives them, to the bit."""
    within: int = 0
    """Others within the rounding of tools."""
    unmoved: int = 0
    """Those that are as in the base."""
    elsewhere: int = 0
    """Those that would be within rounding if the moves of the model stood half a row further."""

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Presence:
    """The counts of a tensor."""

    dtype: str
    """Type that the numbers are rounded to: the stored one, or a coarser one that holds all of a sample of them."""
    entries: int = 0
    """Entries that are finite in all three."""
    same: int = 0
    """Those that are as in the base, rounded to that type."""
    once: Agreement = Agreement()
    """For the change as it is."""
    weight: float | None = None
    """Another multiple of it, that fits best; None if none was looked for."""
    weighted: Agreement = Agreement()
    """For that multiple."""

    def __add__(self, other: Presence) -> Presence:
        return replace(
            self,
            entries=self.entries + other.entries,
            same=self.same + other.same,
            once=self.once + other.once,
            weighted=self.weighted + other.weighted,
        )


def presence(pieces: Sequence[tuple[Tensor, Tensor, Tensor]], rows: int, slack: float) -> Presence:
    """Count the moved entries of a tensor that a model holds as moved.

    Parameters
    ----------
    pieces : the tensor of the base, the same as an adapter changes it, and that of the model, stored as plain
        numbers; of a stack, those of each part (:func:`parts`).
    rows : first rows of each to compare, at most as many as all three have.
    slack : largest error of a tool, ``SLACK`` or ``TIGHT``.

    Returns
    -------
    Presence
        The counts, of all pieces at one weight.
    """
    samples = [_sampled(*piece, rows, slack) for piece in pieces]
    weights = [weight for _, weight in samples if weight is not None]
    weight = median_low(weights) if weights else None
    found = Presence(samples[0][0], weight=weight)
    for piece, (dtype, _) in zip(pieces, samples, strict=True):
        for block in _blocks(piece[0].shape, rows):
            found += _counted(*_read(*piece, block), dtype, slack, weight)
    return found


def parts(base: Tensor, merged: Tensor, model: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    """A stack of experts taken apart, so that no more than one is held; any other tensor as it is.

    Parameters
    ----------
    base, merged, model : the tensor of the base, the same as the adapter changes it, and that of the model.
    """
    if isinstance(merged, Stack) and isinstance(base, Stacked) and isinstance(model, Stacked):
        return [(base.entry(e), merged.entry(e), model.entry(e)) for e in range(base.shape[0])]
    return [(base, merged, model)]


def _sampled(base: Tensor, merged: Tensor, model: Tensor, rows: int, slack: float) -> tuple[str, float | None]:
    """The type that the numbers are rounded to and another weight that fits, by a sample of rows."""
    p, m, c = _read(base, merged, model, _sample(base.shape, rows))
    dtype = next((one for one in COARSER if held(c, one)), model.dtype) if model.dtype == "F32" else model.dtype
    return dtype, _weight(p, m, c, dtype, slack)


def same_numbers(base: Tensor, model: Tensor, rows: int) -> tuple[int, int]:
    """Entries of the first rows, and how many of them are as in the base, to the bit in the model's type.

    Parameters
    ----------
    base, model : tensors of one shape.
    rows : how many of the first rows.
    """
    total = same = 0
    for block in _blocks(base.shape, rows):
        with np.errstate(over="ignore", invalid="ignore"):
            p, c = (tensor.read(block).astype(type_of(model.dtype)) for tensor in (base, model))
        raw = np.dtype(f"u{c.dtype.itemsize}")
        total += c.size
        same += int(np.count_nonzero(np.ascontiguousarray(p).view(raw) == np.ascontiguousarray(c).view(raw)))
    return total, same


# ---- blocks


def _blocks(shape: tuple[int, ...], rows: int) -> Iterator[Indexer]:
    size = max(1, _ENTRIES // max(1, prod(shape[1:])))
    return (slice(start, min(rows, start + size)) for start in range(0, rows, size))


def _sample(shape: tuple[int, ...], rows: int) -> Indexer:
    """Rows at one distance."""
    kept = min(rows, max(1, _SAMPLE // max(1, prod(shape[1:]))))
    return slice(0, kept) if len(shape) == 1 else np.unique(np.arange(kept) * rows // max(1, kept)).astype(np.intp)


def _read(base: Tensor, merged: Tensor, model: Tensor, rows: Indexer) -> tuple[Numbers, Numbers, Numbers]:
    """Some rows of all three; a vector is one row."""
    p = np.asarray(base.read(rows), np.float64)
    with np.errstate(all="ignore"):  # non-finite entries are left out
        m = merged.changed(rows, None) if isinstance(merged, Changed) else np.asarray(merged.read(rows), np.float64)
        c = np.asarray(model.read(rows), np.float64)
    shape = (1, -1) if p.ndim < 2 or not p.size else (len(p), -1)
    return p.reshape(shape), m.reshape(shape), c.reshape(shape)


# ---- counts


def _counted(p: Numbers, m: Numbers, c: Numbers, dtype: str, slack: float, weight: float | None) -> Presence:
    with np.errstate(all="ignore"):
        start, goal = rounded(p, dtype), rounded(m, dtype)
        finite = np.isfinite(start) & np.isfinite(goal) & np.isfinite(c)
        d = np.where(finite, m - p, 0.0)
        times = (1.0,) if weight is None else (1.0, weight)
        once, *other = (_agreement(p, start, t * d, c, dtype, slack, finite) for t in times)
    return Presence(
        dtype,
        entries=int(np.count_nonzero(finite)),
        same=int(np.count_nonzero(finite & (c == start))),
        once=once,
        weighted=other[0] if other else Agreement(),
    )


def _agreement(
    p: Numbers, start: Numbers, d: Numbers, c: Numbers, dtype: str, slack: float, finite: Mask
) -> Agreement:
    whole, cast, twice = p + d, start + d, start + rounded(d, dtype)
    error = _error(d, slack)
    low = rounded(np.minimum(np.minimum(whole, cast), twice) - error, dtype)
    high = rounded(np.maximum(np.maximum(whole, cast), twice) + error, dtype)
    moved = finite & (d != 0) & ~((low <= start) & (start <= high)) & ~_shrunk(p, d)
    equal = moved & ((c == rounded(whole, dtype)) | (c == rounded(cast, dtype)))
    near = moved & (low <= c) & (c <= high)
    there = _elsewhere(start, c, dtype)
    counts = (moved, equal, near & ~equal, moved & (c == start), moved & (low <= there) & (there <= high))
    return Agreement(*(int(np.count_nonzero(one)) for one in counts))


def _shrunk(p: Numbers, d: Numbers) -> Mask:
    """Rows that were multiplied by one number, as weight decay alone does to rows that no text reaches; [rows, 1].

    Any training with decay makes that change, so it tells nothing of an adapter.
    """
    p = np.where(np.isfinite(p), p, 0.0)
    squares = np.maximum(np.square(p).sum(1), np.finfo(np.float64).tiny)
    ratio = (d * p).sum(1) / squares
    rest = np.square(d - ratio[:, None] * p).sum(1)
    alike = (ratio != 0) & (rest <= _SHRUNK * np.square(d).sum(1))
    if np.count_nonzero(alike) < _FEWEST_SHRUNK:
        return np.zeros((len(p), 1), bool)
    middle = float(np.median(ratio[alike]))
    same = alike & (np.abs(ratio - middle) <= _SHRUNK * abs(middle))
    most: Mask = same & (2 * np.count_nonzero(same) > np.count_nonzero(alike))
    return most[:, None]


def _error(d: Numbers, slack: float) -> Numbers:
    spread: Numbers = np.sqrt(np.mean(np.square(d), axis=1, keepdims=True)) if d.size else d
    return slack * (np.abs(d) + spread)


def _elsewhere(start: Numbers, c: Numbers, dtype: str) -> Numbers:
    """What the model would hold if its moves stood half a row further; in 16 bits, moves by steps of the type."""
    unit = step(start, dtype) if dtype in COARSER else np.ones_like(start)
    moves = np.where(np.isfinite(c) & np.isfinite(start), (c - start) / unit, 0.0)
    return rounded(start + np.roll(moves, start.shape[1] // 2, axis=1) * unit, dtype)


# ---- another multiple of the change


def _weight(p: Numbers, m: Numbers, c: Numbers, dtype: str, slack: float) -> float | None:
    """The multiple of the change that fits most numbers of a sample; None where the change as it is fits, or none.

    Each entry holds for the t of one interval; the t that most intervals share is found by sorting their ends.
    """
    with np.errstate(all="ignore"):
        start = rounded(p, dtype)
        finite = np.isfinite(start) & np.isfinite(rounded(m, dtype)) & np.isfinite(c)
        d, move = np.where(finite, m - p, 0.0), np.where(finite, c - p, 0.0)
        once = _agreement(p, start, d, c, dtype, slack, finite)
        if (c == start)[finite].all() or 0 < FITS * once.moved <= once.equal + once.within:
            return None
        half = _error(move, slack) + np.abs(start - p) + step(c, dtype) / 2
        ends = np.stack([(move - half) / d, (move + half) / d])[:, finite & (d != 0)]
    low, high = ends.min(0), ends.max(0)
    near = (low < _LARGEST) & (high > -_LARGEST) & ((low > -_LARGEST) | (high < _LARGEST))
    low, high = low[near].clip(-_LARGEST), high[near].clip(None, _LARGEST)
    if not low.size:
        return None
    at = np.concatenate([low, high])
    order = np.lexsort((np.repeat([0, 1], low.size), at))  # an interval begins before another ends
    at, depth = at[order], np.cumsum(np.repeat([1, -1], low.size)[order])
    width = np.where(depth[:-1] == depth.max(), np.diff(at), -1.0)
    best = int(np.argmax(width))
    found = float(f"{(at[best] + at[best + 1]) / 2:.6g}")
    return None if abs(found - 1) <= slack or found == 0 else found
