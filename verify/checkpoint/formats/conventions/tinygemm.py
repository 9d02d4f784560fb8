"""torchao's Int4TilePackedTo4dTensor: W = scale[g] * (code - 8) + zero[g], packed for tensor cores of NVIDIA.

Rows and columns are padded. A tile of 8 rows and 128 columns lies in 32 lanes of 4 words: lane 4 r + j has of row r
the columns that are 2 j or 2 j + 1 modulo 8, and a word those of 32 neighbours, even ones in its low half
(https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cuda/int4mm.cu). AMD's devices have another order
in the same shape, which nothing in a file tells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised

_ROWS, _COLUMNS, _LANES, _WORDS = 8, 128, 32, 4
_PAD = 1024
"""Input channels are a multiple of this once padded."""


@dataclass(frozen=True)
class TilePacked(Quantised):
    """Codes of 4 bits in tiles, and a scale and a float zero for each group of a row."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from what the file says of the whole.

        Parameters
        ----------
        name : name of the matrix, for messages.
        parts : its stored tensors, by the last part of their names.
        settings : not needed.

        Returns
        -------
        Quantised
            The matrix [out, in].

        Raises
        ------
        CheckpointError
            If the parts do not fit the convention, or the shape is not stated.
        """
        made = cls(name, (0, 0), "torchao Int4TilePackedTo4dTensor", parts, settings)
        codes, said = parts["qdata"], parts["qdata"].whole
        shape = said.shape[-2:] if said is not None and len(said.shape) in (2, 3) else ()
        if "scale_and_zero" not in parts or len(shape) != 2 or min(shape) < 1 or len(codes.shape) != 4:
            raise made.refuse(
                f"{', '.join(sorted(parts))} and shape {shape}", "qdata of four axes, scale_and_zero and a shape"
            )
        out, size = shape
        rows, columns = -(-out // _ROWS), -(-size // _PAD) * _PAD
        tall = rows + rows % 2  # 16 rows of padding elsewhere
        tiles = columns // _COLUMNS
        made.check("qdata", (rows, tiles, _LANES, _WORDS), (tall, tiles, _LANES, _WORDS), dtypes=("I32",))
        groups = max(1, *parts["scale_and_zero"].shape[:1])
        made.check("scale_and_zero", (groups, _ROWS * codes.shape[0], 2), dtypes=("BF16", "F16", "F32"))
        if columns % groups:
            raise made.refuse(f"{groups} groups of scales", f"whole groups in {columns} input channels")
        return replace(made, shape=(out, size))

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        tiles, which = np.unique(rows // _ROWS, return_inverse=True)
        words = self.parts["qdata"].values(np.dtype("<u4"), tiles.astype(np.intp))
        padded = self.parts["qdata"].shape[1] * _COLUMNS
        lanes = words.reshape(len(tiles), padded // _COLUMNS, _ROWS, 4, _WORDS)[which, :, rows % _ROWS]
        codes = lanes[..., None] >> (4 * np.arange(8, dtype=np.uint32)) & 15  # [row, tile, pair, word, nibble]
        halves = codes.reshape(*codes.shape[:-1], 2, 4)  # low half: even columns, of each 8 of 32
        columns = halves.transpose(0, 1, 3, 5, 2, 4).reshape(len(rows), padded).astype(np.int16) - np.int16(8)
        table = self.parts["scale_and_zero"].read(None, rows).astype(np.float32)  # [group, row, 2]
        scale, zero = table[..., 0].T[:, :, None], table[..., 1].T[:, :, None]
        found = columns.reshape(len(rows), len(table), padded // len(table)) * scale + zero
        return np.asarray(found.reshape(columns.shape)[:, : self.shape[1]], np.float32)
