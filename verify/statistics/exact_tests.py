"""The exact tests."""

from __future__ import annotations

from .expert_identity import EXPERT_IDENTITY
from .head_identity import HEAD_IDENTITY
from .latent_identity import LATENT_IDENTITY
from .query_key_identity import QUERY_KEY_IDENTITY
from .response_identity import RESPONSE_IDENTITY
from .rotary_phase import ROTARY_PHASE
from .sign_agreement import SIGN_AGREEMENT
from .statistic import Statistic
from .stream_identity import STREAM_IDENTITY
from .unit_identity import UNIT_IDENTITY
from .unused_tokens import UNUSED_TOKENS
from .value_identity import VALUE_IDENTITY

EXACT_TESTS: tuple[Statistic, ...] = (
    UNIT_IDENTITY,
    VALUE_IDENTITY,
    RESPONSE_IDENTITY,
    SIGN_AGREEMENT,
    STREAM_IDENTITY,
    HEAD_IDENTITY,
    EXPERT_IDENTITY,
    ROTARY_PHASE,
    QUERY_KEY_IDENTITY,
    LATENT_IDENTITY,
    UNUSED_TOKENS,
)
"""The exact tests, whose null distributions come from symmetries, in the order of the report."""
