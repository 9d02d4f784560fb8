"""``verify beyond``: whether two fine-tunes of one base are closer than its unrelated fine-tunes are."""

from __future__ import annotations

from typing import get_args

import click

from ..siblings.record import Outcome
from .command import Command, option
from .config import config_option
from .options import (
    LEVELS,
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
        "verify beyond path/to/A path/to/B --base path/to/P",
        "verify beyond A B --base P --siblings tuned/prose --siblings tuned/code -o report",
    ),
    statuses={0: "finished, whatever was found", 3: "the outcome is one that --fail-on names"},
    see="docs/beyond.md",
)
@model_argument("a")
@model_argument("b")
@option(
    "--base",
    group=READING,
    required=True,
    shell_complete=paths,
    help="The model that A and B were made from: a path or address.",
)
@option(
    "--siblings",
    group=READING,
    multiple=True,
    shell_complete=paths,
    help="Other fine-tunes of the base, unrelated to one another, to A and to B beyond it (repeatable): a folder of "
    "models of one kind, a CSV file with the columns model,kind, or one model. At level .01 each kind needs 13.",
)
@option(
    "--alpha",
    group=LEVELS,
    type=float,
    default=0.01,
    show_default=True,
    help="Level of the p-value.",
)
@option(
    "--searched",
    group=LEVELS,
    type=int,
    default=1,
    show_default=True,
    help="Pairs of models that were searched for this one; p is multiplied by it.",
)
@option("--token", group=READING, help="Hub token; HF_TOKEN in the environment is safer.")
@report_options(get_args(Outcome))
@quiet_option
@color_option
@config_option
def beyond(
    a: str,
    b: str,
    base: str,
    siblings: tuple[str, ...],
    alpha: float,
    searched: int,
    token: str | None,
    created: str | None,
    asked: Asked,
    quiet: bool,
) -> None:
    """Whether A and B, made from one base, have more in common than the base.

    All are folders or files of weights, or their addresses, and read whole; adapters are merged onto the base. With
    siblings, the similarity of what A and B changed is ranked among those of all pairs; without, numbers are counted.
    """
    from ..checkpoint import Location
    from ..siblings import beyond as run
    from ..siblings.listed import by_kind as kinds_of

    by_kind = {kind: [Location(one, token=token) for one in models] for kind, models in kinds_of(siblings).items()}
    with progress_bar(quiet) as progress:
        report = run(
            Location(a, token=token),
            Location(b, token=token),
            Location(base, token=token),
            by_kind,
            alpha=alpha,
            searched=searched,
            created=created,
            progress=progress,
        )
    asked.give(report)
