"""Output of commands: checked to be writable before the long work, and written once everything is made.

A folder holds the files of one report. Writing a report replaces or removes files of its names (``report.json``,
``report.md`` and so on, as ``verify.render.FORMATS`` has them) from another report, and touches nothing else. A file
of such a name that is not of a report is refused before the work.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, NamedTuple, TextIO

import click

from ..base import InputError, Progress, replace_together, silent
from .answer import spoken

if TYPE_CHECKING:
    from ..calibrate import CalibrationReport
    from ..claim import ClaimReport
    from ..claim.pages import Models, Pages
    from ..derivations import DerivationReport
    from ..fingerprint import FingerprintRecord
    from ..shares import ShareReport
    from ..siblings import BeyondReport

    Report = ClaimReport | CalibrationReport | ShareReport | BeyondReport | DerivationReport

USUAL = ("json", "html", "md")
"""Formats that are written unless others are named."""
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")
_LARGEST_PART = 1 << 24  # bytes of a page that are read
_SETTINGS = ("config.json", "adapter_config.json", "params.json")
"""Files of settings that lie beside the weights of a model."""
_OTHERWISE = {
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "×": "x",
    "·": ".",
    "…": "...",
    "−": "-",
    "–": "-",
    "—": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "→": "->",
    "√": "sqrt",
    "░": "-",
    "▒": "+",
    "▓": "*",
    "█": "#",
}
"""Replacements for characters that a terminal lacks."""


def check_writable(*files: Path) -> None:
    """Refuse files that cannot be written, leaving nothing behind.

    Raises
    ------
    InputError
        If a file is a folder, or its folder cannot be made or written to.
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


def check_apart(folder: Path) -> None:
    """Refuse a folder that is a model's: results in it would be taken for files of the model, and published with it.

    Raises
    ------
    InputError
        If it holds settings of a model, and weights.
    """
    if not any((folder / name).is_file() for name in _SETTINGS):
        return
    from ..checkpoint.source import is_weights
    from ..fingerprint import is_fingerprint

    names = sorted(path.name for path in folder.iterdir())
    weights = (name for name in names if is_weights(name) and not is_fingerprint(folder / name))
    if (found := next(weights, None)) is not None:
        raise InputError(
            f"{str(folder)!r:.200} is the folder of a model (it holds {found!r:.120}), and results would mix with "
            "its files; give a folder of their own with -o."
        )


def chosen_formats(text: str, *, claims: bool = True) -> list[str]:
    """The formats in a comma-separated list, in its order.

    Parameters
    ----------
    text : the list.
    claims : whether they are for a claim report; else for a calibration, which has fewer.

    Raises
    ------
    InputError
        If one is unknown, none is named, or a PDF is asked for and cannot be typeset here.
    """
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = formats(claims=claims)
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"--format names {unknown[0]!r:.60}; give formats among {', '.join(known)}.")
    if not names:
        raise InputError(f"--format names nothing; give formats among {', '.join(known)}.")
    if "pdf" in names and (reason := no_pdf()) is not None:
        raise InputError(f"--format names 'pdf', and {reason}, or leave it out; nothing was read or written.")
    return names


def format_to_print(names: Sequence[str], output: Path | None) -> str | None:
    """The one format that is printed, where formats are named and no folder is given; None where there is one.

    Raises
    ------
    InputError
        If there is no folder, and several formats are named, or one that is no text.
    """
    if output is not None or not names:
        return None
    if len(names) > 1 or names[0] == "pdf":
        raise InputError(
            f"--format names {', '.join(names)}, and without a folder one text is printed; give a folder with -o, or "
            "one of " + ", ".join(name for name in formats() if name != "pdf") + "."
        )
    return names[0]


def chosen_verdicts(text: str, known: Sequence[str]) -> set[str]:
    """The verdicts in a comma-separated list.

    Raises
    ------
    InputError
        If one is unknown.
    """
    names = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := sorted(names.difference(known)):
        raise InputError(f"--fail-on names {unknown[0]!r}; give verdicts among {', '.join(known)}.")
    return names


def formats(*, claims: bool = True) -> list[str]:
    """All formats of a whole report: of a claim report, or those that every report has."""
    from ..render import FORMATS

    return [name for name, form in FORMATS.items() if name != "fragment" and (claims or not form.claims_only)]


def files_of(names: Sequence[str]) -> dict[str, str]:
    """The names of the files of formats, with those that they name themselves."""
    from ..render import FORMATS

    both = (one for name in names for one in (name, *FORMATS[name].beside))
    return {name: FORMATS[name].file for name in both}


