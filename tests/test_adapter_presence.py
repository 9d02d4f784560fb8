"""Whether a model holds the change of an adapter: exact counts, beside a verdict that they do not touch."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.adapters import adapter
from tests.checkpoints import Array
from tests.models import config, weights, write
from verify import ClaimReport, Location, fingerprint, replay, test_lineage
from verify.checkpoint import compare_change
from verify.checkpoint.adapters import presence as counting
from verify.checkpoint.adapters.presence import SLACK, TIGHT, Agreement, Presence, presence
from verify.claim import AdapterChange, change
from verify.claim.change import LEAST, change_of

C = config(width=32, hidden=64)
MODULES = {
    f"model.layers.{layer}.mlp.{name}_proj": shape
    for layer in (0, 1)
    for name, shape in (("up", (64, 32)), ("down", (32, 64)))
}
TYPES = {"F32": np.float32, "BF16": ml_dtypes.bfloat16, "F16": np.float16}
Tool = Callable[[Array, Array, Array, str], Array]


# ---- one tensor


class Numbers:
    """A stored tensor in memory."""

    is_out_in, notes, file = False, (), "x"

    def __init__(self, x: Any, dtype: str = "F32") -> None:
        self.x, self.dtype, self.shape, self.name = np.asarray(x, TYPES[dtype]), dtype, np.shape(x), "x"

    def read(self, rows: Any = None, columns: Any = None) -> Any:
        found = self.x if rows is None else self.x[rows]
        return found if columns is None else found[:, columns]


class Exact(Numbers):
    """A tensor of numbers of float64, as an adapter's change gives them."""

    def __init__(self, x: Any) -> None:
        super().__init__(x)
        self.x = np.asarray(x, np.float64)


def cast(x: Any, dtype: str) -> Array:
    """Rounded to a type."""
    return np.asarray(x, np.float32).astype(TYPES[dtype]).astype(np.float32)


def in_float32(p: Array, b: Array, a: Array, dtype: str) -> Array:
    """Merged in float32, then cast."""
    return cast(p + b @ a, dtype)


def cast_first(p: Array, b: Array, a: Array, dtype: str) -> Array:
    """The base cast first, the change in float32 and cast, and their sum."""
    return cast(cast(p, dtype) + cast(b @ a, dtype), dtype)


def of_cast_factors(p: Array, b: Array, a: Array, dtype: str) -> Array:
    """Factors and product in bfloat16, added in the type of the file."""
    return cast(cast(p, dtype) + cast(cast(b, "BF16") @ cast(a, "BF16"), "BF16"), dtype)


def backwards(p: Array, b: Array, a: Array, dtype: str) -> Array:
    """Summed in another order."""
    total = np.zeros_like(p)
    for k in reversed(range(len(a))):
        total += np.outer(b[:, k], a[k])
    return cast(p + total, dtype)


TOOLS = (in_float32, cast_first, of_cast_factors, backwards)


def drawn(seed: int, size: float, rank: int = 4, shape: tuple[int, int] = (48, 40)) -> tuple[Array, Array, Array]:
    """Weights of the usual size, of bfloat16, and the factors of a change of a share of that."""
    rng = np.random.default_rng(seed)
    p = cast(0.02 * rng.standard_normal(shape), "BF16")
    b = (size * 0.02 * rng.standard_normal((shape[0], rank))).astype("f4")
    return p, b, rng.standard_normal((rank, shape[1])).astype("f4")


def counts(p: Any, m: Any, c: Any, dtype: str = "F32", slack: float = SLACK) -> Presence:
    """Of three arrays."""
    return presence([(Numbers(p), Exact(m), Numbers(c, dtype))], len(p), slack)


def exact(p: Array, b: Array, a: Array, weight: float = 1.0) -> Any:
    """The exact merge."""
    return p.astype(float) + weight * (b.astype(float) @ a.astype(float))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([1.0, 0.1, 0.01, 0.003]),
    rank=st.sampled_from([1, 2, 8, 32]),
    tool=st.sampled_from(TOOLS),
    dtype=st.sampled_from(sorted(TYPES)),
)
def test_what_a_tool_merged_agrees(seed: int, size: float, rank: int, tool: Tool, dtype: str) -> None:
    """Whatever it rounds, in whatever order it sums: all but a number in a thousand of those that it must move."""
    p, b, a = drawn(seed, size, rank)
    found = counts(p, exact(p, b, a), tool(p, b, a, dtype), dtype).once
    assert found.equal + found.within >= 0.999 * found.moved - 1
    assert found.unmoved == 0


