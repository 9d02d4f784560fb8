"""Check a report of a derivation: its form from its record; with the weights, make it again."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import InputError, Progress
from ..checkpoint import Location
from ..derivations import DerivationReport, derivation
from ..derivations.reading import KIND
from .agreement import Replay, Unchecked, compare
from .derivation_follows import follows
from .from_weights import form_of, made_again, replayed

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
    report, found = form_of(source, KIND)
    found += follows(report)
    given = a is not None or b is not None or bool(third)
    if given:
        if a is None or b is None or len(third) != (report.third is not None):
            also = "" if report.third is None else ", and the third model as --candidate"
            raise InputError(
                f"The report is of {len(report.labelled)} models; give --a and --b{also}, and no others."
            )
        again = derivation(a, b, *third, created=report.created, progress=progress)
        facts = made_again(report, again)
        if all(one.amount is None for one in report.tensors):  # as in reports of before there were any
            facts["tensors"] = [{k: v for k, v in one.items() if k != "amount"} for one in facts["tensors"]]
        found += compare(report.facts(), facts, ())
    return replayed("derivation", report, found, from_weights=_FROM_WEIGHTS, given=given)
