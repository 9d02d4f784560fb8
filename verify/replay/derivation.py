"""Check a report of a derivation: its form from its record; with the weights, make it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..base import InputError, Progress
from ..checkpoint import Location
from ..derivations import DerivationReport, derivation
from ..derivations.reading import KIND
from ..wording import LATEST, VERSIONS
from .agreement import Replay, Unchecked, compare, leaves, problem
from .check import bytes_differ, stated_time

_STATED = (
    Unchecked(field="$.created", reason="the clock of the machine that made the report"),
    Unchecked(field="$.wording", reason="the catalogue of sentences when it was made: no number follows from it"),
    Unchecked(field="$.software*", reason="versions on the machine that made the report"),
    Unchecked(field="*.declared_bases*", reason="what the makers of a model declare, which is no evidence"),
)
_FROM_WEIGHTS = tuple(
    Unchecked(field=f"$.{name}*", reason="follows from the weights: give --a, --b and, if there is a C, --candidate")
    for name in ("a.", "b.", "third", "tensors", "alone", "not_read")
)


def replay_derivation(
    source: bytes | DerivationReport,
    a: Location | None,
    b: Location | None,
    third: Sequence[Location],
    progress: Progress,
) -> Replay:
    """Check a report of a derivation.

    Parameters
    ----------
    source : the bytes of a ``report.json``, or a report.
    a, b : the models; None, both, to check the record alone.
    third : the third model, if the report has one and the others are given.
    progress : called while weights are compared.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    InputError
        If some of its models are given but not all.
    """
    content = source if isinstance(source, bytes) else source.to_json().encode() + b"\n"
    written = KIND.read(content)
    report = written.report
    found = bytes_differ(content, written.content)
    found += compare({"digest": written.content.get("digest")}, {"digest": written.digest}, ())
    found += stated_time(report.created)
    if report.wording not in VERSIONS:
        found.append(problem("$.wording", report.wording, f"a version of the catalogue, at most {LATEST}"))
    given = a is not None or b is not None or bool(third)
    kinds = (*_FROM_WEIGHTS, *_STATED)
    if given:
        if a is None or b is None or len(third) != (report.third is not None):
            also = "" if report.third is None else ", and the third model as --candidate"
            raise InputError(
                f"The report is of {len(report.labelled)} models; give --a and --b{also}, and no others."
            )
        again = derivation(a, b, *third, created=report.created, progress=progress).facts()
        again |= {name: report.facts()[name] for name in ("software", "wording", "digest")}
        found += compare(report.facts(), again, ())
        kinds = _STATED
    fields: dict[str, Any] = dict(leaves(report.facts()))
    kept = [kind for kind in kinds if any(kind.covers(field) for field in fields)]
    return Replay(
        record="derivation",
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
