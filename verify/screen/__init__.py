"""Many models at once: every pair tested, error rates kept over all pairs, relatives as families."""

from ..base.callable_module import make_callable
from .record import (
    Edge,
    Family,
    FirstPower,
    FirstStage,
    Joint,
    LeftOut,
    PairResult,
    ScreenedModel,
    ScreenRecord,
    Untestable,
)
from .result import ScreenResult
from .stages import screen

__all__ = [
    "Edge",
    "Family",
    "FirstPower",
    "FirstStage",
    "Joint",
    "LeftOut",
    "PairResult",
    "ScreenRecord",
    "ScreenResult",
    "ScreenedModel",
    "Untestable",
    "screen",
]

make_callable(__name__)
