"""A share with its 95% Clopper-Pearson interval, as text."""

from __future__ import annotations

from scipy.stats import beta

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2


def interval(called: int, pairs: int) -> str:
    """``called`` of ``pairs`` as ``share [low, high]``."""
    low = beta.ppf(TAIL, called, pairs - called + 1) if called else 0.0
    return f"{called / pairs:.3f} [{low:.3f}, {upper(called, pairs):.3f}]"


def upper(called: int, pairs: int) -> float:
    """The upper end of the interval."""
    return float(beta.ppf(1 - TAIL, called + 1, pairs - called)) if called < pairs else 1.0


def counted(called: int, pairs: int) -> str:
    """``called`` of ``pairs`` as counts, with the interval of the share."""
    return f"{called} of {pairs} {interval(called, pairs).partition(' ')[2]}"