def test_without_slack_tools_disagree() -> None:
    """The interval is needed: factors in bfloat16 give other numbers than exact ones."""
    p, b, a = drawn(0, 0.1, 8)
    found = counts(p, exact(p, b, a), of_cast_factors(p, b, a, "F32"), slack=0.0).once
    assert found.equal + found.within < 0.01 * found.moved


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    weight=st.sampled_from([-2.0, -1.0, 0.25, 0.5, 0.8, 1.5, 3.0]),
    size=st.sampled_from([1.0, 0.1, 0.02]),
    dtype=st.sampled_from(sorted(TYPES)),
)
def test_another_weight_is_found(seed: int, weight: float, size: float, dtype: str) -> None:
    """Also where most numbers move by one step of the type or none."""
    p, b, a = drawn(seed, size)
    found = counts(p, exact(p, b, a), cast(exact(p, b, a, weight), dtype), dtype)
    assert found.weight == pytest.approx(weight, rel=0.03)
    assert found.weighted.moved > LEAST
    assert found.weighted.equal + found.weighted.within >= 0.99 * found.weighted.moved
    assert found.once.equal + found.once.within < 0.9 * found.once.moved


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([1.0, 0.1, 0.01, 0.005]),
    theirs=st.sampled_from([2.0, 1.0, 0.5]),
    dtype=st.sampled_from(sorted(TYPES)),
    start=st.booleans(),
)
def test_a_stranger_of_one_base_does_not_fit(seed: int, size: float, theirs: float, dtype: str, start: bool) -> None:
    """With changes of one size, also of one A (one seed), in whatever type, as it is and at any weight."""
    p, b, a = drawn(seed, size)
    _, other, another = drawn(seed + 1, size * theirs)
    found = counts(p, exact(p, b, a), cast(exact(p, other, a if start else another), dtype), dtype)
    for one in (found.once, found.weighted):
        assert not change.Moved.of(one).fits


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([0.02, 0.005]),
    share=st.floats(0.01, 1),
    along=st.floats(0.5, 0.9),
)
def test_moves_by_one_step_do_not_fit(seed: int, size: float, share: float, along: float) -> None:
    """Tuned at a tiny rate, numbers move by one step, mostly along the adapter's signs where texts are shared."""
    p, b, a = drawn(seed, size)
    rng, m = np.random.default_rng(seed), exact(p, b, a)
    step = np.where(rng.random(p.shape) < along, np.sign(m - p), -np.sign(m - p))
    ulp = 2.0 ** (np.floor(np.log2(np.abs(p) + 1e-30)) - 7)
    found = counts(p, m, cast(p + step * ulp * (rng.random(p.shape) < share), "BF16"), "BF16")
    for one in (found.once, found.weighted):
        assert not change.Moved.of(one).fits


