"""Folders of any file system that fsspec supports: s3://, gs://, az://, sftp:// and others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, TypeVar

from ...base import AccessDeniedError, Cache, MissingPackageError, NetworkError, NotFoundError, UnsupportedError
from ..hostile import LARGEST_TEXT
from .http import LARGEST, changed, without_secrets
from .place import Storage
from .range_cache import RangeCache
from .ranges import Meter, RemoteFile, all_of
from .retry import TransientError, with_retries

_REMOTE = "packages that are not installed; pip install 'verify-lineage[remote]'"
_VERSIONS = ("ETag", "etag", "VersionId", "generation", "md5Hash", "content_md5", "LastModified", "mtime", "created")

Answer = TypeVar("Answer")


@dataclass
class StoreFolder:
    """A folder of a file system."""

    system: Any
    path: str
    origin: str
    revision: None = None
    state: None = None
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        self.meter = Meter.of(self, self.origin)

    @property
    def name(self) -> str:
        """Last part of the address."""
        return PurePosixPath(self.path).name

    def list_files(self) -> list[str]:
        """Names of the files directly inside, ordered."""
        entries = _asked(lambda: self.system.ls(self.path, detail=True), self.name)
        paths = [PurePosixPath(entry["name"]) for entry in entries if entry.get("type") == "file"]
        return sorted({path.name for path in paths})

    def folders(self) -> list[str]:
        """Names of the folders directly inside, ordered."""
        entries = _asked(lambda: self.system.ls(self.path, detail=True), self.name)
        paths = [PurePosixPath(entry["name"]) for entry in entries if entry.get("type") == "directory"]
        return sorted({path.name for path in paths if path.name.isprintable() and path.name[:1] != "."})

    def folder(self, name: str) -> StoreFolder:
        """A folder directly inside."""
        return StoreFolder(self.system, f"{self.path}/{name}", f"{self.origin}/{name}")

    def file(self, name: str) -> RemoteFile:
        """A file, as it is now."""
        path = f"{self.path}/{name}"
        found = _asked(lambda: _info(self.system, path), name)
        size, version = found.get("size"), _version(found)
        if found.get("type") != "file" or type(size) is not int or not 0 <= size < LARGEST or "/" in name:
            raise NotFoundError(f"{self.origin} has no file {name!r:.120} of known size; check the address.")

        def fetch(start: int, stop: int) -> bytes:
            """Check the version after reading, so that bytes of another version are not cached."""
            block = bytes(_attempted(lambda: self.system.cat_file(path, start=start, end=stop), name))
            if _version(_attempted(lambda: _info(self.system, path), name)) != version:
                raise changed(name)
            if len(block) != stop - start:
                raise TransientError(f"{len(block)} of {stop - start} bytes arrived")
            return block

        identity = {"origin": self.origin, "file": name, "content": f"{size} {version}"}
        kept = None if version is None else RangeCache(Cache.default(), identity, size)
        return RemoteFile(name, size, fetch, self.meter, kept)

    def read_bytes(self, name: str, most: int = LARGEST_TEXT) -> bytes:
        """All of a small file."""
        return all_of(self.file(name), most)


def find_in_store(text: str) -> tuple[Storage, str | None]:
    """The folder at an address, and the file in it, if the address is one of a file."""
    origin = without_secrets(text).rstrip("/")
    scheme = text.partition("://")[0]
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(text)
    except ImportError as error:
        which = _REMOTE if scheme.lower() in ("s3", "s3a") else f"{_REMOTE} and fsspec's package of {scheme}"
        raise MissingPackageError(f"Reading {origin!r:.200} takes {which}.") from error
    except ValueError as error:
        raise UnsupportedError(
            f"{origin!r:.200} is no address of a file system that fsspec has; check the address."
        ) from error
    except Exception as error:  # some connect at once, and their messages may contain secrets
        raise NetworkError(
            f"{origin!r:.200} cannot be reached ({type(error).__name__}); check the address."
        ) from error
    path = path.rstrip("/")
    if _asked(lambda: _info(system, path), origin).get("type") != "file":
        return StoreFolder(system, path, origin), None
    folder, _, name = path.rpartition("/")
    return StoreFolder(system, folder, origin.rpartition("/")[0]), name


def _info(system: Any, path: str) -> dict[str, Any]:
    system.invalidate_cache()
    return dict(system.info(path))


def _version(found: dict[str, Any]) -> str | None:
    """The identity of a file's version; None if the store gives none."""
    marks = [f"{key} {found[key]}" for key in _VERSIONS if found.get(key) not in (None, "")]
    return ", ".join(marks) or None


def _asked(call: Callable[[], Answer], name: str) -> Answer:
    return with_retries(lambda: _attempted(call, name), name)


def _attempted(call: Callable[[], Answer], name: str) -> Answer:
    """Call a file system; transient failures are marked as such, others become one sentence without secrets."""
    try:
        return call()
    except FileNotFoundError as error:
        raise NotFoundError(f"{name!r:.200} does not exist; check the address.") from error
    except PermissionError as error:
        raise AccessDeniedError(f"{name!r:.200} may not be read; log in to the store.") from error
    except OSError as error:  # includes time-outs and broken connections
        raise TransientError(type(error).__name__) from error
    except Exception as error:  # each file system has its own
        raise AccessDeniedError(
            f"{name!r:.200} cannot be read ({type(error).__name__}); log in to the store, or check the address."
        ) from error
