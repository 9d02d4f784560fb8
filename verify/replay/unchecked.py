"""The fields of a report that cannot be checked: inputs, and statements of the caller.

Patterns of JSON paths, each with its reason. Every field of a report is either compared or listed here.
"""

from __future__ import annotations

from ..claim import ClaimReport
from ..panel import PRIMARY_DESIGN
from ..statistics import PANEL_STATISTICS, PRIMARY, PanelResult
from .agreement import Unchecked
from .dates import of_dates

_WEIGHTS = "; give A and B"
_PANEL = "; give the panel"
_AND_MODELS = ", A and B"
_EXACT = "$.evidence[exact].results[*]"
_OF_PART = "$.parts[*].results[*]"
_RANKED = "$.evidence[panel].results"


def _counts(test: str) -> tuple[Unchecked, ...]:
    found = f"an input of all other fields: only the weights show that it is of these models{_WEIGHTS}"
    return tuple(
        Unchecked(field=f"{test}.{place}.{name}", reason=found)
        for place in ("counts[*]", "by_layer[*]")
        for name in ("count", "n", "groups")
    )


def _around(test: str) -> tuple[Unchecked, ...]:
    return (
        Unchecked(field=f"{test}.notes*", reason=f"only the weights tell what was left out or merged{_WEIGHTS}"),
        Unchecked(
            field=f"{test}.effect.cosine_*", reason=f"medians of scores that the report does not hold{_WEIGHTS}"
        ),
        Unchecked(
            field=f"{test}.places*", reason=f"that they fit the counts is checked, not where they are{_WEIGHTS}"
        ),
        Unchecked(
            field=f"{test}.by_layer[*].layer_*", reason=f"only the weights tell which layers were aligned{_WEIGHTS}"
        ),
    )


INPUTS = (
    *_counts(_EXACT),
    *_counts(_OF_PART),
    Unchecked(field="$.shared_anchors", reason=f"what decides whether tests on tokens apply{_WEIGHTS}"),
)
"""Inputs: the fields from which the rest of a report is computed."""
PANEL_INPUTS = (
    Unchecked(
        field=f"{_RANKED}[{PRIMARY.id}].scores[*",
        reason=f"an input of the ranks: a change is detected if it changes a rank{_WEIGHTS} and the panel",
    ),
    Unchecked(
        field=f"{_RANKED}[{PRIMARY.id}].twins[*",
        reason="an input of the rank among twins: a change is detected if it changes a rank or the largest score, or "
        f"could not be{_PANEL}{_AND_MODELS}",
    ),
    *(
        Unchecked(
            field=f"{_RANKED}[{statistic.id}].ranks[*].rank",
            reason=f"what p-values follow from: a rank among scores that the report does not hold{_WEIGHTS} and the "
            "panel",
        )
        for statistic in PANEL_STATISTICS
        if statistic is not PRIMARY
    ),
)
"""Likewise of a panel."""
UNCHECKED = (
    Unchecked(field="$.a.*", reason=f"what was read from the files of A{_WEIGHTS}"),
    Unchecked(field="$.b.*", reason=f"what was read from the files of B{_WEIGHTS}"),
    *_around(_EXACT),
    *_around(_OF_PART),
    Unchecked(field="$.parts[*].subject_*", reason=f"what was read of further parts{_WEIGHTS}"),
    Unchecked(field="$.parts[*].shared_anchors", reason=f"what decides whether tests on tokens apply{_WEIGHTS}"),
    Unchecked(field="$.equal_tensors*", reason=f"only the weights tell which tensors are equal{_WEIGHTS}"),
    *(
        Unchecked(field=f"$.change.{name}", reason=f"counts of the weights: that they fit is checked{_WEIGHTS}")
        for name in ("modules[*", "left.*")
    ),
    Unchecked(field="$.reworked*", reason=f"descriptions of the weights, which no number follows from{_WEIGHTS}"),
    Unchecked(
        field="$.evidence[exact].alpha",
        reason="as chosen by the caller: a change is detected if it changes a count, a verdict or a printed digit",
    ),
    Unchecked(field="$.chronology", reason="as stated by the caller"),
    Unchecked(field="$.authors*", reason="as stated by the caller"),
    Unchecked(field="$.url", reason="as stated by the caller"),
    Unchecked(field="$.created", reason="the clock of the machine that made the report"),
    Unchecked(field="$.wording", reason="the catalogue of sentences when it was made: no number follows from it"),
    Unchecked(field="$.provenance.software*", reason="versions on the machine that made the report"),
    Unchecked(field="$.provenance.options*", reason="as given by the caller"),
    Unchecked(
        field="$.provenance.effort",
        reason="as chosen by the caller, up to what was read: a change is detected if it changes "
        "the sketch or a count",
    ),
    Unchecked(field="$.provenance.sketch*", reason=f"decides what fingerprints keep{_WEIGHTS}"),
)
"""Fields that the record alone cannot check. A change of these may go unnoticed, though many must still fit the
rest."""
PANEL_UNCHECKED = (
    Unchecked(
        field=f"{_RANKED}[{PRIMARY.id}].grid[*", reason=f"only the weights tell where responses agree{_WEIGHTS}"
    ),
    Unchecked(
        field=f"{_RANKED}[*].by_cell*",
        reason="not checkable without the panel: the ranks are among grids of the panel's members, which the report "
        f"does not hold{_WEIGHTS} and the panel",
    ),
    *(
        Unchecked(
            field=f"{_RANKED}[{statistic.id}].{name}",
            reason=f"follows from scores of members, which the report does not hold{_WEIGHTS} and the panel",
        )
        for statistic in PANEL_STATISTICS
        for name in ("applicable", "reason*", "score")[: 2 if statistic is PRIMARY else 3]
    ),
    *(
        Unchecked(field=f"$.panel.{name}*", reason=f"only the panel tells what it holds{_PANEL}")
        for name in ("name", "version", "digest", "members", "dropped", "recipes", "twins_scored", "anchors")
    ),
    *(Unchecked(field=f"$.panel.{name}*", reason="as declared by the caller") for name in ("families", "corpus_")),
)
"""Likewise of a panel."""
_PANEL_LEVEL = Unchecked(
    field="$.evidence[panel].alpha",
    reason="as chosen by the caller: no panel test applies, so nothing uses it",
)

