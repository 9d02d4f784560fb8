"""Folders and files of checkpoints: a folder holds files, and a file gives ranges of its bytes.

Everything that reads weights asks for byte ranges of a :class:`File`; the implementation maps them from a disk or
fetches them from a server. To add a kind of place, implement both protocols.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...base import (
    AccessDeniedError,
    CheckpointError,
    DamagedError,
    HostileError,
    InputError,
    NotFoundError,
    Version,
    open_regular,
    options,
    read_regular,
    sha256_of_file,
    version_of,
)
from ..hostile import LARGEST_SETTINGS, LARGEST_TEXT, parse_json_object

INDEX = "model.safetensors.index.json"
"""The index beside the shards of a model: file name by tensor name."""
CARD = "README.md"
"""The model card."""

_SNAPSHOT = re.compile(r"models--(\w[\w.-]*?)(?:--(\w[\w.-]*))?", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")
_MAPPED = 1 << 24  # bytes from which a range is mapped

Range = tuple[int, int]
"""First byte, and the byte after the last."""


@dataclass(frozen=True)
class Location:
    """A model by its address, with options for reading it; accepted wherever a path is.

    ``address`` is a path, ``org/model`` or ``hf://org/model`` on the Hugging Face Hub, or an ``https://`` or
    ``s3://`` address, of a folder or of one file.
    """

    address: str
    revision: str | None = None
    """Branch, tag or commit on the Hub; ``@revision`` at the end of the address says the same."""
    token: str | None = field(default=None, repr=False)
    """Token of the Hub; never logged, recorded or printed."""
    layout: str | None = None
    """Layout file, or name of a family, for an unknown architecture."""
    declare: str | None = None
    """What a model of an unknown type computes, such as ``rms,rotary``; see docs/layouts.md."""
    base: str | None = None
    """Path or address of the base model, if this one is an adapter; the two are merged as they are read."""
    part: str | None = None
    """Name of the part to read alone; None for the main part (for a fingerprint: all parts)."""
    tokenizer: str | Location | None = None
    """Path or address of another tokenizer than the model's own: a tokenizer file, or a folder or model that has
    one."""
    signer: str | None = None
    """File of the public key that must have signed the fingerprint that this is the path of."""

    def __post_init__(self) -> None:
        for name in ("address", "layout", "base", "tokenizer", "signer"):
            if isinstance(given := getattr(self, name), os.PathLike):
                object.__setattr__(self, name, os.fspath(given))
        if self.token is not None and not isinstance(self.token, str):
            raise InputError("token is no text; give text.")  # its value may be a secret
        for name in ("address", "revision", "layout", "declare", "base", "part", "tokenizer", "signer"):
            given = getattr(self, name)
            taken = isinstance(given, str | Location if name == "tokenizer" else str)
            if not taken and (given is not None or name == "address"):
                options.refuse(f"{name} of a Location", given, "text")

    def __repr__(self) -> str:
        """The arguments given, except the token."""
        names = ("revision", "layout", "declare", "base", "part", "tokenizer", "signer")
        given = "".join(f", {name}={value!r}" for name in names if (value := getattr(self, name)) is not None)
        return f"Location({self.address!r}{given})"

    def __str__(self) -> str:
        return self.address if self.revision is None else f"{self.address}@{self.revision}"

    @property
    def of_tokenizer(self) -> Location | None:
        """Location of the tokenizer given; None if none was."""
        given = self.tokenizer
        return given if given is None or isinstance(given, Location) else Location(given, token=self.token)

    def refuse_signer(self) -> None:
        """Refuse a signer of weights, which would be ignored.

        Raises
        ------
        InputError
            If one is given.
        """
        if self.signer is not None:
            raise InputError(
                f"{self.address!r:.200} is no fingerprint, and a signer is given, whose signature is of one; leave "
                "the signer out."
            )

    @staticmethod
    def of(model: str | os.PathLike[str] | Location, name: str = "model") -> Location:
        """The location for a path, address or location.

        Raises
        ------
        InputError
            If it is none of these; the message names the argument.
        """
        text = os.fspath(model) if isinstance(model, str | os.PathLike) else model
        if isinstance(text, str | Location):
            return text if isinstance(text, Location) else Location(text)
        return options.refuse(name, model, "a path, an address or a Location")


class File(Protocol):
    """One file of a place."""

    @property
    def name(self) -> str:
        """File name."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def read(self, ranges: Sequence[Range]) -> list[NDArray[np.uint8]]:
        """Bytes of each range, read-only.

        Raises
        ------
        CheckpointError
            If they cannot be read, or the file changed.
        """
        ...

    def sha256(self, *, read: bool) -> str | None:
        """Hexadecimal sha256: as the place gives it, else computed from all bytes if ``read``, else None."""
        ...

    def evict(self) -> None:
        """Delete the ranges of it that were cached for resuming."""
        ...


