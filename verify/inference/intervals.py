"""Binomial inversions: detectable shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_factorials(n: int) -> NDArray[np.float64]:
    """Natural logarithms of 0!, 1!, ..., n!, shape [n + 1]."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1, dtype=np.float64)))))


def smallest_share(needed: int, n: int, power: float) -> float:
    """Smallest ``s`` with P(Binomial(n, s) >= needed) >= power, to 1e-9 from above."""
    logs = log_factorials(n)
    k = np.arange(needed, n + 1)
    choose = logs[n] - logs[k] - logs[n - k]
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        s = (low + high) / 2
        reached = float(np.exp(choose + k * np.log(s) + (n - k) * np.log1p(-s)).sum())
        low, high = (low, s) if reached >= power else (s, high)
    return high
