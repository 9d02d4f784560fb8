"""Where a command writes: proved writable before the long work, and written only when everything is made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
        except OSError as error:
            raise InputError(
                f"{str(file)!r:.200} cannot be written ({error.strerror}); give another place with -o."
            ) from error


def write_report(report: ClaimReport, folder: Path) -> None:
    """Write ``report.json`` and ``report.md``; both are made before either is written."""
    contents = {"report.json": report.to_json() + "\n", "report.md": report.to_markdown()}
    for name, content in contents.items():
        write_atomically(folder / name, content.encode())


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
