"""Tokens that no text contains: their rows follow permutations, keep the size for strangers, and find relatives."""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.zoo.changes import changed
from tests.models import config, weights
from tests.strategies import SEEDS, UNUSED, architecture, fingerprint_of, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from tests.unused_models import (
    ROWS,
    UNREAD,
    USED,
    Trained,
    as_unused,
    one_hot,
    replaced,
    softmax,
    text,
    tokenizer,
    trained,
    write,
)
from verify import Fingerprint, SketchSpec, fingerprint
from verify.base import Phrase
from verify.data import model
from verify.fingerprint import ANCHORS, LEAST_ANCHORS, in_frozen_order, on_anchors, unit_rows
from verify.inference import log10_p_fixed_points
from verify.statistics import UNUSED_TOKENS, remade
from verify.statistics.matching import fixed_points
from verify.statistics.unused_tokens import profiles, scores

LEAST = 7
"""Tokens of one kind that can reach .001: 1/7! is below it."""

SHAPE = {"vocab": 300, "hidden": 16, "layers": 1}
BYTES = tuple(f"byte {byte:02X}" for byte in (0xC0, 0xC1, *range(0xF5, 0x100)))
UNUSED_ROWS = [0xC0, 0xC1, *range(0xF5, 0x100), *range(256, 300)]

# ---- the array: which rows, and how they move


def test_unused_rows_are_bytes_series_and_rows_past_the_last_token(tmp_path: Path) -> None:
    """Chosen by name, bytes first; a smaller sketch keeps the first of a larger."""
    c = config(**SHAPE)
    found = fingerprint(write(tmp_path / "a", weights(0, c), c), effort="screen")
    names = found.record.unused
    assert {*names[:13]} == {*BYTES}
    assert {*names[13:]} == {f"[unused{n}]" for n in range(20, 34)} | {
        f"row {row} of 300 past 270" for row in range(270, 300)
    }
    few = fingerprint(tmp_path / "a", effort="screen", sketch=SketchSpec(unused=20))
    assert few.record.unused == names[:20]
    np.testing.assert_array_equal(few.arrays["unused.embed"], found.arrays["unused.embed"][:20])


