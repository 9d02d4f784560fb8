"""The cache between runs: bytes under a kind and a key, in one folder that may be deleted at any time.

An entry is named by the sha256 of its key, so any key gives a valid file name on any system. Concurrent writers are
safe: an entry is whole or absent, and all writers of one key write the same bytes. A cache that cannot be read or
written costs time and nothing else.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from .errors import InputError
from .files import write_atomically

_log = logging.getLogger("verify.cache")
_FOLDER = "VERIFY_CACHE"


@dataclass(frozen=True)
class CacheEntry:
    """One entry: a file, or a folder of files."""

    kind: str
    path: Path
    size: int
    """Bytes."""
    used: float
    """Time of the last write or read, in seconds since 1970."""


@dataclass(frozen=True)
class Cache:
    """A folder of cache entries; :meth:`default` is the one that all commands share.

    >>> import tempfile
    >>> cache = Cache(Path(tempfile.mkdtemp()))
    >>> cache.get("numbers", "seven") is None
    True
    >>> cache.put("numbers", "seven", b"7")
    >>> cache.get("numbers", "seven")
    b'7'
    """

    folder: Path

    @staticmethod
    def default() -> Cache:
        """The cache in the folder that ``VERIFY_CACHE`` names, else in the platform's cache folder.

        Raises
        ------
        InputError
            If there is no such variable and the user has no home folder.
        """
        if chosen := os.environ.get(_FOLDER):
            return Cache(Path(chosen).absolute())
        try:
            return Cache(_of_system())
        except RuntimeError as error:
            raise InputError(f"There is no home folder to keep a cache in; set {_FOLDER} to a folder.") from error

    def path(self, kind: str, key: str) -> Path:
        """Path of an entry, whether it exists or not: ``kind`` is a plain word, ``key`` any text."""
        return self.folder / kind / sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    def get(self, kind: str, key: str) -> bytes | None:
        """The bytes stored under a key; None if there are none or they cannot be read."""
        path = self.path(kind, key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        touch(path)
        return content

    def put(self, kind: str, key: str, content: bytes) -> None:
        """Store bytes under a key; a failure is logged as a warning.

        Parameters
        ----------
        kind : plain word that names a sort of entry, such as ``fingerprints``.
        key : what the entry depends on, as text of any length.
        content : the bytes to keep.
        """
        self.write(self.path(kind, key), content)

    def write(self, path: Path, content: bytes) -> bool:
        """Write a file of the cache; return whether that succeeded."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, content)
        except OSError as error:
            _log.warning("The cache cannot be written (%s)%s.", error.strerror, self._advice())
            return False
        return True

    def _advice(self) -> str:
        """What to do about a cache that cannot be written: of one that was given, its giver knows."""
        try:
            shared = self == Cache.default()
        except InputError:
            shared = False
        return f"; set {_FOLDER} to another folder" if shared else ""

    def entries(self) -> list[CacheEntry]:
        """All entries, ordered by kind and name."""
        return [_entry(kind.name, path) for kind in _inside(self.folder) if kind.is_dir() for path in _inside(kind)]

    def clear(self, older_than: float = 0.0) -> tuple[list[CacheEntry], list[CacheEntry]]:
        """Delete entries not used for ``older_than`` seconds; return the deleted ones, and those that refused."""
        deleted: list[CacheEntry] = []
        refused: list[CacheEntry] = []
        for entry in self.entries():
            if time.time() - entry.used >= older_than:
                (deleted if _delete(entry.path) else refused).append(entry)
        return deleted, refused


def touch(path: Path) -> None:
    """Update the time of a file, where the file system allows it."""
    try:
        os.utime(path)
    except OSError:
        _log.debug("The time of %s cannot be set.", path.name)


def _of_system() -> Path:
    """Where this system keeps caches; a relative XDG_CACHE_HOME is ignored, as its specification says."""
    from platformdirs import user_cache_path

    chosen = user_cache_path("verify", appauthor=False)
    return chosen if chosen.is_absolute() else Path.home() / ".cache" / "verify"


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # not there, or deleted meanwhile
        return []


def _entry(kind: str, path: Path) -> CacheEntry:
    files = list(_stats(path))
    size, used = sum(file.st_size for file in files), max((file.st_mtime for file in files), default=0.0)
    return CacheEntry(kind, path, size, used)


def _stats(path: Path) -> Iterator[os.stat_result]:
    for file in _inside(path) if path.is_dir() else [path]:
        try:
            yield file.stat()
        except OSError:  # deleted meanwhile
            continue


def _delete(path: Path) -> bool:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError:  # in use, on Windows
        return False
    return True
