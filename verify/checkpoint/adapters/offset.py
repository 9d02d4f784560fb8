"""A stored vector plus a stored one times a number, as the bias of a module with the bias of its LoRA.

BEFT (PEFT's name for training of biases alone) adds ``beft_bias`` [1, out] to the bias of a module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .changed import Changed
from .kind import Change, Kind
from .matrix import Numbers
from .names import Names
from .settings import Settings, Tensors


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
        if len(base.shape) != 1 or added.shape not in (base.shape, (1, *base.shape)):
            raise settings.unfit(module, {"bias": added.shape}, base)
        return cls(base, added, scale)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of both."""
        whole = self.added.shape != self.shape  # stored as one row
        return self.base.nbytes(rows, columns) + self.added.nbytes(*(() if whole else (rows, columns)))

    def changed(self, rows: Indexer, columns: Indexer) -> Numbers:
        """Some numbers of the sum; a change of zero keeps what is stored."""
        found: Numbers = np.array(self.base.read(rows, columns), np.float64)
        added = np.asarray(self.added.read(), np.float64).reshape(-1)
        change = self.scale * (added if rows is None else added[rows])
        np.add(found, change, out=found, where=change != 0)
        return found


def _beft(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    return {f"{module}.bias": lambda base: Offset.of(settings, module, base, parts["beft_bias"], 1.0)}


BEFT = Kind(("beft_bias",), _beft)
"""BEFT of linear layers."""