def test_moves_that_fit_anywhere_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything moved up by one step by both: so it would be in any order."""
    p = cast(1 + np.random.default_rng(0).integers(0, 120, (40, 40)) / 128, "BF16").astype("f4")
    found = counts(p, p + 2.0**-7, p + 2.0**-7, "BF16").once
    assert found == Agreement(1600, 1600, 0, 0, 1600)
    assert not change.Moved.of(found).fits
    monkeypatch.setattr(change, "ELSEWHERE", 1.0)
    assert change.Moved.of(found).fits


def test_rows_that_decay_alone_moved_tell_nothing() -> None:
    """Two trainings on other texts shrink the rows that no text reaches by one factor; few rows learned."""
    rng = np.random.default_rng(1)
    p = cast(rng.standard_normal((400, 32)), "BF16").astype("f8")
    m, c = 0.95 * p, 0.95 * p
    for x, learned in ((m, slice(0, 3)), (c, slice(5, 8))):
        x[learned] += rng.standard_normal(x[learned].shape)
    found = counts(p, m, cast(c, "BF16"), "BF16").once
    assert found.moved <= 6 * 32
    assert found.equal + found.within < 0.5 * found.moved
    scaled = p * rng.uniform(0.5, 1.5, (400, 1))  # each row by a factor of its own, as of (IA)3
    assert counts(p, scaled, cast(scaled, "BF16"), "BF16").once.equal > 0.9 * p.size


def test_less_than_half_a_step_moves_nothing() -> None:
    """Entries that rounding leaves as they are do not count, whatever the model holds there."""
    p, b, a = drawn(0, 1e-6)
    found = counts(p, exact(p, b, a), p, "BF16")
    assert found.once.moved < 5  # of the smallest numbers
    assert found.same == p.size
    moved = counts(p, exact(p, b, a), p, "F32").once
    assert moved.moved == moved.unmoved > 0


def test_a_change_of_nothing_moves_nothing() -> None:
    p, _, _ = drawn(0, 1)
    assert counts(p, p, cast(2 * p, "F32")).once == Agreement()


def test_a_coarser_type_in_a_wider_one_is_seen() -> None:
    """Merged in bfloat16 and saved as float32."""
    p, b, a = drawn(3, 0.02)
    found = counts(p, exact(p, b, a), in_float32(p, b, a, "BF16"), "F32")
    assert found.dtype == "BF16"
    assert found.once.equal == found.once.moved > LEAST


def test_what_is_not_finite_is_left_out() -> None:
    """In any of the three; nothing is printed."""
    p, b, a = drawn(0, 0.1)
    m, c = exact(p, b, a), in_float32(p, b, a, "F32")
    p[0, 0], m[1, 1], c[2, 2], c[3, 3] = np.nan, np.inf, np.nan, -np.inf
    found = counts(p, m, c)
    assert found.entries == p.size - 4
    assert found.once.equal + found.once.within == found.once.moved > 1000


def test_what_begins_without_chance_must_fit_closely() -> None:
    """Gains that two trainings on one text leave within a hundredth of each other."""
    rng = np.random.default_rng(0)
    p = cast(0.02 * rng.standard_normal((64, 64)), "BF16")
    gain = 1 + 0.1 * rng.standard_normal((64, 1))
    near = 1 + (gain - 1) * (1 + 0.01 * rng.standard_normal((64, 1)))
    loose, tight = (counts(p, p * gain, p * near, slack=slack).once for slack in (SLACK, TIGHT))
    assert loose.equal + loose.within > 0.9 * loose.moved
    assert tight.equal + tight.within < 0.1 * tight.moved
    own = counts(p, p * gain, p * gain, slack=TIGHT).once
    assert own.equal + own.within == own.moved


def test_experts_of_one_tensor_are_held_at_one_weight() -> None:
    """Two of them, each at a weight of its own, are not held; both at half weight are."""
    p, b, a = drawn(0, 0.1)

    def found(*weights: float) -> tuple[bool, bool]:
        pieces = [(Numbers(p), Exact(exact(p, b, a)), Numbers(exact(p, b, a, weight))) for weight in weights]
        made = presence(pieces, len(p), SLACK)
        return change.Moved.of(made.once).fits, change.Moved.of(made.weighted).fits

    assert found(1.0, 1.0) == (True, False)
    assert found(0.5, 0.5) == (False, True)
    assert found(1.0, 0.5) == (False, False)


def test_memory_is_bounded() -> None:
    """A large matrix is read by rows."""
    p = np.zeros((4096, 512), "f4")
    tensors = Numbers(p), Numbers(p + 1), Numbers(p + 1)
    tracemalloc.start()
    presence([tensors], len(p), SLACK)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25 * 8 * counting._ENTRIES  # arrays of float64 of one block; the whole of one is 16 MB


# ---- models


def lora(seed: int, size: float = 0.02, modules: Any = MODULES) -> dict[str, Array]:
    """A and B of each module, at r = 2 and alpha = 6."""
    rng, tensors = np.random.default_rng(seed), dict[str, Array]()
    for name, (rows, columns) in modules.items():
        tensors[f"{name}.lora_A.weight"] = rng.standard_normal((2, columns)).astype("f4")
        tensors[f"{name}.lora_B.weight"] = (size * rng.standard_normal((rows, 2))).astype("f4")
    return tensors


def merged(model: dict[str, Array], tensors: dict[str, Array], weight: float = 1.0) -> dict[str, Array]:
    """The sum, in float32."""
    found = dict(model)
    for name in {name.partition(".lora")[0] for name in tensors}:
        change = 3 * tensors[f"{name}.lora_B.weight"] @ tensors[f"{name}.lora_A.weight"]
        found[f"{name}.weight"] = found[f"{name}.weight"] + np.float32(weight) * change
    return found


BASE = {name: cast(x if x.ndim == 1 else 0.3 * x, "BF16") for name, x in weights(0, C).items()}
X = lora(1)


class Lab:
    """A base, an adapter on it, and models."""

    def __init__(self, root: Path) -> None:
        self.root, self.base = root, write(root / "base", BASE, C, dtype="BF16")
        self.adapter = Location(str(adapter(root / "x", X)), base=str(self.base))

    def model(self, tensors: dict[str, Array], dtype: str = "F32") -> Path:
        """A model in a folder of its own."""
        return write(self.root / f"m{len([*self.root.iterdir()])}", tensors, C, dtype=dtype)

    def found(self, tensors: dict[str, Array], dtype: str = "F32") -> AdapterChange:
        """The finding on a model."""
        return change_of("a", compare_change(self.adapter, Location(str(self.model(tensors, dtype)))))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_a_merged_adapter_is_held(lab: Lab, dtype: str) -> None:
    """In each module; what it leaves is as in the base."""
    found = lab.found(merged(BASE, X), dtype)
    assert (found.status, found.held, found.judged, found.weight) == ("holds", 4, 4, None)
    assert found.once.agree == found.once.moved > 1000
    assert found.left.alike == found.left.tensors == len(BASE) - 4


@pytest.mark.parametrize("weight", [0.5, -1.0])
def test_a_share_of_it_is_held_at_a_weight(lab: Lab, weight: float) -> None:
    found = lab.found(merged(BASE, X, weight))
    assert (found.status, found.held, found.weight) == ("holds_at_weight", 4, pytest.approx(weight, rel=0.02))


def test_modules_at_weights_of_their_own_are_not_one_adapter(lab: Lab) -> None:
    """One weight for all, or it is held in part."""
    half = {name: x for name, x in X.items() if "layers.0" in name}
    both = merged(merged(BASE, half, 0.5), {name: x for name, x in X.items() if name not in half})
    found = lab.found(both)
    assert (found.status, found.held, found.judged) == ("in_part", 2, 4)


def test_some_modules_hold_it(lab: Lab) -> None:
    """And the others hold something else: another adapter, or nothing."""
    part = {name: x for name, x in X.items() if "up_proj" in name}
    other = {name: x for name, x in lora(2).items() if "down_proj" in name}
    for model in (merged(BASE, part), merged(merged(BASE, part), other)):
        found = lab.found(model)
        assert (found.status, found.held, found.judged) == ("in_part", 2, 4)
        assert found.as_held.agree == found.as_held.moved


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_strangers_of_the_base_do_not_hold_it(lab: Lab, dtype: str) -> None:
    """Another adapter, one with the same A, both merged, and one trained on the whole."""
    same_a = {name: x if "lora_A" in name else lora(3)[name] for name, x in X.items()}
    rng = np.random.default_rng(5)
    tuned = {name: (x + 0.01 * rng.standard_normal(x.shape)).astype("f4") for name, x in BASE.items()}
    for model in (merged(BASE, lora(2)), merged(BASE, same_a), merged(merged(BASE, X), lora(2)), tuned):
        found = lab.found(model, dtype)
        assert (found.status, found.held, found.judged) == ("not_found", 0, 4)


def test_nothing_is_said_of_no_change(lab: Lab) -> None:
    """The base itself, an adapter of zeros, and one below half a step."""
    assert (lab.found(BASE).status, lab.found(BASE, "BF16").reason) == ("abstained", "as_in_base")
    for size, reason in ((0.0, "nothing_moved"), (1e-6, "too_few")):
        lab.adapter = Location(str(adapter(lab.root / f"x{size}", lora(1, size))), base=str(lab.base))
        found = lab.found(merged(BASE, lora(2)), "BF16")
        assert (found.status, found.reason, found.held) == ("abstained", reason, 0)


def test_what_cannot_be_compared_is_listed(lab: Lab) -> None:
    """Modules that are missing, of another shape or quantised, and tensors left; the rest is judged."""
    model = merged(BASE, X)
    names = [f"{name}.weight" for name in MODULES]
    model[names[1]] = model[names[1]][:, :-1]
    model[names[2]] = model[names[2]].astype(ml_dtypes.float8_e4m3fn)
    del model[names[0]]
    del model["lm_head.weight"]
    folder = lab.root / "odd"
    folder.mkdir()
    save_file({name: np.ascontiguousarray(x) for name, x in model.items()}, folder / "model.safetensors")
    found = change_of("a", compare_change(lab.adapter, Location(str(folder))))
    assert {one.name: one.refused for one in found.modules} == {
        names[0]: "missing",
        names[1]: "shape",
        names[2]: "quantised",
        names[3]: None,
    }
    assert (found.status, found.held, found.judged, found.left.not_compared) == ("holds", 1, 1, 1)


def test_an_extended_vocabulary_is_compared_by_its_first_rows(lab: Lab) -> None:
    """Of tensors by token alone; what differs from the base is listed, the least equal first."""
    model = merged(BASE, X)
    model["model.embed_tokens.weight"] = np.concatenate([BASE["model.embed_tokens.weight"], np.ones((8, 32), "f4")])
    model["lm_head.weight"] = BASE["lm_head.weight"] + (np.arange(128) < 4)[:, None]
    model["model.layers.0.self_attn.q_proj.weight"] = 2 * BASE["model.layers.0.self_attn.q_proj.weight"]
    found = lab.found(model)
    assert found.status == "holds"
    assert [(one.name, one.same) for one in found.left.differing] == [
        ("model.layers.0.self_attn.q_proj.weight", 0),
        ("lm_head.weight", 124 * 32),
    ]
    assert found.left.entries - found.left.same == 32 * 32 + 4 * 32


def test_another_base_shows_nothing(lab: Lab) -> None:
    """Neither one of other numbers nor one of other names."""
    other = lab.model({name: x + np.float32(0.1) for name, x in BASE.items()})
    model = Location(str(lab.model(merged(BASE, X))))
    found = change_of("a", compare_change(replace(lab.adapter, base=str(other)), model))
    assert (found.status, found.held) == ("not_found", 0)
    renamed = {name.replace("mlp.", "feed."): x for name, x in merged(BASE, X).items()}
    odd = change_of("a", compare_change(lab.adapter, Location(str(lab.model(renamed)))))
    assert (odd.status, odd.reason) == ("abstained", "none_compared")


def test_stacked_experts_are_taken_apart(tmp_path: Path) -> None:
    """A tensor of all experts is one module, of which no more than one expert is held in memory."""
    at, (experts, hidden, width) = "model.layers.0.mlp.experts", (3, 24, 32)
    rng = np.random.default_rng(0)
    base = {f"{at}.up_proj": cast(rng.standard_normal((experts, hidden, width)), "BF16")}
    a = rng.standard_normal((2 * experts, width)).astype("f4")
    b = (0.05 * rng.standard_normal((hidden, 2 * experts))).astype("f4")
    lora = adapter(
        tmp_path / "lora",
        {f"{at}.lora_A.weight": a, f"{at}.lora_B.weight": b},
        target_parameters=["mlp.experts.up_proj"],
    )
    parts = [3 * b[:, e::experts] @ a[2 * e : 2 * e + 2] for e in range(experts)]
    for folder, x in (("base", base[f"{at}.up_proj"]), ("own", base[f"{at}.up_proj"] + np.stack(parts))):
        (tmp_path / folder).mkdir()
        save_file({f"{at}.up_proj": x.astype("f4")}, tmp_path / folder / "model.safetensors")
    place = Location(str(lora), base=str(tmp_path / "base"))
    found = change_of("a", compare_change(place, Location(str(tmp_path / "own"))))
    assert (found.status, found.held, found.once.moved > 2000) == ("holds", 1, True)


# ---- the report


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[ClaimReport, Location, Path]]:
    """Reports of an adapter with models that hold its change, hold it at half weight, and do not."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    models = {
        "holds": merged(BASE, X),
        "holds_at_weight": merged(BASE, X, 0.5),
        "in_part": merged(BASE, {name: x for name, x in X.items() if "layers.0" in name}),
        "not_found": merged(BASE, lora(2)),
        "abstained": BASE,
    }
    found = {}
    for name, tensors in models.items():
        folder = lab.model(tensors)
        found[name] = (test_lineage(lab.adapter, folder), lab.adapter, folder)
    return found


