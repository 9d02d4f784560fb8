"""From a path to weight files: a folder or one file, single or sharded; names that leave the folder are refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from ..base import CheckpointError
from .hostile import read_json_object

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Source:
    """The files of one checkpoint."""

    name: str
    folder: Path
    weights: tuple[Path, ...]
    """Weight files, ordered by name."""
    index: dict[str, str] | None
    """Tensor name to weight file name, where the checkpoint is sharded with an index."""
    config: dict[str, Any]
    """``config.json``; empty where there is none."""


def locate(path: Path) -> Source:
    """Find the weight files and configuration of a checkpoint.

    Raises
    ------
    CheckpointError
        If there is nothing there, only pickles, an incomplete set of shards, or a hostile index.
    """
    if not _exists(path):
        raise CheckpointError(f"{path.name!r:.200} does not exist; give a folder or safetensors file.")
    name = path.resolve().name if path.is_dir() else path.name
    if not name.isprintable():
        raise CheckpointError(f"The checkpoint is named {name!r:.200}; expected printable characters; rename it.")
    if path.is_dir():
        folder = path
        index = _index(folder)
        weights = _shards(folder, index) if index is not None else _whole(folder)
    else:
        if path.suffix.lower() in _PICKLES:
            raise _pickle(path.name)
        if path.suffix != ".safetensors":
            raise CheckpointError(f"{path.name} is not a .safetensors file; give one, or a folder of them.")
        folder, name, index, weights = path.parent, path.name, None, (path,)
    for file in weights:
        if not file.is_file() or not file.name.isprintable():
            raise CheckpointError(f"{file.name!r:.120} is not a regular file with a printable name; obtain it again.")
    config = folder / "config.json"
    return Source(name, folder, weights, index, read_json_object(config) if config.exists() else {})


def _index(folder: Path) -> dict[str, str] | None:
    path = folder / _INDEX
    if not path.exists():
        return None
    names = read_json_object(path).get("weight_map")
    if not isinstance(names, dict) or not names or not all(isinstance(n, str) for n in names.values()):
        raise CheckpointError(f"{_INDEX} has no usable weight_map; expected tensor names mapped to file names.")
    for name in names.values():
        parts = {*PurePosixPath(name).parts, *PureWindowsPath(name).parts}
        outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in parts
        if outside or "\0" in name or not name.endswith(".safetensors"):
            raise CheckpointError(
                f"{_INDEX} names the file {name!r:.120}; expected a .safetensors file inside the folder."
            )
    return names


def _shards(folder: Path, index: dict[str, str]) -> tuple[Path, ...]:
    files = sorted(set(index.values()))
    missing = [name for name in files if not _exists(folder / name)]
    if missing:
        raise CheckpointError(
            f"{missing[0]!r:.120} is missing ({len(missing)} of {len(files)} shards); download the checkpoint again."
        )
    return tuple(folder / name for name in files)


def _whole(folder: Path) -> tuple[Path, ...]:
    single = folder / "model.safetensors"
    files = sorted(folder.glob("*.safetensors"))
    if single in files:
        return (single,)
    if len(files) == 1:
        return (files[0],)
    if files:
        raise CheckpointError(
            f"{folder.resolve().name} has {len(files)} safetensors files and no {_INDEX}; add the index or give one "
            "file."
        )
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in _PICKLES)
    if pickles:
        raise _pickle(pickles[0])
    raise CheckpointError(f"{folder.resolve().name} holds no .safetensors file; give a folder that does.")


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