def no_pdf() -> str | None:
    """Why no PDF can be made here; None if it can."""
    if shutil.which("pdflatex") or find_spec("typst") is not None:
        return None
    return (
        'there is neither pdflatex nor typst here; `pip install "verify-lineage[pdf]"`, or typeset the .tex elsewhere'
    )


def check_report_folder(folder: Path, names: Sequence[str]) -> None:
    """Refuse a folder that cannot hold the files of a report, or where they would replace files of others.

    Raises
    ------
    InputError
        If a file cannot be written, or one has the name of a page and is not one.
    """
    written = files_of(names)
    check_writable(*(folder / file for file in written.values()))
    for name, file in files_of(formats()).items():
        page = folder / file
        if page.exists() and not (page.is_file() and _is_page(page)):
            lost = "be lost" if name in written else "stand beside those of another model"
            raise InputError(
                f"{str(page)!r:.200} is no page of a report, and would {lost}; move it, or give another folder with "
                "-o."
            )
    check_apart(folder)


class Asked(NamedTuple):
    """What is asked of a report, checked before there is one."""

    output: Path | None
    """Folder to write it to; None to print the answer, or the one format that is wanted."""
    wanted: Sequence[str]
    """Formats; none for those usually written, and the answer where nothing is written."""
    unwanted: Collection[str]
    """Outcomes of ``--fail-on``."""
    as_json: bool
    """Whether to print the record in place of the answer."""

    def give(self, report: Report, models: Models = (None, None)) -> None:
        """Write a report, print its answer, and end with status 3 on an outcome of ``--fail-on``.

        Parameters
        ----------
        report : the report.
        models : paths of A and B as given.
        """
        printed = format_to_print(self.wanted, self.output)
        if self.output is not None:
            write_report(report, self.output, self.wanted or USUAL, models)
        if self.as_json or printed == "json":
            echo_json(report.to_json())
        elif printed is not None:
            echo(report.to(printed, models=models).decode(), nl=False)
        else:
            echo(spoken(report, _then(self.output, self.wanted or USUAL, report.checked)))
        if not report.outcomes.isdisjoint(self.unwanted):
            sys.exit(3)


def asked(
    output: Path | None, names: str | None, fail_on: str, outcomes: Sequence[str], *, as_json: bool, claims: bool
) -> Asked:
    """What is asked of a report, if it can be given.

    Parameters
    ----------
    output : folder for its files.
    names : formats, comma-separated.
    fail_on : outcomes that give status 3, comma-separated.
    outcomes : those that there are.
    as_json : whether to print the record.
    claims : whether it is a claim of lineage, which has more formats.

    Raises
    ------
    InputError
        If a format or an outcome is unknown, or the folder cannot hold the files.
    """
    unwanted = chosen_verdicts(fail_on, outcomes)
    wanted = [] if names is None else chosen_formats(names, claims=claims)
    format_to_print(wanted, output)
    if output is not None:
        check_report_folder(output, wanted or USUAL)
    return Asked(output, wanted, unwanted, as_json)


def _then(output: Path | None, wanted: Sequence[str], checked: str) -> list[str]:
    """What to do next; ``checked`` is what a replay of the record alone checks."""
    if output is None:
        return ["The same with -o FOLDER writes the report, with all numbers and how to check it."]
    made = ", ".join(str(output / file) for file in files_of(wanted).values())
    if "json" not in wanted:
        return [f"Written: {made}."]
    return [f"Written: {made}.", f"verify replay {shlex.quote(str(output / 'report.json'))} checks {checked}."]


def write_report(report: Pages, folder: Path, names: Sequence[str] = USUAL, models: Models = (None, None)) -> None:
    """Write the file of each format; all are made before any is written or removed.

    Parameters
    ----------
    report : the report.
    folder : made if there is none.
    names : formats to write.
    models : paths of A and B as given.

    Raises
    ------
    InputError
        If a format cannot be made here; the others are written.
    """
    from ..render import FORMATS

    contents, failed = {}, None
    files = files_of(names)
    for name in sorted(files, key="json".__eq__):  # the record, which the pages belong to, comes last
        try:
            contents[files[name]] = FORMATS[name](report, models)
        except InputError as error:  # the report is written even if a typesetter is missing
            failed = error
    others = [folder / file for file in files_of(formats()).values() if file not in contents]
    stale = [page.name for page in others if page.is_file() and _is_page(page) and not _is_of(page, report)]
    replace_together(folder, contents, stale)
    if failed is not None:
        raise failed


