"""The first stage of a screen counts by the definition, from the arrays that both models hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.screens import SHAPE, named
from tests.strategies import EXACT, SKETCH, architecture, gpt2_like, moe_like, random_arrays
from verify import Fingerprint
from verify.checkpoint import Architecture
from verify.fingerprint import chosen_indices
from verify.screen import first_stage, sketches
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


def test_the_first_stage_reads_all_that_exact_tests_read_at_its_effort() -> None:
    """Single heads' functions need full effort."""
    assert {*sketches.NEEDED, "heads"} == set(EXACT)


def test_signs_are_right_half_of_the_time_for_strangers() -> None:
    """The first stage's own size is that of its level, or nearly."""
    rng = np.random.default_rng(3)
    run = [sketches.first_sketch(named(str(n), random_arrays(rng, SHAPE), SHAPE)) for n in range(40)]
    wanted = np.triu(np.ones((40, 40), dtype=bool), 1)
    found = first_stage.tile(run, run, wanted)
    assert first_stage.LARGEST_LEVEL == 0.01
    assert 0 < len(found.found) < 0.08 * wanted.sum()
