"""Checkpoint to fingerprint: small, publishable, and all that the tests ever look at."""

from .anchors import ANCHORS, LEAST_ANCHORS, Pairing, known_tokens, shared_anchors
from .build import fingerprint
from .record import (
    COMPONENTS,
    SAMPLED,
    Component,
    DeadCount,
    Fingerprint,
    FingerprintRecord,
    ReadFrom,
    is_fingerprint,
)
from .same import check_same, difference
from .sketch import EFFORTS, Effort, SketchSpec, chosen_indices, projection, unit_rows

__all__ = [
    "ANCHORS",
    "COMPONENTS",
    "EFFORTS",
    "LEAST_ANCHORS",
    "SAMPLED",
    "Component",
    "DeadCount",
    "Effort",
    "Fingerprint",
    "FingerprintRecord",
    "Pairing",
    "ReadFrom",
    "SketchSpec",
    "check_same",
    "chosen_indices",
    "difference",
    "fingerprint",
    "is_fingerprint",
    "known_tokens",
    "projection",
    "shared_anchors",
    "unit_rows",
]
