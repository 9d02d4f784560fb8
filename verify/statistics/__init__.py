"""Two fingerprints to evidence: the tests, one per file."""

from .response_identity import RESPONSE_IDENTITY
from .result import Count, EffectSize, LayerResult, TestResult
from .sign_agreement import SIGN_AGREEMENT
from .statistic import Statistic
from .stream_identity import STREAM_IDENTITY
from .unit_identity import UNIT_IDENTITY
from .value_identity import VALUE_IDENTITY

EXACT_TESTS: tuple[Statistic, ...] = (
    UNIT_IDENTITY,
    VALUE_IDENTITY,
    RESPONSE_IDENTITY,
    SIGN_AGREEMENT,
    STREAM_IDENTITY,
)
"""The tests with symmetry nulls, in the order of the report."""

__all__ = [
    "EXACT_TESTS",
    "RESPONSE_IDENTITY",
    "SIGN_AGREEMENT",
    "STREAM_IDENTITY",
    "UNIT_IDENTITY",
    "VALUE_IDENTITY",
    "Count",
    "EffectSize",
    "LayerResult",
    "Statistic",
    "TestResult",
]
