"""One table says every array of a fingerprint: what is built, shipped, checked and cut agrees with it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checkpoints import FAMILY_NAMES, toy, write_checkpoint
from tests.models import VOCABULARY, config, weights, write
from tests.strategies import SKETCH, architecture, architectures, moe_like, random_fingerprint, sketches
from verify import Fingerprint, FingerprintError, InputError, SketchSpec, fingerprint
from verify.fingerprint import (
    COMPONENTS,
    EFFORTS,
    LEAST_ANCHORS,
    SAMPLED,
    Axis,
    FingerprintRecord,
    check,
    chosen_indices,
    is_fingerprint,
    layout,
    on_anchors,
    reduced,
    specs,
    table,
    unit_rows,
)

ROOT = Path(__file__).parent.parent
FILES = [*(ROOT / "verify" / "data").rglob("*.safetensors"), *(ROOT / "examples").rglob("*.safetensors")]
SHIPPED = sorted(filter(is_fingerprint, FILES))
FEW = settings(max_examples=40, deadline=None)


def agrees(model: Fingerprint) -> bool:
    """Whether names, shapes and dtypes are those of the table; the checker, which reads it, refuses nothing."""
    record, rows = model.record, table(model.record)
    check.check_record(record)
    if {"units", "match"} & set(record.components):  # the checker asks for some MLP in every layer
        check.check_arrays(record, model.arrays)
    groups = {rows[name].group for name in model.arrays}
    expected = {name for name, row in rows.items() if not row.group or row.group in groups}
    return model.arrays.keys() == expected and all(
        (array.shape, array.dtype.name) == (rows[name].shape, rows[name].dtype)
        for name, array in model.arrays.items()
    )


# ---- what is made


@settings(max_examples=30, deadline=None)
@given(family=st.sampled_from(FAMILY_NAMES), sketch=sketches(), seed=st.integers(0, 9), tokens=st.booleans())
def test_what_is_built_has_the_arrays_of_the_table(family: str, sketch: SketchSpec, seed: int, tokens: bool) -> None:
    """Every family of the toys, at every effort, with and without a tokenizer."""
    with TemporaryDirectory() as folder:
        dense = (0,) if seed % 2 else ()
        files = {"vocab.json": json.dumps(VOCABULARY)} if tokens else None
        path = write_checkpoint(Path(folder), toy(family, seed=seed, dense_layers=dense), files=files)
        for effort in EFFORTS:
            assert agrees(fingerprint(path, effort=effort, sketch=sketch))


@settings(max_examples=15, deadline=None)
@given(
    layers=st.integers(1, 3),
    heads=st.sampled_from([(1, 1), (4, 2), (6, 3)]),
    hidden=st.integers(1, 50),
    sketch=sketches(),
)
def test_llamas_of_any_size_have_the_arrays_of_the_table(
    layers: int, heads: tuple[int, int], hidden: int, sketch: SketchSpec
) -> None:
    """Sizes below, at and above those of the sketch."""
    c = config(layers=layers, heads=heads[0], kv_heads=heads[1], hidden=hidden)
    with TemporaryDirectory() as folder:
        path = write(Path(folder), weights(0, c), c)
        for effort in EFFORTS:
            assert agrees(fingerprint(path, effort=effort, sketch=sketch))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_shipped_has_the_arrays_of_the_table(path: Path) -> None:
    """Loaded and saved it has the same bytes, and at every effort that it can give, the arrays of that effort."""
    model = Fingerprint.load(path)
    assert model.to_bytes() == path.read_bytes()
    for effort in EFFORTS[: EFFORTS.index(model.record.effort) + 1]:
        assert agrees(model.at(effort))


@FEW
@given(shape=architectures(), sketch=sketches(), effort=st.sampled_from(EFFORTS))
def test_a_random_fingerprint_is_sound(shape: layout.Architecture, sketch: SketchSpec, effort: str) -> None:
    """Any architecture: dense or of experts, gated or not, tied or not, without kv heads or vocabulary."""
    model = random_fingerprint(np.random.default_rng(0), shape, sketch, effort=effort)
    assert agrees(model)


# ---- the table itself


@FEW
@given(shape=architectures(), sketch=sketches(), anchors=st.integers(0, 50))
def test_names_differ_and_efforts_hold_what_smaller_ones_do(
    shape: layout.Architecture, sketch: SketchSpec, anchors: int
) -> None:
    """Every name once; what is held below full effort is of sampled components, and all components occur."""
    rows = list(specs(shape, sketch, anchors))
    assert len({row.name for row in rows}) == len(rows)
    assert {row.component for row in rows if row.effort != "full"} <= set(SAMPLED)
    assert {row.component for row in rows} <= set(COMPONENTS)
    at = [[row.name for row in specs(shape, sketch, anchors, effort)] for effort in EFFORTS]
    assert set(at[0]) <= set(at[1]) <= set(at[2])


ROWS = list(specs(architecture(), SKETCH, SKETCH.anchors))


@pytest.mark.parametrize(
    "alter",
    [
        lambda row: replace(row, role=row.role + "x"),
        lambda row: replace(row, dtype="float64" if row.dtype != "float64" else "float32"),
        lambda row: replace(row, axes=(row.axes[0]._replace(size=row.axes[0].size + 1), *row.axes[1:])),
        lambda row: replace(row, axes=(*row.axes, Axis("anchors", 1))),
    ],
    ids=["name", "dtype", "size", "axes"],
)
@pytest.mark.parametrize("row", ROWS[:: len(ROWS) // 12], ids=lambda row: row.name)
def test_a_table_with_one_row_altered_refuses_a_sound_fingerprint(monkeypatch, row, alter) -> None:  # type: ignore[no-untyped-def]
    """The checker asks for exactly what the table says."""
    model = random_fingerprint(np.random.default_rng(1), architecture())
    assert agrees(model)

    rows = [alter(found) if found.name == row.name else found for found in table(model.record).values()]
    monkeypatch.setattr(check, "table", lambda _: {found.name: found for found in rows})
    with pytest.raises(FingerprintError):
        check.check_arrays(model.record, model.arrays)


# ---- cutting to anchors


CENTRED = ("response", "match", "heads", "key_responses", "latent_responses", "unused")
ROUTED = {f"routers.{layer}.{part}" for layer in range(64) for part in ("responses", "experts")}


def cut_by_kind(model: Fingerprint, shared: np.ndarray) -> dict[str, np.ndarray]:
    """What cutting to anchors is, kind by kind, without the table."""
    where = np.searchsorted(model.record.anchors, shared)
    arrays = dict(model.arrays)
    for name, array in model.arrays.items():
        kind = name.split(".")[0]
        if kind in CENTRED or kind == "stream" or name in ROUTED:
            kept = array[..., where].astype(np.float64)
            if kind != "stream":
                kept -= kept.sum(-1, keepdims=True) / max(1, len(where))
            planes = kept.reshape(*kept.shape[:-2], -1) if kind == "key_responses" else kept
            arrays[name] = unit_rows(planes, str(array.dtype)).reshape(kept.shape)
        elif kind == "circuit":
            square = array[np.ix_(where, where)]
            arrays[name] = unit_rows(square.reshape(1, -1)).reshape(square.shape)
        elif kind == "gram":
            square = array[np.ix_(where, where)].astype(np.float64)
            arrays[name] = (square / (np.trace(square) or 1.0)).astype(array.dtype)
    return arrays


def same_bits(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether arrays have the same names, dtypes, shapes and bytes."""
    return a.keys() == b.keys() and all(
        (x.dtype, x.shape, x.tobytes()) == (b[name].dtype, b[name].shape, b[name].tobytes()) for name, x in a.items()
    )


