"""``verify fingerprint``: the fingerprint of a model, as a file."""

from __future__ import annotations

from pathlib import Path

import click

from ..base import InputError
from .command import Command, GivenPath, option
from .options import OUTPUT, Access, Effort, effort_options, json_option, model_argument, quiet_option, side_options
from .output import check_apart, check_writable, described_fingerprint, echo, echo_json, progress_bar
from .plan import dry_run_option, give_plans


@click.command(
    cls=Command,
    section="Fingerprints and files",
    examples=(
        "verify fingerprint path/to/A -o a.safetensors",
        "verify fingerprint org/model -o model.safetensors --effort screen",
        "verify lineage a.safetensors path/to/B",
    ),
)
@model_argument("model")
@effort_options
@side_options()
@dry_run_option
@option("-o", "--output", group=OUTPUT, type=GivenPath(named=True), help="File to write.")
@json_option("Print the record as JSON.")
@quiet_option
def fingerprint(
    model: str,
    effort: Effort | None,
    workers: int | None,
    access: Access,
    dry_run: bool,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fingerprint a checkpoint: a small file that can be published and compared."""
    from ..checkpoint import Location
    from ..fingerprint import check_target
    from ..fingerprint import fingerprint as compute

    location = Location(model, **access)
    if dry_run:
        give_plans([location], effort, as_json=as_json)
        return
    if output is None:
        raise click.MissingParameter(param_hint="'-o' / '--output'", param_type="option")
    check_writable(output)
    check_target(output)
    check_apart(output.parent)
    with progress_bar(quiet) as progress:
        result = compute(location, effort=effort, workers=workers, progress=progress)
    if effort not in (None, result.record.effort):
        raise InputError(
            f"{result.record.name} is a fingerprint made at {result.record.effort} effort, and {effort} is asked "
            "for; give its weights."
        )
    result.save(output)
    if as_json:
        echo_json(result.record.model_dump_json())
    else:
        echo(f"{described_fingerprint(result.record)}\n{output}")
