"""Formal hypothesis tests of whether two neural-network checkpoints are related.

>>> import verify
>>> from verify.data import model
>>> report = verify.test_lineage(model("fine-tuned"), model("reference"))
>>> report.verdict
'dependent'
"""

from .base.lazy import lazily

with lazily(__name__):
    from .base import (
        AccessDeniedError,
        Cache,
        CheckpointError,
        DamagedError,
        FingerprintError,
        HostileError,
        InputError,
        MissingPackageError,
        NetworkError,
        NotFoundError,
        OptionError,
        Progress,
        ReportError,
        StatisticsError,
        UnsupportedError,
        VerifyError,
        Workers,
        silent,
    )
    from .calibrate import CalibratedScore, CalibrationReport, calibrate
    from .checkpoint import Architecture, Checkpoint, FileIdentity, Location, open_checkpoint
    from .claim import ClaimReport, EvidenceLine, Subject, Verdict
    from .derivations import DerivationReport, derivation
    from .fingerprint import Effort, Fingerprint, SketchSpec, fingerprint
    from .fingerprint.given import Model
    from .lineage import test_lineage
    from .panel import Panel, PanelSource
    from .replay import Replay, replay
    from .screen import ScreenResult, build_library, identify, screen
    from .shares import ShareReport, share
    from .siblings import BeyondReport, beyond
    from .statistics import EstimateResult, ExactResult, PanelResult, ScoreResult, TestResult

__version__ = "1.0.0rc1"

__all__ = [
    "AccessDeniedError",
    "Architecture",
    "BeyondReport",
    "Cache",
    "CalibratedScore",
    "CalibrationReport",
    "Checkpoint",
    "CheckpointError",
    "ClaimReport",
    "DamagedError",
    "DerivationReport",
    "Effort",
    "EstimateResult",
    "EvidenceLine",
    "ExactResult",
    "FileIdentity",
    "Fingerprint",
    "FingerprintError",
    "HostileError",
    "InputError",
    "Location",
    "MissingPackageError",
    "Model",
    "NetworkError",
    "NotFoundError",
    "OptionError",
    "Panel",
    "PanelResult",
    "PanelSource",
    "Progress",
    "Replay",
    "ReportError",
    "ScoreResult",
    "ScreenResult",
    "ShareReport",
    "SketchSpec",
    "StatisticsError",
    "Subject",
    "TestResult",
    "UnsupportedError",
    "Verdict",
    "VerifyError",
    "Workers",
    "beyond",
    "build_library",
    "calibrate",
    "derivation",
    "fingerprint",
    "identify",
    "open_checkpoint",
    "replay",
    "screen",
    "share",
    "silent",
    "test_lineage",
]


def __dir__() -> list[str]:
    return __all__
