"""Scores of pairs of named models, from a file or from Python: one finite number for each pair, or none.

A CSV file is in long form, with the header ``a,b,score``, or a square table: a header of names after one cell, and in
each row a name and its scores. An empty cell is a missing score. The score of a model with itself is not read. A pair
may be given both ways if both agree.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import InputError, options
from ..base.canonical_json import canonical
from .csv_file import cells, read_bytes
from .lookalikes import check_lookalikes
from .record import LARGEST_SCORE, TableSource

LONG = ["a", "b", "score"]
MOST_MODELS = 1000
LONGEST_NAME = 200

Pair = tuple[str, str]
Scores = (
    str
    | os.PathLike[str]
    | Mapping[Pair, float | None]
    | Mapping[str, Mapping[str, float | None]]
    | Collection[tuple[str, str, float | None]]
    | NDArray[np.floating[Any]]
)
"""A table of scores as an argument: the path of a CSV file, a mapping of pairs (or of names to mappings of names) to
scores, a list of rows ``(a, b, score)``, or a square array with ``names``."""


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Scores by pair, the names of each in order; a pair that is absent has no score."""

    source: TableSource
    names: tuple[str, ...]
    scores: Mapping[Pair, float]

    def matrix(self, names: Collection[str]) -> NDArray[np.float64]:
        """Symmetric scores of some models, shape [n, n]; NaN where there is none."""
        at = {name: i for i, name in enumerate(names)}
        found = np.full((len(at), len(at)), np.nan)
        for (a, b), score in self.scores.items():
            if a in at and b in at:
                found[at[a], at[b]] = found[at[b], at[a]] = score
        return found


def read_table(scores: Scores, names: Collection[str] | None = None) -> ScoreTable:
    """Read a table of scores.

    Parameters
    ----------
    scores : the table.
    names : names of the rows of an array, in order; for nothing else.

    Raises
    ------
    InputError
        If it is empty, a pair is given twice or differently both ways, or a score is not a finite number.
    """
    if names is not None and not isinstance(scores, np.ndarray):
        raise InputError("names are given for scores that have names; leave names out, or give an array of scores.")
    if isinstance(scores, str | os.PathLike):
        path, content = read_bytes("scores", scores)
        where, rows = f"{path.name!r:.120}", _of_file(cells(path, content), f"{path.name!r:.120}")
        stated = {"name": path.name, "of": "file", "sha256": sha256(content).hexdigest()}
    else:
        where, rows, stated = "scores", _of_values(scores, names), {"of": "rows"}
    found, known = _collected(rows, where)
    if not found:
        raise InputError(f"{where} holds no score of two models; give at least that of A and B.")
    check_lookalikes(f"Models of {where}", known)
    if "sha256" not in stated:
        stated["sha256"] = sha256(canonical([[*pair, found[pair]] for pair in sorted(found)])).hexdigest()
    source = TableSource(models=len(known), pairs=len(found), **stated)
    return ScoreTable(source, tuple(sorted(known)), found)


def _of_file(rows: list[list[str]], where: str) -> Iterator[tuple[Any, Any, Any]]:
    head, *body = rows
    if [cell.lower() for cell in head] == LONG:
        yield from ((a, b, score) for a, b, score in body)
        return
    names = head[1:]
    if sorted(names) != sorted(row[0] for row in body) or len(set(names)) < len(names):
        raise InputError(
            f"{where} has the header {','.join(head)!r:.80}, which is neither a,b,score nor names that are those of "
            "the rows, each once; give one of the two, with commas between cells."
        )
    for row in body:
        yield from ((row[0], name, cell) for name, cell in zip(names, row[1:], strict=True))


def _of_values(scores: Any, names: Collection[str] | None) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(scores, np.ndarray):
        if scores.ndim != 2 or scores.shape[0] != scores.shape[1] or scores.dtype.kind not in "fiu":
            raise InputError(
                f"scores is an array of {scores.dtype} and shape {scores.shape}; give numbers, one row and one "
                "column for each model."
            )
        called = options.texts("names", () if names is None else names)
        if len(called) != len(scores) or len(set(called)) < len(called):
            raise InputError(
                f"names holds {len(set(called))} different names, and scores {len(scores)} rows; give each its own."
            )
        for i, a in enumerate(called):
            yield from ((a, b, scores[i, j].item()) for j, b in enumerate(called))
    elif isinstance(scores, Mapping):
        for key, value in scores.items():
            if isinstance(value, Mapping):
                yield from ((key, other, score) for other, score in value.items())
            elif isinstance(key, tuple) and len(key) == 2:
                yield (*key, value)
            else:
                options.refuse("a key of scores", key, "two names, or a name with a mapping of names to scores")
    elif isinstance(scores, Collection) and not isinstance(scores, bytes | bytearray | set):
        for row in scores:
            if not isinstance(row, Collection) or isinstance(row, str | bytes | Mapping | set) or len(row) != 3:
                options.refuse("a row of scores", row, "two names and a score")
            yield tuple(row)
    else:
        options.refuse("scores", scores, "the path of a CSV file, a mapping, rows, or an array with names")


def _collected(rows: Iterable[tuple[Any, Any, Any]], where: str) -> tuple[dict[Pair, float], set[str]]:
    """The score of each pair, and all names."""
    given: dict[Pair, float | None] = {}
    known: set[str] = set()
    for a, b, cell in rows:
        known |= {_name(a, where), _name(b, where)}
        if len(known) > MOST_MODELS:
            raise InputError(f"{where} names more than {MOST_MODELS} models; give at most as many.")
        if a == b:
            continue
        if (a, b) in given:
            raise InputError(f"{where} gives the pair {a!r:.80}, {b!r:.80} twice; give it once.")
        score = given[a, b] = _score(a, b, cell, where)
        other = given.get((b, a))
        if score is not None and other is not None and score != other:
            raise InputError(
                f"{where} is not symmetric: {a!r:.80} with {b!r:.80} is {score!r}, and the other way {other!r}; give "
                "one score of the two."
            )
    return {(min(pair), max(pair)): score for pair, score in given.items() if score is not None}, known


def _name(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name or len(name) > LONGEST_NAME or name != name.strip():
        raise InputError(
            f"{where} calls a model {name!r:.80}; give a name of 1 to {LONGEST_NAME} characters without spaces "
            "around it."
        )
    return options.text("a name in scores", name)


def _score(a: str, b: str, cell: Any, where: str) -> float | None:
    if cell is None or (isinstance(cell, str) and not cell):
        return None
    try:
        number = float(cell) if _is_number(cell) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not isfinite(number):
        raise InputError(
            f"{where} has the score {cell!r:.60} of {a!r:.80} and {b!r:.80}, which is no finite number; give one, or "
            "leave it empty where it is missing."
        )
    if abs(number) > LARGEST_SCORE:
        raise InputError(
            f"{where} has the score {cell!r:.60} of {a!r:.80} and {b!r:.80}, which is beyond {LARGEST_SCORE:g}; give "
            "scores in another unit."
        )
    return number + 0.0  # canonical JSON has one zero


def _is_number(cell: Any) -> bool:
    if isinstance(cell, str):
        return "_" not in cell and cell.isascii()
    return isinstance(cell, Real) and not isinstance(cell, bool | np.bool_)
