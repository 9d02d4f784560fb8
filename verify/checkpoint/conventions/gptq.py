"""GPTQ: W.T = scales[g] * (qweight - qzeros[g] - 1), g the group of the input channel (arXiv:2210.17323).

No 1 in checkpoint_format ``gptq_v2``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hostile import count
from .matrix import Array, Parts, Quantised, matrix_shape, unpacked


@dataclass(frozen=True)
class Gptq(Quantised):
    """GPTQ: codes packed along the input, zeros along the output."""

    bits: int = 4
    shift: int = 1
    """What is added to a stored zero."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read bits from the settings, else from the number of input channels that have a group."""
        made = cls(name, (0, 0), "GPTQ", parts, settings)
        form = settings.get("checkpoint_format") or "gptq"
        if form not in ("gptq", "gptq_v2"):
            raise made.refuse(f"checkpoint_format {form!r:.60}", "gptq or gptq_v2")
        codes = parts["qweight"]
        words, out = matrix_shape(codes.shape)
        bits = count(settings, "bits") or 0
        if not bits and "g_idx" in parts:
            bits = 32 * words // max(1, *parts["g_idx"].shape)
        if bits not in (2, 3, 4, 8):
            raise made.refuse(f"{bits or 'an unknown number of'} bits", "2, 3, 4 or 8 bits in quantization_config")
        shift = 1 if form == "gptq" else 0
        made = replace(made, shape=(out, 32 * words // bits), dtype=f"GPTQ {bits}-bit", bits=bits, shift=shift)
        made.check("qweight", (words, out), dtypes=("I32",))
        groups = matrix_shape(parts["scales"].shape)[0]
        made.check("scales", (groups, out), dtypes=("F16", "BF16", "F32"))
        made.check("qzeros", (groups, ceil(out * bits / 32)), dtypes=("I32",))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """By columns of what is stored."""
        out, size = self.shape
        codes = unpacked(self.parts["qweight"].values(np.dtype("<u4"), None, rows).T, self.bits, size)
        scales = self.parts["scales"].read(None, rows).T.astype(np.float32)
        zeros = unpacked(self.parts["qzeros"].values(np.dtype("<u4")), self.bits, out)[:, rows].T + np.int16(
            self.shift
        )
        group = self.groups("g_idx", scales.shape[1])
        return scales[:, group] * (codes - zeros[:, group])
