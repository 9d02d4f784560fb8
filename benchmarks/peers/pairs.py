"""Which pairs of models are compared, and what is true of them: the zoo, whose recipes are in ``benchmarks/zoo``.

Fourteen of its models ship with the library, so a first run trains nothing; what is made from them without training
(pruned, quantised, re-ordered, rotated) is made on the way. Every other model that lies in the folder joins.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from verify.data import model

from ..zoo.build import HELD_OUT, STRANGERS, ZOO, Recipe, build_one
from ..zoo.config import Config

SCALE = "small"
MANY = 40
"""Strangers of one recipe that are looked for: ``python -m benchmarks.zoo.stacked --scale small --device cpu``."""
DERIVED = {
    "fine-tuned": ("fine-tuned", "gpt2-fine-tuned"),
    "continued on other data": ("continued-1x", "continued-3x"),
    "merged": ("merged-children", "merged-stranger"),
    "quantised": ("int8", "int3"),
    "pruned": ("pruned-50", "pruned-80"),
    "layers removed or drawn anew": ("depth-pruned", "depth-pruned-healed", "reinitialised"),
    "made into experts": ("moe-coarse", "moe-fine"),
    "re-ordered or rotated": (
        "units-permuted",
        "heads-permuted",
        "rotated",
        "fine-tuned-units-permuted",
        "fine-tuned-heads-permuted",
        "fine-tuned-rotated",
    ),
    "re-ordered and rotated at once": ("units-heads-permuted-rotated", "obfuscated", "obfuscated-all"),
    "embeddings kept, rest new": ("embeddings-copied",),
}
SAME_SEED, DISTILLED = "shared seed, not derived", "distilled, no shared weights"
TWINS, OTHERS = "strangers of one recipe", "strangers of other shapes"
KINDS = (*DERIVED, SAME_SEED, DISTILLED, TWINS, OTHERS)
TIMED = ("continued on other data", "re-ordered and rotated at once", TWINS)
"""Kinds of which one pair is timed."""
BASELINE = 4
"""Strangers set aside for peers that need unrelated models of the user's; no pair holds one."""


@dataclass(frozen=True)
class Pair:
    """Two models and what is true of them."""

    kind: str
    a: str
    b: str


@dataclass(frozen=True)
class Zoo:
    """What is compared: pairs, and models set aside."""

    folder: Path
    pairs: tuple[Pair, ...]
    baseline: tuple[str, ...]

    @property
    def timed(self) -> tuple[Pair, ...]:
        """The pairs that are timed."""
        firsts = (next((pair for pair in self.pairs if pair.kind == kind), None) for kind in TIMED)
        return tuple(pair for pair in firsts if pair)


def prepared(folder: Path) -> Zoo:
    """The pairs of a folder of models; where it has no reference, the models that ship are put there first."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ZOO.reference).exists():
        for name, spec in ZOO.models.items():
            if spec.get("shipped"):
                shutil.copytree(model(name), folder / name)
    for name, spec in ZOO.models.items():
        ready = all((folder / other).exists() for other in ZOO.ancestors(name))
        if "do" in spec and "train" not in spec and ready and not (folder / name).exists():
            build_one(ZOO, folder, SCALE, name)
    for path in folder.glob("*/tokenizer.json"):
        if not path.with_name("tokenizer_config.json").exists():
            _complete(path)
    return Zoo(folder, *pairs_of(folder))


def pairs_of(folder: Path) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """The pairs, kinds taking turns so that a run cut short has some of each; and the models set aside."""
    there = {name for name in _names() if (folder / name / "lineage.json").exists()}
    rows = {
        kind: [Pair(kind, name, ZOO.reference_of(name)) for name in names if name in there]
        for kind, names in DERIVED.items()
    }
    rows[SAME_SEED] = [Pair(SAME_SEED, "same-seed", ZOO.reference)] if "same-seed" in there else []
    rows[DISTILLED] = [Pair(DISTILLED, "distilled", ZOO.reference)] if "distilled" in there else []
    groups = _strangers(folder, there)
    large = groups[0] if groups else []
    aside = tuple(large[2 : BASELINE + 2]) if len(large) >= BASELINE + 2 else ()  # the same however many join
    groups = [[name for name in group if name not in aside] for group in groups]
    rows[TWINS] = [Pair(TWINS, a, b) for group in groups for a, b in _disjoint(group)]
    rows[OTHERS] = [
        Pair(OTHERS, a, b)
        for a, b in _disjoint([name for turn in zip_longest(*groups) for name in turn if name])
        if _network(folder, a) != _network(folder, b)
    ]
    longest = max(map(len, rows.values()), default=0)
    turns = (rows[kind][i] for i in range(longest) for kind in KINDS if i < len(rows[kind]))
    return tuple(turns), aside


def _complete(path: Path) -> None:
    """Give a tokenizer the fields and the end of text without which peers' libraries refuse it."""
    content = json.loads(path.read_text("utf-8"))
    for part in ("pre_tokenizer", "decoder"):
        content[part] = {"add_prefix_space": False, "trim_offsets": False} | content[part]
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    first = next(iter(content["model"]["vocab"]))
    configuration = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": first}
    path.with_name("tokenizer_config.json").write_text(json.dumps(configuration, ensure_ascii=False), "utf-8")


def _names() -> Iterable[str]:
    for recipe in (ZOO.with_strangers(MANY), HELD_OUT, STRANGERS):
        yield from recipe.models


def _strangers(folder: Path, there: set[str]) -> list[list[str]]:
    """Models trained from their own seeds, those of one recipe together, the largest group first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for recipe in (ZOO.with_strangers(MANY), HELD_OUT, STRANGERS):
        for name in sorted(recipe.models, key=lambda name: [int(p) if p.isdigit() else p for p in name.split("-")]):
            if name in there and name != ZOO.reference and _alone(recipe, name):
                groups[_recipe(folder, name, recipe.models[name])].append(name)
    return sorted(groups.values(), key=len, reverse=True)


def _alone(recipe: Recipe, name: str) -> bool:
    spec = recipe.models[name]
    return not {"from", "seed_of", "teacher"} & set(spec)


def _recipe(folder: Path, name: str, spec: dict[str, Any]) -> str:
    return json.dumps({"network": _network(folder, name).to_dict(), "train": spec["train"]}, sort_keys=True)


def _network(folder: Path, name: str) -> Config:
    """The network of a model; what an older file does not say is as it then was."""
    return Config(**json.loads((folder / name / "lineage.json").read_text("utf-8"))["network"])


def _disjoint(names: list[str]) -> Iterable[tuple[str, str]]:
    """Pairs of which no two share a model: they are independent, and an interval of a share is what it says."""
    return zip(names[::2], names[1::2], strict=False)
