"""What was done to a checkpoint is named to the bit, nothing else is, and strangers are given no rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from safetensors.numpy import save_file

from schemas.__main__ import HERE
from tests import commands
from tests.commands import Run, check_refused
from tests.converted import Kind, write_shipped
from tests.models import child, config, weights, write
from tests.reports import CREATED, changed, sealed
from verify import DerivationReport, InputError, ReportError, derivation, fingerprint, replay
from verify.data import model
from verify.derivations import pair
from verify.derivations.casts import nearest, toward_zero
from verify.derivations.check import Block
from verify.derivations.factor import Factor
from verify.derivations.low_rank import low_rank
from verify.derivations.merged import MERGES, Merged
from verify.derivations.pair import lost
from verify.derivations.pruned import Pruned
from verify.derivations.quantisers import FP4, NF4, absmax, four_bit, llm_int8, q8_0, signed
from verify.derivations.record import Outcome
from verify.render import FORMATS
from verify.replay import Replay

run = commands.run
Array = NDArray[Any]
Tensors = dict[str, Array]
C = config(layers=3, width=32, hidden=64, heads=4, kv_heads=2)
FIRST, UP = "model.embed_tokens.weight", "model.layers.1.mlp.up_proj.weight"
A = weights(0, C)


def matrices(function: Callable[[Array], Array], tensors: Tensors = A) -> Tensors:
    """Every matrix changed, vectors left."""
    return {name: function(x).astype(np.float32) if x.ndim > 1 else x for name, x in tensors.items()}


def compared(
    root: Path, a: Tensors, b: Tensors, dtype: str = "F32", third: Tensors | None = None
) -> DerivationReport:
    """The report of two models that are written first, B in a type."""
    paths = [write(root / "a", a, C), write(root / "b", b, C, dtype=dtype)]
    paths += [] if third is None else [write(root / "c", third, C)]
    found = derivation(*paths, created=CREATED)
    assert replay(found).agrees, replay(found).disagreements
    return found


def rules(found: DerivationReport) -> set[tuple[str | None, str]]:
    """Rules and settings of B's tensors, but for those of one value."""
    return {
        (None, "") if one.rule is None else (one.rule.name, one.rule.setting)
        for one in found.tensors
        if not one.constant
    }


# ---- each operation is named, and nothing else


def pruned(keep: Callable[[Array], Array]) -> Tensors:
    return matrices(lambda x: x * keep(x))


def two_of_four(x: Array) -> Array:
    order = np.abs(x).reshape(-1, 4).argsort(-1).argsort(-1)
    return (order >= 2).reshape(x.shape)


def drawn(x: Array) -> Array:
    return np.random.default_rng(x.size).random(x.shape) < 0.6