@FEW
@given(shape=architectures(), sketch=sketches(), data=st.data())
def test_a_cut_to_anchors_is_what_each_kind_asks_for(
    shape: layout.Architecture, sketch: SketchSpec, data: st.DataObject
) -> None:
    """Bit for bit, of every array, and what is cut is sound."""
    model = random_fingerprint(np.random.default_rng(2), shape, sketch)
    known = model.record.anchors
    kept = np.array(sorted(data.draw(st.sets(st.sampled_from(known)) if known else st.just(set()))), dtype=np.int64)
    cut = on_anchors(model, kept)
    assert same_bits(cut.arrays, cut_by_kind(model, kept) if len(kept) < len(known) else model.arrays)
    assert cut.record.anchors == tuple(kept)
    assert agrees(cut)


@pytest.mark.parametrize("path", SHIPPED[::6], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_cut_of_what_is_shipped_is_what_each_kind_asks_for(path: Path) -> None:
    """Of real arrays too."""
    model = Fingerprint.load(path)
    kept = np.array(model.record.anchors[:LEAST_ANCHORS], dtype=np.int64)
    assert same_bits(on_anchors(model, kept).arrays, cut_by_kind(model, kept))


# ---- cutting to fewer layers, heads, copies and rows


@FEW
@given(shape=architectures(), sketch=sketches(), effort=st.sampled_from(EFFORTS), data=st.data())
def test_a_reduced_fingerprint_is_that_of_a_smaller_model_and_sketch(
    shape: layout.Architecture, sketch: SketchSpec, effort: str, data: st.DataObject
) -> None:
    """Its record describes its arrays; two cuts are one; and each row is the one that its index says."""
    names = ("layers", "kv_heads", "experts", "units", "expert_units", "channels", "stream", "match_units")
    most = {name: data.draw(st.integers(1, 20)) for name in names if data.draw(st.booleans())}
    model = random_fingerprint(np.random.default_rng(3), shape, sketch, effort=effort)
    cut = reduced(model, **most)
    assert agrees(cut)
    assert same_bits(reduced(reduced(model, **dict.fromkeys(most, 20)), **most).arrays, cut.arrays)
    before, after = table(model.record), table(cut.record)
    for name, array in cut.arrays.items():
        expected = model.arrays[name]
        for k, (old, new) in enumerate(zip(before[name].axes, after[name].axes, strict=True)):
            if new.population:
                held = chosen_indices(old.name, old.population, old.size).tolist()
                rows = [held.index(i) for i in chosen_indices(new.name, new.population, new.size)]
            else:
                rows = list(range(new.size))
            expected = np.take(expected, rows, axis=k)
        assert array.tobytes() == expected.tobytes()


def test_a_reduced_fingerprint_keeps_what_single_rows_give() -> None:
    """Circuits, spectra and spread are of whole matrices, which a cut of layers, heads or experts changes."""
    model = random_fingerprint(np.random.default_rng(4), moe_like())
    assert reduced(model, units=4).record.components == COMPONENTS
    kept = reduced(model, layers=2, kv_heads=1, experts=2, expert_units=3)
    assert kept.record.components == tuple(c for c in COMPONENTS if c not in ("circuit", "spectrum", "spread"))
    assert kept.arrays["units.1.experts.up"].shape == (2, 3, 8)
    assert kept.arrays["values.0.v"].shape == (1, 6, 8)
    assert "values.2.v" not in kept.arrays
    assert reduced(model, layers=99).arrays.keys() == model.arrays.keys()


@pytest.mark.parametrize("most", [{"layers": 0}, {"anchors": 32}, {"projections": 4}, {"nonsense": 1}])
def test_a_size_that_cannot_be_cut_to_is_refused(most: dict[str, int]) -> None:
    """Anchors change the numbers and have a function of their own; projections cannot be cut at all."""
    with pytest.raises(InputError, match=next(iter(most))):
        reduced(random_fingerprint(np.random.default_rng(5), architecture()), **most)


# ---- sizes of a sketch


@pytest.mark.parametrize(("name", "value"), [*product(sorted(SketchSpec.model_fields), (-1, 0, 2**53, "x"))])
def test_a_size_out_of_bounds_is_refused_in_one_sentence(name: str, value: object) -> None:
    """Where it is asked for, and inside a record."""
    with pytest.raises(InputError, match=name) as refusal:
        SketchSpec(**{name: value})
    assert "\n" not in str(refusal.value)
    record = random_fingerprint(np.random.default_rng(6), architecture()).record.model_dump(mode="json")
    record["sketch"][name] = value
    with pytest.raises(ValueError, match=f"sketch.{name}"):
        FingerprintRecord.model_validate(record)
