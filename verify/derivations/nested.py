"""Bitsandbytes' scales of 8 bits for its codes of 4 bits (``compress_statistics``, arXiv:2305.14314).

The largest magnitudes of runs of 64, less their mean over the tensor, are quantised in turn by runs of 256: the
largest magnitude m of such a run, and for each the nearest of 256 numbers times m. The 256 numbers are those of
``create_dynamic_map`` (arXiv:1511.04561), which torch's ``linspace`` computes with products that are fused with sums.

The mean is a sum that torch takes in an order of its own, which differs between machines: it is one of the float32
numbers within ``ULPS`` steps of the mean in float64. The nearest of 256 numbers is that of the quotient; or, in
bitsandbytes' code for the CPU, that of the quotient rounded to one of 65536 numbers from -1 to 1, which is another
for some that lie less than 1.6e-5 from the middle of two.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
RUN = 256
"""Scales that are quantised together."""
ULPS = 8
"""Steps of float32 that the mean may be off."""
F = np.float32


@cache
def dynamic_map() -> Single:
    """The 256 numbers, in ascending order."""
    found: list[np.float32] = []
    for at in range(7):
        items = 2**at + 1
        step, i = np.float64(F(F(1) - F(0.1)) / F(items - 1)), np.arange(items)
        bounds = np.where(i < items // 2, F(0.1) + step * i, F(1) - step * (items - 1 - i)).astype(F)
        means = F(10.0 ** (at - 6)) * ((bounds[:-1] + bounds[1:]) / F(2))
        found += [*means, *-means]
    return np.sort(np.array([*found, 0, 1], F))


def means(tops: Single) -> Iterator[np.float32]:
    """What the mean may have been computed as, the nearest first."""
    near = F(tops.astype(np.float64).mean())
    below = above = near
    yield near
    for _ in range(ULPS):
        below, above = np.nextafter(below, F(0)), np.nextafter(above, F(np.inf))
        yield below
        yield above


def nested(tops: Single, mean: np.float32, *, of_cpu: bool) -> Single:
    """The scales that are read back.

    Parameters
    ----------
    tops : largest magnitude of each run of 64 of the flattened tensor.
    mean : their mean.
    of_cpu : whether quotients are rounded as bitsandbytes' code for the CPU does.
    """
    codes = dynamic_map()
    short = -len(tops) % RUN
    z = np.pad(tops - mean, (0, short)).reshape(-1, RUN)
    most = np.abs(z).max(-1, keepdims=True)
    with np.errstate(all="ignore"):
        v = np.where(most == 0, F(0), z * (F(1) / most) if of_cpu else z / most)
    if of_cpu:
        v = np.floor((v + F(1)) * F(32767.5) + F(0.5)).astype(np.float64) / 32767.5 - 1
    at = np.searchsorted((codes[1:].astype(np.float64) + codes[:-1]) / 2, v)
    found: Single = (codes[at] * most + mean).ravel()[: len(tops)]
    return found
