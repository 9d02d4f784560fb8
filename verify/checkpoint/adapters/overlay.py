"""The files of an adapter laid over those of its base, and the declarations of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..card import MOST_DECLARED, declared_base
from ..hostile import LARGEST_TEXT
from ..places.place import CARD, File, Range, Storage


@dataclass(frozen=True)
class BaseFile:
    """A file of the base, with the name ``base/...``."""

    file: File

    @property
    def name(self) -> str:
        """``base/`` and the name of the file."""
        return f"base/{self.file.name}"

    @property
    def size(self) -> int:
        """Bytes."""
        return self.file.size

    def read(self, ranges: Sequence[Range]) -> list[NDArray[np.uint8]]:
        """As the file itself."""
        return self.file.read(ranges)

    def sha256(self, *, read: bool) -> str | None:
        """As the file itself."""
        return self.file.sha256(read=read)

    def evict(self) -> None:
        """As the file itself."""
        self.file.evict()


@dataclass(frozen=True)
class AdapterOverBase:
    """The folder of an adapter laid over that of its base; the model card is the adapter's."""

    adapter: Storage
    base: Storage
    declared: tuple[str, ...]
    """The base that the adapter's settings name."""

    @property
    def name(self) -> str:
        """The adapter's."""
        return self.adapter.name

    @property
    def origin(self) -> str | None:
        """The adapter's."""
        return self.adapter.origin

    @property
    def revision(self) -> str | None:
        """The adapter's."""
        return self.adapter.revision

    @property
    def state(self) -> str | None:
        """State of both; None if either is unknown."""
        states = (self.adapter.state, self.base.state)
        return None if None in states else repr(states)

    def list_files(self) -> list[str]:
        """Names of the files of both folders, ordered."""
        return sorted({*self.adapter.list_files(), *self.base.list_files()} - ({CARD} - {*self.adapter.list_files()}))

    def folders(self) -> list[str]:
        """The adapter's."""
        return self.adapter.folders()

    def folder(self, name: str) -> Storage:
        """The adapter's."""
        return self.adapter.folder(name)

    def file(self, name: str) -> File:
        """The adapter's file if it has one of that name, else the base's."""
        return self._holder(name).file(name)

    def read_bytes(self, name: str, most: int = LARGEST_TEXT) -> bytes:
        """Likewise."""
        return self._holder(name).read_bytes(name, most)

    def _holder(self, name: str) -> Storage:
        return self.adapter if name == CARD or name in self.adapter.list_files() else self.base


def declared_bases(place: Storage) -> tuple[str, ...]:
    """Base models that the model card and the adapter's settings declare.

    Raises
    ------
    CheckpointError
        If the place cannot be read.
    """
    named = [*declared_base(place).models, *(place.declared if isinstance(place, AdapterOverBase) else ())]
    return tuple(dict.fromkeys(named))[:MOST_DECLARED]


def merged_onto(place: Storage) -> str | None:
    """Name, or address and commit, of the base that an adapter was merged onto; None for a whole model."""
    if not isinstance(place, AdapterOverBase):
        return None
    base = place.base
    return base.name if base.origin is None else "@".join(filter(None, (base.origin, base.revision)))


def is_local(place: Storage) -> bool:
    """Whether all files lie on this machine."""
    return place.origin is None and (not isinstance(place, AdapterOverBase) or place.base.origin is None)
