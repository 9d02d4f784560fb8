"""Places of the entries of a zip archive that is stored uncompressed; no entry is read.

The table of contents is parsed by the standard library and then held to more than the format asks for: nothing lies
before the first entry, no two entries overlap or have one name, and each header in the archive agrees with the table.
Layout: APPNOTE.TXT, sections 4.3.7 and 4.3.12 (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from ...base import CheckpointError, DamagedError, HostileError, UnsupportedError
from ..places.place import File, Range

_LARGEST_TABLE = 1 << 24  # bytes; an entry takes about a hundred
_TAIL = 1 << 16  # bytes read first, from the end
_HEADER = struct.Struct("<4s2xHH16xHH")  # signature, flags, method, lengths of the name and of what follows it
_HEADER_SIZE = 30
_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 1
_UTF8 = 0x800


@dataclass(frozen=True)
class Entry:
    """One entry, by the table of contents."""

    name: str
    start: int
    """First byte of its header."""
    stop: int
    """First byte of the next entry."""
    size: int
    """Bytes of its content, as they lie in the archive."""
    stored: bool
    """Whether they are neither compressed nor encrypted."""


def is_zip(file: File) -> bool:
    """Whether a file begins as a zip archive does."""
    return file.size >= 4 and file.read([(0, 4)])[0].tobytes() == _MAGIC


def entries(file: File) -> dict[str, Entry]:
    """Entries by name, from the table of contents.

    Raises
    ------
    CheckpointError
        If it is not a sound zip archive, or has entries that overlap or repeat a name.
    """
    try:
        with ZipFile(_Seekable(file)) as archive:
            infos, end = archive.infolist(), archive.start_dir
    except (BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, EOFError) as error:
        raise DamagedError(f"{file.name} is a damaged zip archive ({str(error)!r:.100}); obtain it again.") from error
    for info in infos:
        name = info.orig_filename
        if not name.isprintable() or len(name) > _TAIL:
            raise HostileError(f"{file.name} has an entry named {name!r:.120}; expected printable characters.")
    infos.sort(key=lambda info: info.header_offset)
    starts = [*(info.header_offset for info in infos), end]
    found: dict[str, Entry] = {}
    names = set[bytes]()
    for info, (start, stop) in zip(infos, pairwise(starts), strict=True):
        plain = info.compress_type == ZIP_STORED and not info.flag_bits & _ENCRYPTED
        plain = plain and info.file_size == info.compress_size
        entry = Entry(info.orig_filename, start, stop, info.compress_size, plain)
        raw = entry.name.encode("utf-8" if info.flag_bits & _UTF8 else "cp437", "replace").lower()
        if raw in names:  # as readers compare names that pass over case and encoding, such as that of torch
            raise HostileError(f"{file.name} has two entries named {entry.name!r:.120}; expected one; do not use it.")
        names.add(raw)
        if start + _HEADER_SIZE + entry.size > stop or (not found and start):
            raise HostileError(
                f"{file.name} has an entry ({entry.name!r:.120}) that overlaps another or does not fit the archive; "
                "obtain it again."
            )
        found[entry.name] = entry
    return found


def contents_of(file: File, chosen: Iterable[Entry]) -> dict[str, Range]:
    """Range of the content of some entries, by name, from their headers.

    Raises
    ------
    CheckpointError
        If an entry is compressed or encrypted, or its header contradicts the table of contents.
    """
    asked = list(chosen)
    if (packed := next((entry for entry in asked if not entry.stored), None)) is not None:
        raise UnsupportedError(
            f"{file.name} has a compressed or encrypted entry ({packed.name!r:.120}), and torch.save writes none; "
            "unpack it and save it by torch.save."
        )
    lengths = [len(entry.name.encode("utf-8", "replace")) for entry in asked]
    headers = file.read(
        [
            (entry.start, min(entry.stop, entry.start + _HEADER_SIZE + length))
            for entry, length in zip(asked, lengths, strict=True)
        ]
    )
    return {entry.name: _content(file, entry, header.tobytes()) for entry, header in zip(asked, headers, strict=True)}


def _content(file: File, entry: Entry, header: bytes) -> Range:
    magic, flags, method, length, further = _HEADER.unpack_from(header)
    start = entry.start + _HEADER_SIZE + length + further
    named = header[_HEADER_SIZE : _HEADER_SIZE + length] in (
        entry.name.encode(encoding, "replace") for encoding in ("utf-8", "cp437")
    )
    sound = magic == _MAGIC and method == ZIP_STORED and not flags & _ENCRYPTED and named
    if not sound or start + entry.size > entry.stop:
        raise HostileError(
            f"{file.name} has an entry ({entry.name!r:.120}) that its table of contents describes otherwise; obtain "
            "it again."
        )
    return start, start + entry.size


class _Seekable(io.RawIOBase):
    """A file of a place, as the standard library reads it; of its end, a part is held."""

    def __init__(self, file: File) -> None:
        self._file, self._size, self._at = file, file.size, 0
        self._from = max(0, self._size - _TAIL)
        self._held = file.read([(self._from, self._size)])[0].tobytes()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at < 0:
            raise ValueError("a place before its beginning")
        self._at = at
        return at

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self._at)
        size = left if size is None or size < 0 else min(size, left)
        if size > _LARGEST_TABLE:
            raise self._too_large(size)
        start, self._at = self._at, self._at + size
        if start >= self._from:
            return self._held[start - self._from : start - self._from + size]
        return self._file.read([(start, start + size)])[0].tobytes()

    def _too_large(self, size: int) -> CheckpointError:
        return HostileError(
            f"{self._file.name} has a table of contents of {size} bytes; expected at most {_LARGEST_TABLE}; obtain "
            "it again."
        )
