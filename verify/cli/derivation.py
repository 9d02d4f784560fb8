"""``verify derivation``: what was done to one checkpoint to get another, and which order that excludes."""

from __future__ import annotations

from typing import get_args

import click

from ..derivations.record import Outcome
from .command import Command, option
from .config import config_option
from .options import (
    READING,
    color_option,
    model_argument,
    paths,
    quiet_option,
    report_options,
)
from .output import Asked, progress_bar


@click.command(
    cls=Command,
    section="Compare models",
    examples=(
        "verify derivation path/to/A path/to/B",
        "verify derivation A merge --third C -o report",
    ),
    statuses={0: "finished, whatever was found", 3: "the outcome is one that --fail-on names"},
    see="docs/derivation.md",
)
@model_argument("a")
@model_argument("b")
@option(
    "--third",
    group=READING,
    shell_complete=paths,
    help="A model that B may be a merge with, or hold tensors of: a path or address.",
)
@option("--token", group=READING, help="Hub token; HF_TOKEN in the environment is safer.")
@report_options(get_args(Outcome))
@quiet_option
@color_option
@config_option
def derivation(
    a: str,
    b: str,
    third: str | None,
    token: str | None,
    created: str | None,
    asked: Asked,
    quiet: bool,
) -> None:
    """What was done to A to get B, to the bit, and which of the two cannot be computed from the other.

    All are folders or files of weights, or their addresses, and read whole. Rules are tried tensor by tensor: equal,
    rounded, scaled, pruned, quantised, rows or layers added, removed or copied, a difference of low rank, a merge.
    """
    from ..checkpoint import Location
    from ..derivations import derivation as run

    other = None if third is None else Location(third, token=token)
    with progress_bar(quiet) as progress:
        report = run(Location(a, token=token), Location(b, token=token), other, created=created, progress=progress)
    asked.give(report)
