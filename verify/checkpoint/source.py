"""From an address to weight files: a folder or one file, single or sharded, never outside the folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from ..base import CheckpointError
from .formats import FORMATS
from .hostile import parse_json_object
from .place import INDEX, File, LocalFolder, Location, Place

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")


@dataclass(frozen=True)
class Source:
    """The files of one checkpoint."""

    place: Place
    name: str
    weights: tuple[File, ...]
    """Weight files, ordered by name."""
    index: dict[str, str] | None
    """Tensor name to weight file name, where the checkpoint is sharded with an index."""
    config: dict[str, Any]
    """``config.json``; empty where there is none."""


@dataclass(frozen=True)
class Whereabouts:
    """Where a model lies, found without looking into its weights."""

    location: Location
    """The same, at the commits that were found, so that whoever opens it later reads the same files."""
    places: tuple[tuple[Place, str], ...]
    """The model's and, where it is merged onto one, its base's, each with the name of the file or folder meant."""

    @property
    def state(self) -> str | None:
        """Changes whenever bytes of its files may have; None where that cannot be known."""
        states = [(place.state, name) for place, name in self.places]
        return None if any(state is None for state, _ in states) else repr(states)

    @property
    def local(self) -> bool:
        """Whether all files lie on this machine."""
        return all(place.origin is None for place, _ in self.places)

    @property
    def committed(self) -> bool:
        """Whether all files are of a commit, and so do not change."""
        return all(place.revision is not None for place, _ in self.places)


def whereabouts(location: Location) -> Whereabouts:
    """Find a model, and the base that it is merged onto if one is given.

    Raises
    ------
    CheckpointError
        If there is nothing there.
    """
    place, file = _find(location)
    places = [(place, file or place.name)]
    if place.revision is not None:
        location = replace(location, revision=place.revision)
    if location.base is not None:
        base, file = _find(Location(location.base, token=location.token))
        places.append((base, file or base.name))
        if base.revision is not None and file is None and len(PurePosixPath(base.origin or "").parts) == 3:
            location = replace(location, base=f"{base.origin}@{base.revision}")
    return Whereabouts(location, tuple(places))


def locate(location: Location) -> Source:
    """Find the weight files and configuration of a checkpoint.

    Raises
    ------
    CheckpointError
        If there is nothing there, only pickles, an incomplete set of shards, or a hostile index.
    """
    place, file = _find(location)
    name = place.name if file is None else PurePosixPath(file).name
    if not name.isprintable():
        raise CheckpointError(f"The checkpoint is named {name!r:.200}; expected printable characters; rename it.")
    present, index = place.names(), None
    names: tuple[str, ...]
    if file is not None:
        names = (_readable(file),)
    elif INDEX in present:
        index = _index(place)
        names = _shards(present, index)
    else:
        names = _whole(place.name, present)
    weights = tuple(place.file(weight) for weight in names)
    config = parse_json_object(place.small("config.json"), "config.json") if "config.json" in present else {}
    return Source(place, name, weights, index, config)


def _find(location: Location) -> tuple[Place, str | None]:
    """The place, and the file inside it that is meant; None for the folder as a whole."""
    text = location.text
    if not text:
        raise CheckpointError("A model is given as an empty text; give a folder, a file or an address.")
    path = Path(text)
    if _exists(path):
        if location.revision is not None:
            raise CheckpointError(
                f"{path.name!r:.120} lies on this machine, and a revision is given; leave it out, or give an address "
                "of the Hub."
            )
        return (LocalFolder(path), None) if path.is_dir() else (LocalFolder(path.parent), path.name)
    from .remote import find_address, find_on_hub

    found = find_on_hub(location) or find_address(location)
    if found is None:
        raise CheckpointError(
            f"{PurePath(text).name!r:.200} does not exist; give a folder, a file of weights, or an address such as "
            "hf://org/model."
        )
    return found


def _readable(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _PICKLES:
        raise _pickle(name)
    if suffix not in FORMATS:
        raise CheckpointError(f"{name!r:.120} is not a {' or '.join(FORMATS)} file; give one, or a folder of them.")
    return name


def _index(place: Place) -> dict[str, str]:
    names = parse_json_object(place.small(INDEX), INDEX).get("weight_map")
    if not isinstance(names, dict) or not names or not all(isinstance(n, str) for n in names.values()):
        raise CheckpointError(f"{INDEX} has no usable weight_map; expected tensor names mapped to file names.")
    for name in names.values():
        parts = {*PurePosixPath(name).parts, *PureWindowsPath(name).parts}
        outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in parts
        if outside or "\0" in name or not name.endswith(".safetensors"):
            raise CheckpointError(
                f"{INDEX} names the file {name!r:.120}; expected a .safetensors file inside the folder."
            )
    return names


def _shards(present: list[str], index: dict[str, str]) -> tuple[str, ...]:
    files = sorted(set(index.values()))
    missing = [name for name in files if name not in present]
    if missing:
        raise CheckpointError(
            f"{missing[0]!r:.120} is missing ({len(missing)} of {len(files)} shards); download the checkpoint again."
        )
    return tuple(files)


def _whole(name: str, present: list[str]) -> tuple[str, ...]:
    """The one file that holds all weights, of the first format that there is any of."""
    if "model.safetensors" in present:
        return ("model.safetensors",)
    for suffix in FORMATS:
        files = sorted(file for file in present if file.endswith(suffix))
        if len(files) == 1:
            return (files[0],)
        if files:
            raise CheckpointError(
                f"{name} has {len(files)} {suffix.lstrip('.')} files and no {INDEX}; add the index or give one file."
            )
    pickles = sorted(file for file in present if PurePosixPath(file).suffix.lower() in _PICKLES)
    if pickles:
        raise _pickle(pickles[0])
    raise CheckpointError(f"{name} holds no {' or '.join(FORMATS)} file; give a folder that does.")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for the file system, or a folder that may not be entered
        return False


def _pickle(name: str) -> CheckpointError:
    return CheckpointError(
        f"{name!r:.120} is a pickle, which can run code when opened and is never read here; convert it to "
        "safetensors."
    )
