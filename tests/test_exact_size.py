"""Every test with a symmetry null keeps its size for strangers, and the harness catches what does not.

The names in brackets are of the theorems in ``verify.inference``.
"""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from tests.exact import with_rows, with_shared_blocks
from tests.strategies import SKETCH, architecture, fingerprint_of, gpt2_like, moe_like, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify.base import Phrase
from verify.fingerprint import chosen_indices
from verify.inference import log10_p_fixed_points, log10_p_signs
from verify.statistics import EXACT_TESTS
from verify.statistics.blocks import agreement, score, unit_pairs, units
from verify.statistics.matching import fixed_points

pytestmark = pytest.mark.slow

# ---- size: p-values are super-uniform under the null hypothesis


def plain(rng):
    return random_arrays(rng, architecture())


def rows(arrays):
    """Every array as [..., indices, vector]; channels of q and k lie one axis further out."""
    return {name: x[:, :, 0] if name.startswith("key") else x for name, x in arrays.items()}


def scattered(rng, arrays):
    """The same vectors in random order and with random signs in every block, as the null hypothesis says."""
    drawn = {}
    for name, x in rows(arrays).items():
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
    for name, x in rows(arrays).items():
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
    for x in rows(arrays).values():
        sixth = x.shape[-2] // 6
        x[..., :sixth, :] = 0
        x[..., sixth : 4 * sixth, :] = x[..., sixth : sixth + 1, :]
    return scattered(rng, arrays)


def with_proportional_rows(rng):
    """Six rows, or all where there are fewer, are multiples of one."""
    arrays, factors = random_arrays(rng, architecture()), np.array([1.0, 0.3, 0.7, 1.1, 3.3, 17.0])[:, None]
    for x in rows(arrays).values():
        x[..., :6, :] = x[..., :1, :] * factors[: x.shape[-2]]
    return scattered(rng, arrays)


def with_not_finite_rows(rng):
    arrays = random_arrays(rng, architecture())
    for x in rows(arrays).values():
        x[..., 0, 0] = np.nan
        x[..., 1, 0] = np.inf
    return scattered(rng, arrays)


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
            if not name.startswith("routers."):
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
    """All tests, on independent pairs of fresh strangers, with ties, hubs and dead units."""
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
    for x in rows(reference).values():
        x.sort(axis=-2)
    b = fingerprint_of(reference, shape)
    for first, second in ((0, 1), (1, 0)):
        pairs = []
        for _ in range(REPETITIONS):
            models = (fingerprint_of(make(rng), shape), b)
            pairs.append((models[first], models[second]))
        for test in EXACT_TESTS:
            if test.refusal(*pairs[0]) is None:
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
