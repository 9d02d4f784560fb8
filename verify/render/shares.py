"""The page of a report of shares: what each candidate gives, by part and by layer, and what that does not show."""

from __future__ import annotations

from ..shares.record import Estimate, ShareReport
from .changes_of_base import by_layer_and_part, of_candidates, of_fit, of_sums
from .checking import how_to_check
from .kinds import Code, Command, Inline, Number
from .numbers import count, general, share
from .page import Block, Items, Paragraph, Picture, Section, View, filled, subject, table
from .pictures import pictures

_COLUMNS = ("share", "from", "to", "p of none", "by itself", "units")


def shares(report: ShareReport) -> View:
    """The page of a report of shares."""
    found = report.changes
    first: dict[str, list[Block]] = (
        {"Shares": _wholes(report), "By part": _parts(report), "By layer": _layers(report)}
        if found is None
        else {
            "Changes of the base": of_candidates(report, found),
            "Sums": of_sums(report, found),
            "By layer and part": by_layer_and_part(report, found),
            "Least squares": of_fit(report, found),
        }
    )
    sections: dict[str, list[Block]] = {
        **first,
        "What this does not show": [Items(report.limitations)],
        "How to check it": _how_to_check(report),
        "Appendix: models": _models(report),
    }
    shown = {title: filled(blocks) for title, blocks in sections.items()}
    return View(
        title="Report of shares",
        subject=subject(report),
        answer=report.answer,
        pictures=tuple(Picture(one.name, one.title, one.alt, one.caption) for one in pictures(report).values()),
        sections=tuple(Section(title, blocks) for title, blocks in shown.items() if blocks),
        digest=report.digest,
    )


def _labels(report: ShareReport, numbers: tuple[int, ...]) -> str:
    return ", ".join(report.label(number - 1) for number in numbers)


def _row(found: Estimate) -> tuple[Inline, ...]:
    alone = "yes" if found.alone else "no"
    return share(found.estimate), share(found.low), share(found.high), _p(found.p), alone, count(found.units)


def _p(value: float) -> Number:
    return Number(f"{value:.4f}")


def _wholes(report: ShareReport) -> list[Block]:
    dash = Number("–")
    return [
        Paragraph(
            ("Shares of the whole model, over the hidden units and value channels of all layers, beyond the other "
             "candidates; by itself, where the candidate alone may have none. The intervals hold together with "
             "confidence ", general(report.level), ".")
        ),
        table(
            "Share of each candidate beyond the others, and the best fit of one number each",
            ("", "candidate", *_COLUMNS, "best fit"),
            (
                (
                    report.label(n),
                    Code(one.model.name),
                    *(_row(one.whole) if one.whole else (dash,) * len(_COLUMNS)),
                    share(one.fit),
                )
                for n, one in enumerate(report.candidates)
            ),
        ),
        Items(
            tuple(
                (report.label(n), " looks like ", _labels(report, one.relatives), " at its places.")
                for n, one in enumerate(report.candidates)
                if one.relatives
            )
        ),
    ]  # fmt: skip


def _parts(report: ShareReport) -> list[Block]:
    return [
        table(
            "Share by part; the intervals of all parts of all candidates hold together",
            ("", "part", *_COLUMNS),
            (
                (report.label(n), part.part, *_row(part.share))
                for n, one in enumerate(report.candidates)
                for part in one.parts
            ),
        )
    ]


def _layers(report: ShareReport) -> list[Block]:
    return [
        table(
            "Share by layer of C; the intervals of all layers of all candidates hold together",
            ("", "layer of C", "layer compared", "chosen since its units fit", *_COLUMNS),
            (
                (report.label(n), count(at.layer), count(at.of), "yes" if at.chosen else "no", *_row(at.share))
                for n, one in enumerate(report.candidates)
                for at in one.layers
                if at.share is not None
            ),
        )
    ]


def _models(report: ShareReport) -> list[Block]:
    models = [report.child, *(one.model for one in report.candidates)]
    labelled = dict(report.labelled)
    labels, found = [label for label in labelled if label != "P"], report.changes
    of_base: list[Block] = []
    if found is not None:
        of_base = [
            table(
                "The base, and the numbers that were compared with it",
                ("", "model", "cosine with P", "sha256 of the numbers"),
                (
                    (label, Code(labelled[label]), share(one.near), Code(one.sha256))
                    for label, one in zip(("P", *labels), found.numbers, strict=True)
                ),
            )
        ]
    return [
        *of_base,
        table(
            "Models, and what was read of them",
            ("", "model", "layers", "width", "bytes read", "sha256 of the rows read"),
            (
                (
                    label,
                    Code(model.name),
                    count(model.architecture.layers),
                    count(model.architecture.width),
                    count(model.bytes_read),
                    Code(model.rows_sha256),
                )
                for label, model in zip(labels, models, strict=True)
            ),
        ),
    ]


def _how_to_check(report: ShareReport) -> list[Block]:
    return how_to_check(
        report.digest,
        report.software,
        (
            "Every number follows from the weights, the level, the number of permutations (",
            count(report.permutations),
            ") and their seed (",
            count(report.seed),
            "): ",
            Command(
                "verify replay report.json --a C"
                + " --candidate CANDIDATE" * len(report.candidates)
                + " --base P" * (report.changes is not None)
            ),
            " with the paths of the models in this order makes the report again.",
        ),
    )
