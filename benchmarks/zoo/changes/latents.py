"""Changes of the channels of latent attention's latent vectors, behind their norms."""

from __future__ import annotations

import numpy as np

from ..config import Config
from .draws import Draw, basis, order, signs
from .roles import Roles

_READERS = {"latent": ("k", "v"), "latent_query": ("q", "q_turned")}


def latent_order(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute channels of the latent vectors."""
    _latents(found, c, rng, order)


def latent_signs(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Flip signs of channels of the latent vectors."""
    _latents(found, c, rng, signs)


def latent_rotation(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Fold the gains of the latent vectors into what reads them, and rotate the vectors."""
    latent_gains(found, c)
    _latents(found, c, rng, basis)


def latent_gains(found: Roles, c: Config) -> None:
    """Fold the gains of the latent vectors into what reads them."""
    for i in range(c.layers):
        for latent, readers in _READERS.items():
            for role in readers:
                found[f"{i}.{role}"] = found[f"{i}.{role}"] * found[f"{i}.{latent}_norm"]
            found[f"{i}.{latent}_norm"] = np.ones_like(found[f"{i}.{latent}_norm"])


def _latents(found: Roles, c: Config, rng: np.random.Generator, draw: Draw) -> None:
    for i in range(c.layers):
        for latent, readers in _READERS.items():
            matrix = draw(len(found[f"{i}.{latent}"]), rng)
            found[f"{i}.{latent}"] = matrix @ found[f"{i}.{latent}"]
            found[f"{i}.{latent}_norm"] = np.square(matrix) @ found[f"{i}.{latent}_norm"]
            for role in readers:
                found[f"{i}.{role}"] = found[f"{i}.{role}"] @ matrix.T
