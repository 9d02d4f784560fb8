"""Formal hypothesis tests of whether two neural-network checkpoints are related.

>>> import verify
>>> from verify.data import model
>>> report = verify.test_lineage(model("fine-tuned"), model("reference"))
>>> report.verdict
'dependent'
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import (
        AccessDeniedError,
        Cache,
        CheckpointError,
        DamagedError,
        FingerprintError,
        HostileError,
        InputError,
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
    from .fingerprint import Effort, Fingerprint, SketchSpec, fingerprint
    from .fingerprint.given import Model
    from .lineage import PanelSource, test_lineage
    from .panel import Panel
    from .replay import Replay, replay
    from .screen import ScreenResult, screen
    from .shares import ShareReport, share
    from .statistics import EstimateResult, ExactResult, PanelResult, ScoreResult, TestResult

__version__ = "1.0.0rc1"

__all__ = [
    "AccessDeniedError",
    "Architecture",
    "Cache",
    "CalibratedScore",
    "CalibrationReport",
    "Checkpoint",
    "CheckpointError",
    "ClaimReport",
    "DamagedError",
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
    "calibrate",
    "fingerprint",
    "open_checkpoint",
    "replay",
    "screen",
    "share",
    "silent",
    "test_lineage",
]


def __dir__() -> list[str]:
    return __all__


_PLACES = {
    "base": (
        "AccessDeniedError", "Cache", "CheckpointError", "DamagedError", "FingerprintError", "HostileError",
        "InputError", "NetworkError", "NotFoundError", "OptionError", "Progress", "ReportError", "StatisticsError",
        "UnsupportedError", "VerifyError", "Workers", "silent",
    ),
    "calibrate": ("CalibratedScore", "CalibrationReport"),
    "checkpoint": ("Architecture", "Checkpoint", "FileIdentity", "Location", "open_checkpoint"),
    "claim": ("ClaimReport", "EvidenceLine", "Subject", "Verdict"),
    "fingerprint": ("Effort", "Fingerprint", "SketchSpec"),
    "fingerprint.given": ("Model",),
    "lineage": ("PanelSource", "test_lineage"),
    "panel": ("Panel",),
    "replay": ("Replay",),
    "screen": ("ScreenResult",),
    "shares": ("ShareReport", "share"),
    "statistics": ("EstimateResult", "ExactResult", "PanelResult", "ScoreResult", "TestResult"),
}  # fmt: skip
"""Names by the module that has them, which is imported when one is first asked for."""


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f".{module}", __name__), name)
            return found
    if not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
