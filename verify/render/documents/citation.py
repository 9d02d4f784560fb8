"""The citation of a report as text, as BibTeX and as a CITATION.cff: both models, the answer, and the digest."""

from __future__ import annotations

import re

from ...base.plain import plain
from ...claim import Citation, ClaimReport
from ...claim.said_of_parts import named_parts
from ..escape import NAME, bibtex_text, yaml_text

_NOBODY = "verify-lineage"
"""The author of a report for which nobody is named: the software that made it."""
_NAMES = re.compile(r"[^\W\d_]+(?:[ .'’-]{1,2}[^\W\d_]*)*")


def cite(report: ClaimReport) -> Citation:
    """How to cite a report."""
    short = report.digest.removeprefix("sha256:")[:16]
    version = plain(report.provenance.software.get("verify-lineage", "unknown"), NAME)
    a, b = (plain(name, NAME) for name in report.names)
    title = f"Lineage report on {a} and {b}: {report.answer.word.lower()}{named_parts(report)}"
    return Citation(
        identifier=f"verify:{short}",
        text=_apa(report, title, short, version),
        bibtex=_bibtex(report, title, short, version),
        cff=_cff(report, title, short),
    )


def _authors(report: ClaimReport) -> list[str]:
    return [plain(author, NAME) for author in report.authors] or [_NOBODY]


def _person(author: str) -> tuple[str, str] | None:
    """Family and given name of a person, who is written "Family, Given"; None of a body."""
    family, comma, given = (part.strip() for part in author.partition(","))
    return (family, given) if comma and family and given and "," not in given else None


def _apa(report: ClaimReport, title: str, short: str, version: str) -> str:
    *others, last = _authors(report)
    who = ", & ".join(filter(None, (", ".join(others), last)))
    where = f" {report.url}" if report.url else ""
    return (
        f"{who.rstrip('.')}. ({report.created[:4]}). {title} (Report verify:{short}, made {report.created[:10]} with "
        f"verify-lineage {version}). {report.digest}{where}"
    )


def _bibtex(report: ClaimReport, title: str, short: str, version: str) -> str:
    fields = {
        "author": " and ".join(map(_bibtex_name, _authors(report))),
        "title": f"{{{bibtex_text(title)}}}",
        "year": bibtex_text(report.created[:4]),
        "howpublished": bibtex_text(f"Report verify:{short}, made with verify-lineage {version}"),
        "note": bibtex_text(report.digest),
    }
    if report.url:  # verbatim, as biblatex reads it: it holds no brace, and no backslash
        fields["url"] = report.url
    rows = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{verify-{short},\n{rows}\n}}"


def _bibtex_name(author: str) -> str:
    """A person, whose family name BibTeX may sort by and whose given name it may shorten; or a body, in braces."""
    person = _person(author)
    parts = [author] if person is None else person
    plain_names = person is not None and all(map(_NAMES.fullmatch, parts)) and "and" not in author.lower().split()
    return ", ".join(part if plain_names else f"{{{bibtex_text(part)}}}" for part in parts)


def _cff(report: ClaimReport, title: str, short: str) -> str:
    lines = [
        "cff-version: 1.2.0",
        'message: "Cite the report by its digest."',
        "type: dataset",
        f"title: {yaml_text(title)}",
        "authors:",
    ]
    for author in _authors(report):
        person = _person(author)
        if person is None:
            lines.append(f"  - name: {yaml_text(author)}")
        else:
            lines += [f"  - family-names: {yaml_text(person[0])}", f"    given-names: {yaml_text(person[1])}"]
    lines += [f"date-released: {yaml_text(report.created[:10])}"]
    lines += [f"url: {yaml_text(report.url)}"] if report.url else []
    lines += [
        "identifiers:",
        "  - type: other",
        f"    value: {yaml_text(report.digest)}",
        f'    description: "Digest of the report verify:{short}, made with verify-lineage."',
    ]
    return "\n".join(lines) + "\n"
