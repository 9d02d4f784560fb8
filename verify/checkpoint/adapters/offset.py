"""A stored vector plus a stored one times a number, as the bias of a module with the bias of its LoRA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .changed import Changed
from .matrix import Numbers
from .settings import Settings


@dataclass(frozen=True)
class Offset(Changed):
    """A vector plus ``scale`` times another."""

    added: Tensor
    scale: float

    @classmethod
    def of(cls, settings: Settings, module: str, base: Tensor, added: Tensor, scale: float) -> Offset:
        """The changed bias of a module.

        Parameters
        ----------
        settings : of the adapter, for messages.
        module : name of the module.
        base : its bias in the base.
        added : that of the adapter.
        scale : factor of the latter.

        Raises
        ------
        CheckpointError
            If their sizes differ.
        """
        if len(base.shape) != 1 or added.shape != base.shape:
            raise settings.unfit(module, {"bias": added.shape}, base)
        return cls(base, added, scale)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of both."""
        return self.base.nbytes(rows, columns) + self.added.nbytes(rows, columns)

    def changed(self, rows: Indexer, columns: Indexer) -> Numbers:
        """Some numbers of the sum; a change of zero keeps what is stored."""
        found: Numbers = np.array(self.base.read(rows, columns), np.float64)
        change = self.scale * np.asarray(self.added.read(rows, columns), np.float64)
        np.add(found, change, out=found, where=change != 0)
        return found
