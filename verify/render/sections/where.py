"""In which layers the two models match."""

from __future__ import annotations

from ...claim import ClaimReport
from ..kinds import Code
from ..numbers import count, log10, share
from ..page import Block, Heading, Paragraph, Picture, table
from .shown import shown


def where(report: ClaimReport, pictures: dict[str, Picture]) -> list[Block]:
    """Pairs of layers, by the first exact test with localisation and by the primary panel test."""
    located, primary = report.located, report.primary
    blocks: list[Block] = []
    if located and located.by_layer:
        if report.verdict != "dependent":
            blocks.append(
                Paragraph(
                    "Layers are paired by resemblance, which between strangers is arbitrary; the counts are what "
                    "chance gives."
                )
            )
        blocks += [
            table(
                ("Indices that match, by pair of layers (", Code(located.id), ")"),
                (
                    "layer of A",
                    "layer of B",
                    "count",
                    "of",
                    "expected by chance (upper bound)",
                    "log10 p",
                    "adjusted over layers",
                ),
                (
                    (
                        *map(count, (row.layer_a, row.layer_b, row.count, row.n, row.groups)),
                        log10(row.log10_p),
                        log10(row.adjusted_log10_p),
                    )
                    for row in located.by_layer
                ),
            ),
        ]
    if primary and primary.by_cell:
        blocks.append(
            table(
                ("Layers that agree (", Code(primary.id), "), family-wise over the whole grid of layers"),
                ("layer of A", "layer of B", "share of units that agree", "log10 p"),
                (
                    (count(cell.layer_a), count(cell.layer_b), share(cell.share), log10(cell.log10_p))
                    for cell in primary.by_cell
                ),
            )
        )
    blocks += shown(pictures, "map")
    return [Heading("Where"), *blocks] if blocks else []
