"""``verify screen``: many models at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ..base import InputError
from ..base.options import fraction
from ..checkpoint import Location
from ..screen.result import OUTCOMES
from .answer import wrapped
from .command import Command, GivenPath, option
from .config import config_option
from .listed import listed_models
from .options import (
    EFFORTS,
    LEVELS,
    OUTPUT,
    READING,
    Decorated,
    Effort,
    color_option,
    fail_on_option,
    json_option,
    model_argument,
    quiet_option,
)
from .output import check_apart, check_writable, chosen_verdicts, echo, echo_json, progress_bar, warn
from .plan import dry_run_option, give_plans

if TYPE_CHECKING:
    from ..screen import ScreenResult


def screen_options(over: str, one: str) -> Callable[[Decorated], Decorated]:
    """Levels, work and result of a screen: ``-o``, ``--effort``, ``--workers``, ``--alpha``, ``--fdr`` and so on.

    Parameters
    ----------
    over : what the levels hold for.
    one : what may be left out.
    """
    levels = {"alpha": (1e-3, "Family-wise error rate"), "fdr": (1e-2, "False discovery rate")}
    verdicts = (
        "Exit with 3 where a pair has such a verdict (identical, dependent, suspected, no_evidence, untestable), or, "
        "for undeclared, is related though no chain of declared bases joins it, or, for left_out, where "
        f"{one} could not be read."
    )

    def decorate(command: Decorated) -> Decorated:
        command = fail_on_option(lambda: [*OUTCOMES], verdicts)(command)
        command = json_option("Print families.json instead of the answer.")(command)
        command = option("--workers", group=READING, type=int, help="Worker processes.  [default: 1]")(command)
        for name, (level, text) in reversed(levels.items()):
            command = option(
                f"--{name}",
                group=LEVELS,
                type=float,
                default=level,
                show_default=True,
                help=f"{text} over {over}.",
            )(command)
        command = option(
            "--effort",
            group=READING,
            type=click.Choice(EFFORTS),
            default="screen",
            show_default=True,
            help="How much of the weights to read.",
        )(command)
        text = "Folder for the result, and for unfinished work."
        return option("-o", "--output", group=OUTPUT, type=GivenPath(), help=text)(command)

    return decorate


@click.command(
    cls=Command,
    section="Compare models",
    examples=(
        "verify screen models/* -o screened",
        "verify screen models/* --against org/model              each with one only",
        "verify screen @list.txt -o screened --workers 8         one model a line",
        "verify screen models/* --dry-run                        what would be read, and what it costs",
        "verify screen fingerprints/ --fail-on dependent,identical",
    ),
    statuses={
        0: "finished, whatever was found",
        2: "bad input, or fewer than two models that can be read",
        3: "--fail-on names a verdict that a pair has; or undeclared, or left_out, and there is such a pair or model",
    },
    see="docs/screen.md",
)
@model_argument("models", nargs=-1, required=True)
@screen_options("all pairs", "a model")
@option("--against", group=LEVELS, metavar="MODEL", help="Compare each of MODELS with this one only.")
@option(
    "--signer",
    group=READING,
    type=GivenPath(),
    help="Public key that must have signed every fingerprint given; one that it did not sign is left out.",
)
@option(
    "--scheduler",
    group=READING,
    metavar="ADDRESS",
    help="A dask scheduler, such as tcp://host:8786, instead of processes.",
)
@dry_run_option
@option(
    "--format",
    "form",
    group=OUTPUT,
    type=click.Choice(["parquet", "csv"]),
    help="Format of the tables.  [default: csv]",
)
@color_option
@quiet_option
@config_option
def screen(
    models: tuple[str, ...],
    output: Path | None,
    against: str | None,
    effort: Effort,
    alpha: float,
    fdr: float,
    workers: int | None,
    signer: Path | None,
    scheduler: str | None,
    dry_run: bool,
    form: Literal["parquet", "csv"] | None,
    fail_on: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare all pairs of MODELS: weights, fingerprints, folders of fingerprints, or @FILE with one per line.

    An interrupted screen resumes. A model that cannot be read is reported and left out.
    """
    from ..screen import screen as compute
    from ..screen.result import chosen_form

    unwanted = chosen_verdicts(fail_on, OUTCOMES)
    form = chosen_form(form)
    if output is not None:
        check_screen_folder(output, form)
    if workers is not None and scheduler is not None:
        raise InputError("--workers and --scheduler were both given; give one of them.")
    found = listed_models(models)
    if dry_run:
        fraction("alpha", alpha), fraction("fdr", fdr)
        asked = dict.fromkeys([*found, *filter(None, [against])])
        give_plans([Location(path) for path in asked], effort, as_json=as_json, skip=True)
        return
    with progress_bar(quiet) as progress, _executor(scheduler) as executor:
        result = compute(
            [_signed_by(signer, path) for path in found],
            against=None if against is None else _signed_by(signer, against),
            effort=effort,
            alpha=alpha,
            fdr=fdr,
            workers=executor or workers,
            folder=output,
            progress=progress,
        )
    give_result(result, output, form, unwanted, as_json=as_json)


