"""A similarity of one's own: ranked in the panel beside the primary one, kept by replay, and never decisive."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests import panels
from tests.reports import CREATED, changed, sealed
from verify import ClaimReport, Fingerprint, InputError, Panel, replay, test_lineage
from verify.panel import PRIMARY_DESIGN
from verify.statistics import PANEL_STATISTICS, Similarity

models, shipped = panels.models, panels.shipped


def width(a: Fingerprint, b: Fingerprint) -> float:
    """Alike if spreads of the value matrices of the first layers are."""
    first, second = (float(model.arrays["spread.v"][0, 1]) for model in (a, b))
    return -abs(first - second)


MINE = Similarity(
    id="first_spread",
    version=1,
    title="Spread of the first value matrix",
    source="an example",
    measures="Minus the difference of the standard deviations of the first value matrices.",
    invariances=frozenset({"unit_permutation"}),
    cost="O(1)",
    refuse=lambda a, b: (
        None if "spread.v" in a.arrays and "spread.v" in b.arrays else "a model has no value matrices"
    ),
    score=width,
)


def claim(models: dict[str, Fingerprint], panel: Panel, *mine: Similarity) -> ClaimReport:
    pair = models["stranger-1"], models["reference"]
    return test_lineage(*pair, panel=panel, statistics=mine, created=CREATED)


@pytest.fixture(scope="module")
def report(models: dict[str, Fingerprint], shipped: Panel) -> ClaimReport:
    return claim(models, shipped, MINE)


def test_it_is_ranked_by_every_design_and_brings_its_own_words(report: ClaimReport) -> None:
    result = report.tests[MINE.id]
    assert [found.id for found in report.ranked] == [*(one.id for one in PANEL_STATISTICS), MINE.id]
    *own, twins, both = [rank.design for rank in report.primary.ranks]  # twins have scores of the primary alone
    assert [rank.design for rank in result.ranks] == own
    assert (twins, both) == ("twins", PRIMARY_DESIGN)
    assert result.words == MINE.words
    for page in (report.to_markdown(), report.to_html(), report.to_latex()):
        assert "first" in page
    assert "`first_spread`" in report.to_markdown()


def test_all_else_is_as_without_it(report: ClaimReport, models: dict[str, Fingerprint], shipped: Panel) -> None:
    without = claim(models, shipped)
    assert (report.verdict, report.panel, report.panel_log10_p) == (
        without.verdict,
        without.panel,
        without.panel_log10_p,
    )
    assert report.ranked[:-1] == without.ranked


def test_however_small_its_p_it_enters_no_verdict(models: dict[str, Fingerprint], shipped: Panel) -> None:
    """One that sees the claim's two models alone as alike."""
    claimed = {models[name].record.name for name in ("stranger-1", "reference")}
    both = lambda a, b: float({a.record.name, b.record.name} == claimed)  # noqa: E731
    found = claim(models, shipped, replace(MINE, score=both))
    assert found.tests[MINE.id].ranks[0].rank == 1
    assert found.verdict == "no_evidence"


def test_replay_checks_its_p_and_lists_its_ranks(
    report: ClaimReport, models: dict[str, Fingerprint], shipped: Panel
) -> None:
    pair = models["stranger-1"], models["reference"]
    for found in (replay(report), replay(report, *pair), replay(report, *pair, shipped)):
        assert found.disagreements == ()
        assert any(kind.field.endswith("[first_spread].score") for kind in found.not_checkable)
    forged = sealed(changed(json.loads(report.to_json()), "$.evidence[panel].results[first_spread].log10_p", -9.0))
    assert any("first_spread" in item.field for item in replay(forged.decode()).disagreements)


def broken(*_: Fingerprint) -> float:
    raise KeyError("spread.x")


@pytest.mark.parametrize(
    ("mine", "says"),
    [
        (replace(MINE, score=broken), "failed (KeyError"),
        (replace(MINE, refuse=broken), "failed (KeyError"),
        (replace(MINE, score=lambda a, b: float(a.record.name < b.record.name)), "exactly symmetric"),
        (replace(MINE, id="response_match"), "is taken"),
        (replace(MINE, id="unit_identity"), "is taken"),
        (len, "a verify.statistics.Similarity"),
    ],
)
def test_one_that_cannot_be_ranked_is_refused(
    mine: Any, says: str, models: dict[str, Fingerprint], shipped: Panel
) -> None:
    with pytest.raises(InputError) as found:
        claim(models, shipped, mine)
    assert says in str(found.value)
    assert "\n" not in str(found.value)


def test_two_of_one_id_and_one_without_a_panel_are_refused(models: dict[str, Fingerprint], shipped: Panel) -> None:
    with pytest.raises(InputError, match="is taken"):
        claim(models, shipped, MINE, MINE)
    with pytest.raises(InputError, match="no panel to rank them in"):
        test_lineage(models["reference"], models["stranger-1"], statistics=[MINE])


def test_one_that_does_not_apply_states_its_reason(models: dict[str, Fingerprint], shipped: Panel) -> None:
    none: Callable[..., str] = lambda *_: "needs what neither has"  # noqa: E731
    nan: Callable[..., float] = lambda *_: float("nan")  # noqa: E731
    for mine, says in ((replace(MINE, refuse=none), "needs what neither has"), (replace(MINE, score=nan), "finite")):
        found = claim(models, shipped, mine)
        result = found.tests[MINE.id]
        assert not result.applicable
        assert says in found.say(result.reason)
        assert replay(found).disagreements == ()
