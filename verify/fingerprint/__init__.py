"""Checkpoint to fingerprint: small, publishable, and all that the tests ever look at."""

from ..base.callable_module import make_callable
from .anchors import ANCHORS, LEAST_ANCHORS, Pairing, known_tokens, shared_anchors
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
    "LEAST_ANCHORS",
    "SAMPLED",
    "Component",
    "DeadCount",
    "Effort",
    "Fingerprint",
    "FingerprintRecord",
    "Pairing",
    "PartRecord",
    "ReadFrom",
    "SketchSpec",
    "StrangeTensor",
    "check_same",
    "chosen_indices",
    "difference",
    "fingerprint",
    "is_fingerprint",
    "known_tokens",
    "may_be_copies",
    "projection",
    "shared_anchors",
    "unit_rows",
    "with_file_digests",
]

make_callable(__name__)
