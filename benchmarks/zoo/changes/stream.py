"""Changes of the basis of the residual stream, and of the gains of the norms that read it."""

from __future__ import annotations

import numpy as np

from ..config import Config
from .draws import Matrix, basis, order, signs
from .roles import Roles, readers, writers

_ENDS = ("embed", "unembed", "position", "token_type", "transform")


def stream_order(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute the dimensions of the stream."""
    multiply(found, c, order(c.width, rng))


def stream_signs(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Flip signs of dimensions of the stream."""
    multiply(found, c, signs(c.width, rng))


def stream_rotation(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Fold every norm gain into what reads it, then rotate the stream."""
    folded_gains(found, c, rng)
    multiply(found, c, basis(c.width, rng))


def folded_gains(found: Roles, c: Config, _rng: np.random.Generator) -> None:
    """Fold every norm's gain and bias into what reads it; those before a tied unembedding stay."""
    for i in range(c.layers):
        for norm, keys in readers(found, i).items():
            _fold(found, norm, keys)
    if "unembed" in found:
        _fold(found, "norm_final", ["unembed"])


def multiply(found: Roles, c: Config, matrix: Matrix) -> None:
    """Multiply the stream by an orthogonal matrix; a matrix that mixes dimensions needs equal gains."""
    read = [key for i in range(c.layers) for keys in readers(found, i).values() for key in keys]
    for key in [key for key in _ENDS if key in found] + read:
        found[key] = found[key] @ matrix.T
    for key in [key for i in range(c.layers) for key in writers(found, i)] + ["transform"]:  # next to a tied head
        for one in (key, key + "_bias"):
            if one in found:
                found[one] = matrix @ found[one]
    for norm in _norms(found, c):
        found[norm] = np.square(matrix) @ found[norm]  # permuted; equal gains stay, whatever the matrix
        if norm + "_bias" in found:
            found[norm + "_bias"] = matrix @ found[norm + "_bias"]


def _fold(found: Roles, norm: str, keys: list[str]) -> None:
    for key in keys:
        if norm + "_bias" in found:
            found[key + "_bias"] = found[key + "_bias"] + found[key] @ found[norm + "_bias"]
        found[key] = found[key] * found[norm]
    found[norm] = np.ones_like(found[norm])
    if norm + "_bias" in found:
        found[norm + "_bias"] = np.zeros_like(found[norm + "_bias"])


def _norms(found: Roles, c: Config) -> list[str]:
    inside = [f"{i}.{norm}" for i in range(c.layers) for norm in ("norm_attn", "norm_mlp", "norm_out")]
    return [key for key in ("norm_embed", *inside, "norm_final", "norm_transform") if key in found]
