"""Each effort holds what a smaller one reads, byte for byte; the exact tests say the same at standard and full."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from tests.checkpoints import FAMILY_NAMES, toy, write_checkpoint
from tests.models import child, config, weights, write
from verify import (
    Fingerprint,
    FingerprintError,
    InputError,
    Location,
    SketchSpec,
    fingerprint,
    open_checkpoint,
    replay,
    screen,
    test_lineage,
)
from verify.base import Cache
from verify.checkpoint import drafted_layout
from verify.data import model
from verify.fingerprint import EFFORTS, Effort, chosen_indices

SMALL = SketchSpec(units=40, expert_units=5, channels=6, rows=9, anchors=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Llama with a tokenizer."""
    return write(tmp_path_factory.mktemp("models") / "parent", weights(0, config()), config())


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A child of it."""
    return write(tmp_path_factory.mktemp("models") / "child", child(weights(0, config()), 1), config())


def same_arrays(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether two fingerprints hold the same arrays, to the bit."""
    return a.arrays.keys() == b.arrays.keys() and all(
        a.arrays[name].tobytes() == b.arrays[name].tobytes() and a.arrays[name].dtype == b.arrays[name].dtype
        for name in a.arrays
    )


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("sketch", [SketchSpec(), SMALL], ids=["default", "small"])
def test_a_fingerprint_cut_down_is_that_of_the_smaller_effort(
    tmp_path: Path, family: str, sketch: SketchSpec
) -> None:
    """Whatever was read to make it, every array that two efforts share has the same bytes."""
    path = write_checkpoint(tmp_path, toy(family, seed=3), dtype="BF16")
    made = {effort: fingerprint(path, effort=effort, sketch=sketch) for effort in EFFORTS}
    for small in EFFORTS:
        for large in EFFORTS[EFFORTS.index(small) :]:
            cut = made[large].at(small)
            assert same_arrays(cut, made[small]), (small, large)
            assert cut.record.effort == small
            assert cut.record.sketch == made[small].record.sketch


@pytest.mark.parametrize("name", ["reference", "moe-fine", "gpt2-reference"])
def test_shipped_models_are_the_same_at_every_effort(name: str) -> None:
    """Real weights, of experts and of a layer-norm model too."""
    full = fingerprint(model(name))
    for effort in ("standard", "screen"):
        assert same_arrays(full.at(effort), fingerprint(model(name), effort=effort))


def test_exact_tests_are_the_same_at_standard_and_full(folder: Path, other: Path) -> None:
    """Counts and localisation do not depend on whether all weights were read, but for heads, which all are of."""
    full, standard = (test_lineage(other, folder, effort=effort) for effort in ("full", "standard"))
    for name, test in standard.tests.items():
        if name == "head_identity":
            assert (test.applicable, full.tests[name].applicable) == (False, True)
        else:
            assert (test.counts, test.by_layer) == (full.tests[name].counts, full.tests[name].by_layer)
    assert full.verdict == standard.verdict == "dependent"
    assert [report.provenance.effort for report in (full, standard)] == ["full", "standard"]


def test_screening_finds_a_child_with_fewer_units(folder: Path, other: Path) -> None:
    """It says what it compared."""
    report = test_lineage(other, folder, effort="screen")
    assert report.verdict == "dependent"
    assert report.a.effort == report.b.effort == report.provenance.effort == "screen"
    assert report.tests["unit_identity"].counts[0].n < test_lineage(other, folder).tests["unit_identity"].counts[0].n


def test_fingerprints_of_different_effort_compare_at_the_smaller(folder: Path, other: Path) -> None:
    """The report says how each was read, and both orders agree."""
    a, b = fingerprint(other), fingerprint(folder, effort="screen")
    mixed = test_lineage(a, b)
    assert (mixed.a.effort, mixed.b.effort, mixed.provenance.effort) == ("full", "screen", "screen")
    assert mixed.tests == test_lineage(other, folder, effort="screen").tests


