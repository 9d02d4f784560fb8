"""A calibration report is checked from its record alone: every number follows from its scores, or is listed."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from tests.calibrations import alike, names, report, rows_of, strangers, twins
from tests.reports import sealed
from verify import CalibrationReport, InputError, ReportError, replay
from verify.replay.agreement import leaves


def made() -> dict[str, CalibrationReport]:
    """One of each kind."""
    of_twins, recipes = twins(6, 3)
    strata = {name: "one" if i < 6 else "two" for i, name in enumerate(names(12))}
    more = [("r0-z", name, 1.0) for name in ("r0-x", "r0-y", "ref-0", "ref-1", "ref-2")]
    called = sorted({name for row in of_twins for name in row[:2]})
    known = {frozenset(row[:2]) for row in of_twins}
    whole = of_twins + [(a, b, 0.1) for i, a in enumerate(called) for b in called[:i] if {a, b} not in known]
    return {
        "alike": report(rows_of(alike(12))),
        "strangers": report(rows_of(strangers(12)), searched=3),
        "strata": report(rows_of(strangers(12)), strata=strata),
        "families": report(rows_of(alike(12)), relatives=[("model-3", "model-4")], one_per_family=True),
        "row": report([row for row in rows_of(alike(12)) if "asked" in row], design="row_a"),
        "twins": report([*of_twins, *more], recipes=recipes | {"r0-z": "r0"}),
        "both": report(whole, recipes=recipes),
        "logit": report([(a, b, (s + 20) / 40) for a, b, s in rows_of(strangers(8))], scale="logit"),
    }


REPORTS = made()
EACH = pytest.mark.parametrize("kind", REPORTS)


@EACH
def test_the_arithmetic_of_every_report_agrees(kind: str) -> None:
    for source in (REPORTS[kind], REPORTS[kind].to_json()):
        found = replay(source)
        assert found.disagreements == ()
        assert (found.record, found.status) == ("calibration", "arithmetic_agrees")
        assert found.verdict == REPORTS[kind].verdict
        assert "whether these are the scores of the table was not checked" in found.sentence


def other(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 1.5 + 0.25
        case str():
            return value + "x"
    return None


def altered(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The content with another value at a place."""
    if not path:
        return value
    if isinstance(content, dict):
        return content | {path[0]: altered(content[path[0]], path[1:], value)}
    return [altered(item, path[1:], value) if i == path[0] else item for i, item in enumerate(content)]


def places(content: Any, path: tuple[Any, ...] = ()) -> Any:
    """Every value with its place."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))
    if not isinstance(content, dict | list) and content is not None:
        yield path, content


@EACH
def test_a_change_of_any_number_is_found_or_listed(kind: str) -> None:
    """Sealed again after the change, as whoever altered it would."""
    content = json.loads(REPORTS[kind].to_json())
    for path, value in places(content):
        if path == ("digest",) or any(isinstance(step, int) and step > 2 for step in path):
            continue  # of long lists, the first
        file = sealed(altered(content, path, other(value)))
        try:
            found = replay(file.decode())
        except ReportError:
            continue  # no report any more
        if found.agrees:
            before, after = dict(leaves(content)), dict(leaves(json.loads(file)))
            differ = {field for field in before if before[field] != after.get(field)} - {"$.digest"}
            assert all(any(one.covers(field) for one in found.not_checkable) for field in differ), path


@EACH
@pytest.mark.parametrize("field", ["log10_p", "attainable_log10_p", "critical_odds_ratio", "score", "primary_design"])
def test_what_follows_from_the_scores_is_found(kind: str, field: str) -> None:
    content = json.loads(REPORTS[kind].to_json())
    value = content["evidence"][field]
    changed = "pair" if field == "primary_design" else value - 0.125
    if changed == value or (kind == "row" and field == "primary_design"):
        return
    with suppress(ReportError):  # it is no report any more
        assert not replay(sealed(altered(content, ("evidence", field), changed)).decode()).agrees


def test_a_better_score_of_the_claim_and_another_verdict_are_found() -> None:
    content = json.loads(REPORTS["strangers"].to_json())
    raised = altered(altered(content, ("evidence", "scores", 0), 99.0), ("evidence", "score"), 99.0)
    assert "$.evidence.log10_p" in {item.field for item in replay(sealed(raised).decode()).disagreements}
    accused = altered(content, ("verdict",), "similar_beyond_panel")
    assert "$.verdict" in {item.field for item in replay(sealed(accused).decode()).disagreements}
    assert "DISAGREES" in replay(sealed(accused).decode()).sentence


def test_another_choice_of_twins_is_found() -> None:
    """The third model of a recipe in place of one that the sha256 of names chose."""
    text = REPORTS["twins"].to_json()
    spare = REPORTS["twins"].evidence.left_out[0].name
    chosen = REPORTS["twins"].evidence.twins[0].a
    swapped = text.replace(f'"{spare}"', '"?"').replace(f'"{chosen}"', f'"{spare}"').replace('"?"', f'"{chosen}"')
    assert not replay(sealed(json.loads(swapped)).decode()).agrees


def test_what_is_no_calibration_report_is_refused() -> None:
    content = json.loads(REPORTS["alike"].to_json())
    for broken, says in (
        (content | {"schema_version": 2}, "schema 2"),
        (content | {"surprise": 1}, "not a calibration report"),
        (content | {"b": "nobody"}, "not a calibration report"),
        (content | {"verdict": "dependent"}, "not a calibration report"),
    ):
        with pytest.raises(ReportError, match=says):
            replay(sealed(broken).decode())
    short = altered(content, ("evidence", "scores"), content["evidence"]["scores"][:-1])
    with pytest.raises(ReportError, match="each pair has one place"):
        replay(sealed(short).decode())
    with pytest.raises(InputError, match="leave models and panel out"):
        replay(REPORTS["alike"], panel="default")


def test_bytes_that_are_not_canonical_are_a_disagreement() -> None:
    assert not replay(REPORTS["alike"].to_json() + "\n\n").agrees
    assert not replay(json.dumps(json.loads(REPORTS["alike"].to_json()))).agrees


@pytest.mark.parametrize(
    ("place", "value"),
    [(("evidence", "ranks"), []), (("evidence", "primary_design"), "twins"), (("evidence", "scores", 3), 1e300)],
)
def test_a_report_that_could_not_be_shown_is_refused_when_it_is_read(place: tuple[Any, ...], value: Any) -> None:
    """Without the rank that its finding is about, or with scores whose sums are infinite."""
    content = json.loads(REPORTS["strangers"].to_json())
    with pytest.raises(ReportError):
        CalibrationReport.from_json(sealed(altered(content, place, value)).decode())
