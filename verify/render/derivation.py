"""The page of a report of a derivation: what was done, from which layer, and what each tensor shows."""

from __future__ import annotations

from ..derivations.record import DerivationReport, TensorAlone, TensorFrom
from ..derivations.said import words
from ..wording.forms import amount
from .checking import how_to_check
from .kinds import Code, Command, Inline, Number
from .numbers import count
from .page import Block, Items, Paragraph, Section, View, filled, subject, table

_MOST_ROWS = 400  # of a table on the page; the record has all


def derived(report: DerivationReport) -> View:
    """The page of a report of a derivation."""
    sections: dict[str, list[Block]] = {
        "What was done": _done(report),
        "How much was changed": _changed(report),
        "Layers": _layers(report),
        "Tensors": _tensors(report),
        "What this does not show": [Items(report.limitations)],
        "How to check it": _how_to_check(report),
        "Appendix: models": _models(report),
    }
    shown = {title: filled(blocks) for title, blocks in sections.items()}
    return View(
        title="Report of a derivation",
        subject=subject(report),
        answer=report.answer,
        pictures=(),
        sections=tuple(Section(title, blocks) for title, blocks in shown.items() if blocks),
        digest=report.digest,
    )


def _done(report: DerivationReport) -> list[Block]:
    return [
        table(
            "B's tensors by the first rule that holds of their numbers and A's, but for tensors of one value",
            ("numbers of B", "tensors", "numbers", "equal to A's", "the first"),
            (
                (words(one, report.wording), count(one.tensors), count(one.entries), count(one.equal),
                 Code(one.example))
                for one in report.done
            ),
        )
    ]  # fmt: skip


def _changed(report: DerivationReport) -> list[Block]:
    found = [one for one in report.changes if one.equal < one.tensors]
    if not found:
        return []
    return [
        table(
            "By the names of tensors: the length of B's difference from A at the same places, as a share of A's "
            "length, at the median number and from the least to the most changed tensor; elsewhere, from A one row, "
            "one column or both further, whichever is nearest; and the cosine. Of tensors that are at their places; "
            "for others no distance is given",
            ("tensors", "number", "equal", "at their places", "changed by", "from", "to", "elsewhere", "cosine"),
            (
                (Code(one.stem), count(one.tensors), count(one.equal), count(one.in_place),
                 *(Number("–") if value is None else Number(amount(value))
                   for value in (one.distance, one.low, one.high, one.elsewhere)),
                 Number("–") if one.cosine is None else Number(f"{one.cosine:.4f}"))
                for one in found[:_MOST_ROWS]
            ),
        ),
        Paragraph("How much training, or putting on a grid, changes models of known making: docs/derivation.md."),
    ]  # fmt: skip


def _layers(report: DerivationReport) -> list[Block]:
    found = report.layers
    if all(layer == of for layer, of in found.items()):
        return []
    rows = ((count(layer), count(of)) for layer, of in list(found.items())[:_MOST_ROWS])
    return [table("Layer of A that holds the numbers of each layer of B", ("B", "A"), rows)]


def _tensors(report: DerivationReport) -> list[Block]:
    rest = len(report.tensors) - _MOST_ROWS
    return [
        table(
            "Tensors of B, and the rules that hold of their numbers after A's (B by) and of A's after theirs (A by); "
            "lost are numbers of a sample that differ in one model where those of the other are equal",
            ("tensor", "in A", "B by", "A by", "numbers", "equal", "lost of A", "lost of B"),
            (
                (
                    Code(one.name),
                    "same name" if one.of == one.name else Code(one.of),
                    "–" if one.rule is None else one.rule.name.replace("_", " "),
                    _back(one),
                    count(one.entries),
                    count(one.equal),
                    count(one.lost_a),
                    count(one.lost_b),
                )
                for one in report.tensors[:_MOST_ROWS]
            ),
        ),
        *([Paragraph(("The record has ", count(rest), " more tensors."))] if rest > 0 else []),
        _alone("Tensors of A beside none of B", report.alone_a),
        _alone("Tensors of B beside none of A", report.alone_b),
    ]


def _back(one: TensorFrom) -> Inline:
    if one.held_in is not None:
        return ("held in ", Code(one.held_in))
    return "–" if one.back is None else one.back.name.replace("_", " ")


def _alone(caption: str, tensors: tuple[TensorAlone, ...]) -> Block:
    return table(
        caption,
        ("tensor", "numbers", "the other model holds them in"),
        (
            (Code(one.name), count(one.entries), "–" if one.held_in is None else Code(one.held_in))
            for one in tensors[:_MOST_ROWS]
        ),
    )


def _models(report: DerivationReport) -> list[Block]:
    rows = [("A", report.a), ("B", report.b), *([("C", report.third)] if report.third is not None else [])]
    return [
        table(
            "Models",
            ("", "model", "numbers read", "sha256 of the numbers"),
            ((label, Code(one.name), count(one.entries), Code(one.numbers_sha256)) for label, one in rows),
        )
    ]


def _how_to_check(report: DerivationReport) -> list[Block]:
    third = "" if report.third is None else " --candidate C"
    return how_to_check(
        report.digest,
        report.software,
        (
            "The outcome follows from the tensors in the record: ",
            Command("verify replay report.json"),
            ". Every number follows from the weights: ",
            Command("verify replay report.json --a A --b B" + third),
            " makes it again.",
        ),
    )
