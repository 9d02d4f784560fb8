"""bitsandbytes nf4 and fp4: W = quant_map[code] * absmax of its block of the flattened matrix.

The absmax values may themselves be quantised (arXiv:2305.14314).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hostile import parse_json_object
from .matrix import Array, Parts, Quantised
from .names import STATE

_LARGEST_STATE = 1 << 16  # bytes of JSON


@dataclass(frozen=True)
class Block4(Quantised):
    """bitsandbytes nf4 and fp4: blocks of the flattened matrix; the first code of a byte is its high half."""

    block: int = 64
    nested_block: int = 256
    offset: float = 0.0

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from the state, which is JSON.

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
        kind = next((kind for kind in ("nf4", "fp4") if STATE + kind in parts), "4-bit")
        made = cls(name, (0, 0), f"bitsandbytes {kind}", parts, settings)
        state = parts.get(STATE + kind)
        if state is None or state.dtype != "U8" or len(state.shape) != 1 or state.shape[0] > _LARGEST_STATE:
            raise made.refuse("no quant_state that can be read", "one that says the shape and block size")
        said = parse_json_object(state.values(np.dtype(np.uint8)).tobytes(), f"The quant_state of {name!r:.200}")
        shape, offset = said.get("shape"), said.get("nested_offset", 0.0)
        sizes = [said.get("blocksize"), said.get("nested_blocksize", 256)]
        numbers = [*shape, *sizes] if isinstance(shape, list) and len(shape) == 2 else [None]
        if not all(type(n) is int and 0 < n < 2**31 for n in numbers) or not isinstance(offset, float | int):
            raise made.refuse(f"quant_state {said!r:.120}", "a shape of two counts, and counts of numbers in a block")
        made = replace(made, shape=tuple(shape or ()), block=sizes[0], nested_block=sizes[1], offset=float(offset))
        numbers_in = prod(made.shape)
        codes, blocks = parts["weight"], ceil(numbers_in / made.block)
        if codes.nbytes() != ceil(numbers_in / 2):
            raise made.refuse(f"{codes.nbytes()} bytes of codes", f"half a byte for each of {made.shape}")
        nested = "weight.nested_absmax" in parts
        made.check("weight.absmax", (blocks,), dtypes=("U8",) if nested else ("F32",))
        made.check("weight.quant_map", (16,), dtypes=("F32",))
        if nested:
            made.check("weight.nested_absmax", (ceil(blocks / made.nested_block),), dtypes=("F32",))
            if "weight.nested_quant_map" not in parts:
                raise made.refuse("no weight.nested_quant_map", "a table of 256 numbers")
            made.check("weight.nested_quant_map", (256,), dtypes=("F32",))
        flat = codes.viewed("U8", (codes.nbytes(),))
        return replace(made, parts=parts | {"weight": flat})

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Rows of the matrix, by runs of consecutive rows."""
        runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1) if len(rows) else []
        found = [self._run(int(run[0]), int(run[-1]) + 1) for run in runs]
        return np.concatenate(found) if found else np.zeros((0, self.shape[1]), np.float32)

    def _run(self, first: int, last: int) -> Array:
        width = self.shape[1]
        low, high = first * width, last * width
        packed = self.parts["weight"].values(np.dtype(np.uint8), slice(low // 2, ceil(high / 2)))
        codes = np.stack([packed >> 4, packed & 15], axis=1).ravel()[low % 2 :][: high - low]
        table = self.parts["weight.quant_map"].read()
        start, stop = low // self.block, ceil(high / self.block)
        sizes = self._sizes(start, stop)[np.arange(low, high) // self.block - start]
        return (table[codes] * sizes).reshape(last - first, width)

    def _sizes(self, start: int, stop: int) -> Array:
        """The absmax of some blocks."""
        if "weight.nested_absmax" not in self.parts:
            return self.parts["weight.absmax"].read(slice(start, stop))
        codes = self.parts["weight.absmax"].values(np.dtype(np.uint8), slice(start, stop))
        scale = self.parts["weight.nested_absmax"].read()[np.arange(start, stop) // self.nested_block]
        return np.asarray(
            self.parts["weight.nested_quant_map"].read()[codes] * scale + np.float32(self.offset), np.float32
        )
