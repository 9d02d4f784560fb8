"""The first stage over all pairs of a screen: what was kept is read, the rest is compared, and all is added up."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement, groupby
from math import log10
from pathlib import Path
from typing import Any, NamedTuple
from zlib import compress, decompressobj
from zlib import error as zlib_error

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from ..base import Record, Workers, run_in_order
from ..fingerprint import same_weights
from ..statistics.result import Law
from . import first_stage
from .bounds import least_grade
from .first_stage import Comparison, TileBounds, Wanted, bound_tile, tile
from .kept import Kept
from .models import Labelled, Prepared
from .plan import Rectangle, left
from .stacks import Run, forget, sketch_of

_KIND = "first"
_COUNTS = "counts"
_BATCH = 16  # pairs of one task for counts


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
    """Bounds of a rectangle of models, in their present positions, as far as the level does not rule pairs out."""

    possible: list[tuple[int, int]]
    """Present positions of pairs that may pass."""
    identical: list[tuple[int, int]]
    """Present positions of pairs of the same weights."""
    comparisons: list[Comparison]


Values = dict[str, float]
"""log10 p by statistic."""


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
    least = least_grade(min(log10_level, log10(first_stage.LARGEST_LEVEL)))
    restored = partial(_restored, at=at, signatures=signatures, alone=alone, least=least)
    before = list(kept.all(_KIND, restored))
    tasks = left(len(order), (pairs for pairs, _ in before), alone=alone)
    known = [one for _, one in before]
    del before  # which pairs it holds takes a byte for each
    progress(0, len(tasks))
    given = (_task(order, task, least) for task in tasks)
    for n, (task, result) in enumerate(zip(tasks, run_in_order(_bounds, given, workers), strict=True), start=1):
        stored = _stored(names, task, result)
        kept.put(_KIND, stored)
        known.append(restored(stored)[1])
        progress(n, len(tasks))
    possible = {pair for one in known for pair in one.possible}
    counted = _counted(order, names, sorted(possible), kept, workers)
    forget()
    passing = {pair: values for pair, values in counted.items() if not values or min(values.values()) <= log10_level}
    return _sum(order, known, passing, alone)


def _names(order: Sequence[Labelled]) -> list[str]:
    """Names of the models for kept results: the sha256 of the fingerprint, numbered where several are equal."""
    seen: Counter[str] = Counter()
    names = []
    for model in order:
        name = model.prepared.sha256
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names


# ---- bounds


class _Task(NamedTuple):
    """A rectangle of models for a worker."""

    rows: tuple[Run, ...]
    columns: tuple[Run, ...]
    wanted: Wanted
    alike: list[tuple[int, int]]
    """Positions in it of pairs that state the same weights."""
    least: int
    """Grade from which pairs are told apart."""


def _task(order: Sequence[Labelled], pairs: Rectangle, least: int) -> _Task:
    rows, columns = ([order[i].prepared for i in side] for side in (pairs.rows, pairs.columns))
    content: dict[str, list[int]] = {}
    files: dict[str, list[int]] = {}
    for j, model in enumerate(columns):
        for of, stated in ((content, model.weights.content), (files, model.weights.files)):
            if stated:
                of.setdefault(stated, []).append(j)
    alike = [
        (i, j)
        for i, model in enumerate(rows)
        for j in sorted({*content.get(model.weights.content, ()), *files.get(model.weights.files, ())})
        if same_weights(model.weights, columns[j].weights)
    ]
    return _Task(_of_signatures(rows), _of_signatures(columns), pairs.wanted, alike, least)


def _of_signatures(models: Sequence[Prepared]) -> tuple[Run, ...]:
    """The sketches of some models as runs of one signature."""
    runs = groupby(models, key=lambda model: model.signature)
    return tuple(Run(tuple(model.first for model in run)) for _, run in runs)


def _bounds(task: _Task) -> TileBounds:
    return bound_tile(*task)


# ---- counts


def _counted(
    order: Sequence[Labelled], names: Sequence[str], pairs: Sequence[tuple[int, int]], kept: Kept, workers: Workers
) -> dict[tuple[int, int], Values]:
    """log10 p by statistic of the pairs that have one of at most the largest level, or no count at all."""
    found = {name: one for stored in kept.all(_COUNTS, _restored_counts) for name, one in stored.items()}
    named = {(i, j): f"{names[i]} {names[j]}" for i, j in pairs}
    missing = [pair for pair in pairs if named[pair] not in found]
    batches = [missing[at : at + _BATCH] for at in range(0, len(missing), _BATCH)]
    given = ([(order[i].prepared.first, order[j].prepared.first) for i, j in batch] for batch in batches)
    for batch, results in zip(batches, run_in_order(_counts, given, workers), strict=True):
        new = dict(zip((named[pair] for pair in batch), results, strict=True))
        kept.put(_COUNTS, new)
        found |= new
    return {pair: values for pair, name in named.items() if (values := found[name]) is not None}


def _counts(pairs: list[tuple[Path, Path]]) -> list[Values | None]:
    """The counts of some pairs of first-stage sketches."""
    made = [tile([sketch_of(a)], [sketch_of(b)]).found for a, b in pairs]
    return [found[0][2] if found else None for found in made]


def _restored_counts(stored: Any) -> dict[str, Values | None]:
    return TypeAdapter(dict[str, Values | None]).validate_python(stored)


# ---- the sum


def _sum(
    order: Sequence[Labelled],
    known: Sequence[_Known],
    passing: Mapping[tuple[int, int], Values],
    alone: bool,
) -> FirstResult:
    identical = {pair for one in known for pair in one.identical}
    compared = {comparison.signatures: comparison for one in known for comparison in one.comparisons}
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
        passing=[(*pair, passing[pair]) for pair in sorted(passing) if pair not in identical],
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
    grades: str
    identical: tuple[tuple[int, int], ...]
    comparisons: tuple[tuple[str, str, str | None, tuple[tuple[str, Law, int, int], ...]], ...]


def _stored(names: Sequence[str], pairs: Rectangle, result: TileBounds) -> dict[str, Any]:
    return {
        "rows": [names[i] for i in pairs.rows],
        "columns": [names[j] for j in pairs.columns],
        "wanted": _packed(np.packbits(pairs.wanted)),
        "grades": _packed(result.grades),
        "identical": result.identical,
        "comparisons": [[*one.signatures, one.untestable, one.sizes] for one in result.comparisons],
    }


def _packed(bytes_: NDArray[np.uint8]) -> str:
    return b64encode(compress(bytes_.tobytes(), 1)).decode()


def _unpacked(text: str, size: int) -> NDArray[np.uint8]:
    """The bytes of :func:`_packed`; a ValueError if they are not ``size``."""
    unpacking = decompressobj()
    try:
        content = unpacking.decompress(b64decode(text, validate=True), size + 1)
    except zlib_error as problem:
        raise ValueError("is not compressed bytes") from problem
    if len(content) != size:
        raise ValueError("is of another size")
    return np.frombuffer(content, np.uint8)


def _restored(
    stored: Any, at: Mapping[str, int], signatures: Sequence[str], *, alone: bool, least: int
) -> tuple[Rectangle, _Known]:
    """The pairs of a rectangle, and their bounds.

    Parameters
    ----------
    stored : what was kept of it.
    at : present positions by the names of models.
    signatures : of the models in their present positions.
    alone : whether pairs with the first model are asked for alone.
    least : grade from which a pair may pass.

    Raises
    ------
    ValueError
        If it is no result, or not of all of its pairs.
    """
    read = _Stored.model_validate(stored)
    rows, columns = (np.array([at.get(name, -1) for name in side], np.intp) for side in (read.rows, read.columns))
    shape = len(rows), len(columns)
    bits = _unpacked(read.wanted, (shape[0] * shape[1] + 7) // 8)
    wanted = np.unpackbits(bits, count=shape[0] * shape[1]).astype(bool).reshape(shape)
    grades = _unpacked(read.grades, shape[0] * shape[1]).reshape(shape)
    if any(not (0 <= i < shape[0] and 0 <= j < shape[1]) for i, j in read.identical):
        raise ValueError("names a pair outside its rectangle")
    counted = wanted & (rows >= 0)[:, None] & (columns >= 0)
    possible = np.argwhere(counted & (grades >= least)).tolist()
    for i, j in read.identical:
        counted[i, j] = False
    compared = {(a, b): Comparison((a, b), why, list(sizes)) for a, b, why, sizes in read.comparisons}
    of_rows, of_columns = ({p: signatures[p] for p in side.tolist() if p >= 0} for side in (rows, columns))
    for signature in set(of_rows.values()):
        same = [of_rows.get(p) == signature for p in rows.tolist()]
        beside = columns[counted[same].any(0)].tolist()
        if not {(signature, of_columns[p]) for p in beside} <= compared.keys():
            raise ValueError("lacks what two kinds of models determine")
    places = rows.tolist(), columns.tolist()
    testable = {signatures for signatures, one in compared.items() if one.untestable is None}
    asked = [pair for i, j in possible if counted[i, j] and (pair := _asked(places, i, j, alone))]
    return Rectangle(rows, columns, wanted), _Known(
        [(i, j) for i, j in asked if (signatures[i], signatures[j]) in testable],
        [pair for i, j in read.identical if (pair := _asked(places, i, j, alone))],
        list(compared.values()),
    )
