"""``verify demo``: models that ship with the library."""

from __future__ import annotations

from pathlib import Path

import click

from ..base import InputError
from .answer import spoken
from .command import Command, GivenPath, option
from .options import OUTPUT, color_option, quiet_option
from .output import check_report_folder, echo, formats, no_pdf, progress_bar, write_report


@click.command(
    cls=Command,
    section="Compare models",
    examples=("verify demo", "verify demo -o somewhere"),
)
@option(
    "-o",
    "--output",
    group=OUTPUT,
    type=GivenPath(),
    default=Path("verify-demo"),
    show_default=True,
    help="Folder for one report per pair.",
)
@color_option
@quiet_option
def demo(output: Path, quiet: bool) -> None:
    """Compare two pairs of real trained models that ship with verify: one related, one not."""
    from ..data import model
    from ..lineage import test_lineage

    pairs = {"related": ("continued-3x", "reference"), "unrelated": ("stranger-1", "reference")}
    left_out = no_pdf()
    wanted = [name for name in formats(claims=False) if name != "pdf" or left_out is None]
    for pair in pairs:
        check_report_folder(output / pair, wanted)
    for name, (a, b) in pairs.items():
        with progress_bar(quiet) as progress:
            report = test_lineage(model(a), model(b), progress=progress)
        try:
            write_report(report, output / name, wanted)
        except InputError as error:  # an incomplete typesetter
            left_out, wanted = str(error).rstrip("."), [kind for kind in wanted if kind != "pdf"]
        page = output / name / f"report.{'html' if 'html' in wanted else 'md'}"
        echo(spoken(report, [f"{page} is the whole report."]) + "\n")
    if left_out is not None:
        echo(f"Left out report.pdf: {left_out}.")
