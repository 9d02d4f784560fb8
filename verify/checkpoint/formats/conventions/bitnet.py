"""BitNet: W = code - 1, times or by one scale; four rows in one of bytes (arXiv:2402.17764).

Layers of class ``autobitlinear`` multiply by the scale, all others divide by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised, matrix_shape
from .striped import striped


class BitNet(Quantised):
    """Numbers -1, 0 and 1 in two bits, as transformers packs them."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the codes.

        Parameters
        ----------
        name : name of the matrix, for messages.
        parts : its stored tensors, by the last part of their names.
        settings : ``quantization_config`` of ``config.json``, which gives the class of the layers.

        Returns
        -------
        Quantised
            The matrix [out, in].

        Raises
        ------
        CheckpointError
            If the parts do not fit the convention.
        """
        quarter, size = matrix_shape(parts["weight"].shape)
        made = cls(name, (4 * quarter, size), "BitNet", parts, settings)
        if (kind := settings.get("linear_class") or "bitlinear") not in ("bitlinear", "autobitlinear"):
            raise made.refuse(f"linear_class {kind!r:.60}", "bitlinear or autobitlinear")
        made.check("weight", (quarter, size), dtypes=("U8",))
        made.check("weight_scale", (), (1,), dtypes=("F32", "F16", "BF16"))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        numbers = (striped(self.parts["weight"], rows, 2, high_first=False) - 1).astype(np.float32)
        scale = self.parts["weight_scale"].read().astype(np.float32)
        return numbers * scale if self.settings.get("linear_class") == "autobitlinear" else numbers / scale
