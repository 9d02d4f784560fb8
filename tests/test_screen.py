"""Many models at once: error rates over all pairs, both stages, families, and work that survives its workers."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations, islice
from math import log10
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from safetensors.numpy import load_file, save_file

from schemas.__main__ import HERE
from tests.models import child, config, weights, write
from tests.processes import die_once, refuse_seven, square
from tests.strategies import SKETCH, architecture, fingerprint_of, gpt2_like, moe_like, random_arrays
from verify import Fingerprint, InputError, fingerprint
from verify.base import StatisticsError, run_in_order
from verify.checkpoint import Architecture
from verify.claim.evidence import combine
from verify.cli import main
from verify.fingerprint import Effort, chosen_indices
from verify.inference import benjamini_yekutieli, holm
from verify.lineage import Model, exact_results
from verify.screen import Edge, ScreenResult, first_stage, screen, sketches
from verify.screen import models as models_of
from verify.screen import stages as module
from verify.screen.families import families
from verify.screen.kinds import kind
from verify.screen.summary import summary
from verify.statistics import EXACT_TESTS
from verify.statistics.applicability import on_shared_anchors
from verify.statistics.blocks import (
    Block,
    BlocksByLayer,
    common_indices,
    score,
    unit_responses,
    units,
    value_responses,
    values,
)
from verify.statistics.matching import fixed_points

Arrays = dict[str, np.ndarray]
SHAPE = architecture(layers=6, kv_heads=4)

# ---- error rates over many pairs


@pytest.mark.parametrize("adjust", [holm, benjamini_yekutieli])
def test_adjustments_refuse_fewer_hypotheses_than_p_values(adjust: Callable[..., list[float]]) -> None:
    """They would promise too much."""
    assert adjust([], 3) == []
    with pytest.raises(StatisticsError, match="1 hypotheses cannot have 2"):
        adjust([-1.0, -2.0], 1)


def test_adjusted_values_of_a_million_million_hypotheses_are_exact() -> None:
    """H(m) is a digamma, not a sum."""
    m = 10**12
    assert benjamini_yekutieli([-4000.0], m)[0] == pytest.approx(-4000 + 12 + log10(np.log(m) + np.euler_gamma))


# ---- tasks in order


class Breaking(Executor):
    """Runs some tasks, then is broken."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        future: Future[object] = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(fn(*args, **kwargs))
        return future


@pytest.mark.parametrize("workers", [None, 1, Breaking(0), Breaking(5), Breaking(500)])
def test_results_come_in_order(workers: int | Executor | None) -> None:
    """Also when the executor breaks in the middle."""
    assert list(run_in_order(square, range(100), workers)) == [n * n for n in range(100)]


def test_processes_that_die_cost_nothing(tmp_path: Path) -> None:
    """The tasks not yet done go to a fresh pool; the environment is left as it was."""
    before = dict(os.environ)
    items = [(str(tmp_path / "died"), n) for n in range(12)]
    assert list(run_in_order(die_once, items, 2)) == [n * n for n in range(12)]
    assert (tmp_path / "died").exists()
    assert dict(os.environ) == before


def test_few_items_are_read_ahead() -> None:
    """A generator of a million tasks is not drained for the first result."""
    read = []

    def items() -> Iterator[int]:
        for n in range(1_000_000):
            read.append(n)
            yield n

    with ThreadPoolExecutor(2) as threads:
        results = run_in_order(square, items(), threads)
        assert list(islice(results, 3)) == [0, 1, 4]
        results.close()  # type: ignore[attr-defined]
        assert len(read) < 100


def test_an_interrupt_cancels_what_has_not_begun() -> None:
    """And nobody's executor is shut down."""
    ran = []

    def slow(n: int) -> int:
        ran.append(n)
        time.sleep(0.02)
        return n

    def interrupted(executor: Executor) -> None:
        for n in run_in_order(slow, range(1000), executor):
            if n == 2:
                raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as threads:
        with pytest.raises(KeyboardInterrupt):
            interrupted(threads)
        assert threads.submit(square, 3).result() == 9
    assert len(ran) < 10


def test_errors_of_tasks_come_through() -> None:
    """At their place."""
    results = run_in_order(refuse_seven, range(10), ThreadPoolExecutor(2))
    assert list(islice(results, 7)) == list(range(7))
    with pytest.raises(ValueError, match="seven"):
        next(results)


@pytest.mark.parametrize("workers", [0, -1, True, 2.0, "many", 10**6])
def test_workers_that_are_none_are_refused(workers: object) -> None:
    """In one sentence."""
    with pytest.raises(InputError, match="give None, 1 to"):
        list(run_in_order(square, [1], workers))  # type: ignore[arg-type]


# ---- the first stage


