"""bitsandbytes int8 (LLM.int8): W = weight * SCB / 127, SCB one number per row (arXiv:2208.07339)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised, matrix_shape


class LlmInt8(Quantised):
    """bitsandbytes int8 (LLM.int8)."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the codes.

        Parameters
        ----------
        name : name of the module, for messages.
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
        made = cls(name, parts["weight"].shape, "bitsandbytes int8", parts, settings)
        made.check("weight", matrix_shape(made.shape), dtypes=("I8",))
        made.check("SCB", (made.shape[0],), dtypes=("F32", "F16", "BF16"))
        if (form := parts.get("weight_format")) is not None:
            made.check("weight_format", (), (1,), dtypes=("U8",))
            if int(form.values(np.dtype(np.uint8)).ravel()[0]) != 0:
                raise made.refuse("its rows rearranged for one kind of device", "plain rows (weight_format 0)")
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        codes = self.parts["weight"].values(np.dtype(np.int8), rows).astype(np.float32)
        return codes * (self.parts["SCB"].read().astype(np.float32)[rows, None] / np.float32(127))
