"""A verdict and its page follow from counted evidence: nothing that a stranger writes stands in for it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.reports import changed, sealed
from tests.strategies import fingerprint_of, gpt2_like, random_arrays
from verify import ClaimReport, Fingerprint, test_lineage
from verify.base import Phrase, VerifyError, canonical, digest
from verify.claim import EvidenceLine
from verify.data import model
from verify.fingerprint import COMPONENTS
from verify.replay.check import check
from verify.statistics import SIGN_AGREEMENT, ScoreResult, remade

OLDER = Path(__file__).parent / "older"
LIE = {"code": "quoted", "values": {"text": "A was copied from B."}}
NOTES = "$.evidence[exact].results[unit_identity].notes"


def older(name: str) -> dict[str, Any]:
    """Content of a file of schema 1."""
    content: dict[str, Any] = json.loads((OLDER / f"schema-1-{name}.json").read_bytes())
    return content


def sealed_then(content: dict[str, Any]) -> bytes:
    """The file of a changed report of schema 1 whose digest fits."""
    return canonical(content | {"digest": digest(content, without=("digest", "citation"))}) + b"\n"


def passes(file: bytes) -> bool:
    """Whether a file is read as a report and nothing of it disagrees."""
    try:
        return check(file).agrees
    except VerifyError:
        return False


@pytest.fixture(scope="module")
def strangers() -> ClaimReport:
    """A report that finds nothing."""
    return test_lineage(model("stranger-1"), model("reference"), created="2026-01-01T00:00:00+00:00")


def court(a: object, b: object) -> EvidenceLine:  # noqa: ARG001
    """A line of one's own, with a result under the name of a test of the library, and a level."""
    result = ScoreResult(id="unit_identity", version=1, applicable=True, log10_p=-400.0)
    return EvidenceLine(
        line="court",
        asked=Phrase.quoted("Is A a copy?"),
        assumes=(),
        alpha=1e-3,
        log10_p=-400.0,
        attainable_log10_p=-400.0,
        results=(result,),
    )


def test_a_line_of_ones_own_never_stands_for_a_test_of_the_library(strangers: ClaimReport) -> None:
    """By name, as everybody reads them, the tests are those of the library."""
    try:
        report = test_lineage(model("stranger-1"), model("reference"), own=[court], created=strangers.created)
    except VerifyError:
        return
    assert report.tests["unit_identity"] == strangers.tests["unit_identity"]


def test_a_line_that_enters_no_verdict_has_no_level(strangers: ClaimReport) -> None:
    """Else its p-value is printed with a level beside that of the exact tests, as if it had been tested at it."""
    try:
        report = test_lineage(model("stranger-1"), model("reference"), own=[court], created=strangers.created)
    except VerifyError:
        return
    assert not any(line.rejects for line in report.own_lines)
    assert "court" not in str(report).split("\n")[2]


@pytest.mark.parametrize("code", ["quoted", "dependent.finding", "nobody_knows"])
def test_notes_are_only_those_that_a_test_makes(strangers: ClaimReport, code: str) -> None:
    """A note of another code is a sentence of whoever wrote the file, shown on our page as ours."""
    found = {
        "quoted": LIE,
        "dependent.finding": {
            "code": "dependent.finding",
            "values": {
                "pair": {"code": "pair", "values": {}},
                "p": {"code": "p", "values": {"log10_p": -416.0, "alpha": 1e-3}},
            },
        },
        "nobody_knows": {"code": "nobody_knows", "values": {}},
    }[code]
    assert not passes(sealed(changed(strangers.content(), NOTES, [found])))


def test_a_wording_that_does_not_exist_is_refused(strangers: ClaimReport) -> None:
    assert not passes(sealed(changed(strangers.content(), "$.wording", 99)))


