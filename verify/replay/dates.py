"""Dated evidence checked again: what each piece covers, of whom and when, follows from the piece and the model."""

from __future__ import annotations

from ..base import InputError
from ..base.time_stamps import is_installed
from ..claim import ClaimReport, Dated, HubCommits, TimeStamp
from ..claim.dated import dated
from ..fingerprint import Fingerprint
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


def of_files(
    report: ClaimReport, a: Fingerprint, b: Fingerprint
) -> tuple[tuple[Disagreement, ...], tuple[Unchecked, ...]]:
    """Evidence of files by their sha256, beside the files that are given: what is of others, and what cannot be told.

    A model may be given in other files than those of the report, if they hold the same numbers. A date of files is
    then of files that nobody showed to be the model's.

    Parameters
    ----------
    report : the report.
    a, b : the models as they are given.
    """
    found: list[Disagreement] = []
    kinds: list[Unchecked] = []
    for n, one in enumerate(report.dated):
        subject, model = (report.a, a) if one.model == "a" else (report.b, b)
        left = {file.sha256 for file in subject.files if file.name in one.files}
        left -= {file.sha256 for file in model.record.files}
        if not left or one.numbers:
            continue
        if all(file.sha256 is not None for file in model.record.files):
            expected = f"files with the sha256 of those given for {one.model.upper()}; give the files that are dated"
            found.append(problem(f"$.dated[{n}].files", ", ".join(one.files), expected))
        else:
            reason = f"of files by their sha256, and those given for {one.model.upper()} were not read whole"
            kinds.append(Unchecked(field=f"$.dated[{n}]*", reason=reason))
    return tuple(found), tuple(kinds)


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