class Storage(Protocol):
    """A folder of files; folders inside are listed but not read."""

    @property
    def name(self) -> str:
        """Last part of the address; never a path."""
        ...

    @property
    def origin(self) -> str | None:
        """Address of the place, without secrets; None for a local folder."""
        ...

    @property
    def revision(self) -> str | None:
        """Commit of the files; None if the place keeps no history."""
        ...

    @property
    def state(self) -> str | None:
        """A text that changes whenever bytes of a file may have changed; None if nothing tells that."""
        ...

    def list_files(self) -> list[str]:
        """Names of the files directly inside."""
        ...

    def folders(self) -> list[str]:
        """Names of the folders directly inside, as far as the place lists them."""
        ...

    def folder(self, name: str) -> Storage:
        """A folder directly inside."""
        ...

    def file(self, name: str) -> File:
        """A file by name.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        ...

    def read_bytes(self, name: str, most: int = LARGEST_TEXT) -> bytes:
        """The content of a text file beside the weights, of at most ``most`` bytes.

        Raises
        ------
        CheckpointError
            If it cannot be read or is too large.
        """
        ...


@dataclass(frozen=True)
class LocalFile:
    """A local file: read, or mapped if one large range is asked for.

    Its size, time and inode are those of when it was found; if they change, reading it and its digest are errors, so
    that no mixture of two files is taken for one. Bytes of a mapping are checked when the digest is asked for.
    """

    path: Path
    _found: Version = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_found", self._now())

    @property
    def name(self) -> str:
        """File name."""
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes."""
        return self._found.size

    def check(self) -> None:
        """Refuse a file that is another than when it was found.

        Raises
        ------
        DamagedError
            If it is, or is gone.
        """
        if self._now() != self._found:
            raise _changed(self.name)

    def read(self, ranges: Sequence[Range]) -> list[NDArray[np.uint8]]:
        """Copies; one large range is a view of a mapping, whose bytes are read on access.

        Through a mapping, or without advice on the access pattern, the operating system reads ahead: for scattered
        rows, ten times as many bytes as were asked for.
        """
        try:
            if len(ranges) == 1 and ranges[0][1] - ranges[0][0] > _MAPPED:
                ((start, stop),) = ranges
                found = [np.asarray(np.memmap(self.path, np.uint8, "r", start, (stop - start,)))]
                self.check()
                return found
            with open_regular(self.path) as file:
                if hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
                found = [_exactly(file, start, stop) for start, stop in ranges]
                if version_of(os.fstat(file.fileno())) != self._found:
                    raise _changed(self.name)
                return found
        except (OSError, ValueError) as error:
            raise _changed(self.name) from error

    def sha256(self, *, read: bool) -> str | None:
        """Computed from all bytes if ``read``, else None; either way the file must be the same as at first."""
        try:
            found = sha256_of_file(self.path) if read else None
        except OSError as error:
            raise _unreadable(self.name, error) from error
        self.check()
        return found

    def _now(self) -> Version:
        try:
            return version_of(self.path.stat())
        except OSError as error:
            raise _unreadable(self.name, error) from error

    def evict(self) -> None:
        """Do nothing, since nothing is cached."""


