"""Grids of real tools are computed to the bit, two rules are named in turn, and strangers meet none of them."""

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
from numpy.typing import NDArray
from safetensors import deserialize

from tests.reports import CREATED
from verify import DerivationReport, derivation
from verify.derivations.casts import nearest
from verify.derivations.check import Block
from verify.derivations.float8 import Way, by_runs, by_tiles, float8, ways
from verify.derivations.nested import RUN, dynamic_map, means, nested
from verify.derivations.own_grid import OwnGrid, counted
from verify.derivations.quantisers import NF4, absmax, four_bit, grids, q8_0, signed
from verify.derivations.record import Outcome, Rule
from verify.derivations.searched import iq4, q3_k, q6_k, with_minimum

Array = NDArray[Any]
Stored = dict[str, Any]
BY_TOOLS = Path(__file__).parent / "quantised" / "by_tools.safetensors"
MADE: dict[str, Stored] = dict(deserialize(BY_TOOLS.read_bytes()))
X = np.frombuffer(MADE["x"]["data"], "<f4").reshape(128, 256)
NAME = "model.layers.0.mlp.up_proj.weight"
MODULE = NAME.removesuffix("weight")


def plain(x: Array, dtype: str = "F32") -> Stored:
    """Numbers of one type, as a file stores them."""
    types = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype(ml_dtypes.bfloat16)}
    return {"dtype": dtype, "shape": list(x.shape), "data": x.astype(types[dtype]).tobytes()}


def write(folder: Path, tensors: dict[str, Stored], **said: Any) -> Path:
    """A model of some stored tensors."""
    folder.mkdir(parents=True)
    header: dict[str, Any] = {}
    at = 0
    for name, one in tensors.items():
        end = at + len(one["data"])
        header[name] = {"dtype": one["dtype"], "shape": one["shape"], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    data = b"".join(bytes(one["data"]) for one in tensors.values())
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "config.json").write_text(json.dumps(said))
    return folder


def of_tool(folder: Path, key: str) -> Path:
    """The model that a tool wrote."""
    tool = key.split()[0]
    tile = {"group_size": None, "block_structure": [128, 128] if " block" in key else None}
    said = {
        "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_4bit": True},
        "compressed-tensors": {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": tile}}},
        "torchao": {"quant_method": "fp8"},
        "transformers": {"quant_method": "fp8"} | ({"weight_block_size": [128, 128]} if " block" in key else {}),
    }[tool]
    parts = {MODULE + name.removeprefix(key + "/"): one for name, one in MADE.items() if name.startswith(key + "/")}
    return write(folder, parts, quantization_config=said)


def rule_of(found: DerivationReport) -> Rule | None:
    """The rule of the only matrix."""
    return next(one.rule for one in found.tensors if one.name == NAME)


def steps_of(rule: Rule | None) -> list[tuple[str, str]]:
    """Names and settings of a rule's steps."""
    return [] if rule is None else [(one.name, one.setting) for one in rule.each]


def compared(root: Path, a: Array, b: Array, x: str = "F32", y: str = "F32", **third: Array) -> DerivationReport:
    """The report of two files of one matrix, or of three."""
    paths = [write(root / name, {NAME: plain(one, dtype)})
             for name, one, dtype in (("a", a, x), ("b", b, y), *((k, v, x) for k, v in third.items()))]  # fmt: skip
    return derivation(*paths, created=CREATED)


# ---- the files of real tools

OF_TOOLS = {
    "bitsandbytes nf4/F32": "NF4 by runs of 64, scales quantised",
    "bitsandbytes nf4/BF16": "NF4 by runs of 64, scales quantised",
    "bitsandbytes fp4/F32": "FP4 by runs of 64, scales quantised",
    "compressed-tensors channel/BF16": "float8 by rows, scales BF16, quotients BF16",
    "compressed-tensors channel/F32": "float8 by rows, scales F32",
    "compressed-tensors tensor/BF16": "float8 by tensor, scales BF16, quotients BF16",
    "compressed-tensors block/BF16": "float8 by tiles of 128, scales BF16, quotients BF16",
    "torchao row/BF16": "float8 by rows, scales BF16",
    "torchao tensor/F32": "float8 by tensor, scales F32",
    "transformers block/F32": "float8 by tiles of 128, by inverse scales",
    "transformers tensor/BF16": "float8 by tensor, scales F32",
}


