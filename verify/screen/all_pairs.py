"""The first stage over all pairs of a screen: what was kept is read, the rest is compared, and all is added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement, groupby
from pathlib import Path
from typing import Any

import numpy as np

from ..base import Workers, run_in_order
from ..statistics.result import Law
from .first_stage import Comparison, TileResult, Wanted, tile
from .kept import Kept
from .models import Labelled
from .plan import TILE, Rectangle, left
from .sketches import FirstSketch, load_sketch

_KIND = "first"


@dataclass(frozen=True)
class FirstResult:
    """Result of the first stage."""

    passing: list[tuple[int, int, dict[str, float]]]
    """Positions of both models, and log10 p by statistic, of each pair that passes."""
    identical: list[tuple[int, int]]
    """Positions of pairs of the same weights."""
    tested: int
    """Number of pairs with counts."""
    untestable: Mapping[str, int]
    """Number of pairs to which no exact test applies, by reason."""
    refused: Mapping[int, int]
    """The same by position of a model."""
    sizes: frozenset[tuple[str, Law, int, int]]
    """Statistic, null distribution, n and L of every count."""


@dataclass(frozen=True)
class _Known:
    """Results of a rectangle of models, in their present positions."""

    pairs: Rectangle
    result: TileResult


def compare_all(
    order: Sequence[Labelled],
    kept: Kept,
    *,
    alone: bool,
    log10_level: float,
    workers: Workers,
    progress: Callable[[int, int], None],
) -> FirstResult:
    """Compare all pairs of models that were not compared before.

    Parameters
    ----------
    order : the models; of every pair, the former is A.
    kept : results of earlier screens, to which new ones are added as they come.
    alone : whether the first model is compared with all others, and no two of them.
    log10_level : log10 of the level of each statistic.
    workers : as in :func:`verify.base.run_in_order`.
    progress : called with rectangles done and rectangles in all.
    """
    names = _names(order)
    at = {name: position for position, name in enumerate(names)}
    known = [_restored(stored, at) for stored in kept.all(_KIND)]
    tasks = left(len(order), (one.pairs for one in known), alone=alone)
    progress(0, len(tasks))
    files = [m.prepared.first for m in order]
    given = [([files[i] for i in task.rows], [files[j] for j in task.columns], task.wanted) for task in tasks]
    for n, (task, result) in enumerate(zip(tasks, run_in_order(_tile, given, workers), strict=True), start=1):
        kept.put(_KIND, _stored(names, task, result))
        known.append(_Known(task, result))
        progress(n, len(tasks))
    return _sum(order, known, alone, log10_level)


def _names(order: Sequence[Labelled]) -> list[str]:
    """Names of the models for kept results: the sha256 of the fingerprint, numbered where several are equal."""
    seen: Counter[str] = Counter()
    names = []
    for model in order:
        name = model.prepared.sha256
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names


def _tile(task: tuple[list[Path], list[Path], Wanted]) -> TileResult:
    rows, columns, wanted = task
    return tile([_sketch(file) for file in rows], [_sketch(file) for file in columns], wanted)


@lru_cache(maxsize=3 * TILE)
def _sketch(file: Path) -> FirstSketch:
    return load_sketch(file)


def _sum(order: Sequence[Labelled], known: Sequence[_Known], alone: bool, log10_level: float) -> FirstResult:
    passing: dict[tuple[int, int], dict[str, float]] = {}
    identical: set[tuple[int, int]] = set()
    compared: dict[tuple[str, str], Comparison] = {}
    for one in known:
        places = one.pairs.rows.tolist(), one.pairs.columns.tolist()
        for i, j, values in one.result.found:
            if (pair := _asked(places, i, j, alone)) and (not values or min(values.values()) <= log10_level):
                passing[pair] = values
        identical.update(pair for i, j in one.result.identical if (pair := _asked(places, i, j, alone)))
        compared |= {comparison.signatures: comparison for comparison in one.result.comparisons}
    signatures = [model.prepared.signature for model in order]
    twins = Counter((signatures[i], signatures[j]) for i, j in identical)
    tested, untestable, refused = 0, Counter[str](), Counter[int]()
    sizes: set[tuple[str, Law, int, int]] = set()
    for a, b in _runs(signatures, alone):
        both = signatures[a[0]], signatures[b[0]]
        pairs = (len(a) * (len(a) - 1) // 2 if a is b else len(a) * len(b)) - twins[both]
        if not pairs:
            continue
        if (reason := compared[both].untestable) is None:
            tested += pairs
            sizes.update(compared[both].sizes)
            continue
        untestable[reason] += pairs
        refused.update(dict.fromkeys(a, len(b) - (a is b)) | ({} if a is b else dict.fromkeys(b, len(a))))
        refused.subtract(at for i, j in identical if (signatures[i], signatures[j]) == both for at in (i, j))
    return FirstResult(
        passing=[(*pair, passing[pair]) for pair in sorted(passing)],
        identical=sorted(identical),
        tested=tested,
        untestable=untestable,
        refused=refused,
        sizes=frozenset(sizes),
    )


def _asked(places: tuple[list[int], list[int]], i: int, j: int, alone: bool) -> tuple[int, int] | None:
    """The present positions of a pair of a rectangle; None if it is not asked for in this order, or at all."""
    first, second = places[0][i], places[1][j]
    return (first, second) if 0 <= first < second and not (alone and first) else None


def _runs(signatures: Sequence[str], alone: bool) -> Iterator[tuple[list[int], list[int]]]:
    """Positions of models of one signature, with those of another or with themselves (one list then)."""
    rest = range(1 if alone else 0, len(signatures))
    runs = [list(run) for _, run in groupby(rest, key=signatures.__getitem__)]
    yield from (([0], run) for run in runs) if alone else combinations_with_replacement(runs, 2)


# ---- kept results


def _stored(names: Sequence[str], pairs: Rectangle, result: TileResult) -> dict[str, Any]:
    return {
        "rows": [names[i] for i in pairs.rows],
        "columns": [names[j] for j in pairs.columns],
        "wanted": np.packbits(pairs.wanted).tobytes().hex(),
        "found": result.found,
        "identical": result.identical,
        "comparisons": [[*one.signatures, one.untestable, one.sizes] for one in result.comparisons],
    }


def _restored(stored: Any, at: Mapping[str, int]) -> _Known:
    rows, columns = (np.array([at.get(name, -1) for name in stored[side]], np.intp) for side in ("rows", "columns"))
    bits = np.frombuffer(bytes.fromhex(stored["wanted"]), np.uint8)
    wanted = np.unpackbits(bits, count=len(rows) * len(columns)).astype(bool).reshape(len(rows), len(columns))
    result = TileResult(
        found=[(i, j, values) for i, j, values in stored["found"]],
        identical=[(i, j) for i, j in stored["identical"]],
        comparisons=[
            Comparison((a, b), untestable, [(statistic, law, n, groups) for statistic, law, n, groups in sizes])
            for a, b, untestable, sizes in stored["comparisons"]
        ],
    )
    return _Known(Rectangle(rows, columns, wanted), result)
