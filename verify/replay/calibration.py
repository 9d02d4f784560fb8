"""Check a calibration report from its record alone: every choice, rank and p-value, from scores and declarations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import InputError, StatisticsError
from ..calibrate import CalibrationReport, NamedModel
from ..calibrate.outcome import Settings, conclude
from ..calibrate.reading import KIND
from ..calibrate.selection import select
from ..wording import LATEST, VERSIONS
from .agreement import Disagreement, Replay, Unchecked, compare, leaves, problem
from .check import TOLERANCES, bytes_differ, stated_time

_TABLE = "an input of all other fields: only the table shows that it is in it; compare its sha256"
_STATED = "as stated by the caller"

UNCHECKED = (
    Unchecked(field="$.evidence.scores[*", reason=f"{_TABLE}; a change is detected if it changes a rank or a twin"),
    Unchecked(field="$.evidence.source.*", reason="of the table that the report was made from"),
    Unchecked(
        field="$.evidence.models[*", reason=f"names and declarations, {_STATED}; the choice by them is checked"
    ),
    Unchecked(field="$.evidence.left_out[*].name", reason=_STATED),
    *(
        Unchecked(field=f"$.evidence.left_out[*].{label}", reason=f"{_STATED}; the choice by them is checked")
        for label in ("stratum", "family", "recipe")
    ),
    Unchecked(field="$.evidence.name", reason=_STATED),
    *(
        Unchecked(field=f"$.evidence.{setting}", reason="as fixed by the caller: what follows from it is checked")
        for setting in ("closer", "scale", "alpha", "stated_design", "one_per_family")
    ),
    Unchecked(field="$.searched", reason="as fixed by the caller: what follows from it is checked"),
    Unchecked(field="$.created", reason="the clock of the machine that made the report"),
    Unchecked(field="$.wording", reason="the catalogue of sentences when it was made: no number follows from it"),
    Unchecked(field="$.software*", reason="versions on the machine that made the report"),
    *(Unchecked(field=f"$.{side}", reason=f"a name, {_STATED}") for side in "ab"),
)
"""Inputs, and statements of the caller."""


def replay_calibration(source: bytes | CalibrationReport) -> Replay:
    """Check a calibration report.

    Parameters
    ----------
    source : the bytes of a ``report.json``, or a report.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    """
    content = source if isinstance(source, bytes) else source.to_json().encode() + b"\n"
    written = KIND.read(content)
    report = written.report
    found = bytes_differ(content, written.content)
    found += compare({"digest": written.content.get("digest")}, {"digest": written.digest}, ())
    found += stated_time(report.created)
    if report.wording not in VERSIONS:
        found.append(problem("$.wording", report.wording, f"a version of the catalogue, at most {LATEST}"))
    found += _recomputed(report)
    fields: dict[str, Any] = dict(leaves(report.facts()))
    kinds = [kind for kind in UNCHECKED if any(kind.covers(field) for field in fields)]
    there = [field for field, value in fields.items() if value not in (None, [], {})]
    return Replay(
        record="calibration",
        digest=report.digest,
        verdict=report.verdict,
        basis="the record alone",
        status="disagrees" if found else "arithmetic_agrees",
        agrees=not found,
        compared=sum(not any(kind.covers(field) for kind in kinds) for field in there),
        disagreements=tuple(found),
        not_checkable=tuple(kinds),
    )


def _recomputed(report: CalibrationReport) -> list[Disagreement]:
    """Fields that do not follow from the recorded scores, declarations and settings."""
    evidence = report.evidence
    declared = [
        NamedModel(**{name: getattr(model, name) for name in NamedModel.model_fields})
        for model in (*evidence.models, *evidence.left_out)
    ]
    names = [model.name for model in evidence.models]
    stated = Settings(
        score_name=evidence.name,
        closer=evidence.closer,
        scale=evidence.scale,
        alpha=evidence.alpha,
        searched=report.searched,
        design=evidence.primary_design if evidence.stated_design else None,
        one_per_family=evidence.one_per_family,
        software=report.software,
        created=report.created,
        wording=report.wording,
    )
    try:
        selection = select(declared, report.a, report.b, one_per_family=evidence.one_per_family)
        chosen = [model.name for model in selection.models]
        if chosen != names:
            return [problem("$.evidence.models", names, f"the models {', '.join(chosen)!r:.200}, in this order")]
        scores = np.full((len(names), len(names)), np.nan)
        first, second = np.triu_indices(len(names), 1)
        scores[first, second] = scores[second, first] = [np.nan if s is None else s for s in evidence.scores]
        again = conclude(selection, scores, evidence.source, stated)
    except (InputError, StatisticsError) as error:
        return [problem("$.evidence", "a result", f"none: {error}")]
    return compare(report.facts(), again.facts() | {"digest": report.digest}, TOLERANCES)
