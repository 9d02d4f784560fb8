"""Whatever is changed in a report is found by replay from the record alone, and named."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.replays import PAIRS, caught, made, outcome, text
from tests.reports import CREATED, changed, sealed, with_results, words
from verify import Fingerprint, fingerprint, replay, test_lineage
from verify.base import Phrase
from verify.data import model
from verify.replay.agreement import Replay, leaves
from verify.replay.check import check
from verify.replay.recompute import recompute
from verify.replay.unchecked import INPUTS, UNCHECKED, unchecked

pytestmark = pytest.mark.slow

PLAIN = [name for name in PAIRS if name != "panel"]


def flipped(name: str, data: st.DataObject) -> None:
    source = text(name)
    at, bit = data.draw(st.integers(0, len(source) - 1)), data.draw(st.integers(0, 7))
    other = source[:at] + bytes([source[at] ^ 1 << bit]) + source[at + 1 :]
    assert caught(other)
    found = outcome(other)
    if isinstance(found, Replay) and json.loads(other) == json.loads(source):
        assert [item.field for item in found.disagreements] == ["$"]
        assert f"not canonical from byte {at}" in str(found.disagreements[0].recorded)


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_flipped_bit_is_found(data: st.DataObject) -> None:
    flipped(data.draw(st.sampled_from(PLAIN)), data)


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_flipped_bit_of_a_report_with_a_panel_is_found(data: st.DataObject) -> None:
    flipped("panel", data)


def numbers(name: str) -> list[tuple[str, float]]:
    """Numbers of a report that are checked."""
    kinds = unchecked(made(name))
    return [
        (field, value)
        for field, value in leaves(json.loads(text(name)))
        if isinstance(value, int | float) and not isinstance(value, bool) and not any(k.covers(field) for k in kinds)
        if field != "$.shared_anchors"  # an input that decides by a threshold alone
    ]


def others(field: str, value: float) -> list[float]:
    """Other values for a number: close, and far."""
    whole = isinstance(value, int) and "log10" not in field
    return [value + 1, value - 1] if whole else [value * (1 + 1e-6) + 1e-7, value / 2 - 1e-3]


@pytest.mark.parametrize("name", PLAIN)
def test_any_changed_number_is_found_though_sealed_again(name: str) -> None:
    """Every number of a report but those of `UNCHECKED`; of all but one report, one of each kind of number.

    A kind is a path but for the places in lists: the same test, the same field.
    """
    content, found = json.loads(text(name)), numbers(name)
    assert len(found) >= (0 if name == "itself" else 60)
    if name != "child":
        random.Random(name).shuffle(found)
        found = [*{re.sub(r"\d+", "0", field): (field, value) for field, value in found}.values()]
    missed = [
        (field, other)
        for field, value in found
        for other in others(field, value)
        if not caught(sealed(changed(content, field, other)))
    ]
    assert missed == []


def test_any_changed_number_of_a_panel_test_is_found_though_sealed_again() -> None:
    """A sample of those beyond the exact tests, each kind of number at least once."""
    content, rng = json.loads(text("panel")), random.Random(0)
    kinds: dict[str, list[tuple[str, float]]] = {}
    for field, value in numbers("panel"):
        kind = re.sub(r"\d+", "0", field)
        if "panel" in field or "robust" in field or "ranks" in field or "match" in field:
            kinds.setdefault(kind, []).append((field, value))
    assert len(kinds) > 25
    for fields in kinds.values():
        field, value = rng.choice(fields)
        if re.match(r"\$\.evidence\[panel\]\.results\[response_match\]\.(scores|twins)", field):
            continue  # caught where it moves a rank, which is listed
        assert caught(sealed(changed(content, field, rng.choice(others(field, value))))), field


@pytest.mark.parametrize("name", ["stranger", "child", "fewer tests", "itself"])
def test_any_changed_text_is_found_though_sealed_again(name: str) -> None:
    """Verdict, sentences, nulls, assumptions, reasons, truth values; all but those of `UNCHECKED`."""
    content, kinds, missed = json.loads(text(name)), unchecked(made(name)), []
    for field, value in leaves(content):
        if not isinstance(value, str | bool) or any(kind.covers(field) for kind in kinds):
            continue
        if field == "$.digest" or field.endswith(".order"):  # an order is no field of its own
            continue
        if not caught(sealed(changed(content, field, not value if isinstance(value, bool) else value + "."))):
            missed.append(field)
    assert missed == []


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("child", "$.verdict", "no_evidence"),
        ("stranger", "$.verdict", "dependent"),
        ("stranger", "$.verdict", "identical"),
        ("child", "$.evidence[exact].log10_p", -500),
        ("child", "$.evidence[exact].results[unit_identity].log10_p", -999),
        ("child", "$.evidence[exact].results[unit_identity].adjusted_log10_p", -0.5),
        ("child", "$.evidence[exact].alpha", 0.01),
        ("searched", "$.searched", 1),
        ("child", "$.evidence[exact].asked.code", "other"),
        ("child", "$.evidence[exact].assumes", []),
        ("child", "$.evidence[exact].attainable_log10_p", -1),
        ("child", "$.declared.status", "declared_confirmed"),
        ("child", "$.provenance.effort", "screen"),
        ("less effort", "$.provenance.effort", "standard"),
        ("less effort", "$.provenance.sketch.units", 64),
        ("child", "$.evidence[exact].results[sign_agreement].applicable", False),
        ("child", "$.evidence[exact].results[unit_identity].counts[0].live", 3),
        ("child", "$.evidence[exact].results[unit_identity].by_layer[0].live", 3),
        ("child", "$.evidence[exact].results[unit_identity].set_aside", ["hidden units"]),
        ("child", "$.evidence[exact].results[sign_agreement].set_aside", ["signs of hidden units"]),
        ("child", "$.evidence[exact].results[stream_identity].set_aside", ["signs"]),
        ("child", "$.evidence[exact].results[unit_identity].effect.cosine_identified", 7.5),
        ("child", "$.evidence[exact].results[unit_identity].by_layer[0].layer_a", 9),
        ("child", "$.created", "once"),
        ("panel", "$.verdict", "dependent"),
        ("panel", "$.evidence[panel].log10_p", -4),
        ("panel", "$.panel.critical_odds_ratio", 50),
        ("panel", "$.panel.false_match.bound", 0.01),
        ("panel", "$.panel.audit.sizes[0].excess_p", 0.5),
        ("panel", "$.evidence[panel].results[response_match].scores[0]", 0.99),
        ("panel", "$.evidence[panel].results[response_match].scores", [0.9]),
        ("panel", "$.evidence[panel].results[response_match].scores[100]", 0.99),
        ("panel", "$.evidence[panel].results[response_match].by_cell[0].log10_p", -4),
        ("panel", "$.evidence[panel].results[spread_correlation].ranks[0].rank", 1),
        ("panel", "$.panel.members[0].stratum", "another"),
        ("panel", "$.panel.primary", "spread_correlation"),
        ("panel", "$.panel.stratum_a", "another"),
        ("panel", "$.panel.like_a.both", 29),
    ],
)
def test_a_change_that_matters_is_found_though_sealed_again(name: str, field: str, value: Any) -> None:
    found = outcome(sealed(changed(json.loads(text(name)), field, value)))
    assert isinstance(found, Replay)
    assert not found.agrees
    assert not {item.field for item in found.disagreements} & {"$", "$.digest"}


@pytest.mark.parametrize(
    "name",
    [
        "the vocabularies share 3 anchor tokens",
        "the vocabularies share 3 anchor tokens, fewer than 32",
        "the weights are identical, so there is nothing to test",
        "2 pairs of blocks look like copies of one another and were merged into 1 (the largest of 2).",
        "Hidden units were left out: signs",
        "best_of_50",
    ],
)
def test_nothing_is_read_out_of_a_sentence(name: str) -> None:
    """Models named like sentences of the library, in reasons that name them, make no report disagree."""
    models = []
    for which in ("fine-tuned", "reference"):
        found = fingerprint(model(which))
        shape = found.record.architecture.model_copy(update={"positions": "unknown", "model_type": name})
        record = found.record.model_copy(update={"name": name, "architecture": shape})
        models.append(Fingerprint(record, found.arrays))
    report = test_lineage(*models, created=CREATED)
    assert any(name in words(test.reason) for test in report.tests.values())
    assert report.tests["response_identity"].applicable
    assert check(report).disagreements == ()
    assert replay(report, *models).disagreements == ()


@pytest.mark.parametrize("test", ["unit_identity", "value_identity", "response_identity", "stream_identity"])
def test_a_test_cannot_be_dropped_by_stating_a_reason(test: str) -> None:
    """Neither as it is, nor with all that follows from it made to fit."""
    report = made("child")
    said = Phrase.of("few_shared_anchors", shared=3, least=32)
    empty = report.tests[test].model_copy(
        update={"applicable": False, "reason": said, "counts": (), "by_layer": (), "effect": None, "log10_p": None}
    )
    dropped = with_results(report, empty)
    assert f"$.evidence[exact].results[{test}].applicable" in {
        item.field for item in check(dropped.sealed()).disagreements
    }
    fitting, _ = recompute(dropped)
    found = check(fitting)
    if test == "stream_identity":  # how many dimensions are compared follows from the record: none of them matched
        assert fitting.tests[test].counts[0].n == report.tests[test].counts[0].n
    else:
        told = [item.field for item in found.disagreements if not item.field.endswith(".places")]
        assert told == [f"$.evidence[exact].results[{test}].counts[0].n"]


def test_tests_dropped_by_a_stated_number_are_listed_and_the_models_show_it() -> None:
    """How many anchors are shared is recorded as a number, and listed among what was not checked."""
    report = made("child")
    forged, problems = recompute(report.model_copy(update={"shared_anchors": 3}))
    assert not problems
    assert not forged.tests["stream_identity"].applicable
    assert "share 3 anchor tokens" in words(forged.tests["stream_identity"].reason)
    found = check(forged)
    assert found.agrees
    assert any(kind.covers("$.shared_anchors") for kind in found.not_checkable)
    a, b, _ = PAIRS["child"]
    assert "$.shared_anchors" in {item.field for item in replay(forged, model(a), model(b)).disagreements}


def test_what_all_rests_on_is_listed_first() -> None:
    """Counts, and with a panel the scores: whether they are of these models, no arithmetic tells."""
    for name, fields in (
        (
            "child",
            [
                "$.evidence[exact].results[unit_identity].counts[0].count",
                "$.evidence[exact].results[unit_identity].by_layer[0].n",
            ],
        ),
        (
            "panel",
            [
                "$.evidence[panel].results[response_match].scores[3]",
                "$.evidence[panel].results[spread_correlation].ranks[0].rank",
            ],
        ),
    ):
        listed = check(text(name)).not_checkable
        first = next(i for i, kind in enumerate(listed) if kind in UNCHECKED)
        assert all(any(kind.covers(field) for kind in listed[:first]) for field in fields)
    assert check(text("child")).not_checkable[0] == INPUTS[0]


def test_what_was_emptied_is_listed() -> None:
    """Files and declared bases that a forger took away are named as not checked, as those that are there are."""
    content = json.loads(text("child"))
    emptied = sealed(changed(changed(content, "$.a.files", []), "$.a.declared_bases", []))
    found = check(emptied)
    assert all(any(k.covers(f) for k in found.not_checkable) for f in ("$.a.files", "$.a.declared_bases"))
    a, b, _ = PAIRS["child"]
    found = replay(emptied.decode(), model(a), model(b))
    assert any(kind.covers("$.a.files") for kind in found.not_checkable)


@pytest.mark.parametrize("effort", ["standard", "full"])
def test_more_effort_than_was_made_is_found_with_the_models_too(effort: str) -> None:
    a, b, _ = PAIRS["less effort"]
    source = sealed(changed(json.loads(text("less effort")), "$.provenance.effort", effort)).decode()
    assert "$.provenance.effort" in {item.field for item in replay(source, model(a), model(b)).disagreements}