@pytest.mark.parametrize("status", ["holds", "holds_at_weight", "in_part", "not_found", "abstained"])
def test_a_report_says_it_in_every_form(reports: dict[str, tuple[ClaimReport, Location, Path]], status: str) -> None:
    """Beside the verdict, which is of both models; and never that one was made from the other."""
    report = reports[status][0]
    assert report.change is not None
    assert report.change.status == status
    said = report.change_in_words
    assert "(what the code" not in said
    for text in (report.to_markdown(), report.to_html(), str(report)):
        assert "The adapter" in text
    assert "The adapter" in report.to_latex()
    assert ("holds the change" in said) is (status != "not_found")
    for word in ("was merged", "derived", "stolen", "proves", "p ="):
        assert word not in said
    assert report.verdict in ("dependent", "identical")
    assert ClaimReport.from_json(report.to_json()) == report


@pytest.mark.parametrize("status", ["holds", "holds_at_weight", "in_part", "not_found", "abstained"])
def test_a_replay_counts_again(reports: dict[str, tuple[ClaimReport, Location, Path]], status: str) -> None:
    """From the record what follows from the counts, from the weights the counts; fingerprints cannot tell."""
    report, a, b = reports[status]
    assert replay(report).agrees
    assert replay(report, a, b).status == "agrees"
    by_prints = replay(report, fingerprint(a), b)
    assert by_prints.agrees
    assert any(kind.field.startswith("$.change") for kind in by_prints.not_checkable)


