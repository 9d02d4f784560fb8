"""``python -m benchmarks.model_tracing``: one MLP block under the published test phi_U, and under ``unit_identity``.

phi_U (Zhu et al. 2025, arXiv 2502.12292) matches the rows of two up projections by a linear assignment on their
cosines, correlates the matching with the identity (Spearman) and takes the tail of a t law, blocks combined by
Fisher's method; written here from the paper. Ours counts the units whose unique best match has their own index, on
the standard sketch and on all units. Both see the same arrays, of the sizes of Llama-2-7B, in which one unit in a
hundred survives. Writes ``tables/model_tracing.json`` and its page.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.fingerprint import SketchSpec, chosen_indices, unit_rows
from verify.fingerprint.sketch import projection
from verify.inference import critical_count, detectable_share, fisher, log10_p_fixed_points
from verify.statistics.blocks import Block, score
from verify.statistics.matching import MARGIN, fixed_points

from .pages import publish

HIDDEN, WIDTH, BLOCKS = 11008, 4096, 32
SURVIVING = 0.01
NOISE = 0.1
"""Of a surviving row, relative to it."""
ALL_UNITS = 256
"""Dimensions that rows are projected to where all units are compared."""
LEVEL = -3.0
"""log10 of the level of the powers."""
DRAWS = 300
SLOW = 5.0
"""Seconds from which a method runs once a turn, not three times."""
ROWS = 1024
"""Rows of the cosines held at a time."""

Rows = NDArray[np.float32]


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_tracing", description=__doc__)
    parser.add_argument("--repeats", type=int, default=1, help="Of phi_U, which takes half a minute.")
    repeats = parser.parse_args().repeats
    rng = np.random.default_rng(0)
    a, b, survivors = pair(rng)
    methods: dict[str, Callable[[Rows, Rows], float]] = {
        "phi_U": phi_u,
        "unit_identity, standard sketch": sketched,
        f"unit_identity, all units, {ALL_UNITS} projections": lambda x, y: all_units(x, y, ALL_UNITS),
        "unit_identity, all units, full width": lambda x, y: all_units(x, y, None),
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    found: dict[str, float] = {}
    for _ in range(repeats):
        for name, method in methods.items():
            for _ in range(3):
                start = time.perf_counter()
                found[name] = method(a, b)
                seconds[name].append(time.perf_counter() - start)
                if seconds[name][-1] > SLOW:
                    break
            print(f"{name}: {min(seconds[name]):.4g} s, log10 p = {found[name]:.2f}", flush=True)
    result = {
        "hidden": HIDDEN,
        "width": WIDTH,
        "draws": DRAWS,
        "log10_level": LEVEL,
        "survivors": survivors,
        "seconds": {name: min(times) for name, times in seconds.items()},
        "log10_p": found,
        "power": power(rng),
    }
    publish("model_tracing", result)


def pair(rng: np.random.Generator, hidden: int = HIDDEN, width: int = WIDTH) -> tuple[Rows, Rows, int]:
    """Two up projections [hidden, width], and the number of rows that survive in the second, evenly spread."""
    a, b = (rng.standard_normal((hidden, width), dtype=np.float32) for _ in range(2))
    kept = np.unique(np.linspace(0, hidden - 1, round(SURVIVING * hidden)).round().astype(int))
    b[kept] = a[kept] + np.float32(NOISE) * b[kept]
    return a, b, len(kept)


def phi_u(a: Rows, b: Rows) -> float:
    """log10 p of the published test on one block, one-sided as in the paper."""
    from scipy.optimize import linear_sum_assignment

    _, matched = linear_sum_assignment(_directions(a) @ _directions(b).T, maximize=True)
    return log10_t_tail(spearman(matched), len(matched))


def spearman(permutation: NDArray[np.integer]) -> float:
    """Rank correlation of a permutation of 0, ..., n - 1 with the identity."""
    n = len(permutation)
    squares = float(np.square(permutation.astype(np.float64) - np.arange(n)).sum())
    return 1 - 6 * squares / (n * (n * n - 1))


def log10_t_tail(rho: float, n: int) -> float:
    """log10 of the tail of Student's law at a rank correlation of n pairs."""
    from scipy.stats import t

    if rho >= 1:
        return -float("inf")
    return float(t.logsf(rho * np.sqrt((n - 2) / (1 - rho * rho)), n - 2)) / log(10)


