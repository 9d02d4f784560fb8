"""A fingerprint is the same for the same weights, follows their symmetries, and trusts no file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors.numpy import load, save
from scipy.stats import kurtosis

from benchmarks.zoo.derive import permute_units, rotate_stream
from tests.checkpoints import FAMILY_NAMES, toy, write_checkpoint
from tests.models import VOCABULARY, config, weights, write
from verify import Fingerprint, FingerprintError, InputError, SketchSpec, fingerprint, screen, test_lineage
from verify.base import Cache
from verify.checkpoint import Vocabulary
from verify.fingerprint import ANCHORS, EFFORTS, Effort, chosen_indices, is_fingerprint, projection, unit_rows
from verify.fingerprint.anchors import LEAST_ANCHORS, anchors_of
from verify.fingerprint.file import LARGEST_FILE
from verify.fingerprint.moments import Moments

HEADER = "verify.fingerprint"
SMALL = SketchSpec(units=8, channels=4, projections=4, anchors=40, stream=8, match_units=4, spectrum=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Llama with a tokenizer."""
    return write(tmp_path_factory.mktemp("models") / "llama", weights(0, config()), config())


@pytest.fixture(scope="module")
def sound(folder: Path) -> bytes:
    """The bytes of a fingerprint file of it, under a small sketch."""
    path = folder.parent / "sound.safetensors"
    fingerprint(folder, sketch=SMALL).save(path)
    return path.read_bytes()


def parts(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Record and arrays of a fingerprint file."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"][HEADER]), load(content)


def refused(path: Path, content: bytes) -> str:
    """The one sentence with which a fingerprint file is refused."""
    path.write_bytes(content)
    with pytest.raises(FingerprintError) as caught:
        Fingerprint.load(path)
    return one_sentence(caught.value)


def one_sentence(error: Exception) -> str:
    message = str(error)
    assert message.isprintable()
    assert len(message) < 600
    assert "/tmp" not in message
    return message


# ---- files


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_fingerprint_comes_back_bit_for_bit(tmp_path: Path, family: str) -> None:
    """Of every family: record, dtypes, shapes and bits survive a file, and saving again gives the same bytes."""
    original = fingerprint(write_checkpoint(tmp_path / "model", toy(family)))
    original.save(tmp_path / "a.safetensors")
    read = Fingerprint.load(tmp_path / "a.safetensors")
    read.save(tmp_path / "b.safetensors")
    assert read.record == original.record
    assert read.arrays.keys() == original.arrays.keys()
    for name, array in original.arrays.items():
        assert (read.arrays[name].dtype, read.arrays[name].shape) == (array.dtype, array.shape)
        assert read.arrays[name].tobytes() == array.tobytes()
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_arrays_are_read_only(folder: Path, sound: bytes) -> None:
    """A frozen record holds no array that could be changed, computed or loaded."""
    path = folder.parent / "readonly.safetensors"
    path.write_bytes(sound)
    for model in (fingerprint(folder, sketch=SMALL), Fingerprint.load(path)):
        for array in model.arrays.values():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_a_fingerprint_is_told_from_weights_by_its_header(tmp_path: Path, folder: Path, sound: bytes) -> None:
    """Whatever the file is called; anything else is not a fingerprint, and saying so raises nothing."""
    named = tmp_path / "whatever.fp"
    named.write_bytes(sound)
    assert is_fingerprint(named)
    assert fingerprint(named).record.name == "llama"
    for other in (folder, folder / "model.safetensors", folder / "config.json", tmp_path / "no", Path("x" * 5000)):
        assert not is_fingerprint(other)


def test_a_load_of_weights_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    """Weights, or nothing, in place of a fingerprint."""
    with pytest.raises(FingerprintError, match="verify fingerprint"):
        Fingerprint.load(folder / "model.safetensors")
    with pytest.raises(FingerprintError, match="No such file"):
        Fingerprint.load(tmp_path / "absent.safetensors")


# ---- the same weights


