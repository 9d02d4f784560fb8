"""HQQ: W = scale[g] * (W_q - zero[g]), g the group; the file states how a matrix is grouped and packed.

Along axis 1 a group is neighbours in a row; along axis 0 it is a number of each of ``group_size`` stretches of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised, as_bytes
from .striped import striped

_LONGEST = 64
_TWO = ("scale", "zero")
_PACKINGS = {"8bit_u8": 8, "4bit_u8": 4, "3bit_32": 3, "2bit_u8": 2, "1bit_u8": 1}


@dataclass(frozen=True)
class Hqq(Quantised):
    """HQQ: codes packed across groups."""

    bits: int = 4
    group: int = 64
    axis: int = 1

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape and all else from the file.

        Parameters
        ----------
        name : name of the matrix, for messages.
        parts : its stored tensors, by the last part of their names.
        settings : not needed.

        Returns
        -------
        Quantised
            The matrix [out, in].

        Raises
        ------
        CheckpointError
            If the parts do not fit the convention.
        """
        made = cls(name, (0, 0), "HQQ", parts, settings)
        if missing := sorted({"shape", "axis", "group_size", "packing", "scale", "zero"} - parts.keys()):
            raise made.refuse(f"no {' or '.join(missing)}", "all that HQQ stores beside W_q, with scales as floats")
        made.check("shape", (2,), dtypes=("I64",))
        out, size = (int(n) for n in parts["shape"].values(np.dtype("<i8")))
        axis, group = made._number("axis"), made._number("group_size")
        packing = made._text("packing")
        if packing not in _PACKINGS or axis not in (0, 1) or group < 1 or min(out, size) < 1:
            raise made.refuse(
                f"packing {packing!r:.60}, axis {axis}, groups of {group} and shape {(out, size)}",
                f"{', '.join(_PACKINGS)}, axis 0 or 1, groups and a shape of at least 1",
            )
        if (out, size)[axis] % group:
            raise made.refuse(
                f"groups of {group} along axis {axis} of {(out, size)}", "whole groups in each row or column"
            )
        groups, width = out * size // group, size if axis == 0 else group
        codes, bits = as_bytes(parts["W_q"], "U8"), _PACKINGS[packing]
        per, across = (10, 4) if bits == 3 else (8 // bits, 1)
        long = group if axis == 0 else groups
        stored, columns = -(-long // per), groups if axis == 0 else group
        if codes.shape != (stored, columns * across) or (bits != 3 and long % per):
            raise made.refuse(f"W_q of {codes.dtype} {parts['W_q'].shape}", f"{stored} rows of {columns} codes")
        for part in ("scale", "zero"):
            made.check(part, (1, groups) if axis == 0 else (groups, 1), dtypes=("F32", "F16", "BF16"))
        codes = codes.viewed("I32" if bits == 3 else "U8", (stored * columns // width, width))
        return replace(
            made,
            shape=(out, size),
            dtype=f"HQQ {bits}-bit",
            parts=parts | {"W_q": codes},
            bits=bits,
            group=group,
            axis=axis,
        )

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        size = self.shape[1]
        if self.axis == 0:
            scale, zero = (
                self._floats(part).reshape(-1, size)[rows % (self.shape[0] // self.group)] for part in _TWO
            )
            return scale * (striped(self.parts["W_q"], rows, self.bits, high_first=True) - zero)
        inner = size // self.group
        groups = (rows[:, None] * inner + np.arange(inner)).ravel()
        codes = striped(self.parts["W_q"], groups, self.bits, high_first=True)
        scale, zero = (self._floats(part)[groups] for part in _TWO)
        return np.asarray((scale * (codes - zero)).reshape(len(rows), size), np.float32)

    def _floats(self, part: str) -> NDArray[np.float32]:
        return self.parts[part].read().astype(np.float32)

    def _number(self, part: str) -> int:
        self.check(part, (), (1,), dtypes=("I32",))
        return int(self.parts[part].values(np.dtype("<i4")).ravel()[0])

    def _text(self, part: str) -> str:
        codes = self.parts[part]
        if codes.dtype != "U8" or len(codes.shape) != 1 or codes.shape[0] > _LONGEST:
            raise self.refuse(f"{part} of {codes.dtype} {codes.shape}", "a word, a byte for each letter")
        return str(codes.values(np.dtype("u1")).tobytes(), "latin-1")
