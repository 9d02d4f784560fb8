"""The first stage over all pairs of a screen: what was kept is read, the rest is compared, and all is added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations_with_replacement, groupby
from pathlib import Path
from typing import Any

import numpy as np

from ..base import Record, Workers, run_in_order
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
    signatures = [model.prepared.signature for model in order]
    known = list(kept.all(_KIND, partial(_restored, at=at, signatures=signatures)))
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


class _Stored(Record):
    """What is kept of a rectangle."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    wanted: str
    found: tuple[tuple[int, int, dict[str, float]], ...]
    identical: tuple[tuple[int, int], ...]
    comparisons: tuple[tuple[str, str, str | None, tuple[tuple[str, Law, int, int], ...]], ...]


def _stored(names: Sequence[str], pairs: Rectangle, result: TileResult) -> dict[str, Any]:
    return {
        "rows": [names[i] for i in pairs.rows],
        "columns": [names[j] for j in pairs.columns],
        "wanted": np.packbits(pairs.wanted).tobytes().hex(),
        "found": result.found,
        "identical": result.identical,
        "comparisons": [[*one.signatures, one.untestable, one.sizes] for one in result.comparisons],
    }


def _restored(stored: Any, at: Mapping[str, int], signatures: Sequence[str]) -> _Known:
    """The result of a rectangle.

    Parameters
    ----------
    stored : what was kept of it.
    at : present positions by the names of models.
    signatures : of the models in their present positions.

    Raises
    ------
    ValueError
        If it is no result, or not of all of its pairs.
    """
    read = _Stored.model_validate(stored)
    rows, columns = (np.array([at.get(name, -1) for name in side], np.intp) for side in (read.rows, read.columns))
    bits = np.frombuffer(bytes.fromhex(read.wanted), np.uint8)
    wanted = np.unpackbits(bits, count=len(rows) * len(columns)).astype(bool).reshape(len(rows), len(columns))
    result = TileResult(
        found=list(read.found),
        identical=list(read.identical),
        comparisons=[Comparison((a, b), why, list(sizes)) for a, b, why, sizes in read.comparisons],
    )
    places = [*result.identical, *((i, j) for i, j, _ in result.found)]
    if any(not (0 <= i < len(rows) and 0 <= j < len(columns)) for i, j in places):
        raise ValueError("names a pair outside its rectangle")
    counted = wanted & (rows >= 0)[:, None] & (columns >= 0)
    for i, j in result.identical:
        counted[i, j] = False
    compared = {one.signatures for one in result.comparisons}
    of_rows, of_columns = ({p: signatures[p] for p in side.tolist() if p >= 0} for side in (rows, columns))
    for signature in set(of_rows.values()):
        same = [of_rows.get(p) == signature for p in rows.tolist()]
        beside = columns[counted[same].any(0)].tolist()
        if not {(signature, of_columns[p]) for p in beside} <= compared:
            raise ValueError("lacks what two kinds of models determine")
    return _Known(Rectangle(rows, columns, wanted), result)