def test_a_smaller_fingerprint_is_no_larger_one(folder: Path) -> None:
    """What was not read cannot be made up."""
    small = fingerprint(folder, effort="screen")
    with pytest.raises(FingerprintError, match=r"was made at screen effort, and full is asked for"):
        small.at("full")
    with pytest.raises(InputError, match=r"standard.*panel needs all weights"):
        test_lineage(folder, folder, effort="standard", panel="default")
    with pytest.raises(InputError, match=r"'quick'; give one of screen, standard, full"):
        fingerprint(folder, effort="quick")  # type: ignore[arg-type]


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_saved_fingerprint_comes_back_at_its_effort(folder: Path, tmp_path: Path, effort: Effort) -> None:
    """Whole, and with what it lacks known."""
    made = fingerprint(folder, effort=effort)
    made.save(tmp_path / "x.safetensors")
    back = Fingerprint.load(tmp_path / "x.safetensors")
    assert back.record == made.record
    assert same_arrays(back, made)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["gate", "up", "down", "v", "o", "norm"]), st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_digest_is_of_what_was_read(folder: Path, tmp_path: Path, role: str, row: int, column: int) -> None:
    """At standard effort it changes with an entry exactly if that entry is among the rows read; at full, always."""
    names = {"gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj"}
    names["norm"] = "input_layernorm"
    name = f"model.layers.0.{names.get(role, f'self_attn.{role}_proj')}.weight"
    changed = {key: value.copy() for key, value in weights(0, config()).items()}
    matrix = changed[name]
    row = row % len(matrix)
    matrix.reshape(len(matrix), -1)[row, column % matrix[0].size] += 1
    path = write(tmp_path / "changed", changed, config())
    checkpoint = open_checkpoint(folder)
    shape = checkpoint.architecture
    sketch = SketchSpec(units=7, channels=3, rows=5)
    read = {
        "gate": chosen_indices("units", shape.hidden, 7),
        "up": chosen_indices("units", shape.hidden, 7),
        "down": np.arange(5),
        "o": np.arange(5),
        "norm": np.arange(shape.width),
        "v": (np.arange(shape.kv_heads)[:, None] * shape.head_size + chosen_indices("channels", shape.head_size, 3)),
    }[role]
    for effort, seen in (("standard", row in read), ("full", True)):
        pair = [fingerprint(x, effort=effort, sketch=sketch).record.content_sha256 for x in (folder, path)]
        assert (pair[0] != pair[1]) == seen


@pytest.mark.parametrize("effort", EFFORTS)
def test_numbers_that_are_not_finite_are_counted_where_they_are_read(
    folder: Path, tmp_path: Path, effort: Effort
) -> None:
    """Among all entries at full effort; below, among those read, once each."""
    changed = {key: value.copy() for key, value in weights(0, config()).items()}
    changed["model.layers.0.input_layernorm.weight"][0] = np.nan
    changed["lm_head.weight"][1, :2] = np.inf  # of a token that no exact test reads
    found = fingerprint(write(tmp_path / "changed", changed, config()), effort=effort).record
    assert found.non_finite == (3 if effort == "full" else 1)
    assert fingerprint(folder, effort=effort).record.non_finite == 0


def test_the_same_rows_are_not_the_same_model(folder: Path, tmp_path: Path) -> None:
    """Identical is said of weights that were all read, or of files known to be the same."""
    changed = {key: value.copy() for key, value in weights(0, config()).items()}
    changed["lm_head.weight"][1] += 1  # of a token that no exact test reads
    path = write(tmp_path / "changed", changed, config())
    at_standard = test_lineage(path, folder, effort="standard")
    assert at_standard.a.content_sha256 == at_standard.b.content_sha256
    assert at_standard.verdict == "dependent"
    assert test_lineage(folder, folder).verdict == "identical"


@pytest.mark.parametrize("effort", ["screen", "standard"])
def test_an_exact_copy_is_identical_at_every_effort(folder: Path, tmp_path: Path, effort: Effort) -> None:
    """Whatever its files are called; the report agrees with what is made of both again."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "model.safetensors").rename(copy / "weights.safetensors")
    for twin in (copy, copy / "weights.safetensors", folder):
        report = test_lineage(twin, folder, effort=effort)
        assert (report.verdict, report.a.effort) == ("identical", effort)
        assert replay(report, twin, folder).agrees
    assert test_lineage(fingerprint(copy), folder, effort=effort).verdict == "identical", "one was read whole before"


@pytest.mark.parametrize("effort", ["screen", "standard"])
def test_a_copy_in_other_files_differs_in_nothing_that_was_read(folder: Path, tmp_path: Path, effort: Effort) -> None:
    """Nothing more is said of it; nor of fingerprints, whose files are not at hand."""
    held = dict(sorted(load_file(folder / "model.safetensors").items(), reverse=True))
    again = shutil.copytree(folder, tmp_path / "again")
    save_file(held, again / "model.safetensors", metadata={"format": "pt"})
    for pair in ((again, folder), (fingerprint(folder, effort=effort), fingerprint(folder, effort=effort))):
        report = test_lineage(*pair, effort=effort)
        assert report.verdict == "dependent"
        assert any("no difference in what was read" in line for line in report.limitations)
    assert test_lineage(again, folder).verdict == "identical"
    assert not any("no difference" in line for line in test_lineage(again, folder).limitations)


def test_files_of_one_size_are_read_whole_only_where_no_row_differs(
    folder: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child costs no more than a stranger."""

    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("a file was read whole")

    monkeypatch.setattr("verify.checkpoint.places.place.sha256_of_file", unwanted)
    assert test_lineage(other, folder, effort="screen").verdict == "dependent"
    with pytest.raises(AssertionError, match="read whole"):
        test_lineage(folder, folder, effort="screen")


