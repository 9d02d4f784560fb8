"""``verify identify``: which models of a library a model is related to."""

from __future__ import annotations

from pathlib import Path

import click

from ..base import InputError
from ..checkpoint import Location
from ..screen.result import OUTCOMES
from .command import Command, GivenPath, option
from .config import config_option
from .options import READING, Effort, color_option, model_argument, quiet_option
from .output import chosen_verdicts, progress_bar
from .screen import check_screen_folder, give_result, screen_options


@click.command(
    cls=Command,
    section="Compare models",
    examples=(
        "verify identify path/to/model --library bases/",
        "verify identify org/model --library hf://datasets/org/library -o identified",
        "verify identify a.safetensors --library bases/ --fail-on undeclared",
    ),
    statuses={
        0: "finished, whatever was found",
        2: "bad input, or a library that cannot be read as a whole",
        3: "--fail-on names a verdict that a pair has; or undeclared, or left_out, and there is such a pair or file",
    },
    see="docs/libraries.md",
)
@model_argument("model")
@option(
    "--library",
    group=READING,
    metavar="FOLDER",
    required=True,
    help="Folder of fingerprints of known models: a path, or an address such as hf://datasets/org/library.",
)
@option(
    "--signer",
    group=READING,
    type=GivenPath(),
    help="Public key that must have signed every fingerprint of the library; one that it did not sign is left out.",
)
@screen_options("the whole library", "a fingerprint")
@color_option
@quiet_option
@config_option
def identify(
    model: str,
    library: str,
    signer: Path | None,
    output: Path | None,
    effort: Effort,
    alpha: float,
    fdr: float,
    workers: int | None,
    fail_on: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Which models of a LIBRARY of fingerprints MODEL is related to, the closest first.

    The level holds for the whole library. That none is found says nothing of models that the library lacks.
    """
    from ..screen import identify as compute

    unwanted = chosen_verdicts(fail_on, OUTCOMES)
    if not library:
        raise InputError("--library is an empty text; give a folder of fingerprints.")
    if output is not None:
        check_screen_folder(output, "csv")
    with progress_bar(quiet) as progress:
        result = compute(
            model,
            Location(library, signer=None if signer is None else str(signer)),
            effort=effort,
            alpha=alpha,
            fdr=fdr,
            workers=workers,
            folder=output,
            progress=progress,
        )
    give_result(result, output, "csv", unwanted, as_json=as_json)
