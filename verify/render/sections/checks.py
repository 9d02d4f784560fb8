"""Rows and tensors that could not be compared, exclusions, and the audit of the panel."""

from __future__ import annotations

from ...claim import ClaimReport, Subject
from ...wording.forms import capital
from ..kinds import Code, Inline
from ..numbers import count, general, share
from ..page import Block, Items, Paragraph, Picture, table
from .shown import shown


def checks(report: ClaimReport, pictures: dict[str, Picture]) -> list[Block]:
    """Rows and tensors that no test could use, exclusions of the tests, and the audit of the panel."""
    sides = (report.a, report.b)
    blocks: list[Block] = [
        table(
            "What could not be compared",
            ("", "A", "B"),
            (
                ("dead or non-finite rows, which cannot match", *(count(sum(d.rows for d in s.dead)) for s in sides)),
                ("numbers that are not finite", *(count(s.non_finite) for s in sides)),
                ("tensors understood but not compared", *(count(len(s.outside)) for s in sides)),
                ("tensors not understood", *(count(_strange(s)) for s in sides)),
            ),
        )
    ]
    found: list[Inline] = [
        (Code(side.name), ": ", capital(report.say(note)), ".") for side in sides for note in side.notes
    ]
    blocks += [Paragraph("Found otherwise than declared:"), Items(tuple(found))] if found else []
    notes: list[Inline] = [
        (Code(test.id), ": ", capital(report.say(note)).rstrip("."), ".")
        for test in report.results
        for note in test.notes
    ]
    blocks.append(
        Items(tuple(notes)) if notes else Paragraph("No duplicated blocks were found and nothing was excluded.")
    )
    use = report.panel
    if use is None:
        return blocks
    if use.audit:
        blocks += [
            table(
                (
                    "Audit of the panel (",
                    count(use.audit.members),
                    " members, ",
                    count(use.audit.pairs_within_strata),
                    " pairs inside strata): share of unrelated pairs called extreme",
                ),
                ("level", "inside strata", "p of the excess", "worst family", "its share"),
                (
                    (
                        general(size.level),
                        share(size.within_strata),
                        share(size.excess_p),
                        "–" if size.worst_family is None else Code(size.worst_family),
                        share(size.worst_family_share),
                    )
                    for size in use.audit.sizes
                ),
            ),
            *shown(pictures, "audit"),
        ]
    if use.dropped:
        blocks.append(
            table(
                "Members of the panel left out, never because of a score",
                ("member", "reason"),
                ((Code(out.name), report.say(out.reason)) for out in use.dropped),
            )
        )
    return blocks


def _strange(subject: Subject) -> int:
    """Number of tensors that no table knows, in any part."""
    if subject.parts:
        return sum(part.tensors for part in subject.parts if not part.family)
    return len(subject.unrecognised)
