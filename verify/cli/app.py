"""The command line: arguments in, a report out, one clear sentence on any bad input.

Exit statuses are in each command's help and in ``docs/command-line.md``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import get_args

import click

from ..base import InputError, VerifyError
from ..base.options import fraction
from ..claim import Verdict
from .answer import spoken
from .cache import cache
from .calibrate import calibrate
from .command import Command, Group, option
from .completion import completion
from .config import config_option
from .inspect import inspect
from .options import (
    LEVELS,
    OUTPUT,
    STATED,
    Access,
    Effort,
    color_option,
    effort_options,
    fail_on_option,
    json_option,
    model_argument,
    paths,
    quiet_option,
    refuse_without,
    report_options,
    side_options,
)
from .output import (
    USUAL,
    check_report_folder,
    check_writable,
    chosen_formats,
    chosen_verdicts,
    described_fingerprint,
    echo,
    echo_json,
    format_to_print,
    formats,
    give_report,
    no_pdf,
    printable,
    progress_bar,
    write_report,
)
from .panel import panel
from .plan import dry_run_option, give_plans
from .replay import render, replay
from .screen import screen
from .sign import check_signature, keygen, sign


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=(
        "verify demo",
        "verify lineage path/to/model org/base-model",
        "verify screen models/* -o screened",
        "verify replay report.json",
    ),
    statuses={
        0: "finished, whatever the verdict",
        1: "replay or check-signature: something does not agree",
        3: "a verdict that --fail-on names",
        4: "replay --require-models: the weights were not compared",
    },
)
@click.version_option(package_name="verify-lineage", prog_name="verify")
@click.pass_context
def cli(context: click.Context) -> None:
    """Decide whether two neural-network checkpoints are related, with a p-value."""
    if os.environ.get("NO_COLOR"):
        context.color = False
    if context.invoked_subcommand is None:
        echo(context.get_help())


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
    "--author",
    "authors",
    group=STATED,
    multiple=True,
    metavar="NAME",
    help='Who makes the report, for its citation (repeatable): "Family, Given" for a person, or the name of a body.',
)
@option("--url", group=STATED, help="Where the report will be published, for its citation.")
@option("--created", group=STATED, help="Time to record instead of the present (ISO 8601).")
@report_options(claims=True)
@fail_on_option(
    lambda: [*get_args(Verdict), "undeclared"],
    f"Exit with status 3 on these: {', '.join(get_args(Verdict))}; or, for undeclared, where related models do not "
    "declare it.",
)
@json_option("Print the record (report.json) in place of the answer.")
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
    output: Path | None,
    names: str | None,
    alpha: float,
    reference: str,
    panel_alpha: float,
    families: tuple[str, ...],
    corpora: tuple[str, ...],
    searched: int,
    chronology: str | None,
    authors: tuple[str, ...],
    url: str | None,
    created: str | None,
    fail_on: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare model A (questioned) with model B (reference).

    Each is a folder or file of weights, its address (org/model and hf://org/model@revision on the Hugging Face Hub,
    https://, s3://), or a saved fingerprint.

    The verdict is the same whichever of the two is A. "Questioned" is the model whose origin is asked about, and
    "reference" the one that it may come from; the words only say which is which in the report. No verdict says which
    of two related models came first.
    """
    unwanted = chosen_verdicts(fail_on, (*get_args(Verdict), "undeclared"))
    if len(corpora) > 2:
        raise InputError(f"--corpus is given {len(corpora)} times; give it once for both models, or twice: A's, B's.")
    if reference == "none":
        refuse_without("--panel", "panel_alpha", "families", "corpora")
    wanted = [] if names is None else chosen_formats(names)
    format_to_print(wanted, output)
    if output is not None:
        check_report_folder(output, wanted or USUAL)
    from ..checkpoint import Location
    from ..lineage import test_lineage

    first, second = Location(a, **access_a), Location(b, **access_b)
    if dry_run:
        fraction("alpha", alpha), fraction("panel_alpha", panel_alpha)
        give_plans([first, second], effort if reference == "none" else "full", as_json=as_json, pair=True)
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
            authors=authors,
            url=url,
            created=created,
            progress=progress,
        )
    give_report(report, output, wanted, unwanted, as_json=as_json, models=(a, b))


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
@option("-o", "--output", group=OUTPUT, type=click.Path(path_type=Path), help="File to write.")
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
    from ..fingerprint import fingerprint as compute

    location = Location(model, **access)
    if dry_run:
        give_plans([location], effort, as_json=as_json)
        return
    if output is None:
        raise click.MissingParameter(param_hint="'-o' / '--output'", param_type="option")
    check_writable(output)
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


@click.command(
    cls=Command,
    section="Compare models",
    examples=("verify demo", "verify demo -o somewhere"),
)
@option(
    "-o",
    "--output",
    group=OUTPUT,
    type=click.Path(path_type=Path),
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


for command in (
    lineage,
    screen,
    calibrate,
    demo,
    replay,
    check_signature,
    sign,
    keygen,
    panel,
    inspect,
    fingerprint,
    render,
    cache,
    completion,
):
    cli.add_command(command)


def main() -> None:
    """Entry point: errors on one line, no traceback for bad input."""
    try:
        cli(prog_name="verify", standalone_mode=False)
    except VerifyError as error:
        _fail(str(error))
    except click.UsageError as error:
        where = "verify" if error.ctx is None else error.ctx.command_path
        _fail(f"{error.format_message().rstrip()} See `{where} --help`.")
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