def test_the_same_weights_in_other_files_have_the_same_fingerprint(tmp_path: Path, folder: Path) -> None:
    """Sharding changes the identities of files, and nothing else."""
    one = fingerprint(folder)
    sharded = fingerprint(write(tmp_path / "sharded", weights(0, config()), config(), shards=3))
    assert sharded.record.files != one.record.files
    assert sharded.record.content_sha256 == one.record.content_sha256
    assert sharded.arrays.keys() == one.arrays.keys()
    for name, array in one.arrays.items():
        assert sharded.arrays[name].tobytes() == array.tobytes()


def test_other_weights_have_another_digest(tmp_path: Path, folder: Path) -> None:
    """One entry in one tensor is enough, wherever it lies."""
    digests = {fingerprint(folder).record.content_sha256}
    for name in weights(0, config()):
        changed = weights(0, config())
        changed[name] = changed[name].copy()
        changed[name].flat[-1] += 1
        digests.add(fingerprint(write(tmp_path, changed, config())).record.content_sha256)
    assert len(digests) == 1 + len(weights(0, config()))


def test_a_model_without_a_tokenizer_is_no_error(tmp_path: Path) -> None:
    """Its rows of tokens are known by number."""
    model = fingerprint(write(tmp_path, weights(0, config()), config(), tokens=False))
    assert (model.record.pairing, len(model.record.anchors)) == ("rows", 96)
    assert model.arrays["response.0.mlp"].shape == (1, 40, 96)


# ---- symmetries


def test_permuted_units_permute_the_rows(tmp_path: Path) -> None:
    """Relabelling hidden units relabels units and responses (a flipped unit keeps its gate's); nothing else moves."""
    c, w = config(hidden=30), weights(1, config(hidden=30))
    permuted = permute_units(w, c, np.random.default_rng(5))
    before, after = (fingerprint(write(tmp_path / n, x, c)) for n, x in (("before", w), ("after", permuted)))
    for layer in range(c.layers):
        gate = f"model.layers.{layer}.mlp.gate_proj.weight"
        order = [int(np.flatnonzero((w[gate] == row).all(1))[0]) for row in permuted[gate]]
        assert order != list(range(c.hidden))
        for kind in (f"units.{layer}.mlp.gate", f"response.{layer}.mlp"):
            np.testing.assert_array_equal(after.arrays[kind][0], before.arrays[kind][0][order])
        up, down = (
            after.arrays[f"units.{layer}.mlp.{role}"][0] / before.arrays[f"units.{layer}.mlp.{role}"][0][order]
            for role in ("up", "down")
        )
        assert (up == down[:, :1]).all()
        assert set(np.unique(up)) == {-1, 1}
    for name in before.arrays:
        if name.startswith(("values.", "stream.", "gram.", "response.0.values")):
            np.testing.assert_array_equal(after.arrays[name], before.arrays[name])


def test_only_kept_units_are_followed(tmp_path: Path) -> None:
    """Where units are more than the sketch keeps, permuting the kept among themselves permutes the rows."""
    c, w = config(), weights(2, config())
    kept = chosen_indices("units", c.hidden, SMALL.units)
    order = np.arange(c.hidden)
    order[kept] = kept[::-1]
    permuted = dict(w)
    for i in range(c.layers):
        gate, up, down = (f"model.layers.{i}.mlp.{role}_proj.weight" for role in ("gate", "up", "down"))
        permuted |= {gate: w[gate][order], up: w[up][order], down: w[down][:, order]}
    before, after = (
        fingerprint(write(tmp_path / n, x, c), sketch=SMALL) for n, x in (("before", w), ("after", permuted))
    )
    for name in ("units.0.mlp.gate", "units.0.mlp.up", "units.1.mlp.down", "response.1.mlp"):
        assert before.arrays[name].shape[1] == SMALL.units
        np.testing.assert_array_equal(after.arrays[name][0], before.arrays[name][0][::-1])


