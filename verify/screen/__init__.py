"""Many models at once: every pair tested, error rates kept over all pairs, relatives as families."""

from ..base.callable_module import make_callable
from .record import Edge, Family, PairResult, ScreenRecord
from .result import ScreenResult
from .stages import screen

__all__ = ["Edge", "Family", "PairResult", "ScreenRecord", "ScreenResult", "screen"]

make_callable(__name__)
