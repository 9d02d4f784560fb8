"""Side by side with others' methods: ``peers.md`` and its tables elsewhere, and ``model_tracing.md``."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from benchmarks.peers.pairs import DERIVED, DISTILLED, KINDS, OTHERS, SAME_SEED, TWINS

from .interval import counted
from .markdown import page, table

MIB = 1 << 20
Row = dict[str, Any]


def peers(found: Row) -> str:
    """The page of every peer on every pair."""
    ran = [peer for peer in found["peers"] if not peer["not_run"]]
    of = {kind: sum(pair["kind"] == kind for pair in found["pairs"]) for kind in KINDS}
    kinds = [
        [f"{kind} ({of[kind]})", *(_cell(found, peer, kind) for peer in ran)]
        for kind in (*DERIVED, SAME_SEED, DISTILLED, TWINS, OTHERS)
        if of[kind]
    ]
    said = [
        [f"`{pair['a']}`", f"`{pair['b']}`", *(peer["answers"][i]["said"] for peer in ran)]
        for i, pair in enumerate(found["pairs"])
    ]
    separation = [[peer["title"], _separation(found, peer), *_spread(found, peer)] for peer in ran]
    timed = ", ".join(f"`{pair['a']}` and `{pair['b']}`" for pair in found["timed"])
    spent = [[peer["title"], *(_seconds(cost) for cost in peer["costs"]), _memory(peer)] for peer in ran]
    aside = ", ".join(f"`{name}`" for name in found["baseline"]) or "none"
    return page(
        "# Head to head",
        f"`verify` and its peers on the same {len(found['pairs'])} pairs of small trained models of known lineage "
        "(`python -m benchmarks.peers`; the models are made by `python -m benchmarks.zoo --scale small`, and those "
        "that ship with the library suffice for a first run). Each peer runs by its own command, as a process of its "
        "own with one thread, and is judged by the rule that it publishes itself. Models of a few hundred thousand "
        "parameters are not what these tools were made for: the page says what they do on them, where the truth is "
        "known, and not what they do on large ones. And `verify` was developed on models of these recipes, which the "
        "others have never seen.",
        table("lr", *summary(found)),
        "Intervals are 95% Clopper-Pearson; no stranger is in two pairs of its row, so that pairs are independent. "
        "A pair that a peer cannot compare counts as not found among derivations, and is left out among strangers. "
        "† No rule is published: derivations that score above every stranger of one recipe, a threshold seen "
        "afterwards and so too kind.",
        "## By kind",
        "Called related, of the pairs of a kind; in brackets, how many it could not compare.",
        table("lr", ["kind (pairs)", *(peer["title"] for peer in ran)], kinds),
        "## Scores without a threshold",
        "How often a derivation scores higher than strangers of one recipe, over all of either (the area under the "
        "ROC curve; no answer ranks below every score); the least score of a derivation and the largest of strangers "
        "of one recipe, each in its own units.",
        table("lr", ["tool", "area", "least of derivations", "most of strangers"], separation),
        "## What counts as related",
        table("l", ["tool", "from", "rule"], [[peer[key] for key in ("title", "source", "rule")] for peer in ran]),
        *_missing(found),
        "## Cost",
        f"CPU seconds of whole processes, in turn, on {timed}: mostly starting and importing on models this small; "
        "and the largest resident memory.",
        table("lr", ["tool", *(f"`{pair['a']}`" for pair in found["timed"]), "memory MiB"], spent),
        "## Every answer",
        f"Set aside for peers that need unrelated models beside those compared: {aside}.",
        table("l", ["model", "reference", *(peer["title"] for peer in ran)], said),
    )


def summary(found: Row) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of the README."""
    rows = []
    for peer in found["peers"]:
        if peer["not_run"]:
            continue
        derived = [answer for kind in DERIVED for answer in answers(found, peer, kind)]
        strangers = [compared(answers(found, peer, kind)) for kind in (TWINS, OTHERS)]
        hits = above(found, peer) if not peer["threshold"] else related(derived)
        rows.append(
            [
                peer["title"],
                f"{hits} of {len(derived)}" + ("" if peer["threshold"] else " †"),
                *(counted(related(of), len(of)) if peer["threshold"] and of else "-" for of in strangers),
                _yes(answers(found, peer, DISTILLED)),
                _yes(answers(found, peer, SAME_SEED)),
                f"{median(seconds):.1f} s" if (seconds := _known(peer, "cpu")) else "-",
                _memory(peer),
            ]
        )
    header = ["tool", "derivations found", "strangers of one recipe called related", "of other shapes"]
    return [*header, "distilled", "shared seed", "CPU time", "memory MiB"], rows


def readme_peers(found: Row) -> list[str]:
    """The table of ``README.md``."""
    return table("lr", *summary(found))


def answers(found: Row, peer: Row, kind: str) -> list[Row]:
    """What a peer said of the pairs of a kind."""
    return [a for a, pair in zip(peer["answers"], found["pairs"], strict=True) if pair["kind"] == kind]


def related(of: Iterable[Row]) -> int:
    """How many were called related."""
    return sum(answer["related"] is True for answer in of)


