"""The verdict in words, and part by part."""

from __future__ import annotations

from collections.abc import Sequence

from ...claim import ClaimReport
from ...claim.parts import share as share_of
from ...fingerprint import PartRecord
from ..escape import Code, Inline, Number
from ..numbers import count, general, log10, share
from ..page import Block, Items, Paragraph, listed, table


def findings(report: ClaimReport) -> list[Block]:
    """What may and may not be said, and the verdicts on parts."""
    values = (
        ("Exact tests", report.log10_p, report.alpha),
        ("Primary panel test", report.panel_log10_p, report.panel_alpha or 1.0),
    )
    levels = [
        (f"{name}: log10 p = ", log10(value), ", level ", general(level), ".")
        for name, value, level in values
        if value is not None
    ]
    return [
        Items(
            (
                ("Verdict: ", Code(report.verdict), "."),
                *levels,
                ("May be said: ", report.may_say),
                ("May not be said: ", report.may_not_say),
                ("Several tests: ", report.multiplicity),
                ("Declared: ", report.declared_in_words),
                *([("What would have been detected: ", report.power)] if report.power else []),
            )
        ),
        *_parts(report),
    ]


def _parts(report: ClaimReport) -> list[Block]:
    """All parts of both models; compared parts share a row."""
    if not report.parts:
        return []
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
