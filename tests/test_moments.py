"""Moments of many entries: how exact they are, and that nothing but the entries matters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import fsum

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.fingerprint import moments as module
from verify.fingerprint.moments import _CHUNK, _LANE, _SPAN, _WIDTH, Moments, chunk_sums

BOUND = (_LANE + 2) * 2.0**-24
TYPES = [ml_dtypes.bfloat16, np.float16, np.float32, np.float64, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]

LAWS = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "heavy tails": lambda rng, n: rng.standard_t(2, n),
    "equal": lambda rng, n: np.full(n, rng.standard_normal()),
    "one sign": lambda rng, n: rng.exponential(size=n),
    "mostly zero": lambda rng, n: rng.standard_normal(n) * (rng.random(n) < 0.01),
    "outlier": lambda rng, n: np.where(np.arange(n) == n // 2, 1e4, rng.standard_normal(n)),
}


def summary_of(*blocks: np.ndarray) -> tuple[float, ...]:
    moments = Moments()
    for block in blocks:
        moments.add(block)
    return (*moments.summary(), moments.non_finite)


def exact_sums(x: np.ndarray, shift: float) -> tuple[list[float], list[float]]:
    """Sums of powers of entries, and of their absolute values, each rounded once."""
    y = x.astype(np.float64) - shift
    powers = [y**k for k in (1, 2, 3, 4)]
    return [fsum(p) for p in powers], [fsum(np.abs(p)) for p in powers]


@given(
    law=st.sampled_from(sorted(LAWS)),
    dtype=st.sampled_from(TYPES),
    scale=st.sampled_from([1e-30, 1e-9, 0.02, 1.0, 100.0]),
    mean=st.sampled_from([0.0, 1.0, -300.0]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=10, deadline=None)
def test_power_sums_are_within_the_stated_bound(law: str, dtype: type, scale: float, mean: float, seed: int) -> None:
    """Against sums rounded once, for any spread, offset and type."""
    with np.errstate(over="ignore", under="ignore"):
        x = (LAWS[law](np.random.default_rng(seed), _CHUNK) * scale + mean * scale).astype(np.float32).astype(dtype)
    x = x[np.isfinite(x.astype(np.float64))]
    x = np.resize(x, _CHUNK)
    shift = Moments()._shift_by(x)
    (found,) = chunk_sums(x, shift)
    exact, absolute = exact_sums(x, shift)
    assert found[0] == _CHUNK
    assert np.all(np.abs(found[1:] - exact) <= BOUND * np.array(absolute))


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float32])
def test_summaries_of_weights_keep_seven_digits(dtype: type) -> None:
    """What is found of trained-like entries is better than the bound by an order, of large sums by two."""
    x = (np.random.default_rng(0).standard_t(5, 8 * _CHUNK + 77) * 0.02 + 1e-4).astype(np.float32).astype(dtype)
    y = x.astype(np.float64)
    fourth = np.mean((y - y.mean()) ** 4) / y.var() ** 2
    expected = (y.mean(), y.std(ddof=1), np.sqrt((y * y).mean()), fourth, 0)
    found = summary_of(x)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-7 * expected[1])
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-7)


@given(
    cuts=st.lists(st.integers(0, 3 * _CHUNK), max_size=6),
    dtype=st.sampled_from(TYPES),
    bad=st.lists(st.integers(0, 3 * _CHUNK), max_size=3),
)
@settings(max_examples=8, deadline=None)
def test_blocks_do_not_matter_to_the_last_bit(cuts: list[int], dtype: type, bad: list[int]) -> None:
    """Chunks are of the stream of entries, not of the blocks it comes in."""
    x = np.random.default_rng(1).standard_normal(3 * _CHUNK + 1).astype(np.float32)
    x[bad] = np.nan
    x = x.astype(dtype)
    assert repr(summary_of(*np.split(x, sorted(cuts)))) == repr(summary_of(x.reshape(-1, 1)))
    assert summary_of(x)[-1] == len(set(bad))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_matter_to_the_last_bit(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans are summed anywhere, and added in their order."""
    monkeypatch.setattr(module, "_SPAN", 2 * _CHUNK)
    x = np.random.default_rng(2).standard_normal(11 * _CHUNK + 5).astype(ml_dtypes.bfloat16)
    moments = Moments()
    with ThreadPoolExecutor(threads) as pool:
        moments.add(x, pool.map)
    assert (*moments.summary(), moments.non_finite) == summary_of(x)


def test_spans_are_whole_chunks() -> None:
    """Or a span would end in the middle of a sum."""
    assert _SPAN % _CHUNK == 0
    assert _CHUNK % (_LANE * _WIDTH) == 0


def test_what_float32_cannot_hold_is_summed_in_float64() -> None:
    """Infinite entries, fourth powers beyond the largest number, and all powers below the least."""
    x = np.random.default_rng(3).standard_normal(_CHUNK).astype(np.float32)
    for scale in (1e-30, 1e-12, 1e12, 1e30):
        mean, sd, rms, fourth, _ = summary_of(x * np.float32(scale))
        np.testing.assert_allclose((mean, sd, rms), np.array(summary_of(x)[:3]) * scale, rtol=1e-5)
        np.testing.assert_allclose(fourth, summary_of(x)[3], rtol=1e-5)
    x[5] = np.inf
    y = np.delete(x, 5).astype(np.float64)
    found = summary_of(x)
    np.testing.assert_allclose(found[:3], (y.mean(), y.std(ddof=1), np.sqrt((y * y).mean())), rtol=1e-12)
    assert found[-1] == 1


def test_a_block_may_be_overwritten_once_added() -> None:
    """Readers reuse their buffers."""
    x = np.arange(100, dtype=np.float32)
    moments = Moments()
    moments.add(x)
    x[:] = 0
    assert moments.summary()[0] == 49.5
