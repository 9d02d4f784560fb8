"""A claim report as Markdown, for a reader who is not a statistician, top-down."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from jinja2 import Environment

from .environment import environment
from .escape import SENTENCE, markdown_name, markdown_text
from .kinds import Code, Command, Number
from .view import view

if TYPE_CHECKING:
    from ..claim.pages import Pages


def markdown(report: Pages) -> str:
    """The report as one Markdown page; figures are replaced by their numbers in words."""
    return _templates().get_template("report.md").render(view=view(report))


@cache
def _templates() -> Environment:
    return environment(
        {str: markdown_text, Code: markdown_name, Command: partial(markdown_name, longest=SENTENCE), Number: str}
    )
