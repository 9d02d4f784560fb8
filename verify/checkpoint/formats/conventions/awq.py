"""AWQ: W.T = scales[g] * (qweight - qzeros[g]), g the group of the input channel (arXiv:2306.00978).

Nibbles are in the order 0 2 4 6 1 3 5 7 of version ``gemm``.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base import Phrase
from .matrix import Array, Parts, Quantised, matrix_shape
from .zero_points import reading

_AS_IT_IS, _LESS_ONE = "as it is", "less one"


class Awq(Quantised):
    """AWQ in 4 bits: eight output channels in a word, even ones first."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the codes, which are in the order of the matrix products of version gemm.

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
        size, words = matrix_shape(parts["qweight"].shape)
        made = cls(name, (8 * words, size), "AWQ 4-bit", parts, settings)
        version, bits = settings.get("version") or "gemm", settings.get("bits", 4)
        if str(version).lower() != "gemm" or bits != 4:
            raise made.refuse(f"version {version!r:.60} and {bits!r:.60} bits", "version gemm and 4 bits")
        made.check("qweight", (size, words), dtypes=("I32",))
        groups = matrix_shape(parts["scales"].shape)[0]
        made.check("scales", (groups, 8 * words), dtypes=("F16", "BF16", "F32"))
        made.check("qzeros", (groups, words), dtypes=("I32",))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Rows of the matrix, which are columns of the stored codes."""
        scales = self.parts["scales"].read(None, rows).T.astype(np.float32)
        group = self.groups(None, scales.shape[1])
        zeros = self._codes("qzeros", rows) + np.int16(self._reading == _LESS_ONE)
        return scales[:, group] * (self._codes("qweight", rows) - zeros[:, group])

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Notes that zero points are stored less one, as by GPTQ."""
        return (Phrase.of("zeros.less_one"),) if self._reading == _LESS_ONE else ()

    @cached_property
    def _reading(self) -> str:
        zeros = self._codes("qzeros", np.arange(self.shape[0], dtype=np.intp))
        symmetric = self.settings.get("zero_point") is False
        return reading({_AS_IT_IS: zeros, _LESS_ONE: zeros + 1}, 4, _AS_IT_IS, symmetric)

    def _codes(self, part: str, rows: NDArray[np.intp]) -> NDArray[np.int16]:
        place = np.array([0, 4, 1, 5, 2, 6, 3, 7], np.uint32)[rows % 8]  # 0 2 4 6 1 3 5 7, the other way round
        words = self.parts[part].values(np.dtype("<u4"), None, rows // 8)
        return ((words >> (4 * place)) & 15).astype(np.int16).T
