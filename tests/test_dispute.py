"""The page about the dispute is what its script makes of the committed data, and says what these data show."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import verify
from examples.dispute.__main__ import DATA
from examples.dispute.base_rate import base_rate
from examples.dispute.correlations import Row, read_rows
from examples.dispute.cross_family import CrossFamily
from examples.dispute.generate import HERE, generate, read_results
from examples.dispute.page import TEMPLATE, page
from examples.dispute.populations import CLAIMED, DEPTH, family
from examples.dispute.published import published
from examples.dispute.reenactment import CASES, CHILD, real_case

DERIVED_CASE = next(case for case in CASES if case.name == CHILD)
STRANGER_CASES = [case for case in CASES if case.name != CHILD]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read_rows(HERE / "correlations.csv")


@pytest.fixture(scope="module")
def facts(rows: list[Row]) -> dict[str, Any]:
    return base_rate(rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page and its reports, made again from the committed correlations and fingerprints."""
    folder = tmp_path_factory.mktemp("dispute")
    generate(folder)
    return folder


def near(found: Any) -> Any:
    """Equal in every word and integer, and in real numbers up to how processors round."""
    if isinstance(found, dict):
        return {key: near(value) for key, value in found.items()}
    if isinstance(found, list):
        return [near(value) for value in found]
    return pytest.approx(found, rel=1e-6, abs=1e-9) if isinstance(found, float) else found


def test_the_results_are_what_the_script_makes_of_the_committed_data(made: Path) -> None:
    assert read_results(made / "results.json") == near(read_results())


def test_the_page_is_what_the_template_makes_of_the_results() -> None:
    assert (HERE / "README.md").read_text("utf-8") == page(read_results())


def test_a_number_altered_in_the_results_is_seen() -> None:
    results = read_results()
    results["base_rate"]["classes"]["grids"]["reach"] += 1
    assert (HERE / "README.md").read_text("utf-8") != page(results)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_reports_are_what_the_script_makes_of_the_committed_fingerprints(made: Path, case) -> None:
    """All but the versions of the software, and the digest over them."""
    again, kept = (
        verify.ClaimReport.from_json(folder / "reports" / case.name / "report.json").model_dump(
            include={"a", "b", "verdict", "finding", "alpha", "multiplicity", "limitations", "chronology", "created"}
        )
        for folder in (made, HERE)
    )
    assert again == kept


@pytest.mark.skipif(not DATA.is_dir(), reason="the published statistics are not beside this repository")
def test_the_correlations_are_those_of_the_published_statistics(rows: list[Row]) -> None:
    assert published(DATA) == rows


def test_no_measured_number_is_typed_into_the_template() -> None:
    text = re.sub(r"arXiv \d{4}\.\d{5}|Apache-2\.0|ww-trends-2020", "", TEMPLATE.read_text("utf-8"))
    outside = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    assert not re.findall(r"(?<![\w.])\d*\.\d+(?![\w.])|\b\d{3,}\b", outside)


def test_every_pair_is_listed_once_and_has_a_class_and_a_rule(rows: list[Row]) -> None:
    assert len({(row.source, row.group, frozenset((row.a, row.b))) for row in rows}) == len(rows)
    assert {row.kind for row in rows} == {"same_recipe", "derived", "unrelated", "kin"}
    assert all(row.rule for row in rows)
    assert all(-1 <= row.low <= row.high <= 1 for row in rows)


def counts(share: dict[str, Any]) -> tuple[int, int]:
    return share["reach"], share["pairs"]


def test_pairs_of_one_depth_and_different_widths_have_the_known_distribution(facts: dict[str, Any]) -> None:
    """820 pairs, mean .25, 95th percentile .81 were known; the two set aside are two trainings of one recipe."""
    widths = facts["widths"]
    assert widths["all"]["pairs"] == 822
    assert widths["without"]["pairs"] == 820
    assert widths["without"]["mean"] == pytest.approx(0.25, abs=0.005)
    assert widths["without"]["quantile_95"] == pytest.approx(0.81, abs=0.006)
    assert [row["group"] for row in widths["reaching"]] == ["OWL-ViT, text towers"] * 2
    assert widths["reaching_is_one_recipe"]


