"""Checkpoint to fingerprint: small, publishable, and all that the tests ever look at."""

from .anchors import ANCHORS
from .build import fingerprint
from .copies import may_be_copies, with_file_digests
from .record import (
    COMPONENTS,
    SAMPLED,
    Component,
    DeadCount,
    Fingerprint,
    FingerprintRecord,
    PartRecord,
    ReadFrom,
    StrangeTensor,
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
    "PartRecord",
    "ReadFrom",
    "SketchSpec",
    "StrangeTensor",
    "check_same",
    "chosen_indices",
    "difference",
    "fingerprint",
    "is_fingerprint",
    "may_be_copies",
    "projection",
    "unit_rows",
    "with_file_digests",
]
