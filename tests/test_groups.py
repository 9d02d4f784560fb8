"""Scores, alignment and ties of many blocks at once, against their definitions one pair at a time."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from tests.strategies import SEEDS
from verify.fingerprint import unit_rows
from verify.statistics import alignment, blocks, ties
from verify.statistics.blocks import Block, BlocksByLayer, common_indices, score
from verify.statistics.matching import MARGIN, fixed_points


def random_block(rng: np.random.Generator, copies: int, fixed: int, flipping: int, *, kept: int = 6) -> Block:
    """Some of nine indices, now and then dead, with a bias that makes blocks resemble one another."""
    indices = np.sort(rng.permutation(9)[:kept])

    def vectors() -> np.ndarray:
        x = rng.standard_normal((copies, kept, 5)) + rng.choice([0, 0, 3]) * np.eye(9, 5)[indices]
        return unit_rows(x * (rng.random((copies, kept, 1)) < 0.9)).astype(np.float64)

    return Block(
        indices, 9, tuple(vectors() for _ in range(fixed)), tuple(vectors() for _ in range(flipping)), copies
    )


def random_grid(rng: np.random.Generator, kind: str) -> BlocksByLayer:
    """Layers of heads, or of MLPs, some missing, with copies of one another; all keep the same number of indices."""
    grid: BlocksByLayer = {}
    slots = [f"head {h}" for h in range(3)] if kind == "heads" else ["mlp", "experts", "shared"]
    for layer in range(5):
        here = slots if kind == "heads" else [slot for slot in slots if rng.random() < 0.8]
        row = {
            slot: random_block(rng, 3 if slot == "experts" else 1, 0 if kind == "heads" else 1, 1, kept=6)
            for slot in here
        }
        if row:
            grid[layer] = row
    for layer, row in grid.items():
        other = grid[int(rng.choice(list(grid)))]
        for slot in row:
            if slot in other and rng.random() < 0.2:
                grid[layer][slot] = other[slot]
    return grid


# ---- the definitions


def slow_score(a: Block, b: Block) -> np.ndarray:
    best = np.full((len(a.indices), len(b.indices)), -np.inf)
    for e in range(a.copies):
        for f in range(b.copies):
            total = np.zeros(best.shape)
            for x, y in zip(a.sign_fixed, b.sign_fixed, strict=True):
                total += x[e] @ y[f].T
            if a.sign_flipping:
                total += np.abs(sum(x[e] @ y[f].T for x, y in zip(a.sign_flipping, b.sign_flipping, strict=True)))
            total[~np.outer(a.alive[e], b.alive[f])] = -np.inf
            np.maximum(best, total / (len(a.sign_fixed) + len(a.sign_flipping)), out=best)
    return best


def slow_resemblance(a: list[Block], b: list[Block]) -> float:
    common = common_indices(a + b)
    if len(common) == 0:
        return -1.0

    def pooled(group: list[Block]) -> Block:
        most = max(1, alignment.LARGEST // (len(common) * len(group)))
        group = [block.at(common) for block in group]
        fixed, flipping = (
            tuple(
                np.concatenate([x[:most].reshape(-1, x.shape[-1]) for x in part])[None]
                for part in zip(*(getattr(block, name) for block in group), strict=True)
            )
            for name in ("sign_fixed", "sign_flipping")
        )
        n = (fixed + flipping)[0].shape[1]
        return Block(np.arange(n), n, fixed, flipping, 1)

    best = slow_score(pooled(a), pooled(b)).max(1)
    best = best[np.isfinite(best)]
    return float(best.mean()) if len(best) else -1.0


def slow_layers(a: dict[str, Block], b: dict[str, Block], slots: list[tuple[str, str]]) -> float:
    if "head 0" in a:
        return slow_resemblance([*a.values()], [*b.values()])
    found = [slow_resemblance([a[x]], [b[y]]) for x, y in slots if x in a and y in b]
    return float(np.mean(found)) if found else -1.0


def slow_ties(grid: BlocksByLayer, *, signs: bool) -> list[tuple[ties.Node, ties.Node]]:
    nodes = [(layer, slot) for layer, row in grid.items() for slot in row]
    pairs = [(x, y) for x, y in combinations(nodes, 2) if x[0] == y[0] or x[1] == y[1]]
    threshold = -ndtri(ties.FALSE_TIE / max(1, 2 * len(pairs)))
    return [(x, y) for x, y in pairs if slow_look(grid[x[0]][x[1]], grid[y[0]][y[1]], threshold, signs)]


def slow_look(a: Block, b: Block, threshold: float, signs: bool) -> bool:
    common = common_indices([a, b])
    a, b = a.at(common), b.at(common)
    alive = a.alive.any(0) & b.alive.any(0)
    if not alive.any():
        return False

    def cosines(x: tuple[np.ndarray, ...], y: tuple[np.ndarray, ...]) -> Any:
        total = np.zeros((alive.sum(), alive.sum()))
        for u, v in zip(x, y, strict=True):
            total += ties._directions((u,))[0][alive] @ ties._directions((v,))[0][alive].T
        return total

    def relabelled(s: np.ndarray) -> float:
        centred = s - s.mean(0) - s.mean(1)[:, None] + s.mean()
        spread = np.sqrt((centred**2).sum() / max(1, len(s) - 1))
        return float(centred.trace() / spread) if spread > 1e-12 else 0.0

    fixed, flipping = cosines(a.sign_fixed, b.sign_fixed), cosines(a.sign_flipping, b.sign_flipping)
    parts = len(a.sign_fixed + a.sign_flipping)
    unsigned = (fixed + np.abs(flipping)) / parts
    exact = unsigned.diagonal() > 1 - MARGIN
    if exact.all() or (exact & fixed_points(unsigned)).sum() >= 2 or relabelled(unsigned) > threshold:
        return True
    own = fixed_points(unsigned) & fixed_points(unsigned.T)
    if 2 <= len(unsigned) <= threshold + 1 and own.all() and unsigned.diagonal().mean() > ties.ALIKE:
        return True
    if signs:
        both = [
            (x[:, i].mean(0), x[:, j].mean(0), y[:, i].mean(0), y[:, j].mean(0))
            for i, j in ((i, i + 1) for i in range(0, len(alive) - 1, 2))
            if alive[i] and alive[j]
            for x, y in zip(a.sign_flipping, b.sign_flipping, strict=True)
        ]
        numbers = np.array([(unit(p) - unit(q)) @ (unit(r) - unit(s)) for p, q, r, s in both])
        numbers = numbers.reshape(-1, max(1, len(a.sign_flipping))).sum(1)
        return float(numbers.sum()) > threshold * np.sqrt((numbers**2).sum())
    return relabelled((fixed + flipping) / parts) > threshold


def unit(x: np.ndarray) -> Any:
    length = np.sqrt((x**2).sum())
    return x / length if length else x


# ---- many at once


@pytest.fixture(params=[1, 100, 1 << 19], ids=lambda n: f"{n} cells")
def cells(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are compared at once."""
    monkeypatch.setattr(blocks, "_CELLS", request.param)


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize("vectors", [(1, 0), (0, 1), (1, 1), (1, 2)])
@pytest.mark.parametrize("copies", [(1, 1), (4, 1), (3, 5)])
def test_a_score_is_the_maximum_over_copies_to_the_last_bit(
    vectors: tuple[int, int], copies: tuple[int, int]
) -> None:
    """Sums of products of float16 numbers are exact, so no order of summation shows."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        a, b = (random_block(rng, n, *vectors) for n in copies)
        np.testing.assert_array_equal(score(a, b), slow_score(a, b))


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize("kind", ["heads", "mlps"])
def test_the_table_of_layers_is_that_of_every_two(kind: str) -> None:
    """Whatever indices, copies, dead units and missing MLPs they have."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        a, b = (random_grid(rng, kind) for _ in range(2))
        slots = alignment._slots_of_kinds(a, b)
        expected = [[slow_layers(x, y, slots) for y in b.values()] for x in a.values()]
        np.testing.assert_allclose(alignment._layers([*a.values()], [*b.values()], slots), expected, atol=1e-14)


@pytest.mark.slow
@given(seed=SEEDS, kind=st.sampled_from(["heads", "mlps"]), signs=st.booleans())
@settings(max_examples=40, deadline=None)
def test_ties_are_those_of_every_two_blocks(seed: int, kind: str, signs: bool) -> None:
    """Of one slot or of one layer, at live common indices."""
    grid = random_grid(np.random.default_rng(seed), kind)
    expected = ties.TiedSets()
    for x, y in slow_ties(grid, signs=signs):
        expected.union(x, y)
    found = ties.tied(grid, signs=signs)
    nodes = [(layer, slot) for layer, row in grid.items() for slot in row]
    for x, y in combinations(nodes, 2):
        assert (found.find(x) == found.find(y)) == (expected.find(x) == expected.find(y))


def test_the_definitions_above_find_ties_and_miss_some() -> None:
    """Or the comparison would be empty."""
    counts = [len(slow_ties(random_grid(np.random.default_rng(seed), "heads"), signs=False)) for seed in range(10)]
    assert 0 < sum(counts) < 10 * 45
    assert len(set(counts)) > 1
