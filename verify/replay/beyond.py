"""Check a report beyond a base: its form, rank and p-value from its record; with the weights, make it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..base import InputError, Progress, StatisticsError
from ..checkpoint import Location
from ..siblings import BeyondReport, beyond
from ..siblings.rank import check_reach, closeness, square
from ..siblings.reading import KIND
from ..wording import LATEST, VERSIONS
from .agreement import Disagreement, Replay, Tolerance, Unchecked, compare, leaves, problem
from .check import bytes_differ, stated_time

TOLERANCES = (
    ("*sha256", Tolerance(0.0, 0.0)),
    ("*", Tolerance(1e-9, 2e-5)),  # similarities have six decimals, and matrix products differ by processor
)
"""Tolerances between recomputed and recorded numbers; the first pattern that fits a path decides."""

_STATED = (
    Unchecked(field="$.created", reason="the clock of the machine that made the report"),
    Unchecked(field="$.wording", reason="the catalogue of sentences when it was made: no number follows from it"),
    Unchecked(field="$.software*", reason="versions on the machine that made the report"),
    Unchecked(field="*.declared_bases*", reason="what the makers of a model declare, which is no evidence"),
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
    content = source if isinstance(source, bytes) else source.to_json().encode() + b"\n"
    written = KIND.read(content)
    report = written.report
    found = bytes_differ(content, written.content)
    found += compare({"digest": written.content.get("digest")}, {"digest": written.digest}, ())
    found += stated_time(report.created)
    if report.wording not in VERSIONS:
        found.append(problem("$.wording", report.wording, f"a version of the catalogue, at most {LATEST}"))
    found += _recomputed(report)
    a, b, base = models
    given = any(one is not None for one in models) or bool(siblings)
    kinds = (*_FROM_WEIGHTS, *_STATED)
    if given:
        if a is None or b is None or base is None or len(siblings) != len(report.siblings):
            raise InputError(
                f"The report is of A, B, their base and {len(report.siblings)} siblings, and not all are given; give "
                "--a, --b, --base, and each sibling, in its order, as --candidate."
            )
        found += compare(report.facts(), _again(report, a, b, base, siblings, progress), TOLERANCES)
        kinds = _STATED
    fields: dict[str, Any] = dict(leaves(report.facts()))
    kept = [kind for kind in kinds if any(kind.covers(field) for field in fields)]
    return Replay(
        record="beyond",
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
    return again.facts() | {name: report.facts()[name] for name in ("software", "wording", "digest")}


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
