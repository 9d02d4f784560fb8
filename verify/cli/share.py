"""``verify share``: how much of each candidate a child carries."""

from __future__ import annotations

from typing import get_args

import click

from ..shares.record import Outcome
from .command import Command, option
from .config import config_option
from .options import (
    LEVELS,
    READING,
    Access,
    color_option,
    model_argument,
    paths,
    quiet_option,
    report_options,
    side_options,
)
from .output import Asked, progress_bar


@click.command(
    cls=Command,
    section="Compare models",
    examples=(
        "verify share path/to/merge path/to/A1 path/to/A2",
        "verify share org/merge org/model-1 org/model-2 -o report",
        "verify share path/to/merge path/to/A1 path/to/A2 --base path/to/P     fine-tunes of P",
    ),
    statuses={0: "finished, whatever was found", 3: "the outcome is one that --fail-on names"},
    see="docs/shares.md",
)
@model_argument("child")
@model_argument("candidates", nargs=-1, required=True)
@option(
    "--base",
    group=READING,
    shell_complete=paths,
    help="What child and candidates were all made from, such as by fine-tuning: a path or address. Then all weights "
    "are read, and counts say of whose changes of it the child's are multiples or sums (no error rate). Adapters are "
    "merged onto it.",
)
@option(
    "--level",
    group=LEVELS,
    type=float,
    default=0.99,
    show_default=True,
    help="Confidence of the intervals of all candidates together.",
)
@option("--seed", group=LEVELS, type=int, default=1, show_default=True, help="Seed of the permutations.")
@side_options(without=("signer", "base"))
@report_options(get_args(Outcome))
@quiet_option
@color_option
@config_option
def share(
    child: str,
    candidates: tuple[str, ...],
    base: str | None,
    level: float,
    seed: int,
    access: Access,
    created: str | None,
    asked: Asked,
    quiet: bool,
) -> None:
    """How much of each of CANDIDATES a CHILD carries, beyond the others, with intervals.

    All are folders or files of weights, or their addresses, and of one width. What a candidate's units have in the
    child at their own places is measured; `verify lineage` tests whether two models are related at all. With --base,
    changes of a common base are compared instead, as of merges of its fine-tunes (task arithmetic, TIES, DARE).
    """
    from ..checkpoint import Location
    from ..shares import share as run

    with progress_bar(quiet) as progress:
        report = run(
            Location(child, **access),
            [Location(one, **access) for one in candidates],
            base=None if base is None else Location(base, token=access.get("token")),
            level=level,
            seed=seed,
            created=created,
            progress=progress,
        )
    asked.give(report)
