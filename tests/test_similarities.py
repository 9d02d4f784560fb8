"""What every similarity promises: its invariances and no others, symmetry, reasons, known values.

The shipped models are trained, so a change that a declaration allows must leave a realistic score alone.
"""

import dataclasses
import itertools
import json
import shutil
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from scipy.linalg import orthogonal_procrustes
from scipy.stats import pearsonr, spearmanr

import verify
from benchmarks.zoo.config import Config
from benchmarks.zoo.derive import permute_channels, permute_heads, permute_units, rotate_stream
from tests.strategies import SKETCH, architecture, fingerprint_of, gpt2_like, random_arrays
from verify import Fingerprint, SketchSpec
from verify.base import Phrase, StatisticsError
from verify.data import model
from verify.fingerprint.anchors import ANCHORS, anchors_of
from verify.statistics import (
    CIRCUIT_COSINE,
    EMBEDDING_GEOMETRY,
    PANEL_STATISTICS,
    PRIMARY,
    RESPONSE_MATCH,
    SPECTRAL_DISTANCE,
    SPREAD_CORRELATION,
    STREAM_ROTATION,
    Similarity,
    curve_correlation,
    on_anchors,
    response_grid,
)
from verify.statistics.applicability import on_shared_anchors
from verify.statistics.response_match import deeper_median
from verify.statistics.similarity import INVARIANCES
from verify.statistics.spectral_distance import warped_mean

seeds = st.integers(0, 2**32)
CONFIG = Config(family="llama", layers=4, width=64, hidden=176, heads=4, kv_heads=2, vocab=256)
STRANGERS = ["reference", "stranger-1", "stranger-2"]
TOLERANCE = {
    RESPONSE_MATCH.id: 2.5 / (2 * 64),  # up to five of 2 x 128 votes turn when a near tie is rounded to float16
    SPREAD_CORRELATION.id: 1e-9,  # float64; only the order of a sum changes
    EMBEDDING_GEOMETRY.id: 1e-6,  # float32 inner products
    CIRCUIT_COSINE.id: 1e-4,  # float16 entries, about .01 each, with errors that average out
    SPECTRAL_DISTANCE.id: 1e-5,  # float32 weights after the change
    STREAM_ROTATION.id: 1e-4,  # float32 inner products, square roots of small eigenvalues
}


@cache
def shipped(name):
    return verify.fingerprint(model(name))


@cache
def weights(name):
    return load_file(model(name) / "model.safetensors")


# ---- invariances, and no others


def permuted_only(w, rng):
    """Hidden units permuted; signs left alone."""
    new = dict(w)
    for i in range(CONFIG.layers):
        gate, up, down = (f"model.layers.{i}.mlp.{role}_proj.weight" for role in ("gate", "up", "down"))
        order = rng.permutation(CONFIG.hidden)
        new |= {gate: w[gate][order], up: w[up][order], down: w[down][:, order]}
    return new


def scaled(factors):
    """Multiply rows of up and divide columns of down; ``factors`` draws one per unit."""

    def change(w, rng):
        new = dict(w)
        for i in range(CONFIG.layers):
            up, down = (f"model.layers.{i}.mlp.{role}_proj.weight" for role in ("up", "down"))
            c = factors(rng, CONFIG.hidden).astype(np.float32)
            new |= {up: w[up] * c[:, None], down: w[down] / c}
        return new

    return change


def reordered(w, rng):
    """Blocks in another order, none of the last two where it was."""
    order = np.array([2, 3, 0, 1])
    for half in (slice(0, 2), slice(2, 4)):
        order[half] = rng.permutation(order[half])
    new = {name: x for name, x in w.items() if ".layers." not in name}
    for to, old in enumerate(order):
        at = f"model.layers.{old}."
        new |= {f"model.layers.{to}.{name[len(at) :]}": x for name, x in w.items() if name.startswith(at)}
    return new


CHANGES = {
    "unit_permutation": permuted_only,
    "unit_signs": scaled(lambda rng, n: rng.choice([-1.0, 1.0], n)),
    "unit_scaling": scaled(lambda rng, n: np.exp(rng.normal(0, 1, n))),
    "head_permutation": lambda w, rng: permute_heads(w, CONFIG, rng),
    "channel_permutation": lambda w, rng: permute_channels(w, CONFIG, rng),
    "stream_rotation": lambda w, rng: rotate_stream(w, CONFIG, rng),
    "layer_order": reordered,
}


