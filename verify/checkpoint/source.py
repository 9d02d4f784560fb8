"""Find the weight files of an address: a folder or one file, single or sharded, never outside the folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from sys import intern
from typing import Any

from ..base import (
    CheckpointError,
    DamagedError,
    HostileError,
    NotFoundError,
    OptionError,
    Phrase,
    UnsupportedError,
    exists,
)
from . import places
from .formats.registry import FORMATS, PICKLED
from .formats.weight_sets import (
    PICKLES,
    WeightSet,
    chosen,
    foreign,
    instead_of_weights,
    is_index,
    is_no_model,
    is_stage,
    rank_of,
    suffix_of_shards,
    unread_weights,
    weight_sets,
)
from .hostile import LARGEST_HEADER, WAY_OUT
from .places.place import File, LocalFolder, Location, Storage, settings_in

_MOST_FOLDERS = 256  # folders searched
_MOST_NAMES = 1000  # names that a mistyped one is compared with
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
"""File names that stay in the folder itself on every system."""
_SHOWN = 8  # names of folders in a message
_MODULE = re.compile(r"[0-9]{1,2}_\w+")
"""Folder of a module of sentence-transformers, which numbers them; the first holds the model."""


@dataclass(frozen=True)
class Source:
    """The files of one checkpoint."""

    place: Storage
    name: str
    weights: tuple[File, ...]
    """Weight files, ordered by name."""
    index: dict[str, str] | None
    """Weight file name by tensor name, if the checkpoint has an index."""
    config: dict[str, Any]
    """Content of ``config.json``; empty if there is none."""
    sliced: bool = False
    """Whether every file holds a slice of each tensor."""
    not_read: tuple[str, ...] = ()
    """Other files of weights in the folder, by name; empty for a file given by its own path."""
    notes: tuple[Phrase, ...] = ()
    """On settings that could not be followed."""


@dataclass(frozen=True)
class ResolvedLocation:
    """The resolved location of a model, found without reading its weights."""

    location: Location
    """The location pinned to the commits found, so that opening it later reads the same files."""
    places: tuple[tuple[Storage, str], ...]
    """Folder of the model and, if any, of its base, each with the name of the file or folder."""
    tokenizer: tuple[Storage, str] | None = None
    """Likewise for the tokenizer, if another than the model's own is given."""

    @property
    def state(self) -> str | None:
        """A text that changes whenever bytes of its files may have changed; None if that cannot be known."""
        if any(place.state is None for place, _ in self._all):
            return None
        return repr([((below(place) if name == place.name else place).state, name) for place, name in self._all])

    @property
    def local(self) -> bool:
        """Whether all weights are local."""
        return all(place.origin is None for place, _ in self.places)

    @property
    def committed(self) -> bool:
        """Whether all files belong to a commit, and so do not change."""
        return all(place.revision is not None for place, _ in self._all)

    @property
    def _all(self) -> tuple[tuple[Storage, str], ...]:
        return self.places if self.tokenizer is None else (*self.places, self.tokenizer)


def resolve_location(location: Location) -> ResolvedLocation:
    """Find a model, and its base and tokenizer if they are given.

    Raises
    ------
    CheckpointError
        If nothing is there.
    """
    place, file = find(location)
    found = [(place, file or place.name)]
    if place.revision is not None:
        location = replace(location, revision=place.revision)
    if location.base is not None:
        base, file = find(Location(location.base, token=location.token))
        found.append((base, file or base.name))
        if base.revision is not None and file is None and len(PurePosixPath(base.origin or "").parts) == 3:
            location = replace(location, base=f"{base.origin}@{base.revision}")
    tokenizer = None
    if (given := location.of_tokenizer) is not None:
        lender, file = find(given)
        tokenizer = lender, file or lender.name
    return ResolvedLocation(location, tuple(found), tokenizer)