def _is_page(page: Path) -> bool:
    """Whether a file is a page of a report: it contains a digest and, unless compressed, the library's name."""
    content = _content(page)
    return _DIGEST.search(content) is not None and (page.suffix == ".pdf" or b"verify-lineage" in content)


def _is_of(page: Path, report: Pages) -> bool:
    """Whether a page is of this report."""
    return report.digest.encode() in _DIGEST.findall(_content(page))


def _content(page: Path) -> bytes:
    """The beginning and end of a page, without marks for line breaks."""
    with page.open("rb") as file:
        head = file.read(_LARGEST_PART)
        file.seek(max(len(head), page.stat().st_size - _LARGEST_PART))
        return (head + file.read(_LARGEST_PART)).replace(b"<wbr>", b"")


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text, with replacements for characters that the terminal lacks.

    Files are UTF-8, whatever the terminal.

    Parameters
    ----------
    text : what to print.
    err : whether to print on standard error.
    nl : whether a newline follows.
    """
    stream = sys.stderr if err else sys.stdout
    _put(_spelled(text, stream.encoding or "ascii"), stream, nl=nl)


def echo_json(text: str) -> None:
    """Print JSON; in ASCII if the terminal is not UTF-8."""
    if not _holds_everything(sys.stdout.encoding or "ascii"):
        text = "".join(sign if sign.isascii() else json.dumps(sign)[1:-1] for sign in text)
    _put(text, sys.stdout)


def _put(text: str, stream: TextIO, *, nl: bool = True) -> None:
    """Print on a stream; one whose reader has gone, such as ``head``, changes neither files nor exit status.

    Raises
    ------
    InputError
        If standard output cannot be written, as on a full disk.
    """
    try:
        click.echo(text, file=stream, nl=nl)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # for the rest, which is written when Python ends
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise InputError(
                f"Standard output cannot be written ({error.strerror}); check where it goes, or use -o."
            ) from error


def _spelled(text: str, encoding: str) -> str:
    """A text in characters of an encoding: replaced by similar ones, or by a question mark.

    Examples
    --------
    >>> _spelled("p ≥ 10–3 × “é”", "ascii"), _spelled("p ≥ 10–3 × “é”", "latin-1")
    ('p >= 10-3 x "?"', 'p >= 10-3 × "é"')
    """
    try:
        text.encode(encoding)
        return text
    except (UnicodeEncodeError, LookupError):
        return "".join(_sign(sign, encoding) for sign in text)


def _sign(sign: str, encoding: str) -> str:
    for other in (sign, _OTHERWISE.get(sign, "?")):
        try:
            other.encode(encoding)
            return other
        except (UnicodeEncodeError, LookupError):
            continue
    return "?"


def _holds_everything(encoding: str) -> bool:
    return encoding.lower().replace("_", "-").startswith(("utf-8", "utf8"))


def count(n: int, one: str, many: str = "") -> str:
    """A number and a noun that agrees with it.

    Parameters
    ----------
    n : the number.
    one : the noun in the singular.
    many : the plural, where it is not the singular and an s.

    Returns
    -------
    str
        Number and noun.

    Examples
    --------
    >>> count(1, "pair"), count(2, "pair"), count(0, "family", "families")
    ('1 pair', '2 pairs', '0 families')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def described_fingerprint(record: FingerprintRecord) -> str:
    """A fingerprint in one sentence."""
    from ..base.plain import plain
    from ..render.escape import SENTENCE

    shape = record.architecture
    return (
        f"{plain(record.name, SENTENCE)}: {plain(shape.family, SENTENCE)}, {count(shape.layers, 'layer')} of width "
        f"{shape.width}; {count(record.bytes_read, 'byte')} read at {record.effort} effort."
    )


def warn(text: str) -> None:
    """Print one line on standard error.

    Parameters
    ----------
    text : what to print; line breaks and control characters in it, as names may hold, are replaced.
    """
    echo(printable(" ".join(text.split())), err=True)


def printable(line: str) -> str:
    """A line without control characters."""
    return "".join(c if c.isprintable() else "\ufffd" for c in line)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A progress bar on standard error, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bar  # click draws only one bar at a time

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, int] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)  # type: ignore[arg-type]

        yield report


def _nearest(path: Path) -> Path:
    """The path, or the nearest existing folder above it."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return _nearest(path.parent)
    return path
