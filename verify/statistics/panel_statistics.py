"""The similarities that are ranked in panels."""

from __future__ import annotations

from .assigned_geometry import ASSIGNED_GEOMETRY
from .circuit_cosine import CIRCUIT_COSINE
from .embedding_geometry import EMBEDDING_GEOMETRY
from .response_match import RESPONSE_MATCH
from .similarity import Similarity
from .spectral_distance import SPECTRAL_DISTANCE
from .spread_correlation import SPREAD_CORRELATION
from .stream_rotation import STREAM_ROTATION

PRIMARY = RESPONSE_MATCH
"""The one similarity that may enter a verdict, fixed before any panel was seen."""
PANEL_STATISTICS: tuple[Similarity, ...] = (
    PRIMARY,
    SPREAD_CORRELATION,
    EMBEDDING_GEOMETRY,
    CIRCUIT_COSINE,
    SPECTRAL_DISTANCE,
    STREAM_ROTATION,
    ASSIGNED_GEOMETRY,
)
"""Similarities ranked against a panel of unrelated models, the primary first."""
