"""What a child holds of the changes of a base: parents of merges by name and weight, nothing of strangers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.__main__ import HERE
from tests import commands
from tests.checkpoints import Array
from tests.commands import Run, check_refused
from tests.models import config, weights, write
from tests.reports import CREATED, changed, sealed
from verify import InputError, ReportError, replay, share
from verify.render import FORMATS
from verify.shares import ChangesOfBase, ShareReport, changes
from verify.shares.sums import Numbers, Sum, found_sums, residuals

run = commands.run
SHAPE = config(layers=2, width=48, hidden=96, heads=4, kv_heads=2)
Tensors = dict[str, Array]


def tuned(base: Tensors, seed: int, size: float = 0.05, like: Tensors | None = None, cosine: float = 0.0) -> Tensors:
    """A fine-tune: every number moves; as another one does, to a cosine."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, x in base.items():
        own = size * np.exp(rng.standard_normal(x.shape) / 2) * rng.standard_normal(x.shape)
        if like is not None:
            own = cosine * (like[name].astype(float) - x) + (1 - cosine**2) ** 0.5 * own
        found[name] = (x + own).astype(np.float32)
    return found


def merged(base: Tensors, *parts: tuple[float, Tensors], density: float = 1.0, divided: bool = False) -> Tensors:
    """The base and weighted changes of which a share is kept by number; divided by the weights that are there."""
    rng = np.random.default_rng(9)
    found = {}
    for name, p in base.items():
        total, there = np.zeros(p.shape), np.zeros(p.shape)
        for weight, model in parts:
            kept = rng.uniform(size=p.shape) < density
            total += kept * weight * (model[name].astype(float) - p)
            there += kept * weight
        found[name] = (p + total / (np.where(there, there, 1.0) if divided else 1.0)).astype(np.float32)
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, three fine-tunes, strangers, and merges, by name."""
    root, base = tmp_path_factory.mktemp("changes"), weights(1, SHAPE)
    one, two, three = (tuned(base, seed) for seed in (2, 3, 4))
    models = {
        "base": base,
        "one": one,
        "two": two,
        "three": three,
        "like": tuned(base, 5, like=one, cosine=0.95),
        "added": merged(base, (0.6, one), (0.4, two)),
        "dare": merged(base, (1.2, one), (0.8, two), density=0.5),
        "ties": merged(base, (0.6, one), (0.4, two), density=0.5, divided=True),
        "thinned": merged(base, (1.0, one), density=0.3),
        "trained": tuned(merged(base, (1.2, one), (0.8, two), density=0.5), 6),
        "stranger": weights(77, SHAPE),
    }
    for name, tensors in models.items():
        write(root / name, tensors, SHAPE)
    for name in ("dare", "one", "two", "like", "thinned"):
        write(root / f"{name}-16", models[name], SHAPE, dtype="BF16")
    return root


def of(root: Path, child: str, *candidates: str) -> ShareReport:
    """What a child holds of the candidates' changes of the base, by name."""
    return share(root / child, [root / one for one in candidates], base=root / "base", created=CREATED)


def found(report: ShareReport) -> ChangesOfBase:
    """The changes of a report."""
    assert report.changes is not None
    return report.changes


def test_a_sum_of_changes_is_one_of_its_parents_and_of_no_stranger(made: Path) -> None:
    report = of(made, "added", "one", "three", "two", "like")
    assert report.outcome == "sum_of_changes"
    assert found(report).held == (1, 3)
    for number, other, weight in ((1, 3, 0.6), (3, 1, 0.4)):
        at = found(report).weights(number, (other,))
        assert at is not None
        assert [at.median, at.low, at.high] == pytest.approx([weight] * 3, rel=1e-5)
    assert found(report).coefficients == pytest.approx((0.6, 0.0, 0.4, 0.0), abs=1e-4)
    assert "P's plus multiples of what A1 and A3 changed" in report.answer.sentence
    assert "No multiple of what A2 and A4 changed in P was found in C." in report.answer.sentence
    assert report.answer.chance == ""