def test_a_changed_finding_is_detected(reports: dict[str, tuple[ClaimReport, Location, Path]]) -> None:
    """What does not follow by the record alone, and other counts by the weights."""
    report, a, b = reports["not_found"]
    found = report.change
    assert found is not None
    raised = found.modules[0].model_copy(update={"once": found.modules[0].once.model_copy(update={"within": 9})})  # type: ignore[union-attr]
    forged = {
        "status": found.model_copy(update={"status": "holds"}),
        "held": found.model_copy(update={"held": 4}),
        "adapter": found.model_copy(update={"adapter": "b"}),
        "weight": found.model_copy(update={"weight": 1.5}),
    }
    for name, one in forged.items():
        changed = report.model_copy(update={"change": one}).sealed()
        assert any(name in item.field for item in replay(changed).disagreements), name
    other = report.model_copy(
        update={"change": found.model_copy(update={"modules": (raised, *found.modules[1:])})}
    ).sealed()
    assert replay(other).agrees
    assert not replay(other, a, b).agrees
    many = found.modules[0].once.model_copy(update={"within": 10**6})  # type: ignore[union-attr]
    impossible = found.model_copy(update={"modules": (found.modules[0].model_copy(update={"once": many}),)})
    assert not replay(report.model_copy(update={"change": impossible}).sealed()).agrees