def compared(of: list[Row]) -> list[Row]:
    """Those that a peer could compare."""
    return [answer for answer in of if answer["score"] is not None or answer["related"] is not None]


def scores(of: list[Row]) -> list[float]:
    """Scores, no answer ranking below every score."""
    return [-float("inf") if answer["score"] is None else answer["score"] for answer in of]


def above(found: Row, peer: Row) -> int:
    """Derivations that score above every stranger of one recipe."""
    bar = max(scores(answers(found, peer, TWINS)), default=-float("inf"))
    return sum(value > bar for kind in DERIVED for value in scores(answers(found, peer, kind)))


def area(low: list[float], high: list[float]) -> float:
    """Share of pairs of one of each in which that of ``high`` is larger, equals counting half."""
    return sum((y > x) + (y == x) / 2 for x in low for y in high) / (len(low) * len(high))


def _cell(found: Row, peer: Row, kind: str) -> str:
    of = answers(found, peer, kind)
    without = len(of) - len(compared(of))
    if not peer["threshold"]:
        bar = max(scores(answers(found, peer, TWINS)), default=-float("inf"))
        hits = "-" if kind == TWINS else f"{sum(value > bar for value in scores(of))} †"
    else:
        hits = str(related(of))
    return hits + (f" ({without})" if without else "")


def _yes(of: list[Row]) -> str:
    if not of or not compared(of):
        return "-"
    if all(answer["related"] is None for answer in of):
        return of[0]["said"]
    return "related" if related(of) else "not related"


def _separation(found: Row, peer: Row) -> str:
    derived = [answer for kind in DERIVED for answer in answers(found, peer, kind)]
    strangers = answers(found, peer, TWINS)
    if not any(answer["score"] is not None for answer in derived) or not strangers:
        return "-"
    return f"{area(scores(strangers), scores(derived)):.3f}"


def _spread(found: Row, peer: Row) -> list[str]:
    derived = [a["score"] for kind in DERIVED for a in answers(found, peer, kind) if a["score"] is not None]
    strangers = [a["score"] for a in answers(found, peer, TWINS) if a["score"] is not None]
    return [f"{min(derived) + 0.0:.3g}" if derived else "-", f"{max(strangers) + 0.0:.3g}" if strangers else "-"]


def _missing(found: Row) -> list[str | list[str]]:
    without = [peer for peer in found["peers"] if peer["not_run"]]
    if not without:
        return []
    rows = [[peer["title"], peer["source"], peer["not_run"]] for peer in without]
    return ["## Not run", table("l", ["tool", "from", "why"], rows)]


def _known(peer: Row, what: str) -> list[float]:
    return [cost[what] for cost in peer["costs"] if cost[what] is not None]


def _seconds(cost: Row) -> str:
    return "-" if cost["cpu"] is None else f"{cost['cpu']:.2f}"


def _memory(peer: Row) -> str:
    return f"{max(found) / MIB:.0f}" if (found := _known(peer, "memory")) else "-"


def model_tracing(found: dict[str, Any]) -> str:
    """One MLP block under the published test phi_U, and under ``unit_identity``."""
    seconds = found["seconds"]
    methods = [
        [
            name,
            f"{value:.3g}",
            None if name == "phi_U" else f"{times(found, name)} times as long",
            f"{found['log10_p'][name]:.1f}",
        ]
        for name, value in seconds.items()
    ]
    power = [
        [
            row["blocks"],
            *(
                f"{row[name][what]:{form}}"
                for name in ("phi_U", "sketch", "all")
                for what, form in (("power", ".2f"), ("median", ".1f"))
            ),
        ]
        for row in found["power"]
    ]
    needed = [
        [row["blocks"], row["sketch_needed"], *(f"{100 * row[f'{n}_detectable']:.2f}%" for n in ("sketch", "all"))]
        for row in found["power"]
    ]
    return page(
        "# Side by side with phi_U",
        f"One pair of up projections of {found['hidden']} units and width {found['width']}; {found['survivors']} "
        "units survive, evenly spread, the rest are drawn anew. phi_U is the published test (Zhu et al. "
        "2025), written from the paper. In one process, "
        "on arrays in memory (`python -m benchmarks.model_tracing`, 2 cores).",
        table("lr", ["method", "seconds", "phi_U takes", "log10 p"], methods),
        "## Power at one unit in a hundred",
        f"Share of {found['draws']} simulated pairs with p at most {10 ** found['log10_level']:g}, and median log10 "
        "p. Survivors are taken as matched; "
        "the assignment of the rest is then a uniform permutation. phi_U over blocks: Fisher's method.",
        table("r", ["blocks", "phi_U", "median", "standard sketch", "median", "all units", "median"], power),
        "## What the counts need",
        "`detectable_share`: smallest share of units, each kept independently, that is found at this level with "
        "probability .95; it counts on no chance matches.",
        table("r", ["blocks", "matches needed", "detectable share, sketch", "all units"], needed),
    )


def times(found: dict[str, Any], method: str) -> str:
    """How many times as long phi_U takes."""
    return f"{found['seconds']['phi_U'] / found['seconds'][method]:.1f}"
