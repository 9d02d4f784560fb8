"""``verify lineage``: two models."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from ..base import InputError
from ..base.options import fraction
from ..claim import Verdict
from .command import Command, GivenPath, option
from .config import config_option
from .options import (
    LEVELS,
    STATED,
    Access,
    Effort,
    color_option,
    effort_options,
    model_argument,
    paths,
    quiet_option,
    refuse_without,
    report_options,
    side_options,
)
from .output import Asked, progress_bar
from .plan import dry_run_option, give_plans


@click.command(
    cls=Command,
    section="Compare models",
    examples=(
        "verify lineage path/to/A path/to/B",
        "verify lineage org/child org/parent --dry-run          what would be read, and what it costs",
        "verify lineage A B -o report --format json,html,pdf    the report, as files",
        "verify lineage A B --panel default                     also rank the pair among unrelated models",
        "verify lineage A B --fail-on dependent,identical       for a script: status 3 if they are related",
        "verify lineage --config run.toml                       options from the table [lineage] of a file",
    ),
    statuses={0: "finished, whatever the verdict", 3: "the verdict is one that --fail-on names"},
)
@model_argument("a")
@model_argument("b")
@option("--alpha", group=LEVELS, type=float, default=1e-3, show_default=True, help="Level of the exact tests.")
@option(
    "--panel",
    "reference",
    group=LEVELS,
    default="none",
    show_default=True,
    metavar="none|default|PATH",
    shell_complete=paths,
    help="Panel of unrelated models to rank the pair among.",
)
@option(
    "--panel-alpha",
    group=LEVELS,
    type=float,
    default=1e-2,
    show_default=True,
    help="Level of the primary panel test.",
)
@option(
    "--family",
    "families",
    group=LEVELS,
    multiple=True,
    help="Exclude panel members of this model family (repeatable); give the families that A and B belong to.",
)
@option(
    "--corpus",
    "corpora",
    group=LEVELS,
    multiple=True,
    metavar="NAME",
    help="Training text of A and B, as named in the panel (twice if they differ); shown, and enters no verdict.",
)
@option(
    "--searched",
    group=LEVELS,
    type=int,
    default=1,
    show_default=True,
    metavar="K",
    help="Number of pairs searched to find this one; multiplies every p-value.",
)
@effort_options
@side_options("a", "b")
@dry_run_option
@option("--chronology", group=STATED, help="Which file existed first, and how you know; recorded as stated.")
@option(
    "--dated-a",
    group=STATED,
    multiple=True,
    metavar="EVIDENCE",
    shell_complete=paths,
    help="Evidence that A existed by a time (repeatable): a time stamp (RFC 3161), such as model.safetensors.tsr or "
    "SHA256SUMS.tsr with SHA256SUMS beside it; or hf://org/model@revision, to record what the Hub states.",
)
@option("--dated-b", group=STATED, multiple=True, metavar="EVIDENCE", shell_complete=paths, help="Likewise of B.")
@option(
    "--tsa",
    group=STATED,
    multiple=True,
    type=GivenPath(),
    help="Root certificate of the authority whose time stamps are given (repeatable).",
)
@option(
    "--author",
    "authors",
    group=STATED,
    multiple=True,
    metavar="NAME",
    help='Who makes the report, for its citation (repeatable): "Family, Given" for a person, or the name of a body.',
)
@option("--url", group=STATED, help="Where the report will be published, for its citation.")
@report_options(
    (*get_args(Verdict), "undeclared"),
    claims=True,
    more="; or, for undeclared, where related models do not declare it",
)
@color_option
@quiet_option
@config_option
def lineage(
    a: str,
    b: str,
    effort: Effort | None,
    workers: int | None,
    access_a: Access,
    access_b: Access,
    dry_run: bool,
    alpha: float,
    reference: str,
    panel_alpha: float,
    families: tuple[str, ...],
    corpora: tuple[str, ...],
    searched: int,
    chronology: str | None,
    dated_a: tuple[str, ...],
    dated_b: tuple[str, ...],
    tsa: tuple[Path, ...],
    authors: tuple[str, ...],
    url: str | None,
    created: str | None,
    asked: Asked,
    quiet: bool,
) -> None:
    """Compare model A (questioned) with model B (reference).

    Each is a folder or file of weights, its address (org/model and hf://org/model@revision on the Hugging Face Hub,
    https://, s3://), or a saved fingerprint.

    The verdict is the same whichever of the two is A. "Questioned" is the model whose origin is asked about, and
    "reference" the one that it may come from; the words only say which is which in the report. No verdict says which
    of two related models came first.
    """
    if len(corpora) > 2:
        raise InputError(f"--corpus is given {len(corpora)} times; give it once for both models, or twice: A's, B's.")
    if reference == "none":
        refuse_without("--panel", "panel_alpha", "families", "corpora")
    from ..checkpoint import Location
    from ..lineage import test_lineage

    first, second = Location(a, **access_a), Location(b, **access_b)
    if dry_run:
        fraction("alpha", alpha), fraction("panel_alpha", panel_alpha)
        panels = reference != "none"
        wanted = "full" if panels else effort
        give_plans([first, second], wanted, as_json=asked.as_json, pair=True, panels=panels)
        return
    with progress_bar(quiet) as progress:
        report = test_lineage(
            first,
            second,
            effort=effort,
            workers=workers,
            alpha=alpha,
            panel=None if reference == "none" else reference,
            panel_alpha=panel_alpha,
            families=families,
            corpus=(corpora[0], corpora[-1]) if corpora else "",
            searched=searched,
            chronology=chronology,
            dated_a=dated_a,
            dated_b=dated_b,
            tsa=tsa,
            authors=authors,
            url=url,
            created=created,
            progress=progress,
        )
    asked.give(report, models=(a, b))