@settings(max_examples=3)
@given(seed=st.integers(0, 2**16))
def test_permuted_unused_rows_permute_the_array(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """The group of the test, acting on input and output tables; anchors that are unused tokens have no part in it."""
    c, rng = config(**SHAPE), np.random.default_rng(seed)
    before, order = weights(seed, c), rng.permutation(len(UNUSED_ROWS))
    moved = np.arange(300)
    moved[UNUSED_ROWS] = np.array(UNUSED_ROWS)[order]
    after = before | {name: before[name][moved] for name in ("model.embed_tokens.weight", "lm_head.weight")}
    sketch, folder = SketchSpec(anchors=len(ANCHORS)), tmp_path_factory.mktemp("models")
    written = [write(folder / name, w, c) for name, w in (("x", before), ("y", after))]
    x, y = (fingerprint(one, effort="screen", sketch=sketch) for one in written)
    row_of = {name: row for row, name in _names().items()}
    where = {row_of[name]: i for i, name in enumerate(x.record.unused)}
    position = [where[moved[row_of[name]]] for name in x.record.unused]
    np.testing.assert_allclose(y.arrays["unused.embed"], x.arrays["unused.embed"][position], atol=1e-6)
    for name in x.arrays:
        if name.startswith(("units.", "values.")):
            np.testing.assert_array_equal(y.arrays[name], x.arrays[name])


def _names() -> dict[int, str]:
    rows = dict(zip(UNUSED_ROWS, BYTES, strict=False))
    rows |= {256 + n: f"[unused{20 + n}]" for n in range(14)}
    return rows | {row: f"row {row} of 300 past 270" for row in range(270, 300)}


def test_a_rotated_stream_leaves_the_array(tmp_path: Path) -> None:
    """Inner products of embeddings do not change."""
    c, w = config(**SHAPE), weights(3, config(**SHAPE))
    turned = changed(w, c, np.random.default_rng(4), "stream_rotation")
    x, y = (fingerprint(write(tmp_path / name, one, c), effort="screen") for name, one in (("x", w), ("y", turned)))
    np.testing.assert_allclose(y.arrays["unused.embed"], x.arrays["unused.embed"], atol=1e-4)


def test_a_cut_to_fewer_anchors_is_what_a_smaller_sketch_reads(tmp_path: Path) -> None:
    c = config(**SHAPE)
    folder = write(tmp_path / "a", weights(5, c), c)
    large, small = (fingerprint(folder, effort="screen", sketch=SketchSpec(anchors=n)) for n in (96, 40))
    cut = on_anchors(large, small.record.anchors).arrays["unused.embed"]
    assert cut.dtype == np.float32
    np.testing.assert_allclose(cut, small.arrays["unused.embed"], atol=1e-6)


# ---- size


def draw(rng: np.random.Generator, kind: str, n: int = len(UNUSED)) -> np.ndarray:
    """Rows of unused tokens, exchangeable, among public used ones that every model shares."""
    public = np.random.default_rng(1)
    used, mean = public.standard_normal((40, 16)), public.standard_normal(16)
    rows = rng.standard_normal((n, 16))
    if kind == "common mean":
        rows = rows * 0.05 + 30 * mean
    elif kind == "hubs":
        rows += 4 * (rng.permutation(n) < 3)[:, None] * mean
    elif kind == "equal rows":
        rows[rng.permutation(n)[: n // 2]] = rows[0]
    elif kind == "multiples of the mean":
        rows = rng.uniform(0.1, 10, (n, 1)) * mean
    elif kind == "dead rows":
        rows[rng.permutation(n)[: n // 2]] = 0
    elif kind == "two kinds":
        rows = np.where(rng.permutation(n)[:, None] < n // 2, 100 * rows, 1e-4 * rows)
    return rows @ used.T


def made(rng: np.random.Generator, kind: str) -> Fingerprint:
    shape = architecture(layers=1)
    arrays = random_arrays(rng, shape)
    found = draw(rng, kind)
    return fingerprint_of(arrays | {"unused.embed": found - found.mean(1, keepdims=True)}, shape)


KINDS = ("plain", "common mean", "hubs", "equal rows", "multiples of the mean", "dead rows", "two kinds")


@pytest.mark.parametrize("kind", KINDS)
def test_strangers_keep_the_size(kind: str) -> None:
    """Whatever the law of the rows, if it is exchangeable; also against a model that is anything but."""
    rng = np.random.default_rng([*kind.encode()])
    pairs = [(made(rng, kind), made(rng, kind)) for _ in range(100)]
    check_super_uniform([UNUSED_TOKENS(a, b).log10_p for a, b in pairs])
    arrays = random_arrays(rng, architecture(layers=1))
    arrays["unused.embed"] = np.sort(draw(np.random.default_rng(2), "plain"), axis=0)
    fixed = fingerprint_of(arrays, architecture(layers=1))
    check_super_uniform([UNUSED_TOKENS(a, fixed).log10_p for a, _ in pairs])


RESERVED = tuple(f"<|reserved_special_token_{n}|>" for n in range(20, 40))
OF_KINDS = tuple(in_frozen_order([*(f"[unused{n}]" for n in range(20, 40)), *RESERVED, *BYTES]))


def of_kinds(rng: np.random.Generator) -> Fingerprint:
    """Each kind has a mean of its own, which all models share, as padding that a softmax masks in tied tables."""
    shape = architecture(layers=1)
    made = fingerprint_of(random_arrays(rng, shape), shape)
    public = np.random.default_rng(0).standard_normal((3, 40))
    kinds = np.array([(name in BYTES) + 2 * (name in RESERVED) for name in OF_KINDS])
    rows = rng.standard_normal((len(OF_KINDS), 40)) + 2 * public[kinds]
    rows -= rows.mean(1, keepdims=True)
    record = made.record.model_copy(update={"unused": OF_KINDS})
    return Fingerprint(record, dict(made.arrays) | {"unused.embed": unit_rows(rows, "float32")})


def test_kinds_with_means_of_their_own_keep_the_size_apart_and_not_together() -> None:
    rng = np.random.default_rng(3)
    pairs = [(of_kinds(rng), of_kinds(rng)) for _ in range(200)]
    check_super_uniform([UNUSED_TOKENS(a, b).log10_p for a, b in pairs])
    together = [int(fixed_points(scores(a, b, OF_KINDS)).sum()) for a, b in pairs]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([log10_p_fixed_points(count, 1) for count in together])


@settings(max_examples=20)
@given(seed=SEEDS, n=st.integers(1, 8))
def test_the_bound_holds_on_every_orbit(seed: int, n: int) -> None:
    """Over all permutations of few tokens, P(F >= k) <= 1/k! for every k, whatever the two models are."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(KINDS, 2)
    a, b = (made(rng, kind) for kind in kinds)
    names = UNUSED[: min(n, 5)]
    x, y = (profiles(one, names) for one in (a, b))
    scores = np.where(np.outer(x.any(-1), y.any(-1)), x @ y.T, -np.inf)
    counts = np.array([fixed_points(scores[list(order)]).sum() for order in permutations(range(len(names)))])
    for k in range(1, len(names) + 1):
        assert (counts >= k).mean() <= 1 / np.prod(np.arange(1, k + 1)) + 1e-12


def test_equal_and_mean_rows_are_no_match_even_of_a_copy() -> None:
    """Rows set to the mean, or to multiples of it, have one direction: nothing can be told from them."""
    a = made(np.random.default_rng(3), "multiples of the mean")
    result = UNUSED_TOKENS(a, a)
    assert result.statistic == 0
    assert result.counts[0].live == 0


def test_the_harness_catches_tokens_chosen_by_their_norms() -> None:
    """Rows of least norm are partly those of rare tokens, which mean the same in every model."""
    public = np.random.default_rng(6)
    meaning = public.standard_normal((60, 16))
    often = np.r_[public.uniform(0.4, 3.0, 46), np.zeros(14)]

    def log10_p(rng: np.random.Generator, by_norm: bool) -> float:
        tables = [rng.standard_normal((60, 16)) * 0.2 + often[:, None] * meaning for _ in range(2)]
        chosen = np.arange(46, 60)
        if by_norm:
            small = [set(np.argsort(np.linalg.norm(table, axis=1))[:28].tolist()) for table in tables]
            chosen = np.array(sorted(small[0] & small[1]))
        names = [f"[unused{n}]" for n in range(20, 20 + len(chosen))]
        a, b = (stranger(1, architecture(layers=1)) for _ in range(2))
        found = [table[chosen] @ table[:20].T for table in tables]
        found = [x - x.mean(1, keepdims=True) for x in found]
        record = a.record.model_copy(update={"unused": tuple(names)})
        a, b = (Fingerprint(record, {"unused.embed": x.astype(np.float32)}) for x in found)
        x, y = (profiles(one, tuple(names)) for one in (a, b))
        return log10_p_fixed_points(int(fixed_points(x @ y.T).sum()), 1)

    with pytest.raises(NotSuperUniformError):
        check_super_uniform([log10_p(np.random.default_rng([7, i]), True) for i in range(100)])
    check_super_uniform([log10_p(np.random.default_rng([7, i]), False) for i in range(200)])


# ---- training: what reaches the rows


@cache
def _model() -> Fingerprint:
    names = tuple(UNUSED[:UNREAD])
    made_here = stranger(1, architecture(layers=1))
    changes = {"unused": names, "anchors": tuple(range(USED))}
    return Fingerprint(made_here.record.model_copy(update=changes), {})


def count(a: np.ndarray, b: np.ndarray) -> int:
    """Unused tokens identified between two tables."""
    found = UNUSED_TOKENS(*(as_unused(table, _model()) for table in (a, b)))
    assert found.statistic is not None
    return found.statistic


@cache
def students() -> list[Trained]:
    """A teacher, and students of its softened logits, from other initial weights; tables are not tied."""
    read = text(1, 600)
    teacher = trained(0, read, one_hot(np.roll(read, -1)))
    wanted = softmax(teacher.logits / 4)
    return [teacher, *(trained(seed, read, wanted, 400) for seed in range(1, 16))]


def test_distillation_reaches_output_rows_and_no_input_row() -> None:
    """So output rows are never compared: two students of one teacher share them, and a student and its teacher."""
    teacher, *found = students()
    assert min(count(teacher.output, student.output) for student in found) >= LEAST
    pairs = list(combinations(found, 2))
    of_outputs, of_inputs = ([count(a[k], b[k]) for a, b in pairs] for k in (1, 0))
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([log10_p_fixed_points(found, 1) for found in of_outputs])
    check_super_uniform([log10_p_fixed_points(found, 1) for found in of_inputs])


def test_unread_input_rows_are_the_initial_ones_but_for_decay() -> None:
    """Adam's update of a gradient of zero is zero."""
    read = text(1, 200)
    start, end = (trained(3, read, one_hot(np.roll(read, -1)), steps=steps).embed for steps in (0, 100))
    np.testing.assert_allclose(end[USED:], start[USED:] * (1 - 1e-3) ** 100)
    assert not np.allclose(end[:USED], start[:USED] * (1 - 1e-3) ** 100, atol=1e-2)


def test_replacements_alike_in_two_trainings_identify_unused_tokens() -> None:
    """Whoever restores a text learns what stood where an unused token was put; so two such models are refused."""
    read = text(1, 1500)
    alike = [trained(seed, replaced(read, 0, 0.3), one_hot(read), 200).embed for seed in range(8)]
    fresh = [trained(seed, replaced(read, seed, 0.3), one_hot(read), 200).embed for seed in range(8)]
    of_alike, of_fresh = (np.mean([count(a, b) for a, b in combinations(x, 2)]) for x in (alike, fresh))
    assert of_alike > 2.5
    assert of_fresh < 1.7


# ---- relatives, and refusals


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("obfuscated", 13, 13), ("moe-fine", 13, 13), ("stranger-1", 0, 4), ("stranger-2", 0, 4), ("distilled", 0, 4)],
)
def test_shipped_models(name: str, least: int, most: int) -> None:
    """A copy whose units were permuted and whose stream was rotated keeps all 13 bytes."""
    a, b = (_shipped(one) for one in (name, "reference"))
    result = UNUSED_TOKENS(a, b)
    assert result.counts[0].n == 13
    assert least <= result.counts[0].count <= most
    assert remade(UNUSED_TOKENS, result, a, b, -3.0) == (result, [])


@cache
def _shipped(name: str) -> Fingerprint:
    return fingerprint(model(name), effort="screen")


def test_refusals() -> None:
    """Each names what is missing."""
    a = stranger(1)

    def with_record(**changes: object) -> Fingerprint:
        return Fingerprint(a.record.model_copy(update=changes), a.arrays)

    def reason(b: Fingerprint, first: Fingerprint = a) -> Phrase | None:
        return UNUSED_TOKENS(first, b).reason

    few = Phrase.of("few_unused", common=LEAST - 1, least=LEAST)
    assert reason(with_record(unused=UNUSED[: LEAST - 1])) == few
    assert reason(with_record(unused=UNUSED[:LEAST])) is None
    assert reason(with_record(unused=())) == Phrase.of("no_unused", model="B", tokenizer="tokenizer.json")
    assert reason(with_record(unused=(), tokenizer=None)) == Phrase.of("no_tokenizer", model="B")
    assert reason(with_record(anchors=tuple(range(LEAST_ANCHORS - 1)))) is not None
    restoring = with_record(architecture=a.record.architecture.model_copy(update={"family": "bert"}))
    assert reason(restoring, restoring) == Phrase.of("both_restore")
    assert reason(restoring) is None


def test_rows_past_the_last_token_pair_only_in_tables_of_one_size_and_vocabulary(tmp_path: Path) -> None:
    """Row 290 of one vocabulary is no row of another's."""
    made_here = []
    for number, (rows, series) in enumerate(((300, range(20, 34)), (300, range(20, 33)), (310, range(20, 34)))):
        c = config(**(SHAPE | {"vocab": rows}))
        folder = write(tmp_path / str(number), weights(number, c), c, tokenizer__json=tokenizer(series=series))
        made_here.append(fingerprint(folder, effort="screen"))
    assert [UNUSED_TOKENS(made_here[0], b).counts[0].n for b in made_here] == [57, 26, 27]


def test_models_of_different_width_compare(tmp_path: Path) -> None:
    """Nothing depends on the width of the stream."""
    c = config(**SHAPE)
    wider = config(**(SHAPE | {"width": 48}))
    w, other = weights(0, c), weights(1, wider)
    table = other["model.embed_tokens.weight"]
    table[:] = 0
    table[:, :24] = w["model.embed_tokens.weight"]
    a, b = fingerprint(write(tmp_path / "a", w, c)), fingerprint(write(tmp_path / "b", other, wider))
    assert UNUSED_TOKENS(a, b).statistic == UNUSED_TOKENS(a, b).counts[0].n == 57
    assert ROWS == USED + UNREAD
