"""What the disputed statistic is worth: how often pairs of known relation reach the claimed correlation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from itertools import combinations
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.zoo.build import HELD_OUT
from benchmarks.zoo.ship import load
from verify.statistics import SPREAD_CORRELATION

from .correlations import ATLAS, GRAPHNET, SPECTRUM, Row, find
from .cross_family import CrossFamily, known, nulls
from .populations import CLAIMED, DEPTH, DERIVED, PLAINEST, SAME_RECIPE, Group, family
from .shares import share

Facts = dict[str, Any]


def base_rate(rows: list[Row]) -> Facts:
    """Everything that the page says of the statistic, from the rows and from models trained by us."""
    panel = CrossFamily.of(rows)
    classes, opus = _classes(rows, panel), _opus(rows)
    own = share("trained by us (this library's zoo)", trained())
    return {
        "widths": _widths(rows),
        "classes": classes | {"own": own},
        "opus": opus,
        "tables": _tables(rows, classes, own, opus),
        "highest": _highest(rows),
        "below": [_short(row) for row in _below(rows)],
        "atlas": _atlas(rows),
        "gpt2": {what: _largest(rows, label) for what, label in GPT2.items()},
        "null": nulls(panel),
        "known": known(panel, rows),
        "panel": [{"family": family(name), "name": name} for name in panel.names],
        "groups": {
            "One recipe, separate trainings": _present(SAME_RECIPE, rows),
            "Known derivations": _present(DERIVED, rows),
        },
        "plainest": PLAINEST,
    }


GPT2 = {"curve": "GPT-2, mlp.c_proj alone", "attention": "GPT-2, attention"}


def trained() -> list[Row]:
    """Small models that we trained by one recipe from different seeds, and that are in no panel."""
    prints = {name: load(name) for name in HELD_OUT.models}
    rows = []
    for a, b in combinations(prints, 2):
        r, depth = SPREAD_CORRELATION(prints[a], prints[b]), prints[a].record.architecture.layers
        rows.append(Row(a, b, f"{depth}/{depth}", "", "same_recipe", "", f"{r:.4f}", "", "sd", "", ""))
    return rows


def _classes(rows: list[Row], panel: CrossFamily) -> dict[str, Facts]:
    """Shares of the classes of pairs that the page speaks of."""
    one_depth = [row for row in rows if row.one_depth]
    unrelated = [row for row in one_depth if row.kind == "unrelated"]
    recipe, derived, grids = _of_kind(rows, "same_recipe"), _of_kind(rows, "derived"), _grids(rows)
    spectrum = [row for row in rows if row.source == SPECTRUM]
    deeper = [row for row in grids if int(row.layers.split("/")[0]) > DEPTH]
    members = f"{DEPTH} layers, one model for each of {len(panel.names)} families"
    return {
        "unrelated": share(f"{DEPTH} layers, other families, all", unrelated),
        "unrelated_widths": share(
            f"{DEPTH} layers, other families, different widths", [row for row in unrelated if row.other_width]
        ),
        "families": share(members, [row for row in one_depth if {row.a, row.b} <= set(panel.names)]),
        "grids": share("all of the above", grids),
        "shallow": share("", [row for row in grids if row not in deeper]),
        "deep": share("", deeper),
        "opus": share("", [row for row in recipe if row.group.startswith("OPUS-MT")]),
        "big": share("", [row for row in recipe if row.group == "OPUS-MT, big encoder"]),
        "derived_graphnet": share("GraphNet, by name", [row for row in derived if row.source == GRAPHNET]),
        "derived_atlas": share("modelDNA's documented edges", [row for row in derived if row.source == ATLAS]),
        "derived": share("", [row for row in derived if row.statistic == "sd"]),
        "plainest": share("", [row for row in derived if row.one_depth and row.group in PLAINEST]),
        "snr_derived": share("", [row for row in spectrum if row.kind == "derived"]),
        "snr_unrelated": share("", [row for row in spectrum if row.kind == "unrelated"]),
    }


def _opus(rows: list[Row]) -> list[Facts]:
    """The populations of translators."""
    return [share(label.split(", ")[1], _in_group(rows, label)) for label in _labels(rows, "OPUS-MT")]


def _tables(rows: list[Row], classes: dict[str, Facts], own: Facts, opus: list[Facts]) -> list[Facts]:
    """The lines of the page's first table, under their titles."""
    listed = {
        "Other families": [classes["unrelated"], classes["unrelated_widths"], classes["families"]],
        "One recipe, separate trainings": [
            *(share(g.label, [row for row in _grids(rows) if row.group == g.label]) for g in SAME_RECIPE),
            classes["grids"],
            *(population | {"label": f"OPUS-MT, {population['label']}"} for population in opus),
            *(share(label, _in_group(rows, label)) for label in _labels(rows, "GPT-2")),
            own,
        ],
        "Known derivations": [classes["derived_graphnet"], classes["derived_atlas"]],
    }
    return [{"title": title, "shares": shares} for title, shares in listed.items()]


