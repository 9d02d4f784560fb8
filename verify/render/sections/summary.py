"""The report in short."""

from __future__ import annotations

from ...claim import ClaimReport
from ...claim.parts import share as share_of
from ...wording.forms import at_most
from ..escape import Code, Inline, Number
from ..numbers import general, log10, share
from ..page import Table

_DECLARED = {
    "declared_confirmed": "declared and confirmed",
    "declared_not_confirmed": "declared and not confirmed",
    "undeclared_found": "undeclared and found",
    "nothing": "nothing declared and nothing found",
}


def summary(report: ClaimReport) -> Table:
    """The table at the head of the page."""
    rows: list[tuple[Inline, Inline]] = [
        ("A, questioned", Code(report.a.name)),
        ("B, reference", Code(report.b.name)),
        ("verdict", Code(report.verdict)),
        *([("said of", _said_of(report))] if report.parts else []),
        ("log10 p, exact tests", (log10(report.log10_p), ", level ", general(report.alpha))),
    ]
    if report.panel:
        if report.panel_log10_p is None:
            rows.append(("panel", "no verdict"))
        else:
            match = report.panel.false_match
            rows += [
                ("chance of a false match, at most", Number(at_most(match.bound)) if match else "–"),
                ("log10 p, panel", (log10(report.panel_log10_p), ", level ", general(report.panel_alpha or 1.0))),
                ("log10 p, conservative", log10(report.robust_log10_p)),
            ]
    rows.append(("declared lineage", _DECLARED[report.declared.status]))
    rows += [("digest", Code(report.digest)), ("made", report.created)]
    return Table("In short", ("field", "value"), (False, False), tuple(rows))


def _said_of(report: ClaimReport) -> Inline:
    """The pair of parts that the verdict is about."""
    sides = (report.a, "A"), (report.b, "B")
    found: list[Inline] = []
    for subject, side in sides:
        part = next(one for one in subject.parts if one.name == subject.part)
        found.append((part.kind, " ", Code(part.name), " of ", side, " (", share(share_of(part, subject.parts)), ")"))
    return (*found[0], ", ", *found[1])