def locate(location: Location) -> Source:
    """Find the weight files and configuration of a checkpoint.

    If a folder holds no weights and exactly one folder in it does, that one is read.

    Raises
    ------
    CheckpointError
        If there is nothing, only formats that are not read, an incomplete set of shards, several different sets of
        weights, or a hostile index.
    """
    place, file = find(location)
    name = place.name if file is None else PurePosixPath(file).name
    further: tuple[str, ...] = ()
    if file is None:
        inner = below(place)
        further = _weights_of_modules(place, PurePosixPath(inner.name).name)
        name = name if inner is place else f"{name}/{PurePosixPath(inner.name).name}"
        place = inner
    if not name.isprintable():
        raise OptionError(f"The checkpoint is named {name!r:.200}; expected printable characters; rename it.")
    present = place.list_files()
    config = settings_in(place, "config.json") if "config.json" in present else {}
    if file is None:
        meant = _meant(place, present, config)
    elif is_index(file):
        meant = _listed(place, file)
    else:
        meant = WeightSet((_readable(file),), slices=rank_of(file) is not None)
    index = None if meant.index is None else _index(place, meant.index)
    weights = tuple(place.file(weight) for weight in meant.files)
    read = (*meant.files, *filter(None, (meant.index,)))
    not_read = unread_weights(present, tuple(FORMATS), read) if file is None else ()
    return Source(place, name, weights, index, config, meant.slices, (*not_read, *further))


def below(place: Storage) -> Storage:
    """The folder itself or, if it holds no weights, the only folder in it that does.

    Raises
    ------
    CheckpointError
        If several do.
    """
    names = place.list_files()
    if any(is_weights(name) for name in names):
        return place
    inner = [place.folder(name) for name in place.folders()[:_MOST_FOLDERS] if not is_stage(name)]
    holding = [one for one in inner if any(_is_read(name) for name in one.list_files())]
    first = _modules(place)[:1]
    holding = [one for one in holding if PurePosixPath(one.name).name in first] or holding
    if len(holding) > 1:
        listed = ", ".join(repr(PurePosixPath(one.name).name)[:100] for one in holding[:_SHOWN])
        more = f" and {len(holding) - _SHOWN} more" if len(holding) > _SHOWN else ""
        raise OptionError(
            f"{place.name} holds no weights itself, and {len(holding)} folders in it do: {listed}{more}; give one of "
            "them."
        )
    return holding[0] if holding else place


def _modules(place: Storage) -> list[str]:
    """Folders of the modules of sentence-transformers, in order; none in a folder of another kind."""
    found = place.folders() if "modules.json" in place.list_files() else []
    return sorted(filter(_MODULE.fullmatch, found), key=lambda name: int(name.partition("_")[0]))


def _weights_of_modules(place: Storage, read: str) -> tuple[str, ...]:
    """Weights of all modules of sentence-transformers but the one that is read."""
    return tuple(
        f"{folder}/{name}"
        for folder in _modules(place)
        if folder != read
        for name in place.folder(folder).list_files()
        if is_weights(name) and name.isprintable()
    )


def _meant(place: Storage, present: list[str], config: dict[str, Any]) -> WeightSet:
    """The set of weights to read in a folder."""
    others = tuple(suffix for suffix in FORMATS if suffix not in PICKLED)
    for suffixes, files in ((others, present), (PICKLED, [name for name in present if not is_no_model(name)])):
        if sets := weight_sets(files, suffixes, lambda name: _index(place, name)):
            return chosen(place, sets, present, config)
    folders = place.folders()
    if (found := instead_of_weights(place.name, present, folders)) is not None:
        raise UnsupportedError(found)
    pickles = sorted(file for file in present if PurePosixPath(file).suffix.lower() in PICKLES)
    if pickles:
        raise _pickle(pickles[0])
    states = sorted(file for file in present if PurePosixPath(file).suffix.lower() in PICKLED)
    if states:
        raise UnsupportedError(
            f"{place.name} holds {states[0]!r:.120} and no weights; that file keeps the state of a training or a "
            "part of a model, not a whole one; give the folder of the model that was saved."
        )
    inside = f" (nor do folders in it: {len(folders)})" if folders else ""
    raise NotFoundError(
        f"{place.name or 'The folder'} holds no {' or '.join(FORMATS)} file{inside}; give a folder that does."
    )


