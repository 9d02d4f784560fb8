"""``python -m benchmarks.panel_strangers``: how often strangers that the panel knows nothing of would get a verdict.

Strangers of ``zoo/strangers.toml`` are of corpora, widths, depths and lengths that are in no panel; those of
``zoo/held_out.toml`` are of the panel's own; the zoo's, at scale ``standard``, are of one of its corpora and another
shape. Every pair is ranked in the shipped panel by ``response_match`` as it is and as it was in version 1 (mean over
all aligned layers, two-way residual alone), over the number of all pairs and over that of the claim's own kind. Reads
``zoo/fingerprints`` and writes ``tables/panel_strangers.md``. A stranger without a fingerprint is read from
``--zoo``, where ``python -m benchmarks.zoo --recipe strangers --scale small`` trains it; one that is not there is
left out, and the table says how many are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import verify
from verify.panel import (
    ALL_PAIRS,
    PRIMARY_RUNG,
    Member,
    Panel,
    comparable_groups,
    like_needed,
    load_panel,
    stratum_of,
)
from verify.panel.evidence import ladder
from verify.panel.record import PANEL_COMPONENTS
from verify.statistics import on_anchors, response_grid
from verify.statistics.response_match import _assign, _checked_pools, _shares

from .panel_table import interval
from .shipped_panel import CORPUS, SCALE
from .zoo.__main__ import CACHE
from .zoo.build import HELD_OUT, STRANGERS, ZOO, Recipe
from .zoo.ship import FINGERPRINTS

TABLE = Path(__file__).parent / "tables" / "panel_strangers.md"
STANDARD = ("reference", *(f"stranger-{n}" for n in range(1, 10)))
RELATED = ("obfuscated", "moe-fine", "continued-3x", "reinitialised", "depth-pruned-healed")
LEVELS = (0.05, 0.01)
ELSEWHERE = {"one text": (66, 39, 15), "two texts": (25, 2, 0)}
"""Pairs of 14 strangers of another maker, most of them trained on one text, and how many had p <= .05 and p <= .01 by
version 1. Those models are not kept here, so this is stated and not measured anew."""
Arrays = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """A model, and what would be declared of it."""

    name: str
    print: verify.Fingerprint
    corpus: str
    member: bool = False

    @property
    def stratum(self) -> str:
        """As the library derives it."""
        return stratum_of(self.print.record.architecture)

    def like(self, other: Model) -> bool:
        """Whether both are of one stratum and corpus."""
        return (self.stratum, self.corpus) == (other.stratum, other.corpus)


def main() -> None:
    """Score, rank and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.panel_strangers", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=CACHE, help="folder of trained models (%(default)s)")
    fingerprinted(parser.parse_args().zoo / SCALE)
    panel = load_panel("default")
    assert panel is not None
    members, anchors = comparable_groups(panel)[0]
    models = [*_members(panel, members), *_of(STRANGERS), *_of(HELD_OUT), *_of(ZOO, STANDARD), *_of(ZOO, RELATED)]
    models = [
        Model(model.name, on_anchors(model.print, tuple(anchors)), model.corpus, model.member) for model in models
    ]
    together = [set(STRANGERS.models), set(HELD_OUT.models), set(STANDARD), {ZOO.reference, *RELATED}]
    now, before = np.full((2, len(models), len(models)), np.nan)
    for (i, a), (j, b) in combinations(enumerate(models), 2):
        if a.member or any({a.name, b.name} <= names for names in together):
            now[i, j] = now[j, i] = response_grid(a.print, b.print).score
            before[i, j] = before[j, i] = version_1(a.print, b.print)
    zoo = Ranked(models, now, before)
    lines = [
        "# Strangers that the panel knows nothing of",
        "",
        f"Panel `{panel.record.name}` {panel.record.version}, {panel.digest}, {len(members)} members "
        "(`python -m benchmarks.panel_strangers`).",
        "",
        *_populations(zoo),
        *_size(zoo),
        *_elsewhere(),
        *_needed(zoo),
        *_found(zoo),
    ]
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")


@dataclass(frozen=True, eq=False)
class Ranked:
    """All models and their scores."""

    models: list[Model]
    now: Arrays
    before: Arrays

    def at(self, names: Sequence[str]) -> list[int]:
        """Positions of models that are here."""
        return [i for i, model in enumerate(self.models) if model.name in names]

    def members(self) -> list[int]:
        """Positions of the panel's members."""
        return [i for i, model in enumerate(self.models) if model.member]

    def p(self, scores: Arrays, rung: str, claim: tuple[int, int], members: Sequence[int]) -> float:
        """P of a pair ranked among members."""
        order = [*claim, *members]
        strata, corpora = zip(*((self.models[i].stratum, self.models[i].corpus) for i in order), strict=True)
        steps = ladder(scores[np.ix_(order, order)], list(strata), list(corpora))
        found = next(step for step in steps if step.design == rung)
        return float(10**found.log10_p)

    def alike(self, claim: tuple[int, int], members: Sequence[int]) -> int:
        """Members of the stratum and corpus of one end of a pair, of the end that has fewer."""
        return min(sum(self.models[end].like(self.models[i]) for i in members) for end in claim)


