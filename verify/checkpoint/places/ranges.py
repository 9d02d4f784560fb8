"""A remote file: ranges that are not cached are merged, fetched in parallel, cached and returned."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError, HostileError
from .place import File, Range
from .range_cache import MissingRange, RangeCache
from .retry import fetching, with_retries

_log = logging.getLogger("verify.places")
GAP = 1 << 15  # bytes between two ranges that are fetched too, to save a request (docs/places.md)
_LARGEST = 1 << 23  # bytes of one request, which a broken connection costs
_WORKERS = 16  # requests at a time
_HASHED = _LARGEST * _WORKERS  # bytes in memory while a whole file is hashed

Fetch = Callable[[int, int], bytes]
"""Fetches bytes from ``start`` up to ``stop``.

Raises
------
TransientError
    If the failure is transient.
CheckpointError
    If it is permanent, or the file changed.
"""


@dataclass
class Meter:
    """Counts the requests to one place, and the bytes transferred."""

    origin: str
    requests: int = 0
    transferred: int = 0
    """Bytes."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    @staticmethod
    def of(place: object, origin: str) -> Meter:
        """The meter of a place; its totals are logged when the place is deleted."""
        meter = Meter(origin)
        weakref.finalize(place, meter.log)
        return meter

    def count(self, size: int) -> None:
        """Count one request."""
        with self._lock:
            self.requests += 1
            self.transferred += size

    def log(self) -> None:
        """Log the totals, if there are any."""
        if self.requests:
            _log.info("%s: %d bytes in %d requests", self.origin, self.transferred, self.requests)


@dataclass
class RemoteFile:
    """A file that is fetched by ranges; without ``kept``, nothing is cached."""

    name: str
    size: int
    fetch: Fetch | None = field(repr=False)
    """None in a rehearsal, where nothing is fetched and all bytes are zero."""
    meter: Meter
    kept: RangeCache | None
    digest: str | None = None
    """Hexadecimal sha256, as the place gives it."""

    def read(self, ranges: Sequence[Range]) -> list[NDArray[np.uint8]]:
        """Bytes of each range; cached bytes of this version are not fetched again."""
        for start, stop in ranges:
            if not 0 <= start <= max(start, stop) <= self.size:
                raise DamagedError(
                    f"Bytes {start} to {stop} of {self.name} were asked for, which has {self.size}; obtain it again."
                )
        arrays = [np.zeros(max(0, stop - start), np.uint8) for start, stop in ranges]
        wanted = [MissingRange(start, array) for (start, _), array in zip(ranges, arrays, strict=True) if len(array)]
        holes = [hole for want in wanted for hole in (self.kept.fill(want) if self.kept else [want])]
        self._fetch(merged(holes))
        for array in arrays:
            array.flags.writeable = False
        return arrays

    def sha256(self, *, read: bool) -> str | None:
        """As the place gives it, else computed by fetching all bytes if ``read``, else None."""
        if self.digest is not None or not read:
            return self.digest
        digest = sha256()
        for block in self.blocks():
            digest.update(block.data)
        return digest.hexdigest()

    def blocks(self) -> Iterator[NDArray[np.uint8]]:
        """All bytes, in blocks."""
        for start in range(0, self.size, _HASHED):
            stop = min(self.size, start + _HASHED)
            yield from self.read([(at, min(stop, at + _LARGEST)) for at in range(start, stop, _LARGEST)])

    def rehearse(self) -> Meter:
        """From now on fetch nothing and give zeros; the meter counts what would be fetched."""
        self.fetch, self.meter = None, Meter(self.meter.origin)
        self.kept = self.kept and self.kept.imagined()
        return self.meter

    def evict(self) -> None:
        """Delete its cached ranges."""
        if self.kept:
            self.kept.evict()

    def _fetch(self, spans: list[tuple[Range, list[MissingRange]]]) -> None:
        """Fetch each span and fill its missing ranges; bytes that arrived are cached even if the rest fails."""
        parts = [
            ((start, min(stop, start + _LARGEST)), holes)
            for (low, stop), holes in spans
            for start in range(low, stop, _LARGEST)
        ]
        if len(parts) == 1:
            self._part(*parts[0])
            return
        with fetching(min(_WORKERS, max(1, len(parts)))) as pool:
            for _ in pool.map(lambda part: self._part(*part), parts):
                pass

    def _part(self, part: Range, holes: list[MissingRange]) -> None:
        (start, stop), fetch = part, self.fetch
        if fetch is None:
            self.meter.count(stop - start)
            if self.kept:
                self.kept.know(start, stop)
            return
        _log.debug("%s %s: bytes %d-%d", self.meter.origin, self.name, start, stop - 1)
        block = with_retries(lambda: fetch(start, stop), self.name)
        if len(block) != stop - start:
            raise AssertionError("a fetch returns what was asked for, or raises")
        self.meter.count(len(block))
        if self.kept:
            self.kept.keep(start, block)
        for hole in holes:
            hole.take(start, np.frombuffer(block, np.uint8))


def all_of(file: File, most: int) -> bytes:
    """The content of a small file, of at most ``most`` bytes.

    Raises
    ------
    CheckpointError
        If it is too large, or cannot be read.
    """
    if file.size > most:
        raise HostileError(f"{file.name} has {file.size} bytes; expected at most {most}; obtain it again.")
    return file.read([(0, file.size)])[0].tobytes()


def merged(holes: list[MissingRange]) -> list[tuple[Range, list[MissingRange]]]:
    """Spans that cover all missing ranges, with the ranges in each; ranges at most :data:`GAP` apart share a span."""
    spans: list[tuple[Range, list[MissingRange]]] = []
    for hole in sorted(holes, key=lambda hole: hole.start):
        if spans and hole.start <= spans[-1][0][1] + GAP:
            (start, stop), inside = spans[-1]
            inside.append(hole)
            spans[-1] = (start, max(stop, hole.stop)), inside
        else:
            spans.append(((hole.start, hole.stop), [hole]))
    return spans
