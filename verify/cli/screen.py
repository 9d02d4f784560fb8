"""``verify screen``: many models at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ..base import InputError
from .answer import color_option, wrapped
from .options import EFFORTS, Effort
from .output import check_writable, chosen_verdicts, echo, echo_json, progress_bar

if TYPE_CHECKING:
    from ..screen import ScreenResult

_MOST_LISTED = 1_000_000  # lines of a list
_LARGEST_LIST = 200_000_000  # bytes


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder for the result, and for unfinished work."
)
@click.option("--against", metavar="MODEL", help="Compare each of MODELS with this one only.")
@click.option(
    "--effort",
    type=click.Choice(EFFORTS),
    default="screen",
    show_default=True,
    help="How much of the weights to read.",
)
@click.option("--alpha", type=float, default=1e-3, show_default=True, help="Family-wise error rate over all pairs.")
@click.option("--fdr", type=float, default=1e-2, show_default=True, help="False discovery rate over all pairs.")
@click.option("--workers", type=int, help="Worker processes.  [default: 1]")
@click.option(
    "--scheduler", metavar="ADDRESS", help="A dask scheduler, such as tcp://host:8786, instead of processes."
)
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), help="Format of the tables.  [default: csv]")
@click.option(
    "--fail-on",
    default="",
    metavar="VERDICT,...",
    help="Exit with 3 where a pair has such a verdict (identical, dependent, suspected, no_evidence, untestable), "
    "or, for left_out, where a model could not be read.",
)
@click.option("--json", "as_json", is_flag=True, help="Print families.json instead of the answer.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@color_option
def screen(
    models: tuple[str, ...],
    output: Path | None,
    against: str | None,
    effort: Effort,
    alpha: float,
    fdr: float,
    workers: int | None,
    scheduler: str | None,
    form: Literal["parquet", "csv"] | None,
    fail_on: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare all pairs of MODELS: weights, fingerprints, folders of fingerprints, or @FILE with one per line.

    An interrupted screen resumes. A model that cannot be read is reported and left out. Exit status: 0 whatever
    was found, 2 for bad input or fewer than two models that can be read, 3 as --fail-on says.
    """
    from ..screen import screen as compute
    from ..screen.result import VERDICTS, check_folder, chosen_form

    unwanted = chosen_verdicts(fail_on, (*VERDICTS, "left_out"))
    form = chosen_form(form)
    if output is not None:
        names = ("screen.html", "summary.md", f"pairs.{form}", f"models.{form}", "families.json")
        check_writable(*(output / name for name in names))
        check_folder(output)
    if workers is not None and scheduler is not None:
        raise InputError("--workers and --scheduler were both given; give one of them.")
    found = list(dict.fromkeys(path for text in models for path in _models(text)))
    with progress_bar(quiet) as progress, _executor(scheduler) as executor:
        result = compute(
            found,
            against=against,
            effort=effort,
            alpha=alpha,
            fdr=fdr,
            workers=executor or workers,
            folder=output,
            progress=progress,
        )
    for left_out in result.record.left_out:
        echo(" ".join(f"{left_out.name}: left out: {left_out.reason}".split()), err=True)
    files = [] if output is None else result.save(output, form)
    if as_json:
        echo_json(result.to_json())
    else:
        echo(_spoken(result, files))
    if unwanted & result.verdicts:
        sys.exit(3)


def _spoken(result: ScreenResult, files: Sequence[Path]) -> str:
    """The answer, the files that hold the rest, and what to do next."""
    from ..render.escape import SENTENCE, plain

    said = result.answer
    word = click.style(f" {said.word} ", fg="red" if said.found else "blue", bold=True, reverse=True)
    lines = [("", said.sentence), *((label, "".join(line)) for label, line in said.lines)]
    lines += [("" if n else "Files", str(file)) for n, file in enumerate(files)]
    page = f"open {files[0]}" if files else "the page with its trees, and all tables: the same command with -o FOLDER"
    lines.append(("Next", f"{page}; one pair in full: verify lineage A B -o report"))
    return "\n".join([word, *(wrapped(label, plain(line, 4 * SENTENCE)) for label, line in lines)])


def _models(text: str) -> Iterator[str]:
    """The models that one argument stands for."""
    if text.startswith("@"):
        yield from _listed(Path(text[1:]))
        return
    yield from _fingerprints(Path(text)) or [text]


def _fingerprints(folder: Path) -> list[str]:
    """The fingerprints in a folder; none if the folder is a model."""
    from ..fingerprint import is_fingerprint

    try:
        inside = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    except OSError:
        return []
    return [str(file) for file in inside if is_fingerprint(file)]


def _listed(file: Path) -> Iterator[str]:
    """Models of a list, relative to its file; empty lines and lines that begin with # are skipped."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LARGEST_LIST + 1)
        if len(text) > _LARGEST_LIST:
            raise InputError(f"The list {file.name!r:.120} has more than {_LARGEST_LIST} bytes; give a shorter one.")
        lines = text.decode("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"The list {file.name!r:.120} cannot be read; give @FILE with a model a line.") from error
    if len(lines) > _MOST_LISTED:
        raise InputError(f"The list {file.name!r:.120} has {len(lines)} lines; expected at most {_MOST_LISTED}.")
    for line in lines:
        if (entry := line.strip()) and not entry.startswith("#"):
            path = file.parent / entry
            yield from _fingerprints(path) or [str(path) if path.exists() else entry]


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
