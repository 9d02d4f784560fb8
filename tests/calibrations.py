"""Tables of scores: of strangers, of hubs, of twins; and their reports."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.reports import CREATED
from verify import CalibrationReport, calibrate

Rows = list[tuple[str, str, float]]
A, B = "asked", "other"


def names(n: int) -> list[str]:
    """A, B and others."""
    return [A, B, *(f"model-{i}" for i in range(2, n))]


def rows_of(S: NDArray[np.float64], called: Sequence[str] | None = None) -> Rows:
    """A square array as rows, each pair once."""
    called = called or names(len(S))
    return [(called[i], called[j], float(S[i, j])) for i, j in combinations(range(len(S)), 2)]


def strangers(n: int, seed: int = 0, *, hubs: float = 0.0, tied: bool = False) -> NDArray[np.float64]:
    """Exchangeable scores of ``n`` models, with a main effect of each, or with few values."""
    rng = np.random.default_rng(seed)
    S = rng.integers(0, 3, (n, n)).astype(float) if tied else rng.standard_normal((n, n))
    h = hubs * rng.standard_normal(n)
    S = np.triu(S, 1)
    return S + S.T + h[:, None] + h


def alike(n: int, seed: int = 0) -> NDArray[np.float64]:
    """Strangers but for A and B, which are closer than any two."""
    S = strangers(n, seed)
    S[0, 1] = S[1, 0] = 9.0
    return S


def twins(
    recipes: int, references: int, seed: int = 0, *, hubs: float = 0.0, tied: bool = False
) -> tuple[Rows, dict[str, str]]:
    """A, B and the twins of some recipes, all pairs exchangeable, with the scores that twins need alone."""
    rng = np.random.default_rng(seed)
    pairs = [(A, B), *((f"r{r}-x", f"r{r}-y") for r in range(recipes))]
    called = [name for pair in pairs for name in pair] + [f"ref-{k}" for k in range(references)]
    level = dict(zip(called, hubs * rng.standard_normal(len(called)), strict=True))
    wanted = pairs + [(x, f"ref-{k}") for pair in pairs for x in pair for k in range(references)]
    noise = rng.integers(0, 2, len(wanted)).astype(float) if tied else rng.standard_normal(len(wanted))
    rows = [(x, y, level[x] + level[y] + float(e)) for (x, y), e in zip(wanted, noise, strict=True)]
    return rows, {name: name[:-2] for pair in pairs[1:] for name in pair}


def report(scores: Any, claim: tuple[str, str] = (A, B), **options: Any) -> CalibrationReport:
    """A calibration made at a fixed time, at a level that small tables reach."""
    return calibrate(scores, claim, **{"alpha": 0.2, "created": CREATED} | options)


def long_csv(path: Path, rows: Iterable[Sequence[Any]], header: Sequence[str] = ("a", "b", "score")) -> Path:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def square_csv(path: Path, S: NDArray[np.float64], called: Sequence[str] | None = None) -> Path:
    """A square table with names."""
    called = called or names(len(S))
    return long_csv(path, [[name, *row] for name, row in zip(called, S.tolist(), strict=True)], ["", *called])


def labels_csv(path: Path, labels: Mapping[str, str], column: str) -> Path:
    """A CSV file of names and labels."""
    return long_csv(path, labels.items(), ("name", column))