PRUNED: dict[str, tuple[Callable[[Array], Array], str, Outcome]] = {
    "of the tensor": (lambda x: np.abs(x) > np.quantile(np.abs(x), 0.4), "smallest of the tensor", "b_from_a"),
    "of rows": (
        lambda x: np.abs(x) > np.quantile(np.abs(x), 0.4, axis=-1, keepdims=True), "smallest of each row", "b_from_a",
    ),
    "2:4": (two_of_four, "2:4, smallest of each 4", "b_from_a"),
    "2:4 at places": (lambda x: np.tile([True, False], x.size // 2).reshape(x.shape), "2:4", "unresolved"),
    "drawn": (drawn, "", "unresolved"),
}  # fmt: skip


@pytest.mark.parametrize("kind", PRUNED)
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_zeros_are_named_with_what_decides_them(tmp_path: Path, kind: str, dtype: str) -> None:
    keep, setting, outcome = PRUNED[kind]
    a = {name: nearest(x, dtype) for name, x in A.items()}
    b = matrices(lambda x: x * keep(x), a)
    found = compared(tmp_path, a, b, dtype)
    by_name = {one.name: one for one in found.tensors}
    ties = dtype == "BF16" and kind == "2:4"  # of so many groups some have equal magnitudes, of which one was kept
    assert rules(found) >= {("equal", ""), ("pruned", setting)}
    assert rules(found) <= {("equal", ""), ("pruned", setting), *([("pruned", setting + ", but for ties")] * ties)}
    assert found.outcome == ("unresolved" if ties else outcome)
    up = by_name[UP]
    assert up.rule is not None
    assert up.rule.count == (b[UP] == 0).sum()
    assert up.equal == (b[UP] == a[UP]).sum()
    assert up.back is None


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
@pytest.mark.parametrize("widened", [False, True])
def test_rounding_is_named_and_excludes_the_way_back(tmp_path: Path, dtype: str, widened: bool) -> None:
    b = {name: x.astype(np.dtype(ml_dtypes.bfloat16 if dtype == "BF16" else "f2")).astype("f4")
         for name, x in A.items()}  # fmt: skip
    found = compared(tmp_path, A, b, "F32" if widened else dtype)
    assert rules(found) == {("rounded", dtype)}
    assert (found.outcome, found.a_from_b, found.missing_b) == ("b_from_a", False, 0)
    assert found.lost_a > 0
    assert found.lost_b == 0
    assert "no rule that gives equal numbers equal values restores" in found.answer.sentence
    assert "existed first" in found.answer.does_not_show
    turned = derivation(tmp_path / "b", tmp_path / "a", created=CREATED)
    assert (turned.outcome, turned.lost_b, turned.lost_a) == ("a_from_b", found.lost_a, 0)


def test_rounding_toward_zero_is_told_apart(tmp_path: Path) -> None:
    found = compared(tmp_path, A, {name: toward_zero(x, "BF16") for name, x in A.items()}, "BF16")
    assert rules(found) == {("truncated", "BF16")}
    assert found.outcome == "b_from_a"


@pytest.mark.parametrize("factor", [0.5, -1.0, 1.7, 0.17677669])
def test_a_factor_is_named(tmp_path: Path, factor: float) -> None:
    found = compared(tmp_path, A, {name: (x * np.float32(factor)).astype("f4") for name, x in A.items()})
    assert rules(found) == {("scaled", "")}
    assert all(one.rule is not None and one.rule.value == pytest.approx(factor, rel=1e-7) for one in found.tensors)
    assert found.outcome == ("unresolved" if factor in (1.7, 0.17677669) else "either")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("int8 by rows, scales F32", lambda x: absmax(x, 127, x.shape[-1], "F32")),
        ("int4 by runs of 32, scales F32", lambda x: absmax(x, 7, 32, "F32")),
        ("GGUF Q8_0", q8_0),
        ("GGUF Q4_0", lambda x: signed(x, 8)),
        ("LLM.int8() by rows", llm_int8),
        ("NF4 by runs of 64", lambda x: four_bit(x, NF4)),
        ("FP4 by runs of 64", lambda x: four_bit(x, FP4)),
    ],
)
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_grids_are_named(tmp_path: Path, name: str, function: Callable[[Array], Array], dtype: str) -> None:
    a = {n: nearest(x, dtype) if x.ndim == 1 else x for n, x in A.items()}
    b = {n: function(x) if x.ndim > 1 and not x.shape[-1] % 64 else x for n, x in a.items()}
    found = compared(tmp_path, a, b, dtype)
    down = [one for one in found.tensors if one.name.endswith("down_proj.weight")]
    assert {(one.rule.name, one.rule.setting) for one in down if one.rule is not None} == {("quantised", name)}
    assert all(one.back is None and one.lost_a for one in down)
    assert found.outcome == "b_from_a"


def test_rows_added_and_trimmed_are_named_with_what_they_exclude(tmp_path: Path) -> None:
    more = A | {name: np.concatenate([A[name], weights(5, C)[name][:7]]) for name in (FIRST, "lm_head.weight")}
    found = compared(tmp_path, A, more)
    by_name = {one.name: one for one in found.tensors}
    assert by_name[FIRST].rows == 7
    assert rules(found) == {("equal", "")}
    assert (found.outcome, found.missing_a, found.missing_b) == ("a_from_b", 2 * 7 * C.width, 0)
    turned = derivation(tmp_path / "b", tmp_path / "a", created=CREATED)
    assert (turned.outcome, turned.missing_b) == ("b_from_a", 2 * 7 * C.width)
    assert "rows that both have" in " ".join(row["what"] for row in turned.to_dicts())


def test_a_selection_of_rows_is_named(tmp_path: Path) -> None:
    at = np.arange(0, C.vocab, 2)
    found = compared(tmp_path, A, A | {name: A[name][at] for name in (FIRST, "lm_head.weight")})
    assert rules(found) == {("equal", ""), ("rows_chosen", "")}
    assert (found.outcome, found.missing_b) == ("b_from_a", 2 * (C.vocab - len(at)) * C.width)


def in_order(layers: list[int], tensors: Tensors = A) -> Tensors:
    """A model of these layers of another, in this order."""
    kept = {name: x for name, x in tensors.items() if ".layers." not in name}
    for new, old in enumerate(layers):
        at = f".layers.{old}."
        kept |= {name.replace(at, f".layers.{new}."): x for name, x in tensors.items() if at in name}
    return kept


