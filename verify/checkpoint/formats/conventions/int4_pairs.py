"""ModelOpt in 4 bits: W = weight_scale[g] * code, g the group of neighbours in a row, code from -8 to 7.

Two rows lie in one of bytes, the even one in the low half. With activations in float8 (W4A8) the files hold one more
number, weight_scale_2: the scale at which products round such a weight to float8, which the weight is not multiplied
by.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised, matrix_shape


class Int4Pairs(Quantised):
    """Signed codes of 4 bits, two rows in one, and a scale for each group of a row."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the codes.

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
        half, size = matrix_shape(parts["weight"].shape)
        made = cls(name, (2 * half, size), "ModelOpt 4-bit", parts, settings)
        made.check("weight", (half, size), dtypes=("U8",))
        groups = matrix_shape(parts["weight_scale"].shape)[1]
        made.check("weight_scale", (2 * half, groups), dtypes=("F32", "F16", "BF16"))
        if groups < 1 or size % groups:
            raise made.refuse(f"{groups} groups of scales", f"whole groups in {size} input channels")
        if "weight_scale_2" in parts:
            made.check("weight_scale_2", (), (1,), dtypes=("F32",))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        pairs, which = np.unique(rows // 2, return_inverse=True)
        packed = self.parts["weight"].values(np.dtype("u1"), pairs.astype(np.intp))[which]
        codes = (packed >> (4 * (rows % 2)).astype(np.uint8)[:, None] & 15).astype(np.int8)
        scale = self.parts["weight_scale"].read(rows).astype(np.float32)[:, :, None]
        found = ((codes ^ 8) - 8).reshape(*scale.shape[:2], self.shape[1] // scale.shape[1]) * scale
        return np.asarray(found.reshape(codes.shape), np.float32)
