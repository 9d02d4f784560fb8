"""MiSS: W plus a small matrix that is repeated along its inputs, and in the ``mini`` form along its outputs too.

Source: Kang and Yin 2024, arXiv 2409.15371. For ``miss_block`` M [r, m], entry [i, j] of the change is
M[j % r, i % m].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base import UnsupportedError
from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Rows, places
from .names import Names
from .settings import ELSEWHERE, Settings, Tensors
from .sum import Sum


@dataclass(frozen=True)
class Tiled:
    """The repeated matrix, of the shape of another."""

    tile: Tensor
    shape: tuple[int, ...]

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        i, j = (
            places(size)[slice(None) if which is None else which] % inner
            for size, which, inner in zip(self.shape, (rows, columns), self.tile.shape[::-1], strict=True)
        )
        tile = np.asarray(self.tile.read(), np.float64).T
        return lambda which: tile[i[which]][:, j]

    def nbytes(self) -> int:
        """Of what is stored."""
        return self.tile.nbytes()


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    start = settings.config.get("init_weights")
    if start not in (True, False, "mini"):
        raise UnsupportedError(
            f"{settings.name} is MiSS of the form {start!r:.40}, and only the plain form and mini are merged here; "
            f"{ELSEWHERE}."
        )

    def change(base: Tensor) -> Sum:
        tile, rank = parts["miss_block"], settings.rank(module)
        across = settings.count("mini_r", module) if start == "mini" else base.shape[0]
        if len(base.shape) != 2 or tile.shape != (rank, across) or base.shape[0] % across or rank > base.shape[1]:
            raise settings.unfit(module, {"miss_block": tile.shape}, base, f" at rank {rank}")
        return Sum(base, Tiled(tile, base.shape))

    return {f"{module}.weight": change}


MISS = Kind(("miss_block",), _changes)
"""MiSS of linear layers."""
