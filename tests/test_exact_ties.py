"""Ties, margins and dead units cost matches and never size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exact import with_shared_blocks
from tests.strategies import SEEDS, architecture, fingerprint_of, random_arrays, stranger
from tests.uniformity import check_super_uniform
from verify import Fingerprint
from verify.base import Phrase
from verify.fingerprint import SketchSpec
from verify.statistics import EXACT_TESTS, RESPONSE_IDENTITY, SIGN_AGREEMENT, UNIT_IDENTITY, VALUE_IDENTITY
from verify.statistics.blocks import units, values
from verify.statistics.groups import groups
from verify.statistics.matching import MARGIN, fixed_points
from verify.statistics.ties import _look_tied, _may_look_tied, _Means, tied


def test_a_tie_is_no_match():
    assert fixed_points(np.eye(3)).all()
    assert not fixed_points(np.ones((3, 3))).any()
    assert not fixed_points(np.array([[1.0, 1.0 - MARGIN / 2], [0.0, 1.0]]))[0]


def test_dead_rows_never_match():
    scores = np.full((3, 3), -np.inf)
    scores[2, 2] = 0.5
    assert fixed_points(scores).tolist() == [False, False, True]


@given(st.integers(1, 6), SEEDS)
def test_fixed_points_follow_a_relabelling(n, seed):
    """Relabelling both sides alike relabels the matches alike: nothing depends on indices."""
    rng = np.random.default_rng(seed)
    scores, order = rng.standard_normal((n, n)), rng.permutation(n)
    np.testing.assert_array_equal(fixed_points(scores[order][:, order]), fixed_points(scores)[order])


@pytest.mark.parametrize("exact", [None, 2, 7], ids=["correlated", "two copies", "seven copies"])
def test_partial_ties_of_layers_keep_their_size(exact):
    """Value channels of all layers correlated by .9, or some of them exact copies: one sign, counted once."""
    n = 8 if exact is None else 16
    sketch = SketchSpec(units=4, expert_units=2, channels=16, projections=32, anchors=40, stream=8)
    shape = architecture(layers=10, kv_heads=1, heads=4, head_size=n, hidden=0, width=4 * n)

    def model(seed):
        rng, arrays = np.random.default_rng(seed), {}
        common = {role: rng.standard_normal((1, n, 32)) for role in "vo"}
        for layer in range(10):
            for role in "vo":
                own = rng.standard_normal((1, n, 32))
                if exact is None:
                    own = 0.9**0.5 * common[role] + 0.1**0.5 * own
                else:
                    own[:, :exact] = common[role][:, :exact]
                arrays[f"values.{layer}.{role}"] = own
        return fingerprint_of(arrays, shape, sketch=sketch)

    pairs = [(model([i, 0]), model([i, 1])) for i in range(100)]
    for test in (VALUE_IDENTITY, SIGN_AGREEMENT):
        check_super_uniform([test(a, b).log10_p for a, b in pairs])


def test_ties_of_four_indices_keep_their_size():
    """Layers grown from one and trained on, of four units an expert and four channels a head, as at screen effort."""
    sketch = SketchSpec(units=4, expert_units=4, channels=4, projections=32, anchors=40, stream=8)
    shape = architecture(layers=8, hidden=0, experts=2, expert_hidden=24, kv_heads=1, head_size=16, width=64)

    def model(seed):
        arrays = random_arrays(np.random.default_rng(seed), shape, sketch)
        for name, own in arrays.items():
            kind, layer, *rest = name.split(".")
            if layer.isdigit() and layer != "0":
                arrays[name] = arrays[".".join([kind, "0", *rest])] + 0.1 * own
        return fingerprint_of(arrays, shape, sketch=sketch)

    pairs = [(model([i, 0]), model([i, 1])) for i in range(100)]
    for test in (UNIT_IDENTITY, VALUE_IDENTITY, RESPONSE_IDENTITY, SIGN_AGREEMENT):
        check_super_uniform([test(a, b).log10_p for a, b in pairs])


def test_unknown_tensors_inside_a_sublayer_refuse_its_symmetry():
    """A norm nobody knows of may stand between v and o."""
    a, b = stranger(1), stranger(2)
    for name, test in (("model.layers.0.self_attn.v_norm.weight", "value_identity"), ("layers.1.mlp.bias", "sign")):
        odd = Fingerprint(a.record.model_copy(update={"unrecognised": (name,)}), a.arrays)
        result = next(t for t in EXACT_TESTS if t.id.startswith(test))(odd, b)
        because = Phrase.of("tensor_not_understood", model="A", tensor=name)
        assert because in (result.reason, *(note.values.get("because") for note in result.notes))


def test_copies_within_a_model_are_found_and_strangers_are_not_tied():
    rng = np.random.default_rng(2)
    sets = tied(units(fingerprint_of(with_shared_blocks(rng), architecture())))
    assert sets.find((0, "mlp")) == sets.find((2, "mlp"))
    sets = tied(units(stranger(3)))
    assert sets.find((0, "mlp")) != sets.find((2, "mlp"))


def test_repeated_heads_are_one_group_per_layer():
    arrays = random_arrays(np.random.default_rng(4), architecture())
    for name, x in arrays.items():
        if name.startswith("values."):
            x[1] = x[0]
    a = fingerprint_of(arrays, architecture())
    assert len(groups(values, a, stranger(5)).merged) == 3


def test_copies_of_few_indices_are_found_too():
    """Two copies of a head of three channels: no count could tell, and apart they would be two groups."""
    shape = architecture(head_size=3, width=12, layers=1)
    arrays = random_arrays(np.random.default_rng(4), shape)
    for name in ("values.0.v", "values.0.o"):
        arrays[name][1] = arrays[name][0]
    sets = tied(values(fingerprint_of(arrays, shape)))
    assert sets.find((0, "head 0")) == sets.find((0, "head 1"))


KINDS = ("independent", "copies", "correlated", "of few", "common mean", "nearly equal", "weak")


@given(st.sampled_from(KINDS), st.integers(1, 40), st.integers(0, 2), st.integers(0, 2), st.booleans(), SEEDS)
def test_no_tie_is_ruled_out_in_single_precision(kind, n, fixed, flipping, signs, seed):
    """Whatever looks tied in double precision may look tied in single, from barely to exactly tied."""
    if not fixed + flipping:
        return
    rng, blocks = np.random.default_rng(seed), 6
    threshold = 1.0 + 5.0 * rng.random()

    def vectors():
        x = rng.standard_normal((blocks, n, 24))
        if kind == "copies":
            x[1::2, : max(2, n // 4)] = x[:1, : max(2, n // 4)]
        elif kind in ("correlated", "weak", "of few"):
            x += {"correlated": 2.0, "weak": 0.4, "of few": 1.5}[kind] * x[:1]
        elif kind == "common mean":
            x += 3.0 * rng.standard_normal(24)
        elif kind == "nearly equal":
            x = 1.0 + 1e-4 * x
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    groups_of = [tuple(vectors() for _ in range(k)) for k in (fixed, flipping)]
    means = _Means(
        [(i, "x") for i in range(blocks)], np.arange(blocks), np.arange(n), np.ones((blocks, n), bool), *groups_of
    )
    may = _may_look_tied(means, means, threshold, signs)
    for i, j in zip(*np.triu_indices(blocks, 1), strict=True):
        looks = _look_tied(means.at(np.array([i])), means.at(np.array([j])), threshold, signs)
        assert may[i, j] or not looks[0]


def test_strangers_are_ruled_out_in_single_precision():
    """Blocks without a tie are hardly ever left to be decided, or single precision would win nothing."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 40, 32, 24))
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    means = _Means(
        [(i, "x") for i in range(40)], np.arange(40), np.arange(32), np.ones((40, 32), bool), (x[0],), (x[1],)
    )
    for signs in (False, True):
        assert _may_look_tied(means, means, 5.0, signs)[np.triu_indices(40, 1)].mean() < 0.01


def test_dead_indices_and_infinite_numbers_are_left_to_double_precision():
    rng = np.random.default_rng(0)
    x, alive = rng.standard_normal((20, 8, 24)), np.ones((20, 8), bool)
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    alive[3, 0], x[5, 2, 0] = False, np.inf
    means = _Means([(i, "x") for i in range(20)], np.arange(20), np.arange(8), alive, (x,), ())
    may = _may_look_tied(means, means, 5.0, False)
    assert may[[3, 5]].all()
    assert may[:, [3, 5]].all()
    assert not may.all()
