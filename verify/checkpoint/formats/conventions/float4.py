"""Floats of 4 bits (E2M1): W = scale of its run of neighbours in a row * number of the code.

MXFP4 has runs of 32 and scales that are powers of two (OCP Microscaling Formats v1.0). NVFP4 has runs of 16 (of 32
where ModelOpt leaves activations in float8), scales in E4M3, and one more number for the whole matrix: ModelOpt
multiplies by its own, compressed-tensors divides by it, and that of MLX is the largest magnitude, 448 * 6 in units of
the scales.
Two codes lie in a byte, the first in its low half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised, as_bytes, matrix_shape

_MAGNITUDES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
_NUMBERS = np.concatenate([_MAGNITUDES, -_MAGNITUDES])
_PAIRS = np.stack([np.tile(_NUMBERS, 16), np.repeat(_NUMBERS, 16)], axis=1)
"""The two numbers of each byte."""
_CODES = ("weight_packed", "weight", "blocks")
_SCALES = ("weight_scale", "weight_scale_inv", "scales")
_RUNS = {"F8_E4M3": (16, 32), "F8_E8M0": (32,)}
_GLOBAL: dict[str, Callable[[Array, Array], Array]] = {
    "weight_scale_2": lambda scale, whole: scale * whole,
    "weight_global_scale": lambda scale, whole: scale / whole,
    "global_scale": lambda scale, whole: scale * (whole / np.float32(448 * 6)),
}
"""What the number of the whole matrix does to the scales, by its name."""


@dataclass(frozen=True)
class Float4(Quantised):
    """MXFP4 and NVFP4: two codes in a byte, and a scale for each run of a row."""

    codes: str = "weight"
    scale: str = "weight_scale"

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the bytes of the codes, and the kind from the type of the scales.

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
        (codes,) = parts.keys() & set(_CODES)
        (scale,) = parts.keys() & set(_SCALES)
        made = cls(name, (0, 0), "4-bit floats", parts, settings, codes=codes, scale=scale)
        packed, scales = as_bytes(parts[codes], "U8"), parts[scale]
        made.check(codes, (*scales.shape, 16), matrix_shape(parts[codes].shape), dtypes=("U8", "I8", "U32"))
        if scales.dtype == "U8":
            scales = replace(scales, dtype="F8_E8M0")
        out, size = packed.shape[0], 2 * packed.shape[-1]
        made = replace(made, shape=(out, size), parts=parts | {codes: packed, scale: scales})
        runs = _RUNS.get(scales.dtype, (1,))
        made.check(scale, *((out, -(-size // run)) for run in runs), dtypes=tuple(_RUNS))
        if not size or size not in [run * scales.shape[1] for run in runs]:
            raise made.refuse(f"rows of {size} numbers", f"whole runs of {' or '.join(map(str, runs))}")
        for part in parts.keys() & _GLOBAL.keys():
            made.check(part, (), (1,), (1, 1), dtypes=("F32", "F16", "BF16"))
        return replace(made, dtype="NVFP4" if runs[0] == 16 else "MXFP4")

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        size = self.shape[1]
        scale: Array = self.parts[self.scale].read(rows).astype(np.float32)
        for part in self.parts.keys() & _GLOBAL.keys():
            scale = _GLOBAL[part](scale, self.parts[part].read().astype(np.float32))
        numbers = _PAIRS[self.parts[self.codes].values(np.dtype(np.uint8), rows)]
        found = numbers.reshape(*scale.shape, size // scale.shape[1]) * scale[:, :, None]
        return np.asarray(found.reshape(len(rows), size), np.float32)
