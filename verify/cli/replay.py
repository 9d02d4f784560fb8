"""``verify replay`` and ``verify render``: check a report, make it again, and render it in other formats."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .command import Command, GivenPath, option
from .options import OUTPUT, Access, json_option, listed, paths, quiet_option, refuse_without, side_options
from .output import (
    check_report_folder,
    chosen_formats,
    echo,
    echo_json,
    files_of,
    formats,
    progress_bar,
    write_report,
)

if TYPE_CHECKING:
    from ..replay.agreement import Replay

_MODELS = "Models, to make it again"
_MOST_ROWS, _WIDEST = 50, 80


@click.command(
    cls=Command,
    section="Check reports",
    examples=(
        "verify replay report.json                                 its arithmetic, in seconds",
        "verify replay report.json --a path/to/A --b path/to/B     make it again from the weights",
        "verify replay report.json --a A --b B --require-models    for a script: 0 if the weights agree",
    ),
    statuses={
        0: "everything compared agrees",
        1: "something does not agree",
        2: "bad input, or no report: one line on standard error",
        4: "everything compared agrees, but --require-models asks for the weights of both models",
    },
    see="docs/replay.md",
)
@click.argument("report", type=GivenPath())
@option("--a", group=_MODELS, shell_complete=paths, help="Model A: path or address of weights, or a fingerprint.")
@option("--b", group=_MODELS, shell_complete=paths, help="Model B, likewise.")
@option(
    "--panel",
    "reference",
    group=_MODELS,
    metavar="default|PATH",
    shell_complete=paths,
    help="The panel that the report used.",
)
@option(
    "--candidate",
    "candidates",
    group=_MODELS,
    multiple=True,
    shell_complete=paths,
    help="A candidate of a report of shares (--a is the child), or a sibling of a report beyond a base, once for "
    "each, in its order; or the third model of a derivation.",
)
@option(
    "--base",
    group=_MODELS,
    shell_complete=paths,
    help="The base of a report beyond one, or of a report of shares that has one.",
)
@side_options("a", "b")
@option(
    "--require-models", group=OUTPUT, is_flag=True, help="Status 4 unless the weights of both models were compared."
)
@json_option("Print the outcome as JSON.")
@quiet_option
def replay(
    report: Path,
    a: str | None,
    b: str | None,
    access_a: Access,
    access_b: Access,
    reference: str | None,
    candidates: tuple[str, ...],
    base: str | None,
    require_models: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check REPORT (a report.json); with its models, make it again and compare.

    Without --a and --b only its arithmetic is checked: that its p-values and verdict follow from the counts it
    records, not that these are the counts of its models. The first line says which was done, and "status" in --json:
    arithmetic_agrees, agrees_with_fingerprints, agrees (with the weights of both models), disagrees.
    """
    from ..checkpoint import Location
    from ..replay import replay as run

    if a is None:
        refuse_without("--a", *(f"{name}_a" for name in access_a))
    if b is None:
        refuse_without("--b", *(f"{name}_b" for name in access_b))
    first = None if a is None else Location(a, **access_a)
    second = None if b is None else Location(b, **access_b)
    with progress_bar(quiet) as progress:
        outcome = run(report, first, second, reference, candidates=candidates, base=base, progress=progress)
    if as_json:
        echo_json(outcome.model_dump_json())
    else:
        echo(_page(outcome))
    if not outcome.agrees:
        sys.exit(1)
    if require_models and outcome.status != "agrees":
        sys.exit(4)


@click.command(
    cls=Command,
    section="Fingerprints and files",
    examples=(
        "verify render report.json -o pages --format html",
        "verify render report.json -o pages --format md,tex,html,pdf",
    ),
)
@click.argument("report", type=GivenPath())
@option(
    "--format",
    "names",
    group=OUTPUT,
    default="md",
    show_default=True,
    metavar="FORMAT,...",
    shell_complete=listed(formats),
    help=f"Formats to write, comma-separated: {', '.join(formats())}.",
)
@option(
    "-o",
    "--output",
    group=OUTPUT,
    type=GivenPath(),
    required=True,
    help="Folder to write to; files of another report in it are removed.",
)
@option("--a", help="Path of model A, for formats that point at its files (github, sarif).")
@option("--b", help="Path of model B, likewise.")
def render(report: Path, names: str, output: Path, a: str | None, b: str | None) -> None:
    """Write REPORT (an unaltered report.json) in other formats."""
    from ..derivations.reading import opened

    wanted = chosen_formats(names)
    check_report_folder(output, wanted)
    write_report(opened(report), output, wanted, (a, b))
    for file in files_of(wanted).values():
        echo(str(output / file))


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
