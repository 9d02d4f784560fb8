"""``verify share``: how much of each candidate a child carries."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from ..shares.record import Outcome
from .command import Command, option
from .config import config_option
from .options import (
    LEVELS,
    READING,
    STATED,
    Access,
    color_option,
    fail_on_option,
    json_option,
    model_argument,
    paths,
    quiet_option,
    report_options,
    side_options,
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
@option("--created", group=STATED, help="Time to record instead of the present (ISO 8601).")
@report_options(claims=False)
@fail_on_option(lambda: list(get_args(Outcome)), f"Exit with status 3 on these: {', '.join(get_args(Outcome))}.")
@json_option("Print the record (report.json) in place of the answer.")
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
    output: Path | None,
    names: str | None,
    fail_on: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """How much of each of CANDIDATES a CHILD carries, beyond the others, with intervals.

    All are folders or files of weights, or their addresses, and of one width. What a candidate's units have in the
    child at their own places is measured; `verify lineage` tests whether two models are related at all. With --base,
    changes of a common base are compared instead, as of merges of its fine-tunes (task arithmetic, TIES, DARE).
    """
    from ..checkpoint import Location
    from ..shares import share as run

    unwanted = chosen_verdicts(fail_on, get_args(Outcome))
    wanted = [] if names is None else chosen_formats(names, claims=False)
    format_to_print(wanted, output)
    if output is not None:
        check_report_folder(output, wanted or USUAL)
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
    give_report(report, output, wanted, unwanted, as_json=as_json)
