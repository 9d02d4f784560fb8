"""Grids that quantisation puts numbers on, computed from the numbers before: a scale for a run of a row, then codes.

Each takes a matrix [rows, columns] in float32 and gives the numbers that are read back, before they are rounded to
the type of a file. The arithmetic is that of the tools named, step by step in float32, so that a file which one of
them wrote is met to the bit:

- ``int8`` and ``int4``: round to nearest (ties to even) by the largest magnitude, q = rint(x / s), s = max|x| / 127
  (or / 7), with one s for a whole row or for a run of it; s kept in float32 or rounded to a type of 16 bits.
- ``q8_0``, ``signed``, ``from_minimum``: the reference quantisers of llama.cpp and gguf-py (``ggml-quants.c``,
  ``quants.py``), runs of 32, scales in float16; those that search for scales are in ``searched``.
- ``llm_int8`` and ``four_bit``: bitsandbytes' LLM.int8() (arXiv:2208.07339), which begins with float16, by rows; and
  its NF4 and FP4 (arXiv:2305.14314), the nearest of 16 numbers for runs of 64 of the flattened tensor, scales in
  float32; with a second quantisation of the scales, which needs the whole tensor, in ``of_tensor``.
- ``float8``: by rows and by runs of them; by tiles and whole tensors, in ``of_tensor``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from .casts import Array, nearest
from .check import Block
from .float8 import TILE, by_runs, ways
from .image import Image
from .own_grid import is_put
from .record import Rule
from .searched import SUPER, iq4, q3_k, q6_k, with_minimum

_GROUPS = (32, 64, 128)
NF4 = np.array(
    [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
     -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
     0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0],
    np.float32,
)  # fmt: skip
_FP4 = np.array([0.0625, 2, 3, 4, 6, 8, 12], np.float32) / np.float32(12)
FP4 = np.concatenate([-_FP4[::-1], [np.float32(0)], _FP4])
FLAT = 64
"""Numbers of a run of the flattened tensor."""


def absmax(x: Array, largest: int, run: int, scale: str) -> Array:
    """Round to nearest by the largest magnitude of each run.

    Parameters
    ----------
    x : numbers, [rows, columns].
    largest : code of the largest magnitude, 127 or 7.
    run : columns that have one scale; a divisor of the columns.
    scale : type that scales are rounded to.
    """
    z = x.reshape(len(x), -1, run)
    return absmax_by(z, np.abs(z).max(-1, keepdims=True), largest, scale).reshape(x.shape)


def absmax_by(x: Array, top: Array, largest: int, scale: str) -> Array:
    """Round to nearest by given magnitudes.

    Parameters
    ----------
    x : numbers.
    top : the magnitude for each, of a shape that fits x's.
    largest : code of that magnitude.
    scale : type that scales are rounded to.
    """
    s = nearest(top / np.float32(largest), scale)
    with np.errstate(all="ignore"):
        q = np.clip(np.rint(np.where(s == 0, 0, x / s)), -largest, largest)
    found: Array = q * s
    return found


def q8_0(x: Array) -> Array:
    """GGUF's Q8_0: halves away from zero."""
    z = x.reshape(len(x), -1, 32)
    d = np.abs(z).max(-1, keepdims=True) / np.float32(127)
    with np.errstate(all="ignore"):
        v = z * np.where(d == 0, 0, 1 / d)
    floor = np.floor(np.abs(v))
    q = np.sign(v) * (floor + np.floor(2 * (np.abs(v) - floor)))
    found: Array = (q * nearest(d, "F16")).reshape(x.shape)
    return found


def signed(x: Array, half: int) -> Array:
    """GGUF's Q4_0 (``half`` 8) and Q5_0 (16): the number of largest magnitude is at the lowest code."""
    z = x.reshape(len(x), -1, 32)
    top = np.take_along_axis(z, np.abs(z).argmax(-1)[..., None], -1)
    d = (top / np.float32(-half)).astype(np.float32)
    with np.errstate(all="ignore"):
        inverse = np.where(d == 0, np.float32(0), np.float32(1) / d)
    codes = np.trunc(z.astype(np.float64) * inverse.astype(np.float64) + (half + 0.5)).clip(0, 2 * half - 1)
    found: Array = ((codes - half).astype(np.float32) * nearest(d, "F16")).reshape(x.shape)
    return found


def llm_int8(x: Array, *, reciprocal: bool = False) -> Array:
    """Bitsandbytes' LLM.int8(), without columns kept apart.

    Parameters
    ----------
    x : numbers, [rows, columns].
    reciprocal : whether 127 is multiplied by 1 / max|x|, as torch divides a number by a tensor, or divided by max|x|.
    """
    half = nearest(x, "F16")
    top = np.abs(half).max(-1, keepdims=True)
    most = np.float32(127)
    with np.errstate(all="ignore"):
        factor = np.where(top == 0, 0, np.float32(1) / top * most if reciprocal else most / top)
    found: Array = np.rint(half * factor) * (top / most)
    return found


