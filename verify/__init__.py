"""Formal hypothesis tests of whether two neural-network checkpoints are related.

>>> import verify
>>> from verify.data import model
>>> report = verify.test_lineage(model("fine-tuned"), model("reference"))
>>> report.verdict
'dependent'
"""

from typing import TYPE_CHECKING

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
from .fingerprint import Fingerprint, SketchSpec
from .lineage import test_lineage
from .panel import Panel
from .screen import ScreenResult

if TYPE_CHECKING:  # when run these are the packages, which can be called
    from .fingerprint import fingerprint
    from .replay import replay
    from .screen import screen

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
