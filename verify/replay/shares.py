"""Check a report of shares: its form, digest, and that its numbers could be; with the weights, make it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..base import InputError, Progress
from ..checkpoint import Location
from ..shares import share
from ..shares.reading import KIND
from ..shares.record import ShareReport
from ..wording import LATEST, VERSIONS
from .agreement import Replay, Tolerance, Unchecked, compare, leaves, problem
from .check import bytes_differ, stated_time
from .shares_follow import follows

TOLERANCES = (
    ("*.p", Tolerance(0.0, 1e-3)),  # orders within rounding of each other
    ("*rows_sha256", Tolerance(0.0, 0.0)),
    ("*", Tolerance(1e-5, 1e-8)),
)
"""Tolerances between recomputed and recorded numbers; the first pattern that fits a path decides."""

_STATED = (
    Unchecked(field="$.created", reason="the clock of the machine that made the report"),
    Unchecked(field="$.wording", reason="the catalogue of sentences when it was made: no number follows from it"),
    Unchecked(field="$.software*", reason="versions on the machine that made the report"),
    Unchecked(field="*.declared_bases*", reason="what the makers of a model declare, which is no evidence"),
)
_WEIGHTS = "that it could be is checked; it follows from the weights: give --a and --candidate"
_FROM_WEIGHTS = (
    Unchecked(field="$.candidates*", reason=_WEIGHTS),
    Unchecked(field="$.child*", reason=_WEIGHTS),
    Unchecked(field="$.unexplained", reason=_WEIGHTS),
    *(Unchecked(field=f"$.{name}", reason="as fixed by the caller") for name in ("level", "seed")),
)


def replay_shares(
    source: bytes | ShareReport, child: Location | None, candidates: Sequence[Location], progress: Progress
) -> Replay:
    """Check a report of shares.

    Parameters
    ----------
    source : the bytes of a ``report.json``, or a report.
    child, candidates : the models in the order of the report; None and none to check the record alone.
    progress : called while weights are read.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    InputError
        If some of its models are given but not all, or one cannot be used.
    """
    content = source if isinstance(source, bytes) else source.to_json().encode() + b"\n"
    written = KIND.read(content)
    report = written.report
    found = bytes_differ(content, written.content)
    found += compare({"digest": written.content.get("digest")}, {"digest": written.digest}, ())
    found += [*stated_time(report.created), *follows(report)]
    if report.wording not in VERSIONS:
        found.append(problem("$.wording", report.wording, f"a version of the catalogue, at most {LATEST}"))
    if (child is None) != (not candidates) or (candidates and len(candidates) != len(report.candidates)):
        raise InputError(
            f"The report is of a child and {len(report.candidates)} candidates, and {int(child is not None)} and "
            f"{len(candidates)} are given; give the child as --a and each candidate, in its order, as --candidate."
        )
    kinds, given = (*_FROM_WEIGHTS, *_STATED), child is not None
    if child is not None:
        again = share(
            child, candidates, level=report.level, seed=report.seed, created=report.created, progress=progress
        )
        kinds = _STATED
        stated = {name: report.facts()[name] for name in ("software", "wording", "digest")}
        found += compare(report.facts(), again.facts() | stated, TOLERANCES)
    fields: dict[str, Any] = dict(leaves(report.facts()))
    kept = [kind for kind in kinds if any(kind.covers(field) for field in fields)]
    return Replay(
        record="share",
        digest=report.digest,
        verdict=report.outcome,
        basis="the weights of all models" if given else "the record alone",
        status="disagrees" if found else "agrees" if given else "arithmetic_agrees",
        agrees=not found,
        models="weights" if given else None,
        compared=sum(not any(kind.covers(at) for kind in kept) for at, value in fields.items() if value is not None),
        disagreements=tuple(found),
        not_checkable=tuple(kept),
    )
