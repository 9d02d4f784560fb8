"""Join the parts of a GGUF file that llama.cpp's converter or gguf-split cut by tensors.

The first part, ``name-00001-of-00005.gguf``, has the metadata of the whole; each says its number, how many parts
there are, and how many tensors all of them hold (``split.no``, ``split.count``, ``split.tensors.count``).
"""

from __future__ import annotations

import re
from typing import Any

from ...base import CheckpointError, DamagedError, NotFoundError, UnsupportedError
from ..places.place import File, Storage
from .gguf_file import GgufTensor, parse

_NAME = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{5})-of-(?P<total>[0-9]{5})\.gguf")
_WAY_OUT = "give the parts as gguf-split or the converter named them, or join them by gguf-split --merge"

Split = tuple[int, int, int]
"""Number of a part from 0, number of parts, and number of tensors in all of them."""


def joined(file: File, place: Storage) -> tuple[dict[str, GgufTensor], dict[str, Any], tuple[File, ...]]:
    """The tensors of a file and its further parts by name, the metadata of the whole, and the further parts.

    Raises
    ------
    CheckpointError
        If a part is damaged, missing or of another set, or is not the first.
    """
    tensors, said = parse(file)
    number, count, total = _split(file, said)
    match = _NAME.fullmatch(file.name)
    named = (int(match["number"]) - 1, int(match["total"])) if match else (0, 1)
    if (number, count) != named:
        raise _unlike(file, said, match is not None)
    if number:
        raise UnsupportedError(
            f"{file.name} is part {number + 1} of {count} of a GGUF file; give the first part, "
            f"{_part(file.name, 0)!r:.200}, or the folder."
        )
    beside: list[File] = []
    for k in range(1, count):
        try:
            part = place.file(_part(file.name, k))
        except NotFoundError:
            raise DamagedError(
                f"{file.name} is one of {count} parts, of which {_part(file.name, k)!r:.200} is missing; obtain it."
            ) from None
        more, also = parse(part)
        if _split(part, also) != (k, count, total):
            raise DamagedError(
                f"{part.name} calls itself part {_said(also)}, and {file.name} part {_said(said)}, of another set; "
                "obtain the parts of one set."
            )
        if twice := tensors.keys() & more.keys():
            raise DamagedError(f"{part.name} and a part before it both hold {min(twice)!r:.200}; obtain them again.")
        tensors |= more
        beside.append(part)
    if beside and len(tensors) != total:
        raise DamagedError(
            f"The {count} parts of {file.name} hold {len(tensors)} tensors, and say that they hold {total}; obtain "
            "them again."
        )
    return tensors, said, tuple(beside)


def _part(name: str, number: int) -> str:
    """File name of another part, numbered from 0."""
    return re.sub(r"-[0-9]{5}(-of-[0-9]{5}\.gguf)$", rf"-{number + 1:05d}\1", name)


def _split(file: File, said: dict[str, Any]) -> Split:
    """What a file says of the set that it is part of; a file that is whole is part 0 of 1."""
    number, count, total = (said.get(f"split.{key}", 0) for key in ("no", "count", "tensors.count"))
    if not all(type(n) is int and 0 <= n < 2**31 for n in (number, count, total)) or number >= max(1, count):
        raise DamagedError(f"{file.name} calls itself part {_said(said)}; expected counts; obtain it again.")
    return number, max(1, count), total if count > 1 else 0


def _said(said: dict[str, Any]) -> str:
    number, count, total = (said.get(f"split.{key}") for key in ("no", "count", "tensors.count"))
    return f"{number!r:.20} (from 0) of {count!r:.20} with {total!r:.20} tensors"


def _unlike(file: File, said: dict[str, Any], numbered: bool) -> CheckpointError:
    """The refusal of a file whose name contradicts what it says."""
    if not numbered:
        return UnsupportedError(f"{file.name} calls itself part {_said(said)}, unlike its name; {_WAY_OUT}.")
    return DamagedError(f"{file.name} calls itself part {_said(said)}, unlike its name; obtain it again.")
