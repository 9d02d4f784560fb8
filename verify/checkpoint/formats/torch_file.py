"""Read one file of torch.save: stored numbers, and a pickle that is taken apart and never run.

Format: a zip archive, in which ``data.pkl`` describes the tensors as views of storages, each of which is an entry
``data/KEY`` (https://github.com/pytorch/pytorch/blob/main/torch/serialization.py); before torch 1.6, several pickles
and then the storages. Names of nested dicts are joined by dots.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Any

from ...base import CheckpointError, DamagedError, HostileError, UnsupportedError
from ..hostile import WAY_OUT
from ..places.place import File, Range
from .pickle_machine import Opaque, StorageKey, View, Wrapped, take_apart
from .safetensors_file import BITS, StoredTensor
from .stand_ins import LONGEST_NAME, stand_in
from .strided import StridedTensor
from .tensor import Contents, Tensor
from .torch_legacy import is_legacy, sections, storage_places
from .wrapper import part_name
from .zip_entries import Entry, contents_of, entries, is_zip

_log = logging.getLogger(__name__)
_LARGEST_PICKLE = 1 << 26  # bytes; a tensor takes about 150
_MOST_TENSORS = 1 << 18
_MOST_VISITS = 1 << 20  # entries of dicts looked at
_DEEPEST = 12  # dicts in dicts
_SHOWN = 20  # names of what is left out in the log
_FEW = 4  # in a message
_MOST_SHARED = 64  # times the size of the file that all tensors may have together, as views of shared storages
_SLACK = 1 << 24  # bytes that they may have besides
_PICKLE = re.compile(rb"\x80|c[\w.]+\r?\n[\w.]+\r?\n")  # of the binary protocols; of text, what can run code
_ITS_OWN = {"data.pkl", "byteorder", "version", "constants.pkl", ".format_version", ".storage_alignment"}
"""Entries of torch beside the storages."""
_TAR = (257, b"ustar")
_NO_MODEL = {"callbacks", "loops", "amp", "random_state", "random_states"}
_NO_MODEL_WORDS = {"optim", "optimizer", "optimizers", "scheduler", "schedulers", "scaler", "rng"}
"""Names, and words of names, under which training code keeps something else than weights beside a state dict."""
_LONGEST_WORDS = 60  # characters of such a name


def contents(file: File) -> Contents:
    """The tensors of a file by name, from its table of contents and its pickle.

    A dict that holds nothing but one state dict and things that are no weights gives its name to no tensor; state of
    optimisers, schedulers and random generators beside a state dict is left out.

    Raises
    ------
    CheckpointError
        If the file is no zip archive of torch.save, is damaged, or holds anything that is not known to be harmless.
    """
    if is_legacy(file):
        parts = sections(file, _LARGEST_PICKLE)
        take_apart(parts.machine, file.name)  # nothing in it is used; what could run code is refused
        root, storages = take_apart(parts.tensors, file.name, legacy=True)
        there = storage_places(file, parts, storages)
        return Contents(_placed(file, _views(file, root), lambda keys: {key: there[key] for key in keys}))
    if not is_zip(file):
        raise _other(file)
    found = entries(file)
    top = _top(file, found)
    pickled, order = found[f"{top}data.pkl"], found.get(f"{top}byteorder")
    if pickled.size > _LARGEST_PICKLE:
        raise HostileError(
            f"{file.name} holds a pickle of {pickled.size} bytes; expected at most {_LARGEST_PICKLE}; {WAY_OUT}."
        )
    first = [pickled, *filter(None, (order,))]
    places = contents_of(file, first)
    big_endian = order is not None and _is_big_endian(file, order, places)
    (text,) = file.read([places[pickled.name]])
    root, _ = take_apart(text.tobytes(), file.name)

    def entries_of(needed: Mapping[str, StorageKey]) -> dict[str, Range]:
        held = {key: _entry(file, found.get(f"{top}data/{key}"), storage) for key, storage in needed.items()}
        inside = contents_of(file, held.values())
        return {key: inside[entry.name] for key, entry in held.items()}

    return Contents(_placed(file, _views(file, root), entries_of, big_endian))


def _other(file: File) -> CheckpointError:
    """The error for a file that is no zip archive."""
    head = file.read([(0, min(file.size, _TAR[0] + len(_TAR[1])))])[0].tobytes()
    if _PICKLE.match(head) or head[_TAR[0] :] == _TAR[1]:
        return UnsupportedError(
            f"{file.name} is a pickle, or a tar archive of pickles as before torch 0.1.10, and is not "
            f"read; {WAY_OUT}."
        )
    return stand_in(file) or DamagedError(
        f"{file.name} is no zip archive, as torch.save writes (it begins with {head[:4]!r}); obtain it again, or "
        "give another file."
    )


def _top(file: File, found: dict[str, Entry]) -> str:
    """The folder of the archive that holds everything, with a slash at its end."""
    tops = {name.partition("/")[0] for name in found}
    top = f"{min(tops, default='')}/"
    if f"{top}constants.pkl" in found or any(name.startswith(f"{top}code/") for name in found):
        raise UnsupportedError(
            f"{file.name} is a TorchScript archive, a program with its weights, which is not read; if you trust "
            "it, load it with torch.jit.load and save its state dict as safetensors."
        )
    for name in found:
        inner = name.removeprefix(top)
        if inner.lower() in _ITS_OWN and inner not in _ITS_OWN:  # torch passes over case
            raise HostileError(f"{file.name} has an entry named {name!r:.120}; expected {inner.lower()!r}.")
    if len(tops) != 1 or f"{top}data.pkl" not in found:
        raise DamagedError(
            f"{file.name} is a zip archive that torch.save did not write ({len(found)} entries, no data.pkl in their "
            "one folder); give a file of weights."
        )
    return top


def _is_big_endian(file: File, order: Entry, places: dict[str, tuple[int, int]]) -> bool:
    said = file.read([places[order.name]])[0].tobytes() if order.size < 16 else b""
    if said not in (b"little", b"big"):
        raise DamagedError(f"{file.name} gives its byteorder as {said!r}; expected little or big; obtain it again.")
    return said == b"big"


# ---- the state dict


def _views(file: File, root: Any) -> dict[str, View]:
    """Tensors by name, those of nested dicts by dotted path without the path that all share."""
    if not isinstance(root, dict):
        what = root.text if isinstance(root, Opaque) else type(root).__name__
        raise UnsupportedError(f"{file.name} holds {what!r:.120} where a dict of tensors is expected; {WAY_OUT}.")
    paths: dict[tuple[str, ...], View] = {}
    left_out: list[str] = []
    for path, view in _walk(file, root, left_out):
        if path in paths:  # of a part of another
            raise DamagedError(f"{file.name} has two tensors named {'.'.join(path)!r:.200}; expected it once.")
        paths[path] = view
        if len(paths) > _MOST_TENSORS:
            raise HostileError(f"{file.name} holds more than {_MOST_TENSORS} tensors; {WAY_OUT}.")
    if left_out:
        _log.info("%s: left out, as no weights: %s", file.name, ", ".join(repr(name)[:60] for name in left_out))
    if not paths:
        beside = f", and beside it {', '.join(repr(one)[:60] for one in left_out[:_FEW])}" if left_out else ""
        raise DamagedError(f"{file.name} holds no dict of tensors by name{beside}; give a file that holds weights.")
    shared = 0
    while len({path[shared] for path in paths}) == 1 and min(map(len, paths)) > shared + 1:
        shared += 1
    found: dict[str, View] = {}
    for path, view in paths.items():
        name = ".".join(path[shared:])
        if name in found or len(name) > LONGEST_NAME or not name.isprintable():
            raise DamagedError(
                f"{file.name} has a tensor named {name!r:.200}; expected at most {LONGEST_NAME} printable "
                "characters, once."
            )
        found[name] = view
    return found


def _walk(file: File, root: dict[str, Any], left_out: list[str]) -> Iterator[tuple[tuple[str, ...], View]]:
    """Every tensor under the root, with its path."""
    visits = 0
    waiting: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), root)]
    while waiting:
        path, table = waiting.pop()
        visits += len(table) + 1
        if visits > _MOST_VISITS or len(path) > _DEEPEST:
            raise HostileError(
                f"{file.name} holds dicts nested over {_DEEPEST} deep, or over {_MOST_VISITS} entries; {WAY_OUT}."
            )
        wraps = any(isinstance(value, dict) for value in table.values()) and not any(
            (isinstance(value, Wrapped) or (isinstance(value, View) and value.shape)) and not _is_no_model(key)
            for key, value in table.items()
        )
        inner = []
        for key, value in table.items():
            aside = wraps and (_is_no_model(key) or (isinstance(value, dict) and "param_groups" in value))
            if aside or (wraps and isinstance(value, View) and not value.shape):
                left_out += [key] * (len(left_out) < _SHOWN)
            elif len(key) > LONGEST_NAME:
                if isinstance(value, View | Wrapped | dict):
                    raise HostileError(
                        f"{file.name} has a tensor whose name has {len(key)} characters; expected at most "
                        f"{LONGEST_NAME}."
                    )
            elif isinstance(value, View):
                yield (*path, key), value
            elif isinstance(value, Wrapped):
                for part, view in value.views.items():
                    yield (*path, part_name(key, part)), replace(view, whole=value.wrapper)
            elif isinstance(value, dict):
                inner.append(((*path, key), value))
            elif isinstance(value, Opaque) and value.may_hold_weights and not wraps and "_extra_state" not in key:
                raise UnsupportedError(
                    f"{file.name} stores {key!r:.200} as {value.text!r:.120}, among tensors; {WAY_OUT}."
                )
        waiting += reversed(inner)


def _is_no_model(key: str) -> bool:
    lower = key.lower() if len(key) <= _LONGEST_WORDS else ""
    return lower in _NO_MODEL or not _NO_MODEL_WORDS.isdisjoint(lower.split("_"))


# ---- their places


def _placed(
    file: File,
    views: dict[str, View],
    places_of: Callable[[Mapping[str, StorageKey]], dict[str, Range]],
    big_endian: bool = False,
) -> dict[str, Tensor]:
    """The tensors, in the storages that hold their numbers."""
    total = sum(prod(view.shape) * BITS[view.dtype] // 8 for view in views.values())
    if total > _MOST_SHARED * file.size + _SLACK:
        raise HostileError(
            f"{file.name} has {file.size} bytes and describes tensors of {total:.3g} in all, which share them; "
            f"expected at most {_MOST_SHARED} times as many; {WAY_OUT}."
        )
    places = places_of({view.storage.key: view.storage for view in views.values()})
    return {name: _tensor(file, name, view, places[view.storage.key], big_endian) for name, view in views.items()}


def _entry(file: File, entry: Entry | None, storage: StorageKey) -> Entry:
    """The entry of a storage, which has its size."""
    if entry is None or entry.size != storage.nbytes:
        raise DamagedError(
            f"{file.name} keeps tensors in a storage {storage.key!r:.60} of {storage.nbytes} bytes, of which the "
            f"archive has {'none' if entry is None else entry.size}; obtain it again."
        )
    return entry


def _tensor(file: File, name: str, view: View, place: tuple[int, int], big_endian: bool) -> StoredTensor:
    """A tensor, checked to lie inside its storage."""
    size, numbers = BITS[view.dtype] // 8, prod(view.shape)
    last = view.offset + sum((n - 1) * step for n, step in zip(view.shape, view.strides, strict=True))
    start, stop = place
    if numbers and start + (last + 1) * size > stop:
        raise DamagedError(
            f"{file.name} describes {name!r:.200} as shape {view.shape}, strides {view.strides}, from {view.offset}: "
            f"beyond the {(stop - start) // size} numbers of its storage; obtain it again."
        )
    if big_endian and view.dtype == "C64":
        raise UnsupportedError(f"{file.name} holds {name!r:.200}, complex numbers in big-endian order; {WAY_OUT}.")
    offset = start + view.offset * size if numbers else start
    if not numbers or ((not big_endian or size == 1) and _is_row_by_row(view)):
        return StoredTensor(file, name, view.dtype, view.shape, offset, whole=view.whole)
    return StridedTensor(file, name, view.dtype, view.shape, offset, view.strides, big_endian, whole=view.whole)


def _is_row_by_row(view: View) -> bool:
    expected = 1
    for n, step in zip(reversed(view.shape), reversed(view.strides), strict=True):
        if n != 1 and step != expected:
            return False
        expected *= n
    return True
