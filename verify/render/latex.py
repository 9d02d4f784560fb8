r"""A claim report as LaTeX: a standalone document, or a fragment for ``\input``.

The fragment needs the packages array, booktabs, longtable and graphicx, and ``\usepackage[T1]{fontenc}``. Drawings
are shown if the document has ``\usepackage{tikz}``, else their numbers in words. Figures that matplotlib draws are
shown if their files (``ReportFigure.save``) lie beside the document under the names it expects, which contain the
report's digest; otherwise a sentence states their numbers.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING

from jinja2 import Environment
from markupsafe import Markup

from .drawing import Drawing
from .environment import environment
from .escape import NAME, SENTENCE, breakable, spelled, tex_name, tex_number, tex_text
from .kinds import Code, Command, Inline, Number
from .page import Table
from .pictures import pictures
from .report_figures import figures
from .tikz import preamble, tikz
from .view import view

if TYPE_CHECKING:
    from ..claim.pages import Pages

_LINE = 100  # characters of small type in the width of a page
_GAP = 2.6  # the same for the space between two columns
_DELIMITERS = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


def latex(report: Pages, *, fragment: bool = False) -> str:
    """The report in LaTeX, which pdflatex, lualatex and xelatex compile."""
    template = _templates().get_template("fragment.tex" if fragment else "report.tex")
    made = pictures(report)
    widths = {name: Markup(f"{min(0.9, figure.size[0] / 7.5):.2f}") for name, figure in figures(report).items()}
    names = {name: Markup(figure_name(report, name)) for name in widths}
    drawings = {name: tikz(one) for name, one in made.items() if isinstance(one, Drawing)}
    digest = Markup(
        re.sub("[^0-9a-z:]", "", report.digest)
    )  # for a PDF string and a comment, which cannot be escaped
    return template.render(
        view=view(report),
        widths=widths,
        names=names,
        drawings=drawings,
        preamble=preamble(),
        created=report.created,
        digest=digest,
    )


@cache
def _templates() -> Environment:
    made = environment(
        {str: tex_text, Code: tex_name, Command: partial(tex_name, longest=SENTENCE), Number: tex_number},
        **_DELIMITERS,
    )
    made.filters |= {"columns": _columns, "room": _room}
    return made


def figure_name(report: Pages, name: str) -> str:
    """The file in which LaTeX looks for a figure."""
    return f"verify-{re.sub('[^0-9a-f]', '', report.digest.removeprefix('sha256:'))[:16]}-{name}.pdf"


def _room(lines: int) -> Markup:
    """Start a new page if fewer lines are left on this one, so that headings stay with their text."""
    return Markup(rf"\par\ifdim\dimexpr\pagegoal-\pagetotal\relax<{lines}\baselineskip\newpage\fi" "\n")


def _columns(table: Table) -> Markup:
    """Column widths: at least the longest word, the rest in proportion to the content."""
    least, most = [], []
    for i, title in enumerate(table.columns):
        cells = [_flat(cell) for cell in (title, *(row[i] for row in table.rows))]
        least.append(2 + max(len(word) for cell in cells for word in breakable(cell, " ").split(" ")))
        most.append(2 + max(map(len, cells)))
    room = _LINE - _GAP * len(least)
    spare, wanted = room - sum(least), sum(b - a for a, b in zip(least, most, strict=True))
    given = 1.0 if wanted <= spare else max(0.0, spare / wanted)
    widths = [a + given * (b - a) for a, b in zip(least, most, strict=True)]
    scale = min(1, room / sum(widths)) / _LINE
    sides = ["left" if number else "right" for number in table.numbers]
    return Markup("").join(
        Markup(
            rf">{{\ragged{side}\arraybackslash}}p{{\dimexpr{width * scale + _GAP / _LINE:.4f}\linewidth-2\tabcolsep}}"
        )
        for side, width in zip(sides, widths, strict=True)
    )


def _flat(text: Inline) -> str:
    return "".join(spelled(part, NAME) for part in ((text,) if isinstance(text, str) else text))