def give_result(
    result: ScreenResult, output: Path | None, form: Literal["parquet", "csv"], unwanted: set[str], *, as_json: bool
) -> None:
    """Print a screen's result and write its files; exit with 3 where it has an unwanted verdict.

    Parameters
    ----------
    result : the result.
    output : folder to write to; None for none.
    form : format of the tables.
    unwanted : what ``--fail-on`` names.
    as_json : whether the record is printed instead of the answer.
    """
    for left_out in result.record.left_out:
        warn(f"{left_out.name}: left out: {left_out.reason}")
    for one in result.record.contradictions:
        warn(f"{one.a} and {one.b}: contradictory: {one.reason}")
    files = [] if output is None else result.save(output, form)
    if as_json:
        echo_json(result.to_json())
    else:
        echo(_spoken(result, files))
    if unwanted & result.verdicts:
        sys.exit(3)


def check_screen_folder(output: Path, form: Literal["parquet", "csv"]) -> None:
    """Refuse a folder that the files of a screen cannot be written to, before the work.

    Parameters
    ----------
    output : the folder.
    form : format of the tables.
    """
    from ..screen.result import check_folder

    names = ("screen.html", "summary.md", f"pairs.{form}", f"models.{form}", "families.json")
    check_writable(*(output / name for name in names))
    check_folder(output)
    check_apart(output)


def _spoken(result: ScreenResult, files: Sequence[Path]) -> str:
    """The answer, the files that hold the rest, and what to do next."""
    from ..base.plain import plain
    from ..render.escape import SENTENCE

    said = result.answer
    word = click.style(f" {said.word} ", fg="red" if said.found else "blue", bold=True, reverse=True)
    lines = [("", said.sentence), *((label, "".join(line)) for label, line in said.lines)]
    lines += [("" if n else "Files", str(file)) for n, file in enumerate(files)]
    page = f"open {files[0]}" if files else "the page with its trees, and all tables: the same command with -o FOLDER"
    pair = "A B" if result.record.against is None else "MODEL RELATIVE"
    lines.append(("Next", f"{page}; one pair in full: verify lineage {pair} -o report"))
    return "\n".join([word, *(wrapped(label, plain(line, 4 * SENTENCE)) for label, line in lines)])


def _signed_by(signer: Path | None, path: str) -> str | Location:
    """A model as it is given; if it is a fingerprint, with the key that must have signed it."""
    from ..fingerprint import is_fingerprint

    return Location(path, signer=str(signer)) if signer is not None and is_fingerprint(Path(path)) else path


@contextmanager
def _executor(address: str | None) -> Iterator[Executor | None]:
    """The executor of a dask cluster."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError('--scheduler needs dask: `pip install "verify-lineage[dask]"`.') from error
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"No dask scheduler answers at {address!r:.120} ({reason:.120}); check the address."
        ) from error
    with client:
        yield client.get_executor()