@pytest.mark.parametrize(("child", "alone", "both"), [("dare", (1.2, 0.8), (1.2, 0.8)), ("ties", (1, 1), (0.6, 0.4))])
@pytest.mark.parametrize("order", [("one", "two", "like", "three"), ("three", "like", "two", "one")])
def test_a_thinned_merge_has_its_weights_alone_and_in_sums(
    made: Path, child: str, alone: tuple[float, float], both: tuple[float, float], order: tuple[str, ...]
) -> None:
    report = of(made, child, *order)
    one, two = order.index("one") + 1, order.index("two") + 1
    assert found(report).held == tuple(sorted((one, two)))
    assert report.outcome == "sum_of_changes"
    for number, other, by_itself, beside in ((one, two, alone[0], both[0]), (two, one, alone[1], both[1])):
        by_tensor = found(report).weights(number), found(report).weights(number, (other,))
        for at, expected in zip(by_tensor, (by_itself, beside), strict=True):
            assert at is not None
            assert [at.low, at.high] == pytest.approx([expected] * 2, rel=1e-5)
        own = found(report).own(number)
        assert own.only == pytest.approx(found(report).told * 2 / 3, rel=0.05)
        assert own.elsewhere < own.only / 100
    for name in ("like", "three"):
        own = found(report).own(order.index(name) + 1)
        assert own.only == 0


def test_one_change_thinned_is_said_in_one_sentence(made: Path) -> None:
    report = of(made, "thinned", "one")
    assert report.outcome == "sum_of_changes"
    assert "every number of C is, up to rounding, P's, or P's plus 1 times what A changed" in report.answer.sentence


def test_a_coarse_file_is_judged_by_the_numbers_that_its_rounding_leaves(made: Path) -> None:
    report = of(made, "dare-16", "one", "two", "like", "three")
    assert {one.dtype for one in found(report).tensors} == {"BF16"}
    assert found(report).held == (1, 2)
    assert found(report).told < sum(one.changed for one in found(report).tensors) / 2
    at = found(report).weights(1)
    assert at is not None
    assert at.median == pytest.approx(1.2, rel=0.01)


@pytest.mark.parametrize("child", ["dare", "ties", "added", "thinned", "one", "dare-16", "one-16", "thinned-16"])
def test_strangers_hold_nothing_even_if_they_are_like_a_parent(made: Path, child: str) -> None:
    report = of(made, child, "like", "three")
    assert report.outcome == "changes_not_found"
    assert [found(report).own(n).only for n in (1, 2)] == [0, 0]


def test_training_afterwards_hides_changes_and_leaves_coefficients(made: Path) -> None:
    report = of(made, "trained", "one", "two")
    assert report.outcome == "changes_not_found"
    assert "not evidence that nothing was merged" in report.answer.does_not_show
    assert found(report).coefficients == pytest.approx((0.6, 0.4), abs=0.05)
    assert found(report).inflation == pytest.approx((1, 1), abs=0.05)
    assert found(report).residual is not None


def test_alike_changes_have_a_large_inflation(made: Path) -> None:
    one, like, three = found(of(made, "added", "one", "like", "three")).inflation
    assert one == pytest.approx(1 / (1 - 0.95**2), rel=0.1)
    assert like == pytest.approx(one, rel=0.1)
    assert three == pytest.approx(1, abs=0.05)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.floats(0.1, 1.5) | st.floats(-1.5, -0.1), min_size=1, max_size=3),
    st.sampled_from((0.3, 0.6, 1.0)),
    st.integers(0, 99),
)
def test_weights_of_any_thinned_sum_are_found(weights: list[float], density: float, seed: int) -> None:
    """Of a tensor, among strangers; no number is said to agree with a sum that it is not of."""
    rng = np.random.default_rng(seed)
    n, k = 4000, len(weights) + 2
    p, x = rng.standard_normal(n), 0.05 * rng.standard_normal((k, n))
    kept = rng.uniform(size=(k, n)) < density
    times = np.array([*weights, 0.0, 0.0])[:, None] * kept
    y = (p + (times * x).sum(0)).astype(np.float32).astype(float) - p.astype(np.float32)
    tells = np.abs(y) > 1e-4
    numbers = Numbers(y, x, p, np.full(n, 2.0**-20), 2.0**-21).at(tells)
    sums = found_sums(numbers, np.random.default_rng(1))
    assert sums
    for one in sums:
        assert {*one.of} <= {*range(len(weights))}
        assert one.weights == pytest.approx([weights[i] for i in one.of], rel=1e-3)
        assert one.base == pytest.approx(0, abs=1e-4)
        agrees = residuals(numbers, one)[0] <= 1
        right = (np.abs(np.where(kept[:, tells], x[:, tells], 0)[: len(weights)]) > 1e-3) == np.isin(
            np.arange(len(weights)), one.of
        )[:, None]
        assert right.all(0)[agrees].mean() > 0.9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.floats(0, 0.99), st.sampled_from((2.0**-20, 0.05 / 32)), st.integers(1, 4))
