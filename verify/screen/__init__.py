"""Screen many models: test every pair, control error rates over all pairs, and group relatives into families."""

from ..base.callable_module import make_callable
from .answer import Answer
from .library import build_library, identify
from .record import (
    Edge,
    Family,
    FirstPower,
    FirstStage,
    Joint,
    KeptMost,
    LeftOut,
    PairResult,
    ScreenedModel,
    ScreenRecord,
    Untestable,
)
from .result import ScreenResult
from .stages import screen

__all__ = [
    "Answer",
    "Edge",
    "Family",
    "FirstPower",
    "FirstStage",
    "Joint",
    "KeptMost",
    "LeftOut",
    "PairResult",
    "ScreenRecord",
    "ScreenResult",
    "ScreenedModel",
    "Untestable",
    "build_library",
    "identify",
    "screen",
]

make_callable(__name__)
