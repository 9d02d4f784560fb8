"""Rows of bytes that no text contains, drawn anew."""

from __future__ import annotations

import numpy as np

from ..config import Config
from .roles import Roles

UNUSED = (0xC0, 0xC1, *range(0xF5, 0x100))
"""Bytes that occur in no text in UTF-8."""


def unused_redrawn(found: Roles, _c: Config, rng: np.random.Generator) -> None:
    """Draw unused rows of the embedding and of the unembedding anew, with their mean and spread."""
    for key in ("embed", "unembed"):
        if key in found:
            rows = found[key][list(UNUSED)]
            middle = rows.mean(0)
            found[key][list(UNUSED)] = middle + (rows - middle).std() * rng.standard_normal(rows.shape)