def test_smooth_changes_of_strangers_are_no_sums(seed: int, cosine: float, half: float, count: int) -> None:
    """Whatever their cosine with the child's change, rounded finely or coarsely."""
    rng = np.random.default_rng(seed)
    y = 0.1 * rng.standard_normal(4000)
    x = cosine * y + (1 - cosine**2) ** 0.5 * 0.1 * rng.standard_normal((count, 4000))
    numbers = Numbers(y, x, rng.standard_normal(4000), np.full(4000, half), 2.0**-6 if half > 1e-4 else 2.0**-21)
    assert found_sums(numbers.at(np.abs(y) >= 32 * half), rng) == ()


def test_decay_tells_nothing(tmp_path: Path) -> None:
    """Units that no input reaches shrink by one factor in every training, so strangers' changes are multiples."""
    base = weights(1, SHAPE)
    models = {"base": base}
    for n, (name, factor) in enumerate((("child", 0.97), ("stranger", 0.9), ("other", 0.95))):
        models[name] = tuned(base, n + 10)
        for tensor, x in models[name].items():
            if x.ndim > 1:
                x[: len(x) // 2] = base[tensor][: len(x) // 2] * np.float32(factor)
    for name, tensors in models.items():
        write(tmp_path / name, tensors, SHAPE)
    report = of(tmp_path, "child", "stranger", "other")
    assert report.outcome == "changes_not_found"
    matrices = [one for one in found(report).tensors if one.judged]
    assert matrices
    assert all(one.decayed == pytest.approx(one.changed / 2, rel=0.05) for one in matrices)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "common_values", lambda *_: np.zeros(0))
        assert of(tmp_path, "child", "stranger").outcome == "changes_in_part"


def made_of(tmp_path: Path, change: Callable[[np.random.Generator, Array], Array], dtype: str = "F32") -> ShareReport:
    """A child and a stranger, of which every matrix is changed by itself; vectors are as in the base."""
    base = weights(1, SHAPE)
    write(tmp_path / "base", base, SHAPE, dtype=dtype)
    for n, name in enumerate(("child", "stranger")):
        rng = np.random.default_rng(n)
        tensors = {key: (x + change(rng, x) if x.ndim > 1 else x).astype(np.float32) for key, x in base.items()}
        write(tmp_path / name, tensors, SHAPE, dtype=dtype)
    return of(tmp_path, "child", "stranger")


def steps(
    count: int, likeness: float = 0.0, falling: bool = False, decay: float = 0.0
) -> Callable[[np.random.Generator, Array], Array]:
    """Steps of a sign-based optimiser, by gradients that have a part in common, at one rate or a falling one."""

    def change(rng: np.random.Generator, x: Array) -> Array:
        common, total = likeness * np.random.default_rng(x.size).standard_t(2, x.shape), np.zeros(x.shape)
        for n in range(count):
            rate = (1 + np.cos(np.pi * n / count)) / 2 if falling else 1.0
            total -= decay * rate * (x + total)
            total += 0.01 * rate * np.sign(common + rng.standard_normal(x.shape))
        return total

    return change


