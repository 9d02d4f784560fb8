"""A report checked from its bytes alone, without weights: what was altered, and what does not follow from the rest.

The bytes must be canonical JSON and one newline; the digest and the citation those of the content; and everything
that follows from recorded counts, scores, labels and options must be as it is when computed again (`recompute`).
A seal that fits proves nothing: whoever changes a report can seal it again. All of it rests on `INPUTS`, which can be
anybody's: it is checked that they could be and that the rest follows, not that they were found in these models.
What no computation from the record can tell is listed in `UNCHECKED`, each with its reason. Every result names what
the report holds of both, the inputs first, and what of each model was left empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from ..base import ReportError, without_duplicates
from ..base.canonical_json import canonical, digest
from ..claim.citation import cite
from ..claim.part_words import cited
from ..claim.report import LARGEST_FILE, ClaimReport
from ..statistics import PANEL_STATISTICS, PRIMARY
from .agreement import (
    ABSENT,
    EXACT,
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

TOLERANCES = (
    ("*detectable_share", Tolerance(0.0, 2e-9)),  # found by bisection to 1e-9
    ("*.excess_p", Tolerance(0.0, 0.0)),  # a count over 1000
    ("*", Tolerance(1e-9, 1e-12)),
)
"""How far numbers recomputed from the record may be from those recorded, the first pattern that fits a path deciding.
Integers, texts, truth values and what is missing are exact."""

_WEIGHTS = "; give A and B"
_PANEL = "; give the panel"
_FOUND = f"what all else follows from: only the weights tell that it was found in these models{_WEIGHTS}"
INPUTS = (
    *(Unchecked(field=f"$.tests.*.counts[*].{name}", reason=_FOUND) for name in ("count", "n", "groups")),
    *(Unchecked(field=f"$.tests.*.by_layer[*].{name}", reason=_FOUND) for name in ("count", "n", "groups")),
    *(
        Unchecked(field=f"$.parts[*].tests.*.{place}.{name}", reason=_FOUND)
        for place in ("counts[*]", "by_layer[*]")
        for name in ("count", "n", "groups")
    ),
    Unchecked(field="$.shared_anchors", reason=f"what decides whether tests on tokens apply{_WEIGHTS}"),
)
"""What a report records of its models and computes the rest from."""
PANEL_INPUTS = (
    Unchecked(
        field=f"$.tests.{PRIMARY.id}.scores[*",
        reason=f"what ranks follow from: a change is caught where it moves a rank{_WEIGHTS} and the panel",
    ),
    *(
        Unchecked(
            field=f"$.tests.{statistic.id}.rungs[*].rank",
            reason=f"what p-values follow from: a rank among scores that the report does not hold{_WEIGHTS} and the "
            "panel",
        )
        for statistic in PANEL_STATISTICS
        if statistic is not PRIMARY
    ),
)
"""Likewise of a panel."""
UNCHECKED = (
    Unchecked(field="$.a.*", reason=f"what was read from the files of A{_WEIGHTS}"),
    Unchecked(field="$.b.*", reason=f"what was read from the files of B{_WEIGHTS}"),
    Unchecked(field="$.tests.*.notes*", reason=f"only the weights tell what was left out or merged{_WEIGHTS}"),
    Unchecked(field="$.tests.*.effect.cosine_*", reason=f"medians of scores that the report does not hold{_WEIGHTS}"),
    Unchecked(
        field="$.tests.*.by_layer[*].layer_*", reason=f"only the weights tell which layers were aligned{_WEIGHTS}"
    ),
    *(
        Unchecked(field=f"$.parts[*].tests.*.{name}*", reason=f"only the weights of a part tell{_WEIGHTS}")
        for name in ("notes", "effect.cosine_", "by_layer[*].layer_")
    ),
    Unchecked(field="$.parts[*].subject_*", reason=f"what was read of further parts{_WEIGHTS}"),
    Unchecked(field="$.parts[*].shared_anchors", reason=f"what decides whether tests on tokens apply{_WEIGHTS}"),
    Unchecked(field="$.equal_tensors*", reason=f"only the weights tell which tensors are equal{_WEIGHTS}"),
    Unchecked(
        field="$.alpha",
        reason="as chosen by whoever asked for the report: a change is caught where it moves a count, a verdict or a "
        "printed digit",
    ),
    Unchecked(field="$.chronology", reason="as stated by whoever asked for the report"),
    Unchecked(field="$.created", reason="the clock of whoever made the report"),
    Unchecked(field="$.provenance.software*", reason="versions on the machine that made the report"),
    Unchecked(field="$.provenance.seed", reason="no test draws random numbers"),
    Unchecked(
        field="$.provenance.effort",
        reason="as chosen by whoever asked for the report, up to what was read: a change is caught where it moves "
        "the sketch or a count",
    ),
    Unchecked(field="$.provenance.sketch*", reason=f"decides what fingerprints keep{_WEIGHTS}"),
)
"""What the record alone cannot tell. A change of these may go unnoticed, though many must still fit the rest."""
PANEL_UNCHECKED = (
    Unchecked(field=f"$.tests.{PRIMARY.id}.grid[*", reason=f"only the weights tell where responses agree{_WEIGHTS}"),
    Unchecked(
        field="$.tests.*.by_cell*",
        reason="not checkable without the panel: the ranks are among grids of the panel's members, which the report "
        f"does not hold{_WEIGHTS} and the panel",
    ),
    *(
        Unchecked(
            field=f"$.tests.{statistic.id}.{name}",
            reason=f"follows from scores of members, which the report does not hold{_WEIGHTS} and the panel",
        )
        for statistic in PANEL_STATISTICS
        for name in ("applicable", "reason", "score")[: 2 if statistic is PRIMARY else 3]
    ),
    *(
        Unchecked(field=f"$.panel.{name}*", reason=f"only the panel tells what it holds{_PANEL}")
        for name in ("name", "version", "digest", "members", "dropped", "anchors")
    ),
    *(
        Unchecked(field=f"$.panel.{name}*", reason="as declared by whoever asked for the report")
        for name in ("families", "corpus_")
    ),
)
"""Likewise of a panel."""
_PANEL_LEVEL = Unchecked(
    field="$.panel_alpha",
    reason="as chosen by whoever asked for the report: no panel test applies, so nothing uses it",
)

Reader = Callable[[dict[str, Any]], ClaimReport]
READERS: dict[int, Reader] = {1: ClaimReport.model_validate}
"""By ``schema_version``; the reader of an old schema returns the same report in the present one."""


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
    content, report = read(source)
    recorded = content if content["schema_version"] == 1 else _content(report)
    found = [*(_bytes(source, content) if isinstance(source, bytes) else ()), *_seal(content, report)]
    made, problems = recompute(report)
    expected = _content(made) | {"digest": recorded["digest"], "citation": recorded["citation"]}
    found += [*problems, *_stated(report), *compare(recorded, expected, TOLERANCES)]
    return outcome(report, recorded, "the record alone", found, (*inputs(report), *unchecked(report)))


def outcome(
    report: ClaimReport,
    recorded: dict[str, Any],
    basis: str,
    found: list[Disagreement],
    kinds: tuple[Unchecked, ...],
    *,
    models: Models = None,
    panel: bool = False,
) -> Replay:
    """Count what was compared, and name the kinds of field that the report has, if empty, and nothing could check."""
    fields = dict(leaves(recorded))
    held = [kind for kind in kinds if any(kind.covers(field) for field in fields)]
    compared = [field for field, value in fields.items() if value not in (None, [], {})]
    agreeing: dict[Models, Status] = {"weights": "agrees", "fingerprints": "agrees_with_fingerprints"}
    return Replay(
        digest=report.digest,
        verdict=report.verdict,
        basis=basis,
        status="disagrees" if found else agreeing.get(models, "arithmetic_agrees"),
        agrees=not found,
        models=models,
        panel_checked=None if report.panel is None else panel,
        compared=sum(not any(kind.covers(field) for kind in held) for field in compared),
        disagreements=tuple(found),
        not_checkable=tuple(held),
    )


def unchecked(report: ClaimReport) -> tuple[Unchecked, ...]:
    """What the record alone cannot tell of this report, beside its inputs."""
    return (*UNCHECKED, *(PANEL_UNCHECKED if report.panel is not None else (_PANEL_LEVEL,)))


def inputs(report: ClaimReport) -> tuple[Unchecked, ...]:
    """What this report records of its models, and of the panel, and computes the rest from."""
    return (*INPUTS, *(PANEL_INPUTS if report.panel is not None else ()))


def read(source: bytes | ClaimReport) -> tuple[dict[str, Any], ClaimReport]:
    """The JSON content of a report as written, and the report; seals are not checked.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    """
    if isinstance(source, ClaimReport):
        return _content(source), source
    try:
        if len(source) > LARGEST_FILE:
            raise ValueError(f"{len(source)} bytes, more than {LARGEST_FILE}")
        content = json.loads(source.decode("utf-8"), object_pairs_hook=without_duplicates)
        if not isinstance(content, dict):
            raise ValueError("it is not a JSON object")
        canonical(content)  # refuses numbers and texts that JSON readers differ on
        return content, _reader(content)(content)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the document"
        raise _not_a_report(f"at {where!r:.80}: {problem['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise _not_a_report(f"{str(error)!r:.120}") from error


def _reader(content: dict[str, Any]) -> Reader:
    version = content.get("schema_version")
    if isinstance(version, int) and not isinstance(version, bool) and version in READERS:
        return READERS[version]
    if "schema_version" not in content:
        raise ValueError("it states no schema_version")
    raise ReportError(
        f"The report is of schema {version!r:.40}, and this version of verify reads {sorted(READERS)}; "
        "use the version that wrote it, or a later one."
    )


def _bytes(source: bytes, content: dict[str, Any]) -> list[Disagreement]:
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


def _seal(content: dict[str, Any], report: ClaimReport) -> list[Disagreement]:
    """The digest is that of what is written, and the citation that of the digest."""
    value = digest(content, without=("digest", "citation"))
    version = report.provenance.software.get("verify-lineage", "")
    citation = cite(cited(report), value, report.created, version).model_dump()
    recorded = {key: content.get(key, ABSENT) for key in ("digest", "citation")}
    return compare(recorded, {"digest": value, "citation": citation}, ())


def _stated(report: ClaimReport) -> list[Disagreement]:
    """Options of which only the form can be checked."""
    wrong = []
    try:
        datetime.fromisoformat(report.created)
    except ValueError:
        wrong.append(("$.created", report.created, "a time in ISO 8601"))
    if not re.fullmatch(r"-?(0|[1-9][0-9]{0,3000})", report.provenance.seed):
        wrong.append(("$.provenance.seed", report.provenance.seed, "an integer"))
    return [
        Disagreement(field=field, recorded=value, recomputed=form, tolerance=EXACT) for field, value, form in wrong
    ]


def _content(report: ClaimReport) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(report.model_dump_json())
    return content


def _not_a_report(reason: str) -> ReportError:
    return ReportError(f"This is not a claim report ({reason}); give the report.json that `verify lineage` wrote.")
