"""The pages of a report: every format is made from the record alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..base import Record, options, write_atomically


class Pages(Record):
    """A record with a digest, and the pages that are rendered from it."""

    if TYPE_CHECKING:
        created: str
        digest: str = ""

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Canonical JSON (RFC 8785); also written to ``path`` if given."""
        raise NotImplementedError

    def to(self, form: str, path: str | os.PathLike[str] | None = None) -> bytes:
        r"""The file of a format; also written to ``path`` if given.

        Parameters
        ----------
        form : a key of ``verify.render.FORMATS``: ``"md"``, ``"tex"``, ``"html"``, ``"pdf"``, ``"json"``, or
            ``"fragment"``, LaTeX for ``\\input``.
        path : file to write.

        Raises
        ------
        InputError
            If there is no such format, or this installation lacks what makes it.
        """
        from ..render import FORMATS

        content = FORMATS[options.one_of("form", form, tuple(FORMATS))](self)
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