def named(name: str, arrays: Arrays, shape: Architecture) -> Fingerprint:
    """A fingerprint of the components that the exact tests look at."""
    made = fingerprint_of(arrays, shape, name=name)
    return Fingerprint(made.record.model_copy(update={"components": sketches.NEEDED}), made.arrays)


def part(grid: BlocksByLayer, purpose: str, shape: Architecture) -> BlocksByLayer:
    """The part of a component's blocks that the first stage looks at."""
    sizes = {"mlp": shape.hidden, "experts": shape.expert_hidden, "shared": shape.shared_hidden}
    kept = SKETCH.at("screen")
    full = {"mlp": kept.units, "experts": kept.expert_units, "shared": kept.units}

    def cut(slot: str, block: Block) -> Block:
        if purpose == "channels":
            wanted = chosen_indices(purpose, shape.head_size, min(sketches.CHANNELS, kept.channels))
        else:
            wanted = chosen_indices(purpose, sizes[slot], min(sketches.UNITS, full[slot]))
        small = block.at(wanted)
        fixed, flipping = (tuple(x[: sketches.COPIES] for x in y) for y in (small.sign_fixed, small.sign_flipping))
        return replace(small, sign_fixed=fixed, sign_flipping=flipping, copies=min(block.copies, sketches.COPIES))

    return {layer: {slot: cut(slot, block) for slot, block in row.items()} for layer, row in grid.items()}


def plain(a: BlocksByLayer, b: BlocksByLayer) -> int:
    """Fixed points of same-layer blocks by the definition."""
    total = 0
    for layer in a.keys() & b.keys():
        for slot in a[layer].keys() & b[layer].keys():
            x, y = a[layer][slot], b[layer][slot]
            common = common_indices([x, y])
            total += int(fixed_points(score(x.at(common), y.at(common))).sum())
    return total


def unlike(shape: Architecture) -> Architecture:
    """A shape of other depth and hidden sizes, that can be compared."""
    sizes = {name: getattr(shape, name) for name in ("hidden", "expert_hidden", "shared_hidden")}
    larger = {name: size + 9 for name, size in sizes.items() if size}
    return shape.model_copy(update=larger | {"layers": shape.layers + 1})


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([architecture(), gpt2_like(), moe_like()]),
    st.booleans(),
    st.booleans(),
    st.floats(0, 1),
)
def test_counts_are_those_of_the_definition(
    seed: int, shape: Architecture, other_shape: bool, other_anchors: bool, kept: float
) -> None:
    """Fixed points of the unique best match in same-layer blocks: dead and repeated rows, copies, shapes, anchors."""
    rng = np.random.default_rng(seed)
    base = random_arrays(rng, shape)
    models = []
    for n in range(3):
        arrays = {k: kept * v + (1 - kept) * rng.standard_normal(v.shape) for k, v in base.items()}
        arrays["values.0.v"][0, 1] = arrays["values.0.v"][0, 2]
        arrays["values.0.o"][0, 1] = arrays["values.0.o"][0, 2]
        for name in arrays:
            if name.startswith("units.1") and n == 1:
                arrays[name][:, 3] = 0
        models.append(named(f"a{n}", arrays, shape))
    shape_b = unlike(shape) if other_shape else shape
    others = [named(f"b{n}", random_arrays(rng, shape_b), shape_b) for n in range(2)]
    if not other_shape:
        others.append(models[1])
    if other_anchors:
        positions = (0, *range(3, SKETCH.anchors))
        fewer = Fingerprint(models[0].record.model_copy(update={"anchors": positions}), {})
        others = [on_shared_anchors(model, fewer)[0] for model in others]
    tallies = first_stage.tallied(
        *([sketches.first_sketch(m) for m in run] for run in (models, others)), first_stage.reader()
    )
    counts = {t.statistic: t.counts for t in tallies}
    assert {"units", "values", "unit responses", "value responses"} <= counts.keys()
    for i, a in enumerate(models):
        for j, b in enumerate(others):
            x, y = on_shared_anchors(a, b)
            for name, component, purpose in (
                ("units", units, "units"),
                ("unit responses", unit_responses, "units"),
                ("values", values, "channels"),
                ("value responses", value_responses, "channels"),
            ):
                grids = [part(component(m.at("screen")), purpose, m.record.architecture) for m in (x, y)]
                assert counts[name][i, j] == plain(*grids), name


def test_arrays_that_both_models_hold_are_enough() -> None:
    """Without down and o, units and values are still counted."""
    full = named("full", random_arrays(np.random.default_rng(0), SHAPE), SHAPE)
    light = Fingerprint(full.record, {k: v.copy() for k, v in full.arrays.items() if not k.endswith((".down", ".o"))})
    tallies = first_stage.tallied([sketches.first_sketch(full)], [sketches.first_sketch(light)], first_stage.reader())
    assert {t.statistic: int(t.counts[0, 0]) == int(t.n[0, 0]) for t in tallies} == dict.fromkeys(
        (t.statistic for t in tallies), True
    )
    assert {"units", "values", "unit signs", "value signs"} <= {t.statistic for t in tallies}


