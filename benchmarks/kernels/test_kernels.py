"""Timings of the kernels: ``python -m pytest benchmarks/kernels --benchmark-json=FILE``, then ``python -m benchmarks.kernels FILE``.

Each asserts what it computed. ``extra_info`` says how many entries, circuits or pairs one call handles.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from benchmarks.exact_tests import DENSE, stranger
from verify.fingerprint.circuits import spectrum
from verify.fingerprint.moments import Moments
from verify.fingerprint.sketch import projection, unit_rows
from verify.statistics.alignment import align
from verify.statistics.blocks import Block, score, units, values
from verify.statistics.matching import fixed_points
from verify.statistics.ties import tied

N = 1 << 22
TYPES = {
    "bf16": ml_dtypes.bfloat16,
    "f16": np.float16,
    "f32": np.float32,
    "f8_e4m3": ml_dtypes.float8_e4m3fn,
    "f8_e5m2": ml_dtypes.float8_e5m2,
}
Decode = Callable[[np.ndarray, np.ndarray], Any]


def weights(dtype: Any, n: int = N) -> np.ndarray:
    """Entries like those of a trained matrix."""
    return (np.random.default_rng(0).standard_normal(n, dtype=np.float32) * np.float32(0.02)).astype(dtype)


# ---- decoding, into a float32 buffer


def cast(x: np.ndarray, out: np.ndarray) -> None:
    """As numpy and ml_dtypes convert."""
    np.copyto(out, x)


def shift(x: np.ndarray, out: np.ndarray) -> None:
    """Upper half of a float32."""
    np.left_shift(x.view(np.uint16), 16, out=out.view(np.uint32), dtype=np.uint32)


def rescale(x: np.ndarray, out: np.ndarray) -> None:
    """Exponent and fraction of a float16 moved into a float32, which is scaled by 2^112; finite entries only."""
    bits, found = x.view(np.int16), out.view(np.int32)
    np.left_shift(bits, 13, out=found, dtype=np.int32)
    np.bitwise_and(found, np.int32(-0x70000001), out=found)  # the sign, extended, is kept in the top bit alone
    np.multiply(out, np.float32(2.0**112), out=out)


def table(x: np.ndarray, out: np.ndarray) -> None:
    """One of 256 values."""
    codes = np.arange(256, dtype=np.uint8).view(x.dtype).astype(np.float32)
    np.take(codes, x.view(np.uint8), out=out, mode="clip")


@pytest.mark.benchmark(group="decode to float32")
@pytest.mark.parametrize(
    ("name", "decode"),
    [(name, cast) for name in TYPES] + [("bf16", shift), ("f16", rescale), ("f8_e4m3", table), ("f8_e5m2", table)],
)
def test_decode(benchmark: Any, name: str, decode: Decode) -> None:
    """Blocks of 2^18 entries, which stay in the cache."""
    x, out = weights(TYPES[name]), np.empty(1 << 18, dtype=np.float32)
    benchmark.extra_info |= {"entries": N, "bytes": x.nbytes}

    def run() -> None:
        for start in range(0, N, out.size):
            decode(x[start : start + out.size], out)

    benchmark(run)
    np.testing.assert_array_equal(out, x[-out.size :].astype(np.float32))


# ---- fingerprints


@pytest.mark.benchmark(group="moments")
@pytest.mark.parametrize("name", TYPES)
def test_moments(benchmark: Any, name: str) -> None:
    """Mean, standard deviation, root mean square and kurtosis of all entries."""
    x = weights(TYPES[name])
    benchmark.extra_info |= {"entries": N, "bytes": x.nbytes}

    def run() -> tuple[float, ...]:
        moments = Moments()
        moments.add(x)
        return moments.summary()

    np.testing.assert_allclose(benchmark(run)[1], x.astype(np.float64).std(ddof=1), rtol=1e-6)


@pytest.mark.benchmark(group="spectrum")
@pytest.mark.parametrize("width", [512, 1024, 2048, 4096])
@pytest.mark.parametrize("decay", [0.0, 0.5], ids=["flat", "decaying"])
def test_spectrum(benchmark: Any, width: int, decay: float) -> None:
    """32 singular values of a circuit [width, width]; every fourth head has its own keys."""
    scale = np.float32(1 + np.arange(width)) ** np.float32(-decay)
    q, k = np.random.default_rng(0).standard_normal((2, width, width), dtype=np.float32) * scale
    k = np.repeat(k.reshape(-1, 64, width)[: max(1, width // 256)], 4, axis=0).reshape(-1, width)
    benchmark.extra_info |= {"circuits": 1}
    found = benchmark.pedantic(spectrum, (q, k, 32), rounds=2)
    assert found[0] == 1
    assert (np.diff(found) <= 0).all()


@pytest.mark.benchmark(group="sketch projection")
@pytest.mark.parametrize("width", [1024, 4096])
def test_projection_of_rows(benchmark: Any, width: int) -> None:
    """64 rows to 32 dimensions, in float64, to unit length in float16."""
    rows, signs = weights(np.float64, 64 * width).reshape(64, width), projection(width, 32)
    benchmark.extra_info |= {"entries": rows.size}
    assert benchmark(lambda: unit_rows(rows @ signs)).shape == (64, 32)


# ---- statistics


def block(copies: int, n: int) -> Block:
    """Units by gate and up rows."""
    rng = np.random.default_rng(copies)
    gate, up = (unit_rows(rng.standard_normal((copies, n, 32))).astype(np.float64) for _ in range(2))
    return Block(np.arange(n), n, (gate,), (up,), copies)


@pytest.mark.benchmark(group="fixed points of a score")
@pytest.mark.parametrize(("copies", "n"), [(1, 64), (8, 32), (64, 32), (128, 32)])
def test_fixed_points_of_a_score(benchmark: Any, copies: int, n: int) -> None:
    """One pair of dense MLPs, or of layers of experts."""
    a, b = block(copies, n), block(copies, n)
    benchmark.extra_info |= {"pairs of copies": copies**2}
    assert benchmark(lambda: fixed_points(score(a, b))).shape == (n,)


@pytest.fixture(scope="module")
def models() -> list[Any]:
    """Two strangers of 48 dense layers."""
    return [stranger(np.random.default_rng(seed), DENSE) for seed in (1, 2)]


@pytest.mark.benchmark(group="ties and alignment, 48 layers")
@pytest.mark.parametrize("component", [units, values], ids=["units", "values"])
def test_ties(benchmark: Any, models: list[Any], component: Any) -> None:
    """Of one model with itself."""
    grid = component(models[0])
    sets = benchmark.pedantic(tied, (grid,), rounds=3)
    assert sets.find((0, "none")) == (0, "none")


@pytest.mark.benchmark(group="ties and alignment, 48 layers")
@pytest.mark.parametrize("component", [units, values], ids=["units", "values"])
def test_alignment(benchmark: Any, models: list[Any], component: Any) -> None:
    """Of two models."""
    a, b = (component(model) for model in models)
    assert len(benchmark.pedantic(align, (a, b), rounds=3)) == sum(len(row) for row in a.values())
