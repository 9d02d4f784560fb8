"""Atomic writes, bounded reads, and digests of files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from time import sleep
from typing import NamedTuple
from uuid import uuid4

_CHUNK = 1 << 22  # bytes
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_WAITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)  # seconds


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write ``content`` to ``path`` so that a reader sees the old file or the new one, never a part.

    Parameters
    ----------
    path : the file, whose folder is made if absent.
    content : all of it, or blocks one after the other, of which one at a time is held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid4().hex}.part")  # its own, whatever threads and processes write the same file
    try:
        with part.open("wb") as file:
            file.writelines((content,) if isinstance(content, bytes) else content)
        _replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def exists(path: Path) -> bool:
    """Whether there is something at a path; not at one that cannot be, or that may not be looked at."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long a name, a NUL, or no permission
        return False


@contextmanager
def open_regular(path: Path) -> Iterator[FileIO]:
    """A regular file, open for reading without a buffer; a pipe or device, which may never end, is refused.

    A pipe put in its place meanwhile is refused too, since opening does not wait for a writer.

    Raises
    ------
    OSError
        If it cannot be opened, or no path is given.
    """
    try:
        _check_regular(path.stat())  # before it is opened, since opening some devices does something
        descriptor = os.open(path, os.O_RDONLY | _AT_ONCE)
    except ValueError as error:
        raise OSError(None, "not a path") from error
    with FileIO(descriptor) as file:
        _check_regular(os.fstat(descriptor))
        yield file


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file of at most ``most`` bytes, as it was at one time.

    Raises
    ------
    OSError
        If it cannot be read, or changes meanwhile.
    """
    with open_regular(path) as file:
        before = version_of(os.fstat(file.fileno()))
        if before.size > most:
            raise OSError(None, f"more than {most} bytes")
        content = bytearray()
        while len(content) <= most and (block := file.read(min(_CHUNK, most + 1 - len(content)))):
            content += block
        if len(content) != before.size or version_of(os.fstat(file.fileno())) != before:
            raise OSError(None, "it changed while it was read")
    return bytes(content)


class Version(NamedTuple):
    """What tells one content of a local file from another, short of its bytes."""

    size: int
    """Bytes."""
    modified: int
    """Time of the last change, in nanoseconds since 1970."""
    number: tuple[int, int]
    """Device, and number on it."""


def version_of(found: os.stat_result) -> Version:
    """The version of a file whose status was asked for."""
    return Version(found.st_size, found.st_mtime_ns, (found.st_dev, found.st_ino))


def _check_regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(None, "Is a directory" if stat.S_ISDIR(found.st_mode) else "Not a regular file")


def replace_together(folder: Path, contents: Mapping[str, bytes], stale: Collection[str] = ()) -> None:
    """Write the files of one run into a folder, after removing those of an earlier run.

    If it is interrupted, the folder holds files of one run only: all or some of the earlier one, or some or all of
    this one. Everything is written under temporary names before anything is removed, so a full disk destroys nothing.

    Parameters
    ----------
    folder : where the files are written.
    contents : content by file name, in the order of writing; put the file that the others belong to last.
    stale : names of further files to remove.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = {name: folder / f".{uuid4().hex}.part" for name in contents}
    try:
        for name, part in parts.items():
            part.write_bytes(contents[name])
        for name in dict.fromkeys((*stale, *contents)):
            (folder / name).unlink(missing_ok=True)
        for name, part in parts.items():
            _replace(part, folder / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _replace(part: Path, path: Path) -> None:
    """Retry, since Windows refuses to replace a file while it is read."""
    for wait in _WAITS:
        try:
            part.replace(path)
            return
        except PermissionError:
            sleep(wait)
    part.replace(path)


def sha256_of_file(path: Path) -> str:
    """Hexadecimal sha256 of a file, read in bounded blocks."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