def test_signs_are_right_half_of_the_time_for_strangers() -> None:
    """The first stage's own size is that of its level, or nearly."""
    rng = np.random.default_rng(3)
    run = [sketches.first_sketch(named(str(n), random_arrays(rng, SHAPE), SHAPE)) for n in range(40)]
    found = first_stage.tile(run, run, (0, 0), log10(0.01))
    assert found.tested == 40 * 39 // 2
    assert len(found.passing) < 0.08 * found.tested


# ---- what is found


def changed(arrays: Arrays, rng: np.random.Generator, *fresh: str, noise: float = 0.2) -> Arrays:
    """A child's vectors: near the parent's, but new where the name begins or ends so."""
    return {
        k: rng.standard_normal(v.shape)
        if k.startswith(fresh) or k.endswith(fresh)
        else v + noise * rng.standard_normal(v.shape)
        for k, v in arrays.items()
    }


@pytest.fixture(scope="module")
def family() -> list[Fingerprint]:
    """Eight strangers, and a parent with children of several kinds."""
    rng = np.random.default_rng(0)
    parent = random_arrays(rng, SHAPE)
    children = {
        "parent": parent,
        "child-fine-tuned": changed(parent, rng),
        "child-mlp-replaced": changed(parent, rng, "units", ".mlp"),
        "child-embeddings": changed(parent, rng, "units", "values", "response"),
        "child-rotated": changed(parent, rng, "units", "values", "stream"),
    }
    strangers = {f"stranger-{n}": random_arrays(rng, SHAPE) for n in range(8)}
    return [named(name, arrays, SHAPE) for name, arrays in (children | strangers).items()]


def without_anchors(model: Fingerprint) -> Fingerprint:
    """As of a model whose vocabulary is not known."""
    arrays = {k: v[..., :0] if k.startswith(("response", "stream")) else v.copy() for k, v in model.arrays.items()}
    return Fingerprint(model.record.model_copy(update={"anchors": ()}), arrays)


def edges(result: ScreenResult) -> dict[tuple[str, str], Edge]:
    return {(e.a, e.b): e for f in result.families for e in f.edges}


@pytest.fixture(scope="module")
def found(family: list[Fingerprint]) -> ScreenResult:
    return screen(family)


def test_relatives_are_found_and_strangers_are_not(found: ScreenResult) -> None:
    """One family; each edge says by which tests, and which found nothing."""
    assert found.record.pairs == 13 * 12 // 2
    (only,) = found.families
    assert all(not name.startswith("stranger") for name in only.members)
    every = {test.id for test in EXACT_TESTS}
    weights = {"unit_identity", "value_identity"}
    for name, missed in (
        ("child-fine-tuned", set()),
        ("child-mlp-replaced", {"unit_identity"}),
        ("child-embeddings", weights | {"response_identity", "sign_agreement"}),
        ("child-rotated", weights | {"stream_identity", "sign_agreement"}),
    ):
        edge = edges(found)[name, "parent"]
        assert edge.not_detected.keys() == missed
        assert set(edge.found) == every - missed
        assert all(share is not None and f"{share:.3f}" in edge.kind for share in edge.not_detected.values())


def test_a_kind_follows_from_the_pairs_own_p_values_and_the_level(found: ScreenResult) -> None:
    """With fewer models listed the p-values are the same, and only the level is another, which the page says."""
    rows = {(row.a, row.b): row for row in found.pairs}
    for pair, edge in edges(found).items():
        p = {name: value for name, value in rows[pair].tests.items() if value is not None}
        level = log10(found.record.alpha / found.record.pairs / len(p))
        assert set(edge.found) == {name for name, value in p.items() if value <= max(level, min(p.values()))}
    said = next(line for line in found.record.statements if line.startswith("A kind"))
    assert "divided by the number of pairs (78)" in said
    assert "With more models listed that level is smaller" in said


def test_more_models_change_no_p_value_and_find_no_more(family: list[Fingerprint], found: ScreenResult) -> None:
    """What a pair shows of two models is the same whoever else is listed."""
    few = screen(family[:3])
    before = {(row.a, row.b): row.tests for row in found.pairs}
    for row in few.pairs:
        assert row.tests == before[row.a, row.b]
        assert set(edges(few)[row.a, row.b].found) >= set(edges(found)[row.a, row.b].found)


