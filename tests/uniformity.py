"""The shared harness: is a sample of p-values super-uniform?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binom

LEVELS = (0.5, 0.2, 0.1, 0.05, 0.01, 0.001, 1e-4, 1e-6)
FALSE_ALARM = 1e-6  # probability that a valid test is called invalid, over all levels


class NotSuperUniformError(AssertionError):
    """A p-value is too small under the null hypothesis."""


def check_super_uniform(log10_p: Sequence[float], least: int = 100) -> None:
    """Raise unless P(p <= u) <= u is tenable at every level, for independent p-values.

    At each level the number of rejections is compared with binomial(n, level): exact, one-sided,
    the false alarm shared over the levels.
    """
    values = np.asarray(log10_p)
    assert len(values) >= least
    assert np.isfinite(values).all()
    assert (values <= 0).all()
    for level in LEVELS:
        rejections = int((values <= np.log10(level) + 1e-12).sum())
        if binom.sf(rejections - 1, len(values), level) < FALSE_ALARM / len(LEVELS):
            raise NotSuperUniformError(
                f"{rejections} of {len(values)} p-values are at most {level} under the null hypothesis."
            )
