"""Options that several commands share: access to a model, how much of it is read, and where a report goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from ..base import InputError
from ..fingerprint import EFFORTS, Effort
from .command import GivenPath, option
from .output import USUAL, asked, formats

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "EFFORTS",
    "LEVELS",
    "OUTPUT",
    "READING",
    "STATED",
    "Access",
    "Effort",
    "color_option",
    "effort_options",
    "fail_on_option",
    "json_option",
    "listed",
    "model_argument",
    "paths",
    "quiet_option",
    "refuse_beside",
    "refuse_without",
    "report_options",
    "side_options",
]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Access = dict[str, str | None]
"""How a model is read: the arguments of a Location besides its address."""

LEVELS = "Levels, panel and search"
READING = "Reading models"
STATED = "What the report states"
OUTPUT = "Output"

_ACCESS = {
    "revision": "Branch, tag or commit{of} on the Hub.",
    "token": "Hub token{of}; HF_TOKEN in the environment is safer.",
    "layout": "Layout file{of}, or the name of a family, for an unknown architecture.",
    "declare": "What {model} computes if its type is unknown, such as rms,rotary; see docs/layouts.md.",
    "base": "Base model{of}, if it is an adapter: a path or address.",
    "part": "Name of the part{of} to read alone; `verify inspect` lists them.",
    "tokenizer": "Tokenizer{of}, if its folder has none: a file, or a folder or model with one.",
    "signer": "File of the public key that signed {model}, a fingerprint; its signature lies beside it (.dsse).",
}
_FILES = ("layout", "base", "tokenizer", "signer")


def paths(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete with the files and folders here.

    Parameters
    ----------
    _, __ : not looked at.
    incomplete : what was typed so far.
    """
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def listed(words: Callable[[], list[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Complete the last item of a comma-separated list."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        given = before.split(",")
        return [f"{before}{comma}{word}" for word in words() if word.startswith(last) and word not in given]

    return complete


def model_argument(name: str, **settings: Any) -> Callable[[Decorated], Decorated]:
    """A model: a path or address."""
    return click.argument(name, shell_complete=paths, **settings)


def effort_options(command: Decorated) -> Decorated:
    """``--effort`` and ``--workers``."""
    text = "Worker processes for reading weights.  [default: 1]"
    command = option("--workers", group=READING, type=click.IntRange(min=1), help=text)(command)
    return option(
        "--effort",
        group=READING,
        type=click.Choice(EFFORTS),
        help="How much of the weights to read.  [default: full for local files and panels, else standard]",
    )(command)


def side_options(*sides: str, without: Collection[str] = ()) -> Callable[[Decorated], Decorated]:
    """The options by which a model is read, with ``-a`` and ``-b`` or without.

    The command gets ``access``, or ``access_a`` and ``access_b``: the arguments of a Location besides its address.

    Parameters
    ----------
    sides : ends of the names of the options, one for each model.
    without : options that the command has not, or has otherwise.
    """
    wanted = {name: text for name, text in _ACCESS.items() if name not in without}

    def decorate(command: Decorated) -> Decorated:
        @wraps(command)
        def gathered(**given: Any) -> Any:
            for side in sides or ("",):
                end = f"_{side}" if side else ""
                given[f"access{end}"] = {name: given.pop(f"{name}{end}") for name in wanted}
            return command(**given)

        found: Any = gathered
        of, model = (" of A or B", "A or B") if sides else ("", "the model")
        for name, text in reversed(wanted.items()):
            names = [f"--{name}-{side}" for side in sides] or [f"--{name}"]
            for one in reversed(names):
                found = option(
                    one,
                    group=READING,
                    listed=one == names[0],
                    beside=", ".join(names[1:]),
                    shell_complete=paths if name in _FILES else None,
                    help=text.format(of=of, model=model),
                )(found)
        return found  # type: ignore[no-any-return]

    return decorate


def report_options(
    outcomes: Sequence[str], *, claims: bool = False, more: str = ""
) -> Callable[[Decorated], Decorated]:
    """What is asked of a report: ``--created``, ``-o``, ``--format``, ``--fail-on`` and ``--json``.

    The command gets ``created``, and ``asked``, which was checked before it began.

    Parameters
    ----------
    outcomes : words that ``--fail-on`` takes.
    claims : whether it is a claim of lineage, which has more formats.
    more : what the help of ``--fail-on`` adds.
    """

    def decorate(command: Decorated) -> Decorated:
        @wraps(command)
        def gathered(output: Path | None, names: str | None, fail_on: str, as_json: bool, **given: Any) -> Any:
            return command(asked=asked(output, names, fail_on, outcomes, as_json=as_json, claims=claims), **given)

        found: Any = json_option("Print the record (report.json) in place of the answer.")(gathered)
        text = f"Exit with status 3 on these: {', '.join(outcomes)}{more}."
        found = fail_on_option(lambda: [*outcomes], text)(found)
        known = formats(claims=claims)
        found = option(
            "--format",
            "names",
            group=OUTPUT,
            metavar="FORMAT,...",
            shell_complete=listed(lambda: known),
            help=f"Formats to write, comma-separated ({', '.join(known)}); without -o, one to print.  "
            f"[default: {','.join(USUAL)}]",
        )(found)
        found = option(
            "-o",
            "--output",
            group=OUTPUT,
            type=GivenPath(),
            help="Folder for the report's files; files of another report in it are removed.",
        )(found)
        created = option("--created", group=STATED, help="Time to record instead of the present (ISO 8601).")
        return created(found)  # type: ignore[no-any-return]

    return decorate


def fail_on_option(words: Callable[[], list[str]], text: str) -> Callable[[Decorated], Decorated]:
    """``--fail-on``: verdicts that give status 3.

    Parameters
    ----------
    words : gives the words accepted.
    text : the help.
    """
    settings = {"default": "", "metavar": "VERDICT,...", "shell_complete": listed(words)}
    return option("--fail-on", group=OUTPUT, help=text, **settings)


def json_option(text: str) -> Callable[[Decorated], Decorated]:
    """``--json``."""
    return option("--json", "as_json", group=OUTPUT, is_flag=True, help=text)


def color_option(command: Decorated) -> Decorated:
    """``--color``; without it, colour where the output is a terminal and NO_COLOR is not set."""
    return option(
        "--color",
        group=OUTPUT,
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        show_default=True,
        expose_value=False,
        callback=_set_color,
        help="Colour the answer; auto: on a terminal, unless NO_COLOR is set.",
    )(command)


def _set_color(context: click.Context, _: click.Parameter, value: str) -> None:
    unset = False if os.environ.get("NO_COLOR") else None
    context.color = {"auto": unset, "always": True, "never": False}[value]


def quiet_option(command: Decorated) -> Decorated:
    """``-q``."""
    return option("-q", "--quiet", group=OUTPUT, is_flag=True, help="No progress.")(command)


def refuse_without(needed: str, *names: str) -> None:
    """Refuse options that have no effect, since another one is not given.

    Parameters
    ----------
    needed : the option that they are for.
    names : names of their parameters.

    Raises
    ------
    InputError
        If one of them is given.
    """
    if (given := _given(names)) is not None:
        raise InputError(f"{given} has no effect without {needed}; give that too, or leave it out.")


def refuse_beside(what: str, *names: str) -> None:
    """Refuse options that have no effect on what is given.

    Parameters
    ----------
    what : what is given, in words.
    names : names of their parameters.

    Raises
    ------
    InputError
        If one of them is given.
    """
    if (given := _given(names)) is not None:
        raise InputError(f"{given} has no effect on {what}; leave it out.")


def _given(names: tuple[str, ...]) -> str | None:
    """The first option of some parameters that is given; None if none is."""
    context = click.get_current_context()
    for param in context.command.params:
        if param.name in names and context.get_parameter_source(param.name) is not ParameterSource.DEFAULT:
            return param.opts[0]
    return None