_SEARCHED = Unchecked(
    field="$.searched", reason="as stated by the caller: nothing was tested, so no p-value is multiplied by it"
)


def inputs(report: ClaimReport) -> tuple[Unchecked, ...]:
    """The inputs of this report, from its models and its panel."""
    return (*INPUTS, *(PANEL_INPUTS if report.panel is not None else ()))


def unchecked(report: ClaimReport) -> tuple[Unchecked, ...]:
    """The fields of this report that the record alone cannot check, beside its inputs."""
    return (
        *UNCHECKED,
        *(PANEL_UNCHECKED if report.panel is not None else (_PANEL_LEVEL,)),
        *((_SEARCHED,) if report.verdict == "identical" else ()),
        *of_own_lines(report),
        *of_dates(report),
        *of_older_schemas(report),
    )


def of_own_lines(report: ClaimReport) -> tuple[Unchecked, ...]:
    """Lines and ranks of whoever asked for the report: no model tells how they were found."""
    fields = [f"$.evidence[{line.line}]*" for line in report.own_lines]
    of_result = ("id", "version", "applicable", "reason*", "words*", "score", "ranks[*].rank")
    fields += [f"{_RANKED}[{result.id}].{name}" for result in own_results(report) for name in of_result]
    reason = "the caller's own evidence: it enters no verdict, and its function is not recorded"
    return tuple(Unchecked(field=field, reason=reason) for field in fields)


def own_results(report: ClaimReport) -> tuple[PanelResult, ...]:
    """Results of the caller's own similarities, ranked in the panel beside those of the library."""
    known = {statistic.id for statistic in PANEL_STATISTICS}
    return tuple(result for result in report.ranked if result.id not in known and result.words is not None)


def of_older_schemas(report: ClaimReport) -> tuple[Unchecked, ...]:
    """Fields in which an older schema recorded sentences instead of facts; none for a report of this schema."""
    if report.schema_of_maker == report.schema_version:
        return ()
    reason = f"of schema {report.schema_of_maker}, which recorded a sentence in place of facts"
    fields = (f"{_EXACT}.notes*", f"{_OF_PART}.reason*", f"{_OF_PART}.notes*")
    audit = Unchecked(field="$.panel.audit*", reason="by a rule that this version of verify does not have")
    return (
        *(Unchecked(field=field, reason=reason) for field in fields),
        *((audit,) if report.panel and report.panel.primary_design != PRIMARY_DESIGN else ()),
    )
