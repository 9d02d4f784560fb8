"""The sentences of version 1, and the forms of what fills them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..forms import (
    amount,
    at_most,
    capital,
    chance,
    chance_at_most,
    confidence,
    level,
    percent,
    probability,
    quoted,
    share_at_least,
    verbal_cap,
)
from .answers import ANSWERS
from .beyond import BEYOND
from .calibration import CALIBRATION
from .changes import CHANGES
from .dates import DATES
from .derivations import DERIVATIONS
from .documents import DOCUMENTS
from .findings import FINDINGS
from .limits import LIMITS
from .panels import PANELS
from .parts import PARTS, plural
from .reasons import PHRASES as REASONS
from .reworked import REWORKED
from .shares import SHARES

PHRASES: dict[str, str] = (
    {"quoted": "{text}"}
    | ANSWERS
    | REASONS
    | FINDINGS
    | PARTS
    | PANELS
    | LIMITS
    | REWORKED
    | CALIBRATION
    | DOCUMENTS
    | SHARES
    | BEYOND
    | CHANGES
    | DERIVATIONS
    | DATES
)
"""Clauses and sentences by code, to be filled."""
FORMATS: dict[str, Callable[[Any], str]] = {
    "p": probability,
    "chance": chance,
    "chance_at_most": chance_at_most,
    "level": level,
    "share_at_least": share_at_least,
    "percent": percent,
    "amount": amount,
    "at_most": at_most,
    "cap": verbal_cap,
    "capital": capital,
    "q": quoted,
    "key": str,
    "plural": plural,
    "confidence": confidence,
}
"""Forms of what fills them, by the name that a template gives after a colon."""