def version_1(a: verify.Fingerprint, b: verify.Fingerprint) -> float:
    """The score of version 1: the mean share of all aligned layers."""
    pools = _checked_pools(a, b)
    tables = (_shares(*pools), _shares(*pools[::-1]).T)
    return max(float(table[_assign(table)].mean()) for table in tables)


def fingerprinted(zoo: Path) -> None:
    """Fingerprint the strangers that are trained and have no fingerprint yet."""
    for name in STRANGERS.models:
        path = FINGERPRINTS / f"{name}.safetensors"
        if not path.exists() and (zoo / name).exists():
            verify.fingerprint(zoo / name).only(*PANEL_COMPONENTS).save(path)


def _of(recipe: Recipe, names: Sequence[str] = ()) -> Iterator[Model]:
    for name in names or recipe.models:
        path = FINGERPRINTS / f"{name}.safetensors"
        if recipe is STRANGERS and not path.exists():
            continue
        corpus = recipe.models[name].get("train", {}).get("data", "")
        yield Model(name, verify.Fingerprint.load(path), CORPUS.format(corpus))


def _members(panel: Panel, members: Sequence[Member]) -> Iterator[Model]:
    for member in members:
        yield Model(member.name, panel.fingerprints[member.name], member.corpus, member=True)


def _populations(zoo: Ranked) -> list[str]:
    here = [model.name for model in zoo.models if model.name in STRANGERS.models]
    lines = [
        f"{len(here)} of the {len(STRANGERS.models)} strangers of `zoo/strangers.toml`, trained for this table,",
        "in groups of one corpus and recipe:",
        "",
        "| group | models | corpus | layers | width | training | optimiser |",
        "|---|---:|---|---:|---:|---:|---|",
    ]
    groups = {name.rsplit("-", 1)[0]: spec for name, spec in STRANGERS.models.items()}
    for group, spec in groups.items():
        count = sum(name.rsplit("-", 1)[0] == group for name in here)
        shape, train = spec["shape"], spec["train"]
        lines.append(
            f"| {group} | {count} | {train['data']} | {shape['layers']} | {shape['width']} | {train['steps']:g} | "
            f"{train.get('optimiser', 'AdamW')} |"
        )
    return [*lines, ""]