def test_a_rotated_stream_leaves_responses(tmp_path: Path) -> None:
    """With norms folded in, what units answer to tokens does not depend on the basis; their weights do."""
    c, w = config(), weights(3, config())
    rotated = rotate_stream(w, c, np.random.default_rng(7))
    before, after = (fingerprint(write(tmp_path / n, x, c)) for n, x in (("before", w), ("after", rotated)))
    for name, array in before.arrays.items():
        difference = np.abs(after.arrays[name].astype(float) - array.astype(float)).max()
        if name.startswith("response."):
            assert array.shape[-1] == 95
            assert difference < 2e-3
        elif name.startswith(("units.", "values.", "stream.")):
            assert difference > 0.1


def test_precision_changes_little(tmp_path: Path, folder: Path) -> None:
    """BF16 weights have another digest, and nearly the same sketch."""
    exact, rounded = fingerprint(folder), fingerprint(write(tmp_path, weights(0, config()), config(), dtype="BF16"))
    assert exact.record.content_sha256 != rounded.record.content_sha256
    for name, array in exact.arrays.items():
        if name.startswith(("units.", "values.", "response.")):
            assert (array * rounded.arrays[name]).sum(-1, dtype=float).min() > 0.999


# ---- what is dead or not finite


def test_rows_without_direction_are_counted_and_stop_nothing(tmp_path: Path) -> None:
    """Zero, NaN and infinite rows become zero rows, with their number in the record, and no warning."""
    c, w = config(), weights(4, config())
    kept = [int(i) for i in chosen_indices("units", c.hidden, 64)[:3]]
    for row, value in zip(kept, (0.0, np.nan, np.inf), strict=True):
        w["model.layers.1.mlp.gate_proj.weight"][row] = value
    w["model.layers.0.self_attn.v_proj.weight"][2, 5] = np.nan
    model = fingerprint(write(tmp_path, w, c))
    assert {(d.component, d.layer): d.rows for d in model.record.dead} == {("units", 1): 3, ("values", 0): 1}
    assert model.record.non_finite == 2 * c.width + 1
    assert not model.arrays["units.1.mlp.gate"][0, kept].any()
    assert not model.arrays["response.1.mlp"][0, kept].any()
    assert all(np.isfinite(x).all() for name, x in model.arrays.items() if not name.startswith("spread."))
    model.save(tmp_path / "fp.safetensors")
    assert Fingerprint.load(tmp_path / "fp.safetensors").record == model.record


def test_a_model_of_nothing_but_nan_has_a_fingerprint(tmp_path: Path) -> None:
    """And it loads: moments may be NaN."""
    w = {name: np.full_like(x, np.nan) for name, x in weights(0, config()).items()}
    model = fingerprint(write(tmp_path, w, config()))
    assert np.isnan(model.arrays["spread.q"]).all()
    model.save(tmp_path / "fp.safetensors")
    assert np.isnan(Fingerprint.load(tmp_path / "fp.safetensors").arrays["spread.q"]).all()


@given(npst.arrays(np.float32, npst.array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.floats(width=32)))
@settings(deadline=None)
def test_rows_have_length_one_or_zero(x: np.ndarray) -> None:
    """Whatever the numbers: huge, tiny, zero or none at all."""
    rows = unit_rows(x).astype(np.float64)
    length = np.sqrt((rows**2).sum(-1))
    alive = np.isfinite(x).all(-1) & x.any(-1)
    assert np.abs(length[alive] - 1).max(initial=0) < 2e-3
    assert not rows[~alive].any()


# ---- moments


def blocks_of(x: np.ndarray, size: int) -> Moments:
    moments = Moments()
    for start in range(0, len(x), size):
        moments.add(x[start : start + size])
    return moments


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([], (np.nan, np.nan, np.nan, np.nan)),
        ([np.nan, np.inf], (np.nan, np.nan, np.nan, np.nan)),
        ([-2.5], (-2.5, np.nan, 2.5, np.nan)),
        ([3.0, 3.0, 3.0], (3.0, 0.0, 3.0, np.nan)),
        ([1.0, np.nan, 3.0, -np.inf], (2.0, np.sqrt(2), np.sqrt(5), 1.0)),
        ([0.0, 0.0], (0.0, 0.0, 0.0, np.nan)),
    ],
)
def test_moments_of_awkward_data(x: list[float], expected: tuple[float, ...]) -> None:
    """What is undefined is NaN, not a number that looks like one."""
    np.testing.assert_allclose(blocks_of(np.array(x), 2).summary(), expected, rtol=1e-12)


