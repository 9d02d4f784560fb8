"""Laws of exchangeable score arrays, one design of each kind, and sizes by enumeration and simulation."""

from math import log10

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from verify.inference import pair_design, rank, row_design, stratum_design

REPEATS = 2000


def symmetric(array):
    return (array + array.T) / 2


def relabelled(S, labels):
    """The array after model ``i`` is given the scores of ``labels[i]``."""
    return S[np.ix_(labels, labels)]


def p_values(scores, design, *, residual, repeats=REPEATS, seed=0):
    """log10 p of independent arrays drawn by ``scores(rng)``."""
    rng = np.random.default_rng(seed)
    return [rank(scores(rng), design, residual=residual).log10_p for _ in range(repeats)]


def gaussian(n):
    return lambda rng: symmetric(rng.standard_normal((n, n)))


def tied(n):
    return lambda rng: symmetric(rng.integers(0, 2, (n, n)).astype(float))


def designs(n):
    strata = ["x", "y"] + ["x", "y"] * (n // 2 - 1) + ["x"] * (n % 2)
    return [
        pair_design(n),
        row_design(n, 0),
        row_design(n, 1),
        stratum_design(["x"] * (n - 1) + ["y"]),
        stratum_design(strata),
    ]


def assert_exact_size(log10_p, size):
    """Over a whole group, no rank k is undercut by more than a share k / size."""
    for k in range(1, size + 1):
        assert (log10_p <= log10(k / size) + 1e-12).mean() <= k / size + 1e-12


def score_matrices(n):
    """Symmetric matrices with many ties, of any scale, diagonal missing."""
    entries = st.one_of(st.integers(-2, 2).map(float), st.floats(-1e6, 1e6))
    return arrays(np.float64, (n, n), elements=entries).map(
        lambda M: np.where(np.eye(n, dtype=bool), np.nan, symmetric(M))
    )
