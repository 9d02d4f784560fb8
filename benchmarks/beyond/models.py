"""The fine-tunes of one base on which `verify beyond` is measured: a panel, pairs, relatives, and harder strangers.

Every fine-tune is drawn by the sha256 of its name: seed of its batches, length, learning rate, and whether it moves
by factors of rank 8 alone. Those of the panel and of the pairs are drawn alike, and differ in their names.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..zoo.__main__ import CACHE
from ..zoo.build import Recipe, build, seed

BASE = "reference"
SHIPPED = Path(__file__).parents[2] / "verify" / "data" / "models" / BASE
SCALE = "small"
CORPORA = ("prose", "science", "headers")
OTHER_CORPORA = ("names", "sums")
"""In no panel."""
PANEL, PAIRED = 13, 14
"""Fine-tunes of each corpus in the panel, and in pairs."""
PARENTS = 2
"""Of each corpus, that relatives come from; the first of those in pairs."""
STEPS = (25, 100, 400)
"""Of training on from a parent."""
TWINS = 2
"""Pairs of each corpus that differ in their seeds alone, of recipes in no panel."""
_FULL = 900
"""Steps that the scale trains for, in which a recipe counts."""
Spec = dict[str, Any]


def panel() -> dict[str, str]:
    """The siblings by name, and the corpus of each."""
    return {f"sibling-{corpus}-{n:02}": corpus for corpus in CORPORA for n in range(PANEL)}


def paired() -> dict[str, str]:
    """The fine-tunes of pairs by name, and the corpus of each."""
    return {f"pair-{corpus}-{n:02}": corpus for n in range(PAIRED) for corpus in CORPORA}


def parents() -> dict[str, str]:
    """Fine-tunes of which relatives are made."""
    return {name: corpus for name, corpus in paired().items() if int(name[-2:]) < PARENTS}


def trained_on() -> dict[str, Spec]:
    """Fine-tunes of the parents: by name, the parent, the corpus and the steps."""
    found = {}
    for name, corpus in parents().items():
        others = CORPORA[(CORPORA.index(corpus) + 1) % len(CORPORA)]
        for steps in STEPS:
            on = corpus if int(name[-2:]) % 2 else others
            found[f"{name}-on-{steps}"] = {"from": name, "data": on, "steps": steps}
    return found


def twins() -> dict[str, Spec]:
    """Harder strangers: two of a name but for the last letter, of one recipe that no sibling has, and other seeds."""
    kinds = {
        "longer": {"steps": 600, "peak": 1e-3},
        "hotter": {"steps": 200, "peak": 3e-3},
        "shorter": {"steps": 30, "peak": 1e-3},
        "ranked": {"steps": 200, "peak": 3e-3, "rank": 2},
    }
    found: dict[str, Spec] = {}
    for kind, recipe in kinds.items():
        for n in range(TWINS):
            for letter in "ab":
                found[f"twin-{kind}-{n}{letter}"] = recipe | {"data": CORPORA[n % len(CORPORA)]}
    for corpus in OTHER_CORPORA:
        for n in range(TWINS):
            drawn = recipe_of(f"twin-{corpus}-{n}", corpus)
            for letter in "ab":
                found[f"twin-{corpus}-{n}{letter}"] = drawn
    return found


def recipe_of(name: str, corpus: str) -> Spec:
    """What is drawn for a fine-tune by its name."""
    rng = np.random.default_rng(seed(name + "/recipe"))
    steps, peak, rank = rng.choice((100, 200, 300)), rng.choice((3e-4, 1e-3)), rng.choice((0, 0, 0, 8))
    return {"data": corpus, "steps": int(steps), "peak": float(peak), "rank": int(rank)}


def models() -> dict[str, Spec]:
    """Every fine-tune as a table of a recipe of the zoo, in the order in which they are trained."""
    drawn = {name: recipe_of(name, corpus) for name, corpus in (panel() | paired()).items()}
    rest = {name: {"peak": 1e-3} | spec for name, spec in trained_on().items()}
    return {
        name: {"name": name, "from": spec.get("from", BASE), "train": _training(spec)}
        for name, spec in (drawn | rest | twins()).items()
    }


def train(folder: Path) -> None:
    """Train all that are not in a folder yet, one after the other, from the small model that ships."""
    train_some(folder, list(models()))


def train_some(folder: Path, names: list[str]) -> None:
    """Train those that are not in a folder yet.

    Parameters
    ----------
    folder : where they are, and the base.
    names : of the models.
    """
    if not (folder / BASE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(SHIPPED, folder / BASE)
    build(Recipe({BASE: {"name": BASE}} | models(), BASE), folder, SCALE, names, workers=1)


def _training(spec: Spec) -> Spec:
    kept = {key: value for key, value in spec.items() if key in ("data", "peak", "rank")}
    return kept | {"steps": spec["steps"] / _FULL}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beyond.models", description="Train the fine-tunes.")
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "beyond", help="(%(default)s)")
    train(parser.parse_args().folder)
