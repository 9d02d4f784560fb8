"""A report of an older schema beside one made today: what it could not record, and tests whose definition changed."""

from __future__ import annotations

from dataclasses import replace

from ..checkpoint import Architecture
from ..claim import ClaimReport, Subject
from ..claim.evidence import EXACT, PANEL, placed
from ..statistics import EXACT_TESTS, PANEL_STATISTICS, ExactResult, Similarity, Statistic, TestResult
from ..statistics.earlier import BEFORE_SKETCH_3, EARLIER
from .agreement import Unchecked
from .unchecked import of_older_schemas

_SINCE = ("read_from", "arrays_sha256", "unrecognised_inside", "tokenizer", "not_read", "notes", "stored_as")
"""Fields of a subject that older schemas did not record."""
_SKETCH = 3
"""The version of the sketch that further tests, and what they read of an architecture, came with."""
_UNITS_OF_VERSION_2 = 64
"""Units of an MLP that version 2 of the primary panel statistic kept at most."""


def is_older(report: ClaimReport) -> bool:
    """Whether a report was made under an older schema than the present one."""
    return report.schema_of_maker != report.schema_version


def before_sketch(report: ClaimReport) -> bool:
    """Whether a report is of the tests before the present sketch.

    It compares fingerprints of an older one, and has no result of the tests that came since. None of those applies to
    such fingerprints, so none is hidden.
    """
    older = report.provenance.sketch.version < _SKETCH
    return older and all(result.id in BEFORE_SKETCH_3 for result in report.exact)


def before_version_3(report: ClaimReport, version: int) -> bool:
    """Whether the primary panel statistic of a report of this schema can be of version 2.

    It kept fewer units of an MLP than version 3, which came with the sketch that keeps more.
    """
    return version == 2 and report.provenance.sketch.match_units <= _UNITS_OF_VERSION_2


def tests_of(report: ClaimReport) -> tuple[Statistic, ...]:
    """The exact tests of the day that a report was made."""
    older = before_sketch(report)
    return tuple(test for test in EXACT_TESTS if not older or test.id in BEFORE_SKETCH_3)


def statistics_of(report: ClaimReport) -> tuple[Similarity, ...]:
    """The panel statistics of the day that a report was made.

    Those that came with the present sketch do not apply to fingerprints of an older one, so none is hidden.
    """
    older = report.provenance.sketch.version < _SKETCH and all(x.id in BEFORE_SKETCH_3 for x in report.ranked)
    return tuple(one for one in PANEL_STATISTICS if not older or one.id in BEFORE_SKETCH_3)


def as_then(report: ClaimReport, made: ClaimReport) -> ClaimReport:
    """A report made today of the models of an older one, as far as that could record.

    Results of tests whose definition has changed are those recorded, since no code of today gives them.
    """
    made = _placed_then(report, _ranked_then(report, made))
    line = made.line(EXACT)
    if line is None or not (is_older(report) or before_sketch(report)):
        return made
    recorded = {result.id: result for result in report.exact}
    ids = {test.id for test in tests_of(report)}
    results = tuple(_as_recorded(result, recorded.get(result.id)) for result in made.exact if result.id in ids)
    lines = (line.model_copy(update={"results": results}), *made.evidence[1:])
    then = made.model_copy(update={"evidence": lines, "shared_anchors": report.shared_anchors})
    if before_sketch(report):
        sides = {side: _before_sketch(getattr(report, side), getattr(made, side)) for side in ("a", "b")}
        then = then.model_copy(update={"reworked": report.reworked, **sides})
    return then.made_under(report.schema_of_maker, report.content()) if is_older(report) else then


def _ranked_then(report: ClaimReport, made: ClaimReport) -> ClaimReport:
    """A report made today with the panel statistics of the day of another only; the same one if these are today's."""
    line, since = made.line(PANEL), {one.id for one in PANEL_STATISTICS} - {one.id for one in statistics_of(report)}
    if line is None or not since:
        return made
    then = line.model_copy(update={"results": tuple(result for result in line.results if result.id not in since)})
    return made.model_copy(update={"evidence": tuple(then if one is line else one for one in made.evidence)})


def _placed_then(report: ClaimReport, made: ClaimReport) -> ClaimReport:
    """A report made today without the places of matches, if another lists none; the same one if it does."""
    line = made.line(EXACT)
    if line is None or any(result.places is not None for result in report.exact):
        return made
    then = line.model_copy(update={"results": tuple(placed(made.exact, first=False))})
    return made.model_copy(update={"evidence": tuple(then if one is line else one for one in made.evidence)})


def of_its_day(test: Statistic, version: int) -> Statistic:
    """A test by an earlier version, as it counted then."""
    earlier = EARLIER[test.id, version]
    return replace(test, version=version, counts=earlier.counts, localised=False)


def is_changed(result: TestResult) -> bool:
    """Whether a result is of an earlier version of its test."""
    return (result.id, result.version) in EARLIER


def not_checked(report: ClaimReport) -> tuple[Unchecked, ...]:
    """Fields of an older report that the models cannot check; none for a report of today's schema and tests."""
    changed = tuple(
        Unchecked(
            field=f"$.evidence[{EXACT}].results[{result.id}]*",
            reason=f"counted by version {result.version} of {result.id}, and this version of verify has another: "
            "only its arithmetic was checked",
        )
        for result in report.exact
        if is_changed(result)
    )
    if not is_older(report):
        return changed if before_sketch(report) else ()
    since = tuple(
        Unchecked(field=f"$.{side}.{name}*", reason=f"not recorded under schema {report.schema_of_maker}")
        for side in "ab"
        for name in _SINCE
        if not getattr(getattr(report, side), name)
    )
    read = tuple(
        Unchecked(field=f"$.{side}.bytes_read", reason="counted otherwise under that schema: rows read twice, twice")
        for side in "ab"
    )
    return (*changed, *since, *read, *of_older_schemas(report))


def _before_sketch(recorded: Subject, made: Subject) -> Subject:
    """A model as it was described before the present sketch, which asks more of its architecture."""
    later = [name for name, field in Architecture.model_fields.items() if field.exclude_if is not None]
    then = {name: getattr(recorded.architecture, name) for name in later}
    return made.model_copy(
        update={"architecture": made.architecture.model_copy(update=then), "unused": recorded.unused}
    )


def _as_recorded(made: ExactResult, recorded: ExactResult | None) -> ExactResult:
    if recorded is None:
        return made
    if is_changed(recorded):
        return recorded
    if all(count.live is None for count in recorded.counts):
        counts = tuple(count.model_copy(update={"live": None}) for count in made.counts)
        rows = tuple(row.model_copy(update={"live": None}) for row in made.by_layer)
        return made.model_copy(update={"counts": counts, "by_layer": rows})
    return made
