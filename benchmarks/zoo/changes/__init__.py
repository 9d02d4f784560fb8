"""Every change of a model that keeps its function, one function each, whatever its family.

A change takes tensors under their stored names, and returns them changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..config import Config
from . import experts, heads, latents, stream, tokens, units
from .roles import Arrays, Roles, key_heads, layer_norm, roles, stored

__all__ = ["ALL", "CHANGES", "Change", "changed"]


@dataclass(frozen=True)
class Change:
    """One change: what it does, and the networks whose function it keeps."""

    title: str
    do: Callable[[Roles, Config, np.random.Generator], None]
    applies: Callable[[Config], bool] = lambda _: True

    def __call__(self, weights: Arrays, c: Config, rng: np.random.Generator) -> Arrays:
        """The changed tensors; randomness comes from ``rng``.

        Raises
        ------
        ValueError
            If it would change the function.
        """
        if not self.applies(c):
            raise ValueError(f"{self.title}: this would change the function of a {c.family} model.")
        found = roles(weights, c)
        self.do(found, c, rng)
        return stored(found, c)


def _gated(c: Config) -> bool:
    return not layer_norm(c)  # of this zoo


def _rotates(c: Config) -> bool:
    return not layer_norm(c)


def _latent(c: Config) -> bool:
    return c.latent > 0


CHANGES = {
    "unit_order": Change("unit order", units.unit_order),
    "unit_signs": Change("unit signs", units.unit_signs, _gated),
    "unit_scales": Change("scales moved between up and down", units.unit_scales, _gated),
    "value_order": Change("value order", heads.value_order),
    "value_signs": Change("value signs", heads.value_signs),
    "value_scales": Change("scales moved between v and o", heads.value_scales),
    "value_basis": Change("value basis", heads.value_basis),
    "quarter_turns": Change("phases, quarter turns", heads.quarter_turns, heads.has_turned),
    "phases": Change("phases, any angle", heads.phases, heads.has_turned),
    "phase_scales": Change("scales moved between turned q and k", heads.phase_scales, heads.has_turned),
    "key_order": Change("query and key order", heads.key_order, heads.has_plain),
    "key_signs": Change("query and key signs", heads.key_signs, heads.has_plain),
    "key_scales": Change("scales moved between q and k", heads.key_scales, heads.has_plain),
    "key_basis": Change("query and key basis", heads.key_basis, heads.has_plain),
    "head_order": Change("head order", heads.head_order),
    "query_order": Change("query order", heads.query_order, lambda c: c.heads > key_heads(c)),
    "expert_order": Change("expert order", experts.expert_order, lambda c: c.experts > 0),
    "latent_order": Change("latent order", latents.latent_order, _latent),
    "latent_signs": Change("latent signs", latents.latent_signs, _latent),
    "latent_rotation": Change("latent rotation", latents.latent_rotation, _latent),
    "stream_signs": Change("stream signs", stream.stream_signs, _rotates),
    "stream_order": Change("stream order", stream.stream_order),
    "stream_rotation": Change("stream rotation", stream.stream_rotation, _rotates),
    "folded_gains": Change("folded norm gains", stream.folded_gains, lambda c: c.family != "bert"),
    "unused_redrawn": Change("unused rows redrawn", tokens.unused_redrawn),
}
"""By name; none applies to more networks than those whose function it keeps."""

ALL = tuple(name for name in CHANGES if name not in ("quarter_turns", "folded_gains"))
"""Everything at once; the two left out are parts of ``phases`` and ``stream_rotation``."""


def changed(weights: Arrays, c: Config, rng: np.random.Generator, *names: str) -> Arrays:
    """The tensors after several changes, in order."""
    for name in names:
        weights = CHANGES[name](weights, c, rng)
    return weights
