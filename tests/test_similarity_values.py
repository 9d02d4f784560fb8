"""Known values of the similarities other than the primary."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import linear_sum_assignment
from scipy.stats import pearsonr, spearmanr

from tests.similarities import shipped, weights
from tests.strategies import SEEDS, architecture, fingerprint_of
from verify import Fingerprint, open_checkpoint
from verify.base import StatisticsError
from verify.data import model
from verify.fingerprint import reduced
from verify.fingerprint.anchors import anchors_of
from verify.statistics import (
    ASSIGNED_GEOMETRY,
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


def embedding_of(name):
    """Embeddings of the anchors, less their mean, [tokens, width]."""
    w, checkpoint = weights(name), open_checkpoint(model(name))
    _, known = anchors_of(checkpoint.vocabulary(), 256, 96)
    rows = np.stack([w["model.embed_tokens.weight"][token] for _, token in known]).astype(float)
    return rows - rows.mean(0)


def rows_read(name, layer, role):
    """Rows of q (summed over the two query heads of a kv head) or k, gain folded in, [heads, planes, 2, width]."""
    at = f"model.layers.{layer}."
    rows = weights(name)[f"{at}self_attn.{role}_proj.weight"] * weights(name)[f"{at}input_layernorm.weight"]
    if role == "q":
        rows = rows.reshape(2, 2, 16, 64).sum(1)
    return rows.reshape(2, 2, 8, 64).swapaxes(1, 2).astype(float)


def ridge_products(x, responses):
    """Inner products of the columns that ridge regression gives, one row after the other."""
    tokens, width = x.shape
    penalty = 0.01 * np.sum(x * x) / tokens
    augmented = np.vstack([x, np.sqrt(penalty) * np.eye(width)])
    rows = [np.linalg.lstsq(augmented, np.append(y, np.zeros(width)), rcond=None)[0] for y in responses]
    columns = np.stack(rows) / np.linalg.norm(x, axis=0)
    return columns.T @ columns


@pytest.mark.parametrize("name", ["stranger-1", "same-seed", "continued-3x", "obfuscated"])
def test_assigned_geometry_of_weights_by_hand(name):
    """From the weights themselves: dimension by dimension, row by row, pair by pair, every order of layers."""
    names = ("reference", name)
    embeddings = [embedding_of(each) for each in names]
    correlations = np.corrcoef(*embeddings, rowvar=False)[:64, 64:]
    order = linear_sum_assignment(-np.abs(correlations))[1]
    to = [(np.arange(64), np.ones(64)), (order, np.sign(correlations[np.arange(64), order]))]
    pairs = list(combinations(range(64), 2))

    def numbers(products, dimensions, signs):
        return np.array([products[dimensions[i], dimensions[j]] * signs[i] * signs[j] for i, j in pairs])

    kernels = []
    for each, x, at in zip(names, embeddings, to, strict=True):
        of_random = numbers(ridge_products(x, x.T), *at)  # the rows of the identity stand for all
        for role in "qk":
            for layer in range(4):
                planes = rows_read(each, layer, role) @ x.T
                planes /= np.linalg.norm(planes, axis=(-1, -2), keepdims=True)
                found = numbers(ridge_products(x, planes.reshape(-1, len(x))), *at)
                kernels.append(found - (found @ of_random) / (of_random @ of_random) * of_random)
    kernels = np.array(kernels).reshape(2, 2, 4, -1)  # [models, roles, layers, pairs]
    kernels /= np.linalg.norm(kernels, axis=-1, keepdims=True)
    table = np.einsum("rip,rjp->ij", *kernels) / 2
    expected = max(np.mean([table[i, order[i]] for i in range(4)]) for order in permutations(range(4)))
    assert ASSIGNED_GEOMETRY(shipped("reference"), shipped(name)) == pytest.approx(expected, abs=1e-3)


def test_assigned_geometry_of_some_layers_of_a_model_is_one():
    whole = shipped("reference")
    assert ASSIGNED_GEOMETRY(reduced(whole, layers=2), whole) == pytest.approx(1, abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, constant=st.sets(st.integers(0, 63), max_size=61))
def test_dimensions_that_all_tokens_share_are_not_assigned(seed, constant):
    """Constant up to rounding, or zero, in one model: a score is that of the other dimensions, if they suffice."""
    whole, rng = shipped("reference"), np.random.default_rng(seed)
    at, stream = sorted(constant), whole.arrays["stream.embed"]
    zero, level = stream.copy(), stream.copy()
    zero[at] = 0
    level[at] = rng.choice([-1, 1], (len(at), 1)) / np.sqrt(stream.shape[1]) + rng.normal(0, 2e-5, stream[at].shape)
    models = [Fingerprint(whole.record, whole.arrays | {"stream.embed": x}) for x in (zero, level)]
    if len(at) > 60:
        for each in models:
            with pytest.raises(StatisticsError, match="not a finite number"):
                ASSIGNED_GEOMETRY(each, whole)
    else:
        scores = [ASSIGNED_GEOMETRY(each, shipped("fine-tuned")) for each in models]
        assert scores[0] == pytest.approx(scores[1], abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_equal_dimensions_tie_without_effect(seed):
    """Whichever of two equal dimensions is assigned to which."""
    whole, rng = shipped("reference"), np.random.default_rng(seed)
    stream = whole.arrays["stream.embed"].copy()
    first, second = np.split(rng.permutation(64)[:20], 2)
    stream[first] = stream[second]
    tied = Fingerprint(whole.record, whole.arrays | {"stream.embed": stream})
    assert ASSIGNED_GEOMETRY(tied, tied) == pytest.approx(1, abs=1e-12)
    other = shipped("stranger-1")
    assert ASSIGNED_GEOMETRY(tied, other) == ASSIGNED_GEOMETRY(other, tied)