@pytest.mark.parametrize("layers", [[0, 2], [0, 1, 1, 2], [2, 0, 1], [0, 1, 2, 0, 1, 2]])
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_layers_removed_copied_and_moved_are_mapped(tmp_path: Path, layers: list[int], dtype: str) -> None:
    found = compared(tmp_path, A, in_order(layers), dtype)
    assert found.layers == dict(enumerate(layers))
    assert rules(found) == {("equal", "") if dtype == "F32" else ("rounded", "BF16")}
    lossless = dtype == "F32" and len({*layers}) == 3
    assert found.outcome == ("either" if lossless else "b_from_a")
    if layers != [0, 1, 2]:
        assert ", ".join(f"{new} from {old}" for new, old in enumerate(layers)) in found.answer.count


def test_an_mlp_that_became_experts_is_named(tmp_path: Path) -> None:
    b = {name: x for name, x in A.items() if ".mlp." not in name}
    for name, x in A.items():
        if ".mlp." in name:
            b |= {name.replace(".mlp.", f".mlp.experts.{e}."): x for e in range(4)}
    stacked = {name: x for name, x in b.items() if ".experts." not in name}
    stacked |= {name.replace(".mlp.", ".mlp.experts."): np.stack([x] * 4) for name, x in A.items() if ".mlp." in name}
    b |= {f"model.layers.{n}.mlp.gate.weight": weights(n + 20, C)[FIRST][:4] for n in range(3)}
    found = compared(tmp_path / "apart", A, b)
    assert {one.of for one in found.tensors} == {*A}
    assert rules(found) == {("equal", "")}
    assert [one.name for one in found.alone_b] == [f"model.layers.{n}.mlp.gate.weight" for n in range(3)]
    assert (found.outcome, found.missing_a) == ("a_from_b", 3 * 4 * C.width)
    whole = compared(tmp_path / "stacked", A, stacked)
    assert rules(whole) == {("equal", ""), ("repeated", "")}
    assert whole.outcome == "either"


@pytest.mark.parametrize("rank", [1, 4])
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_a_difference_of_low_rank_is_named_and_settles_no_order(tmp_path: Path, rank: int, dtype: str) -> None:
    rng = np.random.default_rng(rank)

    def more(x: Array) -> Array:
        return x + 0.3 * rng.standard_normal((x.shape[0], rank)) @ rng.standard_normal((rank, x.shape[1]))

    a = {name: nearest(x, dtype) for name, x in A.items()}
    found = compared(tmp_path, a, matrices(more, a), dtype)
    low = [one for one in found.tensors if one.rule is not None and one.rule.name == "low_rank"]
    assert {one.name for one in low if one.rule is not None and one.rule.count == rank} == {
        name for name, x in A.items() if x.ndim > 1 and min(x.shape) >= 16
    }
    assert found.outcome == "unresolved"


def test_a_change_of_full_rank_has_no_rule(tmp_path: Path) -> None:
    for seed, size in enumerate((0.001, 0.1, 1.0)):
        found = compared(tmp_path / str(seed), A, child(A, 40 + seed, size))
        assert {one.rule for one in found.tensors if A[one.name].ndim > 1} == {None}


@pytest.mark.parametrize("weight", [0.5, 0.3, 0.123])
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_a_merge_with_a_third_is_named_by_its_weight(tmp_path: Path, weight: float, dtype: str) -> None:
    other = weights(3, C)
    b = {
        name: (weight * x.astype("f8") + (1 - weight) * other[name].astype("f8")).astype("f4")
        for name, x in A.items()
    }
    found = compared(tmp_path, A, b | {FIRST: other[FIRST]}, dtype, third=other)
    assert rules(found) == {("merged", ""), ("of_third", "")}
    assert {one.rule.value for one in found.tensors if one.rule is not None and one.name != FIRST} == {weight}
    assert found.with_third
    assert found.outcome == "unresolved"
    assert "from A and C together" in found.answer.sentence
    stranger = compared(tmp_path / "stranger", A, weights(8, C), dtype, third=other)
    assert rules(stranger) == {(None, "")}


def test_a_tensor_that_both_have_once_or_twice_is_not_missing(tmp_path: Path) -> None:
    """A table of tokens that is stored again as the head: left out, it is held in the other tensor."""
    tied = A | {"lm_head.weight": A[FIRST]}
    found = compared(tmp_path, tied, {name: x for name, x in tied.items() if name != "lm_head.weight"})
    assert [(one.name, one.held_in) for one in found.alone_a] == [("lm_head.weight", FIRST)]
    assert (found.outcome, found.missing_b) == ("either", 0)


def test_frozen_tensors_are_named_and_settle_nothing(tmp_path: Path) -> None:
    tuned = child(A, 41, 0.01)
    found = compared(tmp_path, A, A | {UP: tuned[UP]})
    assert {one.name for one in found.tensors if one.rule is None} == {UP}
    assert found.outcome == "unresolved"
    assert "are equal in unrelated models" in found.answer.does_not_show


