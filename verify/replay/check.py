"""Check a report from its bytes alone: its form, its digest, and that derived values follow from the rest.

The bytes must be canonical JSON and one newline; the digest that of the content; and everything that follows from
recorded counts, scores, labels and options must be as it is when computed again (`recompute`). Facts alone are
compared: a report holds no sentences, and those of an older schema are not read. A correct digest proves nothing,
since anyone who changes a report can seal it again. All of it rests on the inputs, which can be anybody's: it is
checked that they could be and that the rest follows, not that they were found in these models. What no computation
from the record can tell is listed in `unchecked`, each with its reason. Every result names what the report holds of
both, the inputs first, and what of each model was left empty.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..base.canonical_json import canonical
from ..claim import ClaimReport
from ..claim.reading import Written, read
from .agreement import (
    ABSENT,
    EXACT,
    Coverage,
    Disagreement,
    Models,
    Replay,
    Status,
    Tolerance,
    Unchecked,
    compare,
    leaves,
)
from .recompute import recompute
from .unchecked import inputs, of_older_schemas, unchecked

TOLERANCES = (
    ("*detectable_share", Tolerance(0.0, 2e-9)),  # found by bisection to 1e-9
    ("*.excess_p", Tolerance(0.0, 0.0)),  # a count over 1000
    ("*", Tolerance(1e-9, 1e-12)),
)
"""Tolerances between recomputed and recorded numbers; the first pattern that fits a path decides.
Integers, texts, truth values and what is missing are exact."""


def check(source: bytes | ClaimReport) -> Replay:
    """Check a report without weights.

    Parameters
    ----------
    source : the bytes of a ``report.json``, or a report.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    """
    return checked(*opened(source))


def checked(report: ClaimReport, found: list[Disagreement]) -> Replay:
    """Check a report that was opened.

    Parameters
    ----------
    report : the report.
    found : what is wrong with its bytes and its seal.
    """
    recorded = report.facts()
    made, problems = recompute(report)
    expected = made.facts() | {"digest": recorded["digest"]}
    found = [*found, *problems, *stated_time(report.created), *compare(recorded, expected, TOLERANCES)]
    of_older = Coverage(of_older_schemas(report))
    found = [item for item in found if not of_older.of(item.field)]
    return outcome(report, "the record alone", found, (*inputs(report), *unchecked(report)))


def opened(source: bytes | ClaimReport) -> tuple[ClaimReport, list[Disagreement]]:
    """A report, and what is wrong with its bytes and its seal.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    """
    written = read(source if isinstance(source, bytes) else source.to_json().encode() + b"\n")
    report = written.report if isinstance(source, bytes) else source
    found = bytes_differ(source, written.content) if isinstance(source, bytes) else []
    return report, [*found, *_seal(written)]


def outcome(
    report: ClaimReport,
    basis: str,
    found: list[Disagreement],
    kinds: tuple[Unchecked, ...],
    *,
    models: Models = None,
    panel: bool = False,
) -> Replay:
    """Count what was compared, and name the kinds of field that the report has, if empty, and nothing could check.

    Parameters
    ----------
    report : the report.
    basis : what it was compared with, in words.
    found : fields that disagree.
    kinds : kinds of fields that could not be checked.
    models : what both models were given as; None where neither was given.
    panel : whether the panel was given.

    Returns
    -------
    Replay
        The outcome.
    """
    coverage, held, compared = Coverage(kinds), set[int](), 0
    for field, value in leaves(report.facts()):
        covered = coverage.of(field)
        held.update(covered)
        compared += not covered and value not in (None, [], {})
    agreeing: dict[Models, Status] = {"weights": "agrees", "fingerprints": "agrees_with_fingerprints"}
    return Replay(
        digest=report.digest,
        verdict=report.verdict,
        basis=basis,
        status="disagrees" if found else agreeing.get(models, "arithmetic_agrees"),
        agrees=not found,
        models=models,
        panel_checked=None if report.panel is None else panel,
        schema_of_maker=report.schema_of_maker,
        compared=compared,
        disagreements=tuple(found),
        not_checkable=tuple(kinds[n] for n in sorted(held)),
    )


def bytes_differ(source: bytes, content: dict[str, Any]) -> list[Disagreement]:
    """One content has one byte form."""
    expected = canonical(content) + b"\n"
    if source == expected:
        return []
    at = next((i for i, (x, y) in enumerate(zip(source, expected, strict=False)) if x != y), None)
    at = min(len(source), len(expected)) if at is None else at
    return [
        Disagreement(
            field="$",
            recorded=f"not canonical from byte {at}: {source[at : at + 20]!r}",
            recomputed=f"canonical JSON and one newline: {expected[at : at + 20]!r}",
            tolerance=EXACT,
        )
    ]


def _seal(written: Written) -> list[Disagreement]:
    """The digest is that of what is written."""
    return compare({"digest": written.content.get("digest", ABSENT)}, {"digest": written.digest}, ())


def stated_time(created: str) -> list[Disagreement]:
    """The time of a report, of which only the form can be checked."""
    try:
        datetime.fromisoformat(created)
    except ValueError:
        return [Disagreement(field="$.created", recorded=created, recomputed="a time in ISO 8601", tolerance=EXACT)]
    return []
