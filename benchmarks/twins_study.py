"""``python -m benchmarks.twins_study``: size and power of the panel tests, on models that are in no panel.

Strangers of three grades, all of recipes that the shipped panel does not have (the sets ``*-fresh`` of
``zoo/twins.toml``): two models of one recipe, which differ in their seeds alone; two recipes that share a corpus; and
two that share none. No model is in two pairs of a grade, so rejections of a grade's pairs of different recipes are
independent given the panel. Beside them strangers of the zoo, which another trainer made, for longer; students that
learnt another model's logits, with their teachers; what the zoo derives from its reference; and simulated strangers
(`affinity`). Trains what is missing; writes ``tables/twins.json`` and its page.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import verify
from verify.claim.evidence import panel_line
from verify.data import model
from verify.panel import ALL_PAIRS, Panel, evaluate, load_panel, undecided
from verify.panel.designs import TWINS
from verify.panel.evidence import claim_above_levels
from verify.panel.twins import above_levels
from verify.statistics import PRIMARY

from .affinity import p_values
from .pages import publish
from .results import rounded
from .shipped_panel import CACHE, fingerprinted
from .zoo.__main__ import CACHE as ZOO
from .zoo.build import HELD_OUT, STRANGERS
from .zoo.build import ZOO as DERIVED
from .zoo.ship import FINGERPRINTS, load
from .zoo.twins import build as zoo
from .zoo.twins.design import STUDENT, Recipe

FRESH = zoo.SETS[2]
LEVELS = (0.05, 0.01)
CLAIMS = 5000
"""Number of simulated claims."""
GRADES = ("recipe", "corpus", "nothing", "student")
RUNGS = ("pair", "pair_residual", ALL_PAIRS, TWINS)
"""Rungs of the primary statistic; the verdict needs the last two, and an effect."""
TOGETHER = [f"stranger-{n}" for n in range(3, 10)]
SURVIVE = {"obfuscated", "obfuscated-all", "moe-fine", "moe-coarse", "continued-3x", "reinitialised"}
"""Derivations that the primary statistic survives by construction."""


class Pair(NamedTuple):
    """Two models to rank, and what is known of them."""

    grade: str
    kind: str
    a: Path
    b: Path
    recipe: str


def main() -> None:
    """Train, rank, count, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.twins_study", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=ZOO / "twins", help="folder of trained twins (%(default)s)")
    parser.add_argument("--cache", type=Path, default=CACHE / "models", help="of fingerprints (%(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    recipes = zoo.ordered(FRESH)
    zoo.build(recipes, options.zoo, workers=options.workers)
    fingerprinted(recipes, options.zoo, options.cache, workers=options.workers)
    pairs = [pair for kind in FRESH for pair in strangers([r for r in recipes if r.group == kind], options.cache)]
    pairs += [*by_another_trainer(), *derivations()]
    with ProcessPoolExecutor(options.workers) as pool:
        ranked = list(pool.map(_ranked, pairs, chunksize=4))
    panel = _panel()
    found = {"panel": _described(panel), **summary(ranked), "panel_twins": of_panel(panel), "simulated": simulated()}
    publish("twins", found)


def strangers(recipes: list[Recipe], prints: Path) -> Iterator[Pair]:
    """Disjoint pairs of each grade, and every student with its teacher, of recipes of one kind."""
    kind = recipes[0].group.split("-")[0]

    def pair(grade: str, a: str, b: str, recipe: str) -> Pair:
        return Pair(grade, kind, prints / f"{a}.safetensors", prints / f"{b}.safetensors", recipe)

    models = {recipe.name: [m for m in recipe.models if not m.endswith(f"-{STUDENT}")] for recipe in recipes}
    for recipe in recipes:
        own = models[recipe.name]
        yield from (pair("recipe", *two, recipe.name) for two in zip(own[::2], own[1::2], strict=False))
        yield from (pair("student", m, own[0], recipe.name) for m in recipe.models if m not in own)
    for grade in ("corpus", "nothing"):
        left = {name: list(own) for name, own in models.items()}
        for one, other in combinations(recipes, 2):
            shared = bool(set(one.corpora) & set(other.corpora))
            if shared == (grade == "corpus") and left[one.name] and left[other.name]:
                yield pair(grade, left[one.name].pop(), left[other.name].pop(), f"{one.name}, {other.name}")


def by_another_trainer() -> Iterator[Pair]:
    """Disjoint pairs of strangers of one recipe of the zoo, whose earlier fingerprints keep fewer units."""
    groups: dict[str, list[str]] = {}
    for zoo_recipe, names in ((HELD_OUT, HELD_OUT.models), (STRANGERS, STRANGERS.models), (DERIVED, TOGETHER)):
        for name in names:
            recipe = {key: value for key, value in zoo_recipe.models[name].items() if key not in ("name", "shipped")}
            if (FINGERPRINTS / f"{name}.safetensors").exists():
                groups.setdefault(f"{recipe}", []).append(name)
    for said, own in groups.items():
        for a, b in zip(own[::2], own[1::2], strict=False):
            yield Pair("recipe", "gated, another trainer", _earlier(a), _earlier(b), said)


def derivations() -> Iterator[Pair]:
    """What the zoo derives from a reference or distils from it: earlier fingerprints, and the models that ship."""
    for name in DERIVED.models:
        reference = DERIVED.reference_of(name)
        if name == reference or (DERIVED.relation(name) == "none" and name != "distilled"):
            continue
        kind = "plain" if name.startswith("gpt2") else "gated"
        a, b = (load(one).record.sketch.version for one in (name, reference))
        of_its_day = reference if a == b else f"{reference}-of-sketch-{a}"
        yield Pair("derived", kind, _earlier(name), _earlier(of_its_day), name)
        if DERIVED.models[name].get("shipped"):
            yield Pair("derived", kind, model(name), model(reference), f"{name}, all units")


def _earlier(name: str) -> Path:
    return FINGERPRINTS / f"{name}.safetensors"


@cache
def _panel() -> Panel:
    panel = load_panel("default")
    assert panel is not None
    return panel


def _ranked(pair: Pair) -> dict[str, Any]:
    a, b = (verify.fingerprint(path) for path in (pair.a, pair.b))
    found = evaluate(_panel(), a, b, alpha=min(LEVELS))
    primary = found.primary
    line = panel_line(found, decisive=undecided(found.use) is None)
    by_rung = {rank.design: 10**rank.log10_p for rank in primary.ranks}
    return {
        "grade": pair.grade,
        "kind": pair.kind,
        "recipe": pair.recipe,
        "score": rounded(primary.score),
        "above_levels": rounded(_above(primary.scores)),
        "ratio": rounded(found.use.effect_ratio),
        "rungs": {rung: rounded(by_rung.get(rung)) for rung in RUNGS},
        "verdict": None if line.log10_p is None else rounded(10**line.log10_p),
        "others": {
            result.id: rounded(10**rank.log10_p)
            for result in found.results
            if result.id != PRIMARY.id
            for rank in result.ranks
            if rank.design == ALL_PAIRS
        },
    }


def _above(scores: tuple[float, ...]) -> float | None:
    """T of A and B from the upper triangle of their scores with the members."""
    n = int((1 + (1 + 8 * len(scores)) ** 0.5) / 2)
    if not scores:
        return None
    S = np.full((n, n), np.nan)
    S[np.triu_indices(n, 1)] = scores
    return claim_above_levels(S)


def summary(ranked: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of pairs at or below each level, by grade, statistic and rung; T by grade; derivations one by one."""
    rows, levels = [], []
    for kind, grade in product(dict.fromkeys(one["kind"] for one in ranked), GRADES):
        chosen = [one for one in ranked if (one["kind"], one["grade"]) == (kind, grade)]
        if not chosen:
            continue
        recipes = len({one["recipe"] for one in chosen})
        p = {("primary", rung): [one["rungs"][rung] for one in chosen] for rung in RUNGS}
        p["primary", "verdict"] = [one["verdict"] for one in chosen]
        for other in chosen[0]["others"]:
            p[other, ALL_PAIRS] = [one["others"].get(other) for one in chosen]
        for (statistic, rung), values in p.items():
            known = [value for value in values if value is not None]
            rows.append(
                {
                    "kind": kind,
                    "grade": grade,
                    "recipes": recipes,
                    "statistic": PRIMARY.id if statistic == "primary" else statistic,
                    "rung": rung,
                    "pairs": len(known),
                    "called": [sum(value <= level + 1e-6 for value in known) for level in LEVELS],
                }
            )
        levels.append({"kind": kind, "grade": grade} | _quantiles([one["above_levels"] for one in chosen]))
    return {
        "levels": LEVELS,
        "rows": rows,
        "above_levels": levels,
        "derived": [
            {"model": one["recipe"], "survives": one["recipe"].split(",")[0] in SURVIVE}
            | {key: one[key] for key in ("kind", "score", "ratio", "rungs", "verdict", "others")}
            for one in ranked
            if one["grade"] == "derived"
        ],
        "largest": max((one["ratio"] for one in ranked if one["grade"] != "derived" and one["ratio"]), default=None),
    }


def _quantiles(values: Iterable[float | None]) -> dict[str, Any]:
    known = np.array([value for value in values if value is not None])
    low, median, high = np.quantile(known, (0.1, 0.5, 0.9))
    return {
        "pairs": len(known),
        "quantiles": [rounded(x, 3) for x in (low, median, high, known.max())],
    }


def of_panel(panel: Panel) -> list[dict[str, Any]]:
    """T of the panel's own twins, by kind."""
    kinds = {twins.recipe: "gated" if twins.gated else "plain" for twins in panel.record.twins}
    found = []
    for about, kept in zip(panel.record.twin_scores, panel.twin_scores, strict=True):
        if about.units == panel.record.sketch.match_units:
            T = above_levels(kept.pairs, kept.levels)
            found.append({"kind": kinds[about.recipes[0]]} | _quantiles(T.tolist()))
    return found


def simulated() -> dict[str, Any]:
    """Claims on simulated strangers at or below each level, by the residual rung alone and by the verdict."""
    by_rung = zip((ALL_PAIRS, "verdict"), p_values(np.random.default_rng(0), CLAIMS), strict=True)
    return {"claims": CLAIMS, **{rung: [int((p <= level).sum()) for level in LEVELS] for rung, p in by_rung}}


def _described(panel: Panel) -> dict[str, Any]:
    record = panel.record
    return {
        "name": record.name,
        "version": record.version,
        "digest": panel.digest,
        "members": len(record.members),
        "recipes": {
            kind: sum(twins.gated == gated for twins in record.twins)
            for kind, gated in (("gated", True), ("plain", False))
        },
    }


if __name__ == "__main__":
    main()
