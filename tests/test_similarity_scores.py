"""What a score of a similarity is: symmetric, finite, on one token list, or refused with a reason."""

import dataclasses
import itertools
import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import verify
from tests.models import config, weights, write
from tests.similarities import TOLERANCE, shipped
from tests.strategies import SEEDS
from verify import Fingerprint, SketchSpec
from verify.base import Phrase, StatisticsError
from verify.data import model
from verify.fingerprint.anchors import ANCHORS, anchors_of
from verify.statistics import (
    ASSIGNED_GEOMETRY,
    CIRCUIT_COSINE,
    EMBEDDING_GEOMETRY,
    PANEL_STATISTICS,
    PRIMARY,
    RESPONSE_MATCH,
    SPECTRAL_DISTANCE,
    SPREAD_CORRELATION,
    STREAM_ROTATION,
    Similarity,
    on_anchors,
    response_grid,
)
from verify.statistics.applicability import on_shared_anchors
from verify.statistics.similarity import INVARIANCES

STRANGERS = ["reference", "stranger-1", "stranger-2"]

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


@pytest.mark.parametrize("child", ["moe-fine", "continued-3x", "fine-tuned", "depth-pruned-healed", "same-seed"])
def test_assigned_dimensions_put_children_above_all_strangers(child):
    """And models of one initialisation, and two trios; but no copy whose stream was rotated."""
    highest = max(ASSIGNED_GEOMETRY(shipped(a), shipped(b)) for a, b in itertools.combinations(STRANGERS, 2))
    reference, rotated = shipped("reference"), shipped("obfuscated")
    assert ASSIGNED_GEOMETRY(shipped(child), reference) > 3 * highest
    assert ASSIGNED_GEOMETRY(shipped(child), reference) > 3 * ASSIGNED_GEOMETRY(rotated, reference)
    a, b, c = (shipped(f"gpt2-{name}") for name in ("reference", "fine-tuned", "stranger"))
    assert ASSIGNED_GEOMETRY(a, b) > 3 * ASSIGNED_GEOMETRY(a, c)


def test_a_copied_embedding_alone_is_no_geometry_of_queries_and_keys(tmp_path):
    """Though all columns are seen through it: of a stream wider than the tokens, they lie on what these span."""
    c = config(width=256, vocab=256)
    first, second = (weights(seed, c) for seed in (1, 2))
    copied = second | {"model.embed_tokens.weight": first["model.embed_tokens.weight"]}
    a, b = (verify.fingerprint(write(tmp_path / str(n), w, c)) for n, w in enumerate((first, copied)))
    assert EMBEDDING_GEOMETRY(a, b) == pytest.approx(1, abs=1e-6)
    assert abs(ASSIGNED_GEOMETRY(a, b)) < 0.05


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
        (ASSIGNED_GEOMETRY, "stream.", "no_array"),
        (ASSIGNED_GEOMETRY, "gram.", "no_array"),
        (ASSIGNED_GEOMETRY, "key_responses.", "no_array"),
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
        (ASSIGNED_GEOMETRY, "gram.embed"),
        (ASSIGNED_GEOMETRY, "stream.embed"),
        (ASSIGNED_GEOMETRY, "key_responses.1.turned.q"),
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
@given(seed=SEEDS)
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
