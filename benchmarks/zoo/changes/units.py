"""Changes of the hidden units of every MLP: rows of gate and up with the columns of down."""

from __future__ import annotations

import numpy as np

from ..config import Config
from .draws import Draw, order, scales, signs
from .roles import Roles, mlps


def unit_order(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute the units of every MLP."""
    for i in range(c.layers):
        for gate, up, down in list(mlps(found, i)):
            matrix = order(len(found[up]), rng)
            for key in (gate, up, up + "_bias"):
                if key in found:
                    found[key] = matrix @ found[key]
            found[down] = found[down] @ matrix.T


def unit_signs(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Flip the signs of up and down together."""
    _up_and_down(found, c, rng, signs)


def unit_scales(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Multiply rows of up, and divide columns of down."""
    _up_and_down(found, c, rng, scales)


def _up_and_down(found: Roles, c: Config, rng: np.random.Generator, draw: Draw) -> None:
    for i in range(c.layers):
        for _, up, down in list(mlps(found, i)):
            matrix = draw(len(found[up]), rng)
            for key in (up, up + "_bias"):
                if key in found:
                    found[key] = matrix @ found[key]
            found[down] = found[down] @ np.linalg.inv(matrix)
