"""What every test with a symmetry null promises, for every test: equivariance, size, ties, reasons.

The names in brackets are of the theorems in ``verify.inference``.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.optimize import linear_sum_assignment

from tests.strategies import SKETCH, architecture, fingerprint_of, gpt2_like, moe_like, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint
from verify.base import Phrase
from verify.fingerprint import SketchSpec, chosen_indices
from verify.inference import log10_p_fixed_points, log10_p_signs
from verify.statistics import EXACT_TESTS, RESPONSE_IDENTITY, SIGN_AGREEMENT, UNIT_IDENTITY, VALUE_IDENTITY
from verify.statistics.alignment import _assign, align
from verify.statistics.blocks import agreement, score, unit_pairs, unit_responses, units, value_responses, values
from verify.statistics.groups import groups
from verify.statistics.matching import MARGIN, fixed_points
from verify.statistics.stream_identity import correlations_of_dimensions
from verify.statistics.ties import tied
from verify.wording import say

COMPONENTS = [units, unit_pairs, unit_responses, values, value_responses]
ARCHITECTURES = {"llama": architecture(), "gpt2": gpt2_like(), "moe": moe_like()}
seeds = st.integers(0, 2**32)


def with_rows(model: Fingerprint, change) -> Fingerprint:
    """The same model with each array replaced by ``change(name, array)``; same architecture."""
    return Fingerprint(model.record, {name: change(name, array.copy()) for name, array in model.arrays.items()})


# ---- equivariance


@pytest.mark.parametrize("component", COMPONENTS)
@settings(max_examples=15, deadline=None)
@given(seed=seeds)
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
@given(seed=seeds)
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
@given(seed=seeds)
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
@given(seed=seeds)
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


# ---- size: p-values are super-uniform under the null hypothesis


def plain(rng):
    return random_arrays(rng, architecture())


def scattered(rng, arrays):
    """The same vectors in random order and with random signs in every block, as the null hypothesis says."""
    drawn = {}
    for name, x in arrays.items():
        where = name.rpartition(".")[0] if name.startswith(("units", "values", "stream")) else name
        if where not in drawn:
            order = rng.permuted(np.broadcast_to(np.arange(x.shape[-2]), x.shape[:-1]), axis=-1)
            drawn[where] = order, rng.choice([-1.0, 1.0], x.shape[:-1])
        order, signs = drawn[where]
        x[:] = np.take_along_axis(x, order[..., None], -2)
        if not name.endswith("gate"):  # the one vector whose sign no symmetry changes
            x *= signs[..., None]
    return arrays


def with_hubs(rng):
    """Directions common to all models: a mean in every row, and two rows, anywhere, that resemble everything.

    Signs that a symmetry flips are random, and shared by the vectors it flips together.
    """
    arrays = random_arrays(rng, architecture())
    common = np.random.default_rng(7)
    signs, places = {}, {}
    for name, x in arrays.items():
        where = name.rpartition(".")[0] if name.startswith(("units", "values", "stream")) else name
        shape = x.shape[:-1]
        sign = signs.setdefault(where, rng.choice([-1.0, 1.0], shape))
        hub = places.setdefault(where, rng.permuted(np.broadcast_to(np.arange(shape[-1]) < 2, shape), axis=-1))
        size = (1 + 3 * hub) * (1 if name.endswith("gate") else sign)
        x += size[..., None] * common.standard_normal(x.shape[-1])
    return arrays


def with_dead_and_repeated_rows(rng):
    """A sixth of the rows dead, half of them copies of one row."""
    arrays = random_arrays(rng, architecture())
    for x in arrays.values():
        sixth = x.shape[-2] // 6
        x[..., :sixth, :] = 0
        x[..., sixth : 4 * sixth, :] = x[..., sixth : sixth + 1, :]
    return scattered(rng, arrays)


def with_proportional_rows(rng):
    arrays = random_arrays(rng, architecture())
    for x in arrays.values():
        x[..., 1:6, :] = x[..., :1, :] * np.array([0.3, 0.7, 1.1, 3.3, 17.0])[:, None]
    return scattered(rng, arrays)


def with_not_finite_rows(rng):
    arrays = random_arrays(rng, architecture())
    for x in arrays.values():
        x[..., 0, 0] = np.nan
        x[..., 1, 0] = np.inf
    return scattered(rng, arrays)


def with_shared_blocks(rng):
    """All layers and heads are copies of the first: one arrangement, not several."""
    arrays = random_arrays(rng, architecture())
    for name, x in arrays.items():
        component, *rest = name.split(".")
        if component != "stream":
            first = arrays[".".join([component, "0", *rest[1:]])]
            x[:] = first if component == "units" or "mlp" in name else first[:1]
    return arrays


def with_copied_experts(rng):
    """Every expert, and the shared expert, is a copy of the first, unit by unit."""
    arrays = random_arrays(rng, moe_like())
    kept = {
        b: chosen_indices("units", 20, n) for b, n in (("experts", SKETCH.expert_units), ("shared", SKETCH.units))
    }
    where = np.searchsorted(kept["shared"], kept["experts"])
    for name, x in arrays.items():
        if "experts" in name:
            x[:] = x[:1]
            arrays[name.replace("experts", "shared")][:, where] = x[:1]
    return arrays


NULLS = {
    "plain": (plain, architecture()),
    "hubs": (with_hubs, architecture()),
    "dead and repeated": (with_dead_and_repeated_rows, architecture()),
    "proportional": (with_proportional_rows, architecture()),
    "not finite": (with_not_finite_rows, architecture()),
    "shared blocks": (with_shared_blocks, architecture()),
    "mixture of experts": (lambda rng: random_arrays(rng, moe_like()), moe_like()),
    "copied experts": (with_copied_experts, moe_like()),
    "layer norm": (lambda rng: random_arrays(rng, gpt2_like()), gpt2_like()),
}
REPETITIONS = 100


@pytest.mark.parametrize("kind", NULLS)
def test_every_p_value_is_super_uniform_for_strangers(kind):
    """All five tests, on independent pairs of fresh strangers, with ties, hubs and dead units."""
    make, shape = NULLS[kind]
    rng = np.random.default_rng(list(kind.encode()))
    log10_p = {test.id: [] for test in EXACT_TESTS}
    for _ in range(REPETITIONS):
        a, b = (fingerprint_of(make(rng), shape) for _ in range(2))
        for test in EXACT_TESTS:
            result = test(a, b)
            if result.applicable:
                log10_p[test.id].append(result.log10_p)
                assert result.attainable_log10_p <= result.log10_p <= 0
    for values_of_test in filter(None, log10_p.values()):
        check_super_uniform(values_of_test)


@pytest.mark.parametrize("kind", ["plain", "hubs", "dead and repeated"])
def test_one_invariant_model_suffices(kind):
    """A fixed, structured reference: its units are sorted, its arrangement is anything but random."""
    make, shape = NULLS[kind]
    rng = np.random.default_rng(11)
    reference = random_arrays(rng, shape)
    for x in reference.values():
        x.sort(axis=-2)
    b = fingerprint_of(reference, shape)
    for first, second in ((0, 1), (1, 0)):
        pairs = []
        for _ in range(REPETITIONS):
            models = (fingerprint_of(make(rng), shape), b)
            pairs.append((models[first], models[second]))
        for test in EXACT_TESTS:
            check_super_uniform([test(x, y).log10_p for x, y in pairs])


# ---- counter-examples: what the harness must catch


def p_of_units(a, b, count):
    """log10 p over the blocks of units, each counted by ``count(score array)``."""
    grid_a, grid_b = units(a), units(b)
    scores = [score(grid_a[i][slot], grid_b[i][slot]) for i in grid_a for slot in grid_a[i]]
    return log10_p_fixed_points(sum(count(s) for s in scores), len(scores))


def test_the_harness_catches_ties_broken_by_index():
    """Repeated rows make every index a best match of itself if a tie counts as a match."""

    def tie_is_a_match(s):
        return int((s.diagonal() >= s.max(1) - 1e-9).sum())

    rng = np.random.default_rng(0)
    pairs = [[fingerprint_of(with_dead_and_repeated_rows(rng), architecture()) for _ in "ab"] for _ in range(200)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p_of_units(a, b, lambda s: tie_is_a_match(np.where(s > -2, s, 0))) for a, b in pairs])
    check_super_uniform([p_of_units(a, b, lambda s: int(fixed_points(s).sum())) for a, b in pairs])


def test_the_harness_catches_tied_copies_counted_as_independent():
    """Shared blocks: counting each copy as a group of its own is too optimistic; merging them is not."""
    shape = architecture(layers=12)

    def shared(seed):
        arrays = random_arrays(np.random.default_rng(seed), shape)
        for name, x in arrays.items():
            if name.startswith("units."):
                x[:] = arrays[name.replace(f".{name.split('.')[1]}.", ".0.", 1)]
        return fingerprint_of(arrays, shape)

    pairs = [(shared([i, 0]), shared([i, 1])) for i in range(300)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([p_of_units(a, b, lambda s: int(fixed_points(s).sum())) for a, b in pairs])
    results = [EXACT_TESTS[0](a, b) for a, b in pairs]
    assert all(result.counts[0].groups == 1 for result in results)
    check_super_uniform([result.log10_p for result in results])


def test_the_harness_catches_copied_experts_counted_as_independent():
    shape = architecture(family="qwen2_moe", hidden=0, experts=16, expert_hidden=20, layers=2)

    def copied(seed):
        arrays = random_arrays(np.random.default_rng(seed), shape)
        for name, x in arrays.items():
            if "experts" in name:
                x[:] = x[:1]
        return fingerprint_of(arrays, shape)

    def each_expert(a, b):
        grid_a, grid_b = units(a), units(b)
        found = 0
        for i in grid_a:
            x, y = grid_a[i]["experts"], grid_b[i]["experts"]
            for e in range(16):
                one = [
                    type(z)(
                        z.indices,
                        z.size,
                        tuple(v[e : e + 1] for v in z.sign_fixed),
                        tuple(v[e : e + 1] for v in z.sign_flipping),
                        1,
                    )
                    for z in (x, y)
                ]
                found += int(fixed_points(score(*one)).sum())
        return log10_p_fixed_points(found, 32)

    pairs = [(copied([i, 0]), copied([i, 1])) for i in range(300)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([each_expert(a, b) for a, b in pairs])
    check_super_uniform([EXACT_TESTS[0](a, b).log10_p for a, b in pairs])


def test_the_harness_catches_two_models_aligned_to_a_third():
    """Outside the null hypothesis: both makers matched their units to the same reference."""
    sketch = SKETCH.model_copy(update={"units": 40, "projections": 3})

    def model(seed):
        arrays = random_arrays(np.random.default_rng(seed), architecture(), sketch)
        return fingerprint_of(arrays, architecture(), sketch=sketch)

    third = units(model(99))

    def aligned(seed):
        own = model(seed)
        orders = {
            layer: linear_sum_assignment(score(third[layer]["mlp"], block["mlp"]), maximize=True)[1]
            for layer, block in units(own).items()
        }
        return with_rows(own, lambda n, x: x[:, orders[int(n.split(".")[1])]] if n.startswith("units.") else x)

    pairs = [(aligned([i, 0]), aligned([i, 1])) for i in range(150)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([EXACT_TESTS[0](a, b).log10_p for a, b in pairs])
    pairs = [(model([i, 0]), aligned([i, 1])) for i in range(150)]
    check_super_uniform([EXACT_TESTS[0](a, b).log10_p for a, b in pairs])


def test_the_harness_catches_layers_aligned_by_the_count_itself():
    """Choosing for each block the layer of B with most fixed points inflates the size."""
    shape = architecture(layers=8)

    def bonferroni(a, b):
        grid_a, grid_b = units(a), units(b)
        found = [
            max(int(fixed_points(score(grid_a[i]["mlp"], grid_b[j]["mlp"])).sum()) for j in grid_b) for i in grid_a
        ]
        return log10_p_fixed_points(sum(found), len(found))

    pairs = [(stranger([i, 0], shape), stranger([i, 1], shape)) for i in range(200)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([bonferroni(a, b) for a, b in pairs])
    check_super_uniform([EXACT_TESTS[0](a, b).log10_p for a, b in pairs])


def signs_of_units(a, b):
    grid_a, grid_b = unit_pairs(a), unit_pairs(b)
    total = np.concatenate([agreement(grid_a[i]["mlp"], grid_b[i]["mlp"]).diagonal() for i in grid_a])
    return log10_p_signs(int((total > 0).sum()), len(total))


@pytest.mark.parametrize("what", ["GELU", "up + 1"])
def test_the_harness_catches_signs_where_the_mlp_is_not_odd_in_up(what):
    """A nonlinearity that is not odd gives up and down vectors a common mean; the test refuses there."""
    common = np.random.default_rng(5).standard_normal(8)

    def model(seed):
        arrays = random_arrays(np.random.default_rng(seed), architecture())
        for name, x in arrays.items():
            if name.endswith((".up", ".down")):
                x += common
        return fingerprint_of(arrays, architecture(odd_in_up=False))

    pairs = [(model([i, 0]), model([i, 1])) for i in range(200)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([signs_of_units(a, b) for a, b in pairs])
    results = [EXACT_TESTS[3](a, b) for a, b in pairs]
    left_out = Phrase.of("left_out", part="hidden units", because=Phrase.of("not_odd_in_up", model="A"))
    assert all(result.notes[0] == left_out for result in results), what
    check_super_uniform([result.log10_p for result in results])


def test_the_harness_catches_sinusoidal_positions():
    """Fixed vectors added to the stream give its dimensions an identity; the test refuses there."""
    position = np.arange(40)[None, :] / 10000 ** (np.arange(24)[:, None] / 24)

    def model(seed, positions):
        shape = architecture(positions=positions)
        arrays = random_arrays(np.random.default_rng(seed), shape)
        for role in ("stream.embed", "stream.unembed"):
            arrays[role] = arrays[role] * 0.3 + np.sin(position)
        return fingerprint_of(arrays, shape)

    stream = EXACT_TESTS[4]
    blind = [(model([i, 0], "rotary"), model([i, 1], "rotary")) for i in range(200)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([stream(a, b).log10_p for a, b in blind])
    told = stream(model(0, "sinusoidal"), model(1, "rotary"))
    assert not told.applicable
    assert told.reason == Phrase.of("sinusoidal", model="A")


# ---- ties, margins, dead units


def test_a_tie_is_no_match():
    assert fixed_points(np.eye(3)).all()
    assert not fixed_points(np.ones((3, 3))).any()
    assert not fixed_points(np.array([[1.0, 1.0 - MARGIN / 2], [0.0, 1.0]]))[0]


def test_dead_rows_never_match():
    scores = np.full((3, 3), -np.inf)
    scores[2, 2] = 0.5
    assert fixed_points(scores).tolist() == [False, False, True]


@given(st.integers(1, 6), seeds)
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
            if kind != "stream" and layer != "0":
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


# ---- the other way round: relatives are found


@pytest.mark.parametrize("shape", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_a_noisy_copy_is_found_by_every_test_that_applies(shape):
    rng = np.random.default_rng(6)
    arrays = random_arrays(rng, shape)
    noisy = {name: x + 0.3 * rng.standard_normal(x.shape) for name, x in arrays.items()}
    a, b = fingerprint_of(noisy, shape), fingerprint_of(arrays, shape)
    for test in EXACT_TESTS:
        result = test(a, b)
        if result.applicable:
            assert result.log10_p < (-5 if test.id == "sign_agreement" else -8), test.id
            assert result.effect.share > 0.9


def test_localisation_names_the_layers_that_match():
    rng = np.random.default_rng(8)
    arrays, other = random_arrays(rng, architecture()), random_arrays(rng, architecture())
    mixed = {name: other[name] if name.split(".")[1] == "1" else x for name, x in arrays.items()}
    result = EXACT_TESTS[0](fingerprint_of(mixed, architecture()), fingerprint_of(arrays, architecture()))
    assert [row.adjusted_log10_p < -3 for row in result.by_layer] == [True, False, True]
    assert [(row.layer_a, row.layer_b) for row in result.by_layer] == [(0, 0), (1, 1), (2, 2)]


def test_removed_layers_are_aligned_to_where_they_came_from():
    arrays = random_arrays(np.random.default_rng(9), architecture(layers=5))
    kept = [0, 3, 4]
    pruned = {name: x for name, x in arrays.items() if name.startswith("stream.")}
    for new, old in enumerate(kept):
        pruned |= {
            name.replace(f".{old}.", f".{new}.", 1): x for name, x in arrays.items() if name.split(".")[1] == str(old)
        }
    a, b = fingerprint_of(pruned, architecture()), fingerprint_of(arrays, architecture(layers=5))
    result = EXACT_TESTS[0](a, b)
    assert [row.layer_b for row in result.by_layer] == kept
    assert result.statistic == result.counts[0].n


def test_unequal_hidden_sizes_are_compared_at_common_indices():
    """The same bound holds; sampled indices of different widths overlap by design."""
    a, b = stranger(1, architecture(hidden=40)), stranger(2, architecture(hidden=60))
    count = EXACT_TESTS[0](a, b).counts[0]
    assert 0 < count.n < 3 * 12
    assert count.groups == 3


# ---- reasons


@pytest.mark.parametrize(
    ("test", "change", "reason"),
    [
        ("unit_identity", {"width": 64}, Phrase.of("width", a=48, b=64)),
        ("unit_identity", {"gated": False, "odd_in_up": False}, Phrase.of("gated_differs")),
        ("value_identity", {"linear_values": False}, Phrase.of("not_linear_values", model="B")),
        ("value_identity", {"head_size": 6}, Phrase.of("head_sizes", a=12, b=6)),
        ("sign_agreement", {"linear_values": False, "odd_in_up": False}, Phrase.of("not_linear_values", model="B")),
        ("stream_identity", {"width": 64}, Phrase.of("width", a=48, b=64)),
    ],
)
def test_a_test_that_does_not_apply_says_why(test, change, reason):
    result = next(t for t in EXACT_TESTS if t.id == test)(stranger(1), stranger(2, architecture(**change)))
    assert not result.applicable
    assert result.reason == reason
    assert "{" not in say(reason, names={"B": "the other"})
    assert result.log10_p is None


def test_too_few_shared_anchors_make_response_tests_inapplicable():
    a, b = stranger(1), stranger(2)
    few = Fingerprint(b.record.model_copy(update={"anchors": tuple(range(20, 60))}), b.arrays)
    for test in (EXACT_TESTS[2], EXACT_TESTS[4]):
        assert test(a, few).reason == Phrase.of("few_shared_anchors", shared=20, least=32)


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
    rows, columns = _assign(table)
    expected = linear_sum_assignment(np.round(table, 6), maximize=True)
    assert len(set(rows)) == len(set(columns)) == len(expected[0])
    assert table[rows, columns].sum() == pytest.approx(table[expected].sum())