def on_left(rng: np.random.Generator, x: Array) -> Array:
    """One such step, of half of the columns, as where the other units are dead."""
    return np.where(np.arange(x.shape[1]) < x.shape[1] // 2, 0.01, 0.0) * rng.choice((-1, 1), x.shape)


@pytest.mark.parametrize(
    "change",
    [
        *(steps(1), on_left, steps(20, 1.0), steps(20, 1.0, falling=True), steps(100, 1.0), steps(100, 3.0)),
        *(steps(1, decay=1e-4), steps(5, 1.0, decay=1e-4), steps(30, 1.0, decay=1e-5), steps(30, 1.0, True, 1e-5)),
    ],
)
def test_steps_of_one_length_tell_nothing(
    tmp_path: Path, change: Callable[[np.random.Generator, Array], Array]
) -> None:
    """After few steps of a sign-based optimiser any two agree in many numbers, most if their data are alike."""
    report = made_of(tmp_path, change)
    assert report.outcome not in ("sum_of_changes", "changes_in_part")
    assert found(report).held == ()
    assert sum(one.repeated for one in found(report).tensors)


def test_steps_would_count_without_what_keeps_them_out(tmp_path: Path) -> None:
    """The sizes of changes that many have, and the counts elsewhere; these miss steps on some columns and decay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "common_values", lambda *_: np.zeros(0))
        assert found(made_of(tmp_path / "left", on_left)).held == (1,)
        assert found(made_of(tmp_path / "decayed", steps(1, decay=1e-4))).held == (1,)
        assert found(made_of(tmp_path / "all", steps(1))).held == ()
        patch.setattr(changes, "ELSEWHERE", 9.0)
        assert found(made_of(tmp_path / "elsewhere", steps(1))).held == (1,)


def pruned(rng: np.random.Generator, x: Array) -> Array:
    """Training, of half of the rows decay alone; then pruned, so that many numbers changed by minus the base's."""
    moved = np.where(np.arange(len(x))[:, None] < len(x) // 2, 0.05 * rng.standard_normal(x.shape), -0.03 * x)
    return np.where(rng.uniform(size=x.shape) < 0.3, -x, moved)


def scaled(rng: np.random.Generator, x: Array) -> Array:
    """Rows scaled by one of few factors, as by a few steps on a vector that is multiplied in."""
    return np.asarray(x * 0.05 * rng.integers(-3, 4, (len(x), 1)))


@pytest.mark.parametrize("change", [pruned, scaled])
@pytest.mark.parametrize("dtype", ["F32", "F16"])
def test_multiples_of_the_base_tell_nothing(
    tmp_path: Path, change: Callable[[np.random.Generator, Array], Array], dtype: str
) -> None:
    """Whatever their number: strangers' changes are multiples of one another there."""
    report = made_of(tmp_path, change, dtype)
    assert found(report).held == ()
    assert sum(one.decayed for one in found(report).tensors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "common_values", lambda *_: np.zeros(0))
        assert found(of(tmp_path, "child", "stranger")).held == (1,)


def quantised(width: int, noise: float) -> Callable[[np.random.Generator, Array], Array]:
    """Training, then a grid of 4 bits whose scale, of so many numbers, is that of the base."""

    def change(rng: np.random.Generator, x: Array) -> Array:
        runs = x.reshape(-1, width)
        unit = np.abs(runs).max(1, keepdims=True) / 7
        return np.asarray(
            (np.round(runs / unit + noise * rng.standard_normal(runs.shape)) * unit).reshape(x.shape) - x
        )

    return change


def float8(rng: np.random.Generator, x: Array) -> Array:
    """Training, then a cast to float8, which has no scale."""
    return np.asarray((x + 0.01 * rng.standard_normal(x.shape)).astype(ml_dtypes.float8_e4m3fn).astype(float) - x)


@pytest.mark.parametrize(
    ("change", "dtype"),
    [(quantised(width, noise), dtype) for width, noise in ((48, 0.3), (16, 0.1)) for dtype in ("F32", "F16", "BF16")]
    + [(float8, "F16")],
)
def test_a_grid_tells_nothing(
    tmp_path: Path, change: Callable[[np.random.Generator, Array], Array], dtype: str
) -> None:
    """Strangers that were quantised are alike wherever training moved no number to another point."""
    report = made_of(tmp_path, change, dtype)
    assert (report.outcome, found(report).why, found(report).held) == ("changes_not_told", "in_steps", ())
    assert "as by quantisation, pruning, decay or few steps" in report.answer.sentence
    assert any(one.on_grid for one in found(report).tensors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "on_grid", lambda *_: False)
        patch.setattr(changes, "common_values", lambda *_: np.zeros(0))
        assert found(of(tmp_path, "child", "stranger")).held == (1,)


def test_rows_of_tokens_are_counted_and_not_judged(made: Path) -> None:
    tables = [one for one in found(of(made, "dare", "one", "two")).tensors if one.of_tokens]
    assert {one.name for one in tables} == {"model.embed_tokens.weight", "lm_head.weight"}
    assert all(one.sums and not one.judged and not one.held for one in tables)


def test_what_two_candidates_have_alike_counts_for_neither(tmp_path: Path) -> None:
    """A model trained on with half of its tensors frozen; and the child that has only those."""
    base, one = weights(1, SHAPE), tuned(weights(1, SHAPE), 2)
    on = {name: x if ".0." in name else tuned(one, 8)[name] for name, x in one.items()}
    layer = {name: one[name] if ".0." in name else x for name, x in base.items()}
    for name, tensors in {"base": base, "one": one, "on": on, "layer": layer, "dare": merged(base, (1, one))}.items():
        write(tmp_path / name, tensors, SHAPE)
    report = of(tmp_path, "dare", "one", "on")
    assert found(report).held == (1,)
    assert {t.layer for t in found(report).holding(1)} == {"1"}
    report = of(tmp_path, "layer", "on", "one")
    assert (report.outcome, found(report).why, found(report).held) == ("changes_not_told", "alike", ())
    assert "cannot be told" in report.answer.sentence


def test_a_merge_with_other_shares_of_the_base_is_found(made: Path, tmp_path: Path) -> None:
    """Slerp, and sums of whole models whose shares do not sum to one."""
    base, one, two = weights(1, SHAPE), tuned(weights(1, SHAPE), 2), tuned(weights(1, SHAPE), 3)
    child = {name: (0.7 * one[name] + 0.4 * two[name]).astype(np.float32) for name in base}
    write(tmp_path / "child", child, SHAPE)
    report = share(tmp_path / "child", [made / "one", made / "two", made / "three"], base=made / "base")
    assert report.outcome == "sum_of_changes"
    assert found(report).held == (1, 2)
    sums = [one for t in found(report).tensors if t.judged for one in t.sums]
    assert all(one.base == pytest.approx(0.1, abs=1e-4) for one in sums)


def test_what_tells_nothing_is_said(made: Path, tmp_path: Path) -> None:
    assert found(of(made, "base", "one")).why == "as_in_base"
    assert found(of(made, "one", "base")).why == "none_changed"
    report = of(made, "one", "one", "two")
    assert found(report).held == (1,)
    assert "there every number of C is, up to rounding, P's, or P's plus 1 times what A1" in report.answer.sentence
    with_base = of(made, "dare", "one", "base", "two")
    assert found(with_base).held == (1, 3)
    assert found(with_base).coefficients[1] is None
    steps = {name: x.astype(np.float32) * (1 + 2.0**-8) for name, x in weights(1, SHAPE).items()}
    write(tmp_path / "steps", steps, SHAPE, dtype="BF16")
    report = share(tmp_path / "steps", [made / "one-16"], base=made / "base")
    assert (report.outcome, found(report).why) == ("changes_not_told", "too_few")
    assert report.answer.word == "CANNOT BE TOLD"


def test_a_model_saved_in_a_coarser_type_has_changed_nothing(made: Path, tmp_path: Path) -> None:
    write(tmp_path / "coarse", weights(1, SHAPE), SHAPE, dtype="BF16")
    report = share(tmp_path / "coarse", [made / "one"], base=made / "base")
    assert found(report).why == "as_in_base"
    strangers = share(made / "one-16", [tmp_path / "coarse", made / "two-16"], base=made / "base")
    assert strangers.outcome == "changes_not_found"


def test_models_that_are_not_of_the_base_are_refused(made: Path) -> None:
    for child, candidate in (("stranger", "one"), ("one", "stranger")):
        with pytest.raises(InputError, match="stranger does not look like a model made from base"):
            of(made, child, candidate)
    for name, value in (("broken", np.nan), ("empty", 0.0)):
        write(made / name, {key: np.full_like(x, value) for key, x in weights(1, SHAPE).items()}, SHAPE)
        for child, candidate in ((name, "one"), ("one", name)):
            with pytest.raises(InputError, match=f"^{name} has no matrix in common with base, by name"):
                of(made, child, candidate)
    with pytest.raises(InputError, match="holds the same numbers as one; give each once"):
        of(made, "dare", "one", "two", "one")


def test_tensors_that_are_missing_or_of_another_shape_are_listed(made: Path, tmp_path: Path) -> None:
    one = tuned(weights(1, SHAPE), 2)
    one["lm_head.weight"] = one["lm_head.weight"][:100]
    one["model.embed_tokens.weight"] = one["model.embed_tokens.weight"][:100]
    write(tmp_path / "one", one, config(layers=2, width=48, hidden=96, heads=4, kv_heads=2, vocab=100))
    report = share(made / "dare", [tmp_path / "one", made / "two"], base=made / "base")
    assert {(x.candidate, x.reason) for x in found(report).not_compared} == {(1, "shape")}
    assert found(report).held == (1, 2)
    assert "2 cases a tensor of P is missing" in " ".join(report.limitations)


def test_a_candidate_without_a_layer_of_the_base_leaves_that_layer_unexplained(made: Path, tmp_path: Path) -> None:
    """What no candidate has is counted as changed, and judges nothing."""
    one = {name: x for name, x in tuned(weights(1, SHAPE), 2).items() if ".layers.1." not in name}
    write(tmp_path / "one", one, config(layers=1, width=48, hidden=96, heads=4, kv_heads=2))
    report = share(made / "one", [tmp_path / "one"], base=made / "base", created=CREATED)
    assert report.outcome == "changes_in_part"
    assert found(report).held == (1,)
    alone = [x for x in found(report).tensors if ".layers.1." in x.name]
    assert alone
    assert all(x.changed and not x.own and not x.sums and not x.judged for x in alone)
    assert replay(report).agrees


def test_numbers_that_are_not_finite_are_told(made: Path, tmp_path: Path) -> None:
    one = tuned(weights(1, SHAPE), 2)
    one["model.layers.0.mlp.up_proj.weight"][::7, ::5] = np.nan
    write(tmp_path / "one", one, SHAPE)
    report = share(made / "dare", [tmp_path / "one", made / "two"], base=made / "base")
    assert found(report).held == (1, 2)
    assert [bool(x.non_finite) for x in found(report).numbers] == [False, False, True, False]
    assert "are not finite" in report.limitations[0]


def test_the_size_of_blocks_changes_no_count(made: Path) -> None:
    whole = of(made, "dare", "one", "two", "like")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "ENTRIES", 4000)
        parts = of(made, "dare", "one", "two", "like")
    assert [t.own for t in found(whole).tensors if len(t.own)] == [t.own for t in found(parts).tensors]
    assert [t.sums for t in found(whole).tensors] == [t.sums for t in found(parts).tensors]
    assert found(whole).numbers == found(parts).numbers


def test_a_report_is_read_again_and_made_again_from_the_weights(made: Path, tmp_path: Path) -> None:
    report = of(made, "dare", "one", "three")
    report.to_json(tmp_path / "report.json")
    assert ShareReport.from_json(tmp_path / "report.json") == report
    Draft202012Validator(json.loads((HERE / "share-1.schema.json").read_text())).validate(
        json.loads(report.to_json())
    )
    assert replay(report).status == "arithmetic_agrees"
    given = {"candidates": [made / "one", made / "three"], "base": made / "base"}
    assert replay(report, made / "dare", **given).status == "agrees"  # type: ignore[arg-type]
    other = replay(report, made / "ties", **given)  # type: ignore[arg-type]
    assert other.status == "disagrees"
    with pytest.raises(InputError, match="has a base; give it"):
        replay(report, made / "dare", candidates=[made / "one", made / "three"])
    plain = share(made / "dare", [made / "one"], created=CREATED)
    with pytest.raises(InputError, match="has no base"):
        replay(plain, made / "dare", candidates=[made / "one"], base=made / "base")


IMPOSSIBLE: dict[str, Callable[[dict[str, Any]], object]] = {
    "counts more": lambda r: r["changes"]["tensors"][3].update(told=10**6),
    "without a weight": lambda r: r["changes"]["tensors"][3]["sums"][0].update(weights=[]),
    "not of its 2 candidates": lambda r: r["changes"]["tensors"][3]["sums"][0].update(candidates=[9]),
    "changes of 3 candidates": lambda r: r["candidates"].pop(),
    "though a base is given": lambda r: r["candidates"][0].update(relatives=[2]),
}


@pytest.mark.parametrize("told", IMPOSSIBLE)
def test_a_record_that_could_not_be_is_refused(made: Path, told: str) -> None:
    content = json.loads(of(made, "dare", "one", "three").to_json())
    IMPOSSIBLE[told](content)
    if told == "changes of 3 candidates":
        content["candidates"].append(content["candidates"][0])
        content["candidates"].append(content["candidates"][0])
    with pytest.raises((ReportError, ValueError)):
        ShareReport.model_validate(content)


@pytest.mark.parametrize("form", [name for name, form in FORMATS.items() if not form.claims_only and name != "pdf"])
def test_every_format_has_the_changes(made: Path, form: str) -> None:
    report = of(made, "dare", "one", "two", "three")
    text = report.to(form).decode()
    assert "1.2" in text
    assert form == "json" or "Least squares" in text
    rows = report.to_dicts()
    assert [row["held"] for row in rows] == [14, 14, 0]
    assert sum(row["held"] == ("A1", "A2") for row in report.to_tensor_dicts()) == 14
    assert report.to_layer_dicts() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("residual", -5.0),
        ("cosines[0][0]", 7.0),
        ("numbers[1].near", -3.0),
        ("inflation[0]", 0.5),
        ("tensors[0].residual", 2.0),
        ("tensors[0]", "twice"),
        ("tensors[0].own", "twice"),
        ("tensors[0].sums[0].agree", "more"),
    ],
)
def test_numbers_that_could_not_be_are_found_from_the_record_alone(
    made: Path, tmp_path: Path, field: str, value: Any
) -> None:
    content = json.loads(of(made, "dare", "one", "two").to_json())
    content["changes"]["tensors"] = [one for one in content["changes"]["tensors"] if one["sums"]]
    (tmp_path / "report.json").write_bytes(sealed(content))
    assert replay(tmp_path / "report.json").agrees
    first, *_ = content["changes"]["tensors"]
    if field == "tensors[0]":
        value = content["changes"]["tensors"][1]
    elif value == "twice":
        value = first["own"][:1] * 2
    elif value == "more":
        value, first["changed"], first["entries"] = first["explained"] + 1, first["entries"], first["entries"]
    (tmp_path / "report.json").write_bytes(sealed(changed(content, f"$.changes.{field}", value)))
    assert replay(tmp_path / "report.json").status == "disagrees"


def test_the_command_takes_a_base(run: Run, made: Path, tmp_path: Path) -> None:
    given = ("share", made / "dare", made / "one", made / "three", "--base", made / "base")
    answer = run(*given, "-o", tmp_path / "page")
    assert (answer.status, answer.err) == (0, "")
    assert "CHANGES FOUND" in answer.out
    models = (
        "--a",
        made / "dare",
        "--candidate",
        made / "one",
        "--candidate",
        made / "three",
        "--base",
        made / "base",
    )
    assert run("replay", tmp_path / "page" / "report.json", *models).status == 0
    assert run(*given, "--fail-on", "changes_in_part").status == 3
    check_refused(run("share", made / "stranger", made / "one", "--base", made / "base"), "does not look like")


def test_sums_are_plain_numbers() -> None:
    numbers = Numbers(np.array([1.0, 2.0]), np.array([[2.0, 4.0]]), np.ones(2), np.full(2, 0.1), 0.0)
    miss, bound = residuals(numbers, Sum((0,), (0.5,)))
    assert miss.tolist() == [0, 0]
    assert bound == pytest.approx([0.1, 0.1])
