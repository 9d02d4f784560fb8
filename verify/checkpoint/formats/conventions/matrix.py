"""A matrix [out, in] stored as several tensors: the base class of all quantisation conventions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base import CheckpointError, DamagedError, Phrase
from ..safetensors_file import StoredTensor
from ..tensor import Indexer, how_many

Array = NDArray[Any]
Parts = dict[str, StoredTensor]
"""Stored tensors of one module, by the last part of their names."""


@dataclass(frozen=True)
class Quantised:
    """One matrix stored as several tensors; [out, in] even where the family stores [in, out]."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """The convention, and bits per number."""
    parts: Parts
    settings: dict[str, Any]
    """``quantization_config`` of ``config.json``."""
    is_out_in: bool = field(default=True, kw_only=True)
    """Tools that pack a matrix transpose it first."""

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Notes on what contradicts ``config.json``."""
        return ()

    @property
    def file(self) -> str:
        """Name of the file that holds the codes."""
        return next(iter(self.parts.values())).file

    def read(self, rows: Indexer = None, columns: Indexer = None) -> Array:
        """Some rows, and of them some columns, as float32."""
        whole = slice(None) if rows is None else rows
        with np.errstate(all="ignore"):  # infinite scales: counted as non-finite
            found = np.asarray(self.decode(np.arange(self.shape[0], dtype=np.intp)[whole]), np.float32)
        return found if columns is None else found[:, columns]

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows as numbers."""
        raise NotImplementedError

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns, as their share of all parts."""
        chosen = how_many(self.shape, rows, columns)
        return -(-sum(part.nbytes() for part in self.parts.values()) * chosen // max(1, prod(self.shape)))

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes of every part as stored."""
        for _, part in sorted(self.parts.items()):
            yield from part.iter_bytes()

    def refuse(self, found: str, expected: str) -> CheckpointError:
        """The error for a part that does not fit the convention."""
        return DamagedError(
            f"{self.name!r:.200} is stored as {self.dtype} with {found:.200}; expected {expected}; "
            "dequantise it with the tool that made it, or obtain it again."
        )

    def check(self, part: str, *shapes: tuple[int, ...], dtypes: tuple[str, ...] = ()) -> None:
        """Refuse a part of another shape or dtype.

        Parameters
        ----------
        part : name of the part, such as ``scales``.
        shapes : shapes that it may have; any if none is given.
        dtypes : dtypes that it may have, as the format names them; any if none is given.

        Raises
        ------
        CheckpointError
            If the part has another shape or dtype.
        """
        found = self.parts[part]
        if found.shape not in shapes or (dtypes and found.dtype not in dtypes):
            raise self.refuse(
                f"{part} of {found.dtype} {found.shape}",
                f"{' or '.join(dtypes) + ' ' if dtypes else ''}{' or '.join(map(str, shapes))}",
            )

    def groups(self, part: str | None, number: int) -> NDArray[np.intp]:
        """The group of scales of each input channel, below ``number``: from a stored part, else by equal runs."""
        size = self.shape[1]
        if part is not None and part in self.parts:
            self.check(part, (size,), dtypes=("I32",))
            found = self.parts[part].values(np.dtype("<i4")).astype(np.intp)
            if not (found == -1).all():  # compressed-tensors: no order stored
                if size and not 0 <= found.min() <= found.max() < number:
                    raise self.refuse(f"group {found.max()} in {part}", f"groups 0 to {number - 1}")
                return found
        run = self.settings.get("group_size")
        run = run if type(run) is int and run > 0 else ceil(size / max(1, number)) or 1  # -1: a single group
        if ceil(size / run) != number:
            raise self.refuse(f"{number} groups of scales", f"{size} input channels in groups of {run}")
        return np.arange(size, dtype=np.intp) // run


def unpacked(words: NDArray[np.uint32], bits: int, size: int) -> NDArray[np.int16]:
    """The first ``size`` codes of the last axis of ``words``, packed from the low bits up.

    Parameters
    ----------
    words : uint32, shape [..., words].
    bits : bits of one code, 1 to 8.
    size : number of codes to return.

    Returns
    -------
    array
        int16 codes, shape [..., size].
    """
    position = np.arange(size) * bits
    word, shift = position // 32, (position % 32).astype(np.uint32)
    found = words[..., word] >> shift
    over = shift + bits > 32  # three bits: a code may begin in one word and end in the next
    if over.any():
        found[..., over] |= words[..., word[over] + 1] << (32 - shift[over])
    return (found & ((1 << bits) - 1)).astype(np.int16)


def as_bytes(part: StoredTensor, dtype: str) -> StoredTensor:
    """The bytes of each row as numbers of 8 bits, whatever type and further axes they are stored with."""
    rows = max(1, part.shape[0]) if part.shape else 1
    return part.viewed(dtype, (*part.shape[:1], part.nbytes() // rows))


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """The shape, if it is that of a matrix; else a shape that no part has."""
    return (shape[0], shape[1]) if len(shape) == 2 else (-1, -1)


def of_groups(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """What compressed-tensors says of the weights of each group of modules."""
    groups = settings.get("config_groups")
    found = groups.values() if isinstance(groups, dict) else ()
    weights = [group.get("weights") for group in found if isinstance(group, dict)]
    return [one for one in weights if isinstance(one, dict)]
