"""The page of a report on two fine-tunes of one base: the rank among siblings, and what was left as in the base."""

from __future__ import annotations

from ..siblings.record import BeyondReport, OtherNumber
from .checking import how_to_check
from .kinds import Code, Command, Inline, Number
from .numbers import count, general, log10, share
from .page import Block, Items, Paragraph, Section, View, filled, subject, table

_MOST_ROWS = 400  # of a table on the page; the record has all
_NAMES = {
    "cosine": "cosine of the changes themselves",
    "partial": "similarity beyond those with all other models",
    "signs": "share changed in one direction, of numbers that both changed",
    "equal": "share of equal numbers, of those that both changed",
    "row_spaces": "overlap of row spaces of changes of low rank",
}


def beyond_base(report: BeyondReport) -> View:
    """The page of a report beyond a base."""
    sections: dict[str, list[Block]] = {
        "Rank among siblings": _rank(report),
        "Further numbers": _numbers(report),
        "What was left as in the base": _left(report),
        "What this does not show": [Items(report.limitations)],
        "How to check it": _how_to_check(report),
        "Appendix: models": _models(report),
    }
    shown = {title: filled(blocks) for title, blocks in sections.items()}
    return View(
        title="Report beyond the base",
        subject=subject(report),
        answer=report.answer,
        pictures=(),
        sections=tuple(Section(title, blocks) for title, blocks in shown.items() if blocks),
        digest=report.digest,
    )


def _rank(report: BeyondReport) -> list[Block]:
    found = report.closeness
    if found is None:
        return []
    rows: list[tuple[Inline, ...]] = [
        ("all pairs (the p-value)", count(found.rank), count(found.pairs), count(found.size), log10(found.log10_p)),
        *(
            (
                f"pairs with {one.design[-1].upper()}",
                count(one.rank),
                count(len(report.siblings) + 1),
                count(one.size),
                log10(one.log10_p),
            )
            for one in found.rows
        ),
    ]
    return [
        table(
            "Rank of the similarity of A and B; p is the rank over the number of pairs of the smallest kind",
            ("among", "rank", "of", "over", "log10 p"),
            rows,
        ),
        Items(
            (
                ("Level ", general(found.alpha), ", fixed beforehand; pairs searched: ", count(found.searched),
                 "; smallest log10 p that these siblings allow: ", log10(found.attainable_log10_p), "."),
                ("Similarity with the nearest sibling: A ", share(found.nearest[0]), ", B ", share(found.nearest[1]),
                 "; of every sibling at least ", share(found.least_nearest), "."),
                ("The result would fall if pairs like this one were ", share(found.critical_odds_ratio),
                 " times as likely (odds) to be chosen as others."),
            )
        ),
    ]  # fmt: skip


def _numbers(report: BeyondReport) -> list[Block]:
    return [
        Paragraph("None of these has a p-value, and none enters the answer."),
        table(
            "Numbers of A and B, and of pairs with siblings",
            ("", "A and B", "median", "largest", "pairs", "that reach it"),
            tuple(_number(one) for one in report.numbers if one.value is not None),
        ),
    ]


def _number(one: OtherNumber) -> tuple[Inline, ...]:
    return (
        _NAMES[one.name],
        share(one.value),
        share(one.median),
        share(one.largest),
        count(one.among),
        count(one.reached),
    )


def _left(report: BeyondReport) -> list[Block]:
    total, rest = report.total, len(report.tensors) - _MOST_ROWS
    rows = [(Code(one.name), one) for one in report.tensors[:_MOST_ROWS]]
    return [
        table(
            "Numbers that are as in the base, to the bit in the coarser type of A and B; and of the numbers that "
            "both changed, those that are equal in A and B",
            ("tensor", "type", "numbers", "A", "B", "both", "both changed", "equal"),
            (
                (
                    name,
                    one.dtype or "–",
                    count(one.entries),
                    *(_share(same, one.entries) for same in (one.same_a, one.same_b, one.same_both)),
                    count(one.changed),
                    count(one.equal),
                )
                for name, one in (("all", total), *rows)
            ),
        ),
        *([Paragraph(("The record has ", count(rest), " more tensors."))] if rest > 0 else []),
        table(
            "Tensors of the base that are not compared",
            ("tensor", "model", "why"),
            ((Code(one.name), one.model, one.reason) for one in report.not_compared[:_MOST_ROWS]),
        ),
    ]


def _share(same: int, entries: int) -> Number:
    """A share that reads 0 or 1 only where it is."""
    if not entries:
        return Number("–")
    return Number("0" if not same else "1" if same == entries else f"{min(max(same / entries, 0.001), 0.999):.3f}")


def _models(report: BeyondReport) -> list[Block]:
    siblings = ((one.kind or "–", one.model) for one in report.siblings)
    rows = [("P", report.base), ("A", report.a), ("B", report.b), *siblings]
    return [
        table(
            "Models; siblings by their kind",
            ("", "model", "cosine with P", "directions changed", "sha256 of the numbers"),
            (
                (label, Code(one.name), share(one.near), count(one.directions), Code(one.numbers_sha256))
                for label, one in rows[:_MOST_ROWS]
            ),
        )
    ]


def _how_to_check(report: BeyondReport) -> list[Block]:
    siblings = " --candidate SIBLING" * min(2, len(report.siblings)) + (" ..." if len(report.siblings) > 2 else "")
    return how_to_check(
        report.digest,
        report.software,
        (
            Command("verify replay report.json"),
            f" checks {report.checked}. Every number follows from the weights: ",
            Command("verify replay report.json --a A --b B --base P" + siblings),
            " with the siblings in the order of the report makes it again.",
        ),
    )
