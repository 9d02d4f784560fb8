"""Random matrices of the groups that keep a network's function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Draw = Callable[[int, np.random.Generator], Matrix]
"""From a size and a generator to an invertible square matrix."""


def order(n: int, rng: np.random.Generator) -> Matrix:
    """A permutation."""
    return np.eye(n)[rng.permutation(n)]


def signs(n: int, rng: np.random.Generator) -> Matrix:
    """A diagonal of signs."""
    return np.diag(rng.choice([-1.0, 1.0], n))


def scales(n: int, rng: np.random.Generator) -> Matrix:
    """A diagonal of factors between a half and two."""
    return np.diag(2.0 ** rng.uniform(-1, 1, n))


def basis(n: int, rng: np.random.Generator) -> Matrix:
    """A rotation or reflection, uniform."""
    gaussian, upper = np.linalg.qr(rng.standard_normal((n, n)))
    return gaussian * np.sign(np.diag(upper))


def turns(angles: NDArray[np.float64], *, interleaved: bool) -> Matrix:
    """Turn planes of channels by angles: c with c + n, or 2c with 2c + 1, for n angles."""
    n = len(angles)
    first = 2 * np.arange(n) if interleaved else np.arange(n)
    second = first + (1 if interleaved else n)
    matrix = np.zeros((2 * n, 2 * n))
    matrix[first, first] = matrix[second, second] = np.cos(angles)
    matrix[first, second], matrix[second, first] = -np.sin(angles), np.sin(angles)
    return matrix


def plane_scales(n: int, rng: np.random.Generator, *, interleaved: bool) -> Matrix:
    """A diagonal of factors between a half and two, equal in each plane of a head of ``n`` channels."""
    factors = 2.0 ** rng.uniform(-1, 1, n // 2)
    return np.diag(np.repeat(factors, 2) if interleaved else np.tile(factors, 2))
