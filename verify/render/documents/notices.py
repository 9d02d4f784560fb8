"""What a report says to a reviewer of code: one notice, and the line of a file that it is about."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ...base import Phrase
from ...base.plain import plain
from ...checkpoint.card import line_of_base
from ...claim import ClaimReport, Subject
from ...claim.declared import descent
from ...claim.evidence import Verdict
from ...claim.pages import Models
from ...wording import say
from ..escape import NAME, SENTENCE


class Place(NamedTuple):
    """A line of a file of a model."""

    path: str
    """Below the working folder with forward slashes if it lies there, else absolute."""
    line: int


class Notice(NamedTuple):
    """What is to be said of a report, and where."""

    verdict: Verdict
    undeclared: bool
    """Whether the models are related and neither declares it: what a reviewer is to look at."""
    title: str
    text: str
    subject: Subject
    """The model that it stands at: the one that is declared to descend from the other, else the questioned one."""
    place: Place | None
    """A line of its card, or another file of it; None if its path is not known."""
    other: Place | None


def notice(report: ClaimReport, models: Models) -> Notice:
    """The notice of a report.

    Parameters
    ----------
    report : the report.
    models : paths of A and B, where they are known.

    Returns
    -------
    Notice
        In plain text, without control characters; a format escapes it.
    """
    declared = descent(report)
    turned = declared is not None and declared.child is report.b
    here, there = reversed(models) if turned else models
    a, b = (plain(name, NAME) for name in report.names)
    answer = report.answer
    text = f"{answer.sentence} {report.declared_in_words} Report {report.digest}, by verify-lineage."
    return Notice(
        verdict=report.verdict,
        undeclared=report.undeclared,
        title=f"{answer.word}: {a} (A) and {b} (B)",
        text=plain(text, 2 * SENTENCE),
        subject=report.b if turned else report.a,
        place=_place(here),
        other=_place(there),
    )


def described(verdict: Verdict) -> tuple[str, str]:
    """A verdict in general: what it says of any A and B, and what it does not show."""
    any_two = Phrase.of(f"answer.{verdict}.sentence", pair=Phrase.of("pair"), exact="")
    return say(any_two), say(Phrase.of(f"answer.{verdict}.not"))


def _place(model: str | os.PathLike[str] | None) -> Place | None:
    """The line of a model's card that declares its bases; else its configuration, else the model itself."""
    if model is None:
        return None
    path = Path(model)
    folder = path if path.is_dir() else path.parent
    try:
        if not path.exists():
            return None
        line = line_of_base(folder)
    except OSError:
        line = None
    if line is not None:
        return Place(_below_here(folder / "README.md"), line)
    config = folder / "config.json"
    return Place(_below_here(config if config.is_file() else path), 1)


def _below_here(path: Path) -> str:
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links are kept, as in a checkout
    here = Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()
