"""AWQ of version ``gemv``: W = scales[g] * (qweight - qzeros[g]), g the group of neighbours in a row.

Codes and zeros are packed along the input, in order; zeros and scales are padded to whole words, and to more of them
where groups are small.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hostile import count
from .matrix import Array, Parts, Quantised, matrix_shape, unpacked

_LEAST_WORDS = {32: 4, 64: 2}
"""Words of zeros in a row are a multiple of this, by the size of a group; of 1 where groups are larger."""


class AwqGemv(Quantised):
    """AWQ in 4 bits, for products with one vector."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the codes, and the size of a group from the settings.

        Parameters
        ----------
        name : name of the matrix, for messages.
        parts : its stored tensors, by the last part of their names.
        settings : ``quantization_config`` of ``config.json``.

        Returns
        -------
        Quantised
            The matrix [out, in].

        Raises
        ------
        CheckpointError
            If the parts do not fit the convention.
        """
        out, words = matrix_shape(parts["qweight"].shape)
        made = cls(name, (out, 8 * words), "AWQ 4-bit gemv", parts, settings)
        group, bits = count(settings, "group_size") or 8 * words, settings.get("bits", 4)
        if bits != 4 or group < 32 or words < 1 or 8 * words % group:
            raise made.refuse(f"{bits!r:.60} bits in groups of {group}", f"4 bits, and whole groups in {8 * words}")
        of_zeros, least = ceil(8 * words // group / 8), _LEAST_WORDS.get(group, 1)
        of_zeros = ceil(of_zeros / least) * least
        made.check("qweight", (out, words), dtypes=("I32",))
        made.check("qzeros", (out, of_zeros), dtypes=("I32",))
        made.check("scales", (out, 8 * of_zeros), dtypes=("F16", "BF16", "F32"))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        size = self.shape[1]
        groups = size // (count(self.settings, "group_size") or size)
        codes, zeros = (
            unpacked(self.parts[part].values(np.dtype("<u4"), rows), 4, number)
            for part, number in (("qweight", size), ("qzeros", groups))
        )
        scales = self.parts["scales"].read(rows).astype(np.float32)[:, :groups, None]
        found = scales * (codes.reshape(len(rows), groups, size // groups) - zeros[:, :, None])
        return np.asarray(found.reshape(codes.shape), np.float32)