def test_no_kind_names_a_cause(found: ScreenResult) -> None:
    """Not of what was found, nor of what was not."""
    kinds = " ".join(edge.kind for edge in edges(found).values())
    counted = summary(found.record).split("## Kinds")[1].split("## ")[0]
    for cause in ("replaced", "permuted", "tuned", "merged", "quantised", "rotated", "initialisation", "copied"):
        assert cause not in kinds + counted


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 9), st.data())
def test_joints_are_the_models_without_which_a_family_falls_apart(n: int, data: st.DataObject) -> None:
    """Of any graph; exact copies count as one, and the sides are what is left."""
    names = [f"m{i}" for i in range(n)]
    drawn = data.draw(st.dictionaries(st.sampled_from(list(combinations(names, 2))), st.booleans(), min_size=1))
    made = [
        Edge(a=a, b=b, verdict="identical" if same else "dependent", kind="", adjusted_log10_p=None)
        for (a, b), same in drawn.items()
    ]
    for one in families(made, all_pairs=True):
        inside = [(e.a, e.b) for e in one.edges]
        same = apart([(e.a, e.b) for e in one.edges if e.verdict == "identical"], set(one.members))
        wanted = {
            tuple(sorted(group)): sides for group in same if len(sides := apart(inside, set(one.members) - group)) > 1
        }
        assert {joint.models: {frozenset(side) for side in joint.sides} for joint in one.joints} == wanted
    assert all(not one.joints for one in families(made, all_pairs=False))


def apart(pairs: list[tuple[str, str]], among: set[str]) -> set[frozenset[str]]:
    """Components, by merging until nothing changes."""
    groups = {frozenset([name]) for name in among}
    for a, b in pairs:
        if {a, b} <= among:
            touched = {group for group in groups if group & {a, b}}
            groups = groups - touched | {frozenset().union(*touched)}
    return groups


def test_strangers_whom_only_their_merge_joins_are_told_apart(family: list[Fingerprint]) -> None:
    """Also where the merge lies there twice; not where only pairs with it were compared."""
    one, other = family[-1], family[-2]
    blend = {name: (one.arrays[name].astype(float) + other.arrays[name].astype(float)) / 2 for name in one.arrays}
    merge = named("merge", blend, SHAPE)
    twin = Fingerprint(merge.record.model_copy(update={"name": "twin"}), merge.arrays)
    child = named("child", changed(one.arrays, np.random.default_rng(5)), SHAPE)
    result = screen([one, other, merge, twin, child])
    (joint,) = result.families[0].joints
    assert joint.models == ("merge", "twin")
    assert joint.sides == (("child", "stranger-7"), ("stranger-6",))
    page = summary(result.record)
    assert (
        "(`child`, `stranger-7`) and (`stranger-6`) are joined only through `merge` and `twin`, which are identical: "
        "no two models on different sides" in page
    )
    assert "`stranger-6` and `stranger-7` are joined only through `merge`: " in summary(
        screen([one, other, merge]).record
    )
    assert not screen([one, other], against=merge).families[0].joints


def test_every_model_is_accounted_for(found: ScreenResult, family: list[Fingerprint]) -> None:
    """Those without relatives, and those that could not be compared, by name."""
    page = summary(found.record)
    alone = page.split("## Without relatives")[1].split("##")[0]
    assert all(f"`stranger-{n}`" in alone for n in range(8))
    assert "`parent`" not in alone
    assert "13 models, 78 pairs" in found.finding
    assert "8 without a relative that was found" in found.finding
    finer = Fingerprint(
        family[-2].record.model_copy(update={"sketch": SKETCH.model_copy(update={"spectrum": 9}), "name": "finer"}),
        family[-2].arrays,
    )
    result = screen([*family[:2], finer])
    assert {m.label: m.untestable for m in result.record.models} == {"parent": 1, "child-fine-tuned": 1, "finer": 2}
    page = summary(result.record)
    assert "## Compared with none\n\nNo exact test applies to any pair of `finer`." in page
    assert "- `parent`: 1 of 2" in page
    assert "No relative was found" not in page


def test_declared_relations_are_told_from_others(family: list[Fingerprint]) -> None:
    """By the names that makers give, which no test uses."""
    parent, child, other = family[:3]
    stated = Fingerprint(child.record.model_copy(update={"declared_bases": ("org/parent",)}), child.arrays)
    result = screen([parent, stated, other])
    assert edges(result)["child-fine-tuned", "parent"].declared is True
    assert edges(result)["child-mlp-replaced", "parent"].declared is False
    assert (
        edges(result)["child-mlp-replaced", "parent"].kind
        == edges(screen(family[:3]))["child-mlp-replaced", "parent"].kind
    )