@pytest.mark.parametrize("way", range(len(MERGES)))
def test_merges_are_met_in_the_arithmetic_of_tools(tmp_path: Path, way: int) -> None:
    """In bfloat16, as torch computes it: by way of float32, each product rounded."""
    a, other = ({name: nearest(x, "BF16") for name, x in weights(seed, C).items()} for seed in (0, 3))
    b = {name: MERGES[way](0.3, x, other[name], "BF16") for name, x in a.items()}
    found = compared(tmp_path, a, b, "BF16", third=other)
    of = {one.name: one.rule for one in found.tensors if A[one.name].ndim > 1}
    assert all(rule is not None and rule.value == pytest.approx(0.3, rel=2**-7) for rule in of.values())


def test_low_bits_that_are_added_fool_it_as_is_said(tmp_path: Path) -> None:
    """A file made from B by digits that rounding loses looks as B's original: it is never said which was first."""
    held = {name: nearest(x, "BF16") for name, x in A.items()}
    forged = {name: (x * (1 + np.float32(2**-12))).astype("f4") for name, x in held.items()}
    rng = np.random.default_rng(0)
    forged = {name: x + x * rng.uniform(-(2**-11), 2**-11, x.shape).astype("f4") for name, x in forged.items()}
    found = compared(tmp_path, forged, held, "BF16")
    assert (found.outcome, rules(found)) == ("b_from_a", {("rounded", "BF16")})
    assert "Digits can be added to a file" in found.answer.does_not_show
    assert "existed first" in found.answer.does_not_show


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_numbers_that_are_not_finite_or_too_large_are_as_any_others(tmp_path: Path, dtype: str) -> None:
    """What is no number is equal to another; what float16 cannot hold is infinite there."""
    odd = np.array([np.nan, np.inf, -np.inf, 1e38, -70000.0, 1e-40, -0.0, 0.0], "f4")
    a = A | {UP: np.concatenate([odd, A[UP].ravel()[len(odd) :]]).reshape(A[UP].shape)}
    with np.errstate(all="ignore"):
        found = compared(tmp_path, a, a, dtype, third=weights(3, C))
        expected = ("equal", "") if dtype == "F32" else ("rounded", dtype)
        assert rules(found) == {expected}
        strangers = compared(tmp_path / "strangers", a, weights(1, C) | {UP: -a[UP]}, dtype, third=weights(3, C))
    by_name = {one.name: one.rule for one in strangers.tensors}
    assert {rule for name, rule in by_name.items() if name != UP} == {None}


def test_nothing_follows_where_a_tensor_is_not_read(tmp_path: Path) -> None:
    """Bytes that are the same in both are as good as equal numbers; a tensor in an unknown form may hold anything."""
    mask, packed = np.tri(8, dtype=np.uint8), np.arange(64, dtype=np.uint8).reshape(8, 8)

    def store(name: str, tensors: Tensors) -> Path:
        folder = write(tmp_path / name, A, C)
        save_file(tensors, folder / "model.safetensors")
        return folder

    rest = {name: x for name, x in A.items() if name != UP}
    whole = store("whole", A | {"model.mask": mask})
    assert derivation(whole, store("same", A | {"model.mask": mask}), created=CREATED).outcome == "equal"
    found = derivation(whole, store("packed", rest | {"model.packed": packed}), created=CREATED)
    assert found.not_read == ("A: model.mask", "B: model.packed")
    assert found.outcome == "unresolved"
    assert "not stored as floating-point numbers" in found.limitations[0]
    assert derivation(whole, store("dropped", rest), created=CREATED).outcome == "b_from_a"


# ---- what both files hold excludes no order, and what agrees by luck is no rule


def stored(root: Path, a: Tensors, b: Tensors) -> DerivationReport:
    """The report of two files of tensors."""
    for name, tensors in (("a", a), ("b", b)):
        root.mkdir(exist_ok=True)
        save_file({key: np.ascontiguousarray(x) for key, x in tensors.items()}, root / f"{name}.safetensors")
    return derivation(root / "a.safetensors", root / "b.safetensors", created=CREATED)


W = np.random.default_rng(7).standard_normal((64, 32)).astype("f4")
HEAD = np.random.default_rng(8).standard_normal((48, 32)).astype("f4")


