"""Cached ranges of a remote file: one file on disk for each range fetched, named by its ends.

The folder is named by the file's immutable identity, so ranges of two versions are never mixed. A range is whole or
absent; processes that fetch the same range write the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from bisect import bisect_right, insort
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...base import Cache, json_object, read_regular
from ...base.cache import touch
from .place import Range

KIND = "ranges"
_ABOUT = "about.json"
_LARGEST = 1 << 20  # bytes of it
_NAME = re.compile(r"([0-9a-f]{1,15})-([0-9a-f]{1,15})")


@dataclass(frozen=True)
class MissingRange:
    """A wanted range that is not cached: bytes from ``start`` on, to be written to ``array``."""

    start: int
    array: NDArray[np.uint8]

    @property
    def stop(self) -> int:
        """The byte after the last."""
        return self.start + len(self.array)

    def take(self, start: int, block: NDArray[np.uint8]) -> None:
        """Copy the part of it in ``block``, which begins at byte ``start`` of the file."""
        low, high = max(self.start, start), min(self.stop, start + len(block))
        if low < high:
            self.array[low - self.start : high - self.start] = block[low - start : high - start]


@dataclass(frozen=True, order=True)
class _CachedSpan:
    """Bytes ``start`` to ``stop`` of the file, in the cached range ``first`` to ``last``."""

    start: int
    stop: int
    first: int
    last: int


@dataclass
class RangeCache:
    """The cached ranges of one remote file; ``identity`` names the file and its version."""

    cache: Cache
    identity: dict[str, str]
    size: int
    rehearsed: bool = False
    """Whether nothing is written or read, and ranges are only known to be there."""
    _pieces: list[_CachedSpan] | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def folder(self) -> Path:
        """Folder of the ranges."""
        return self.cache.path(KIND, json.dumps(self.identity, sort_keys=True))

    def fill(self, wanted: MissingRange) -> list[MissingRange]:
        """Copy the cached bytes of a wanted range to its array, and return the missing ranges."""
        with self._lock:
            pieces, gaps = self._covering(wanted.start, wanted.stop)
        for piece in pieces:
            low, high = max(piece.start, wanted.start), min(piece.stop, wanted.stop)
            if not self._read(piece, low, wanted.array[low - wanted.start : high - wanted.start]):
                gaps.append((low, high))
                with self._lock:
                    self._pieces = [other for other in self._loaded() if other != piece]
        return [MissingRange(low, wanted.array[low - wanted.start : high - wanted.start]) for low, high in gaps]

    def keep(self, start: int, block: bytes) -> None:
        """Cache bytes that begin at ``start``."""
        stop = start + len(block)
        about = self.folder / _ABOUT
        if not about.exists():
            self.cache.write(about, json.dumps(self.identity | {"size": str(self.size)}).encode())
        if self.cache.write(self.folder / f"{start:x}-{stop:x}", block):
            self.know(start, stop)

    def know(self, start: int, stop: int) -> None:
        """Count a range among the cached ones."""
        with self._lock:
            self._add(self._loaded(), start, stop)

    def imagined(self) -> RangeCache:
        """A copy that knows the same ranges, and in which new ones are only known."""
        return replace(self, rehearsed=True, _pieces=None, _lock=Lock())

    def evict(self) -> None:
        """Delete all ranges; concurrent readers fetch them again."""
        with self._lock:
            self._pieces = []
            shutil.rmtree(self.folder, ignore_errors=True)

    def _loaded(self) -> list[_CachedSpan]:
        if self._pieces is None:
            self._pieces = []
            for start, stop in _ranges(self.folder, self.size):
                self._add(self._pieces, start, stop)
            if self._pieces:
                touch(self.folder / _ABOUT)
        return self._pieces

    def _add(self, pieces: list[_CachedSpan], first: int, last: int) -> None:
        """Add a range; spans stay disjoint, so only bytes that no other span has are taken from it."""
        for low, high in self._covering(first, last)[1]:
            insort(pieces, _CachedSpan(low, high, first, last))

    def _covering(self, start: int, stop: int) -> tuple[list[_CachedSpan], list[Range]]:
        """The spans that overlap a range, and the gaps between them."""
        loaded, found, gaps = self._loaded(), [], []
        number = bisect_right(loaded, start, key=lambda piece: piece.stop)
        while number < len(loaded) and loaded[number].start < stop:
            piece = loaded[number]
            if start < piece.start:
                gaps.append((start, piece.start))
            found.append(piece)
            start, number = piece.stop, number + 1
        if start < stop:
            gaps.append((start, stop))
        return found, gaps

    def _read(self, piece: _CachedSpan, start: int, array: NDArray[np.uint8]) -> bool:
        """Read bytes, and return whether that succeeded: the cache may be cleared at any time."""
        if self.rehearsed:
            return True
        try:
            with (self.folder / f"{piece.first:x}-{piece.last:x}").open("rb") as file:
                file.seek(start - piece.first)
                return file.readinto(array.data) == len(array)
        except OSError:
            return False


def about(folder: Path) -> dict[str, str]:
    """The identity of the file whose ranges are in a folder; empty if unknown."""
    try:
        found = json_object(read_regular(folder / _ABOUT, _LARGEST), most=_LARGEST)
        return {str(key): str(value) for key, value in found.items()}
    except (OSError, ValueError):
        return {}


def kept_bytes(folder: Path) -> int:
    """Bytes of all ranges in a folder."""
    return sum(stop - start for start, stop in _ranges(folder, 1 << 60))


def _ranges(folder: Path, size: int) -> list[Range]:
    """Cached ranges in a folder, ordered."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if match := _NAME.fullmatch(entry.name):
                    start, stop = int(match[1], 16), int(match[2], 16)
                    if start < stop <= size:
                        found.append((start, stop))
    except OSError:  # nothing cached yet, or cleared meanwhile
        return sorted(found)
    return sorted(found)
