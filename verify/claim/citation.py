"""Citations of a report: an identifier from its digest, in three formats that do not name the models."""

from __future__ import annotations

from ..base import Record
from ..base.card import Card


class Citation(Record):
    """How to cite the report; derived from the rest, and outside the digest."""

    identifier: str
    """``verify:`` and the first 16 hexadecimal digits of the digest."""
    text: str
    """In the style of the APA."""
    bibtex: str
    cff: str
    """Citation File Format 1.2.0."""

    def _card(self) -> Card:
        return Card(self.text)


def cite(verdict: str, digest: str, created: str, version: str) -> Citation:
    """The citation of a report; model names are left out, since they are a stranger's text.

    Parameters
    ----------
    verdict : the verdict of the report.
    digest : ``sha256:`` and 64 hexadecimal digits.
    created : ISO 8601 time.
    version : of the library that made the report.
    """
    short = digest.removeprefix("sha256:")[:16]
    day, year, title = created[:10], created[:4], f"Lineage claim report: {verdict}"
    return Citation(
        identifier=f"verify:{short}",
        text=(
            f"verify-lineage. ({year}). {title} (Report verify:{short}, made {day} with version {version}). {digest}"
        ),
        bibtex="\n".join(
            (
                f"@misc{{verify-{short},",
                "  author = {{verify-lineage}},",
                f"  title = {{{title}}},",
                f"  year = {{{year}}},",
                f"  howpublished = {{Report verify:{short}, made with version {version}}},",
                f"  note = {{{digest}}}",
                "}",
            )
        ),
        cff="\n".join(
            (
                "cff-version: 1.2.0",
                'message: "Cite the report by its digest."',
                "type: dataset",
                f'title: "{title}"',
                "authors:",
                '  - name: "verify-lineage"',
                f"date-released: {day}",
                "identifiers:",
                "  - type: other",
                f'    value: "{digest}"',
                "",
            )
        ),
    )
