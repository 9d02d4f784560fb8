"""Where a command writes: proved writable before the long work, and written only when everything is made."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from ..base import InputError, Progress, silent, write_atomically

if TYPE_CHECKING:
    from ..claim import ClaimReport


def check_writable(*files: Path) -> None:
    """Refuse files that could not be written, leaving nothing behind.

    Raises
    ------
    InputError
        If a file is a folder, or what will hold it cannot be made or written to.
    """
    for file in files:
        try:
            place = _nearest(file.parent)
            with TemporaryFile(dir=place):
                pass
            if _nearest(file) == file and file.is_dir():
                raise IsADirectoryError(None, "Is a directory")
            if file.exists() and not file.is_file():  # a device or pipe would be replaced
                raise OSError(None, "Not a regular file")
        except OSError as error:
            raise InputError(
                f"{str(file)!r:.200} cannot be written ({error.strerror}); give another place with -o."
            ) from error


def chosen_formats(text: str) -> list[str]:
    """The formats that a comma list names, in its order; each must be one that can be made here.

    Raises
    ------
    InputError
        If one is unknown, none is named, or a PDF is asked for where nothing can typeset it.
    """
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = formats()
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"--format names {unknown[0]!r:.60}; give formats among {', '.join(known)}.")
    if not names:
        raise InputError(f"--format names nothing; give formats among {', '.join(known)}.")
    if "pdf" in names and (reason := no_pdf()) is not None:
        raise InputError(f"--format names 'pdf', and {reason}.")
    return names


def formats() -> list[str]:
    """All formats of a whole report."""
    from ..render import FORMATS

    return [name for name in FORMATS if name != "fragment"]


def no_pdf() -> str | None:
    """Why no PDF can be made here, or None."""
    if shutil.which("pdflatex") or find_spec("typst") is not None:
        return None
    return (
        'there is neither pdflatex nor typst here; `pip install "verify-lineage[pdf]"`, or typeset the .tex elsewhere'
    )


def write_report(report: ClaimReport, folder: Path, names: Sequence[str] = ("json", "md")) -> None:
    """Write ``report.<format>`` for each format; all are made before any is written.

    Raises
    ------
    InputError
        If a format turns out to be beyond this installation; the others are written.
    """
    from ..render import FORMATS

    contents, failed = {}, None
    for name in names:
        try:
            contents[name] = FORMATS[name](report)
        except InputError as error:  # what was computed is not lost for want of a typesetter
            failed = error
    for name, content in contents.items():
        write_atomically(folder / f"report.{name}", content)
    if failed is not None:
        raise failed


def printable(line: str) -> str:
    """A line that does nothing to a terminal but stand there."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def log_to_stderr(verbosity: int) -> None:
    """Show what the library logs: its steps, or with 2 everything."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger = logging.getLogger("verify")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A progress bar on standard error, if somebody is there to see it."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, int] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)  # type: ignore[arg-type]

        yield report


def _nearest(path: Path) -> Path:
    """The path, or the nearest of the folders above it that exists."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return _nearest(path.parent)
    return path