@pytest.mark.parametrize("key", OF_TOOLS)
def test_files_of_tools_are_computed_to_the_bit(tmp_path: Path, key: str) -> None:
    dtype = key.split("/")[1]
    b = of_tool(tmp_path / "b", key)
    a = write(tmp_path / "a", {NAME: plain(X, dtype)})
    found = derivation(a, b, created=CREATED)
    assert steps_of(rule_of(found)) == [("quantised", OF_TOOLS[key])]
    assert found.outcome == "b_from_a"
    assert found.lost_a > 0
    assert derivation(b, a, created=CREATED).outcome == "a_from_b"
    if dtype == "BF16":  # of the numbers in 32 bits, which were rounded first
        wide = derivation(write(tmp_path / "wide", {NAME: plain(X)}), b, created=CREATED)
        assert steps_of(rule_of(wide))[0] == ("rounded", "BF16")
        assert steps_of(rule_of(wide))[1][0] == "quantised"
        assert wide.outcome == "b_from_a"


OF_GGUF: dict[str, Callable[[Array], Array]] = {
    "Q2_K": lambda x: with_minimum(x, 2),
    "Q3_K": q3_k,
    "Q4_K": lambda x: with_minimum(x, 4),
    "Q5_K": lambda x: with_minimum(x, 5),
    "Q6_K": q6_k,
    "IQ4_NL": lambda x: iq4(x, 1),
    "IQ4_XS": lambda x: iq4(x, 8),
}
ROWS = 32


def decoded(kind: str) -> Array:
    """Numbers of the file that llama.cpp's C code wrote."""
    one = MADE[f"GGUF {kind}"]
    blocks = np.frombuffer(one["data"], np.uint8).reshape(one["shape"])
    return np.asarray(gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType[kind]))


@pytest.mark.parametrize("kind", OF_GGUF)
def test_searched_scales_are_those_of_llama_cpp(tmp_path: Path, kind: str) -> None:
    with np.errstate(all="ignore"):
        assert (OF_GGUF[kind](X[:ROWS]) == decoded(kind)).all()
    found = compared(tmp_path, X[:ROWS], decoded(kind))
    assert steps_of(rule_of(found)) == [("quantised", f"GGUF {kind}")]
    assert found.outcome == "b_from_a"
    again = compared(tmp_path / "cut", X[:ROWS], nearest(decoded(kind), "F16"), y="F16")
    assert again.outcome == "b_from_a"


@pytest.mark.parametrize("kind", OF_GGUF)
def test_searched_scales_of_what_is_odd(kind: str) -> None:
    """Rows of zeros, of one value, of a few and of tiny numbers are finite, and zeros stay."""
    x = X[:8].copy()
    x[0], x[1], x[2, :32], x[3] = 0, 0.5, 0, -0.25
    x[4] *= np.float32(1e-20)
    with np.errstate(all="ignore"):
        y = OF_GGUF[kind](x)
    assert np.isfinite(y).all()
    assert not y[0].any()
    assert not y[2, :32].any()


def test_the_256_numbers_and_the_mean_are_those_of_bitsandbytes() -> None:
    key = "bitsandbytes nf4/F32/weight."
    stored = np.frombuffer(MADE[key + "nested_quant_map"]["data"], "<f4")
    assert (dynamic_map() == stored).all()
    said = json.loads(bytes(MADE[key + "quant_state.bitsandbytes__nf4"]["data"]))
    tops = np.abs(X.reshape(-1, 64)).max(1)
    assert np.float32(said["nested_offset"]) in [*means(tops)]
    assert len(tops) == 2 * RUN
    near, exact = (nested(tops, np.float32(said["nested_offset"]), of_cpu=of_cpu) for of_cpu in (True, False))
    assert 0 < (near != exact).sum() < 5  # the code for the CPU takes another than the nearest for a few


# ---- two rules in turn


def two_of_four(x: Array) -> Array:
    order = np.abs(x).reshape(-1, 4).argsort(-1).argsort(-1)
    return np.asarray(np.where((order >= 2).reshape(x.shape), x, 0), np.float32)


def half_gone(x: Array) -> Array:
    return np.where(np.abs(x) > np.quantile(np.abs(x), 0.5), x, np.float32(0))


def drawn(x: Array) -> Array:
    return np.where(np.random.default_rng(0).random(x.shape) < 0.6, x, np.float32(0))


