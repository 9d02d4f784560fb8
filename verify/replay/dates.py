"""Dated evidence checked again: what each piece covers, of whom and when, follows from the piece and the model."""

from __future__ import annotations

from ..base import InputError
from ..base.time_stamps import is_installed
from ..claim import ClaimReport, Dated, HubCommits, TimeStamp
from ..claim.dated import dated
from .agreement import Disagreement, Unchecked, problem


def dates(report: ClaimReport, problems: list[Disagreement]) -> tuple[Dated, ...]:
    """The evidence with what follows from it; as recorded where it cannot be checked here, or does not hold.

    Parameters
    ----------
    report : the report.
    problems : what does not hold is added to these.
    """
    found: list[Dated] = []
    for n, one in enumerate(report.dated):
        model = report.a if one.model == "a" else report.b
        if isinstance(one.evidence, TimeStamp) and not is_installed():
            found.append(one)
            continue
        try:
            found.append(dated(one.model, model, one.evidence, report.created))
        except InputError as error:
            problems.append(problem(f"$.dated[{n}].evidence", one.evidence.kind, f"evidence that holds: {error}"))
            found.append(one)
    return tuple(found)


def of_dates(report: ClaimReport) -> tuple[Unchecked, ...]:
    """Fields of dated evidence that the record alone cannot check."""
    kinds: list[Unchecked] = []
    for n, one in enumerate(report.dated):
        at = f"$.dated[{n}]"
        if isinstance(one.evidence, HubCommits):
            kinds.append(Unchecked(field=f"{at}.evidence*", reason="as the Hub stated when the report was made"))
        elif not is_installed():
            reason = "a time stamp, to check which the extra `dated` is needed and not installed"
            kinds.append(Unchecked(field=f"{at}*", reason=reason))
        else:
            reason = (
                "that it is the root certificate of the authority named: compare its sha256 with the one that the "
                "authority publishes"
            )
            kinds.append(Unchecked(field=f"{at}.evidence.root", reason=reason))
            name = "what the stamped document is called, or that it is called nothing"
            kinds.append(Unchecked(field=f"{at}.evidence.name", reason=name))
    return tuple(kinds)