def changed(folder, tensors):
    """The fingerprint of the reference with other tensors, written as a checkpoint and read again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in ("config.json", "tokenizer.json"):
        shutil.copy(model("reference") / file, folder)
    save_file(
        {name: np.ascontiguousarray(x, dtype=np.float32) for name, x in tensors.items()}, folder / "m.safetensors"
    )
    return verify.fingerprint(folder)


def test_every_invariance_has_a_change_that_tests_it():
    assert CHANGES.keys() == INVARIANCES


@pytest.mark.parametrize("invariance", sorted(CHANGES))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=seeds, other=st.sampled_from(["stranger-1", "reference", "fine-tuned"]))
def test_a_declared_invariance_leaves_the_score(invariance, tmp_path, seed, other):
    """For every statistic that declares it, whether the other model is a stranger or a relative."""
    after = changed(tmp_path / "m", CHANGES[invariance](weights("reference"), np.random.default_rng(seed)))
    for statistic in PANEL_STATISTICS:
        if invariance in statistic.invariances:
            before = statistic(shipped("reference"), shipped(other))
            assert statistic(after, shipped(other)) == pytest.approx(before, abs=TOLERANCE[statistic.id]), (
                statistic.id
            )


@pytest.mark.parametrize(
    ("statistic", "invariance"),
    [(s, i) for s in PANEL_STATISTICS for i in sorted(INVARIANCES - s.invariances)],
    ids=lambda x: getattr(x, "id", x),
)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=seeds)
def test_a_change_not_declared_moves_the_score(statistic, invariance, tmp_path, seed):
    """Declarations are tight."""
    after = changed(tmp_path / "m", CHANGES[invariance](weights("reference"), np.random.default_rng(seed)))
    other = shipped("continued-3x" if statistic is PRIMARY else "fine-tuned")  # whose layers are not all alike
    least = 0 if statistic is PRIMARY else TOLERANCE[statistic.id] * 10  # the primary is a median of shares
    assert abs(statistic(after, other) - statistic(shipped("reference"), other)) > least


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=seeds)
def test_the_primary_survives_everything_at_once(tmp_path, seed):
    rng, w = np.random.default_rng(seed), weights("reference")
    for name in sorted(CHANGES):
        w = CHANGES[name](w, rng)
    w = permute_units(w, CONFIG, rng)
    assert set(CHANGES) == PRIMARY.invariances | {"layer_order"}  # of which a copy keeps its score
    assert PRIMARY(changed(tmp_path / "m", w), shipped("reference")) > 0.99


# ---- what a score is


PAIRS = list(itertools.combinations([*STRANGERS, "fine-tuned", "obfuscated", "moe-fine", "depth-pruned-healed"], 2))


@pytest.mark.parametrize("statistic", PANEL_STATISTICS, ids=lambda s: s.id)
def test_scores_are_symmetric_to_the_last_bit_and_largest_for_a_model_with_itself(statistic):
    for a, b in PAIRS:
        a, b = shipped(a), shipped(b)
        if statistic.refusal(a, b) is None:
            assert statistic(a, b) == statistic(b, a)
            assert statistic(a, b) <= min(statistic(a, a), statistic(b, b)) + 1e-12


@pytest.mark.parametrize("statistic", PANEL_STATISTICS, ids=lambda s: s.id)
def test_a_score_is_a_python_float_and_the_statistic_explains_itself(statistic):
    assert type(statistic(shipped("reference"), shipped("stranger-1"))) is float
    assert statistic.invariances <= INVARIANCES
    for text in (statistic.title, statistic.source, statistic.measures, statistic.cost):
        assert text.strip() == text != ""
    assert "O(" in statistic.cost


def test_the_primary_comes_first_and_ids_differ():
    assert PANEL_STATISTICS[0] is PRIMARY is RESPONSE_MATCH
    assert len({s.id for s in PANEL_STATISTICS}) == len(PANEL_STATISTICS)


def test_an_unknown_invariance_cannot_be_declared():
    with pytest.raises(ValueError, match="gauge"):
        dataclasses.replace(RESPONSE_MATCH, invariances=frozenset({"gauge"}))


# ---- order: children above strangers, or not


@pytest.mark.parametrize("child", ["obfuscated", "moe-fine", "continued-3x", "fine-tuned", "depth-pruned-healed"])
def test_the_primary_puts_children_above_all_strangers(child):
    highest = max(RESPONSE_MATCH(shipped(a), shipped(b)) for a, b in itertools.combinations(STRANGERS, 2))
    assert RESPONSE_MATCH(shipped(child), shipped("reference")) > 3 * highest


def test_the_disputed_statistic_puts_strangers_above_a_child():
    """Two models that share nothing score more than a fine-tuned copy whose stream was rotated."""
    strangers = SPREAD_CORRELATION(shipped("stranger-1"), shipped("stranger-2"))
    assert strangers > SPREAD_CORRELATION(shipped("obfuscated"), shipped("reference"))


def test_an_ungated_child_is_above_an_ungated_stranger():
    reference = shipped("gpt2-reference")
    child, stranger = (RESPONSE_MATCH(shipped(f"gpt2-{x}"), reference) for x in ("fine-tuned", "stranger"))
    assert child > 3 * stranger


# ---- refusals and failures


def without(fingerprint, prefix):
    kept = {name: x for name, x in fingerprint.arrays.items() if not name.startswith(prefix)}
    return Fingerprint(fingerprint.record, kept)


@pytest.mark.parametrize(
    ("statistic", "prefix", "code"),
    [
        (RESPONSE_MATCH, "match.", "no_match_arrays"),
        (SPREAD_CORRELATION, "spread.o", "no_array"),
        (EMBEDDING_GEOMETRY, "gram.", "no_array"),
        (CIRCUIT_COSINE, "circuit.", "no_common_circuit"),
        (SPECTRAL_DISTANCE, "spectrum.", "no_spectra"),
        (STREAM_ROTATION, "gram.", "no_array"),
    ],
    ids=lambda x: getattr(x, "id", None),
)
def test_a_missing_component_is_refused_with_a_reason(statistic, prefix, code):
    whole = shipped("reference")
    part = without(whole, prefix)
    for a, b in ((whole, part), (part, whole)):
        assert statistic.refusal(a, b).code == code
        with pytest.raises(StatisticsError, match=f"{statistic.id} does not apply to reference"):
            statistic(a, b)


@pytest.mark.parametrize("statistic", PANEL_STATISTICS, ids=lambda s: s.id)
def test_too_few_shared_anchors_are_refused_where_tokens_are_used(statistic):
    few, whole = on_anchors(shipped("reference"), shipped("reference").record.anchors[:31]), shipped("stranger-1")
    if statistic in (SPREAD_CORRELATION, SPECTRAL_DISTANCE):
        assert statistic.refusal(few, whole) is None
    else:
        assert statistic.refusal(few, whole) == Phrase.of("few_shared_anchors", shared=31, least=32)


def test_gated_and_ungated_models_are_refused_by_the_primary():
    assert RESPONSE_MATCH.refusal(shipped("reference"), shipped("gpt2-reference")) == Phrase.of("gated_differs")
    with pytest.raises(StatisticsError, match="gated"):
        response_grid(shipped("reference"), shipped("gpt2-reference"))


def test_two_layers_have_no_correlation():
    reason = SPREAD_CORRELATION.refusal(shipped("depth-pruned-healed"), shipped("reference"))
    assert reason == Phrase.of("few_layers", model="A", layers=2, least=3)


def test_a_layer_without_a_role_has_no_spread():
    reference = shipped("reference")
    table = reference.arrays["spread.v"].copy()
    table[2, 1] = np.nan
    holed = Fingerprint(reference.record, reference.arrays | {"spread.v": table})
    assert SPREAD_CORRELATION.refusal(holed, reference) == Phrase.of("no_finite_spread", model="A", role="v")


@pytest.mark.parametrize(
    ("statistic", "dead"),
    [
        (EMBEDDING_GEOMETRY, "gram.embed"),
        (CIRCUIT_COSINE, "circuit.3.qk"),
        (SPECTRAL_DISTANCE, "spectrum.1.vo"),
        (STREAM_ROTATION, "gram.embed"),
        (RESPONSE_MATCH, "match."),
    ],
    ids=lambda x: getattr(x, "id", x),
)
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_score_that_is_not_a_finite_number_raises(statistic, dead, value):
    """It is never "not extreme": not even where only one layer of several is dead."""
    reference = shipped("reference")
    arrays = {name: np.full_like(x, value) if name.startswith(dead) else x for name, x in reference.arrays.items()}
    broken = Fingerprint(reference.record, arrays)
    for a, b in ((broken, shipped("stranger-1")), (shipped("stranger-1"), broken)):
        with pytest.raises(StatisticsError, match=r"not a finite number|responds to any token"):
            statistic(a, b)


def test_a_statistic_cannot_hide_a_score_that_is_not_finite():
    broken = Similarity(**{f.name: getattr(PRIMARY, f.name) for f in dataclasses.fields(PRIMARY)})
    object.__setattr__(broken, "score", lambda a, b: float("inf"))  # noqa: ARG005
    with pytest.raises(StatisticsError, match="is inf"):
        broken(shipped("reference"), shipped("stranger-1"))


def test_fingerprints_of_different_sketches_are_refused():
    other = verify.fingerprint(model("stranger-1"), sketch=SketchSpec(match_units=32))
    with pytest.raises(StatisticsError, match="different sketches"):
        RESPONSE_MATCH(shipped("reference"), other)


# ---- one token list


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=seeds)
def test_cutting_the_anchors_gives_the_fingerprint_of_a_smaller_vocabulary(tmp_path, seed):
    """A tokenizer without some of the tokens, and a cut to those it knows, agree on every kind of array."""
    rng, reference = np.random.default_rng(seed), shipped("reference")
    kept = np.sort(rng.choice(reference.record.anchors, 60, replace=False))
    direct = _with_only(tmp_path / "m", kept)
    cut = on_anchors(reference, rng.permutation(kept))
    assert cut.record.anchors == direct.record.anchors == tuple(kept)
    cut_kinds = {"gram", "circuit", "stream", "response"}
    for name, array in direct.arrays.items():
        if name.split(".")[0] in cut_kinds:
            assert cut.arrays[name].dtype == array.dtype
            np.testing.assert_allclose(cut.arrays[name], array, atol=2e-3, err_msg=name)


def _with_only(folder, kept):
    """The reference read with a tokenizer that lacks the other anchors' tokens."""
    folder.mkdir(exist_ok=True)
    for file in model("reference").iterdir():
        shutil.copy(file, folder)
    checkpoint = verify.open_checkpoint(folder)
    _, known = anchors_of(checkpoint.vocabulary(), checkpoint.architecture.vocab, len(ANCHORS))
    lost = {token for position, token in known if position not in set(kept.tolist())}
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {text: token for text, token in vocabulary.items() if token not in lost}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return verify.fingerprint(folder)


