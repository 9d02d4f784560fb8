"""The answer of a report on a terminal: a few lines, in colour, and what to do next."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..calibrate import CalibrationReport
    from ..claim import ClaimReport

Command = TypeVar("Command", bound=Callable[..., Any])

_COLOURS = {
    "identical": "magenta",
    "dependent": "red",
    "similar_beyond_panel": "yellow",
    "no_evidence": "blue",  # not green: nothing is cleared
    "untestable": "white",
}
_LABEL = 15  # columns of the labels
_WIDTH = 40, 100  # columns of a terminal that are used, at least and at most


def color_option(command: Command) -> Command:
    """``--color``; without it, colour where the output is a terminal and NO_COLOR is not set."""
    return click.option(
        "--color",
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


def spoken(report: ClaimReport | CalibrationReport, then: Iterable[str]) -> str:
    """The answer as lines that fit the terminal.

    Parameters
    ----------
    report : the report.
    then : what to do next; one or more lines.

    Returns
    -------
    str
        Lines, with codes of colour around the answer's word.
    """
    from ..base.plain import plain
    from ..render.escape import NAME, SENTENCE

    answer = report.answer
    a, b = (plain(name, NAME) for name in report.names)
    word = click.style(f" {answer.word} ", fg=_COLOURS[answer.verdict], bold=True, reverse=True)
    rows = [("", answer.sentence), *answer.lines, *(("Next" if not i else "", line) for i, line in enumerate(then))]
    return "\n".join([f"{word} {a} (A), {b} (B)", *(_wrapped(label, plain(line, SENTENCE)) for label, line in rows)])


def _wrapped(label: str, line: str) -> str:
    least, most = _WIDTH
    width = min(most, max(least, shutil.get_terminal_size((most, 24)).columns))
    indent = "" if not label and width < most // 2 else " " * _LABEL
    return textwrap.fill(
        line,
        width,
        initial_indent=f"{label:<{_LABEL}}" if label else indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
