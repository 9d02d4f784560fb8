"""The answer of a report on a terminal: a few lines, in colour, and what to do next."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..claim.pages import Pages

_COLOURS = {
    "identical": "magenta",
    "dependent": "red",
    "similar_beyond_panel": "yellow",
    "no_evidence": "blue",  # not green: nothing is cleared
    "untestable": "white",
    "carries_share": "red",
    "no_share": "blue",
    "undecided": "white",
    "sum_of_changes": "red",
    "changes_in_part": "red",
    "changes_not_found": "blue",
    "changes_not_told": "white",
    "shares_derivation": "yellow",
    "not_closer": "blue",
    "unlike_siblings": "white",
    "counted": "white",
    "as_base": "white",
    "equal": "magenta",
    "b_from_a": "red",
    "a_from_b": "red",
    "either": "red",
    "unresolved": "white",
    "no_rule": "white",
}
_LABEL = 15  # columns of the labels
_WIDTH = 40, 100  # columns of a terminal that are used, at least and at most


def spoken(report: Pages, then: Iterable[str]) -> str:
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
    named = ", ".join(f"{plain(name, NAME)} ({label})" for label, name in report.labelled)
    word = click.style(f" {answer.word} ", fg=_COLOURS[answer.verdict], bold=True, reverse=True)
    rows = [("", answer.sentence), *answer.lines, *(("Next" if not i else "", line) for i, line in enumerate(then))]
    return "\n".join([f"{word} {named}", *(wrapped(label, plain(line, SENTENCE)) for label, line in rows)])


def wrapped(label: str, line: str) -> str:
    """A line of an answer under its label, as wide as the terminal."""
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
