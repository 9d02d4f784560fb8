"""Score arrays follow a relabelling of either model, and alignment is constant on the orbit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.optimize import linear_sum_assignment

from tests.exact import with_rows
from tests.strategies import SEEDS, SKETCH, architecture, moe_like, stranger
from verify import Fingerprint
from verify.fingerprint import chosen_indices
from verify.statistics.alignment import align, assign
from verify.statistics.blocks import agreement, score, unit_pairs, unit_responses, units, value_responses, values
from verify.statistics.matching import fixed_points
from verify.statistics.stream_identity import correlations_of_dimensions

COMPONENTS = [units, unit_pairs, unit_responses, values, value_responses]

# ---- equivariance


@pytest.mark.parametrize("component", COMPONENTS)
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_score_arrays_are_equivariant_under_permutation_of_either_model(component, seed):
    """Permuting the indices of a block permutes rows (or columns) of its score array, and nothing else."""
    rng = np.random.default_rng(seed)
    block_a, block_b = (next(iter(component(stranger(rng))[0].values())) for _ in range(2))
    order = rng.permutation(len(block_a.indices))
    permuted = type(block_a)(
        block_a.indices,
        block_a.size,
        tuple(x[:, order] for x in block_a.sign_fixed),
        tuple(x[:, order] for x in block_a.sign_flipping),
        block_a.copies,
    )
    np.testing.assert_allclose(score(permuted, block_b), score(block_a, block_b)[order], atol=1e-12)
    np.testing.assert_allclose(score(block_b, permuted), score(block_b, block_a)[:, order], atol=1e-12)


@pytest.mark.parametrize("component", [unit_pairs, values])
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_sign_flips_leave_scores_and_flip_agreements(component, seed):
    """The alignment cannot see signs, and the products of an index change sign with it, exactly."""
    rng = np.random.default_rng(seed)
    block_a, block_b = (next(iter(component(stranger(rng))[0].values())) for _ in range(2))
    signs = rng.choice([-1.0, 1.0], len(block_a.indices))
    flipped = type(block_a)(
        block_a.indices,
        block_a.size,
        block_a.sign_fixed,
        tuple(x * signs[:, None] for x in block_a.sign_flipping),
        block_a.copies,
    )
    np.testing.assert_array_equal(score(flipped, block_b), score(block_a, block_b))
    np.testing.assert_array_equal(agreement(flipped, block_b), signs[:, None] * agreement(block_a, block_b))


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_the_stream_scores_are_equivariant_under_signed_permutation(seed):
    rng = np.random.default_rng(seed)
    a, b = stranger(rng), stranger(rng)
    dims = len(a.arrays["stream.embed"])
    order, signs = rng.permutation(dims), rng.choice([-1, 1], dims)[:, None]
    moved = with_rows(a, lambda name, x: x[order] * signs if name.startswith("stream.") else x)
    expected = correlations_of_dimensions(a, b)[order] * signs
    np.testing.assert_allclose(correlations_of_dimensions(moved, b), expected, atol=1e-12)


def partly_dense(seed):
    """A mixture of experts whose first layer has a plain MLP."""
    shape = architecture(family="qwen2_moe", experts=4, expert_hidden=20, shared_hidden=20)
    model = stranger(seed, shape)
    kept = {
        name: x
        for name, x in model.arrays.items()
        if ".mlp" not in name or name.split(".")[1] == "0"
        if not any(bundle in name for bundle in ("experts", "shared")) or name.split(".")[1] != "0"
    }
    return Fingerprint(model.record, kept)


MAKERS = {
    "llama": lambda rng: stranger(rng, architecture()),
    "moe": lambda rng: stranger(rng, moe_like()),
    "partly dense": partly_dense,
}


@pytest.mark.parametrize("makers", [("llama", "llama"), ("moe", "moe"), ("llama", "moe"), ("partly dense", "llama")])
@pytest.mark.parametrize("component", COMPONENTS)
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_alignment_is_constant_on_the_orbit(component, makers, seed):
    """Permuting the units that are compared, in every block of either model, leaves the aligned pairs as they are."""
    rng = np.random.default_rng(seed)
    a, b = (MAKERS[maker](rng) for maker in makers)

    def shuffle(name, x):
        if name.startswith("stream."):
            return x
        block = name.rpartition(".")[0] if name.startswith(("units.", "values.")) else name
        free = np.arange(x.shape[1])
        if makers == ("llama", "moe") and ".values" not in name and not name.startswith("values"):
            sizes = ((40, SKETCH.units), (20, SKETCH.expert_units))
            kept = {n: chosen_indices("units", n, count) for n, count in sizes}
            free = np.flatnonzero(np.isin(kept[40 if ".mlp" in name else 20], np.intersect1d(kept[40], kept[20])))
        order = np.arange(x.shape[1])
        order[free] = np.random.default_rng([seed, *block.encode()]).permutation(free)
        return x[:, order]

    shuffled = with_rows(a, shuffle)
    assert align(component(shuffled), component(b)) == align(component(a), component(b))
    assert align(component(b), component(shuffled)) == align(component(b), component(a))


def test_alignment_by_the_count_itself_would_not_be_constant_on_the_orbit():
    """The counter-example: choosing layers by their fixed points follows the permutation."""
    rng = np.random.default_rng(3)
    a, b = stranger(rng), stranger(rng)

    def by_count(x):
        grid_a, grid_b = units(x), units(b)
        return [
            max(grid_b, key=lambda j: fixed_points(score(grid_a[i]["mlp"], grid_b[j]["mlp"])).sum()) for i in grid_a
        ]

    def reordered(order):
        return with_rows(a, lambda name, x: x[:, order] if name.startswith("units.") else x)

    orbit = [by_count(reordered(rng.permutation(12))) for _ in range(10)]
    assert any(choice != orbit[0] for choice in orbit)


# ---- reasons


@settings(max_examples=200, deadline=None)
@given(
    npst.arrays(
        np.float64,
        st.tuples(st.integers(0, 5), st.integers(1, 5)),
        elements=st.integers(0, 6).map(lambda n: n / 4),
    ),
    st.booleans(),
)
def test_layers_are_assigned_for_the_largest_total(table: np.ndarray, distinct: bool) -> None:
    """Whether or not every row has its own best column, ties and more rows than columns included."""
    if distinct:
        table = table + np.arange(table.size).reshape(table.shape) / 1000
    rows, columns = assign(table)
    expected = linear_sum_assignment(np.round(table, 6), maximize=True)
    assert len(set(rows)) == len(set(columns)) == len(expected[0])
    assert table[rows, columns].sum() == pytest.approx(table[expected].sum())