def test_p_values_are_those_of_the_exact_tests_over_all_pairs(found: ScreenResult, family: list[Fingerprint]) -> None:
    """What one pair gives by itself, adjusted for every pair of the screen."""
    models = {m.record.name: m for m in family}
    row = next(row for row in found.pairs if (row.a, row.b) == ("child-fine-tuned", "parent"))
    results, log10_p = combine(exact_results(models["child-fine-tuned"], models["parent"]))
    assert row.log10_p == log10_p
    assert row.tests == {result.id: result.log10_p for result in results}
    values = [row.log10_p or 0.0 for row in found.pairs]
    assert [row.adjusted_log10_p for row in found.pairs] == holm(values, found.record.pairs)
    assert [row.fdr_log10_p for row in found.pairs] == benjamini_yekutieli(values, found.record.pairs)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([architecture(), gpt2_like(), moe_like()]))
def test_strangers_have_no_family(seed: int, shape: Architecture) -> None:
    """Whatever the architecture."""
    rng = np.random.default_rng(seed)
    result = screen([named(f"m{n}", random_arrays(rng, shape), shape) for n in range(6)])
    assert result.families == ()
    assert all(row.verdict == "no_evidence" and row.kind == "" for row in result.pairs)


def test_selection_never_makes_a_p_value_smaller(monkeypatch: pytest.MonkeyPatch, family: list[Fingerprint]) -> None:
    """A pair's p-value is the same whichever pairs pass; with a level of 1 all do."""
    some = [*family[:3], family[-1]]
    few = {(r.a, r.b): r.log10_p for r in screen(some).pairs}
    monkeypatch.setattr(module, "LARGEST_LEVEL", 1.0)
    monkeypatch.setattr(module, "MAX_FALSE_PASSES_PER_MODEL", 9.0)
    result = screen(some)
    assert len(result.pairs) == result.record.pairs == 6
    everything = {(r.a, r.b): r.log10_p for r in result.pairs}
    assert len(few) == 3
    assert few.items() <= everything.items()


def test_models_without_a_common_statistic_go_to_the_exact_tests() -> None:
    """An MLP upcycled to experts, without anchors in common and with heads of another size, is not lost."""
    rng = np.random.default_rng(1)
    dense = architecture(head_size=12, positions="sinusoidal")
    sparse = architecture(head_size=13, positions="sinusoidal", hidden=0, experts=4, expert_hidden=40)
    a, b = (named(n, random_arrays(rng, s), s) for n, s in (("dense", dense), ("sparse", sparse)))
    half = [without_anchors(model) for model in (a, b)]
    result = screen(half)
    assert [(row.a, row.b, row.first_log10_p) for row in result.pairs] == [("dense", "sparse", None)]
    assert result.pairs[0].tests["unit_identity"] is not None


def test_identical_models_are_recognised_without_tests(family: list[Fingerprint]) -> None:
    """By content; two of one name are told apart by a number."""
    twin = Fingerprint(family[0].record.model_copy(update={"bytes_read": 7}), family[0].arrays)
    result = screen([*family[:1], twin, family[-1]])
    assert [(row.a, row.b, row.stage, row.kind) for row in result.pairs] == [
        ("parent", "parent (2)", "identical", "identical weights")
    ]
    assert (result.record.identical, result.record.pairs) == (1, 3)
    assert result.families[0].members == ("parent", "parent (2)")


def test_a_number_behind_a_name_makes_no_other_models_name() -> None:
    """Or two models would be one label, and one of them tested against itself."""
    rng = np.random.default_rng(3)
    alike = [named(name, random_arrays(rng, SHAPE), SHAPE) for name in ("x", "x", "x", "x (2)")]
    result = screen(alike)
    assert [m.label for m in result.record.models] == ["x", "x (3)", "x (4)", "x (2)"]
    assert result.families == ()


def test_pairs_that_no_test_applies_to_are_counted_with_the_reason(family: list[Fingerprint]) -> None:
    """Shapes and sketches that differ."""
    other = gpt2_like().model_copy(update={"width": 60, "head_size": 15, "positions": "sinusoidal"})
    alien = named("alien", random_arrays(np.random.default_rng(9), other), other)
    finer = Fingerprint(
        family[-2].record.model_copy(update={"sketch": SKETCH.model_copy(update={"spectrum": 9}), "name": "finer"}),
        family[-2].arrays,
    )
    result = screen([without_anchors(alien), finer, family[-1]])
    assert sum(u.pairs for u in result.record.untestable) == 3
    assert {u.reason.split(" (")[0] for u in result.record.untestable} == {
        "the fingerprints were made under different sketches"
    } | {"the residual streams have different widths"}
    assert result.record.first_stage.tested == 0