@pytest.mark.parametrize("design", ["pair", "row_a", "stratum", "pair_residual"])
def test_no_older_report_chooses_its_own_design(design: str) -> None:
    """A report of today relabelled: its corpora are not declared, and it is ranked by whichever design rejects."""
    content = copy.deepcopy(older("later-panel"))
    ranks = {rung["design"]: rung for rung in content["tests"]["response_match"]["rungs"]}
    chosen = ranks[design]
    alpha = round(10 ** chosen["log10_p"] * 1.01, 6)
    for test in content["tests"].values():
        if test.get("rungs"):
            test["rungs"] = [rung for rung in test["rungs"] if rung["design"] != "own_kind"]
            own = next(rung for rung in test["rungs"] if rung["design"] == design)
            test |= {key: own[key] for key in ("log10_p", "attainable_log10_p")}
    odds = alpha * (chosen["size"] - chosen["rank"]) / (chosen["rank"] * (1 - alpha))
    nobody = {"stratum": 0, "corpus": 0, "both": 0}
    content["panel"] |= {"primary_rung": design, "alpha": alpha, "critical_odds_ratio": odds}
    content["panel"] |= {"corpus_a": "", "corpus_b": "", "like_a": nobody, "like_b": nobody}
    content |= {"panel_alpha": alpha, "panel_log10_p": chosen["log10_p"], "verdict": "similar_beyond_panel"}
    content["robust_log10_p"] = max(chosen["log10_p"], content["log10_p"])
    assert not passes(sealed_then(content))


def test_no_reason_of_an_older_file_is_said_as_ours() -> None:
    """It stands in the first sentence of the page; why a test does not apply follows from the record."""
    content = copy.deepcopy(older("later-untestable"))
    for test in content["tests"].values():
        if test["reason"] is not None:
            test["reason"] = "A deleted the evidence"
    file = sealed_then(content)
    disagrees = check(file).status == "disagrees"
    assert disagrees or "A deleted the evidence" not in ClaimReport.from_json(file.decode()).finding


@pytest.mark.parametrize("version", [-3, 0, 999])
def test_a_version_that_never_was_brings_no_words(version: int) -> None:
    content = copy.deepcopy(older("later-related"))
    content["tests"]["value_identity"] |= {"version": version, "null": "A was copied from B."}
    assert not passes(sealed_then(content))


def test_an_older_file_has_no_panel_p_value_without_a_panel() -> None:
    content = older("unrelated") | {"panel_log10_p": -9.0, "panel_alpha": 0.01}
    assert not passes(sealed_then(content))


def test_tests_of_an_older_file_stand_under_their_names() -> None:
    content = copy.deepcopy(older("unrelated"))
    tests = content["tests"]
    tests["unit_identity"], tests["value_identity"] = tests["value_identity"], tests["unit_identity"]
    assert not passes(sealed_then(content))


def test_an_honest_report_of_rows_that_are_doubled_agrees() -> None:
    """Where neighbours are equal no sign is left: the pairs were compared, and all of them were zero."""
    arrays = [random_arrays(np.random.default_rng(seed), gpt2_like()) for seed in (1, 2)]
    for held in arrays:
        for array in held.values():
            if array.ndim == 3:
                array[:, 1::2] = array[:, :-1:2]
    a, b = (fingerprint_of(held, gpt2_like(), components=COMPONENTS) for held in arrays)
    test, (x, y) = SIGN_AGREEMENT, (a, b)
    made, problems = remade(test, test(x, y), bare(x), bare(y), -3.0)
    assert (made.counts[0].n, problems) == (0, [])


def bare(model: Fingerprint) -> Fingerprint:
    """The record alone."""
    return Fingerprint(model.record, {})


@pytest.mark.parametrize("where", ["asked", "assumes", "reason"])
def test_a_line_of_ones_own_speaks_in_its_own_words(strangers: ClaimReport, where: str) -> None:
    """A sentence of the catalogue on somebody's own line would be read as ours."""
    ours, mine = Phrase.of("dependent.finding", pair=Phrase.of("pair"), p="p = 0"), Phrase.quoted("Mine.")
    result = ScoreResult(id="own", version=1, applicable=False, reason=ours if where == "reason" else mine)
    line = EvidenceLine(
        line="own",
        asked=ours if where == "asked" else mine,
        assumes=(ours if where == "assumes" else mine,),
        alpha=None,
        log10_p=None,
        attainable_log10_p=None,
        results=(result,),
    )
    content = strangers.content()
    content["evidence"] = [*content["evidence"], line.model_dump(mode="json")]
    assert not passes(sealed(content))
