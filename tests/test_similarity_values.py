"""Known values of the similarities other than the primary."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.stats import pearsonr, spearmanr

from tests.similarities import shipped, weights
from tests.strategies import SEEDS, architecture, fingerprint_of
from verify import Fingerprint
from verify.base import StatisticsError
from verify.statistics import (
    CIRCUIT_COSINE,
    EMBEDDING_GEOMETRY,
    SPECTRAL_DISTANCE,
    SPREAD_CORRELATION,
    STREAM_ROTATION,
    curve_correlation,
)
from verify.statistics.spectral_distance import warped_mean

curves = st.lists(st.floats(0.01, 10), min_size=3, max_size=12)


@settings(max_examples=60, deadline=None)
@given(x=curves, y=curves)
def test_curve_correlation_is_the_published_rule(x, y):
    """Interpolate the shorter, correlate, undefined is zero."""
    layers = max(len(x), len(y))
    u, v = (np.interp(np.linspace(0, 1, layers), np.linspace(0, 1, len(c)), c) for c in (x, y))
    if np.ptp(u) == 0 or np.ptp(v) == 0:
        assert curve_correlation(x, y) == curve_correlation(x, y, ranks=True) == 0.0
        return
    assert curve_correlation(x, y, ranks=True) == pytest.approx(spearmanr(u, v).statistic, abs=1e-9)
    if min(np.ptp(u), np.ptp(v)) > 1e-6:
        assert curve_correlation(x, y) == pytest.approx(pearsonr(u, v).statistic, abs=1e-6)
        assert curve_correlation(x, y) == pytest.approx(np.corrcoef(u, v)[0, 1], abs=1e-6)


@pytest.mark.parametrize("bad", [[1.0], [1.0, np.nan, 2.0], [[1.0, 2.0]], []])
def test_a_curve_must_be_a_list_of_finite_numbers(bad):
    with pytest.raises(StatisticsError, match="at least two finite numbers"):
        curve_correlation([1, 2, 3], bad)


def test_spread_correlation_of_weights_by_hand():
    """From the weights themselves, not from the fingerprint's moments."""
    scores = []
    for role in "qkvo":
        sd = [
            [
                weights(name)[f"model.layers.{i}.self_attn.{role}_proj.weight"].astype(float).std(ddof=1)
                for i in range(4)
            ]
            for name in ("reference", "stranger-1")
        ]
        scores.append(np.corrcoef(*sd)[0, 1])
    assert SPREAD_CORRELATION(shipped("reference"), shipped("stranger-1")) == pytest.approx(np.mean(scores), abs=1e-9)


def embedded(rng, widths, tokens=40):
    """Two fingerprints with the Gram matrices of related random embeddings, and the embeddings."""
    common = rng.standard_normal((tokens, max(widths)))
    models, embeddings = [], []
    for width in widths:
        e = common[:, :width] + rng.standard_normal((tokens, width)) + rng.standard_normal(width)
        shape = architecture(width=width)
        arrays = {"gram.embed": e @ e.T}
        fingerprint = fingerprint_of(arrays, shape)
        gram = (arrays["gram.embed"] / np.trace(arrays["gram.embed"])).astype(np.float32)
        models.append(Fingerprint(fingerprint.record, {"gram.embed": gram}))
        embeddings.append(e)
    return models, embeddings


def naive_hsic(k, el):
    """HSIC_1, term by term."""
    n = len(k)
    k, el = k - np.diag(np.diag(k)), el - np.diag(np.diag(el))
    one = np.ones(n)
    first = np.trace(k @ el)
    second = (one @ k @ one) * (one @ el @ one) / ((n - 1) * (n - 2))
    third = 2 / (n - 2) * (one @ k @ el @ one)
    return (first + second - third) / (n * (n - 3))


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, widths=st.tuples(st.integers(2, 60), st.integers(2, 60)))
def test_embedding_geometry_is_unbiased_cka(seed, widths):
    models, _ = embedded(np.random.default_rng(seed), widths)
    k, el = (x.arrays["gram.embed"].astype(float) for x in models)
    expected = naive_hsic(k, el) / np.sqrt(naive_hsic(k, k) * naive_hsic(el, el))
    assert EMBEDDING_GEOMETRY(*models) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, widths=st.tuples(st.integers(2, 60), st.integers(2, 60)))
def test_stream_rotation_is_the_best_orthogonal_map(seed, widths):
    """Against an explicit Procrustes rotation; a narrower embedding is padded with zeros."""
    models, embeddings = embedded(np.random.default_rng(seed), widths)
    wide = max(widths)
    x, y = (np.pad(e - e.mean(0), ((0, 0), (0, wide - e.shape[1]))) for e in embeddings)
    rotation, _ = orthogonal_procrustes(x, y)
    expected = np.sum((x @ rotation) * y) / (np.linalg.norm(x) * np.linalg.norm(y))
    assert STREAM_ROTATION(*models) == pytest.approx(expected, abs=1e-3)  # square roots of float32 noise


def test_circuit_cosine_by_hand_counts_layers_from_the_last():
    """Two of four layers kept in one model, the only layer of the other."""
    rng = np.random.default_rng(8)
    circuits = {f"circuit.{i}.{c}": rng.standard_normal((40, 40)) for i in (2, 3) for c in ("qk", "vo")}
    other = {f"circuit.0.{c}": rng.standard_normal((40, 40)) for c in ("qk", "vo", "ffn")}
    a, b = fingerprint_of(circuits, architecture(layers=4)), fingerprint_of(other, architecture(layers=1))
    cosines = [
        np.sum(a.arrays[f"circuit.3.{c}"].astype(float) * b.arrays[f"circuit.0.{c}"].astype(float))
        / np.linalg.norm(a.arrays[f"circuit.3.{c}"].astype(float))
        / np.linalg.norm(b.arrays[f"circuit.0.{c}"].astype(float))
        for c in ("qk", "vo")
    ]
    assert CIRCUIT_COSINE(a, b) == pytest.approx(np.mean(cosines), abs=1e-12)


def all_paths(rows, columns):
    """Every monotone path from the first cell to the last."""
    if rows == columns == 0:
        return [[(0, 0)]]
    steps = [(rows - 1, columns - 1), (rows - 1, columns), (rows, columns - 1)]
    return [[*path, (rows, columns)] for i, j in steps if min(i, j) >= 0 for path in all_paths(i, j)]


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, size=st.tuples(st.integers(1, 4), st.integers(1, 4)), ties=st.booleans())
def test_warping_is_the_best_of_all_paths(seed, size, ties):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 3, size).astype(float) if ties else rng.random(size)
    totals = [(sum(table[cell] for cell in path), -len(path)) for path in all_paths(size[0] - 1, size[1] - 1)]
    total, length = min(totals)
    assert warped_mean(table) == pytest.approx(total / -length, abs=1e-12)
    assert warped_mean(table) == warped_mean(table.T)


def test_spectral_distance_of_a_repeated_layer_is_zero():
    """A layer that occurs twice in one model stands against the same one of the other."""
    rng = np.random.default_rng(9)
    spectra = [np.sort(rng.random(8).astype(np.float32))[::-1] for _ in range(3)]
    models = []
    for order in ([0, 1, 2], [0, 1, 1, 2]):
        record = fingerprint_of({"gram.embed": np.eye(40)}, architecture(layers=len(order))).record
        arrays = {f"spectrum.{i}.{c}": spectra[k].copy() for i, k in enumerate(order) for c in ("qk", "vo")}
        models.append(Fingerprint(record, arrays))
    assert SPECTRAL_DISTANCE(*models) == 0.0