def test_statements_promise_no_more_than_was_kept(family: list[Fingerprint]) -> None:
    """Pairs rejected at either level may be false at the rate of both; adapters are related by their merging."""
    adapter = Fingerprint(family[1].record.model_copy(update={"merged_onto": "parent"}), family[1].arrays)
    result = screen([family[0], adapter, family[-1]], alpha=0.05, fdr=0.01)
    said = " ".join(result.record.statements)
    assert "“suspected” is at most 0.06, the sum of both levels." in said
    assert "by the merging: child-fine-tuned." in said
    assert "by the merging" not in " ".join(screen([family[0], family[-1]]).record.statements)


def test_one_against_many_pays_for_them_alone(family: list[Fingerprint]) -> None:
    """Pairs with A only."""
    result = screen(family[1:], against=family[0])
    assert result.record.pairs == len(family) - 1
    assert result.record.against == "parent"
    assert all("parent" in (row.a, row.b) for row in result.pairs)
    assert set(result.families[0].members) == {m.record.name for m in family[:5]}


def test_kinds_follow_what_rejects() -> None:
    """Also where a test does not apply, or only one passes its level."""
    base: dict[str, float | None] = dict.fromkeys(test.id for test in EXACT_TESTS)
    assert kind(base | {"value_identity": -50.0}, {}, -6).words == (
        "found: value channels; not comparable: hidden units, responses, signs, residual dimensions"
    )
    some = base | {"sign_agreement": -5.0, "unit_identity": -0.1, "value_identity": 0.0}
    made = kind(some, {"unit_identity": 0.25, "value_identity": None}, -6)
    assert made.found == ("sign_agreement",)
    assert made.words.startswith(
        "found: signs; not detected: hidden units (would have been from share 0.250 on), value channels (no share "
        "would have been); not comparable: "
    )
    assert kind({"a_new_test": -9.0}, {}, -6).words == "found: a_new_test"


# ---- weights


@pytest.fixture(scope="module")
def weights_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights: A, its exact copy under another name of its file, A written anew, a child, and a stranger."""
    root, c = tmp_path_factory.mktemp("weights"), config()
    held = weights(0, c)
    write(root / "A", held, c)
    shutil.copytree(root / "A", root / "copy")
    (root / "copy" / "model.safetensors").rename(root / "copy" / "other.safetensors")
    shutil.copytree(root / "A", root / "anew")
    stored = load_file(root / "A" / "model.safetensors")
    save_file(stored, root / "anew" / "model.safetensors", metadata={"by": "another writer"})
    write(root / "child", child(held, 1), c)
    write(root / "stranger", weights(2, c), c)
    return root


@pytest.mark.parametrize("effort", ["screen", "full"])
def test_exact_copies_are_found_at_every_effort(weights_at: Path, effort: Effort) -> None:
    """A copy written anew is one at full effort, and below differs in nothing that was read."""
    names = ("A", "copy", "anew", "child", "stranger")
    result = screen([weights_at / name for name in names], effort=effort)
    found = edges(result)
    assert found["A", "copy"].verdict == "identical"
    assert found["A", "child"].verdict == "dependent"
    assert "no difference" not in found["A", "child"].kind
    for pair in (("A", "anew"), ("anew", "copy")):
        if effort == "full":
            assert found[pair].verdict == "identical"
        else:
            assert found[pair].verdict == "dependent"
            assert found[pair].kind.startswith("no difference in what was read; found: ")
    assert not any("stranger" in pair for pair in found)


def test_an_exact_copy_is_found_beside_a_fingerprint_of_the_whole(weights_at: Path) -> None:
    """One was read whole before, the other at less effort now."""
    result = screen([fingerprint(weights_at / "A"), weights_at / "copy", weights_at / "stranger"])
    assert {pair: edge.verdict for pair, edge in edges(result).items()} == {("A", "copy"): "identical"}


def test_files_are_read_whole_only_of_models_that_may_be_copies(
    weights_at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of relatives."""
    read: list[str] = []
    monkeypatch.setattr(models_of, "with_file_digests", lambda model, where: read.append(where.address) or model)
    screen([weights_at / name for name in ("A", "copy", "child", "stranger")])
    assert sorted(Path(text).name for text in read) == ["A", "copy"]


@pytest.mark.parametrize("how", ["path", "other path", "link", "fingerprint", "file of a fingerprint", "object"])
def test_a_model_is_not_compared_with_itself(weights_at: Path, tmp_path: Path, how: str) -> None:
    """Nor paid for, however it is named."""
    a = weights_at / "A"
    made = fingerprint(a, effort="screen")
    made.save(tmp_path / "A.safetensors")
    (tmp_path / "link").symlink_to(a)
    models: dict[str, tuple[Model, Model]] = {
        "path": (a, a),
        "other path": (a, f"{weights_at}/child/../A/"),
        "link": (tmp_path / "link", a),
        "fingerprint": (a, made),
        "file of a fingerprint": (tmp_path / "A.safetensors", a),
        "object": (made, made),
    }
    against, again = models[how]
    result = screen([again, weights_at / "child", weights_at / "stranger"], against=against)
    assert [m.label for m in result.record.models] == ["A", "child", "stranger"]
    assert result.record.pairs == 2
    assert edges(result).keys() == {("A", "child")}


