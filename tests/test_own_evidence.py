"""Evidence of one's own: recorded, shown in every format, kept by replay, and never part of the verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import log10
from typing import Any

import pytest

from tests import claims
from tests.claims import claim as claimed
from tests.reports import changed, sealed
from verify import ClaimReport, Fingerprint, InputError, replay
from verify.base import Phrase
from verify.claim import EvidenceLine
from verify.statistics import EstimateResult, ScoreResult

fingerprints, models, reports = claims.fingerprints, claims.models, claims.reports

Own = Callable[[Fingerprint, Fingerprint], EvidenceLine]
FORMS = ("markdown", "latex", "html")


def line_of(name: str, *results: Any, log10_p: float | None = None) -> EvidenceLine:
    """A line under a name of its own."""
    return EvidenceLine(
        line=name,
        asked=Phrase.quoted("How alike are the outputs?"),
        assumes=(),
        alpha=None,
        log10_p=log10_p,
        attainable_log10_p=log10_p,
        results=results,
    )


def calibrated(*_: Fingerprint) -> EvidenceLine:
    """A score that none of 999 reference scores reaches, in the lowest thousandth."""
    rank = {"log10_p": -3.0, "attainable_log10_p": -3.0, "score": 0.875, "calibration": "mine", "n": 999}
    result = ScoreResult(id="my_score", version=1, applicable=True, exceedances=0, **rank)
    return line_of("output_score", result, log10_p=-3.0)


def estimated(*_: Fingerprint) -> EvidenceLine:
    """An estimate with its interval, which has no p-value."""
    interval = {"estimate": 0.25, "low": 0.125, "high": 0.375, "confidence": 0.95}
    return line_of(
        "overlap_estimate",
        EstimateResult(id="my_estimate", version=1, applicable=True, quantity="shared share", **interval),
    )


OWN: tuple[Own, ...] = (calibrated, estimated)


@pytest.fixture(scope="module")
def report(fingerprints: dict[str, Fingerprint]) -> ClaimReport:
    """Two strangers, with both lines."""
    return claimed(fingerprints["stranger"], fingerprints["parent"], own=OWN)


def test_lines_are_recorded_as_they_were_given(report: ClaimReport) -> None:
    """After those of the library, in the order given, with every number; and a file keeps them."""
    assert report.own_lines == (calibrated(), estimated())
    assert [line.line for line in report.evidence] == ["exact", "output_score", "overlap_estimate"]
    assert ClaimReport.from_json(report.to_json()) == report
    assert not {"my_score", "my_estimate"} & report.tests.keys()  # these are the library's


@pytest.mark.parametrize(
    ("verdict", "name"), [("dependent", "child"), ("no_evidence", "stranger"), ("identical", "parent")]
)
def test_no_line_enters_a_verdict(
    verdict: str, name: str, reports: dict[str, ClaimReport], fingerprints: dict[str, Fingerprint]
) -> None:
    """However small its p-value: same verdict, finding and p-value as without."""
    certain = line_of("certain", *calibrated().results, log10_p=-500.0)
    given = claimed(fingerprints[name], fingerprints["parent"], own=[lambda *_: certain])
    assert given.verdict == verdict
    assert (given.verdict, given.log10_p, given.finding) == (
        reports[verdict].verdict,
        reports[verdict].log10_p,
        reports[verdict].finding,
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_page_shows_the_lines_and_their_numbers(form: str, report: ClaimReport) -> None:
    """Score, rank and interval; and that they enter no verdict."""
    page = getattr(report, f"to_{form}")().replace("\\_", "_").replace("\\%", "%").replace("\\allowbreak{}", "")
    for said in ("output_score", "overlap_estimate", "my_score", "my_estimate", "shared share"):
        assert said in page, said
    for number in ("0.875", "0.250", "0.125", "0.375", "95%"):
        assert number in page, number
    assert "How alike are the outputs" in " ".join(page.split())
    assert "enters no verdict" in " ".join(page.split())


def test_replay_agrees_and_lists_what_it_cannot_check(
    report: ClaimReport, fingerprints: dict[str, Fingerprint]
) -> None:
    """From the record alone and with the models, which do not tell how a line was found: it is listed by both, also
    where it was changed and sealed again."""
    forged = sealed(changed(json.loads(report.to_json()), "$.evidence[output_score].results[my_score].score", 0.99))
    models = fingerprints["stranger"], fingerprints["parent"]
    for source in (report, ClaimReport.from_json(forged.decode())):
        for found in (replay(source), replay(source, *models)):
            assert found.disagreements == ()
            unchecked = {kind.field for kind in found.not_checkable}
            assert {"$.evidence[output_score]*", "$.evidence[overlap_estimate]*"} <= unchecked
    altered = report.to_json().replace('"score":0.875', '"score":0.876') + "\n"
    assert replay(altered).disagreements != ()


@pytest.mark.parametrize("name", ["exact", "panel"])
def test_the_names_of_the_library_are_refused(name: str, fingerprints: dict[str, Fingerprint]) -> None:
    """Whoever could write under them could write a verdict."""
    with pytest.raises(InputError, match="under another name than exact and panel"):
        claimed(fingerprints["stranger"], fingerprints["parent"], own=[lambda *_: line_of(name)])


@pytest.mark.parametrize("given", [None, 0.5, {"line": "mine"}, "mine"], ids=str)
def test_what_is_no_line_is_refused(given: Any, fingerprints: dict[str, Fingerprint]) -> None:
    """In a sentence that says what to give."""
    with pytest.raises(InputError, match="give an EvidenceLine"):
        claimed(fingerprints["stranger"], fingerprints["parent"], own=[lambda *_: given])


def test_a_calibrated_score_states_the_rank_that_it_is() -> None:
    """The p-value of the line is that of the rank: one more than were reached, of one more than there are."""
    result = calibrated().results[0]
    assert result.log10_p == pytest.approx(log10((1 + result.exceedances) / (result.n + 1)))
