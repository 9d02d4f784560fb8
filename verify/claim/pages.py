"""The pages of a report: every format is made from the record alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from ..base import Record, options, write_atomically
from ..base.canonical_json import canonical, digest
from ..base.card import Card, Tone

if TYPE_CHECKING:
    from .answer import Answer
    from .citation import Citation


Models = tuple[str | os.PathLike[str] | None, str | os.PathLike[str] | None]
"""Paths of A and B; None where unknown."""

_TONES: dict[str, Tone] = {
    "identical": "violet",
    "dependent": "red",
    "similar_beyond_panel": "amber",
    "no_evidence": "blue",  # not green: nothing is cleared
    "untestable": "grey",
}


class Pages(Record):
    """A record with a digest, and the pages that are rendered from it."""

    if TYPE_CHECKING:
        created: str
        digest: str = ""

    @property
    def answer(self) -> Answer:
        """The first lines of the report, in words."""
        raise NotImplementedError

    @property
    def names(self) -> tuple[str, str]:
        """Names of A and B."""
        raise NotImplementedError

    @property
    def labelled(self) -> tuple[tuple[str, str], ...]:
        """The models by the letters that stand for them."""
        return tuple(zip("AB", self.names, strict=True))

    @property
    def checked(self) -> str:
        """What a replay of the record alone checks."""
        return "its arithmetic"

    @property
    def outcomes(self) -> frozenset[str]:
        """What ``--fail-on`` can name: the verdict, and what else holds of the report."""
        return frozenset((self.answer.verdict,))

    def _card(self) -> Card:
        """The answer in a few lines: what was found, its chance, and what that does not show."""
        found = self.answer
        report = "A {!r:.100}, B {!r:.100}, {}".format(*self.names, self.digest)
        facts = (*found.lines, ("Report", report))
        return Card(f"{found.word}: {found.sentence}", facts, tuple(self._looked_at()), _TONES[found.verdict])

    def _looked_at(self) -> Iterable[Mapping[str, object]]:
        """Rows of the table below the answer, in a notebook."""
        raise NotImplementedError

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Canonical JSON (RFC 8785); also written to ``path`` if given."""
        raise NotImplementedError

    def to(self, form: str, path: str | os.PathLike[str] | None = None, *, models: Models = (None, None)) -> bytes:
        r"""The file of a format; also written to ``path`` if given.

        Parameters
        ----------
        form : a key of ``verify.render.FORMATS``: ``"md"``, ``"tex"``, ``"html"``, ``"pdf"``, ``"json"``, or
            ``"fragment"``, LaTeX for ``\\input``; of a claim report also ``"card"``, ``"badge"``, ``"github"``,
            ``"sarif"``, ``"cyclonedx"``, ``"spdx"``, ``"intoto"``, ``"bibtex"`` and ``"cff"``.
        path : file to write.
        models : paths of A and B, for formats that point at their files (``github``, ``sarif``).

        Raises
        ------
        InputError
            If there is no such format, or this installation lacks what makes it.
        """
        from ..render import FORMATS

        content = FORMATS[options.one_of("form", form, tuple(FORMATS))](self, models)
        if path is not None:
            write_atomically(options.path("path", path), content)
        return content

    def to_markdown(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page for a reader who is not a statistician; also written to ``path`` if given."""
        return self.to("md", path).decode()

    def to_latex(self, path: str | os.PathLike[str] | None = None, *, fragment: bool = False) -> str:
        r"""A standalone document, or a fragment for ``\input``; also written to ``path`` if given."""
        return self.to("fragment" if fragment else "tex", path).decode()

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """One file that loads nothing, with figures if matplotlib is installed; also written to ``path`` if given."""
        return self.to("html", path).decode()

    def to_pdf(self, path: str | os.PathLike[str]) -> None:
        """Write A4 pages, typeset by pdflatex or typst (extra ``pdf``).

        Raises
        ------
        InputError
            If neither is installed.
        """
        self.to("pdf", path)


def citation_of(report: Pages) -> Citation:
    """How to cite a report."""
    from ..render import cite

    return cite(report)


class Sealed(Pages):
    """A report whose record has one schema, and holds the digest of all else in it."""

    def sealed(self) -> Self:
        """The same report with its digest."""
        return self.model_copy(update={"digest": digest(self.facts(), without=("digest",))})

    def facts(self) -> dict[str, Any]:
        """The record as a JSON object."""
        return self.model_dump(mode="json")

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Canonical JSON (RFC 8785); also written to ``path`` if given."""
        content = canonical(self.facts())
        if path is not None:
            write_atomically(options.path("path", path), content + b"\n")
        return content.decode()