def test_moments_with_a_large_mean() -> None:
    """Powers about a distant origin cancel; a shift by the first block does not."""
    x = np.random.default_rng(0).standard_normal(10_000) + 1e6
    mean, sd, rms, fourth = blocks_of(x, 1000).summary()
    np.testing.assert_allclose((mean, sd, rms), (x.mean(), x.std(ddof=1), np.sqrt((x**2).mean())), rtol=1e-9)
    np.testing.assert_allclose(fourth, kurtosis(x, fisher=False), rtol=1e-6)


@given(
    npst.arrays(np.float64, st.integers(2, 60), elements=st.floats(-100, 100)), st.integers(1, 20), st.integers(0, 2)
)
@settings(deadline=None)
def test_moments_agree_with_numpy_in_any_blocks(x: np.ndarray, size: int, bad: int) -> None:
    """However the entries are cut into blocks, and whatever lies among them that is no number."""
    moments = blocks_of(np.concatenate([x, [np.nan, np.inf][:bad]]), size)
    mean, sd, rms, fourth = moments.summary()
    assert moments.non_finite == bad
    np.testing.assert_allclose(mean, x.mean(), atol=1e-9)
    np.testing.assert_allclose(sd, x.std(ddof=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(rms, np.sqrt((x**2).mean()), rtol=1e-9, atol=1e-9)
    if x.std() > 1:
        np.testing.assert_allclose(fourth, kurtosis(x, fisher=False), rtol=1e-5)


# ---- the sketch is frozen


def test_the_sketch_is_frozen() -> None:
    """These values were published in fingerprints; another algorithm is another sketch version."""
    assert chosen_indices("units", 1000, 8).tolist() == UNITS
    assert chosen_indices("channels", 128, 8).tolist() == CHANNELS
    assert chosen_indices("stream", 4096, 4).tolist() == STREAM
    signs = projection(100, 32)
    assert hashlib.sha256((signs > 0).tobytes()).hexdigest() == PROJECTION
    assert hashlib.sha256(repr(ANCHORS).encode()).hexdigest() == ANCHOR_LIST


UNITS = [226, 358, 407, 574, 607, 616, 650, 873]
CHANNELS = [23, 24, 30, 47, 62, 85, 111, 126]
STREAM = [2247, 2427, 3321, 3850]
PROJECTION = "3f917c40efdd380bae5daa494c3cfa50ab3fde064ea46bcde7de59770e116dcd"
ANCHOR_LIST = "fabd72a304574e1723fad92a3f2a95cddd030e0c510494140d9fed7a91dbca5d"


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 300), st.integers(1, 300))
def test_choices_are_nested(size: int, larger: int, count: int, more: int) -> None:
    """A smaller choice is part of a larger one, and the key of an index does not depend on the size."""
    few, many = sorted((count, more))
    chosen = chosen_indices("units", size, few)
    assert len(chosen) == min(size, few)
    assert set(chosen) <= set(chosen_indices("units", size, many))
    bigger = chosen_indices("units", max(size, larger), few)
    assert set(bigger[bigger < size]) <= set(chosen)