def _size(zoo: Ranked) -> list[str]:
    other, own, standard = zoo.at(list(STRANGERS.models)), zoo.at(list(HELD_OUT.models)), zoo.at(STANDARD)
    models, members = zoo.models, zoo.members()

    def pairs(of: list[int], keep: Callable[[Model, Model], bool]) -> list[tuple[int, int]]:
        return [(i, j) for i, j in combinations(of, 2) if keep(models[i], models[j])]

    rows = {
        "another corpus, one stratum": pairs(other, Model.like),
        "another corpus, two strata": pairs(other, lambda a, b: a.corpus == b.corpus and not a.like(b)),
        "two other corpora": pairs(other, lambda a, b: a.corpus != b.corpus),
        "a corpus of the panel, another shape": list(combinations(standard, 2)),
        "a corpus and shape of the panel": pairs(own, Model.like),
        "two corpora or shapes of the panel": pairs(own, lambda a, b: not a.like(b)),
    }
    lines = [
        "## Strangers called related",
        "",
        "Share of pairs, with 95% Clopper-Pearson intervals (pairs share models, so these are too narrow).",
        "*Version 1*: mean over all aligned layers, residual rank. *All pairs*: median over the deeper half, the",
        "larger of the raw and the residual rank, over the number of all pairs. *Verdict*: the same rank over the",
        "number of pairs of the stratum and the declared corpus of each model, with at least one member like each,",
        "where all corpora are declared as they are. Where none is declared there is none, and where both models are",
        f"of one kind the panel must hold {like_needed(0.05)} members of it to reach .05 and {like_needed(0.01)} to "
        "reach .01.",
        "",
        "| strangers | pairs | version 1, p <= .05 | p <= .01 | all pairs, p <= .05 | p <= .01 | verdict at .05 "
        "| at .01 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for title, chosen in rows.items():
        before = [zoo.p(zoo.before, "pair_residual", pair, members) for pair in chosen]
        now = [zoo.p(zoo.now, ALL_PAIRS, pair, members) for pair in chosen]
        own = [zoo.p(zoo.now, PRIMARY_RUNG, pair, members) if zoo.alike(pair, members) else 1.0 for pair in chosen]
        cells = [interval([p <= level for p in values]) for values in (before, now, own) for level in LEVELS]
        lines.append(f"| {title} | {len(chosen)} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _elsewhere() -> list[str]:
    rows = {**ELSEWHERE, "all": tuple(map(sum, zip(*ELSEWHERE.values(), strict=True)))}
    lines = [
        "## Another maker's strangers",
        "",
        "14 models of six and eight layers that another maker trained, longer and most of them on one text, ranked",
        "by version 1 in this panel; recorded when it was found, since those models are not kept here.",
        "",
        "| other strangers | pairs | p <= .05 | p <= .01 |",
        "|---|---:|---:|---:|",
    ]
    for title, (pairs, *counts) in rows.items():
        cells = [interval([True] * k + [False] * (pairs - k)) for k in counts]
        lines.append(f"| {title} | {pairs} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _needed(zoo: Ranked) -> list[str]:
    """Pairs of one stratum and corpus against panels that hold k like them, in place of those that it holds."""
    lines = [
        "## By the number of members like the claim's",
        "",
        "Pairs of strangers of one stratum and corpus, ranked in the shipped panel with its own members of that kind",
        "taken out and k put in: some of those where there are any, else other strangers of that kind. The k were",
        "drawn 20 times at random for each pair (seed 0), or in all ways if there are fewer.",
        "",
        "| k | strangers | pairs | claims | all pairs, p <= .05 | p <= .01 | own kind, p <= .05 | p <= .01 "
        "| smallest p |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for title, names, others in (
        ("of other corpora", list(STRANGERS.models), list(STRANGERS.models)),
        ("of the panel's corpora", list(HELD_OUT.models), [zoo.models[i].name for i in zoo.members()]),
    ):
        for k in range(10):
            claims = [claim for pair in _alike(zoo, names) for claim in _claims(zoo, pair, zoo.at(others), k)]
            if claims:
                shares = []
                for rung in (ALL_PAIRS, PRIMARY_RUNG):
                    p = np.array([zoo.p(zoo.now, rung, pair, members) for pair, members in claims])
                    shares += [f"{np.mean(p <= level):.3f}" for level in LEVELS]
                cells = [*shares, f"{2 / ((k + 2) * (k + 1)):.4f}"]
                lines.append(
                    f"| {k} | {title} | {len({pair for pair, _ in claims})} | {len(claims)} | {' | '.join(cells)} |"
                )
    return [
        *lines,
        "",
        f"{like_needed(0.05)} are needed to reach .05, and {like_needed(0.01)} to reach .01.",
        "",
    ]


def _alike(zoo: Ranked, names: Sequence[str]) -> list[tuple[int, int]]:
    return [(i, j) for i, j in combinations(zoo.at(names), 2) if zoo.models[i].like(zoo.models[j])]


def _claims(
    zoo: Ranked, pair: tuple[int, int], others: Sequence[int], k: int
) -> Iterator[tuple[tuple[int, int], list[int]]]:
    rest = [i for i in zoo.members() if not zoo.models[i].like(zoo.models[pair[0]])]
    pool = [i for i in others if zoo.models[i].like(zoo.models[pair[0]]) and i not in pair]
    ways = list(combinations(pool, k))
    rng = np.random.default_rng(0)
    for at in range(len(ways)) if len(ways) <= 20 else rng.choice(len(ways), 20, replace=False):
        yield pair, [*rest, *ways[at]]


def _found(zoo: Ranked) -> list[str]:
    lines = [
        "## Derivations still found",
        "",
        "Of the zoo at scale `standard`, against its reference, whose shape the panel does not hold: so these are",
        "ranks over the number of all pairs, and no verdicts.",
        "",
        "| model | score, version 1 | p, version 1 | score now | p now |",
        "|---|---:|---:|---:|---:|",
    ]
    (reference,) = zoo.at([ZOO.reference])
    for name in RELATED:
        (i,) = zoo.at([name])
        pair, members = (i, reference), zoo.members()
        cells = (
            f"{zoo.before[pair]:.3f}",
            f"{zoo.p(zoo.before, 'pair_residual', pair, members):.4f}",
            f"{zoo.now[pair]:.3f}",
            f"{zoo.p(zoo.now, ALL_PAIRS, pair, members):.4f}",
        )
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    main()
