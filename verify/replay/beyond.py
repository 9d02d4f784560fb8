"""Check a report beyond a base: its form, rank and p-value from its record; with the weights, make it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..base import InputError, Progress, StatisticsError
from ..checkpoint import Location
from ..siblings import BeyondReport, beyond
from ..siblings.rank import check_reach, closeness, square
from ..siblings.reading import KIND
from .agreement import Disagreement, Replay, Tolerance, Unchecked, compare, problem
from .from_weights import STATED, form_of, made_again, replayed

TOLERANCES = (
    ("*sha256", Tolerance(0.0, 0.0)),
    ("*", Tolerance(1e-9, 2e-5)),  # similarities have six decimals, and matrix products differ by processor
)
"""Tolerances between recomputed and recorded numbers; the first pattern that fits a path decides."""

_STATED = (
    *STATED,
    Unchecked(field="$.siblings[*].kind", reason="as declared by the caller"),
    *(Unchecked(field=f"$.closeness.{name}", reason="as fixed by the caller") for name in ("alpha", "searched")),
)
_WEIGHTS = "follows from the weights: give --a, --b, --base and --candidate"
_FROM_WEIGHTS = tuple(
    Unchecked(field=f"$.{name}*", reason=_WEIGHTS)
    for name in ("base", "a.", "b.", "siblings", "similarity", "numbers", "entries", "tensors", "not_compared",
                 "closeness.scores")
)  # fmt: skip


def replay_beyond(
    source: bytes | BeyondReport,
    models: tuple[Location | None, Location | None, Location | None],
    siblings: Sequence[Location],
    progress: Progress,
) -> Replay:
    """Check a report beyond a base.

    Parameters
    ----------
    source : the bytes of a ``report.json``, or a report.
    models : A, B and the base; None, all three, to check the record alone.
    siblings : in the order of the report.
    progress : called while weights are compared.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    InputError
        If some of its models are given but not all, or one cannot be used.
    """
    report, found = form_of(source, KIND)
    found += _recomputed(report)
    a, b, base = models
    given = any(one is not None for one in models) or bool(siblings)
    if given:
        if a is None or b is None or base is None or len(siblings) != len(report.siblings):
            raise InputError(
                f"The report is of A, B, their base and {len(report.siblings)} siblings, and not all are given; give "
                "--a, --b, --base, and each sibling, in its order, as --candidate."
            )
        found += compare(report.facts(), _again(report, a, b, base, siblings, progress), TOLERANCES)
    return replayed("beyond", report, found, from_weights=_FROM_WEIGHTS, stated=_STATED, given=given)


def _again(
    report: BeyondReport, a: Location, b: Location, base: Location, siblings: Sequence[Location], progress: Progress
) -> dict[str, Any]:
    """The facts of the report made again from the weights."""
    by_kind: dict[str, list[Location]] = {}
    for one, model in zip(report.siblings, siblings, strict=True):
        by_kind.setdefault(one.kind, []).append(model)
    fixed = report.closeness
    again = beyond(
        a,
        b,
        base,
        by_kind,
        alpha=0.01 if fixed is None else fixed.alpha,
        searched=1 if fixed is None else fixed.searched,
        created=report.created,
        progress=progress,
    )
    return made_again(report, again)


def _recomputed(report: BeyondReport) -> list[Disagreement]:
    """Fields of the rank that do not follow from the recorded similarities, kinds and level."""
    recorded = report.closeness
    if recorded is None:
        return []
    kinds = [one.kind for one in report.siblings]
    names = [one.model.numbers_sha256 for one in report.siblings]
    try:
        check_reach(kinds, recorded.alpha, recorded.searched)
        scores = square(recorded.scores, len(names) + 2)
        again = closeness(scores, names, kinds, recorded.alpha, recorded.searched)
    except (InputError, StatisticsError) as error:
        return [problem("$.closeness", "a result", f"none: {error}")]
    return [
        one.model_copy(update={"field": one.field.replace("$", "$.closeness", 1)})
        for one in compare(recorded.model_dump(mode="json"), again.model_dump(mode="json"), TOLERANCES)
    ]