def rounded(x: Array) -> Array:
    return nearest(x, "BF16")


def int8(x: Array) -> Array:
    return absmax(x, 127, x.shape[-1], "F32")


def q4_k(x: Array) -> Array:
    return with_minimum(x, 4)


def nf4(x: Array) -> Array:
    return four_bit(x, NF4)


CHAINS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], str, list[str], Outcome]] = {
    "cast, quantised": (rounded, int8, "F32", ["rounded", "quantised"], "b_from_a"),
    "cast, NF4": (rounded, nf4, "F32", ["rounded", "quantised"], "b_from_a"),
    "cast, GGUF": (rounded, lambda x: signed(x, 8), "F32", ["rounded", "quantised"], "b_from_a"),
    "cast, searched": (rounded, q4_k, "F32", ["rounded", "quantised"], "b_from_a"),
    "cast, scaled": (rounded, lambda x: x * np.float32(1.7), "F32", ["rounded", "scaled"], "b_from_a"),
    "pruned by groups, quantised": (two_of_four, int8, "F32", ["pruned", "quantised"], "b_from_a"),
    "pruned by size, quantised": (half_gone, int8, "BF16", ["pruned", "quantised"], "b_from_a"),
    "pruned by size, searched": (half_gone, q6_k, "F32", ["pruned", "quantised"], "b_from_a"),
    "pruned at places, quantised": (drawn, int8, "F32", ["pruned", "quantised"], "unresolved"),
    "pruned, cast": (half_gone, rounded, "F32", ["pruned", "rounded"], "b_from_a"),
    "scaled, cast": (lambda x: x * np.float32(1.7), rounded, "F32", ["scaled", "rounded"], "b_from_a"),
    "quantised, cast": (nf4, rounded, "F32", ["quantised", "rounded"], "b_from_a"),
    "quantised, quantised": (nf4, q8_0, "F32", ["quantised", "quantised"], "b_from_a"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHAINS)
def test_two_rules_are_named_in_turn(tmp_path: Path, kind: str) -> None:
    first, last, dtype, names, outcome = CHAINS[kind]
    with np.errstate(all="ignore"):
        b = last(first(X))
    found = compared(tmp_path, X, b, y=dtype)
    rule = rule_of(found)
    assert rule is not None
    assert [name for name, _ in steps_of(rule)] == names
    assert all(one.count == ((b == 0) & (X != 0)).sum() for one in rule.each if one.name == "pruned")
    assert found.outcome == outcome
    assert found.tensors[0].lost_a > 0
    assert "then" in found.to_dicts()[0]["what"]
    assert DerivationReport.from_json(found.to_json()) == found
    turned = derivation(tmp_path / "b", tmp_path / "a", created=CREATED)
    assert turned.outcome == {"b_from_a": "a_from_b"}.get(outcome, outcome)
    # one number more ends it
    other = b.copy()
    other[-1, other[-1].argmax()] *= 2
    assert rule_of(compared(tmp_path / "other", X, other, y=dtype)) is None


@pytest.mark.parametrize("last", [rounded, int8, nf4, q8_0])
@pytest.mark.parametrize("weight", [0.5, 0.3])
def test_a_merge_that_was_cast_or_quantised_is_named(
    tmp_path: Path, last: Callable[[Array], Array], weight: float
) -> None:
    other = np.random.default_rng(3).standard_normal(X.shape).astype("f4") * np.float32(0.02)
    merged = (weight * X.astype("f8") + (1 - weight) * other.astype("f8")).astype("f4")
    found = compared(tmp_path, X, last(merged), c=other)
    rule = rule_of(found)
    assert rule is not None
    assert [one.name for one in rule.each] == ["merged", "rounded" if last is rounded else "quantised"]
    assert rule.each[0].value == weight
    assert (found.with_third, found.outcome) == (True, "unresolved")
    assert f"w = {weight}, then" in found.to_dicts()[0]["what"]
    stranger = compared(tmp_path / "stranger", -X[::-1], last(merged), c=np.ascontiguousarray(other[::-1]))
    assert rule_of(stranger) is None


def test_layers_that_were_removed_are_found_where_the_rest_was_quantised(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    names = [f"model.layers.{layer}.mlp.{part}_proj.weight" for layer in range(4) for part in ("up", "gate")]
    a = {name: rng.standard_normal((64, 256)).astype("f4") for name in names}
    moved = {name.replace(".3.", ".2."): x for name, x in a.items() if ".2." not in name}
    paths = [write(tmp_path / "a", {name: plain(x) for name, x in a.items()}),
             write(tmp_path / "b", {name: plain(q4_k(x)) for name, x in moved.items()})]  # fmt: skip
    found = derivation(*paths, created=CREATED)
    assert found.layers == {0: 0, 1: 1, 2: 3}
    assert {tuple(steps_of(one.rule)) for one in found.tensors} == {(("quantised", "GGUF Q4_K"),)}
    assert found.outcome == "b_from_a"
    assert found.missing_b == 2 * 64 * 256


def test_more_than_two_rules_are_no_record() -> None:
    two = Rule(name="rounded", setting="BF16", before=Rule(name="rounded", setting="F16"))
    with pytest.raises(ValueError, match="more than two"):
        Rule(name="quantised", setting="GGUF Q8_0", before=two)


def test_a_chain_computes_if_each_rule_does() -> None:
    for first, computes in (("rounded", True), ("merged", False), ("pruned", False), ("low_rank", False)):
        assert Rule(name="quantised", before=Rule.model_validate({"name": first})).computes is computes
    assert Rule(name="quantised", before=Rule(name="pruned", by_size=True)).computes


@pytest.mark.parametrize(
    ("columns", "name"),
    [(256, "GGUF Q6_K"), (256, "GGUF IQ4_NL"), (16, "int8 by rows, scales F16"), (3, "int8 by rows, scales F16")],
)
def test_what_was_put_on_a_grid_and_rounded_is_put_there_again(tmp_path: Path, columns: int, name: str) -> None:
    """Nothing is lost then, though equal numbers of B stand beside different ones of A: each follows from the other,
    and a grid that leads back is tried where B has no more values than A, and in rows of any length."""
    grid = next(one for one in grids(columns, "F32", "F32") if one.name == name)
    a = grid.function(np.random.default_rng(1).standard_normal((128, columns)).astype("f4")).astype("f4")
    a = a[(grid.function(nearest(a, "F16")) == a).all(-1)]  # no row whose scale is another after rounding
    b = nearest(a, "F16")
    assert len(a) > 32
    assert not np.array_equal(a, b)
    assert compared(tmp_path, a, b, y="F16").outcome == "either"
    assert compared(tmp_path / "back", b, a, x="F16").outcome == "either"


# ---- B's own grid


def searched_elsewhere(x: Array, bits: int = 4, run: int = 32) -> Array:
    """A grid with a scale and a smallest number for each run, by a search that no rule knows."""
    z = x.reshape(-1, run)
    low = np.quantile(z, 0.03, axis=-1, keepdims=True).astype("f4")
    step = (np.quantile(z, 0.97, axis=-1, keepdims=True).astype("f4") - low) / np.float32(2**bits - 1)
    return ((np.rint((z - low) / step).clip(0, 2**bits - 1) * step) + low).reshape(x.shape).astype("f4")


@pytest.mark.parametrize(("bits", "run", "name"), [
    (4, 32, "run of 32"), (3, 64, "run of 64"), (2, 16, "run of 16"), (4, 256, "row"), (8, 256, "row"),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_numbers_rounded_on_an_unknown_grid_are_said_to_be(
    tmp_path: Path, bits: int, run: int, name: str, dtype: str
) -> None:
    found = compared(tmp_path, X, searched_elsewhere(X, bits, run), y=dtype)
    rule = rule_of(found)
    assert rule is not None
    assert (rule.name, rule.setting, rule.computes) == ("on_own_grid", name, False)
    assert rule.count is not None
    assert rule.value is not None
    assert rule.count > (0.999 if dtype == "F32" else 0.9) * X.size
    assert rule.value < 0.6
    assert found.outcome == "unresolved"  # and never that it follows
    assert not found.b_from_a
    assert "Rules give 0% of the" in found.answer.count  # a grid that comes from B gives nothing
    assert "nearest to A's of the numbers that B has in its" in found.answer.count
    assert "another light fine-tune of A's base" in found.answer.does_not_show
    assert "grid of B's own" in " ".join(found.limitations)


@pytest.mark.parametrize(("key", "run"), [
    ("MLX/BF16", "run of 64"), ("HQQ/F32", "run of 64"), ("torchao int4/F32", "run of 32"), ("imatrix", "run of 32"),
])  # fmt: skip
def test_tools_whose_search_is_no_rule_leave_their_own_grid(tmp_path: Path, key: str, run: str) -> None:
    if key == "imatrix":
        blocks = np.frombuffer(MADE["imatrix Q4_K"]["data"], np.uint8).reshape(ROWS, -1)
        y = np.asarray(gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType.Q4_K))
    else:
        y = np.frombuffer(MADE[f"restored {key}"]["data"], "<f4").reshape(ROWS, 256)
    found = compared(tmp_path, X[:ROWS], y, x="BF16" if "BF16" in key else "F32")
    rule = rule_of(found)
    assert rule is not None
    assert (rule.name, rule.setting) == ("on_own_grid", run)
    assert found.outcome == "unresolved"
    assert rule_of(compared(tmp_path / "stranger", X[-ROWS:], y)) is None


def test_of_a_sibling_no_more_is_said_than_is_true(tmp_path: Path) -> None:
    """Two light fine-tunes of one base, one of them put on a grid: some of its numbers are not nearest to the
    other's, and no sentence says that all are, or that a rule gives them."""
    rng = np.random.default_rng(1)
    a, b = (X + (6e-5 * rng.standard_normal(X.shape)).astype("f4") for _ in range(2))
    found = compared(tmp_path, a, searched_elsewhere(b))
    rule = rule_of(found)
    assert rule is not None
    assert rule.count is not None
    assert rule.name == "on_own_grid"
    assert 0.9 * X.size <= rule.count < 0.999 * X.size
    assert "nine in ten or more exactly" in found.answer.count
    assert "Rules give 0% of the" in found.answer.count


@pytest.mark.parametrize("of", ["stranger", "next run", "next row", "fine-tuned", "sorted", "signs"])
def test_strangers_and_children_are_on_no_grid_of_their_own(tmp_path: Path, of: str) -> None:
    rng = np.random.default_rng(1)
    a = {
        "stranger": rng.standard_normal(X.shape) * 0.02,
        "next run": np.roll(X, 32, 1),
        "next row": np.roll(X, 1, 0),
        "fine-tuned": X + 0.001 * rng.standard_normal(X.shape),
        "sorted": np.sort(rng.standard_normal(X.shape) * 0.02, -1),
        "signs": rng.choice([-0.02, 0.02], X.shape),
    }[of].astype("f4")
    base = np.sort(X, -1) if of == "sorted" else X
    assert rule_of(compared(tmp_path, a, searched_elsewhere(base))) is None


# ---- properties

KINDS = st.sampled_from(
    ["normal", "heavy", "coarse", "ternary", "rows of one value", "padded", "near one", "ordered"]
)


def numbers_of(kind: str, seed: int, shape: tuple[int, int]) -> Array:
    """Numbers of several kinds, with ties, constant rows and zeros."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if kind == "heavy":
        x = rng.standard_t(2, shape)
    elif kind == "coarse":
        x = np.round(4 * x) / 8
    elif kind == "ternary":
        x = rng.integers(-1, 2, shape) * (1 + np.arange(shape[0]))[:, None] / 8
    elif kind == "rows of one value":
        x = np.where(rng.random((shape[0], 1)) < 0.5, x[:, :1], x)
    elif kind == "padded":
        x[shape[0] // 2 :] = 0
    elif kind == "near one":
        x = 1 + rng.integers(-2, 3, shape) / 128
    elif kind == "ordered":
        x = np.sort(x, -1)
    return x.astype("f4")


@settings(max_examples=40)
@given(st.integers(0, 10**6), KINDS, KINDS, st.sampled_from(["F32", "F16", "BF16"]), st.data())
def test_strangers_are_given_no_rule_by_any_grid(
    tmp_path_factory: pytest.TempPathFactory, seed: int, kind: str, other: str, dtype: str, data: st.DataObject
) -> None:
    """Whatever grid the stranger was put on, and whatever was pruned from it."""
    shape = (data.draw(st.sampled_from([3, 8, 32])), data.draw(st.sampled_from([2, 3, 16, 32, 48, 96, 256])))
    a, b = numbers_of(kind, seed, shape), numbers_of(other, seed + 1, shape)
    grid = data.draw(st.sampled_from([None, *grids(shape[1], "F32", "F32")]))
    if data.draw(st.booleans()):
        b = half_gone(b)
    with np.errstate(all="ignore"):
        b = b if grid is None else grid.function(b)
        found = compared(tmp_path_factory.mktemp("strangers"), a, nearest(b.astype("f4"), dtype), y=dtype)
    rule = rule_of(found)
    assert rule is None or rule.name == "constant", (grid and grid.name, rule)
    assert found.outcome in ("no_rule", "unresolved")
    assert not found.b_from_a
    assert not found.a_from_b


@settings(max_examples=60)
@given(st.integers(0, 10**6), KINDS, st.sampled_from([32, 64, 96, 256]), st.integers(0, 40))
def test_every_grid_is_met_by_its_own_numbers(seed: int, kind: str, columns: int, at: int) -> None:
    """As a single rule, whatever the numbers: ties, constant rows, padding."""
    held = [*grids(columns, "F32", "F32")]
    grid = held[at % len(held)]
    x = numbers_of(kind, seed, (8, columns))
    with np.errstate(all="ignore"):
        y = grid.function(x)
        assert y.shape == x.shape
        assert grid.check("F32").holds(Block(x, y)) or grid.searched


@settings(max_examples=60)
@given(st.integers(0, 10**6), KINDS, st.sampled_from([16, 32, 64]), st.integers(1, 6))
def test_nearest_of_the_run_is_what_a_plain_search_finds(seed: int, kind: str, run: int, bits: int) -> None:
    x = numbers_of(kind, seed, (4, 64)).astype("f8")
    y = np.round(numbers_of("normal", seed + 1, (4, 64)) * bits).astype("f8")
    found = counted(x, y, run)
    told = tied = 0
    counts = np.zeros(3, int)
    beside = (x.reshape(-1, run), np.roll(x.reshape(-1, run), 1, 0), np.roll(x, 1, 0).reshape(-1, run))
    for b, *each in zip(y.reshape(-1, run), *beside, strict=True):
        if len({*b}) > 1:
            told, tied = told + run, tied + run - len({*b})
            counts += [(np.abs(of - b) <= np.abs(of[:, None] - b).min(-1) + 1e-12).sum() for of in each]
    assert (found.told, found.exact, found.control, found.tied) == (told, counts[0], counts[1:].max(), tied)
    assert found.joined <= tied


@settings(max_examples=200)
@given(st.integers(0, 10**6), KINDS, KINDS, st.sampled_from([1, 2, 4, 64]), st.sampled_from([16, 32, 64]))
def test_small_strangers_are_not_on_their_own_grid(seed: int, kind: str, other: str, rows: int, columns: int) -> None:
    """Of few rows, of ties, of constant rows: what agrees by luck is too little to say so."""
    x, y = numbers_of(kind, seed, (rows, columns)), numbers_of(other, seed + 1, (rows, columns))
    check = OwnGrid(columns)
    assert not check.holds(Block(x, np.round(4 * y) / 4)) or check.found() is None


@pytest.mark.parametrize("run", [16, 64, 256])
def test_signs_in_common_are_no_grid_in_common(run: int) -> None:
    """Strangers whose columns have the same signs, one of them put on a grid of two numbers."""
    rng = np.random.default_rng(run)
    signs = rng.choice([-1, 1], 256)
    x, y = ((np.abs(rng.standard_normal((64, 256))) + 0.5) * signs for _ in range(2))
    size = np.abs(y.reshape(-1, run)).mean(-1, keepdims=True).repeat(run, -1).reshape(y.shape)
    check = OwnGrid(256)
    assert check.holds(Block(x.astype("f4"), (size * signs).astype("f4")))
    assert check.found() is None


@settings(max_examples=40)
@given(st.integers(0, 10**6), KINDS, st.sampled_from(["F32", "BF16"]))
def test_float8_is_within_half_a_step_and_keeps_zeros(seed: int, kind: str, dtype: str) -> None:
    x = nearest(numbers_of(kind, seed, (8, 256)), dtype)
    for way in ways(dtype):
        for y in (by_runs(x, 128, way), by_tiles(x, way), float8(x, np.abs(x).max(), way)):
            assert not y[x == 0].any()
            top = np.abs(x).max()
            assert (np.abs(y - x) <= np.abs(x) * (2.0**-4 + 2.0**-6) + top * 2.0**-16).all()
    assert Way().said == "scales F32"
