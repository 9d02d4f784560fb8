"""Checkpoint to fingerprint: small, publishable, and all that the tests ever look at."""

from .anchors import ANCHORS
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
    "SAMPLED",
    "Component",
    "DeadCount",
    "Effort",
    "Fingerprint",
    "FingerprintRecord",
    "ReadFrom",
    "SketchSpec",
    "check_same",
    "chosen_indices",
    "difference",
    "fingerprint",
    "is_fingerprint",
    "projection",
    "unit_rows",
]
