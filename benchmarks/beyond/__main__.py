"""``python -m benchmarks.beyond``: unrelated fine-tunes that get a verdict of `verify beyond`, and what is found.

All fine-tunes are of one base (`models`); train them first with ``python -m benchmarks.beyond.models``. Siblings,
pairs, relatives and harder strangers are different models. Writes ``tables/beyond.json`` and its page.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from verify.base import silent
from verify.checkpoint import Location, opened
from verify.inference import unknown_kind_rank
from verify.siblings.changes import RIDGE, measure
from verify.siblings.rank import closeness

from ..pages import publish
from ..zoo.__main__ import CACHE
from .models import BASE, CORPORA, paired, panel, parents, recipe_of, trained_on, twins

WEIGHTS = (0.25, 0.5, 0.75)
"""Of the parent in a merge with a fine-tune on another text."""
LEVELS = (0.01, 0.05)
STATISTICS = ("directions", "cosine", "partial")
"""The primary one, and two others as they would rank; those have no verdict."""
VERDICT = "verify beyond"
P = (VERDICT, "rank alone", *STATISTICS[1:])
ROUNDED = 1 + 1e-9
Array = NDArray[np.float64]
Pair = tuple[str, str]


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beyond", description=__doc__)
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "beyond", help="of the models (%(default)s)")
    folder = parser.parse_args().folder
    merges = _merged(folder)
    same, other = list(_same_data()), list(_other_data())
    relatives = {
        f"trained on for {steps} steps": [
            (name, spec["from"]) for name, spec in trained_on().items() if spec["steps"] == steps
        ]
        for steps in sorted({spec["steps"] for spec in trained_on().values()})
    }
    relatives |= {f"merged, {w:g} of it": [(n, p) for n, (p, at) in merges.items() if at == w] for w in WEIGHTS}
    harder: dict[str, list[Pair]] = {}
    for name in twins():
        if name.endswith("a"):
            harder.setdefault(name.split("-")[1], []).append((name, name[:-1] + "b"))
    strangers = {"of one text": same, "of two texts": other}
    ranks = _ranks(folder, [*panel(), *paired(), *trained_on(), *merges, *twins()])
    coarse = _ranks(_coarser(folder, [*panel(), *paired(), *trained_on(), *merges]))
    publish(
        "beyond",
        {
            "levels": LEVELS,
            "p": P,
            "siblings": {corpus: list(panel().values()).count(corpus) for corpus in CORPORA},
            "smallest_p": 1 / closeness(ranks.of("directions", *same[0]), *ranks.siblings, LEVELS[0], 1).size,
            "alike": {
                statistic: {kind: ranks.spread(statistic, pairs) for kind, pairs in strangers.items()}
                for statistic in STATISTICS[:2]
            },
            "strangers": ranks.table(strangers),
            "harder": ranks.table(harder),
            "relatives": ranks.table(relatives),
            "each_relative": ranks.each(relatives),
            "in_bfloat16": {"strangers": coarse.table(strangers), "relatives": coarse.table(relatives)},
            "steps_of_parents": {name: recipe_of(name, corpus)["steps"] for name, corpus in parents().items()},
        },
    )


def _ranks(folder: Path, names: Sequence[str] = ()) -> _Ranks:
    """Of models in a folder: those named, or all but the base."""
    names = names or sorted(path.name for path in folder.iterdir() if path.name != BASE)
    models = [opened(Location(str(folder / name))) for name in names]
    found = measure(opened(Location(str(folder / BASE))), models, silent)
    return _Ranks(names, {"directions": found.similarity, "cosine": found.cosine}, found.shapes)


def _coarser(folder: Path, names: Sequence[str]) -> Path:
    """A folder with the same models stored in bfloat16, and the base as it is."""
    out = folder / "bfloat16"
    for name in (BASE, *names):
        if not (out / name).exists():
            shutil.copytree(folder / name, out / name)
            if name != BASE:
                tensors = load_file(out / name / "model.safetensors")
                stored = {key: x.astype(ml_dtypes.bfloat16) for key, x in tensors.items()}
                save_file(stored, out / name / "model.safetensors", metadata={"format": "pt"})
    return out


class _Ranks:
    """Ranks of pairs among the siblings."""

    def __init__(self, names: Sequence[str], scores: dict[str, Array], shapes: Array) -> None:
        self._at, self._scores = {name: n for n, name in enumerate(names)}, scores
        self._others = [self._at[name] for name in panel()]
        self.siblings = (list(panel()), list(panel().values()))
        sizes = np.sqrt(np.diag(shapes))
        self._cosines: Array = shapes / np.outer(sizes, sizes)

    def of(self, statistic: str, a: str, b: str) -> Array:
        """Scores of A, B and the siblings."""
        chosen = np.ix_(at := [self._at[a], self._at[b], *self._others], at)
        if statistic != "partial":
            return self._scores[statistic][chosen]
        inverse = np.linalg.inv(self._cosines[chosen] + RIDGE * np.eye(len(at)))
        partial = np.round(-inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse))), 6)
        return np.asarray(np.triu(partial, 1) + np.triu(partial, 1).T)

    def spread(self, statistic: str, pairs: Sequence[Pair]) -> list[float]:
        """The smallest, median and largest score of pairs."""
        scores = [self._scores[statistic][self._at[a], self._at[b]] for a, b in pairs]
        return [round(float(np.quantile(scores, q)), 3) for q in (0.0, 0.5, 1.0)]

    def table(self, kinds: dict[str, list[Pair]]) -> dict[str, dict[str, Any]]:
        """Of pairs of each kind, how many are unlike siblings, and how many have a p of at most each level."""
        found = {}
        for kind, pairs in kinds.items():
            rows = [self._row(*pair) for pair in pairs]
            found[kind] = {
                "pairs": len(rows),
                "largest": max(row["score"] for row in rows),
                "unlike": sum(row["unlike"] for row in rows),
                "called": {
                    name: [sum(row[name] <= level * ROUNDED for row in rows) for level in LEVELS] for name in P
                },
            }
        return found

    def each(self, kinds: dict[str, list[Pair]]) -> list[dict[str, Any]]:
        """Score and p-value of each pair."""
        rows = [self._row(*pair) for pairs in kinds.values() for pair in pairs]
        return [{name: row[name] for name in ("a", "b", "score", VERDICT)} for row in rows]

    def _row(self, a: str, b: str) -> dict[str, Any]:
        names, kinds = self.siblings
        judged = closeness(self.of("directions", a, b), names, kinds, LEVELS[0], 1)
        p = {name: unknown_kind_rank(self.of(name, a, b), kinds).log10_p for name in STATISTICS[1:]}
        p |= {VERDICT: judged.log10_p, "rank alone": unknown_kind_rank(self.of("directions", a, b), kinds).log10_p}
        return {
            "a": a,
            "b": b,
            "score": self.spread("directions", [(a, b)])[0],
            "unlike": bool(judged.unlike),
            **{name: round(10**value, 9) for name, value in p.items()},
        }


def _same_data() -> Iterator[Pair]:
    """Disjoint pairs of fine-tunes on one text."""
    for corpus in CORPORA:
        names = [name for name, of in paired().items() if of == corpus]
        yield from zip(names[::2], names[1::2], strict=True)


def _other_data() -> Iterator[Pair]:
    """Disjoint pairs of fine-tunes on two texts: texts follow one another by turns."""
    names = list(paired())
    yield from zip(names[::2], names[1::2], strict=True)


def _merged(folder: Path) -> dict[str, tuple[str, float]]:
    """Merges of each parent with a fine-tune on another text that is no sibling: parent and weight, by name."""
    found, names = {}, list(paired())
    for name in parents():
        other = names[names.index(name) + len(parents()) + 1]
        for weight in WEIGHTS:
            made = f"{name}-merged-{weight:g}"
            found[made] = (name, weight)
            if not (folder / made).exists():
                one, two = (load_file(folder / of / "model.safetensors") for of in (name, other))
                shutil.copytree(folder / name, folder / made)
                tensors = {key: (weight * x + (1 - weight) * two[key]).astype(np.float32) for key, x in one.items()}
                save_file(tensors, folder / made / "model.safetensors", metadata={"format": "pt"})
    return found


if __name__ == "__main__":
    main()
