"""The command line: arguments in, a report out, one clear sentence on any bad input.

Exit status: 0 whatever the verdict; 2 for bad input (one line on standard error, nothing written); 3 for a verdict
named by ``--fail-on``; 130 when interrupted. A screen reports and skips models that cannot be read: the status is
then 0, or 3 with ``--fail-on left_out``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from ..base import InputError, VerifyError
from ..claim import Verdict
from .answer import color_option, spoken
from .cache import cache
from .calibrate import calibrate
from .inspect import inspect
from .options import Effort, effort_options, side_options
from .output import (
    USUAL,
    check_report_folder,
    check_writable,
    chosen_formats,
    chosen_verdicts,
    count,
    echo,
    echo_json,
    format_to_print,
    formats,
    give_report,
    log_to_stderr,
    no_pdf,
    printable,
    progress_bar,
    write_report,
)
from .panel import panel
from .replay import render, replay
from .screen import screen
from .sign import check_signature, keygen, sign

if TYPE_CHECKING:
    from ..fingerprint import FingerprintRecord


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="verify-lineage", prog_name="verify")
@click.option("-v", "--verbose", count=True, help="Log to standard error; twice for every step.")
@click.pass_context
def cli(context: click.Context, verbose: int) -> None:
    """Decide whether two neural-network checkpoints are related, with a p-value."""
    if os.environ.get("NO_COLOR"):
        context.color = False
    if verbose:
        log_to_stderr(verbose)
    if context.invoked_subcommand is None:
        echo(context.get_help())


@cli.command()
@click.argument("a")
@click.argument("b")
@effort_options
@side_options("a")
@side_options("b")
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
@click.option("--alpha", type=float, default=1e-3, show_default=True, help="Level of the exact tests.")
@click.option(
    "--panel",
    "reference",
    default="none",
    show_default=True,
    metavar="none|default|PATH",
    help="Panel of unrelated models to rank the pair among.",
)
@click.option("--panel-alpha", type=float, default=1e-2, show_default=True, help="Level of the primary panel test.")
@click.option(
    "--family",
    "families",
    multiple=True,
    help="Exclude panel members of this model family (repeatable); give the families that A and B belong to.",
)
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    metavar="NAME",
    help="Training text of A and B, as named in the panel (twice if they differ); shown, and enters no verdict.",
)
@click.option(
    "--searched",
    type=int,
    default=1,
    show_default=True,
    metavar="K",
    help="Number of pairs searched to find this one; multiplies every p-value.",
)
@click.option("--chronology", help="Which file existed first, and how you know; recorded as stated.")
@click.option("--created", help="Time to record instead of the present (ISO 8601).")
@click.option("--fail-on", default="", metavar="VERDICT,...", help="Exit with status 3 on these verdicts.")
@click.option("--json", "as_json", is_flag=True, help="Print the record (report.json) in place of the answer.")
@color_option
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def lineage(
    a: str,
    b: str,
    effort: Effort | None,
    workers: int | None,
    revision_a: str | None,
    token_a: str | None,
    layout_a: str | None,
    base_a: str | None,
    tokenizer_a: str | None,
    revision_b: str | None,
    token_b: str | None,
    layout_b: str | None,
    base_b: str | None,
    tokenizer_b: str | None,
    output: Path | None,
    names: str | None,
    alpha: float,
    reference: str,
    panel_alpha: float,
    families: tuple[str, ...],
    corpora: tuple[str, ...],
    searched: int,
    chronology: str | None,
    created: str | None,
    fail_on: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare model A (questioned) with model B (reference).

    Each is a folder or file of weights, its address (org/model and hf://org/model@revision on the Hugging Face Hub,
    https://, s3://), or a saved fingerprint.
    """
    unwanted = chosen_verdicts(fail_on, get_args(Verdict))
    if len(corpora) > 2:
        raise InputError(f"--corpus is given {len(corpora)} times; give it once for both models, or twice: A's, B's.")
    wanted = [] if names is None else chosen_formats(names)
    format_to_print(wanted, output)
    if output is not None:
        check_report_folder(output, wanted or USUAL)
    from ..checkpoint import Location
    from ..lineage import test_lineage

    with progress_bar(quiet) as progress:
        report = test_lineage(
            Location(a, revision_a, token_a, layout_a, base_a, tokenizer=tokenizer_a),
            Location(b, revision_b, token_b, layout_b, base_b, tokenizer=tokenizer_b),
            effort=effort,
            workers=workers,
            alpha=alpha,
            panel=None if reference == "none" else reference,
            panel_alpha=panel_alpha,
            families=families,
            corpus=(corpora[0], corpora[-1]) if corpora else "",
            searched=searched,
            chronology=chronology,
            created=created,
            progress=progress,
        )
    give_report(report, output, wanted, unwanted, as_json=as_json)


@cli.command()
@click.argument("model")
@effort_options
@side_options()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def fingerprint(
    model: str,
    effort: Effort | None,
    workers: int | None,
    revision: str | None,
    token: str | None,
    layout: str | None,
    base: str | None,
    tokenizer: str | None,
    output: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fingerprint a checkpoint: a small file that can be published and compared."""
    check_writable(output)
    from ..checkpoint import Location
    from ..fingerprint import fingerprint as compute

    with progress_bar(quiet) as progress:
        location = Location(model, revision, token, layout, base, tokenizer=tokenizer)
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
        echo(f"{_described(result.record)}\n{output}")


def _described(record: FingerprintRecord) -> str:
    """A fingerprint in one sentence."""
    from ..render.escape import SENTENCE, plain

    shape = record.architecture
    return (
        f"{plain(record.name, SENTENCE)}: {plain(shape.family, SENTENCE)}, {count(shape.layers, 'layer')} of width "
        f"{shape.width}; {count(record.bytes_read, 'byte')} read at {record.effort} effort."
    )


@cli.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("verify-demo"),
    show_default=True,
    help="Folder for one report per pair.",
)
@color_option
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def demo(output: Path, quiet: bool) -> None:
    """Compare two pairs of real trained models that ship with verify: one related, one not."""
    from ..data import model
    from ..lineage import test_lineage

    pairs = {"related": ("continued-3x", "reference"), "unrelated": ("stranger-1", "reference")}
    left_out = no_pdf()
    wanted = [name for name in formats() if name != "pdf" or left_out is None]
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


cli.add_command(calibrate)
cli.add_command(inspect)
cli.add_command(panel)
cli.add_command(screen)
cli.add_command(replay)
cli.add_command(render)
cli.add_command(keygen)
cli.add_command(sign)
cli.add_command(check_signature)
cli.add_command(cache)


def main() -> None:
    """Entry point: errors on one line, no traceback for bad input."""
    try:
        cli(standalone_mode=False)
    except VerifyError as error:
        _fail(str(error))
    except click.ClickException as error:
        _fail(error.format_message())
    except OSError as error:
        name = Path(str(error.filename)).name if error.filename else "a file"
        _fail(f"{name}: {error.strerror or error}; check the path, its permissions and free space.")
    except (click.Abort, KeyboardInterrupt):
        echo("Interrupted.", err=True)
        sys.exit(130)


def _fail(message: str) -> None:
    line = " ".join(message.split())
    echo(printable(line), err=True)
    sys.exit(2)
