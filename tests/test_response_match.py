"""Known values of the primary similarity, response match."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.similarities import changed, reordered, shipped, weights
from tests.strategies import SEEDS, SKETCH, architecture, fingerprint_of, gpt2_like, random_arrays
from verify import Fingerprint
from verify.statistics import RESPONSE_MATCH, response_grid
from verify.statistics.response_match import deeper_median


def random_match(rng, layers, copies=1, units=12, gated=True):
    sizes = {"hidden": units} if copies == 1 else {"hidden": 0, "experts": copies, "expert_hidden": units}
    sketch = SKETCH.model_copy(update={"match_units": units, "match_expert_units": units})
    return random_arrays(rng, architecture(layers=layers, gated=gated, **sizes), sketch, components=("match",))


def naive_response_match(a, b):
    """The definition, unit by unit, for one bundle per layer and no dead unit: the scores of each direction.

    More than one where several ways of aligning layers have the largest total.
    """

    def direction(a, b):
        grids = []
        for x in (a, b):
            by_layer = {}
            for name, array in sorted(x.arrays.items()):
                layer, role = int(name.split(".")[1]), name.split(".")[3]
                by_layer.setdefault(layer, {})[role] = array.reshape(-1, array.shape[-1]).astype(float)
            grids.append(list(by_layer.values()))
        table = np.zeros((len(grids[0]), len(grids[1])))
        for (i, x), (j, y) in itertools.product(enumerate(grids[0]), enumerate(grids[1])):
            signed = "gate" if "gate" in x else "up"
            rest = ["up", "down"] if signed == "gate" else ["down"]
            for unit in range(len(x[signed])):
                m = max(range(len(y[signed])), key=lambda v: x[signed][unit] @ y[signed][v])
                for role in rest:
                    n = max(range(len(y[role])), key=lambda v: abs(x[role][unit] @ y[role][v]))
                    table[i, j] += (m == n) / len(rest) / len(x[signed])
        least = min(table.shape)
        wide = table if table.shape[0] == least else table.T
        found = []
        for columns in itertools.permutations(range(wide.shape[1]), least):
            aligned = [
                ((i + 0.5) / wide.shape[0] + (j + 0.5) / wide.shape[1], wide[i, j]) for i, j in enumerate(columns)
            ]
            depth = sorted(depth for depth, _ in aligned)[least // 2] - 1e-9
            found.append((sum(share for _, share in aligned), np.median([s for d, s in aligned if d >= depth])))
        most = max(total for total, _ in found)
        return [score for total, score in found if total > most - 1e-9]

    return direction(a, b), direction(b, a)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, layers=st.tuples(st.integers(1, 3), st.integers(1, 3)), gated=st.booleans())
def test_response_match_is_its_definition(seed, layers, gated):
    rng = np.random.default_rng(seed)
    make = architecture if gated else gpt2_like
    base = random_match(rng, 3, gated=gated)
    models = []
    for depth in layers:
        arrays = {name: x for name, x in base.items() if int(name.split(".")[1]) < depth}
        noisy = {name: x + rng.standard_normal(x.shape) for name, x in arrays.items()}
        shape = make().model_copy(update={"layers": depth})
        models.append(fingerprint_of(noisy, shape))
    score, directions = RESPONSE_MATCH(*models), naive_response_match(*models)
    assert min(abs(score - each) for direction in directions for each in direction) < 1e-12
    assert score >= max(map(min, directions)) - 1e-12


@pytest.mark.parametrize(
    ("pairs", "layers", "median"),
    [
        ([(0, 0, 0.5)], (1, 1), 0.5),
        ([(0, 0, 0.9), (1, 1, 0.1)], (2, 2), 0.1),
        ([(0, 0, 0.9), (1, 1, 0.1), (2, 2, 0.3)], (3, 3), 0.2),
        ([(0, 0, 0.9), (1, 2, 0.1)], (2, 5), 0.1),
        ([(0, 1, 0.9), (1, 0, 0.1)], (2, 2), 0.5),  # of one depth: both count
        ([(i, i, i / 8) for i in range(6)], (6, 6), 4 / 8),
    ],
)
def test_the_score_is_the_median_of_the_deeper_half_whichever_model_comes_first(pairs, layers, median):
    assert deeper_median(pairs, layers) == pytest.approx(median)
    assert deeper_median([(j, i, share) for i, j, share in pairs], layers[::-1]) == pytest.approx(median)


def test_no_agreement_in_the_shallower_half_makes_strangers_alike():
    """Layers that read tokens directly agree between strangers of one text."""
    rng = np.random.default_rng(8)
    one, two = (random_match(rng, 4) for _ in range(2))
    shared = {name: x for name, x in one.items() if int(name.split(".")[1]) < 2}
    a, b, like_b = (fingerprint_of(x, architecture(layers=4)) for x in (one, two, two | shared))
    assert {(i, j) for i, j, share in response_grid(a, like_b).pairs if share == 1} == {(0, 0), (1, 1)}
    assert RESPONSE_MATCH(a, like_b) < 0.2 > RESPONSE_MATCH(a, b)


def test_layers_of_any_size_are_pooled_and_blocks_of_memory_change_nothing(monkeypatch):
    """A dense first layer, then experts with a shared MLP, against a dense model of another depth."""
    rng = np.random.default_rng(5)
    mixed = random_match(rng, 1) | {
        name.replace(".0.", ".1."): x for name, x in random_match(rng, 1, copies=4, units=5).items()
    }
    mixed |= {name.replace(".0.mlp", ".1.shared"): x for name, x in random_match(rng, 1, units=7).items()}
    a = fingerprint_of(mixed, architecture(layers=2, experts=4, expert_hidden=5, shared_hidden=7))
    b = fingerprint_of(random_match(rng, 3), architecture())
    whole = response_grid(a, b)
    assert whole.shares.shape == (2, 3)
    monkeypatch.setattr("verify.statistics.response_match._CELLS", 30)
    np.testing.assert_array_equal(response_grid(a, b).shares, whole.shares)


def test_dead_units_match_nothing_and_still_count():
    """Zero rows are all nearest to the same unit in every role; that is no agreement."""
    rng = np.random.default_rng(6)
    arrays = random_match(rng, 1)
    dead = {name: x.copy() for name, x in arrays.items()}
    for x in dead.values():
        x[:, :9] = 0
    shape = architecture(layers=1)
    a, b = (fingerprint_of(x, shape) for x in (dead, arrays))
    assert RESPONSE_MATCH(a, a) == 3 / 12
    broken = {name: np.where(x == 0, np.float16(np.nan), x) for name, x in a.arrays.items()}
    assert RESPONSE_MATCH(Fingerprint(a.record, broken), a) == 3 / 12
    assert response_grid(a, b).shares[0, 0] < 0.6


def test_an_upcycled_child_is_found_from_the_side_of_its_copies():
    """Every expert holds copies of dense units."""
    rng = np.random.default_rng(7)
    dense = random_match(rng, 2, units=12)
    chosen = [rng.choice(12, 5, replace=False) for _ in range(4)]
    experts = {
        name.replace("mlp", "experts"): np.concatenate([x[:, units] for units in chosen]) for name, x in dense.items()
    }
    stray = {name: x.copy() for name, x in experts.items()}
    for x in stray.values():
        x[2] = rng.standard_normal(x[2].shape)
    parent = fingerprint_of(dense, architecture(layers=2))
    shape = architecture(layers=2, hidden=0, experts=4, expert_hidden=5)
    child, mixture = fingerprint_of(stray, shape), fingerprint_of(experts, shape)
    assert RESPONSE_MATCH(parent, mixture) == 1.0
    strays = response_grid(child, parent).shares[0, 0]
    assert 0.75 <= strays < 1, "three of four experts are found, seen from their side"
    assert RESPONSE_MATCH(mixture, mixture) == 1.0  # exact copies are no ties for rounding to decide


def test_the_grid_finds_removed_and_reordered_layers_and_reproduces_the_score(tmp_path):
    child = shipped("depth-pruned-healed")
    pruned = response_grid(child, shipped("reference"))
    assert [(i, j) for i, j, _ in pruned.pairs] == [(0, 0), (1, 1)]
    moved = changed(tmp_path / "m", reordered(weights("reference"), np.random.default_rng(0)))
    grid = response_grid(moved, shipped("reference"))
    for i, j, share in grid.pairs:
        assert grid.shares[i, j] == share == 1.0
        assert {i, j} & {0, 1}
        assert {i, j} & {2, 3}
    for a, b, found in ((child, shipped("reference"), pruned), (moved, shipped("reference"), grid)):
        layers = a.record.architecture.layers, b.record.architecture.layers
        assert deeper_median(found.pairs, layers) == RESPONSE_MATCH(a, b)
        assert not found.shares.flags.writeable
