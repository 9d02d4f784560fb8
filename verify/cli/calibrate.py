"""``verify calibrate``: a table of scores in, a calibration report out."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from ..calibrate.record import CLOSER, DESIGNS, SCALES, Calibration, Closer, Design, Scale
from .answer import color_option
from .output import (
    USUAL,
    check_report_folder,
    chosen_formats,
    chosen_verdicts,
    format_to_print,
    formats,
    give_report,
)


@click.command()
@click.argument("scores", type=click.Path(path_type=Path))
@click.option("--claim", nargs=2, required=True, metavar="A B", help="The two models in question, by name.")
@click.option(
    "--design", type=click.Choice(DESIGNS), help="The design that gives p.  [default: see docs/calibrate.md]"
)
@click.option(
    "--scale",
    type=click.Choice(SCALES),
    default="identity",
    show_default=True,
    help="Scale on which each model's level is taken out.",
)
@click.option(
    "--larger-is-closer/--smaller-is-closer", "larger", default=True, help="Which scores are of closer models."
)
@click.option(
    "--strata", type=click.Path(path_type=Path), help="CSV with the columns name, stratum and, if any, family."
)
@click.option("--relatives", type=click.Path(path_type=Path), help="CSV with the columns a,b: pairs of relatives.")
@click.option(
    "--one-per-family", is_flag=True, help="Represent relatives by one of them, chosen by the sha256 of names."
)
@click.option(
    "--recipes",
    type=click.Path(path_type=Path),
    help="CSV with the columns name,recipe: models of one recipe differ in their seeds alone.",
)
@click.option("--alpha", type=float, default=1e-2, show_default=True, help="Level.")
@click.option(
    "--searched",
    type=int,
    default=1,
    show_default=True,
    metavar="K",
    help="Number of pairs searched to find this one; multiplies p.",
)
@click.option("--score-name", default="score", show_default=True, help="What the score is, for the report.")
@click.option("--created", help="Time to record instead of the present (ISO 8601).")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the report's files; files of another report in it are removed.",
)
@click.option(
    "--format",
    "names",
    metavar="FORMAT,...",
    help=f"Formats to write, comma-separated ({', '.join(formats())}); without -o, one "
    f"to print.  [default: {','.join(USUAL)}]",
)
@click.option("--fail-on", default="", metavar="VERDICT,...", help="Exit with status 3 on these verdicts.")
@click.option("--json", "as_json", is_flag=True, help="Print the record (report.json) in place of the answer.")
@color_option
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
    output: Path | None,
    names: str | None,
    fail_on: str,
    as_json: bool,
) -> None:
    """Rank the score of two models among those of others, in the CSV file SCORES.

    It has the columns a,b,score, or is a square table with names. The score may be of anything: activations, answers,
    another tool. Fix design, scale and level before you look at the scores.
    """
    from ..calibrate import calibrate as run

    unwanted = chosen_verdicts(fail_on, get_args(Calibration))
    wanted = [] if names is None else chosen_formats(names)
    format_to_print(wanted, output)
    if output is not None:
        check_report_folder(output, wanted or USUAL)
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
    give_report(report, output, wanted, unwanted, as_json=as_json)
