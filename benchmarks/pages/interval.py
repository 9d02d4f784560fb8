"""A share with its 95% Clopper-Pearson interval, as text."""

from __future__ import annotations

from scipy.stats import beta


def interval(called: int, pairs: int) -> str:
    """``called`` of ``pairs`` as ``share [low, high]``."""
    low = beta.ppf(0.025, called, pairs - called + 1) if called else 0.0
    high = beta.ppf(0.975, called + 1, pairs - called) if called < pairs else 1.0
    return f"{called / pairs:.3f} [{low:.3f}, {high:.3f}]"
