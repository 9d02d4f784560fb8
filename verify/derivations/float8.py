"""Grids of float8 (E4M3) with scales by the largest magnitude of a tile, as tools for models compute them.

y = E4M3(x / s) s, with s = max|x| / 448 of the tile, where what is rounded between differs:

- torchao (``_choose_scale_float8``, ``_quantize_affine_float8``): s in the type of the weights, the quotient in
  float32.
- compressed-tensors and llm-compressor (``calculate_qparams``, ``_quantize``): s and the quotient in the type of the
  weights, so that a weight in bfloat16 is rounded twice.
- transformers' ``FineGrainedFP8`` (``Fp8Quantize``): x times f, where f = 448 (1 / max|x|), and s = 1 / f, all in
  float32.
- DeepSeek-V3's kernel (``act_quant_kernel``): s and the quotient in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .casts import Array, nearest

MOST = np.float32(448)
"""Largest number of E4M3."""
TILE = 128
"""Rows and columns of a square tile."""


class Way(NamedTuple):
    """What is rounded between the weights and the codes."""

    scale: str = "F32"
    """Type of the scale."""
    quotient: str = "F32"
    """Type that x / s is rounded to."""
    inverse: bool = False
    """Whether x is multiplied by 448 (1 / max|x|) instead."""

    @property
    def said(self) -> str:
        """In words, after the tiles."""
        if self.inverse:
            return "by inverse scales"
        return f"scales {self.scale}" + (f", quotients {self.quotient}" if self.quotient != "F32" else "")


def ways(dtype: str) -> Iterator[Way]:
    """The ways of tools for weights of a type."""
    yield Way()
    yield Way(inverse=True)
    if dtype in ("F16", "BF16"):
        yield Way(dtype)
        yield Way(dtype, dtype)


def float8(x: Array, top: Array, way: Way) -> Array:
    """Codes times scales.

    Parameters
    ----------
    x : numbers.
    top : largest magnitude of the tile of each, of a shape that fits x's.
    way : what is rounded between.
    """
    with np.errstate(all="ignore"):
        if way.inverse:
            factor = np.float32(1) / top * MOST
            s, q = np.float32(1) / factor, x * factor
        else:
            s = nearest(top / MOST, way.scale)
            q = nearest(x / s, way.quotient)
        codes = nearest(np.clip(q, -MOST, MOST), "F8_E4M3")
        found: Array = np.where(top == 0, np.float32(0), codes * s)
    return found


def by_runs(x: Array, run: int, way: Way) -> Array:
    """With one scale for a run of a row, or for all of it.

    Parameters
    ----------
    x : numbers, [rows, columns].
    run : columns that have one scale; a divisor of the columns.
    way : what is rounded between.
    """
    z = x.reshape(len(x), -1, run)
    return float8(z, np.abs(z).max(-1, keepdims=True), way).reshape(x.shape)


def by_tiles(x: Array, way: Way) -> Array:
    """With one scale for a tile of 128 rows and columns; those at the end may be smaller.

    Parameters
    ----------
    x : numbers, [rows, columns], whose first row is the first of a tile.
    way : what is rounded between.
    """
    tall, wide = (-size % TILE for size in x.shape)
    z = np.pad(x, ((0, tall), (0, wide)))
    z = z.reshape(z.shape[0] // TILE, TILE, z.shape[1] // TILE, TILE)
    found = float8(z, np.abs(z).max((1, 3), keepdims=True), way)
    return found.reshape(x.shape[0] + tall, x.shape[1] + wide)[: x.shape[0], : x.shape[1]]
