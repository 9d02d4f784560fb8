"""compressed-tensors, packed: W = scale[g] * (weight_packed - zero_point[g]), g the group of the input channel.

Codes are stored with 2^(bits - 1) added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised, matrix_shape, of_groups, unpacked


@dataclass(frozen=True)
class Packed(Quantised):
    """compressed-tensors ``pack-quantized``: codes packed along the input, with half their range added."""

    bits: int = 4

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from where it is stored, and the bits from the shape of the codes.

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
        made = cls(name, (0, 0), "compressed-tensors", parts, settings)
        made.check("weight_shape", (2,), dtypes=("I64", "I32"))
        kind = np.dtype("<i8" if parts["weight_shape"].dtype == "I64" else "<i4")
        out, size = (int(n) for n in parts["weight_shape"].values(kind))
        packed = parts["weight_packed"]
        said = {bits for one in of_groups(settings) if type(bits := one.get("num_bits")) is int}
        fitting = [
            bits
            for bits in range(1, 9)
            if packed.shape == (out, ceil(size * bits / 32))
            and (32 % bits == 0 or packed.shape[1] < ceil(size / (32 // bits)))  # older files leave bits out
        ]
        bits = next((bits for bits in reversed(fitting) if bits in said or not said), 0)
        if not bits or packed.dtype != "I32" or min(out, size) < 1:
            raise made.refuse(
                f"weight_packed of {packed.dtype} {packed.shape} for {(out, size)}",
                f"I32 with {' or '.join(map(str, sorted(said))) or '1 to 8'} bits for each number, none left out",
            )
        made = replace(made, shape=(out, size), dtype=f"compressed-tensors {bits}-bit", bits=bits)
        groups = matrix_shape(parts["weight_scale"].shape)[-1]
        made.check("weight_scale", (out, groups), (1, groups), dtypes=("F16", "BF16", "F32"))
        if "weight_zero_point" in parts:
            dtype = parts["weight_zero_point"].dtype
            shape = (ceil(out * bits / 32), groups) if dtype == "I32" else parts["weight_scale"].shape
            made.check("weight_zero_point", shape, dtypes=("I32", "I8"))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        half = np.int16(1 << (self.bits - 1))
        codes = unpacked(self.parts["weight_packed"].values(np.dtype("<u4"), rows), self.bits, self.shape[1]) - half
        stored = self.parts["weight_scale"]
        scale = stored.read(rows if stored.shape[0] > 1 else np.zeros_like(rows)).astype(np.float32)
        group = self.groups("weight_g_idx", scale.shape[1])
        return scale[:, group] * (codes - self._zeros(rows, half)[:, group])

    def _zeros(self, rows: NDArray[np.intp], half: np.int16) -> NDArray[np.int16]:
        zero = self.parts.get("weight_zero_point")
        if zero is None:
            return np.zeros((len(rows), self.parts["weight_scale"].shape[1]), np.int16)
        if zero.dtype == "I8":
            found = zero.values(np.dtype(np.int8)).astype(np.int16)
            return found[rows if len(found) > 1 else np.zeros_like(rows)]
        return unpacked(zero.values(np.dtype("<u4")).T, self.bits, self.shape[0]).T[rows] - half
