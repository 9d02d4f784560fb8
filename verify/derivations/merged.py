"""A weight at which two tensors were averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .casts import Array, nearest, same, steps
from .check import Block, Enough, roundest
from .record import Rule

Way = Callable[[float, Array, Array, str], Array]


class Merged:
    """One weight for all numbers: y is w x + (1 - w) z, 0 < w < 1, by one of ``MERGES`` in all blocks."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.weight = dtype, 0.0
        self.enough, self.ways = Enough(), MERGES

    def holds(self, at: Block) -> bool:
        """Choose the weight by the first block where the models differ, and compare."""
        x, y, z = at.x, at.y, at.z
        if z is None:
            return False
        self.enough.see(x - z)
        if not self.weight:
            self.weight = next((w for w in self._weights(x, y, z) if self._ways(w, at)), 0.0)
            if not self.weight:
                return bool(same(x, z).all() and same(nearest(x, self.dtype), y).all())
        self.ways = self._ways(self.weight, at)
        return bool(self.ways)

    def found(self) -> Rule | None:
        """The rule with its weight."""
        return Rule(name="merged", value=self.weight) if self.weight and self.enough() else None

    def _ways(self, weight: float, at: Block) -> tuple[Way, ...]:
        """The ways of those left that give the numbers after."""
        if at.z is None:
            return ()
        images = [(way, way(weight, at.x, at.z, self.dtype)) for way in self.ways]
        return tuple(way for way, image in images if same(nearest(image, self.dtype), at.y).all())

    def _weights(self, x: Array, y: Array, z: Array) -> Iterator[float]:
        """The roundest weight for one rounding of the result, and for that of each product too."""
        a, b, c = (one.astype(np.float64) for one in (x, y, z))
        at = np.isfinite(a) & np.isfinite(b) & np.isfinite(c) & (a != c)
        if not at.any():
            return
        a, b, c = a[at], b[at], c[at]
        far = np.abs(a - c)
        slack = 0.5 * steps(b, self.dtype) + 2.0**-23 * (np.abs(a) + np.abs(c))
        for more in (0.0, 0.5 * (steps(a, self.dtype) + steps(c, self.dtype))):
            found = roundest((b - c) / (a - c), (slack + more) / far)
            if 0 < found < 1:
                yield found


def _in_double(w: float, x: Array, z: Array, *_: str) -> Array:
    found: Array = (w * x.astype(np.float64) + (1 - w) * z.astype(np.float64)).astype(x.dtype)
    return found


def _in_single(w: float, x: Array, z: Array, *_: str) -> Array:
    found: Array = x.dtype.type(w) * x + x.dtype.type(1 - w) * z
    return found


def _along(w: float, x: Array, z: Array, *_: str) -> Array:
    found: Array = z + x.dtype.type(w) * (x - z)
    return found


def _by_steps(w: float, x: Array, z: Array, dtype: str) -> Array:
    found: Array = nearest(x.dtype.type(w) * x, dtype) + nearest(x.dtype.type(1 - w) * z, dtype)
    return found


def _along_at_once(w: float, x: Array, z: Array, *_: str) -> Array:
    product = np.float64(x.dtype.type(w)) * (x - z).astype(np.float64)
    found: Array = (z.astype(np.float64) + product).astype(x.dtype)
    return found


def _by_coarse_steps(w: float, x: Array, z: Array, dtype: str) -> Array:
    one, rest = (nearest(np.asarray(weight, x.dtype), dtype) for weight in (w, 1 - w))
    found: Array = nearest(one * x, dtype) + nearest(rest * z, dtype)
    return found


MERGES: tuple[Way, ...] = (_in_double, _in_single, _along, _along_at_once, _by_steps, _by_coarse_steps)
"""Ways to compute w x + (1 - w) z: in float64; in float32; as z + w (x - z) in float32, with two roundings or one
(``torch.lerp``); with each product rounded to the type; with the weights rounded to it too."""
