"""torchao's Int4Tensor: W = scale[g] * code + zero[g], g the group of neighbours in a row, code from -8 to 7.

Two codes lie in a byte, the first in its low half; scales and zeros are floats, and stored [group, out].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised, as_bytes, matrix_shape


class Int4Rows(Quantised):
    """Signed codes of 4 bits along rows, and a scale and a float zero for each group."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the codes.

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
            If the parts do not fit the convention.
        """
        out, half = matrix_shape(parts["qdata"].shape)
        made = cls(name, (out, 2 * half), "torchao Int4Tensor", parts, settings)
        if missing := {"scale", "zero_point"} - parts.keys():
            raise made.refuse(f"no {' or '.join(sorted(missing))}", "qdata, scale and zero_point")
        made.check("qdata", (out, half), dtypes=("I8", "U8"))
        groups = matrix_shape(parts["scale"].shape)[0]
        for part in ("scale", "zero_point"):
            made.check(part, (groups, out), dtypes=("F32", "F16", "BF16"))
        if groups < 1 or 2 * half % groups:
            raise made.refuse(f"{groups} groups of scales", f"whole groups in {2 * half} input channels")
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        packed = as_bytes(self.parts["qdata"], "U8").values(np.dtype("u1"), rows)
        codes = np.stack([packed & 15, packed >> 4], axis=-1).astype(np.int8)
        codes = ((codes ^ 8) - 8).reshape(len(rows), self.shape[1])
        scale, zero = (
            self.parts[part].read(None, rows).T.astype(np.float32)[:, :, None] for part in ("scale", "zero_point")
        )
        found = codes.reshape(*scale.shape[:2], self.shape[1] // scale.shape[1]) * scale + zero
        return np.asarray(found.reshape(codes.shape), np.float32)
