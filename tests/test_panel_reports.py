"""What a report says of a panel: verdicts, layers located, and words no stronger than the evidence."""

from math import log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.zoo.ship import with_reference
from tests import panels
from tests.reports import words
from tests.strategies import SEEDS
from verify import ClaimReport, test_lineage
from verify.panel import ALL_PAIRS, evaluate
from verify.panel.localise import CLASSES, summarise
from verify.statistics import PRIMARY
from verify.wording.forms import at_most, verbal_cap, verbal_scale

models, reports, shipped = panels.models, panels.reports, panels.shipped
SECOND = log10(2 / 153) + 1e-9
"""log10 p of a layer of which one of the pairs of 18 models has a closer one."""


# ---- validity


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=SEEDS)
def test_cells_are_summarised_alike_whichever_model_comes_first(rows, columns, seed):
    shares = np.random.default_rng(seed).random((rows, columns))
    assert summarise(shares).shape == (CLASSES, 4)
    assert np.allclose(summarise(shares), summarise(shares.T))
    assert summarise(shares)[:, 0].sum() == shares.size
    assert np.isclose(summarise(shares)[:, 3].max(), shares.max())


# ---- verdicts on the shipped models


def test_copies_no_exact_test_can_reach_are_found_and_strangers_are_not(reports):
    """The copy re-ordered in every way, and the one whose MLP became experts, at the smallest attainable panel p."""
    for name, report in reports.items():
        primary = report.tests[PRIMARY.id]
        whole = next(rung for rung in primary.ranks if rung.design == ALL_PAIRS)
        if name in ("obfuscated-all", "moe-fine", "depth-pruned-healed"):
            assert (whole.rank, primary.log10_p) == (1, primary.attainable_log10_p)
            assert report.panel.effect_ratio > 1
        else:
            assert report.verdict == "no_evidence"
            assert whole.log10_p > -1
            assert report.panel_log10_p == 0.0
        if report.panel_log10_p is not None:
            assert report.robust_log10_p == max(report.log10_p, report.panel_log10_p)
    assert reports["obfuscated-all"].verdict == "similar_beyond_panel"
    assert reports["moe-fine"].verdict == "dependent"


def test_identical_weights_need_no_panel(shipped, models):
    report = test_lineage(models["reference"], models["reference"], panel=shipped)
    assert (report.verdict, report.panel, report.panel_log10_p, report.robust_log10_p) == (
        "identical",
        None,
        None,
        None,
    )


def test_removed_layers_align_to_the_right_ones(reports, shipped):
    """Of the reference's layers 2 and 3 were dropped: two remain of the small model's four, four of six."""
    cells = reports["depth-pruned-healed"].tests[PRIMARY.id].by_cell
    assert [(cell.layer_a, cell.layer_b) for cell in cells] == [(0, 0), (1, 1)]
    assert max(cell.log10_p for cell in cells) <= SECOND
    cells = located("depth-pruned-healed", shipped)
    assert [(cell.layer_a, cell.layer_b) for cell in cells] == [(0, 0), (1, 1), (2, 4), (3, 5)]
    assert max(cell.log10_p for cell in cells) <= SECOND


def test_reinitialised_layers_are_the_only_ones_not_significant(shipped):
    cells = located("reinitialised", shipped)
    assert {cell.layer_a for cell in cells if cell.log10_p > -1} == {2, 3}
    assert {cell.layer_a for cell in cells if cell.log10_p <= SECOND} == {0, 1, 4, 5}


def located(name, shipped):
    return evaluate(shipped, *with_reference(name)).primary.by_cell


def test_a_report_round_trips_and_its_page_names_what_it_rests_on(reports):
    """Panel, digest, every rung, audit, bound and words, and members left out."""
    for report in reports.values():
        assert ClaimReport.from_json(report.to_json()) == report
        page, use = report.to_markdown(), report.panel
        for text in (use.name, use.digest, "audit of the panel", "bound", "sensitivity", "(primary)"):
            assert text in page.lower()
        for rung in report.tests[PRIMARY.id].ranks:
            assert f"| {rung.design.replace('_', ' ')}" in page
            assert f"| {rung.rank} | {rung.size} |" in page
        for out in use.dropped:
            assert f"`{out.name}`" in page
            assert words(out.reason) in page
        assert verbal_cap(use.false_match.bound) in page
        said = " ".join(report.finding.split())
        assert ("This is no verdict: A and B score" in said) == (
            use.effect_ratio <= 1 and report.verdict == "no_evidence"
        )
        most_alike = max(report.tests[PRIMARY.id].twins, key=lambda twins: twins.score)
        assert f"`{most_alike.recipe}`" in page


def test_no_page_holds_a_stronger_word_than_the_panel_supports(reports):
    for report in reports.values():
        cap = 1 / report.panel.false_match.bound
        stronger = [row["words"] for row in verbal_scale() if row["at_least"] > cap]
        assert len(stronger) >= 4  # a hundred recipes support moderate words at most
        assert not [words for words in stronger if words in report.to_markdown()]


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (1.0, "no support"),
        (0.5 + 1e-12, "no support"),
        (0.5, "weak support"),
        (0.1 + 1e-12, "weak support"),
        (0.1, "moderate support"),
        (0.01, "moderately strong support"),
        (0.001, "strong support"),
        (1e-4, "very strong support"),
        (1.1e-6, "very strong support"),
        (1e-6, "extremely strong support"),
    ],
)
def test_words_are_capped_at_the_boundaries_of_the_scale(bound, words):
    assert verbal_cap(bound) == words


# ---- bounds are rounded up


@given(st.floats(1e-9, 1.0))
def test_a_bound_in_words_is_no_smaller_than_it_is(bound):
    """Nearest rounding would say 0.000 of ten thousand recipes, and promise too much of any."""
    assert float(at_most(bound).rstrip("%")) / 100 >= bound * (1 - 1e-6) - 1e-11


def test_a_page_names_recipes_where_the_bound_is_of_recipes(reports):
    page = reports["obfuscated-all"].to_markdown()
    use = reports["obfuscated-all"].panel
    assert use.false_match.pairs == len(use.recipes)
    assert "disjoint pairs of members" not in page
    assert f"Guaranteed bound: 0 of {len(use.recipes)} recipes" in page
    assert page.count(f"at most {at_most(use.false_match.bound)} (95% confidence)") == 3
