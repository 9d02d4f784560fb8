"""One pass over every tensor: rows and columns for the sketches, moments and digest of all entries."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint, Key
from .moments import Moments

_BLOCK = 1 << 20  # entries held at a time


class Scan:
    """Reads tensors of a checkpoint in blocks of rows of bounded size; read again, an entry counts once.

    Attributes
    ----------
    moments : of each (role, layer), experts of a layer pooled.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.moments: defaultdict[tuple[str, int], Moments] = defaultdict(Moments)
        self._checkpoint = checkpoint
        self._digests: dict[str, bytes] = {}
        self._seen: set[Key] = set()

    def rows(
        self, role: str, layer: int | None, chosen: NDArray[np.intp], expert: int | None = None
    ) -> NDArray[np.float64]:
        """Rows ``chosen`` (ascending) of a matrix, shape [n, in]."""
        return self.rows_and_products(role, layer, chosen, None, expert)[0]

    def rows_and_products(
        self,
        role: str,
        layer: int | None,
        chosen: NDArray[np.intp],
        matrix: NDArray[np.float64] | None,
        expert: int | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows ``chosen`` (ascending), and the product of all rows with ``matrix`` [in, k], shape [rows, k]."""
        picked, products = [], []
        for start, block in self._blocks(role, layer, expert):
            picked.append(block[chosen[(chosen >= start) & (chosen < start + len(block))] - start].astype(np.float64))
            if matrix is not None:
                with np.errstate(invalid="ignore"):
                    products.append(block.astype(np.float64) @ matrix)
        return np.concatenate(picked), np.concatenate(products) if products else np.zeros((0, 0))

    def whole(self, role: str, layer: int | None) -> NDArray[np.float32]:
        """A whole tensor."""
        return np.concatenate([block for _, block in self._blocks(role, layer, None)])

    def columns(
        self,
        role: str,
        layer: int | None,
        chosen: NDArray[np.intp],
        projection: NDArray[np.float64],
        expert: int | None = None,
    ) -> NDArray[np.float64]:
        """Columns ``chosen`` of a matrix [rows, in], projected by ``projection`` [rows, k]; shape [n, k]."""
        total = np.zeros((len(chosen), projection.shape[1]))
        for start, block in self._blocks(role, layer, expert):
            total += block[:, chosen].T.astype(np.float64) @ projection[start : start + len(block)]
        return total

    def skim_rest(self, layer: int | None) -> None:
        """Take what was not yet read of a layer into moments and digest only."""
        for key in self._checkpoint.keys(layer):
            if key not in self._seen:
                for _ in self._blocks(*key):
                    pass

    def content_sha256(self) -> str:
        """Digest of every learned tensor, in the order of their names.

        Canonical tensors count as float32, so a lossless change of format leaves it; those that no role is
        known for count as stored.
        """
        for name in (*self._checkpoint.outside, *self._checkpoint.unrecognised):
            digest = hashlib.sha256()
            for block in self._checkpoint.raw_blocks(name):
                digest.update(block)
            self._digests[f"rest {name}"] = digest.digest()
        whole = hashlib.sha256()
        for name in sorted(self._digests):
            whole.update(hashlib.sha256(name.encode()).digest() + self._digests[name])
        return whole.hexdigest()

    def _blocks(self, role: str, layer: int | None, expert: int | None) -> Iterator[tuple[int, NDArray[np.float32]]]:
        seen = (role, layer, expert) in self._seen
        self._seen.add((role, layer, expert))
        shape = self._checkpoint.shape(role, layer, expert)
        digest = hashlib.sha256()
        moments = self.moments[role, -1 if layer is None else layer]
        step = max(1, _BLOCK // max(1, int(np.prod(shape[1:]))))
        for start in range(0, shape[0], step):
            block = self._checkpoint.read(role, layer, expert, rows=slice(start, start + step))
            digest.update(block.astype("<f4", copy=False).data)
            if not seen:
                moments.add(block)
            yield start, block
        self._digests[f"{role} {layer} {expert} {shape}"] = digest.digest()
