"""Mean, standard deviation, root mean square and kurtosis of all entries, in one pass over blocks.

Sums are of float64 values shifted by the first block's mean: float32 accumulation over 1e8
entries gets the fifth digit wrong, and unshifted powers cancel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Moments:
    """Accumulates the first four power sums of a stream of blocks; non-finite entries are counted apart."""

    def __init__(self) -> None:
        self.non_finite = 0
        self._shift: float | None = None
        self._sums = np.zeros(5)  # of 1, x, x^2, x^3, x^4 after the shift

    def add(self, block: NDArray[np.floating]) -> None:
        """Add all entries of an array of any shape."""
        x = np.asarray(block, dtype=np.float64).ravel()
        finite = np.isfinite(x)
        if not finite.all():
            self.non_finite += int(x.size - finite.sum())
            x = x[finite]
        if x.size == 0:
            return
        if self._shift is None:
            self._shift = float(x.mean())
        x = x - self._shift
        square = x * x
        self._sums += np.array([x.size, x.sum(), square.sum(), square @ x, square @ square])

    def summary(self) -> tuple[float, float, float, float]:
        """Mean, unbiased standard deviation, root mean square, kurtosis (3 for a Gaussian).

        NaN where undefined: no finite entry, a single one, or no variance.
        """
        n = self._sums[0]
        if n == 0 or self._shift is None:
            return (np.nan,) * 4
        m1, m2, m3, m4 = self._sums[1:] / n
        variance = max(0.0, m2 - m1 * m1)
        mean = self._shift + m1
        fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1**4
        sd = float(np.sqrt(variance * n / (n - 1))) if n > 1 else np.nan
        kurtosis = float(fourth / variance**2) if variance**2 > 0 else np.nan  # the square may underflow
        return float(mean), sd, float(np.sqrt(variance + mean * mean)), kurtosis
