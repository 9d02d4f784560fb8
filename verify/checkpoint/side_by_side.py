"""A base beside models that were made from it, number by number, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .adapters.changed import Changed
from .adapters.names import Names
from .adapters.overlay import declared_bases, merged_onto
from .checkpoint import Held
from .formats.rounding import COARSER, coarsest, held, is_plain
from .formats.tensor import Tensor
from .opening import contents_on
from .places.place import Location

Reason = Literal["missing", "shape", "quantised"]
"""Why a tensor of a model is not beside that of the base: there is none of its name; it has another shape; or one of
the two is not stored as plain floating-point numbers, and its rounding would pass for a change."""
Numbers = NDArray[np.float64]

_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Opened:
    """The files of a model."""

    content: Held

    @property
    def name(self) -> str:
        """Folder or file name, never a path."""
        return self.content.source.name

    @property
    def origin(self) -> str | None:
        """Address that it is read from; None for a local path."""
        return self.content.source.place.origin

    @property
    def revision(self) -> str | None:
        """Commit of its files, if the place keeps a history."""
        return self.content.source.place.revision

    @property
    def merged_onto(self) -> str | None:
        """The base that an adapter is merged onto; None for a whole model."""
        return merged_onto(self.content.source.place)

    @property
    def declared_bases(self) -> tuple[str, ...]:
        """Names of the base models that it declares."""
        return declared_bases(self.content.source.place)


@dataclass(frozen=True)
class Beside:
    """A tensor of the base, and that of each model."""

    name: str
    """In the base."""
    base: Tensor
    models: tuple[Tensor | None, ...]
    refused: tuple[Reason | None, ...]
    """Why that of a model is None."""

    @property
    def rows(self) -> int:
        """Rows of the tensor as a matrix: of a stack of matrices, of all; of a vector, one for each number."""
        return prod(self.base.shape[:-1]) if len(self.base.shape) > 1 else self.base.shape[0]

    def types(self) -> tuple[str | None, ...]:
        """Type of each model's numbers: the stored one, or one of 16 bits that holds all that it changed.

        So the numbers of a file that was widened have the type that they had before. None where a wider type is
        stored and a sample of rows has no changed number, which tells nothing.
        """
        at = self._sampled()
        p = _numbers(self.base, at)
        return tuple(None if x is None else _type(x.dtype, _numbers(x, at), p) for x in self.models)

    def sample(self) -> Numbers:
        """Numbers of the base and of each model that has it in rows at one distance, [1 + models, rows, columns]."""
        at, columns = self._sampled(), self.base.shape[-1] if len(self.base.shape) > 1 else 1
        tensors = [self.base, *(x for x in self.models if x is not None)]
        return np.stack([_numbers(x, at).reshape(-1, columns) for x in tensors])

    def _sampled(self) -> NDArray[np.intp]:
        """Rows at one distance."""
        rows = self.base.shape[0]
        kept = min(rows, max(1, _SAMPLE // max(1, prod(self.base.shape[1:]))))
        return np.unique(np.arange(kept) * rows // max(1, kept)).astype(np.intp)

    def blocks(self, entries: int) -> Iterator[tuple[int, Numbers]]:
        """First row, and numbers of the base and of each model there, shape [1 + models, rows, columns].

        Parameters
        ----------
        entries : about so many in memory; of a stack, at least one matrix of each.
        """
        count, shape = self.base.shape[0], self.base.shape
        columns = shape[-1] if len(shape) > 1 else 1
        each = self.rows // count
        tensors = [self.base, *(x for x in self.models if x is not None)]
        step = max(1, entries // max(1, each * columns * len(tensors)))
        for start in range(0, count, step):
            at = slice(start, min(count, start + step))
            yield start * each, np.stack([_numbers(x, at).reshape(-1, columns) for x in tensors])


def opened(model: Location, base: Location | None = None) -> Opened:
    """Open the files of a model; an adapter without a base of its own is merged onto ``base`` as it is read.

    Raises
    ------
    CheckpointError
        If a file is missing, damaged, hostile, or of a format that is not read.
    """
    return Opened(contents_on(model, base))


def each_beside(base: Opened, models: Sequence[Opened]) -> Iterator[Beside]:
    """The tensors of a base in the order of their names, each beside those of models.

    Parameters
    ----------
    base : the base.
    models : models that were made from it.
    """
    under, found = base.content.found, [one.content.found for one in models]
    names = [Names(one) for one in found]
    for name in sorted(under):
        tensors: list[Tensor | None] = []
        refused: list[Reason | None] = []
        for held_by, known in zip(found, names, strict=True):
            other = known.find(name)
            reason = "missing" if other is None else _reason(under[name], held_by[other])
            refused.append(reason)
            tensors.append(None if other is None or reason is not None else held_by[other])
        yield Beside(name, under[name], tuple(tensors), tuple(refused))


def coarsest_type(types: Sequence[str | None]) -> str:
    """The coarsest of the types of changed numbers; the finest there is where none changed."""
    known = [dtype for dtype in types if dtype is not None]
    return coarsest(known) if known else "F64"


def _reason(base: Tensor, model: Tensor) -> Reason | None:
    square = len(base.shape) == 2 and base.shape[0] == base.shape[1]
    if base.shape != model.shape or not base.shape or 0 in base.shape:
        return "shape"
    if square and base.is_out_in is not model.is_out_in:  # one may be turned
        return "shape"
    stored = model.base if isinstance(model, Changed) else model  # an adapter changes numbers of the base
    return None if is_plain(base) and is_plain(stored) else "quantised"


def _numbers(tensor: Tensor, rows: slice | NDArray[np.intp]) -> Numbers:
    with np.errstate(all="ignore"):  # what is not finite is counted later
        return np.asarray(tensor.read(rows), np.float64)


def _type(stored: str, x: Numbers, p: Numbers) -> str | None:
    if stored in COARSER:
        return stored
    changed = x[(x != p) & np.isfinite(x)]
    return next((one for one in COARSER if held(changed, one)), stored) if changed.size else None
