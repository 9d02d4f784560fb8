"""A fingerprint follows the symmetries of its weights, and no dead or infinite row stops it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from benchmarks.zoo.changes import changed
from tests import fingerprints
from tests.fingerprints import SMALL
from tests.models import config, weights, write
from verify import Fingerprint, fingerprint
from verify.fingerprint import chosen_indices, unit_rows

folder = fingerprints.folder


# ---- symmetries


def test_permuted_units_permute_the_rows(tmp_path: Path) -> None:
    """Relabelling hidden units relabels units and responses (a flipped unit keeps its gate's); nothing else moves."""
    c, w = config(hidden=30), weights(1, config(hidden=30))
    permuted = changed(w, c, np.random.default_rng(5), "unit_order", "unit_signs")
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
    rotated = changed(w, c, np.random.default_rng(7), "stream_rotation")
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