def _widths(rows: list[Row]) -> Facts:
    """Pairs of one depth and different widths, with and without those that reach the claim."""
    widths = [row for row in rows if row.one_depth and row.other_width]
    reaching = [row for row in widths if row.low >= CLAIMED]
    without = [row for row in widths if row not in reaching]
    return {
        "stacks": len({name for row in widths for name in (row.a, row.b)}),
        "all": _spread(widths),
        "reaching": [_short(row) for row in reaching],
        "reaching_is_one_recipe": all(row.kind == "same_recipe" for row in reaching),
        "without": _spread(without),
    }


def _spread(rows: list[Row]) -> Facts:
    values = [row.low for row in rows]
    return {"pairs": len(rows), "mean": mean(values), "quantile_95": float(np.quantile(values, 0.95))}


def _highest(rows: list[Row]) -> Facts:
    """The highest pairs of different families, and one pair of unknown relation."""
    unrelated = [row for row in rows if row.one_depth and row.kind == "unrelated"]
    return {
        "unrelated": _short(max(unrelated, key=lambda row: row.low)),
        "unrelated_widths": _short(max((row for row in unrelated if row.other_width), key=lambda row: row.low)),
        "unrelated_families": sorted({row.rule for row in unrelated if row.low >= CLAIMED}),
        "qwen_snr": _short(find(rows, "Qwen-Qwen2-7B", "Qwen-Qwen2.5-7B")),
    }


def _atlas(rows: list[Row]) -> Facts:
    """The unrelated pairs of modelDNA's atlas, of which an interval is known."""
    atlas = [row for row in _of_kind(rows, "unrelated") if row.source == ATLAS]
    maybe = [row for row in atlas if row.low < CLAIMED <= row.high]
    return {
        "pairs": len(atlas),
        "surely": sum(row.low >= CLAIMED for row in atlas),
        "maybe": [{"a": row.a, "b": row.b, "low": row.low, "high": row.high} for row in maybe],
    }


def _below(rows: list[Row]) -> list[Row]:
    """Related pairs that stay below the claim, the lowest first."""
    derived = [row for row in _of_kind(rows, "derived") if row.statistic == "sd"]
    return sorted((row for row in derived if row.low < CLAIMED), key=lambda row: row.low)


def _largest(rows: list[Row], group: str) -> float:
    return max(row.low for row in _in_group(rows, group))


def _of_kind(rows: list[Row], kind: str) -> list[Row]:
    return [row for row in rows if row.kind == kind]


def _in_group(rows: list[Row], group: str) -> list[Row]:
    return [row for row in rows if row.kind == "same_recipe" and row.group == group]


def _grids(rows: list[Row]) -> list[Row]:
    """Published grids of models, trained separately by one recipe."""
    return [
        row for row in _of_kind(rows, "same_recipe") if row.source == GRAPHNET and not row.group.startswith("OPUS-MT")
    ]


def _labels(rows: list[Row], prefix: str) -> list[str]:
    return list(dict.fromkeys(row.group for row in rows if row.group.startswith(prefix)))


def _short(row: Row) -> Facts:
    return {"a": row.a, "b": row.b, "r": row.r, "low": row.low, "group": row.group}


def _present(groups: Iterable[Group], rows: list[Row]) -> list[Facts]:
    """The groups with only the names that the published file has."""
    there = {name for row in rows for name in (row.a, row.b)}
    return [asdict(group) | {"names": [name for name in group.names if name in there]} for group in groups]