def test_an_exact_copy_is_compared_though_it_has_the_name(weights_at: Path, tmp_path: Path) -> None:
    """What lies in two places is two models."""
    shutil.copytree(weights_at / "A", tmp_path / "A")
    result = screen([tmp_path / "A", weights_at / "stranger"], against=weights_at / "A")
    assert [(e.a, e.b, e.verdict) for e in edges(result).values()] == [("A", "A (2)", "identical")]


def test_a_model_that_is_given_twice_counts_once(weights_at: Path) -> None:
    """In any screen."""
    result = screen([weights_at / "A", f"{weights_at}/A/", weights_at / "stranger"])
    assert (len(result.record.models), result.record.pairs) == (2, 1)
    with pytest.raises(InputError, match=r"1 of 1 models .* given twice counts once"):
        screen([weights_at / "A", weights_at / "A"])


# ---- workers, and work that is kept


def bytes_of(result: ScreenResult) -> bytes:
    return result.to_json().encode() + json.dumps(result.columns()).encode()


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tasks from few models."""
    monkeypatch.setattr(module, "TILE", 4)
    monkeypatch.setattr(module, "_BATCH", 2)


@pytest.mark.usefixtures("small_tiles")
def test_the_result_does_not_depend_on_workers_or_order(family: list[Fingerprint], found: ScreenResult) -> None:
    """Nor on the size of tiles."""
    assert bytes_of(screen(family[::-1])) == bytes_of(found)
    with ThreadPoolExecutor(2) as threads:
        assert bytes_of(screen(family, workers=threads)) == bytes_of(found)
    assert bytes_of(screen(family, workers=Breaking(20))) == bytes_of(found)


@pytest.mark.usefixtures("small_tiles")
def test_processes_give_the_same_bytes(family: list[Fingerprint], found: ScreenResult) -> None:
    """Started afresh, and also when one is killed in the middle."""
    killed: list[int] = []

    def kill_one(what: str, done: int, _: int) -> None:
        if what == "first stage" and done == 1 and not killed:
            killed.extend(child.pid for child in multiprocessing.active_children()[:1] if child.pid)
            os.kill(killed[0], signal.SIGKILL)

    assert bytes_of(screen(family, workers=2, progress=kill_one)) == bytes_of(found)
    assert killed


@pytest.mark.usefixtures("small_tiles")
def test_a_dask_cluster_gives_the_same_bytes(family: list[Fingerprint], found: ScreenResult, tmp_path: Path) -> None:
    """Through its executor."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, local_directory=tmp_path
    )
    with cluster, distributed.Client(cluster) as client:
        assert bytes_of(screen(family, workers=client.get_executor(), folder=tmp_path / "out")) == bytes_of(found)


