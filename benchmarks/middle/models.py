"""Triples of models of which the middle is known: stars, chains and merges, and triples that have none.

Each of the small bases is trained from its own initial weights and has its own fine-tunes, so triples of one kind are
independent draws. Further triples are of the fine-tunes of one larger base (`benchmarks.beyond.models`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from ..beyond import models as larger
from ..zoo.__main__ import CACHE
from ..zoo.build import Recipe, build, read, seed
from ..zoo.changes.roles import Arrays
from ..zoo.derive import merge, quantise

BASES = 20
SCALE = "tiny"
TEXTS = ("prose", "science", "headers")
PLACED = 10
"""Draws of signs for each base in which the null hypothesis holds."""
PAIRED = 6
"""Fine-tunes of the larger base on each text, in disjoint pairs."""
_FULL = 60
"""Steps that the scale trains for, in which a recipe counts."""
Spec = dict[str, Any]

FINE_TUNES: dict[str, Spec] = {
    "one": {"text": 0, "steps": 150},
    "two": {"text": 0, "steps": 150},
    "other": {"text": 1, "steps": 150},
    "brief": {"text": 0, "steps": 10},
    "brief-two": {"text": 0, "steps": 10},
    "light": {"text": 0, "steps": 30},
    "long": {"text": 0, "steps": 400},
    "long-other": {"text": 1, "steps": 400},
    "ranked": {"text": 0, "steps": 150, "rank": 8},
    "on": {"from": "one", "text": 0, "steps": 150},
    "on-other": {"from": "one", "text": 1, "steps": 150},
    "back": {"from": "one", "steps": 150},
    "further": {"steps": 200},
    "further-on": {"from": "further", "steps": 200},
}
"""Models of each base: what they start from, if not the base, and their text: the base's own one, or one of `TEXTS`,
counted from a place that differs from base to base."""

_PLACED_KIND = "star, signs of one end's changes drawn"
_STARS = {
    "star, one text": ("", "one", "two"),
    "star, two texts": ("", "one", "other"),
    "star, one text, 10 steps each": ("", "brief", "brief-two"),
    "star, one text, 30 and 400 steps": ("", "light", "long"),
    "star, two texts, 30 and 400 steps": ("", "light", "long-other"),
    "star, one text, rank 8 and full": ("", "ranked", "two"),
    "star, two texts, both shrunk by 5%": ("", "one*0.95", "other*0.95"),
    "star, one end the base in bfloat16": ("", "*bfloat16", "one"),
    "star, one end the base in 8 bits": ("", "*8 bits", "one"),
}
_CHAINS = {
    "chain on one text": ("one", "", "on"),
    "chain over two texts": ("one", "", "on-other"),
    "chain back to the text of the base": ("one", "", "back"),
    "chain on the text of the base": ("further", "", "further-on"),
}
_MERGES = {
    "merge of two, one text": ("one+two", "one", "two"),
    "merge of two, two texts": ("one+other", "one", "other"),
}
_WITHOUT = {
    "three of a base that is not given": ("one", "two", "other"),
    "three of a fine-tune that is not given": ("on", "on-other", "back"),
    "base, fine-tune, its merge with another": ("", "one", "one+other"),
}


@dataclass(frozen=True)
class Triple:
    """Three models, the middle first if there is one; what follows * in a name is done to it, + merges two."""

    kind: str
    models: tuple[str, str, str]
    has_middle: bool


def small() -> Iterator[Triple]:
    """Triples of the small bases."""
    placed = [("", f"one*signs {draw}", "two") for draw in range(PLACED)]
    kinds = {kind: [models] for kind, models in (_STARS | _CHAINS | _MERGES).items()} | {_PLACED_KIND: placed}
    for kind, each in (kinds | {kind: [models] for kind, models in _WITHOUT.items()}).items():
        for n in range(BASES):
            for models in each:
                first, second, third = (_full(f"base-{n:02}", name) for name in models)
                yield Triple(kind, (first, second, third), kind not in _WITHOUT)


def large() -> Iterator[Triple]:
    """Triples of fine-tunes of the larger base."""
    base, names = larger.BASE, _paired()
    for corpus in larger.CORPORA:
        same = [name for name in names if f"-{corpus}-" in name]
        for a, b in zip(same[::2], same[1::2], strict=True):
            yield Triple("star, one text", (base, a, b), True)
    for a, b in zip(names[::2], names[1::2], strict=True):
        yield Triple("star, two texts", (base, a, b), True)
    for n in range(larger.TWINS):
        for light in "ab":
            for long in "ab":
                ends = (f"twin-shorter-{n}{light}", f"twin-longer-{n}{long}")
                yield Triple("star, one text, 30 and 600 steps", (base, *ends), True)
                ends = (f"twin-shorter-{n}{light}", f"twin-longer-{1 - n}{long}")
                yield Triple("star, two texts, 30 and 600 steps", (base, *ends), True)
    for name, spec in larger.trained_on().items():
        texts = "one text" if spec["data"] in spec["from"] else "two texts"
        yield Triple(f"chain, {texts}, {spec['steps']} steps on", (spec["from"], base, name), True)


def weights(folder: Path, name: str) -> Arrays:
    """Numbers of a model, or of what is made of models, in float32."""
    if "+" in name:
        return merge([weights(folder, part) for part in name.split("+")], [0.5, 0.5])
    name, _, change = name.partition("*")
    found: Arrays = read(folder, name)[0]
    if change == "bfloat16":
        return {key: x.astype(ml_dtypes.bfloat16).astype(np.float32) for key, x in found.items()}
    if change == "8 bits":
        return quantise(found, 8)
    if change.startswith("signs"):
        rng, base = np.random.default_rng(seed(f"{name}*{change}")), read(folder, name.removesuffix("-one"))[0]
        signs = {key: rng.choice((-1, 1), (*x.shape[:-1], 1)).astype(np.float32) for key, x in found.items()}
        return {key: base[key] + signs[key] * (x - base[key]) for key, x in found.items()}
    return {key: x * np.float32(change) for key, x in found.items()} if change else found


def train(folder: Path, larger_folder: Path) -> None:
    """Train all models that are not there yet, one after the other."""
    models: dict[str, Spec] = {}
    for n in range(BASES):
        base = f"base-{n:02}"
        models[base] = {"name": base, "train": {"data": "code", "steps": 400 / _FULL}}
        for name, spec in FINE_TUNES.items():
            text = TEXTS[(n + spec["text"]) % len(TEXTS)] if "text" in spec else "code"
            training = {"data": text, "steps": spec["steps"] / _FULL, "peak": 1e-3, "rank": spec.get("rank", 0)}
            start = _full(base, spec.get("from", ""))
            models[f"{base}-{name}"] = {"name": f"{base}-{name}", "from": start, "train": training}
    build(Recipe(models), folder, SCALE, workers=1)
    ends = [name for triple in large() for name in triple.models if name != larger.BASE]
    larger.train(larger_folder, list(dict.fromkeys(ends)))


def _paired() -> list[str]:
    return [name for name in larger.paired() if int(name[-2:]) < PAIRED]


def _full(base: str, name: str) -> str:
    parts = name.split("+")
    return "+".join(f"{base}-{part}" if part and part[0] != "*" else base + part for part in parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.middle.models", description="Train the models.")
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "middle", help="of small ones (%(default)s)")
    parser.add_argument("--larger", type=Path, default=CACHE.parent / "beyond", help="(%(default)s)")
    options = parser.parse_args()
    train(options.folder, options.larger)
