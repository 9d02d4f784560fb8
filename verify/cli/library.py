"""``verify library``: the fingerprints of many models, as a folder that others can be identified with."""

from __future__ import annotations

from pathlib import Path

import click

from ..checkpoint import Location
from .command import Command, GivenPath, option
from .config import config_option
from .listed import listed_models
from .options import EFFORTS, OUTPUT, READING, Effort, model_argument, quiet_option
from .output import check_apart, check_writable, count, echo, progress_bar, warn
from .plan import dry_run_option, give_plans


@click.command(
    cls=Command,
    section="Fingerprints and files",
    examples=(
        "verify library models/* -o library",
        "verify library @bases -o bases                   open base models of the Hub, by a list that ships",
        "verify library @bases -o bases --dry-run         what would be read of each, and what it costs",
        "verify identify org/model --library bases",
    ),
    statuses={0: "finished, even where models were left out", 2: "bad input, or no model that can be read"},
    see="docs/libraries.md",
)
@model_argument("models", nargs=-1, required=True)
@option("-o", "--output", group=OUTPUT, type=GivenPath(), help="Folder of the library.")
@option(
    "--effort",
    group=READING,
    type=click.Choice(EFFORTS),
    default="screen",
    show_default=True,
    help="How much of the weights to read.",
)
@option("--workers", group=READING, type=int, help="Worker processes for reading weights.  [default: 1]")
@dry_run_option
@quiet_option
@config_option
def library(
    models: tuple[str, ...],
    output: Path | None,
    effort: Effort,
    workers: int | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Write the fingerprint of each of MODELS into a folder: paths, addresses, or @FILE with one per line.

    An interrupted run goes on. A model that cannot be read is reported and left out.
    """
    from ..screen import build_library

    locations = [Location(one) for one in listed_models(models)]
    if dry_run:
        give_plans(locations, effort, as_json=False, skip=True)
        return
    if output is None:
        raise click.MissingParameter(param_hint="'-o' / '--output'", param_type="option")
    check_writable(output / "library.safetensors")
    check_apart(output)
    with progress_bar(quiet) as progress:
        files = build_library(
            locations,
            output,
            effort=effort,
            workers=workers,
            progress=progress,
            report=warn,
        )
    size = sum(file.stat().st_size for file in files)
    echo(f"{count(len(files), 'fingerprint')} of {count(len(locations), 'model')}, {size / 1e6:.1f} MB\n{output}")
