"""Moments of numbers that come in blocks: those of numpy, however large the mean and whatever is not finite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.stats import kurtosis

from verify.fingerprint.moments import Moments


def blocks_of(x: np.ndarray, size: int) -> Moments:
    moments = Moments()
    for start in range(0, len(x), size):
        moments.add(x[start : start + size])
    return moments


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([], (np.nan, np.nan, np.nan, np.nan)),
        ([np.nan, np.inf], (np.nan, np.nan, np.nan, np.nan)),
        ([-2.5], (-2.5, np.nan, 2.5, np.nan)),
        ([3.0, 3.0, 3.0], (3.0, 0.0, 3.0, np.nan)),
        ([1.0, np.nan, 3.0, -np.inf], (2.0, np.sqrt(2), np.sqrt(5), 1.0)),
        ([0.0, 0.0], (0.0, 0.0, 0.0, np.nan)),
    ],
)
def test_moments_of_awkward_data(x: list[float], expected: tuple[float, ...]) -> None:
    """What is undefined is NaN, not a number that looks like one."""
    np.testing.assert_allclose(blocks_of(np.array(x), 2).summary(), expected, rtol=1e-12)


def test_moments_with_a_large_mean() -> None:
    """Powers about a distant origin cancel; a shift by the first block does not."""
    x = np.random.default_rng(0).standard_normal(10_000) + 1e6
    mean, sd, rms, fourth = blocks_of(x, 1000).summary()
    np.testing.assert_allclose((mean, sd, rms), (x.mean(), x.std(ddof=1), np.sqrt((x**2).mean())), rtol=1e-9)
    np.testing.assert_allclose(fourth, kurtosis(x, fisher=False), rtol=1e-6)


@given(
    npst.arrays(np.float64, st.integers(2, 60), elements=st.floats(-100, 100)), st.integers(1, 20), st.integers(0, 2)
)
@settings(deadline=None)
def test_moments_agree_with_numpy_in_any_blocks(x: np.ndarray, size: int, bad: int) -> None:
    """However the entries are cut into blocks, and whatever lies among them that is no number."""
    moments = blocks_of(np.concatenate([x, [np.nan, np.inf][:bad]]), size)
    mean, sd, rms, fourth = moments.summary()
    assert moments.non_finite == bad
    np.testing.assert_allclose(mean, x.mean(), atol=1e-9)
    np.testing.assert_allclose(sd, x.std(ddof=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(rms, np.sqrt((x**2).mean()), rtol=1e-9, atol=1e-9)
    if x.std() > 1:
        np.testing.assert_allclose(fourth, kurtosis(x, fisher=False), rtol=1e-5)
