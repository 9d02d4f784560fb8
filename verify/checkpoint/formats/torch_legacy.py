"""Sections of a file as torch.save wrote it before 1.6: five pickles, one after another, then the storages.

The pickles are a magic number, the version of the protocol, facts about the machine, the tensors, and the keys of the
storages in their order in the file, where each is its number of entries (8 bytes) and the entries, little-endian.
Format: ``_legacy_save`` of https://github.com/pytorch/pytorch/blob/main/torch/serialization.py.
"""

from __future__ import annotations

import pickletools
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate, pairwise
from warnings import catch_warnings

from ...base import DamagedError, HostileError
from ..hostile import WAY_OUT
from ..places.place import File, Range
from .pickle_machine import MOST_STEPS, StorageKey

_BEGINNING = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
"""The magic number and version 1001."""
_FIRST = 1 << 20  # bytes read first; most files hold all pickles in them
_COUNT = 8  # bytes of a number of entries
_OF_KEYS = {
    *("PROTO", "EMPTY_LIST", "MARK", "BINUNICODE", "APPEND", "APPENDS", "BINPUT", "LONG_BINPUT", "STOP"),
}
"""Opcodes of a list of keys."""


@dataclass(frozen=True)
class Sections:
    """The parts of a file."""

    machine: bytes
    """Pickle of facts about the machine."""
    tensors: bytes
    """Pickle of the tensors."""
    keys: tuple[str, ...]
    """Of the storages, in their order in the file."""
    start: int
    """First byte of the first storage."""


def is_legacy(file: File) -> bool:
    """Whether a file begins as torch.save began it before 1.6."""
    size = len(_BEGINNING)
    return file.size >= size and file.read([(0, size)])[0].tobytes() == _BEGINNING


def sections(file: File, largest: int) -> Sections:
    """Find the pickles of a file; nothing in them is followed.

    Parameters
    ----------
    file : a file for which :func:`is_legacy` holds.
    largest : bytes that all pickles may have.

    Raises
    ------
    CheckpointError
        If they are cut off, too long, or the last is no list of keys.
    """
    size = _FIRST
    while True:
        text = file.read([(0, min(size, file.size))])[0].tobytes()
        if (ends := _ends(text, len(_BEGINNING), 3)) is not None:
            machine, tensors, keys = ends
            return Sections(
                text[len(_BEGINNING) : machine], text[machine:tensors], _keys(file, text[tensors:keys]), keys
            )
        if size >= file.size:
            raise _damaged(file, "pickles that are cut off")
        if size >= largest:
            raise HostileError(f"{file.name} holds pickles of more than {largest} bytes in all; {WAY_OUT}.")
        size *= 4


def _ends(text: bytes, start: int, count: int) -> list[int] | None:
    """Where some pickles end that follow one another; None if the text ends before, or makes no sense."""
    stream, ends, steps = BytesIO(text), list[int](), 0
    stream.seek(start)
    with catch_warnings(action="ignore"):  # of backslashes, which are refused where a pickle is taken apart
        try:
            for _ in range(count):
                for _ in pickletools.genops(stream):
                    if (steps := steps + 1) > MOST_STEPS:
                        return None
                ends.append(stream.tell())
        except (ValueError, OverflowError):
            return None
    return ends


def _keys(file: File, text: bytes) -> tuple[str, ...]:
    opcodes = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(text)]
    keys = tuple(str(argument) for name, argument in opcodes if name == "BINUNICODE")
    if not {name for name, _ in opcodes} <= _OF_KEYS or len(set(keys)) < len(keys):
        raise _damaged(file, "something else than a list of the keys of its storages")
    return keys


def storage_places(file: File, found: Sections, storages: Mapping[str, StorageKey]) -> dict[str, Range]:
    """First byte of each storage, and the byte after its last, by key.

    Parameters
    ----------
    file : the file.
    found : its parts.
    storages : all storages that its tensors name.

    Raises
    ------
    CheckpointError
        If the keys are others, the file has another size, or a storage states another number of entries.
    """
    if set(found.keys) != storages.keys():
        raise _damaged(file, f"{len(found.keys)} keys of storages, and tensors in {len(storages)}, not the same ones")
    counts = [storages[key].count for key in found.keys]
    sizes = [_COUNT + storages[key].nbytes for key in found.keys]
    stops = list(accumulate(sizes, initial=found.start))
    if stops[-1] != file.size:
        raise _damaged(file, f"storages up to byte {stops[-1]} and {file.size} bytes")
    heads = file.read([(at, at + _COUNT) for at in stops[:-1]])
    for key, head, count in zip(found.keys, heads, counts, strict=True):
        if (said := int.from_bytes(head.tobytes(), "little", signed=True)) != count:
            raise _damaged(file, f"a storage {key!r:.60} of {said} entries whose tensors say {count}")
    return {key: (at + _COUNT, stop) for key, (at, stop) in zip(found.keys, pairwise(stops), strict=True)}


def _damaged(file: File, what: str) -> DamagedError:
    return DamagedError(f"{file.name} has {what}; expected a whole file of torch.save; obtain it again.")