def test_separate_trainings_of_one_recipe_reach_the_claim(facts: dict[str, Any]) -> None:
    classes = facts["classes"]
    assert counts(classes["grids"]) == (7, 103)
    assert counts(classes["opus"]) == (17, 352)
    assert counts(classes["big"]) == (8, 39)
    assert float(facts["known"]["vit"]["r"]) == pytest.approx(0.987, abs=0.001)
    assert counts(classes["deep"]) == (0, 49)  # and the page says so
    assert facts["gpt2"]["curve"] == pytest.approx(0.994, abs=0.001)


def test_known_derivations_lie_on_both_sides_of_the_claim(facts: dict[str, Any]) -> None:
    assert counts(facts["classes"]["plainest"]) == (9, 9)
    assert facts["classes"]["plainest"]["least"] == pytest.approx(0.989, abs=0.001)
    assert ("google/gemma-2b", 0.456) in {(row["a"], row["low"]) for row in facts["below"]}
    assert float(facts["known"]["layoutlm"]["r"]) == pytest.approx(0.884, abs=0.001)


def test_among_other_families_strangers_of_one_recipe_get_the_smallest_p_there_is(facts: dict[str, Any]) -> None:
    """The reason not to trust that null: the raw rank, which the residual mends in part."""
    for known in facts["known"].values():
        assert known["raw"] == {"rank": 1, "size": 171}
        if known["truth"] == "separate trainings":
            assert known["residual"]["rank"] > 1


def test_models_of_other_families_reach_the_claim_only_where_laboratory_and_recipe_are_one(
    facts: dict[str, Any],
) -> None:
    assert counts(facts["classes"]["unrelated"]) == (18, 2012)
    assert facts["highest"]["unrelated_families"] == ["SigLIP / ViT"]
    assert facts["null"]["disjoint_rank"]["rank"] == 1


def test_the_blind_pairs_of_translators_share_no_model(rows: list[Row]) -> None:
    for group in {row.group for row in rows if row.group.startswith("OPUS-MT")}:
        names = [name for row in rows if row.group == group for name in (row.a, row.b)]
        assert len(set(names)) == len(names)


def test_one_model_stands_for_each_family_and_all_its_pairs_are_there(rows: list[Row]) -> None:
    panel = CrossFamily.of(rows)
    assert len({family(name) for name in panel.names}) == len(panel.names) == 18
    assert all(panel.score(a, b) < CLAIMED for a, b in combinations(panel.names, 2))


def test_the_child_is_found_and_the_strangers_are_not(made: Path) -> None:
    reports = {case: verify.ClaimReport.from_json(made / "reports" / case.name / "report.json") for case in CASES}
    child = reports[DERIVED_CASE]
    assert child.verdict == "dependent"
    assert child.tests["value_identity"].log10_p < -90
    assert child.a.architecture.family == "pangu_pro_moe"
    assert child.a.architecture.layers == child.b.architecture.layers == DEPTH
    for case in STRANGER_CASES:
        assert reports[case].verdict == "no_evidence", case.name
        assert reports[case].power
        ranks = {rung.design: rung.log10_p for rung in reports[case].tests["response_match"].ranks}
        assert ranks["twins_and_pair_larger"] > -2


def test_the_real_case_could_be_decided(made: Path) -> None:
    """48 layers of 8 kv heads, 16 channels each: strength if all agree, and what a negative would exclude."""
    report = verify.ClaimReport.from_json(made / "reports" / DERIVED_CASE.name / "report.json")
    real = real_case(report)
    assert (real["groups"], real["channels"]) == (384, 6144)
    assert real["attainable"] < -4800
    assert 0.05 < real["detectable"] < 0.1
    assert "value_identity" in real["applicable"]


def test_the_script_runs_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, HERE / "adjudicate.py", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Adjudicate the dispute" in done.stdout
