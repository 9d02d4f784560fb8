"""GGUF's types with scales that are searched for: Q2_K to Q6_K, IQ4_NL and IQ4_XS, without an importance matrix.

Each is computed as the C code of llama.cpp computes it (``ggml-quants.c``: ``make_qkx2_quants``, ``make_q3_quants``,
``make_qx_quants``, ``quantize_row_iq4_nl_impl``), every operation in float32 and every sum in the order of its loop,
so that a file is met to the bit if the compiler fused no product with a sum. Builds for processors that do
(``-mfma``) round some sums otherwise and may choose another scale; their files are not met by these.

Blocks are the columns of an array [numbers of a block, blocks], so that one step of a loop is one operation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .casts import Array, nearest

Single = NDArray[np.float32]
F = np.float32
SUPER = 256
"""Numbers of a block of blocks."""
_IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], F)
_NOTHING = F(1e-15)


def with_minimum(x: Array, bits: int) -> Array:
    """Q2_K, Q4_K and Q5_K: codes times a scale, less a minimum.

    Parameters
    ----------
    x : numbers, [rows, columns]; the columns are whole runs of 256.
    bits : 2, 4 or 5.
    """
    size, most, first, steps = {2: (16, 3, -0.5, 15), 4: (32, 15, -1.0, 20), 5: (32, 31, -0.5, 15)}[bits]
    z = _blocks(x, size)
    weights = np.abs(z) if bits == 2 else np.sqrt(_sum(z * z) / F(32)) + np.abs(z)
    scales, minima = _scale_and_minimum(z, weights, most, F(first), steps, absolute=bits == 2)
    levels = F(15 if bits == 2 else 63)
    d, step = _of_blocks(scales, levels, SUPER // size)
    dm, least = _of_blocks(minima, levels, SUPER // size)
    d, dm = d * step, dm * least
    codes = np.clip(_integer(np.where(d == 0, F(0), (z + dm) / d)), 0, most)
    return _back(d * codes - dm, x)


def q6_k(x: Array) -> Array:
    """Q6_K: codes -32 to 31 times a scale."""
    z = _blocks(x, 16)
    scales = _scale(z, 32)
    top, at = _largest(scales, SUPER // 16)
    inverse = F(-128) / at
    d = np.where(top < _NOTHING, F(0), nearest(F(1) / inverse, "F16"))
    step = d * np.minimum(127, _integer(_spread(inverse, SUPER // 16) * scales).reshape(-1, SUPER // 16)).T
    return _codes(x, z, step, 32)


def q3_k(x: Array) -> Array:
    """Q3_K: codes -4 to 3 times a scale."""
    z = _blocks(x, 16)
    scales = _refined(z, 4)
    _, at = _largest(scales, SUPER // 16)
    inverse = F(-32) / at
    d = np.where(at == 0, F(0), nearest(F(1) / inverse, "F16"))
    step = d * np.clip(_integer(_spread(inverse, SUPER // 16) * scales).reshape(-1, SUPER // 16), -32, 31).T
    return _codes(x, z, step, 4)


def iq4(x: Array, runs: int) -> Array:
    """IQ4_NL (``runs`` 1) and IQ4_XS (8): one of 16 numbers, times a scale of a run of 32, in blocks of such runs."""
    z = _blocks(x, 32)
    weights = z * z
    top, most = _peak(z)
    d, best = np.zeros_like(most), np.zeros_like(most)
    for attempt in (None, *range(-7, 8)):
        inverse = F(1) / (-most / _IQ4[0]) if attempt is None else F(attempt + _IQ4[0]) / most
        q = _IQ4[_index(inverse * z)]
        sumqx, sumq2 = _sum(weights * q * z), _sum(weights * q * q)
        better = sumq2 > 0 if attempt is None else (sumq2 > 0) & (sumqx * sumqx > best * sumq2)
        d = np.where(better, sumqx / sumq2, d)
        best = np.where(better, d * sumqx, best)
    d = np.where(top < _NOTHING, F(0), d)
    if runs == 1:
        q = _IQ4[_index(np.where(d == 0, F(0), F(1) / d) * z)]
        return _back(nearest(d, "F16") * q, x)
    _, at = _largest(d, runs)
    whole = -at / F(32)
    inverse = np.where(whole == 0, F(0), F(1) / whole)
    steps = np.clip(_integer(_spread(inverse, runs) * d), -32, 31)
    step = _spread(whole, runs) * steps
    q = _IQ4[_index(np.where(step == 0, F(0), F(1) / step) * z)]
    return _back(_spread(nearest(whole, "F16"), runs) * steps * q, x)


def _blocks(x: Array, size: int) -> Single:
    """Runs of a matrix as columns."""
    return np.ascontiguousarray(x.astype(F).reshape(-1, size).T)


def _back(y: Array, like: Array) -> Array:
    found: Array = y.T.reshape(like.shape).astype(like.dtype)
    return found


def _sum(z: Array) -> Single:
    """Sums of columns, from the first number to the last, each rounded to float32."""
    found = np.zeros(z.shape[1:], F)
    for row in z:
        found = found + row
    return found


def _integer(x: Array) -> Single:
    """The nearest integer, ties to even, as a float; what is no number is 0."""
    found: Single = np.rint(np.nan_to_num(x, nan=0, posinf=0, neginf=0)).astype(F)
    return found


def _peak(z: Single) -> tuple[Single, Single]:
    """Of each column the largest magnitude, and the first number that has it."""
    at = np.abs(z).argmax(0)
    most = np.take_along_axis(z, at[None], 0)[0]
    return np.abs(most), most


def _largest(scales: Single, blocks: int) -> tuple[Single, Single]:
    """The same of the scales of each run of blocks."""
    return _peak(np.ascontiguousarray(scales.reshape(-1, blocks).T))


def _spread(each: Single, blocks: int) -> Single:
    """A number of each run of blocks, for each block."""
    return np.repeat(each, blocks)


def _of_blocks(each: Single, levels: np.float32, blocks: int) -> tuple[Single, Single]:
    """What all blocks of a run have, for each, and the code of each block."""
    most = np.maximum(each.reshape(-1, blocks).max(1), F(0))
    inverse = np.where(most > 0, levels / most, F(0))
    codes = np.minimum(_integer(_spread(inverse, blocks) * each), levels)
    return _spread(nearest(most / levels, "F16"), blocks), codes


def _codes(x: Array, z: Single, step: Array, half: int) -> Array:
    """The nearest codes, times a step for each block [blocks of a run, runs]."""
    each = step.T.reshape(-1).astype(F)
    codes = np.clip(_integer(np.where(each == 0, F(0), z / each)), -half, half - 1)
    return _back(each * codes, x)


def _scale_and_minimum(
    x: Single, weights: Single, most: int, first: np.float32, steps: int, *, absolute: bool
) -> tuple[Single, Single]:
    """``make_qkx2_quants``: the scale, and the minimum with its sign turned."""
    least, top = np.minimum(x.min(0), F(0)), x.max(0)
    flat = top == least
    sum_w, sum_x = _sum(weights), _sum(weights * x)
    inverse = F(most) / (top - least)
    scale, low = F(1) / inverse, least

    def error(scale: Array, codes: Single, low: Array) -> Single:
        away = scale * codes + low - x
        return _sum(weights * (np.abs(away) if absolute else away * away))

    best = error(scale, np.clip(_integer(inverse * (x - least)), 0, most), least)
    for at in range(steps + 1):
        inverse = (first + F(0.1) * F(at) + F(most)) / (top - low)  # with the minimum of the best attempt so far
        codes = np.clip(_integer(inverse * (x - low)), 0, most)
        part = weights * codes
        sum_l, sum_l2, sum_xl = _sum(part), _sum(part * codes), _sum(part * x)
        whole = sum_w * sum_l2 - sum_l * sum_l
        this_scale = (sum_w * sum_xl - sum_x * sum_l) / whole
        this_low = (sum_l2 * sum_x - sum_l * sum_xl) / whole
        above = this_low > 0
        this_scale, this_low = np.where(above, sum_xl / sum_l2, this_scale), np.where(above, F(0), this_low)
        now = error(this_scale, codes, this_low)
        better = (whole > 0) & (now < best)
        best, scale, low = (
            np.where(better, now, best),
            np.where(better, this_scale, scale),
            np.where(better, this_low, low),
        )
    return np.where(flat, F(0), scale), np.where(flat, -least, -low)


def _scale(x: Single, half: int) -> Single:
    """``make_qx_quants`` with squares for weights."""
    top, most = _peak(x)
    weights = x * x

    def attempt(inverse: Single) -> tuple[Single, Single]:
        codes = np.clip(_integer(inverse * x), -half, half - 1)
        return _sum(weights * x * codes), _sum(weights * codes * codes)

    sumlx, suml2 = attempt(F(-half) / most)
    scale = np.where(suml2 != 0, sumlx / suml2, F(0))
    best = scale * sumlx
    for at in (*range(-9, 0), *range(1, 10)):
        sumlx, suml2 = attempt(-(F(half) + F(0.1) * F(at)) / most)
        better = (suml2 > 0) & (sumlx * sumlx > best * suml2)
        scale = np.where(better, sumlx / suml2, scale)
        best = np.where(better, scale * sumlx, best)
    return np.where(top < _NOTHING, F(0), scale)


def _refined(x: Single, half: int) -> Single:
    """``make_q3_quants``: codes that are changed one by one while this makes the error smaller."""
    top, most = _peak(x)
    weights = x * x
    codes = np.clip(_integer(F(-half) / most * x), -half, half - 1)
    sumlx, suml2 = _sum(weights * x * codes), _sum(weights * codes * codes)
    going = np.ones(x.shape[1], bool)
    for _ in range(5):
        changed = np.zeros_like(going)
        for i, (one, w) in enumerate(zip(x, weights, strict=True)):
            slx, sl2 = sumlx - w * one * codes[i], suml2 - w * codes[i] * codes[i]
            new = np.clip(_integer(one * sl2 / slx), -half, half - 1)
            tried = going & (slx > 0) & (new != codes[i])
            slx, sl2 = slx + w * one * new, sl2 + w * new * new
            better = tried & (sl2 > 0) & (slx * slx * suml2 > sumlx * sumlx * sl2)
            codes[i] = np.where(better, new, codes[i])
            sumlx, suml2 = np.where(better, slx, sumlx), np.where(better, sl2, suml2)
            changed |= better
        going = going & changed
    return np.where(top < _NOTHING, F(0), np.where(suml2 > 0, sumlx / suml2, F(0)))


def _index(x: Single) -> NDArray[np.intp]:
    """Where the nearest of the 16 numbers is; of two that are as near, the larger."""
    above = np.searchsorted(_IQ4, x, side="right").clip(1, len(_IQ4) - 1)
    return np.asarray(np.where(x - _IQ4[above - 1] < _IQ4[above] - x, above - 1, above), np.intp)
