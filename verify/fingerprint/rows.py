"""Rows that read the residual stream, and the channels of q and k that are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Architecture
from .layout import kept_plain, kept_planes, key_size
from .sketch import SketchSpec


@dataclass(frozen=True)
class Rows:
    """Rows that read the stream, by themselves or through a latent vector."""

    own: NDArray[np.float64]
    """Shape [..., n, k]."""
    through: NDArray[np.float64] | None = None
    """What they read the stream through, shape [k, width]; None if they read it themselves."""

    def __matmul__(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Products with a matrix [width, m], shape [..., n, m]."""
        read = matrix if self.through is None else self.through @ matrix
        products: NDArray[np.float64] = self.own.reshape(-1, len(read)) @ read  # one product, not one for each plane
        return products.reshape(*self.own.shape[:-1], -1)


def planes(shape: Architecture, sketch: SketchSpec) -> NDArray[np.intp]:
    """Channels of a head that form the rotary planes kept, shape [planes, 2]."""
    kept, size = kept_planes(shape, sketch).indices, shape.rotary_size
    first = key_size(shape) - size if shape.latent else 0
    if shape.rotary == "interleaved":
        return first + np.stack([2 * kept, 2 * kept + 1], axis=1)
    return first + np.stack([kept, kept + size // 2], axis=1)


def plain_channels(shape: Architecture, sketch: SketchSpec) -> NDArray[np.intp]:
    """Channels of a head kept of those that positions do not turn, shape [channels, 1]."""
    return ((0 if shape.latent else shape.rotary_size) + kept_plain(shape, sketch).indices)[:, None]
