"""``verify derivation``: what was done to one checkpoint to get another, and which order that excludes."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from ..derivations.record import Outcome
from .command import Command, option
from .config import config_option
from .options import (
    READING,
    STATED,
    color_option,
    fail_on_option,
    json_option,
    model_argument,
    paths,
    quiet_option,
    report_options,
)
from .output import (
    USUAL,
    check_report_folder,
    chosen_formats,
    chosen_verdicts,
    format_to_print,
    give_report,
    progress_bar,
)


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
@option("--created", group=STATED, help="Time to record instead of the present (ISO 8601).")
@report_options(claims=False)
@fail_on_option(lambda: list(get_args(Outcome)), f"Exit with status 3 on these: {', '.join(get_args(Outcome))}.")
@json_option("Print the record (report.json) in place of the answer.")
@quiet_option
@color_option
@config_option
def derivation(
    a: str,
    b: str,
    third: str | None,
    token: str | None,
    created: str | None,
    output: Path | None,
    names: str | None,
    fail_on: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """What was done to A to get B, to the bit, and which of the two cannot be computed from the other.

    All are folders or files of weights, or their addresses, and read whole. Rules are tried tensor by tensor: equal,
    rounded, scaled, pruned, quantised, rows or layers added, removed or copied, a difference of low rank, a merge.
    """
    from ..checkpoint import Location
    from ..derivations import derivation as run

    unwanted = chosen_verdicts(fail_on, get_args(Outcome))
    wanted = [] if names is None else chosen_formats(names, claims=False)
    format_to_print(wanted, output)
    if output is not None:
        check_report_folder(output, wanted or USUAL)
    other = None if third is None else Location(third, token=token)
    with progress_bar(quiet) as progress:
        report = run(Location(a, token=token), Location(b, token=token), other, created=created, progress=progress)
    give_report(report, output, wanted, unwanted, as_json=as_json)
