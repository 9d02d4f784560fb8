"""Check a report of shares: its form, digest, and that its numbers could be; with the weights, make it again."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import InputError, Progress
from ..checkpoint import Location
from ..shares import share
from ..shares.reading import KIND
from ..shares.record import ShareReport
from .agreement import Replay, Tolerance, Unchecked, compare
from .from_weights import form_of, made_again, replayed
from .shares_follow import follows

TOLERANCES = (
    ("*.p", Tolerance(0.0, 1e-3)),  # orders within rounding of each other
    ("*sha256", Tolerance(0.0, 0.0)),
    ("*", Tolerance(1e-5, 1e-8)),
)
"""Tolerances between recomputed and recorded numbers; the first pattern that fits a path decides."""

_WEIGHTS = "that it could be is checked; it follows from the weights: give --a and --candidate"
_FROM_WEIGHTS = (
    Unchecked(field="$.candidates*", reason=_WEIGHTS),
    Unchecked(field="$.child*", reason=_WEIGHTS),
    Unchecked(field="$.unexplained", reason=_WEIGHTS),
    Unchecked(field="$.changes*", reason=_WEIGHTS),
    *(Unchecked(field=f"$.{name}", reason="as fixed by the caller") for name in ("level", "seed")),
)


def replay_shares(
    source: bytes | ShareReport,
    child: Location | None,
    candidates: Sequence[Location],
    base: Location | None,
    progress: Progress,
) -> Replay:
    """Check a report of shares.

    Parameters
    ----------
    source : the bytes of a ``report.json``, or a report.
    child, candidates : the models in the order of the report; None and none to check the record alone.
    base : of a report that has one; None to check the record alone.
    progress : called while weights are read.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    InputError
        If some of its models are given but not all, or one cannot be used.
    """
    report, found = form_of(source, KIND)
    found += follows(report)
    if (child is None) != (not candidates) or (candidates and len(candidates) != len(report.candidates)):
        raise InputError(
            f"The report is of a child and {len(report.candidates)} candidates, and {int(child is not None)} and "
            f"{len(candidates)} are given; give the child as --a and each candidate, in its order, as --candidate."
        )
    if (base is not None) is not (child is not None and report.changes is not None):
        raise InputError(
            "The report has a base; give it as --base, with the child and each candidate."
            if base is None
            else "The report has no base, or its child is not given; leave the base out."
        )
    if child is not None:
        again = share(
            child,
            candidates,
            base=base,
            level=report.level,
            seed=report.seed,
            created=report.created,
            progress=progress,
        )
        found += compare(report.facts(), made_again(report, again), TOLERANCES)
    return replayed("share", report, found, from_weights=_FROM_WEIGHTS, given=child is not None)
