"""Correlations anew from the statistics that others published, which are not kept here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from verify.inference import disjoint_pairs
from verify.statistics import curve_correlation

from .correlations import ATLAS, GRAPHNET, SPECTRUM, WW, Row
from .populations import DEPTH, DERIVED, SAME_RECIPE, SNR_DERIVED, TRANSLATORS, Group, family

Curves = dict[str, list[float]]
ROLES = "qkvo"


def published(data: Path) -> list[Row]:
    """Every correlation that the page rests on, from a folder of the published statistics."""
    stacks = _json(data / "graphnet_qkvo_std.json")
    return [
        *_graphnet(stacks),
        *_translators(stacks),
        *_gpt2(_json(data / "gpt2_rms_from_weightwatcher.json")),
        *_spectrum(data / "spectrum"),
        *_atlas(_json(data / "modeldna_atlas_pairs.json")),
    ]


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _graphnet(stacks: dict[str, Any]) -> Iterator[Row]:
    """Pairs of documented relation, and all pairs of stacks of DEPTH layers."""
    relation = _documented(stacks)
    deep = sorted(name for name, stack in stacks.items() if stack["L"] == DEPTH)
    wanted = {tuple(sorted(pair)) for pair in relation} | set(combinations(deep, 2))
    for a, b in sorted(wanted):
        if found := relation.get(frozenset((a, b))):
            kind, label, rule = found[0], found[1].label, found[1].rule
        else:
            kind, label = "kin" if family(a) == family(b) else "unrelated", ""
            rule = " / ".join(sorted({family(a), family(b)}))
        first, second = stacks[a], stacks[b]
        about = {"widths": f"{first['H']}/{second['H']}", "kind": kind, "group": label, "rule": rule}
        yield _row(a, b, first["curves"], second["curves"], ROLES, statistic="sd", source=GRAPHNET, **about)


def _documented(stacks: dict[str, Any]) -> dict[frozenset[str], tuple[str, Group]]:
    """Kind and group of every pair of one depth whose relation is documented."""
    return {
        frozenset(pair): (kind, group)
        for kind, groups in (("same_recipe", SAME_RECIPE), ("derived", DERIVED))
        for group in groups
        for pair in combinations([name for name in group.names if name in stacks], 2)
        if stacks[pair[0]]["L"] == stacks[pair[1]]["L"]
    }


def _translators(stacks: dict[str, Any]) -> Iterator[Row]:
    """Translators of one recipe and many languages, paired off by the sha256 of their names: no model twice."""
    for kind in TRANSLATORS:
        width = kind["width"]
        distinct: dict[str, str] = {}
        for name, stack in sorted(stacks.items()):
            if "opus-mt" in name and stack["H"] == width and f"model.{kind['part']}." in name:
                distinct.setdefault(json.dumps([stack["curves"][role] for role in ROLES]), name)
        names = sorted(distinct.values())
        about = {
            "widths": f"{width}/{width}",
            "kind": "same_recipe",
            "group": f"OPUS-MT, {kind['label']}",
            "rule": "translators of other languages, trained separately by one recipe; disjoint pairs, blind",
        }
        for i, j in disjoint_pairs(names):
            a, b = sorted((names[i], names[j]))
            first, second = stacks[a]["curves"], stacks[b]["curves"]
            yield _row(a, b, first, second, ROLES, statistic="sd", source=GRAPHNET, **about)


def _gpt2(sizes: dict[str, Curves]) -> Iterator[Row]:
    """The four GPT-2: fused q, k, v, so the two attention curves only; and the one MLP curve that is most alike."""
    about = {
        "widths": "/",
        "kind": "same_recipe",
        "rule": "four sizes, trained separately by one recipe; depths differ, so the shorter is interpolated",
    }
    curves = {"GPT-2, attention": ("c_attn", "attn.c_proj"), "GPT-2, mlp.c_proj alone": ("mlp.c_proj",)}
    for a, b in combinations(sizes, 2):
        for label, roles in curves.items():
            yield _row(a, b, sizes[a], sizes[b], roles, group=label, statistic="rms", source=WW, **about)


def _spectrum(folder: Path) -> Iterator[Row]:
    """Signal-to-noise curves of large language models of one depth: a relative of the statistic, not itself."""
    models = dict(_signal_to_noise(folder))
    for a, b in combinations(models, 2):
        depths = {len(models[name][role]) for name in (a, b) for role in ROLES}
        if len(depths) > 1:
            continue
        finite = {
            role: [
                i
                for i in sorted(models[a][role])
                if np.isfinite([models[a][role][i], models[b][role].get(i, np.inf)]).all()
            ]
            for role in ROLES
        }
        if min(map(len, finite.values())) < 3:
            continue
        first, second = ({role: [models[name][role][i] for i in finite[role]] for role in ROLES} for name in (a, b))
        kind, rule = _relation(a, b)
        about = {"widths": "/", "kind": kind, "group": "", "rule": rule}
        row = _row(a, b, first, second, ROLES, statistic="snr", source=SPECTRUM, **about)
        yield row._replace(layers=f"{max(depths)}/{max(depths)}")


def _signal_to_noise(folder: Path) -> Iterator[tuple[str, dict[str, dict[int, float]]]]:
    """Name of a model, and the ratio of each of q, k, v, o by layer."""
    for path in sorted(folder.glob("*.json")):
        curves: dict[str, dict[int, float]] = {role: {} for role in ROLES}
        for name, value in _json(path).items():
            parts = name.split(".")
            if parts[-1] in {f"{role}_proj" for role in ROLES} and isinstance(value, dict) and "snr" in value:
                curves[parts[-1][0]][next(int(part) for part in parts if part.isdigit())] = float(value["snr"])
        if all(curves.values()):
            yield path.stem.removeprefix("snr_results_"), curves


def _relation(a: str, b: str) -> tuple[str, str]:
    """Kind and rule of two large language models, by their names."""
    if frozenset((a, b)) in SNR_DERIVED:
        return "derived", "an instruct version, or the next point release, by name"
    if a.split("-")[0] == b.split("-")[0]:
        return "kin", "one maker; relation not documented"
    return "unrelated", "other makers"


def _atlas(atlas: dict[str, Any]) -> Iterator[Row]:
    """Correlations that modelDNA published; of its unrelated pairs only an interval can be told."""
    for edge in atlas["edges"]:
        rule = "edge of its atlas of documented lineage"
        yield Row(edge["a"], edge["b"], "", "", "derived", "", f"{edge['sigma_r']:.4f}", "", "sd", ATLAS, rule)
    for edge in atlas["non_edges_p_only"]:
        interval = f"{edge['sigma_r_lo']:.4f}..{edge['sigma_r_hi']:.4f}"
        rule = "not an edge of its atlas; the interval follows from its published score"
        yield Row(edge["a"], edge["b"], "", "", "unrelated", "", interval, "", "sd", ATLAS, rule)


def _row(a: str, b: str, first: Curves, second: Curves, roles: Iterable[str], **about: str) -> Row:
    """The row of two stacks: means over roles of the correlations of their curves, of values and of ranks."""
    r, ranked = (mean(curve_correlation(first[x], second[x], ranks=ranks) for x in roles) for ranks in (False, True))
    layers = "/".join(str(len(next(iter(curves.values())))) for curves in (first, second))
    return Row(a=a, b=b, layers=layers, r=f"{r:.4f}", rank_r=f"{ranked:.4f}", **about)