def sketched(a: Rows, b: Rows) -> float:
    """log10 of our bound on the units and projections of the standard sketch, nothing kept from an earlier call."""
    chosen_indices.cache_clear()
    projection.cache_clear()
    sketch = SketchSpec()
    chosen = chosen_indices("units", len(a), sketch.units)
    signs = projection(a.shape[1], sketch.projections)
    first, second = (
        Block(chosen, len(x), (unit_rows(x[chosen].astype(np.float64) @ signs)[None].astype(np.float64),), (), 1)
        for x in (a, b)
    )
    return log10_p_fixed_points(int(fixed_points(score(first, second)).sum()), 1)


def all_units(a: Rows, b: Rows, projections: int | None) -> float:
    """log10 of our bound on all units, the cosines held a block of rows at a time."""
    if projections is not None:
        signs = projection(a.shape[1], projections).astype(np.float32)
        a, b = a @ signs, b @ signs
    return log10_p_fixed_points(fixed_units(_directions(a), _directions(b)), 1)


def fixed_units(a: Rows, b: Rows, rows: int = ROWS) -> int:
    """Number of fixed points of the unique best match of unit vectors, as ``fixed_points`` counts them."""
    count = 0
    for start in range(0, len(a), rows):
        cosines = a[start : start + rows] @ b.T
        here = np.arange(len(cosines))
        own = cosines[here, start + here]
        cosines[here, start + here] = -np.inf
        count += int((own - MARGIN > cosines.max(1)).sum())
    return count


def _directions(x: Rows) -> Rows:
    unit: Rows = x / np.linalg.norm(x, axis=1, keepdims=True)
    return unit


def power(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Share of simulated pairs that reach the level, on one block and on all; survivors are taken as matched.

    By symmetry the assignment of units that do not survive is a uniform permutation of them, and each is a fixed
    point of its best match with probability 1/n.
    """
    survivors, sketch = round(SURVIVING * HIDDEN), SketchSpec().units
    rows = []
    for blocks in (1, BLOCKS):
        theirs = [_fisher([_phi_u_drawn(rng, survivors) for _ in range(blocks)]) for _ in range(DRAWS)]
        row: dict[str, Any] = {"blocks": blocks, "phi_U": _summary(theirs)}
        for name, kept in (("sketch", sketch), ("all", HIDDEN)):
            drawn = []
            for _ in range(DRAWS):
                alike = rng.hypergeometric(survivors, HIDDEN - survivors, kept, size=blocks)
                chance = rng.binomial(kept - alike, 1 / kept)
                drawn.append(log10_p_fixed_points(int((alike + chance).sum()), blocks))
            row[name] = _summary(drawn)
            row[f"{name}_detectable"] = detectable_share(kept * blocks, blocks, LEVEL)
            row[f"{name}_needed"] = critical_count(blocks, LEVEL)
        rows.append(row)
    return rows


def _phi_u_drawn(rng: np.random.Generator, survivors: int) -> float:
    matched = np.arange(HIDDEN)
    rest = np.setdiff1d(matched, np.linspace(0, HIDDEN - 1, survivors).round().astype(int))
    matched[rest] = rng.permutation(rest)
    return log10_t_tail(spearman(matched), HIDDEN)


def _fisher(log10_ps: list[float]) -> float:
    return fisher(log10_ps, invariant=True)  # blocks are independent as drawn


def _summary(drawn: list[float]) -> dict[str, float]:
    return {"median": float(np.median(drawn)), "power": float(np.mean(np.array(drawn) <= LEVEL))}


if __name__ == "__main__":
    main()