def test_matched_vectors_are_centred_and_scaled_again_when_cut():
    cut = on_anchors(shipped("reference"), shipped("reference").record.anchors[::2])
    rows = cut.arrays["match.1.mlp.up"].astype(np.float64)
    np.testing.assert_allclose(rows.mean(-1), 0, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(cut.arrays["circuit.3.qk"].astype(np.float64)), 1, atol=1e-3)
    assert np.trace(cut.arrays["gram.embed"]) == pytest.approx(1, abs=1e-6)


def test_a_token_list_that_a_model_does_not_know_is_refused():
    with pytest.raises(StatisticsError, match="does not know the anchor tokens at \\[9999\\]"):
        on_anchors(shipped("reference"), [*shipped("reference").record.anchors, 9999])


def test_one_list_for_two_models_is_what_they_share():
    known = shipped("reference").record.anchors
    a, b = on_anchors(shipped("reference"), known[:80]), on_anchors(shipped("stranger-1"), known[20:])
    for cut in on_shared_anchors(a, b):
        assert cut.record.anchors == known[20:80]
    for statistic in PANEL_STATISTICS:
        one_list = [on_anchors(x, known[20:80]) for x in (a, b)]
        assert statistic(a, b) == pytest.approx(statistic(*one_list), abs=TOLERANCE[statistic.id])


# ---- known values: response match


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
@given(seed=seeds, layers=st.tuples(st.integers(1, 3), st.integers(1, 3)), gated=st.booleans())
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


# ---- known values: the others


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
@given(seed=seeds, widths=st.tuples(st.integers(2, 60), st.integers(2, 60)))
def test_embedding_geometry_is_unbiased_cka(seed, widths):
    models, _ = embedded(np.random.default_rng(seed), widths)
    k, el = (x.arrays["gram.embed"].astype(float) for x in models)
    expected = naive_hsic(k, el) / np.sqrt(naive_hsic(k, k) * naive_hsic(el, el))
    assert EMBEDDING_GEOMETRY(*models) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, widths=st.tuples(st.integers(2, 60), st.integers(2, 60)))
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
@given(seed=seeds, size=st.tuples(st.integers(1, 4), st.integers(1, 4)), ties=st.booleans())
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