@dataclass(frozen=True)
class LocalFolder:
    """A local folder."""

    path: Path
    origin: None = None
    revision: None = None

    @property
    def name(self) -> str:
        """Folder name; in the cache of the Hub's client, ``org/model`` and a folder below it."""
        path = self.path.resolve()
        for depth, folder in enumerate((path, *path.parents[:1])):
            match = _SNAPSHOT.fullmatch(folder.parent.parent.name)
            if match and folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name):
                return "/".join((*filter(None, match.groups()), *path.parts[len(path.parts) - depth :]))
        return path.name

    @property
    def state(self) -> str | None:
        """Path, and size, time and inode of every file."""
        try:
            stats = [(path.name, path.stat()) for path in sorted(self.path.iterdir())]
        except OSError:
            return None
        return repr([str(self.path.resolve()), *((n, s.st_size, s.st_mtime_ns, s.st_ino) for n, s in stats)])

    def list_files(self) -> list[str]:
        """Names of everything inside, ordered."""
        try:
            return sorted(path.name for path in self.path.iterdir())
        except OSError as error:
            raise _unreadable(self.name, error) from error

    def folders(self) -> list[str]:
        """Names of the folders inside, ordered, without hidden ones."""
        try:
            return sorted(path.name for path in self.path.iterdir() if path.is_dir() and path.name[0] != ".")
        except OSError as error:
            raise _unreadable(self.name, error) from error

    def folder(self, name: str) -> LocalFolder:
        """A folder inside."""
        return LocalFolder(self.path / name)

    def file(self, name: str) -> LocalFile:
        """A regular file inside."""
        path = self.path / name
        if path.is_symlink() and not path.exists():
            raise NotFoundError(f"{name!r:.120} is a link to a file that is not there; obtain it again.")
        if not path.is_file() or not name.isprintable():
            raise NotFoundError(f"{name!r:.120} is not a regular file with a printable name; obtain it again.")
        return LocalFile(path)

    def read_bytes(self, name: str, most: int = LARGEST_TEXT) -> bytes:
        """All of a small file."""
        file = self.file(name)
        if file.size > most:
            raise HostileError(f"{name} has {file.size} bytes; expected at most {most}; obtain it again.")
        try:
            content = read_regular(file.path, most)
        except OSError as error:
            raise _unreadable(name, error) from error
        file.check()
        return content


def settings_in(place: Storage, name: str, most: int = LARGEST_SETTINGS) -> dict[str, Any]:
    """The JSON object in a file beside the weights, of at most ``most`` bytes.

    Parameters
    ----------
    place : the folder.
    name : name of the file in it.
    most : largest number of bytes.

    Raises
    ------
    CheckpointError
        If it cannot be read, is too large or is no JSON object, or has a text that no record can hold.
    """
    text = place.read_bytes(name, most)
    found = parse_json_object(text, name)
    try:
        if b"\\ud" in text or b"\\uD" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise DamagedError(f"{name} has half of a surrogate pair in a text; obtain the file again.") from error
    return found


def _exactly(file: FileIO, start: int, stop: int) -> NDArray[np.uint8]:
    """The bytes of a range; ValueError if the file is shorter."""
    found = np.empty(stop - start, np.uint8)
    file.seek(start)
    done = 0
    while done < len(found):
        if not (count := file.readinto(found[done:].data)):
            raise ValueError("the file is shorter than its header says")
        done += count
    return found


def _changed(name: str) -> CheckpointError:
    """The error for a file that changed while it was read."""
    return DamagedError(f"{name} changed while it was read; start again.")


def _unreadable(name: str, error: OSError) -> CheckpointError:
    """The error for a file that is missing, not permitted or not readable."""
    kind = {FileNotFoundError: NotFoundError, PermissionError: AccessDeniedError}.get(type(error), DamagedError)
    return kind(f"{name} cannot be read ({error.strerror}); check the file.")
