"""Mean, standard deviation, root mean square and kurtosis of all entries, in one pass.

Entries are processed in chunks of fixed size, whatever blocks they come in. If the mean of the first entries is not
small, it is subtracted from all, since powers about a distant origin cancel. In a chunk the powers are float32, and
so are sequential sums of ``_LANE`` of them; all further sums are float64. Each power sum is therefore off by at most
(``_LANE`` + 2) 2^-24 of the sum of absolute values, 2e-6 (plain float32 sums over 1e8 entries get the fifth digit
wrong), and only additions and multiplications in a fixed order take part: the same entries give the same bytes in any
blocks, on any number of threads. Chunks whose entries or powers exceed float32 are summed in float64, and so is the
last, incomplete chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from threading import local
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 18  # entries: with fewer, threads wait for one another; with more, a chunk leaves the cache
_LANE = 32
_WIDTH = 1 << 12  # lanes side by side: their sums stay in the first-level cache
_SPAN = 1 << 21  # entries of one task
_FIRST = 1 << 14  # entries that the shift is taken from
_LEAST = 1e-16  # mean square of a chunk below which fourth powers may be lost to underflow

_OF_THREAD = local()

Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""``map``, or the ``map`` of an executor of threads."""


class Tally(Protocol):
    """What is kept of a stream of entries."""

    @property
    def non_finite(self) -> int:
        """Number of non-finite entries."""
        ...

    def add(self, block: NDArray[np.float32]) -> None:
        """Add all entries of an array."""
        ...


class NonFinite:
    """Counts the non-finite entries of a stream, and nothing else."""

    def __init__(self) -> None:
        self.non_finite = 0

    def add(self, block: NDArray[np.float32]) -> None:
        """Add all entries of an array."""
        self.non_finite += block.size - int(np.count_nonzero(np.isfinite(block)))


class Moments:
    """Accumulates the first four power sums of a stream of entries; non-finite entries are counted apart."""

    def __init__(self) -> None:
        self._entries = 0
        self._shift: float | None = None
        self._sums = np.zeros(5)  # of 1, x, x^2, x^3, x^4 after the shift
        self._rest = np.empty(0, dtype=np.float32)  # less than a chunk

    @property
    def non_finite(self) -> int:
        """Number of non-finite entries."""
        return self._entries - int(self._total()[0])

    def add(self, block: NDArray[Any], run: Run = map) -> None:
        """Add all entries of an array of any shape and floating type, bfloat16 and float8 among them.

        ``run`` maps over spans of the array: with the ``map`` of a thread pool, they are summed in parallel.
        """
        x = np.ravel(block)
        self._entries += x.size
        if self._rest.size:
            missing = _CHUNK - self._rest.size
            self._rest = np.concatenate([self._rest, _copied(x[:missing])])
            x = x[missing:]
            if self._rest.size < _CHUNK:
                return
            self._add_chunks(self._rest, map)
        whole = x.size - x.size % _CHUNK
        self._rest = _copied(x[whole:])
        self._add_chunks(x[:whole], run)

    def summary(self) -> tuple[float, float, float, float]:
        """Mean, unbiased standard deviation, root mean square, kurtosis (3 for a Gaussian).

        NaN if undefined: no finite entry, a single one, or zero variance.
        """
        total = self._total()
        n = total[0]
        if n == 0:
            return (np.nan,) * 4
        m1, m2, m3, m4 = total[1:] / n
        variance = max(0.0, m2 - m1 * m1)
        mean = self._shift_by(self._rest) + m1
        fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1**4
        sd = float(np.sqrt(variance * n / (n - 1))) if n > 1 else np.nan
        kurtosis = float(fourth / variance**2) if variance**2 > 0 else np.nan  # the square may underflow
        return float(mean), sd, float(np.sqrt(variance + mean * mean)), kurtosis

    def _add_chunks(self, x: NDArray[Any], run: Run) -> None:
        if x.size == 0:
            return
        self._shift = self._shift_by(x)
        spans = (x[start : start + _SPAN] for start in range(0, x.size, _SPAN))
        for found in run(partial(chunk_sums, shift=self._shift), spans):
            for sums in found:
                self._sums += sums

    def _total(self) -> NDArray[np.float64]:
        total: NDArray[np.float64] = self._sums + _careful_sums(self._rest, self._shift_by(self._rest))
        return total

    def _shift_by(self, first: NDArray[Any]) -> float:
        """The shift of all entries: the mean of the first ones, rounded to float32; 0 if powers do not cancel."""
        if self._shift is not None:
            return self._shift
        x = first[:_FIRST].astype(np.float64)
        x = x[np.isfinite(x)]
        if x.size == 0 or abs(x.mean()) < x.std() / 8:
            return 0.0
        largest = np.finfo(np.float32).max
        return float(np.float32(np.clip(x.mean(), -largest, largest)))


def chunk_sums(span: NDArray[Any], shift: float) -> list[NDArray[np.float64]]:
    """Sums of 1, x, x^2, x^3, x^4 after the shift, of each chunk of a span."""
    dtype = _working(span)
    x, square, lane_sums, sums = _scratch(dtype)
    lanes, square_lanes = (y.reshape(-1, _LANE, _WIDTH) for y in (x, square))
    found = []
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for start in range(0, span.size, _CHUNK):
            chunk = span[start : start + _CHUNK]
            np.copyto(x, chunk)
            if shift:
                np.subtract(x, dtype(shift), out=x)
            np.add.reduce(lanes, axis=1, out=lane_sums[0])
            np.multiply(x, x, out=square)
            np.add.reduce(square_lanes, axis=1, out=lane_sums[1])
            np.multiply(square, x, out=x)
            np.add.reduce(lanes, axis=1, out=lane_sums[2])
            np.multiply(square, square, out=square)
            np.add.reduce(square_lanes, axis=1, out=lane_sums[3])
            np.copyto(sums, lane_sums)
            total = np.array([_CHUNK, *sums.sum(axis=(1, 2))])
            held = bool(np.isfinite(total).all()) and total[2] > _LEAST * _CHUNK
            found.append(total if held else _careful_sums(chunk, shift))
    return found


def _scratch(dtype: type[np.floating]) -> tuple[NDArray[Any], ...]:
    """Work arrays of a thread, allocated once: new memory costs a tenth of a pass."""
    held: dict[type, tuple[NDArray[Any], ...]] = _OF_THREAD.__dict__.setdefault("held", {})
    if dtype not in held:
        sums = np.empty((4, _CHUNK // (_LANE * _WIDTH), _WIDTH))
        held[dtype] = (*np.empty((2, _CHUNK), dtype=dtype), np.empty_like(sums, dtype=dtype), sums)
    return held[dtype]


def _careful_sums(x: NDArray[Any], shift: float) -> NDArray[np.float64]:
    """The same sums for any number of entries, in float64, over finite entries."""
    x = x.astype(np.float64)
    x = x[np.isfinite(x)] - shift
    square = x * x
    return np.array([x.size, x.sum(), square.sum(), (square * x).sum(), (square * square).sum()])


def _working(x: NDArray[Any]) -> type[np.float32] | type[np.float64]:
    """The type for computation: float32 for entries of at most four bytes."""
    return np.float32 if x.dtype.itemsize <= 4 else np.float64


def _copied(x: NDArray[Any]) -> NDArray[np.floating]:
    return x.astype(_working(x))
