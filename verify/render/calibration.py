"""The page of a calibration report: what is guaranteed first, then the ranks, and what they do not show."""

from __future__ import annotations

from ..calibrate import CalibrationReport
from ..calibrate.said import audited, beforehand, null
from ..wording import said, say
from .checking import how_to_check
from .kinds import Code, Inline
from .numbers import count, general, log10, share
from .page import Block, Items, Paragraph, Section, View, filled, subject, table

_MOST_ROWS = 200  # of a table on the page; the record has all


def calibration(report: CalibrationReport) -> View:
    """The page of a calibration report."""
    sections: dict[str, list[Block]] = {
        "What may be said": [Items((("Finding: ", report.finding), *_in_short(report)))],
        "Fixed before any score was looked at": [Items(tuple(said(beforehand(report), version=report.wording)))],
        "Data": _data(report),
        "Ranks": _ranks(report),
        "Strength": _strength(report),
        "What this does not show": [Items(report.limitations)],
        "How to check it": _how_to_check(report),
    }
    return View(
        title="Calibration report",
        subject=subject(report),
        answer=report.answer,
        pictures=(),
        sections=tuple(Section(title, filled(blocks)) for title, blocks in sections.items()),
        digest=report.digest,
    )


def _in_short(report: CalibrationReport) -> list[Inline]:
    found = report.evidence
    return [
        ("Score ", Code(found.name), " of A and B: ", general(found.score), "."),
        ("Verdict in the record: ", Code(report.verdict), ", log10 p ", log10(found.log10_p), ", level ",
         general(found.alpha), "; the smallest possible is ", log10(found.attainable_log10_p), "."),
    ]  # fmt: skip


def _data(report: CalibrationReport) -> list[Block]:
    found, source = report.evidence, report.evidence.source
    of = "the bytes of the file" if source.of == "file" else "the canonical JSON of its rows"
    origin: Inline = Code(source.name) if source.name else "scores given in Python"
    return [
        Items(
            (
                ("Table: ", *([origin] if isinstance(origin, str) else origin), ", with ", count(source.pairs),
                 " scores of ", count(source.models), " models."),
                ("sha256 of ", of, ": ", Code(source.sha256), "."),
            )
        ),
        table(
            "Models that A and B are ranked among",
            ("model", "stratum", "family", "recipe"),
            (
                (Code(model.name), *map(_label, (model.stratum, model.family, model.recipe)))
                for model in found.models[2 : 2 + _MOST_ROWS]
            ),
        ),
        *_more(len(found.models) - 2, "models"),
        table(
            "Models left out, for reasons that are no score",
            ("model", "why"),
            ((Code(out.name), say(out.reason, version=report.wording)) for out in found.left_out[:_MOST_ROWS]),
        ),
        *_more(len(found.left_out), "models"),
    ]  # fmt: skip


def _label(text: str) -> Inline:
    return Code(text) if text else "–"


def _more(rows: int, what: str) -> list[Block]:
    more = rows - _MOST_ROWS
    return (
        [Paragraph(("And ", count(more), f" more {what}, which are in ", Code("report.json"), "."))]
        if more > 0
        else []
    )


def _ranks(report: CalibrationReport) -> list[Block]:
    found = report.evidence
    rows = (
        (
            entry.design.replace("_", " ") + (" (primary)" if entry is found.primary else ""),
            count(entry.rank),
            count(entry.size),
            log10(entry.log10_p),
            log10(entry.attainable_log10_p),
        )
        for entry in found.ranks
    )
    return [
        Paragraph("Only the primary design gives the p-value; the others are shown beside it and enter no verdict."),
        table(
            ("The score of A and B ranked by every design"),
            ("design", "rank", "of", "log10 p", "smallest possible"),
            rows,
        ),
        Items(
            tuple(
                (
                    entry.design.replace("_", " "),
                    ": p holds if ",
                    say(null(entry.design), version=report.wording),
                    ".",
                )
                for entry in found.ranks
            )
        ),
        *_twins(report),
    ]


def _twins(report: CalibrationReport) -> list[Block]:
    found = report.evidence
    if found.twin_score is None:
        return []
    references = sum(not model.recipe for model in found.models[2:])
    level = f", less each model's mean with {references} references" if references else ""
    return [
        Paragraph(
            ("Score of A and B as those of twins are taken (on the scale, larger for closer", level, "): ",
             general(found.twin_score), ".")
        ),
        table(
            "Twins: one pair a recipe, chosen by the sha256 of names",
            ("recipe", "model", "model", "score"),
            (
                (Code(pair.recipe), Code(pair.a), Code(pair.b), general(pair.score))
                for pair in sorted(found.twins, key=lambda pair: (-pair.score, pair.recipe))[:_MOST_ROWS]
            ),
        ),
        *_more(len(found.twins), "pairs"),
    ]  # fmt: skip


def _strength(report: CalibrationReport) -> list[Block]:
    found = report.evidence
    gamma = found.critical_odds_ratio
    return [
        Items(
            (
                (
                    "Sensitivity: Gamma* = ",
                    share(gamma),
                    "; the result would be overturned only if pairs like this one were at least that many times as "
                    "likely (odds) to be chosen as others."
                    if gamma > 1
                    else "; the result does not reach the level.",
                ),
                say(audited(report), version=report.wording),
            )
        )
    ]


def _how_to_check(report: CalibrationReport) -> list[Block]:
    return how_to_check(
        report.digest,
        report.software,
        ("Every rank and p-value follows from the scores in the record: ", Code("verify replay report.json"), "."),
        ("That the scores are those of the table: its sha256, which ", Code("sha256sum"), " prints for a file."),
    )
