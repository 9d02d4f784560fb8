"""Read a checkpoint: chosen rows, or every entry once in bounded blocks; everything read is digested."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint, Key
from .layout import SPREAD_ROLES
from .moments import Moments, NonFinite, Tally

FEW_BYTES = 16
"""Largest number of different bytes in a constant, a mask or a count; learned numbers have more."""

_BLOCK = 1 << 18  # entries of a block: what is done with one finds it in the cache of a core
_TOGETHER = 4  # blocks read at once where a few rows cost as much as many
_AHEAD = 64  # blocks requested at once from a remote place, and fetched in parallel


class Scan:
    """Reads tensors of a checkpoint.

    Attributes
    ----------
    tallies : of each (role, layer) read whole, experts of a layer pooled; layer None outside layers. Moments of the
        roles whose spread is kept, if asked for; else counts of non-finite entries.
    digests : sha256 of everything read: of chosen rows, or of a whole tensor as float32.
    non_finite : number of non-finite entries, by set of chosen rows.
    varied : tensors without a role whose bytes take more than ``FEW_BYTES`` values.
    """

    def __init__(self, checkpoint: Checkpoint, *, moments: bool = False) -> None:
        self.tallies: dict[tuple[str, int | None], Tally] = {}
        self.digests: dict[str, bytes] = {}
        self.non_finite: dict[str, int] = {}
        self.varied: set[str] = set()
        self._checkpoint = checkpoint
        self._spread = SPREAD_ROLES if moments else ()
        self._whole: set[Key] = set()

    def rows(
        self, role: str, layer: int | None, chosen: NDArray[np.intp], expert: int | None = None
    ) -> NDArray[np.float64]:
        """Read and digest some rows of a tensor.

        Parameters
        ----------
        role : canonical role.
        layer : number of the layer, from 0; None outside layers.
        chosen : indices of the rows, ascending.
        expert : number of the routed expert, if any.

        Returns
        -------
        array
            float64, shape [n, in].
        """
        rows = self._checkpoint.read(role, layer, expert, rows=chosen)
        digest = hashlib.sha256(chosen.astype("<i8").data)
        digest.update(rows.astype("<f4", copy=False).data)
        name = f"rows {role} {layer} {expert} {self._checkpoint.shape(role, layer, expert)}"
        self.digests[name] = digest.digest()
        self.non_finite[name] = int(rows.size - np.isfinite(rows).sum())
        return rows.astype(np.float64)

    def gain(self, norm: tuple[str, int | None] | None) -> NDArray[np.float64]:
        """Gain of a norm, shape [width] of one of the stream; ones where there is none."""
        shape = self._checkpoint.architecture
        if norm is None:
            return np.ones(shape.width)
        return self.rows(*norm, np.arange(self._checkpoint.shape(*norm)[0])) + shape.norm_offset

    def leading_columns(
        self,
        role: str,
        layer: int,
        chosen: NDArray[np.intp],
        projection: NDArray[np.float64],
        expert: int | None = None,
    ) -> NDArray[np.float64]:
        """Read some columns of a matrix [rows, in] over its leading rows, and project them.

        Parameters
        ----------
        role : canonical role.
        layer : number of the layer, from 0.
        chosen : indices of the columns, ascending.
        projection : shape [rows, k]; as many leading rows of the tensor are read as it has rows.
        expert : number of the routed expert, if any.

        Returns
        -------
        array
            float64, shape [n, k].
        """
        leading = np.arange(min(len(projection), self._checkpoint.shape(role, layer, expert)[0]), dtype=np.intp)
        columns = np.ascontiguousarray(self.rows(role, layer, leading, expert)[:, chosen].T)
        projected: NDArray[np.float64] = columns @ projection[: len(leading)]
        return projected

    def blocks(
        self, role: str, layer: int | None, expert: int | None = None
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Read every entry of a tensor in blocks of rows, adding them to tallies and digests.

        Parameters
        ----------
        role : canonical role.
        layer : number of the layer, from 0; None outside layers.
        expert : number of the routed expert, if any.

        Returns
        -------
        iterator
            Index of the first row, and float32 rows.
        """
        self._whole.add((role, layer, expert))
        shape = self._checkpoint.shape(role, layer, expert)
        digest, kind = hashlib.sha256(), Moments if role in self._spread else NonFinite
        tally = self.tallies.setdefault((role, layer), kind())
        step = _rows_of_block(shape)
        for ahead in spans(self._checkpoint, (role, layer, expert)):
            first, rows = ahead.start, self._checkpoint.read(role, layer, expert, rows=ahead)
            for start in range(0, len(rows), step):
                block = rows[start : start + step]
                digest.update(block.astype("<f4", copy=False).data)
                tally.add(block)
                yield first + start, block
        self.digests[f"{role} {layer} {expert} {shape}"] = digest.digest()

    def rows_of(self, role: str, layer: int | None, expert: int | None = None) -> Iterator[NDArray[np.float32]]:
        """Every row of a tensor, in blocks, as :meth:`blocks` reads them.

        Parameters
        ----------
        role, layer, expert : as of :meth:`blocks`.
        """
        return (block for _, block in self.blocks(role, layer, expert))

    def whole(self, role: str, layer: int | None) -> NDArray[np.float32]:
        """Read a whole tensor, adding it to tallies and digests."""
        found = np.empty(self._checkpoint.shape(role, layer), np.float32)
        for start, block in self.blocks(role, layer):
            found[start : start + len(block)] = block
        return found

    def read_remaining(self, layer: int | None) -> None:
        """Read the tensors of a layer that were not yet read whole, for tallies and digests."""
        for key in self._checkpoint.keys(layer):
            if key not in self._whole:
                for _ in self.blocks(*key):
                    pass

    def skim_unknown(self, names: Iterable[str]) -> None:
        """Digest tensors without a role, as stored."""
        for name in names:
            digest, seen = hashlib.sha256(), np.zeros(256, bool)
            for n, block in enumerate(self._checkpoint.raw_blocks(name)):
                digest.update(block)
                if n and seen.sum() <= FEW_BYTES:  # the first block holds dtype and shape
                    seen |= np.bincount(np.frombuffer(block, np.uint8), minlength=256) > 0
            self.digests[f"rest {name}"] = digest.digest()
            if seen.sum() > FEW_BYTES:
                self.varied.add(name)


def spans(checkpoint: Checkpoint, key: Key) -> Iterator[slice]:
    """The rows of a tensor that are asked for together when all are read."""
    shape, blocks = checkpoint.shape(*key), 1 if checkpoint.has_rows_apart(*key) else _TOGETHER
    ahead = _rows_of_block(shape) * (blocks if checkpoint.local else _AHEAD)
    for first in range(0, shape[0], ahead):
        yield slice(first, first + ahead)


def _rows_of_block(shape: tuple[int, ...]) -> int:
    return max(1, _BLOCK // max(1, prod(shape[1:])))
