"""Quantised matrices of the experts of a layer, one after the other along the first axis of each stored tensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised

Maker = Callable[[str, Parts, dict[str, Any]], Quantised]
"""Makes one matrix of its name, its parts and the settings."""


@dataclass(frozen=True)
class Stack(Quantised):
    """One matrix for each expert; a part without an axis is that of all."""

    maker: Maker = field(kw_only=True)

    @classmethod
    def of(cls, maker: Maker, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the first expert's matrix, since all are stored alike.

        Parameters
        ----------
        maker : makes one expert's matrix of its parts.
        name : name of all, for messages.
        parts : their stored tensors.
        settings : ``quantization_config`` of ``config.json``.

        Returns
        -------
        Quantised
            All, of shape [expert, out, in].

        Raises
        ------
        CheckpointError
            If the parts do not fit the convention.
        """
        made = cls(name, (0, 0, 0), "experts", parts, settings, maker=maker)
        (number, *others) = {part.shape[0] for part in parts.values() if part.shape}
        if others or not number:
            raise made.refuse(f"parts for {sorted((number, *others))} experts", "as many of each")
        first = made.entry(0)
        return replace(made, shape=(number, *first.shape), dtype=first.dtype)

    def entry(self, index: int) -> Quantised:
        """The matrix of one expert."""
        parts = {name: part.entry(index) if part.shape else part for name, part in self.parts.items()}
        return replace(self.maker(self.name, parts, self.settings), is_out_in=self.is_out_in)

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """The matrices of some experts."""
        found = [self.entry(int(row)).read() for row in rows]
        return np.stack(found) if found else np.zeros((0, *self.shape[1:]), np.float32)
