"""The verdict in words and part by part, and what was declared."""

from __future__ import annotations

from collections.abc import Sequence

from ...claim import ClaimReport
from ...claim.parts import share as share_of
from ...fingerprint import PartRecord
from ..kinds import Code, Inline, Number
from ..numbers import count, log10, share
from ..page import Block, Items, Paragraph, listed, table


def may_be_said(report: ClaimReport) -> list[Block]:
    """The verdict in the terms of the tests, both propositions, and what may and may not be said."""
    hypotheses = report.hypotheses
    return [
        Items(
            (
                ("Finding: ", report.finding),
                ("May be said: ", report.may_say),
                ("May not be said: ", report.may_not_say),
                ("Null hypothesis: ", hypotheses.null),
                ("Alternative: ", hypotheses.alternative),
                ("Verdict in the record: ", Code(report.verdict), "."),
            )
        )
    ]


def not_shown(report: ClaimReport) -> list[Block]:
    """What the report does not show, and what would have been detected."""
    return [
        Items(
            (
                *report.limitations,
                *([("What would have been detected: ", report.power)] if report.power else []),
            )
        )
    ]


def declared(report: ClaimReport) -> list[Block]:
    """What the makers declare, and what whoever asked for the report states."""
    return [
        Items(
            (
                report.declared_in_words,
                *(
                    (f"Named as a base by {side}: ", *(listed(subject.declared_bases) or ("none found",)), ".")
                    for side, subject in (("A", report.a), ("B", report.b))
                ),
                ("Which existed first: ", (report.chronology or "not stated").rstrip("."), "."),
                (
                    "How the pair came to be tested, as stated: ",
                    "named in advance"
                    if report.searched == 1
                    else f"picked among {report.searched} pairs that were searched",
                    ".",
                ),
            )
        )
    ]


def parts(report: ClaimReport) -> list[Block]:
    """What of both models was compared."""
    if not report.parts:
        return [Paragraph("Each model is one part, and the answer is about the whole of both.")]
    return _parts(report)


def _parts(report: ClaimReport) -> list[Block]:
    """All parts of both models; compared parts share a row."""
    of_a, of_b = ({part.name: part for part in subject.parts} for subject in (report.a, report.b))
    rows = [
        _part_row(
            (of_a.pop(one.a), of_b.pop(one.b)),
            (report.a.parts, report.b.parts),
            Code(one.verdict)
            if one.results or one is report.parts[0] or one.verdict == "identical"
            else "not compared",
            one.adjusted_log10_p,
        )
        for one in report.parts
        if one.a in of_a and one.b in of_b
    ]
    rows += [_part_row((part, None), (report.a.parts, ()), "only in A", None) for part in of_a.values()]
    rows += [_part_row((None, part), ((), report.b.parts), "only in B", None) for part in of_b.values()]
    columns = ("part of A", "part of B", "numbers of A", "share of A", "numbers of B", "share of B", "verdict")
    blocks: list[Block] = [table("Parts", (*columns, "log10 p, adjusted over parts"), rows)]
    if (equal := report.equal_tensors) is not None:
        blocks.append(
            Paragraph(
                (
                    "Tensors that no table understands and that are equal in both: ",
                    count(equal.tensors),
                    ", of ",
                    count(equal.numbers),
                    " numbers, the largest ",
                    *listed(equal.names),
                    ".",
                )
            )
        )
    return blocks


def _part_row(
    pair: tuple[PartRecord | None, PartRecord | None],
    parts: tuple[Sequence[PartRecord], Sequence[PartRecord]],
    verdict: Inline,
    log10_p: float | None,
) -> tuple[Inline, ...]:
    names: list[Inline] = []
    amounts: list[Inline] = []
    for part, all_parts in zip(pair, parts, strict=True):
        names.append("–" if part is None else (part.kind, " ", Code(part.name)))
        amounts.append(Number("–") if part is None else count(part.numbers))
        amounts.append(Number("–") if part is None else share(share_of(part, all_parts)))
    return (*names, *amounts, verdict, log10(log10_p))
