"""Render a report from its record alone; each format is imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..claim.citation import Citation
    from ..claim.pages import Models, Pages


@dataclass(frozen=True)
class Format:
    """One format of a report: what makes it, and the file that it is written to."""

    make: Callable[..., bytes]
    suffix: str
    """What follows ``report`` in the name of its file."""
    claims_only: bool = False
    """Whether it is of claim reports alone, and not of calibrations."""
    points: bool = False
    """Whether it points at files of the models, and so takes where they lie."""
    beside: tuple[str, ...] = ()
    """Formats that are written with it, since it names their files."""

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"report{self.suffix}"

    def __call__(self, report: Pages, models: Models = (None, None)) -> bytes:
        """The content of the file; ``models`` are paths of A and B as given to the command, where known."""
        if self.claims_only:
            from ..base import InputError
            from ..claim import ClaimReport

            if not isinstance(report, ClaimReport):
                raise InputError(f"{self.file} is of claim reports only; give one that `verify lineage` wrote.")
        return self.make(report, models) if self.points else self.make(report)


def _markdown(report: Pages) -> bytes:
    from .markdown import markdown

    return markdown(report).encode()


def _latex(report: Pages, fragment: bool = False) -> bytes:
    from .latex import latex

    return latex(report, fragment=fragment).encode()


def _html(report: Pages) -> bytes:
    from .html import html

    return html(report).encode()


def _pdf(report: Pages) -> bytes:
    from .pdf import pdf

    return pdf(report)


def _card(report: Any) -> bytes:
    from .documents.card import card

    return card(report).encode()


def _badge(report: Any) -> bytes:
    from .documents.badge import badge

    return badge(report).encode()


def _github(report: Any, models: Models) -> bytes:
    from .documents.github import workflow_command

    return workflow_command(report, models).encode()


def _sarif(report: Any, models: Models) -> bytes:
    from .documents.sarif import sarif

    return sarif(report, models)


def _cyclonedx(report: Any) -> bytes:
    from .documents.cyclonedx import cyclonedx

    return cyclonedx(report)


def _spdx(report: Any) -> bytes:
    from .documents.spdx import spdx

    return spdx(report)


def _intoto(report: Any) -> bytes:
    from ..claim.signature import unsigned

    return unsigned(report)


def cite(report: Any) -> Citation:
    """How to cite a report."""
    from .documents.citation import cite as made

    return made(report)


FORMATS: dict[str, Format] = {
    "md": Format(_markdown, ".md"),
    "tex": Format(_latex, ".tex"),
    "html": Format(_html, ".html"),
    "pdf": Format(_pdf, ".pdf"),
    "json": Format(lambda report: report.to_json().encode() + b"\n", ".json"),
    "fragment": Format(lambda report: _latex(report, fragment=True), ".fragment.tex"),
    "bibtex": Format(lambda report: cite(report).bibtex.encode() + b"\n", ".bib", claims_only=True),
    "cff": Format(lambda report: cite(report).cff.encode(), ".cff", claims_only=True),
    "card": Format(_card, ".card.md", claims_only=True, beside=("badge",)),
    "badge": Format(_badge, ".badge.svg", claims_only=True),
    "github": Format(_github, ".github.txt", claims_only=True, points=True),
    "sarif": Format(_sarif, ".sarif", claims_only=True, points=True),
    "cyclonedx": Format(_cyclonedx, ".cdx.json", claims_only=True),
    "spdx": Format(_spdx, ".spdx.json", claims_only=True),
    "intoto": Format(_intoto, ".intoto.json", claims_only=True),
}
"""Every format; ``fragment`` is LaTeX without a preamble."""
