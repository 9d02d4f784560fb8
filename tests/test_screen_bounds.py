"""Bounds on the first stage's counts: no pair that could pass is ruled out, and most of the others are."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.screens import SHAPE, named
from tests.strategies import architecture, gpt2_like, moe_like, random_arrays
from verify.checkpoint import Architecture
from verify.inference import log10_p_fixed_points, log10_p_signs
from verify.screen import bounds, first_stage, sketches
from verify.screen.bounds import graded, least_grade
from verify.screen.stacks import Run, blocks_file, save_blocks

Models = list[sketches.FirstSketch]


def run_of(models: Models, folder: Path, *, blocks: bool = True) -> Run:
    """The models as a run, written to a folder; their blocks too, or not."""
    files = []
    for n, model in enumerate(models):
        files.append(folder / f"{n}.safetensors")
        sketches.save_sketch(model, files[-1])
        if blocks:
            save_blocks(model, blocks_file(files[-1]))
    return Run(tuple(files))


def some(rng: np.random.Generator, shape, kept: float) -> Models:  # type: ignore[no-untyped-def]
    """Three models, more or less alike, with dead and repeated rows."""
    base, models = random_arrays(rng, shape), []
    for n in range(3):
        arrays = {k: kept * v + (1 - kept) * rng.standard_normal(v.shape) for k, v in base.items()}
        for name in arrays:
            if name.startswith("units.1") and n == 1:
                arrays[name][:, 3] = 0
            if name.startswith("units.0"):
                arrays[name][:, 1] = arrays[name][:, 2]
        models.append(sketches.first_sketch(named(f"{rng.integers(10**9)}", arrays, shape)))
    return models


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([architecture(), gpt2_like(), moe_like()]),
    st.floats(0, 1),
    st.booleans(),
    st.booleans(),
)
def test_no_pair_is_lost(tmp_path_factory, seed: int, shape, kept: float, deeper: bool, blocks: bool) -> None:  # type: ignore[no-untyped-def]
    """The grade is at least that of the p-value of every exact count, and little more; sizes are theirs."""
    rng = np.random.default_rng(seed)
    a = some(rng, shape, kept)
    b = (
        some(rng, shape.model_copy(update={"layers": shape.layers + 1}), 0.5)
        if deeper
        else [*some(rng, shape, 0.5), *a]
    )
    runs = [run_of(run, tmp_path_factory.mktemp("run"), blocks=blocks) for run in (a, b)]
    exact = {(t.statistic, t.law): t for t in first_stage.tallied(a, b, first_stage.reader())}
    made = [graded(law, source, *runs) for law, source in first_stage._sources(a[0], b[0])]
    assert {(g.statistic, g.law) for g in made if g} == exact.keys()
    for g in filter(None, made):
        t = exact[g.statistic, g.law]
        assert (g.groups, g.most) == (t.groups, t.most)
        for i, j in product(range(len(a)), range(len(b))):
            least = least_grade(t.log10_p(i, j))
            assert least <= g.grades[i, j]
            if kept < 0.9:
                assert g.grades[i, j] <= least + 12, g.statistic


@pytest.mark.parametrize("others", [None, 0, 1, 2])
@pytest.mark.parametrize("shape", [SHAPE, gpt2_like(), moe_like()], ids=["gated", "gpt2", "experts"])
def test_what_is_compared_with_few_others_is_no_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Architecture, others: int | None
) -> None:
    """Whatever the grade from which pairs are told apart: those from it on are the same, and no other reaches it."""
    if others is not None:
        monkeypatch.setattr(bounds, "_others", lambda *_: others)
    rng, at_once = np.random.default_rng(3), 0
    a, b = some(rng, shape, 0.4), some(rng, shape, 0.6)
    runs = []
    for n, run in enumerate((a, [*b, *a])):
        (tmp_path / f"{n}").mkdir()
        runs.append(run_of(run, tmp_path / f"{n}"))
    for law, source in first_stage._sources(a[0], b[0]):
        if (whole := graded(law, source, *runs)) is None:
            continue
        for least in (1, 4, 8, 16, 40, bounds.MOST):
            found = graded(law, source, *runs, least)
            assert found is not None
            told = whole.grades >= least
            assert (found.grades[told] == whole.grades[told]).all()
            assert (found.grades[~told] < least).all()
            assert (found.grades >= whole.grades).all()
            at_once += int((found.grades > whole.grades).sum())
    assert others is None or at_once  # something was left as it was


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 32)), min_size=1, max_size=3), st.integers(0, 500))
def test_with_how_many_others_is_at_most_all(sizes: list[tuple[int, int]], critical: int) -> None:
    """A number for every size and level; all of them where strangers reach the count anyway."""
    others = bounds._others(sizes, critical)
    assert 0 <= others < max(n for _, n in sizes)
    if critical == 0:
        assert others == max(n for _, n in sizes) - 1


def test_a_bound_without_its_slack_loses_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what the proof rests on: with less than none, relatives are ruled out."""
    rng = np.random.default_rng(0)
    models = some(rng, SHAPE, 1.0)
    run = run_of(models, tmp_path)
    sources = list(first_stage._sources(models[0], models[0]))
    before = [graded(law, source, run, run).grades[0, 2] for law, source in sources]  # type: ignore[union-attr]
    monkeypatch.setattr(bounds, "_slack", lambda *_: -1.5)
    after = [graded(law, source, run, run).grades[0, 2] for law, source in sources]  # type: ignore[union-attr]
    assert max(after) < max(before) == bounds.MOST


@given(st.integers(1, 40), st.integers(1, 60), st.data())
def test_a_zero_or_a_negative_sign_counted_as_positive_only_lowers_p(
    n: int, groups: int, data: st.DataObject
) -> None:
    """And so does one more fixed point: what the theorem says of both laws."""
    count = data.draw(st.integers(0, n))
    assert log10_p_signs(count + 1, n + 1) <= log10_p_signs(count, n) + 1e-12
    assert log10_p_signs(min(count + 1, n), n) <= log10_p_signs(count, n) + 1e-12
    assert log10_p_fixed_points(count + 1, groups) <= log10_p_fixed_points(count, groups) + 1e-12


def test_what_single_precision_does_not_hold_is_not_bounded(tmp_path: Path) -> None:
    """Vectors that are too long: every pair gets its counts."""
    models = some(np.random.default_rng(1), SHAPE, 0.5)
    arrays = {k: (v * np.float16(9) if k.startswith("units") else v) for k, v in models[0].part.arrays.items()}
    long = sketches.FirstSketch(models[0].record, models[0].whole, models[0].part.with_arrays(arrays))
    run = run_of([long, *models[1:]], tmp_path)
    found = {g.statistic: g for law, s in first_stage._sources(long, long) if (g := graded(law, s, run, run))}
    assert (found["units"].grades == bounds.MOST).all()
    assert not (found["values"].grades == bounds.MOST).all()


def test_damaged_blocks_are_read_from_the_sketch(tmp_path: Path) -> None:
    """Cut, of another size, or absent."""
    models = some(np.random.default_rng(2), SHAPE, 0.5)
    run = run_of(models, tmp_path)
    ((law, source), *_) = first_stage._sources(models[0], models[0])
    wanted = graded(law, source, run, run).grades  # type: ignore[union-attr]
    for n, content in enumerate((b"", b"x" * 99, None)):
        folder = tmp_path / str(n)
        folder.mkdir()
        other = run_of(models, folder)
        file = blocks_file(other.files[1])
        file.unlink() if content is None else file.write_bytes(content)
        assert (graded(law, source, other, other).grades == wanted).all()  # type: ignore[union-attr]
