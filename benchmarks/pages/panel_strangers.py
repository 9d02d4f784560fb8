"""``panel_strangers.md``: strangers that the panel knows nothing of."""

from __future__ import annotations

from typing import Any

from .interval import interval
from .markdown import page, table


def panel_strangers(found: dict[str, Any]) -> str:
    """The page."""
    shipped, elsewhere = found["panel"], found["elsewhere"]
    need_05, need_01 = found["members_needed"]
    return page(
        "# Strangers that the panel knows nothing of",
        f"Panel `{shipped['name']}` {shipped['version']}, {shipped['digest']}, {shipped['members']} members "
        "(`python -m benchmarks.panel_strangers`).",
        f"{found['trained']} of the {found['declared']} strangers of `zoo/strangers.toml`, trained for this table, "
        "in groups of one corpus and recipe:",
        _groups(found["groups"]),
        "## Strangers called related",
        "Share of pairs, with 95% Clopper-Pearson intervals (pairs share models, so these are too narrow). "
        "*Version 1*: mean over all aligned layers, residual rank. *All pairs*: median over the deeper half, the "
        "larger of the raw and the residual rank, over the number of all pairs. *Verdict*: the same rank over the "
        "number of pairs of the stratum and the declared corpus of each model, with at least one member like each, "
        "where all corpora are declared as they are. Where none is declared there is none, and where both models are "
        f"of one kind the panel must hold {need_05} members of it to reach .05 and {need_01} to reach .01.",
        _called(found["called"]),
        "## Another maker's strangers",
        f"{elsewhere['models']} models of six and eight layers that another maker trained, longer and most of them "
        "on one text, ranked by version 1 in this panel; recorded when it was found, since those "
        "models are not kept here.",
        _elsewhere(elsewhere),
        "## By the number of members like the claim's",
        "Pairs of strangers of one stratum and corpus, ranked in the shipped panel with its own members of that kind "
        "taken out and k put in: some of those where there are any, else other strangers of that kind. The k were "
        "drawn 20 times at random for each pair (seed 0), or in all ways if there are fewer.",
        _by_members(found["by_members"]),
        f"{need_05} are needed to reach .05, and {need_01} to reach .01.",
        "## Derivations still found",
        "Of the zoo at scale `standard`, against its reference, whose shape the panel does not hold: so these are "
        "ranks over the number of all pairs, and no verdicts.",
        _derivations(found["derivations"]),
    )


def _groups(groups: list[dict[str, Any]]) -> list[str]:
    header = ["group", "models", "corpus", "layers", "width", "training", "optimiser"]
    rows = [[f"{row[key]:g}" if key == "training" else row[key] for key in header] for row in groups]
    return table("lrlrrrl", header, rows)


def _called(rows: list[dict[str, Any]]) -> list[str]:
    header = ["strangers", "pairs", "version 1, p <= .05", "p <= .01", "all pairs, p <= .05", "p <= .01"]
    return table(
        "lr",
        [*header, "verdict at .05", "at .01"],
        [
            [
                row["strangers"],
                row["pairs"],
                *(interval(k, row["pairs"]) for rank in ("version_1", "all_pairs", "verdict") for k in row[rank]),
            ]
            for row in rows
        ],
    )


def _elsewhere(elsewhere: dict[str, Any]) -> list[str]:
    rows = [
        [row["strangers"], row["pairs"], *(interval(k, row["pairs"]) for k in row["called"])]
        for row in elsewhere["rows"]
    ]
    return table("lr", ["other strangers", "pairs", "p <= .05", "p <= .01"], rows)


def _by_members(rows: list[dict[str, Any]]) -> list[str]:
    header = [
        "k",
        "strangers",
        "pairs",
        "claims",
        "all pairs, p <= .05",
        "p <= .01",
        "own kind, p <= .05",
        "p <= .01",
    ]
    return table(
        "rlr",
        [*header, "smallest p"],
        [
            [
                *(row[key] for key in ("k", "strangers", "pairs", "claims")),
                *(f"{share:.3f}" for rank in ("all_pairs", "own_kind") for share in row[rank]),
                f"{row['smallest_p']:.4f}",
            ]
            for row in rows
        ],
    )


def _derivations(rows: list[dict[str, Any]]) -> list[str]:
    return table(
        "lr",
        ["model", "score, version 1", "p, version 1", "score now", "p now"],
        [
            [
                row["model"],
                *(f"{row[when]['score']:.3f}" if what == "score" else f"{row[when]['p']:.4f}"
                  for when in ("version_1", "now") for what in ("score", "p")),
            ]
            for row in rows
        ],
    )  # fmt: skip
