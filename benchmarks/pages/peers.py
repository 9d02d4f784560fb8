"""Side by side with others' methods: ``model_dna.md`` and ``model_tracing.md``."""

from __future__ import annotations

from typing import Any

from .markdown import page, table

LISTED = 0.03
"""Share of the time of importing below which a package is not listed."""


def model_dna(found: dict[str, Any]) -> str:
    """``modeldna compare`` and ``verify lineage`` as whole processes."""
    peer = found["wall"]["modeldna compare"]
    total = sum(package["seconds"] for package in found["imported"].values())
    runs = [
        [
            name,
            f"{wall:.2f}",
            f"{found['cpu'][name]:.2f}",
            f"{found['memory'][name] / 2**20:.0f}",
            f"{wall / peer:.2f}",
        ]
        for name, wall in found["wall"].items()
    ]
    packages = [
        [name, package["modules"], f"{package['seconds']:.3f}"]
        for name, package in found["imported"].items()
        if package["seconds"] >= LISTED * total
    ]
    a, b = found["pair"]
    return page(
        "# Side by side with modelDNA",
        f"{found['peer']} and ours on `{a}` against `{b}` (0.2 million parameters each), as "
        f"whole processes with warm files, one thread, in turn, best of {found['repeats']} "
        "(`python -m benchmarks.model_dna`). On models this small the time is that of starting and importing.",
        table("lr", ["command", "wall s", "CPU s", "RssAnon MiB", "times modelDNA"], runs),
        "## What a run imports",
        f"Own time of modules at standard effort by `python -X importtime`, {total:.2f} s in all; packages of "
        f"at least {100 * LISTED:.0f}%.",
        table("lr", ["package", "modules", "seconds"], packages),
    )


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