def test_a_tensor_that_the_other_holds_elsewhere_is_not_lost(tmp_path: Path) -> None:
    """A table in 16 bits and the head, tied to it, in 32: both give the file that has both in 32."""
    fine = {"embed.weight": W, "head.weight": W, "layer.weight": HEAD}
    mixed = fine | {"embed.weight": W.astype(ml_dtypes.bfloat16)}
    for at, (a, b) in enumerate(((fine, mixed), (mixed, fine))):
        found = stored(tmp_path / str(at), a, b)
        assert (found.outcome, found.lost_a, found.lost_b) == ("either", 0, 0)
    one = stored(tmp_path / "fine", fine, mixed).tensors[0]
    assert (one.name, one.back, one.held_in) == ("embed.weight", None, "head.weight")


def test_a_stack_of_copies_of_what_the_other_holds_is_not_missing(tmp_path: Path) -> None:
    found = stored(tmp_path, {"w": W, "experts": np.stack([W, W, W])}, {"w": W})
    assert [(one.name, one.held_in) for one in found.alone_a] == [("experts", "w")]
    assert (found.outcome, found.missing_b) == ("either", 0)
    assert stored(tmp_path, {"w": W, "experts": np.stack([W, W, -W])}, {"w": W}).outcome == "b_from_a"


@pytest.mark.parametrize(("pad", "outcome"), [
    (np.zeros((8, 32), "f4"), "either"), (W[:8], "either"), (np.full((8, 32), 0.5, "f4"), "either"),
    (W[:8] + np.float32(1), "b_from_a"),
])  # fmt: skip
def test_rows_that_say_nothing_are_not_missing(tmp_path: Path, pad: Array, outcome: Outcome) -> None:
    """A vocabulary that was padded, or whose rows are given twice."""
    more = {"embed.weight": np.vstack([W, pad]), "layer.weight": HEAD, "bias": np.append(W[0], np.zeros(8, "f4"))}
    found = stored(tmp_path / "cut", more, {"embed.weight": W, "layer.weight": HEAD, "bias": W[0]})
    assert (found.outcome, found.missing_b) == (outcome, 256 * (outcome == "b_from_a"))
    turned = derivation(tmp_path / "cut/b.safetensors", tmp_path / "cut/a.safetensors", created=CREATED)
    assert turned.outcome == ("either" if outcome == "either" else "a_from_b")


@pytest.mark.parametrize("name", ["h.0.attn.bias", "odd.mask", "layers.0.self_attn.rotary_emb.inv_freq"])
def test_tables_that_a_formula_fills_are_not_missing(tmp_path: Path, name: str) -> None:
    table = (
        np.tril(np.ones((1, 1, 64, 64), "f4"))
        if "inv" not in name
        else (10000 ** -np.arange(0, 1, 1 / 16)).astype("f4")
    )
    rest = {"embed.weight": W, "layer.weight": HEAD}
    found = stored(tmp_path / "with", rest | {name: table}, rest)
    assert (found.outcome, found.missing_b, found.alone_a[0].table) == ("unresolved", 0, True)
    assert stored(tmp_path / "learned", rest | {"other.weight": W + np.float32(1)}, rest).outcome == "b_from_a"


def test_short_rows_and_small_tensors_agree_by_luck(tmp_path: Path) -> None:
    """Rows of two coarse numbers of one stranger are rows of another; small tensors are equal in many."""
    rng = np.random.default_rng(0)
    a, b = (np.round(4 * rng.standard_normal((rows, 2))).astype("f4") for rows in (60000, 300))
    assert stored(tmp_path / "rows", {"score.weight": a}, {"score.weight": b}).outcome == "no_rule"
    pair = np.array([0, 1], "f4")
    found = stored(tmp_path / "small", {"scale": pair, "w": W}, {"scale": pair, "w": np.zeros_like(W)})
    assert found.outcome == "unresolved"


def emptied(x: Array) -> Array:
    """One of four, and none of some fours."""
    groups = np.abs(x).reshape(-1, 4)
    keep: Array = groups == groups.max(-1, keepdims=True)
    return np.asarray(keep & (np.random.default_rng(1).random((len(groups), 1)) < 0.6)).reshape(x.shape)


@pytest.mark.parametrize(("keep", "setting"), [
    (lambda x: np.random.default_rng(1).random((len(x), 1)) < 0.6, ""),
    (lambda x: np.arange(x.shape[1]) >= np.arange(len(x))[:, None] % 20, ""),  # of sorted rows: other numbers of each
    (emptied, "1:4"),
])  # fmt: skip
def test_zeros_that_other_counts_decide_are_not_computed(
    tmp_path: Path, keep: Callable[[Array], Array], setting: str
) -> None:
    """Rows or groups that were emptied, or lost different numbers, are a list that the numbers before do not tell."""
    x = np.sort(np.abs(W), axis=-1)
    found = stored(tmp_path / "pruned", {"w": x, "v": HEAD}, {"w": x * keep(x), "v": HEAD})
    by_name = {one.name: one.rule for one in found.tensors}
    rule = by_name["w"]
    assert rule is not None
    assert (rule.name, rule.setting, rule.by_size) == ("pruned", setting, False)
    assert found.outcome == "unresolved"


