"""Matrices behind a factor of each input: the layer computes (x * factor) W.T, so its matrix is W * factor.

AWQ (arXiv:2306.00978) and SmoothQuant (arXiv:2211.10438) divide the columns of a matrix by such factors before it is
rounded; ModelOpt and torchao store them where no layer before can take them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised
from .stack import Maker

PRESCALES = {"pre_quant_scale", "act_pre_scale"}
"""Names of the factors."""


@dataclass(frozen=True)
class Prescaled(Quantised):
    """A quantised matrix, and a factor of each of its columns."""

    inner: Quantised = field(kw_only=True)
    factors: str = field(kw_only=True)

    @classmethod
    def of(cls, maker: Maker, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the matrix from the other parts.

        Parameters
        ----------
        maker : makes the matrix without the factors.
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
            If the parts do not fit the convention, or the factors do not fit the matrix.
        """
        (factors,) = parts.keys() & PRESCALES
        inner = maker(name, {part: tensor for part, tensor in parts.items() if part != factors}, settings)
        all_parts = inner.parts | {factors: parts[factors]}
        made = cls(name, inner.shape, inner.dtype, all_parts, settings, inner=inner, factors=factors)
        size = inner.shape[1]
        made.check(factors, (size,), (1, size), dtypes=("F32", "F16", "BF16"))
        return replace(made, dtype=f"{inner.dtype} with {factors}")

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        factors = self.parts[self.factors].read().astype(np.float32).ravel()
        return np.asarray(self.inner.decode(rows) * factors, np.float32)
