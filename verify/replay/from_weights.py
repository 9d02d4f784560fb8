"""What replays of reports that are made from weights share: of shares, beyond a base, of a derivation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from ..claim.pages import Sealed
from ..claim.written import Kind
from ..wording import LATEST, VERSIONS
from .agreement import Coverage, Disagreement, Replay, Unchecked, compare, leaves, problem
from .check import bytes_differ, stated_time

STATED = (
    Unchecked(field="$.created", reason="the clock of the machine that made the report"),
    Unchecked(field="$.wording", reason="the catalogue of sentences when it was made: no number follows from it"),
    Unchecked(field="$.software*", reason="versions on the machine that made the report"),
    Unchecked(field="*.declared_bases*", reason="what the makers of a model declare, which is no evidence"),
)
"""Fields that nothing checks."""

Report = TypeVar("Report", bound=Sealed)


def form_of(source: bytes | Report, kind: Kind[Report]) -> tuple[Report, list[Disagreement]]:
    """A report, and what is wrong with its bytes, digest, time and version of sentences.

    Parameters
    ----------
    source : the bytes of a ``report.json``, or a report.
    kind : the kind of report that it has to be.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    """
    content = source if isinstance(source, bytes) else source.to_json().encode() + b"\n"
    written = kind.read(content)
    report = written.report
    found = bytes_differ(content, written.content)
    found += compare({"digest": written.content.get("digest")}, {"digest": written.digest}, ())
    facts = report.facts()
    found += stated_time(facts["created"])
    if facts["wording"] not in VERSIONS:
        found.append(problem("$.wording", facts["wording"], f"a version of the catalogue, at most {LATEST}"))
    return report, found


def made_again(report: Sealed, again: Sealed) -> dict[str, Any]:
    """The facts of a report that was made again, with those of the report that no weights decide."""
    return again.facts() | {name: report.facts()[name] for name in ("software", "wording", "digest")}


def replayed(
    record: Literal["share", "beyond", "derivation"],
    report: Any,
    found: Sequence[Disagreement],
    *,
    from_weights: Sequence[Unchecked],
    stated: Sequence[Unchecked] = STATED,
    given: bool,
) -> Replay:
    """The outcome of a replay.

    Parameters
    ----------
    record : kind of the report.
    report : the report.
    found : what does not agree.
    from_weights : fields that only the weights check.
    stated : fields that nothing checks.
    given : whether the report was made again from weights.
    """
    kinds = stated if given else (*from_weights, *stated)
    coverage = Coverage(kinds)
    covering = {at: coverage.of(at) for at, _ in leaves(report.facts())}
    kept = [kinds[n] for n in sorted({n for of in covering.values() for n in of})]
    return Replay(
        record=record,
        digest=report.digest,
        verdict=report.outcome,
        basis="the weights of all models" if given else "the record alone",
        status="disagrees" if found else "agrees" if given else "arithmetic_agrees",
        agrees=not found,
        models="weights" if given else None,
        compared=sum(not covering[at] for at, value in leaves(report.facts()) if value is not None),
        disagreements=tuple(found),
        not_checkable=tuple(kept),
    )