def test_what_is_no_number_decides_no_zeros(tmp_path: Path) -> None:
    x = W.copy()
    x[0, 0] = np.nan
    keep = np.random.default_rng(1).random(x.shape) < 0.6
    keep[0, 0] = True
    found = stored(tmp_path / "pruned", {"w": x}, {"w": np.where(keep, x, 0).astype("f4")})
    assert found.outcome == "unresolved"


# ---- properties


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from(["F32", "F16", "BF16"]), st.sampled_from(["F32", "F16", "BF16"]))
def test_strangers_are_given_no_rule(tmp_path_factory: pytest.TempPathFactory, seed: int, x: str, y: str) -> None:
    """Whatever their types; equal vectors of one value, as norms begin, tell nothing."""
    root = tmp_path_factory.mktemp("strangers")
    ones = {name: np.ones_like(one) for name, one in A.items() if one.ndim == 1}
    a = write(root / "a", weights(seed, C) | ones, C, dtype=x)
    b = write(root / "b", weights(seed + 1, C) | ones, C, dtype=y)
    found = derivation(a, b, created=CREATED)
    assert found.outcome == "no_rule"
    assert rules(found) == {(None, "")}
    assert all(one.equal < 0.05 * one.compared for one in found.tensors if not one.constant)


@pytest.mark.parametrize("of", ["integers", "signs", "powers", "near one"])
def test_strangers_of_few_values_are_given_no_rule(tmp_path: Path, of: str) -> None:
    """Numbers on a common grid, as quantised models hold: equal ones are many, and no rule fits."""

    def coarse(seed: int) -> Tensors:
        rng = np.random.default_rng(seed)
        draw: Callable[[tuple[int, ...]], Array] = {
            "integers": lambda s: rng.integers(-7, 8, s) / 8,
            "signs": lambda s: rng.choice([-1.0, 1.0], s),
            "powers": lambda s: np.exp2(rng.integers(-3, 3, s)) * rng.choice([-1.0, 1.0], s),
            "near one": lambda s: 1 + rng.integers(-2, 3, s) / 128,
        }[of]
        return {name: draw(x.shape).astype("f4") for name, x in A.items()}

    assert rules(compared(tmp_path, coarse(1), coarse(2))) == {(None, "")}


@given(st.integers(0, 999), st.sampled_from(["BF16", "F16"]))
def test_rounding_toward_zero_never_grows_and_is_a_neighbour(seed: int, dtype: str) -> None:
    x = np.random.default_rng(seed).standard_normal(200).astype("f4") * np.float32(10.0 ** (seed % 9 - 5))
    found = toward_zero(x, dtype)
    assert (np.abs(found) <= np.abs(x)).all()
    assert (nearest(found, dtype) == found).all()
    assert (toward_zero(found, dtype) == found).all()
    if dtype == "BF16":
        assert (found.view("u4") == x.view("u4") & 0xFFFF0000).all()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_lost_numbers_are_those_that_a_function_misses_at_least(pairs: list[tuple[int, int]]) -> None:
    """Of the different numbers of x beside one y, a function of y gives one: the best one misses exactly the rest."""
    x, y = (np.array(side, "f4") for side in zip(*pairs, strict=True))
    expected = sum(len({a for a, b in pairs if b == value}) - 1 for value in {b for _, b in pairs})
    assert lost(x, y) == expected
    assert (lost(x, y) == 0) == all(len({a for a, b in pairs if b == value}) == 1 for value in {b for _, b in pairs})


def test_rules_with_a_chosen_number_need_enough_to_say_so() -> None:
    """A factor fits any one number, and a mask any tensor that is nearly all zeros: neither is claimed."""
    few = np.array([[1.0, 2.0, 3.0]], np.float32)
    for check, block in (
        (Factor("F32"), Block(few, 2 * few)),
        (Pruned("F32", matrix=True), Block(few, few * np.array([1, 0, 0], np.float32))),
        (Merged("F32"), Block(few, 0.5 * few, 0 * few)),
    ):
        assert check.holds(block)
        assert check.found() is None
    ones = np.ones((4, 64), np.float32)
    scaled = Factor("F32")
    assert scaled.holds(Block(ones, 2 * ones))
    assert scaled.found() is None


