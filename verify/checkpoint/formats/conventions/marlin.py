"""Marlin, 4 bits: W = scale of the group * (code - 8), codes where NVIDIA's tensor cores look for them.

A tile of 16 inputs by 64 outputs is 128 words in a row. Of its 16 by 16 quarters, thread i of a warp has the outputs
i // 4 and i // 4 + 8 at four inputs each, and the eight codes of a word lie in the order 0 2 4 6 1 3 5 7. Scales are
put in the order in which threads use them. Source: ``_get_perms`` and ``Layer.pack`` of IST-DASLab/marlin, which
AutoGPTQ and vLLM share.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised, matrix_shape

_TALL, _WIDE, _WORDS = 16, 64, 128
"""Inputs, outputs and words of a tile."""


class Marlin(Quantised):
    """Codes in tiles of tensor cores, without zero points."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from codes and scales.

        Parameters
        ----------
        name : name of the matrix, for messages.
        parts : its stored tensors ``B`` and ``s``, and the room to work in of the kernel.
        settings : ``bits``, if it says so.

        Returns
        -------
        Quantised
            The matrix [out, in].

        Raises
        ------
        CheckpointError
            If the parts do not fit the convention.
        """
        made = cls(name, (0, 0), "Marlin 4 bits", parts, settings)
        (tall, _), (groups, out) = matrix_shape(parts["B"].shape), matrix_shape(parts["s"].shape)
        bits = settings.get("bits")
        if (type(bits) is int and bits != 4) or min(tall, groups, out) < 1 or out % _WIDE or tall * _TALL % groups:
            raise made.refuse(
                f"{bits} bits, B {parts['B'].shape} and s {parts['s'].shape}",
                "4 bits, B [in / 16, 2 out] and s [groups, out], out in whole tiles of 64",
            )
        made.check("B", (tall, 2 * out), dtypes=("I32",))
        made.check("s", (groups, out), dtypes=("F16", "BF16"))
        return replace(made, shape=(out, tall * _TALL))

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        (out, size), groups = self.shape, self.parts["s"].shape[0]
        tiles, which = np.unique(rows // _WIDE, return_inverse=True)
        columns = (tiles[:, None] * _WORDS + np.arange(_WORDS)).ravel().astype(np.intp)
        words = self.parts["B"].values(np.dtype("<u4"), None, columns)
        codes = words[..., None] >> (4 * np.arange(8, dtype=np.uint32)) & 15
        held = codes.reshape(size // _TALL, len(tiles), _TALL * _WIDE)[..., _places()]
        held = held.reshape(size // _TALL, len(tiles), 4, _TALL, 16)  # quarters, inputs, outputs
        whole = held.transpose(1, 2, 4, 0, 3).reshape(len(tiles), _WIDE, size)
        order = _scales(single=groups == 1)
        scales = self.parts["s"].read().astype(np.float32).reshape(groups, -1, len(order))[..., order]
        scales = np.repeat(scales.reshape(groups, out)[:, rows].T, size // groups, 1)
        return np.asarray((whole[which, rows % _WIDE].astype(np.float32) - 8) * scales, np.float32)


@cache
def _places() -> NDArray[np.intp]:
    """Where each code of a tile is stored, quarter by quarter, inputs first."""
    stored = list[int]()
    for thread in range(32):
        column, row = divmod(thread, 4)
        inputs = (2 * row, 2 * row + 1, 2 * row + 8, 2 * row + 9)
        own = [16 * i + column + 8 * half for half in (0, 1) for i in inputs]
        for quarter in range(4):
            stored += [256 * quarter + own[n] for n in (0, 2, 4, 6, 1, 3, 5, 7)]
    return np.argsort(stored)


@cache
def _scales(*, single: bool) -> NDArray[np.intp]:
    """Where the scale of each output is stored: of 32 for one group, else of 64."""
    if single:
        return np.argsort([2 * i + j for i in range(4) for j in (0, 1, 8, 9, 16, 17, 24, 25)])
    return np.argsort([i + 8 * j for i in range(8) for j in range(8)])