def is_weights(name: str) -> bool:
    """Whether a file name is one of weights."""
    return is_index(name) or _is_read(name) or PurePosixPath(name).suffix.lower() in PICKLES


def _is_read(name: str) -> bool:
    """Whether a file name is one of weights in a format that is read."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in FORMATS and not (suffix in PICKLED and is_no_model(name))


def find(location: Location) -> tuple[Storage, str | None]:
    """The folder, and the file in it; None for the folder as a whole.

    Raises
    ------
    CheckpointError
        If nothing is there.
    """
    text = location.address
    if not text:
        raise OptionError("A model is given as an empty text; give a folder, a file or an address.")
    path = Path(text)
    if exists(path):
        if location.revision is not None:
            raise OptionError(
                f"{path.name!r:.120} lies on this machine, and a revision is given; leave it out, or give an address "
                "of the Hub."
            )
        return (LocalFolder(path), None) if path.is_dir() else (LocalFolder(path.parent), path.name)
    shown = path.name if path.is_absolute() else text  # messages show no absolute path
    if os.path.islink(path):  # noqa: PTH114 - which is false too where no path can be of the name
        raise NotFoundError(f"{shown!r:.200} is a link to nothing; give a folder, a file of weights, or an address.")
    try:
        found = places.find_on_hub(location) or places.find_address(location)
    except CheckpointError as error:
        if "://" in text:
            raise
        raise type(error)(
            f"{shown!r:.200} does not exist: there is no such folder or file here{_likely(path)}, and of the Hub: "
            f"{error}"
        ) from error
    if found is None:
        raise NotFoundError(
            f"{shown!r:.200} does not exist{_likely(path)}; give a folder, a file of weights, or an address such as "
            "hf://org/model."
        )
    return found


def _readable(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PICKLES:
        raise _pickle(name)
    if (said := foreign(name)) is not None:
        raise UnsupportedError(f"The file given is {said}.")
    if suffix not in FORMATS:
        raise UnsupportedError(f"{name!r:.120} is not a {' or '.join(FORMATS)} file; give one, or a folder of them.")
    return name


def _index(place: Storage, index: str) -> dict[str, str]:
    names, suffix = settings_in(place, index, LARGEST_HEADER).get("weight_map"), suffix_of_shards(index)
    if not isinstance(names, dict) or not names or not all(isinstance(n, str) for n in names.values()):
        raise DamagedError(f"{index} has no usable weight_map; expected tensor names mapped to file names.")
    for name in set(names.values()):
        if _PLAIN.fullmatch(name) and name.endswith(str(suffix)):
            continue
        parts = {*PurePosixPath(name).parts, *PureWindowsPath(name).parts}
        outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in parts
        if outside or "\0" in name or not name.endswith(str(suffix)):
            raise HostileError(f"{index} names the file {name!r:.120}; expected a {suffix} file inside the folder.")
    return {name: intern(file) for name, file in names.items()}


def _listed(place: Storage, index: str) -> WeightSet:
    """The set of weights of an index given by its own path."""
    files = tuple(sorted(set(_index(place, index).values())))
    return chosen(place, [WeightSet(files, index)], place.list_files(), {})


def _likely(path: Path) -> str:
    """The name in the same folder that was probably meant."""
    try:
        inside = [one.name for one in islice(path.parent.iterdir(), _MOST_NAMES)]
    except (OSError, ValueError):
        return ""
    from difflib import get_close_matches

    close = get_close_matches(path.name, inside, 1)
    return f" (there is {close[0]!r:.120})" if close else ""


def _pickle(name: str) -> CheckpointError:
    return HostileError(
        f"{name!r:.120} is a pickle outside the zip archive of torch.save, which can run code when opened and is "
        f"never read here; {WAY_OUT}."
    )
