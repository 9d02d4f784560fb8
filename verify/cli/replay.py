"""``verify replay`` and ``verify render``: check a report, make it again, and render it in other formats."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import side_options
from .output import check_report_folder, chosen_formats, echo, echo_json, formats, progress_bar, write_report

if TYPE_CHECKING:
    from ..replay.agreement import Replay

_MOST_ROWS, _WIDEST = 50, 80


@click.command()
@click.argument("report", type=click.Path(path_type=Path))
@click.option("--a", help="Model A: path or address of weights, or a saved fingerprint.")
@click.option("--b", help="Model B, likewise.")
@side_options("a")
@side_options("b")
@click.option("--panel", "reference", metavar="default|PATH", help="The panel that the report used.")
@click.option("--require-models", is_flag=True, help="Status 4 unless the weights of both models were compared.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def replay(
    report: Path,
    a: str | None,
    b: str | None,
    revision_a: str | None,
    token_a: str | None,
    layout_a: str | None,
    base_a: str | None,
    tokenizer_a: str | None,
    revision_b: str | None,
    token_b: str | None,
    layout_b: str | None,
    base_b: str | None,
    tokenizer_b: str | None,
    reference: str | None,
    require_models: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check REPORT (a report.json); with its models, make it again and compare.

    Without --a and --b only its arithmetic is checked: that its p-values and verdict follow from the counts it
    records, not that these are the counts of its models. The first line says which was done, and "status" in --json:
    arithmetic_agrees, agrees_with_fingerprints, agrees (with the weights of both models), disagrees.

    Exit status: 0 if everything compared agrees, 1 if something does not, 2 if it is not a report, 4 if everything
    agrees and --require-models asks for the weights of both models, which were not given.
    """
    from ..checkpoint import Location
    from ..replay import replay as run

    first = None if a is None else Location(a, revision_a, token_a, layout_a, base_a, tokenizer=tokenizer_a)
    second = None if b is None else Location(b, revision_b, token_b, layout_b, base_b, tokenizer=tokenizer_b)
    with progress_bar(quiet) as progress:
        outcome = run(report, first, second, reference, progress=progress)
    if as_json:
        echo_json(outcome.model_dump_json())
    else:
        echo(_page(outcome))
    if not outcome.agrees:
        sys.exit(1)
    if require_models and outcome.status != "agrees":
        sys.exit(4)


@click.command()
@click.argument("report", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "names",
    default="md",
    show_default=True,
    metavar="FORMAT,...",
    help=f"Formats to write, comma-separated: {', '.join(formats())}.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to write to; files of another report in it are removed.",
)
def render(report: Path, names: str, output: Path) -> None:
    """Write REPORT (an unaltered report.json) in other formats."""
    from ..calibrate.reading import opened

    wanted = chosen_formats(names)
    check_report_folder(output, wanted)
    write_report(opened(report), output, wanted)
    for name in wanted:
        echo(str(output / f"report.{name}"))


def _page(outcome: Replay) -> str:
    """The outcome for the terminal, with untrusted text made inert."""
    lines = [
        f"{outcome.sentence}.",
        f"{outcome.compared} fields compared with {outcome.basis}, {len(outcome.disagreements)} disagree",
        *_table([("verdict", outcome.verdict), ("digest", outcome.digest)]),
    ]
    if outcome.disagreements:
        rows = [
            (item.field, _shown(item.recorded), _shown(item.recomputed), item.tolerance)
            for item in outcome.disagreements[:_MOST_ROWS]
        ]
        lines += ["", *_table([("disagrees", "recorded", "recomputed", "tolerance"), *rows])]
        if (more := len(outcome.disagreements) - _MOST_ROWS) > 0:
            lines.append(f"and {more} more; --json lists them.")
    if outcome.not_checkable:
        kinds = [(kind.field, kind.reason) for kind in outcome.not_checkable]
        lines += ["", *_table([("not checkable", "why"), *kinds])]
    return "\n".join(lines)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their widest cell, except the last."""
    from ..base.plain import plain
    from ..render.escape import SENTENCE

    cells = [[plain(cell, SENTENCE) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."