def test_choices_and_signs_cannot_be_changed() -> None:
    """They are cached, so a change would last."""
    for array in (chosen_indices("units", 10, 3), projection(8, 4)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert set(np.unique(projection(50, 7))) == {-1, 1}


def test_anchors_are_distinct_and_kept_in_order() -> None:
    """The first that a vocabulary knows."""
    assert len(set(ANCHORS)) == len(ANCHORS)
    ids = {ANCHORS[2 * i + 1]: 90 - i for i in reversed(range(LEAST_ANCHORS + 2))}
    known = [(2 * i + 1, 90 - i) for i in range(LEAST_ANCHORS)]
    assert anchors_of(Vocabulary("vocab.json", ids), 100, LEAST_ANCHORS) == ("tokens", known)


# ---- a record and its arrays


@given(st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_under_another_record_are_refused(tmp_path: Path, sound: bytes, data: st.DataObject) -> None:
    """One number of any array is enough, though the arrays obey every rule that their record sets."""
    record, arrays = parts(sound)
    name = data.draw(st.sampled_from([name for name in sorted(arrays) if not name.startswith("spread.")]))
    changed = arrays[name].copy()
    place = data.draw(st.integers(0, changed.size - 1))
    changed.ravel()[place] = np.nextafter(changed.ravel()[place], changed.dtype.type(0.5))
    assert "record is of another fingerprint" in refused(tmp_path / "x", written(record, arrays | {name: changed}))


def test_an_older_fingerprint_loads_unbound_and_keeps_its_bytes(tmp_path: Path, sound: bytes) -> None:
    """Files without a digest of arrays are taken; nothing is added to them when they are written again."""
    record, arrays = parts(sound)
    del record["arrays_sha256"]
    (tmp_path / "old").write_bytes(written(record, arrays))
    old = Fingerprint.load(tmp_path / "old")
    assert old.record.arrays_sha256 == ""
    assert old.at("screen").record.arrays_sha256 == ""
    old.save(tmp_path / "new")
    assert "arrays_sha256" not in parts((tmp_path / "new").read_bytes())[0]
    assert old.sealed().record.arrays_sha256 == parts(sound)[0]["arrays_sha256"]


def test_a_fingerprint_cut_down_is_bound_to_what_is_left(tmp_path: Path, folder: Path) -> None:
    """At a smaller effort or with fewer components, it can be written and read."""
    whole = fingerprint(folder, sketch=SMALL)
    for number, cut in enumerate((whole.at("standard"), whole.at("screen"), whole.only("units", "gram"))):
        cut.save(tmp_path / f"{number}")
        assert Fingerprint.load(tmp_path / f"{number}").record == cut.record
        assert cut.record == cut.sealed().record != whole.record


def test_only_what_was_made_here_was_read_from_weights(tmp_path: Path, folder: Path) -> None:
    """A file is as somebody states it, and so is a record put beside arrays; our own cache is as it was made."""
    made = fingerprint(folder, sketch=SMALL)
    made.save(tmp_path / "f")
    cache = Cache(tmp_path / "cache")
    kept = [fingerprint(folder, sketch=SMALL, cache=cache) for _ in range(2)]
    assert {x.read_from for x in (made, made.at("screen"), made.only("gram"), *kept)} == {"weights"}
    assert {x.read_from for x in (fingerprint(tmp_path / "f"), Fingerprint(made.record, made.arrays))} == {
        "fingerprint"
    }


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("component", ["units", "values", "stream", "response"])
def test_the_same_weights_stated_over_other_numbers_are_refused(
    tmp_path: Path, folder: Path, effort: Effort, component: str
) -> None:
    """By digest of weights at full effort and of files below it; in a screen, what they hold is tested instead."""
    one = fingerprint(folder).at(effort)
    other = fingerprint(write(tmp_path / "other", weights(5, config()), config())).at(effort)
    theirs = {name: x for name, x in other.arrays.items() if name.startswith(component)}
    forged = Fingerprint(one.record.model_copy(update={"name": "forged"}), one.arrays | theirs).sealed()
    with pytest.raises(FingerprintError, match=f"'forged' and 'llama' state the same .*of '{component}'"):
        test_lineage(forged, one)
    assert [row.verdict for row in screen([forged, one]).pairs] == ["dependent"]


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize(
    ("tokens", "changes"),
    [
        ({token: (row + 1) % 128 for token, row in VOCABULARY.items()}, {}),
        ({token: row for token, row in VOCABULARY.items() if row < 100}, {}),
        (VOCABULARY, {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 3}),
    ],
    ids=["another order", "fewer tokens", "other heads"],
)
def test_a_copy_beside_another_tokenizer_or_configuration_is_a_copy(
    tmp_path: Path, folder: Path, effort: Effort, tokens: dict[str, int], changes: dict[str, int]
) -> None:
    """Numbers on tokens and heads are others then, and both fingerprints are of what they state."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "vocab.json").write_text(json.dumps(tokens))
    (copy / "config.json").write_text(json.dumps(json.loads((copy / "config.json").read_text()) | changes))
    if not changes or effort == "full":
        assert test_lineage(folder, copy, effort=effort).verdict == "identical"
    else:
        assert test_lineage(folder, copy, effort=effort).verdict == "dependent"
    if len(tokens) < len(VOCABULARY):
        one, other = (fingerprint(fingerprint_file) for fingerprint_file in _saved(tmp_path, folder, copy))
        assert test_lineage(one, other).verdict == "identical"


def _saved(place: Path, *models: Path) -> list[Path]:
    for number, model in enumerate(models):
        fingerprint(model).save(place / f"{number}.print")
    return [place / f"{number}.print" for number in range(len(models))]


def test_rounding_of_another_processor_is_not_a_contradiction(folder: Path) -> None:
    """One step of the last bit of every number, either way, of the same weights."""
    one, rng = fingerprint(folder), np.random.default_rng(0)
    nudged = {
        name: np.where(rng.random(x.shape) < 0.5, x, np.nextafter(x, x.dtype.type(2))).astype(x.dtype)
        for name, x in one.arrays.items()
    }
    other = Fingerprint(one.record.model_copy(update={"name": "there"}), nudged)
    assert test_lineage(one, other).verdict == "identical"


# ---- two sketches


@pytest.mark.parametrize("change", [{"version": 3}, {"units": 7}, {"anchors": 39}])
def test_two_sketches_refuse_to_compare(folder: Path, change: dict[str, int]) -> None:
    """Arrays of one specification mean nothing beside those of another."""
    model = fingerprint(folder, sketch=SMALL)
    other = model.record.model_copy(update={"sketch": SMALL.model_copy(update=change)})
    with pytest.raises(FingerprintError, match="different sketches"):
        test_lineage(model, Fingerprint(other, model.arrays))


# ---- hostile files


def changed(record: dict[str, Any], where: str, value: Any) -> dict[str, Any]:
    """The record with one entry replaced; ``where`` is dotted."""
    record = json.loads(json.dumps(record))
    *path, last = where.split(".")
    inner: Any = record
    for key in path:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    inner[last] = value
    return record


def written(record: Any, arrays: dict[str, np.ndarray]) -> bytes:
    return save(arrays, metadata={HEADER: record if isinstance(record, str) else json.dumps(record)})


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        ("architecture.layers", 10**9, "architecture.layers as 1000000000; expected 1 to 512"),
        ("architecture.layers", 0, "architecture.layers"),
        ("architecture.layers", 3, "MLP arrays of layer 2"),
        ("architecture.layers", 1, "'circuit.1.ffn'"),
        ("architecture.kv_heads", 1, "float16"),
        ("architecture.kv_heads", 10**7, "architecture.kv_heads"),
        ("architecture.hidden", 10**12, "architecture.hidden"),
        ("architecture.hidden", 3, "(1, 3, 4"),
        ("architecture.width", 4, "stream.embed"),
        ("architecture.width", -1, "architecture.width"),
        ("architecture.experts", 5, "architecture.expert_hidden"),
        ("architecture.vocab", 2**60, "architecture.vocab"),
        ("architecture.gated", False, "gate"),
        ("architecture.tied_embeddings", True, "'stream.unembed'"),
        ("architecture.norm", "batch", "architecture.norm"),
        ("architecture.family", "a\nb", "family"),
        ("sketch.version", 3, "sketch.version as 3; expected 2"),
        ("sketch.units", 9, "(1, 9, 4"),
        ("sketch.units", 0, "sketch.units"),
        ("sketch.units", 10**15, "sketch.units"),
        ("sketch.channels", 3, "(2, 3, 4"),
        ("sketch.projections", 5, "(1, 8, 5"),
        ("sketch.anchors", 39, "number of anchors as 40"),
        ("anchors", [0], "(1, 1)"),
        ("anchors", [*range(38), 40, 39], "anchors"),
        ("anchors", [*range(39), 38], "anchors"),
        ("anchors", [*range(39), len(ANCHORS)], "anchors"),
        ("anchors", [-1, *range(39)], "anchors"),
        ("anchors", "abc", "anchors"),
        ("name", "/home/someone/model", "name"),
        ("name", "\u202egpj", "printable"),
        ("name", "x" * 256, "name"),
        ("files", [], "files"),
        ("files.0.size", -5, "size"),
        ("files.0.name", "a\x1b[31m", "printable"),
        ("bytes_read", 2**53, "bytes_read"),
        ("non_finite", -1, "non_finite"),
        ("unrecognised", ["\u202e"], "unrecognised"),
        ("software", {"a\nb": "1"}, "software"),
        ("dead", [{"component": "units", "layer": 2, "rows": 1}], "units of layer 2"),
        ("dead", [{"component": "x", "layer": 0, "rows": 1}], "x of layer 0"),
        ("content_sha256", "0", "content_sha256"),
        ("schema_version", 2, "schema_version"),
        ("surprise\n", 1, "surprise"),
    ],
)
def test_a_record_that_lies(tmp_path: Path, sound: bytes, where: str, value: Any, says: str) -> None:
    """Each number, text and list of the record is checked before anything is sized by it."""
    record, arrays = parts(sound)
    assert says in refused(tmp_path / "x.safetensors", written(changed(record, where, value), arrays))


def test_sound_parts_are_accepted(tmp_path: Path, sound: bytes) -> None:
    """The checks above refuse the changes, not the rest."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(written(*parts(sound)))
    assert Fingerprint.load(path).record.name == "llama"


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("units.0.mlp.gate", None, "lacks the array 'units.0.mlp.gate'"),
        ("values.1.o", None, "lacks the array 'values.1.o'"),
        ("gram.embed", None, "lacks the array 'gram.embed'"),
        ("units.2.mlp.gate", np.zeros((1, 8, 4), np.float16), "'units.2.mlp.gate'"),
        ("units.0.experts.gate", np.zeros((1, 8, 4), np.float16), "'units.0.experts.gate'"),
        ("spread.router", np.zeros((2, 4)), "'spread.router'"),
        ("x\ny", np.zeros(1), r"x\ny"),
        ("units.0.mlp.gate", lambda x: x.astype(np.float32), "float32"),
        ("units.0.mlp.gate", lambda x: x[:, :7], "(1, 7, 4)"),
        ("units.0.mlp.gate", lambda x: x[0], "(8, 4)"),
        ("units.0.mlp.gate", lambda x: x * np.nan, "finite rows"),
        ("response.1.values", lambda x: np.full_like(x, np.inf), "finite rows"),
        ("values.0.v", lambda x: x * np.float16(2), "length 1 or 0"),
        ("stream.embed", lambda x: x * np.float16(0.5), "length 1 or 0"),
        ("circuit.1.qk", lambda x: x * np.float16(2), "length 1 or 0"),
        ("spectrum.0.vo", lambda x: x * 2, "from 0 to 1"),
        ("spectrum.0.vo", lambda x: -x, "from 0 to 1"),
        ("gram.embed", lambda x: x * np.float32(np.nan), "finite numbers"),
        ("spread.q", lambda x: x[:1], "(1, 4)"),
        ("spread.q", lambda x: x.astype(np.float32), "float32"),
    ],
)
def test_arrays_that_are_not_those_of_the_record(
    tmp_path: Path, sound: bytes, name: str, change: Any, says: str
) -> None:
    """Names, dtypes, shapes and lengths."""
    record, arrays = parts(sound)
    value = change(arrays[name]) if callable(change) else change
    rest = {key: array for key, array in arrays.items() if key != name}
    content = written(record, rest if value is None else rest | {name: np.ascontiguousarray(value)})
    assert says in refused(tmp_path / "x.safetensors", content)


