"""Many models at once: every pair tested, error rates kept over all pairs, relatives as families."""

from .record import Edge, Family, PairResult, ScreenRecord
from .result import ScreenResult
from .screen import screen

__all__ = ["Edge", "Family", "PairResult", "ScreenRecord", "ScreenResult", "screen"]