@pytest.mark.parametrize("entries", [1 << 8, 1 << 20])
def test_small_blocks_give_the_same_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    b = in_order([0, 2], matrices(lambda x: x * two_of_four(x)))
    expected = compared(tmp_path, A, b, "BF16")
    monkeypatch.setattr(pair, "ENTRIES", entries)
    again = compared(tmp_path, A, b, "BF16")
    assert again.to_json() == expected.to_json() or entries == 1 << 8
    assert [one.rule for one in again.tensors] == [one.rule for one in expected.tensors]
    assert again.b.numbers_sha256 == expected.b.numbers_sha256
    assert [one.equal for one in again.tensors] == [one.equal for one in expected.tensors]


def test_one_number_more_ends_a_rule(tmp_path: Path) -> None:
    b = {name: nearest(x, "BF16") for name, x in A.items()}
    b[UP] = b[UP].copy()
    b[UP][-1, -1] *= 2
    found = compared(tmp_path, A, b, "BF16")
    assert [one.name for one in found.tensors if one.rule is None] == [UP]
    assert found.outcome == "unresolved"
    assert next(one for one in found.tensors if one.name == UP).lost_a == 0


# ---- real models and the tools' own files


@pytest.mark.parametrize("kind", [Kind.F32, Kind.F16, Kind.Q8_0, Kind.Q4_0, Kind.Q5_0])
def test_files_of_the_gguf_package_are_re_derived(tmp_path: Path, kind: Kind) -> None:
    file = write_shipped("reference", tmp_path / "m.gguf", kind)
    found = derivation(model("reference"), file, created=CREATED)
    expected = {"F32": ("equal", ""), "F16": ("rounded", "F16")}.get(kind.name, ("quantised", f"GGUF {kind.name}"))
    assert expected in rules(found)
    assert rules(found) <= {expected, ("equal", "")}
    assert found.outcome == ("equal" if kind == Kind.F32 else "b_from_a")
    matrix = np.random.default_rng(0).standard_normal((8, 64)).astype("f4")
    if expected[0] == "quantised":
        own = gguf.quants.dequantize(gguf.quants.quantize(matrix, kind), kind)
        again = q8_0(matrix) if kind == Kind.Q8_0 else signed(matrix, 8 if kind == Kind.Q4_0 else 16)
        assert (again == own).all()


@pytest.mark.parametrize("other", ["fine-tuned", "stranger-1", "same-seed", "distilled", "continued-3x", "moe-fine"])
def test_trained_models_follow_by_no_rule(other: str) -> None:
    found = derivation(model("reference"), model(other), created=CREATED)
    assert found.outcome == "no_rule"
    assert "nothing is said" in found.answer.does_not_show


def test_a_real_merge_is_found_with_its_weight() -> None:
    found = derivation(model("reference"), model("merged-stranger"), model("stranger-1"), created=CREATED)
    assert {one.rule.value for one in found.tensors if one.rule is not None} == {0.3}
    assert found.with_third
    assert replay(found, model("reference"), model("merged-stranger"), candidates=[model("stranger-1")]).agrees


def test_the_same_model_is_the_same() -> None:
    found = derivation(model("reference"), model("reference"), created=CREATED)
    assert (found.outcome, found.answer.word) == ("equal", "THE SAME NUMBERS")
    assert found.a.numbers_sha256 == found.b.numbers_sha256


# ---- the record


def test_a_report_is_read_again_fits_its_schema_and_has_pages(tmp_path: Path) -> None:
    found = compared(tmp_path, A, in_order([0, 2, 2]), "BF16")
    found.to_json(tmp_path / "report.json")
    assert DerivationReport.from_json(tmp_path / "report.json") == found
    assert derivation(tmp_path / "a", tmp_path / "b", created=CREATED).to_json() == found.to_json()
    schema = json.loads((HERE / "derivation-1.schema.json").read_text())
    Draft202012Validator(schema).validate(json.loads(found.to_json()))
    with pytest.raises(ReportError, match="altered"):
        DerivationReport.from_json(found.to_json().replace('"lost_b":0', '"lost_b":1', 1))
    for form in ("md", "html", "tex", "fragment"):
        assert "FOLLOWS FROM" in FORMATS[form](found, (None, None)).decode()
    page = found.to_markdown()
    assert "rounded to the nearest of BF16" in page
    assert "Layer of A that holds the numbers of each layer of B" in page
    assert {row["what"] for row in found.to_dicts()} == {
        "A's, rounded to the nearest of BF16", "A's, rounded to the nearest of BF16, of another layer or place",
    }  # fmt: skip
    assert len(found.to_tensor_dicts()) == len(found.tensors)