@pytest.mark.parametrize("record", ["", "{}", "[]", "nonsense", "[" * 10_000, '{"name": "\\ud800"}', "9" * 5000])
def test_a_record_that_is_none(tmp_path: Path, sound: bytes, record: str) -> None:
    """Whatever text lies where the record should."""
    assert "make it again" in refused(tmp_path / "x.safetensors", written(record, parts(sound)[1]))


def test_spreads_may_be_absent_or_nan(tmp_path: Path, sound: bytes) -> None:
    """They are the one thing that need not be finite."""
    record, arrays = parts(sound)
    del record["arrays_sha256"]  # of other arrays
    arrays["spread.q"] = np.full((2, 4), np.nan)
    del arrays["spread.k"]
    path = tmp_path / "x.safetensors"
    path.write_bytes(written(record, arrays))
    assert "spread.k" not in Fingerprint.load(path).arrays


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    """Only regular files are opened."""
    os.mkfifo(tmp_path / "x.safetensors")
    with pytest.raises(FingerprintError, match="is not a fingerprint"):
        Fingerprint.load(tmp_path / "x.safetensors")


def test_dtypes_that_numpy_lacks_are_refused(tmp_path: Path, sound: bytes) -> None:
    """safetensors knows more dtypes than numpy, and answers with a KeyError."""
    record, arrays = parts(sound)
    content = written(record, arrays | {"extra": np.zeros(4, np.int8)})
    longer = content[8:].replace(b'"I8"', b'"F8_E4M3"')
    length = int.from_bytes(content[:8], "little") + len(longer) - len(content) + 8
    assert "damaged" in refused(tmp_path / "x.safetensors", length.to_bytes(8, "little") + longer)


