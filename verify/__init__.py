"""Formal hypothesis tests of whether two neural-network checkpoints are related.

>>> import verify
>>> from verify.data import model
>>> report = verify.test_lineage(model("fine-tuned"), model("reference"))
>>> report.verdict
'dependent'
"""

from .base import (
    CheckpointError,
    FingerprintError,
    InputError,
    ReportError,
    StatisticsError,
    VerifyError,
)
from .checkpoint import Checkpoint, Location, open_checkpoint
from .claim import ClaimReport
from .fingerprint import Fingerprint, SketchSpec, fingerprint
from .lineage import test_lineage
from .panel import Panel
from .replay import replay
from .screen import ScreenResult, screen

__version__ = "0.1.0"

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "ClaimReport",
    "Fingerprint",
    "FingerprintError",
    "InputError",
    "Location",
    "Panel",
    "ReportError",
    "ScreenResult",
    "SketchSpec",
    "StatisticsError",
    "VerifyError",
    "fingerprint",
    "open_checkpoint",
    "replay",
    "screen",
    "test_lineage",
]
