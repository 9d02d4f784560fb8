"""Error rates over many pairs: adjusted p-values, exact however many hypotheses."""

from __future__ import annotations

from collections.abc import Callable
from math import log10

import numpy as np
import pytest

from verify.base import StatisticsError
from verify.inference import benjamini_yekutieli, holm


@pytest.mark.parametrize("adjust", [holm, benjamini_yekutieli])
def test_adjustments_refuse_fewer_hypotheses_than_p_values(adjust: Callable[..., list[float]]) -> None:
    """They would promise too much."""
    assert adjust([], 3) == []
    with pytest.raises(StatisticsError, match="1 hypotheses cannot have 2"):
        adjust([-1.0, -2.0], 1)


def test_adjusted_values_of_a_million_million_hypotheses_are_exact() -> None:
    """H(m) is a digamma, not a sum."""
    m = 10**12
    assert benjamini_yekutieli([-4000.0], m)[0] == pytest.approx(-4000 + 12 + log10(np.log(m) + np.euler_gamma))