@pytest.mark.usefixtures("small_tiles")
def test_an_interrupted_screen_goes_on_where_it_was(
    family: list[Fingerprint], found: ScreenResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished tiles are not made again; a damaged one is; a changed input makes all of them again."""
    made: list[int] = []
    real = first_stage.tile

    def counted(*args: object) -> first_stage.TileResult:
        made.append(1)
        if len(made) == 4:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "tile", counted)
    with pytest.raises(KeyboardInterrupt):
        screen(family, folder=tmp_path)
    made.extend([0] * 9)
    assert bytes_of(screen(family, folder=tmp_path)) == bytes_of(found)
    assert len(made) == 13 + 10 - 3
    kept = sorted((tmp_path / ".work" / "results").glob("*/tile-*.json"))
    assert len(kept) == 10
    kept[2].write_text('{"passing": ')
    assert bytes_of(screen(family, folder=tmp_path)) == bytes_of(found)
    assert len(made) == 21
    screen(family[:-1], folder=tmp_path)
    assert len(made) == 21 + 6
    assert not kept[0].exists()


# ---- files and the command


@pytest.fixture
def files(family: list[Fingerprint], tmp_path: Path) -> Path:
    """A folder of fingerprints, cut to what a file may hold, and one that is damaged."""
    folder = tmp_path / "prints"
    for model in family[:5] + family[-2:]:
        model.save(folder / f"{model.record.name}.safetensors")
    damaged = (folder / "parent.safetensors").read_bytes()[:-50]
    (folder / "damaged.safetensors").write_bytes(damaged)
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["verify", "screen", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_command_writes_pairs_families_summary_and_map(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that cannot be read is reported and costs nothing else."""
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out"
    assert run(monkeypatch, files, "-o", out) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("damaged.safetensors: left out: The fingerprint")
    assert "7 models, 21 pairs: " in printed.out
    assert "1 model could not be read." in printed.out
    record = json.loads((out / "families.json").read_bytes())
    Draft202012Validator(json.loads((HERE / "screen-1.schema.json").read_text("utf-8"))).validate(record)
    assert [m["name"] for m in record["left_out"]] == ["damaged.safetensors"]
    table = parquet.read_table(out / "pairs.parquet")
    assert run(monkeypatch, files, "-o", out, "--format", "csv", "--json") == 0
    assert json.loads(capsys.readouterr().out) == record
    with (out / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == table.column_names
    assert [float(row["log10_p"]) for row in rows] == table["log10_p"].to_pylist()
    assert {f"{test.id}_log10_p" for test in EXACT_TESTS} <= set(table.column_names)
    assert not (out / "pairs.parquet").exists()
    assert (out / "families.svg").read_bytes().startswith(b"<?xml")
    page = (out / "summary.md").read_text("utf-8")
    assert "`child-fine-tuned`" in page
    assert "passes the first stage with probability at least 0.999" in page


@pytest.mark.parametrize("name", ["summary.md", "pairs.csv", "pairs.parquet", "families.json", "families.png"])
def test_files_of_somebody_else_are_neither_replaced_nor_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """It is said before any work; a result in hand is not saved over them either."""
    (tmp_path / name).write_text("mine")
    assert run(monkeypatch, "a", "b", "-o", tmp_path) == 2
    assert "would be lost" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


@pytest.mark.parametrize(
    ("fail_on", "status"),
    [
        ("", 0),
        ("identical", 0),
        ("dependent", 3),
        ("dependent,identical", 3),
        ("suspected, untestable", 0),
        ("no_evidence", 3),
        ("left_out", 3),
        ("guilty", 2),
    ],
)
def test_chosen_verdicts_of_a_screen_become_status_3(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fail_on: str, status: int
) -> None:
    """As of a single pair; the result is printed all the same. A model that cannot be read fails only if asked."""
    names = ("parent", "child-fine-tuned", "stranger-6", "damaged")
    some = [files / f"{name}.safetensors" for name in names]
    assert run(monkeypatch, *some, "--fail-on", fail_on) == status
    assert capsys.readouterr().out.startswith("# Screen of 3 models") == (status != 2)


def test_an_exact_copy_becomes_status_3(
    weights_at: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone, it is no dependent pair; what is printed is a sentence whose words agree with their numbers."""
    for fail_on, status in (("identical", 3), ("dependent", 0), ("no_evidence,left_out", 0)):
        assert run(monkeypatch, weights_at / "A", weights_at / "copy", "--fail-on", fail_on) == status
    printed = capsys.readouterr().out
    assert "2 models, 1 pair: 0 dependent and 1 identical, in 1 family;" in printed
    assert "1 pairs" not in printed


def test_a_result_is_saved_under_a_path_as_text(found: ScreenResult, tmp_path: Path) -> None:
    """What an earlier screen left there is replaced, and what is not of a screen stays."""
    found.save(tmp_path, "parquet")
    (tmp_path / "notes.md").write_text("mine")
    written = found.save(str(tmp_path), "csv")
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written} | {"notes.md"}
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_the_command_takes_lists_and_one_against_many(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Relative to the list; comments and empty lines are skipped."""
    listing = files / "list.txt"
    listing.write_text("# models\n\nchild-rotated.safetensors\nstranger-6.safetensors\n")
    assert run(monkeypatch, f"@{listing}", "--against", files / "parent.safetensors", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["pairs"], record["against"]) == (2, "parent")
    assert [f["members"] for f in record["families"]] == [["child-rotated", "parent"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{files}/damaged.safetensors", "{files}/parent.safetensors"], "1 of 2 models can be compared"),
        (["{files}/nothing", "{files}/absent"], "0 of 2 models"),
        (["{files}", "--against", "{files}/absent"], "absent"),
        (["{files}", "--alpha", "2"], "alpha is 2.0"),
        (["{files}", "--workers", "0"], "workers is 0"),
        (["{files}", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "give one of them"),
        (["@{files}/absent.txt"], "cannot be read"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    arguments: list[str],
    said: str,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Never a traceback."""
    assert run(monkeypatch, *(a.format(files=files) for a in arguments)) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


def test_a_list_of_models_is_asked_for(family: list[Fingerprint]) -> None:
    """A single one is a slip."""
    with pytest.raises(InputError, match="give a list of models"):
        screen(family[0])  # type: ignore[arg-type]


def test_every_pair_goes_through_the_first_stage(found: ScreenResult) -> None:
    """None is skipped by chance or architecture."""
    assert found.record.first_stage.tested == len(list(combinations(found.record.models, 2)))
    assert found.record.first_stage.passed == len(found.pairs)