def test_an_enormous_file_is_not_read(tmp_path: Path, sound: bytes) -> None:
    """A sparse file of a terabyte costs nothing to make."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(sound)
    with path.open("r+b") as file:
        file.truncate(LARGEST_FILE * 1000)
    with pytest.raises(FingerprintError, match="expected at most"):
        Fingerprint.load(path)


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_escapes(tmp_path: Path, sound: bytes, data: st.DataObject) -> None:
    """Bytes flipped, cut or inserted anywhere, mostly in the header: a fingerprint, or one sentence."""
    content = bytearray(sound)
    header = 8 + int.from_bytes(sound[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, header - 1) | st.integers(0, len(sound) - 1)) % len(content)
        kind = data.draw(st.sampled_from(["flip", "digit", "cut", "insert", "end"]))
        if kind == "flip":
            content[at] ^= data.draw(st.integers(1, 255))
        elif kind == "digit":
            digits = [i for i in range(8, min(header, len(content))) if chr(content[i]).isdigit()] or [0]
            content[digits[at % len(digits)]] = data.draw(st.sampled_from(b"0123456789-.e"))
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        elif kind == "cut":
            del content[max(1, at) : at + data.draw(st.integers(2, 6))]
        else:
            del content[max(1, at) :]
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    try:
        fingerprint(path)
    except InputError as error:
        one_sentence(error)


@given(
    st.sampled_from(["architecture.layers", "architecture.hidden", "architecture.kv_heads", "architecture.experts",
                     "architecture.head_size", "sketch.units", "sketch.stream", "anchors", "files", "dead", "name"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
)  # fmt: skip
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_record_escapes(tmp_path: Path, sound: bytes, where: str, value: Any) -> None:
    """Any JSON in place of what matters most gives a fingerprint or one sentence."""
    record, arrays = parts(sound)
    path = tmp_path / "x.safetensors"
    path.write_bytes(written(changed(record, where, value), arrays))
    try:
        Fingerprint.load(path)
    except FingerprintError as error:
        one_sentence(error)