def four_bit(x: Array, codes: Array, scales: Array | None = None) -> Array:
    """Bitsandbytes' codes of four bits, for runs of ``FLAT`` of the flattened tensor, of which x is whole runs.

    Parameters
    ----------
    x : numbers, [rows, columns]; the last run of a tensor may be shorter.
    codes : 16 numbers in ascending order, ``NF4`` or ``FP4``.
    scales : what the codes of each run are multiplied by; None for its largest magnitude.
    """
    z = flat_runs(x)
    short = z.size - x.size
    top = np.abs(z).max(-1, keepdims=True)
    with np.errstate(all="ignore"):
        v = np.where(top == 0, 0, z * (np.float32(1) / top))
        if short:
            v[-1] = np.where(top[-1] == 0, 0, z[-1] / top[-1])
    at = np.searchsorted((codes[1:] + codes[:-1]) / np.float32(2), v)
    by = top if scales is None else scales[:, None]
    found: Array = (codes[at] * by).ravel()[: x.size].reshape(x.shape)
    return found


def flat_runs(x: Array) -> Array:
    """Runs of ``FLAT`` of the flattened numbers, the last of them filled up with zeros."""
    flat = x.ravel()
    return np.concatenate([flat, np.zeros(-len(flat) % FLAT, x.dtype)]).reshape(-1, FLAT)


def from_minimum(x: Array, most: int) -> Array:
    """GGUF's Q4_1 (``most`` 15) and Q5_1 (31): codes times a scale, and the smallest number of the run."""
    z = x.reshape(len(x), -1, 32)
    least = z.min(-1, keepdims=True)
    d = (z.max(-1, keepdims=True) - least) / np.float32(most)
    with np.errstate(all="ignore"):
        inverse = np.where(d == 0, np.float32(0), np.float32(1) / d)
    codes = np.trunc((z - least) * inverse + np.float32(0.5)).clip(0, most)
    found: Array = (codes * nearest(d, "F16") + nearest(least, "F16")).reshape(x.shape)
    return found


@dataclass(frozen=True)
class Grid:
    """A way to put a row's numbers on a grid."""

    name: str
    function: Callable[[Array], Array]
    searched: bool = False
    """Whether scales are searched for, which takes long, and puts numbers that lie on the grid on another."""

    def check(self, dtype: str) -> Image:
        """The rule for numbers that are stored in a type."""
        rule = Rule(name="quantised", setting=self.name)
        return (Searched if self.searched else Image)(rule, self.function, dtype, chosen=True)


class Searched(Image):
    """A grid of searched scales, which is computed only where numbers are at the nearest point of their own."""

    looked = False

    def holds(self, at: Block) -> bool:
        """Look at B's own grid first, then compare."""
        if not self.looked and at.y.any() and not is_put(at.x, at.y):
            return False
        self.looked = self.looked or bool(at.y.any())
        return super().holds(at)


def grids(columns: int, dtype: str, before: str) -> Iterator[Grid]:
    """The grids that a row of so many columns can lie on.

    Parameters
    ----------
    columns : of the matrix.
    dtype : type of the numbers after; scales are in float32 or in that type.
    before : type of the numbers before, which some tools compute scales in.
    """
    scales = ("F32",) if dtype in ("F32", "F64") else ("F32", dtype)
    for bits, largest in ((8, 127), (4, 7)):
        for scale in (*scales, *(one for one in ("F16",) if one not in scales)):
            for run in (columns, *(run for run in _GROUPS if columns % run == 0 and run < columns)):
                name = "rows" if run == columns else f"runs of {run}"
                function = partial(absmax, largest=largest, run=run, scale=scale)
                yield Grid(f"int{bits} by {name}, scales {scale}", function)
    if columns % 32 == 0:
        yield Grid("GGUF Q8_0", q8_0)
        yield Grid("GGUF Q4_0", partial(signed, half=8))
        yield Grid("GGUF Q5_0", partial(signed, half=16))
        yield Grid("GGUF Q4_1", partial(from_minimum, most=15))
        yield Grid("GGUF Q5_1", partial(from_minimum, most=31))
    for reciprocal in (True, False):
        yield Grid("LLM.int8() by rows", partial(llm_int8, reciprocal=reciprocal))
    for name, codes in (("NF4", NF4), ("FP4", FP4)):
        yield Grid(f"{name} by runs of {FLAT}", partial(four_bit, codes=codes))
    for way in ways(before):
        yield Grid(f"float8 by rows, {way.said}", partial(by_runs, run=columns, way=way))
        if columns % TILE == 0 and columns > TILE:
            yield Grid(f"float8 by runs of {TILE}, {way.said}", partial(by_runs, run=TILE, way=way))
    if columns % 32 == 0:
        yield Grid("GGUF IQ4_NL", partial(iq4, runs=1), searched=True)
    if columns % SUPER == 0:
        for bits in (2, 4, 5):
            yield Grid(f"GGUF Q{bits}_K", partial(with_minimum, bits=bits), searched=True)
        yield Grid("GGUF Q3_K", q3_k, searched=True)
        yield Grid("GGUF Q6_K", q6_k, searched=True)
        yield Grid("GGUF IQ4_XS", partial(iq4, runs=8), searched=True)
