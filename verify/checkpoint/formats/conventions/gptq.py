"""GPTQ: W.T = scales[g] * (qweight - zero[g]), g the group of the input channel (arXiv:2210.17323).

Zero points are stored minus one in checkpoint_format ``gptq``, and unchanged in ``gptq_v2``. Some newer files declare
``gptq`` and store them unchanged, so the zero points themselves decide where they can (``zero_points``). GPTQModel
subtracts from whole words, modulo 2^32, a constant that in 3 bits is not one for each code; its files are read as it
reads them. In ``gptq_p`` codes of 3, 5, 6 and 7 bits lie in planes: the lower bits of 32 neighbours in words of their
own, then the higher ones; zero points are unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base import Phrase
from ...hostile import count
from .matrix import Array, Parts, Quantised, matrix_shape, unpacked
from .zero_points import reading

_GPTQMODEL_3_BITS = (0x24924924, 0x92492492, 0x49249249)
"""What GPTQModel adds to three words of zeros in 3 bits."""
_OWN_BITS = {"dynamic", "extra_config"}
"""Where settings state bits of some matrices alone, which the number of zeros tells too."""
_BY_GPTQMODEL = "gptq of GPTQModel"
_PLANES = {3: (2, 1), 5: (4, 1), 6: (4, 2), 7: (4, 2, 1)}
"""Bits of each plane, the lowest first, where there are several."""


@dataclass(frozen=True)
class Gptq(Quantised):
    """GPTQ: codes packed along the input, zeros along the output."""

    bits: int = 4
    form: str = "gptq"
    """``checkpoint_format``, as declared."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read bits from the settings, else from the number of input channels that have a group.

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
        made = cls(name, (0, 0), "GPTQ", parts, settings)
        form = settings.get("checkpoint_format") or "gptq"
        if form not in ("gptq", "gptq_v2", "gptq_p"):
            raise made.refuse(f"checkpoint_format {form!r:.60}", "gptq, gptq_v2 or gptq_p")
        codes = parts["qweight"]
        words, out = matrix_shape(codes.shape)
        bits = count(settings, "bits") or 0
        of_zeros = matrix_shape(parts["qzeros"].shape)[1]
        if settings.keys() & _OWN_BITS and of_zeros != ceil(out * bits / 32):
            bits = 32 * of_zeros // max(1, out)
        elif not bits and "g_idx" in parts:
            bits = 32 * words // max(1, *parts["g_idx"].shape)
        known = (2, 3, 4, 8) if form != "gptq_p" else (2, 3, 4, 5, 6, 7, 8)
        if bits not in known:
            said = f"{', '.join(map(str, known[:-1]))} or 8 bits in quantization_config"
            raise made.refuse(f"{bits or 'an unknown number of'} bits", said)
        if form == "gptq_p" and bits in _PLANES and (words % bits or out % 32):
            raise made.refuse(f"qweight of {codes.shape} in {bits} planes", "whole blocks of 32 numbers")
        made = replace(made, shape=(out, 32 * words // bits), dtype=f"GPTQ {bits}-bit", bits=bits, form=form)
        made.check("qweight", (words, out), dtypes=("I32",))
        groups = matrix_shape(parts["scales"].shape)[0]
        made.check("scales", (groups, out), dtypes=("F16", "BF16", "F32"))
        made.check("qzeros", (groups, ceil(out * bits / 32)), dtypes=("I32",))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Rows of the matrix, which are columns of the stored codes."""
        codes = self._unpacked(self.parts["qweight"].values(np.dtype("<u4"), None, rows).T, self.shape[1])
        scales = self.parts["scales"].read(None, rows).T.astype(np.float32)
        zeros = self._zeros(self._reading)[:, rows].T
        group = self.groups("g_idx", scales.shape[1])
        return scales[:, group] * (codes - zeros[:, group])

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Notes that the zero points are not stored as config.json says."""
        found = self._reading.partition(" ")[0]
        if found == self.form:
            return ()
        return (Phrase.of("zeros.other_format", dtype=self.dtype, found=found, said=self.form),)

    def _zeros(self, form: str) -> NDArray[np.int16]:
        """Zero points [groups, out], read as stored in the given form."""
        words = self.parts["qzeros"].values(np.dtype("<u4"))
        if form == "gptq" and self.bits == 3:  # a code may span two words, so one was subtracted from each code
            return (unpacked(words, 3, self.shape[0]) + np.int16(1)) & np.int16(7)
        if form == "gptq_p":
            return self._unpacked(words, self.shape[0])
        ones = [sum(1 << shift for shift in range(0, 32, self.bits))]
        added = {"gptq": ones, "gptq_v2": [0], _BY_GPTQMODEL: _GPTQMODEL_3_BITS}[form]
        return unpacked(words + np.resize(np.array(added, np.uint32), words.shape[1]), self.bits, self.shape[0])

    def _unpacked(self, words: NDArray[np.uint32], size: int) -> NDArray[np.int16]:
        """The codes along the last axis."""
        if self.form != "gptq_p" or self.bits not in _PLANES:
            return unpacked(words, self.bits, size)
        blocks, low = words.reshape(*words.shape[:-1], size // 32, self.bits), 0
        found = np.zeros((*blocks.shape[:-1], 32), np.uint32)
        for bits in _PLANES[self.bits]:  # a plane of b bits has b words of each block, below it as many words as bits
            plane = blocks[..., low : low + bits, None] >> (bits * np.arange(32 // bits, dtype=np.uint32))
            found |= (plane & ((1 << bits) - 1)).reshape(found.shape) << low
            low += bits
        return np.asarray(found, np.int16).reshape(*words.shape[:-1], size)

    @cached_property
    def _reading(self) -> str:
        if self.form == "gptq_p":
            return self.form
        forms = ("gptq", "gptq_v2", *((_BY_GPTQMODEL,) if self.bits == 3 else ()))
        readings = {form: self._zeros(form) for form in forms}
        return reading(readings, self.bits, self.form, self.settings.get("sym") is True)
