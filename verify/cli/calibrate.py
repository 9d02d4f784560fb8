"""``verify calibrate``: a table of scores in, a calibration report out."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from ..calibrate.record import CLOSER, DESIGNS, SCALES, Calibration, Closer, Design, Scale
from .command import Command, GivenPath, option
from .config import config_option
from .options import LEVELS, STATED, color_option, report_options
from .output import Asked

_SCORES = "Scores and models"


@click.command(
    cls=Command,
    section="Compare models",
    examples=(
        "verify calibrate scores.csv --claim A B",
        "verify calibrate scores.csv --claim A B --smaller-is-closer --score-name distance",
        "verify calibrate scores.csv --claim A B --strata strata.csv -o report",
    ),
    statuses={0: "finished, whatever the verdict", 3: "the verdict is one that --fail-on names"},
    see="docs/calibrate.md",
)
@click.argument("scores", type=GivenPath())
@option("--claim", group=_SCORES, nargs=2, required=True, metavar="A B", help="The two models in question, by name.")
@option(
    "--design",
    group=LEVELS,
    type=click.Choice(DESIGNS),
    metavar="DESIGN",
    help=f"The design that gives p: {', '.join(DESIGNS)}.  [default: see docs/calibrate.md]",
)
@option(
    "--scale",
    group=LEVELS,
    type=click.Choice(SCALES),
    default="identity",
    show_default=True,
    help="Scale on which each model's level is taken out.",
)
@option(
    "--larger-is-closer/--smaller-is-closer",
    "larger",
    group=_SCORES,
    default=True,
    help="Which scores are of closer models.",
)
@option(
    "--strata",
    group=_SCORES,
    type=GivenPath(),
    help="CSV with the columns name, stratum and, if any, family.",
)
@option(
    "--relatives",
    group=_SCORES,
    type=GivenPath(),
    help="CSV with the columns a,b: pairs of relatives.",
)
@option(
    "--one-per-family",
    group=_SCORES,
    is_flag=True,
    help="Represent relatives by one of them, chosen by the sha256 of names.",
)
@option(
    "--recipes",
    group=_SCORES,
    type=GivenPath(),
    help="CSV with the columns name,recipe: models of one recipe differ in their seeds alone.",
)
@option("--alpha", group=LEVELS, type=float, default=1e-2, show_default=True, help="Level.")
@option(
    "--searched",
    group=LEVELS,
    type=int,
    default=1,
    show_default=True,
    metavar="K",
    help="Number of pairs searched to find this one; multiplies p.",
)
@option("--score-name", group=STATED, default="score", show_default=True, help="What the score is, for the report.")
@report_options(get_args(Calibration))
@color_option
@config_option
def calibrate(
    scores: Path,
    claim: tuple[str, str],
    design: Design | None,
    scale: Scale,
    larger: bool,
    strata: Path | None,
    relatives: Path | None,
    one_per_family: bool,
    recipes: Path | None,
    alpha: float,
    searched: int,
    score_name: str,
    created: str | None,
    asked: Asked,
) -> None:
    """Rank the score of two models among those of others, in the CSV file SCORES.

    It has the columns a,b,score, or is a square table with names. The score may be of anything: activations, answers,
    another tool. Fix design, scale and level before you look at the scores.
    """
    from ..calibrate import calibrate as run

    closer: Closer = CLOSER[0] if larger else CLOSER[1]
    report = run(
        scores,
        claim,
        design=design,
        scale=scale,
        closer=closer,
        strata=strata,
        relatives=relatives,
        one_per_family=one_per_family,
        recipes=recipes,
        alpha=alpha,
        searched=searched,
        score_name=score_name,
        created=created,
    )
    asked.give(report)