def test_the_verdict_is_that_of_the_models_alone(
    reports: dict[str, tuple[ClaimReport, Location, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else of the record is as it is without the finding, whichever model comes first."""
    report, a, b = reports["holds"]
    swapped = test_lineage(b, a, created=report.created)
    assert swapped.change is not None
    assert swapped.change.adapter == "b"
    assert swapped.change.modules == report.change.modules  # type: ignore[union-attr]
    assert "A holds the change that B" in swapped.change_in_words
    monkeypatch.setattr("verify.lineage.change_held", lambda *_: None)
    without = test_lineage(a, b, created=report.created)
    assert without.facts() | {"digest": ""} == {
        name: value for name, value in report.facts().items() if name != "change"
    } | {"digest": ""}


def test_it_is_asked_of_weights_in_full_alone(reports: dict[str, tuple[ClaimReport, Location, Path]]) -> None:
    """Not of fingerprints, of two adapters, of whole models or at less effort: such reports are as before."""
    _, a, b = reports["holds"]
    for pair in ((fingerprint(a), b), (a, fingerprint(b)), (a, a), (b, b)):
        assert test_lineage(*pair).change is None
    less = test_lineage(a, b, effort="standard")
    assert less.change is None
    assert "change" not in less.facts()


def test_a_kind_that_begins_alike_is_said_to(lab: Lab) -> None:
    """Gains of (IA)³, which begin as ones: another training may end with the same; of a LoRA, nothing is said."""
    name = "model.layers.0.mlp.up_proj"
    gain = 1 + 0.1 * np.random.default_rng(0).standard_normal((64, 1)).astype("f4")
    ia3 = adapter(lab.root / "ia3", {f"{name}.ia3_l": gain}, peft_type="IA3", r=None)
    model = BASE | {f"{name}.weight": BASE[f"{name}.weight"] * gain}
    report = test_lineage(Location(str(ia3), base=str(lab.base)), lab.model(model))
    assert report.change is not None
    assert (report.change.status, report.change.begins_alike) == ("holds", True)
    assert "begins from the same numbers each time" in report.answer.adapter
    assert not lab.found(merged(BASE, X)).begins_alike