def test_a_replay_makes_it_again(tmp_path: Path) -> None:
    found = compared(tmp_path, A, in_order([0, 2]), "BF16")
    assert replay(found).status == "arithmetic_agrees"
    assert replay(found, tmp_path / "a", tmp_path / "b").status == "agrees"
    forged = sealed(changed(found.facts(), "$.tensors[0].lost_a", 1)).decode()
    assert replay(forged, tmp_path / "a", tmp_path / "b").status == "disagrees"
    with pytest.raises(InputError, match="give --a and --b"):
        replay(found, tmp_path / "a")
    with pytest.raises(InputError, match="no base"):
        replay(found, tmp_path / "a", tmp_path / "b", base=tmp_path / "a")


def test_a_report_of_before_there_were_amounts_and_second_rules_agrees(tmp_path: Path) -> None:
    """Its bytes lack both, and are those that are sealed; what it records is checked."""
    found = compared(tmp_path, A, in_order([0, 2]), "BF16")
    assert "before" not in found.to_json()
    older = sealed({**found.facts(), "tensors": [
        {name: value for name, value in one.items() if name != "amount"} for one in found.facts()["tensors"]
    ]}).decode()  # fmt: skip
    assert found.tensors[0].amount is not None
    assert DerivationReport.from_json(older).tensors[0].amount is None
    assert replay(older).status == "arithmetic_agrees"
    assert replay(older, tmp_path / "a", tmp_path / "b").status == "agrees"
    one_left_out = found.facts()
    del one_left_out["tensors"][0]["amount"]
    assert replay(sealed(one_left_out).decode(), tmp_path / "a", tmp_path / "b").status == "disagrees"


def test_the_command_writes_it_and_says_it(run: Run, tmp_path: Path) -> None:
    compared(tmp_path, A, in_order([0, 2]), "BF16")
    out = run("derivation", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "report", "--fail-on", "b_from_a")
    assert out.status == 3
    assert "B FOLLOWS FROM A" in out.out
    assert run("replay", tmp_path / "report" / "report.json").status == 0
    check_refused(run("derivation", tmp_path / "a", tmp_path / "no"), "no")
    fingerprint(tmp_path / "a").save(tmp_path / "print.fingerprint.safetensors")
    check_refused(run("derivation", tmp_path / "a", tmp_path / "print.fingerprint.safetensors"), "is a fingerprint")


def test_low_rank_is_refused_for_what_is_small_or_not_finite(tmp_path: Path) -> None:
    from verify.checkpoint import Location, opened

    b = A | {UP: np.where(np.arange(A[UP].size).reshape(A[UP].shape) == 5, np.nan, A[UP] + 1).astype("f4")}
    compared(tmp_path, A, b)
    one, other = (opened(Location(str(tmp_path / side))).content.found for side in "ab")
    assert low_rank(one[UP], other[UP]) is None
    norm = "model.norm.weight"
    assert low_rank(one[norm], other[norm]) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("a.entries", 3),
        ("b.entries", 3),
        ("tensors[0].rule", "equal"),
        ("tensors[0].compared", 10),
        ("tensors[0].entries_a", 0),
        ("tensors[0].rows", 7),
        ("tensors[0].new", 10**9),
        ("tensors[0].lost_a", 10**9),
        ("tensors[0].held_in", "no tensor"),
        ("tensors[0].of", UP),
        ("tensors[0].amount.distance", 0.001),
        ("not_read", ["x"]),
        ("alone_a", "twice"),
    ],
)
def test_numbers_that_could_not_be_are_found_from_the_record_alone(tmp_path: Path, field: str, value: Any) -> None:
    """A record that was changed and sealed again."""
    content = json.loads(compared(tmp_path, A, child(A, 1)).to_json())
    assert not content["tensors"][0]["equal"]
    if value == "equal":
        value = {"name": "equal", "setting": "", "value": None, "count": None, "by_size": False}
    if value == "twice":
        value = [{"name": UP, "entries": 9, "held_in": None, "constant": False, "table": False}]
    found = replay_of(tmp_path, changed(content, f"$.{field}", value))
    assert found.status == "disagrees"


def replay_of(root: Path, content: dict[str, Any]) -> Replay:
    """The replay of a changed record, alone."""
    (root / "forged.json").write_bytes(sealed(content))
    return replay(root / "forged.json")


@pytest.mark.parametrize("size", [1e200, 1.7e308])
def test_numbers_whose_squares_or_differences_no_double_holds_are_as_any_others(tmp_path: Path, size: float) -> None:
    """Without a warning, which would be an error here."""
    other = weights(1, C)
    both = [
        {name: size * np.sign(x.astype("f8")) * np.where(x > 0.01, 1.0, 0.5) for name, x in one.items()}
        for one in (A, other)
    ]
    paths = [write(tmp_path / name, one, C, dtype="F64") for name, one in zip("ab", both, strict=True)]
    assert all(one.rule is None or one.constant for one in derivation(*paths, created=CREATED).tensors)
