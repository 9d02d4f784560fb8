"""float8 and int8: W = scale * (weight - zero_point); compressed-tensors, DeepSeek-V3, FBGEMM.

Scales are of the whole matrix, of a row, of groups in a row or of blocks. Those of float8 may be stored as their
exponent alone (E8M0), which some tools call U8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..safetensors_file import FLOAT8
from .matrix import Array, Parts, Quantised, matrix_shape, of_groups
from .names import SCALES

_OF_MODELOPT = (128, 128)
"""Block that ModelOpt writes scales of as [rows, 1, columns, 1], and does not state."""


def _is_tiled(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[1] == shape[3] == 1


def _block_structure(settings: dict[str, Any]) -> Any:
    """The block size of compressed-tensors, if it is the same for all groups of modules."""
    said = [one["block_structure"] for one in of_groups(settings) if one.get("block_structure")]
    return said[0] if said and all(one == said[0] for one in said) else None


@dataclass(frozen=True)
class Scaled(Quantised):
    """float8 or int8 numbers, each multiplied by the scale of its block."""

    scale: str = "weight_scale"
    block: tuple[int, int] = (1, 1)
    """Rows and columns that share a scale."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the block size from the settings, else from the shape of the scales.

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
        (scale,) = parts.keys() & SCALES
        if _is_tiled(parts[scale].shape):
            parts = parts | {scale: parts[scale].viewed(parts[scale].dtype, parts[scale].shape[::2])}
            settings = settings | {"weight_block_size": list(_OF_MODELOPT)}
        weight, scales = parts["weight"], parts[scale].shape
        made = cls(name, weight.shape, f"{weight.dtype} with {scale}", parts, settings, scale)
        made.check("weight", matrix_shape(made.shape), dtypes=(*FLOAT8, "I8"))
        eight = weight.dtype in FLOAT8
        made.check(scale, scales[:2], dtypes=("F32", "BF16", "F16", *(("F8_E8M0", "U8") if eight else ())))
        if parts[scale].dtype == "U8":
            made = replace(made, parts=parts | {scale: replace(parts[scale], dtype="F8_E8M0")})
        if len(scales) == 1 and scales[0] > 1 and not name.endswith(".weight"):
            raise made.refuse(
                f"{scales[0]} scales", "an axis of scales for each axis of the matrix, of which rows are"
            )
        block = made._block(scales if len(scales) == 2 else (*scales, 1, 1)[:2], settings)
        if "weight_zero_point" in parts:
            made.check("weight_zero_point", scales, dtypes=("I8", *FLOAT8))
        return replace(made, block=block)

    def _block(self, scales: tuple[int, ...], settings: dict[str, Any]) -> tuple[int, int]:
        said = settings.get("weight_block_size") or _block_structure(settings)
        if said is not None and scales != (1, 1):
            if not isinstance(said, list) or len(said) != 2 or not all(type(n) is int and n > 0 for n in said):
                raise self.refuse(f"weight_block_size {said!r:.60}", "two counts")
            whole = (
                self.name.endswith(".weight") or not self.shape[0] % said[0]
            )  # of two in one, each may end in a part
            if whole and scales == (ceil(self.shape[0] / said[0]), ceil(self.shape[1] / said[1])):
                return said[0], said[1]
        high, low = (size // max(1, n) for size, n in zip(self.shape, scales, strict=True))
        if (high * scales[0], low * scales[1]) != self.shape or scales[0] not in (1, self.shape[0]):
            raise self.refuse(
                f"scales of shape {scales} for {self.shape}",
                "one for all, one for each row or group in a row, or blocks of the weight_block_size in config.json",
            )
        return high, low

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        weight = self.parts["weight"]
        codes = weight.dtype == "I8"
        numbers = weight.values(np.dtype(np.int8), rows).astype(np.float32) if codes else weight.read(rows)
        if (zero := self.parts.get("weight_zero_point")) is not None:
            stored = zero.values(np.dtype(np.int8)).astype(np.float32) if zero.dtype == "I8" else zero.read()
            numbers = numbers - self._spread(stored, rows)
        return np.asarray(numbers * self._spread(self.parts[self.scale].read(), rows), np.float32)

    def _spread(self, scales: Array, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The scale of every number in some rows."""
        table = scales.astype(np.float32).reshape(scales.shape if scales.ndim == 2 else (-1, 1))
        return table[rows // self.block[0]][:, np.arange(self.shape[1]) // self.block[1]]