def test_less_is_read_at_less_effort(tmp_path: Path) -> None:
    """Bytes are counted as stored, rows that are read twice once: at full effort, all that the file holds."""
    path = write_checkpoint(tmp_path, toy(seed=1), dtype="BF16")
    size = (path / "model.safetensors").stat().st_size
    sketch = SketchSpec(units=2, channels=1, rows=2, anchors=4)
    least, standard, full = (fingerprint(path, effort=e, sketch=sketch).record.bytes_read for e in EFFORTS)
    assert least < standard < size / 2 < full < size


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_no_byte_is_counted_twice(tmp_path: Path, family: str) -> None:
    """Rows that several parts of a fingerprint look at, and norms that two layers do: at full effort, every tensor
    once."""
    path = write_checkpoint(tmp_path, toy(family, seed=1), dtype="F32")
    stored = {name: array.nbytes for name, array in load_file(path / "model.safetensors").items()}
    read = [fingerprint(path, effort=effort).record.bytes_read for effort in EFFORTS]
    assert read == sorted(read)
    assert read[-1] == sum(stored.values())


@pytest.mark.parametrize("layout", [None, "llama"])
def test_a_kept_fingerprint_is_the_one_that_was_made(folder: Path, tmp_path: Path, layout: str | None) -> None:
    """Read from the cache, byte for byte, whether the layout is found, a file, or named."""
    location, cache = Location(str(folder), layout=layout), Cache(tmp_path)
    made = fingerprint(location, effort="screen", cache=cache)
    (entry,) = cache.entries()
    assert entry.path.read_bytes() == made.to_bytes()
    fingerprint(model("reference"), effort="screen").save(entry.path)
    assert fingerprint(location, effort="screen", cache=cache).record.name == "reference", "not the one kept"


def test_fingerprints_under_different_layouts_are_kept_apart(folder: Path, tmp_path: Path) -> None:
    """What is read as another family is another fingerprint, and a layout file counts by what it says."""
    cache, text = Cache(tmp_path / "cache"), drafted_layout(folder)
    layouts = []
    for name, content in (("one", text), ("again", text), ("other", text.replace('"rms"', '"layer"', 1))):
        layouts.append(tmp_path / f"{name}.toml")
        layouts[-1].write_text(content, encoding="utf-8")
    for number, layout in enumerate((None, "llama", *map(str, layouts))):
        fingerprint(Location(str(folder), layout=layout), effort="screen", cache=cache)
        assert len(cache.entries()) == (1, 2, 3, 3, 4)[number]


@pytest.mark.parametrize("effort", EFFORTS)
def test_one_file_understood_in_two_ways_is_not_identical(folder: Path, effort: Effort) -> None:
    """Of another architecture, or read as other numbers, though its files are the same; also in a screen."""
    made = fingerprint(folder).at(effort)
    record, arrays = made.record, made.arrays
    changes = {"architecture": record.architecture.model_copy(update={"model_type": "other"})}
    if effort == "full":
        changes = {"content_sha256": "0" * 64}
    one, other = Fingerprint(record, arrays), Fingerprint(record.model_copy(update=changes), arrays)
    again = Fingerprint(record.model_copy(update={"bytes_read": 7}), arrays)
    assert test_lineage(one, again).verdict == "identical"
    assert test_lineage(one, other).verdict == "dependent"
    assert [row.verdict for row in screen([one, again]).pairs] == ["identical"]
    assert [row.verdict for row in screen([one, other]).pairs] == ["dependent"]


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_report_says_in_words_what_was_not_read(folder: Path, other: Path, effort: Effort) -> None:
    """Below full effort; and it follows from its record."""
    report = test_lineage(other, folder, effort=effort)
    said = [line for line in report.limitations if f"compared at {effort} effort" in line]
    assert len(said) == (effort != "full")
    assert replay(report).agrees
    assert replay(report, other, folder).agrees
