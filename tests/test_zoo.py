"""The truth table: real trained models of known lineage, every derivation and evasion, every stranger."""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import pytest

import verify
from benchmarks.zoo.build import ZOO
from benchmarks.zoo.ship import load, with_reference
from tests.uniformity import check_super_uniform
from verify.data import model, models
from verify.statistics import EXACT_TESTS

MODELS, reference_of = ZOO.models, ZOO.reference_of
FINGERPRINTS = Path(__file__).parents[1] / "benchmarks" / "zoo" / "fingerprints"
TABLES = FINGERPRINTS.parents[1] / "tables"
DERIVED = [name for name, spec in MODELS.items() if spec.get("detects")]
UNRELATED = [name for name, spec in MODELS.items() if not spec.get("detects") and reference_of(name) != name]
STRANGERS = ["reference", *(name for name in MODELS if name.startswith(("stranger-", "other-", "moe-stranger")))]


@pytest.fixture(scope="module")
def zoo() -> dict[str, verify.Fingerprint]:
    return {name: load(name) for name in MODELS}


@pytest.mark.parametrize("name", DERIVED)
def test_a_derivation_is_found_by_the_tests_that_survive_it(name: str) -> None:
    report = verify.test_lineage(*with_reference(name))
    assert report.verdict == "dependent"
    for test in MODELS[name]["detects"]:
        assert report.tests[test].log10_p < -9, test


@pytest.mark.parametrize("name", UNRELATED)
def test_nothing_is_found_where_no_symmetry_test_may_find(name: str) -> None:
    """Strangers, a model distilled from logits, and the copy that was changed in every way."""
    report = verify.test_lineage(*with_reference(name))
    assert report.verdict == "no_evidence"
    assert report.power


@pytest.mark.parametrize("test", EXACT_TESTS, ids=lambda test: test.id)
def test_no_pair_of_strangers_is_rejected(test, zoo: dict[str, verify.Fingerprint]) -> None:
    """All pairs, whatever their shape; at no level more rejections than a valid test would give.

    The pairs share models, so this is a look and not a measurement of size: that is the table of
    ``benchmarks/size_study.py``, on fresh models for every pair.
    """
    results = [test(zoo[a], zoo[b]) for a, b in combinations(STRANGERS, 2)]
    values = [result.log10_p for result in results if result.log10_p is not None]
    assert all(value > -3 for value in values)
    if len(values) >= 28:  # fingerprints of an older sketch have nothing for some tests
        check_super_uniform(values, least=28)


def test_the_reference_alone_among_strangers_of_one_recipe_has_28_pairs() -> None:
    """The table holds at least eight strangers of one configuration."""
    alike = [name for name in STRANGERS if name.startswith(("reference", "stranger"))]
    assert len(list(combinations(alike, 2))) >= 28


@pytest.mark.parametrize("name", models())
def test_shipped_models_agree_with_the_truth_they_carry(name: str) -> None:
    """The small versions inside the library are found, or not, as the large ones are."""
    spec = MODELS[name]
    if reference_of(name) == name:
        return
    report = verify.test_lineage(model(name), model(reference_of(name)))
    assert report.verdict == ("dependent" if spec.get("detects") else "no_evidence")


def test_a_shipped_model_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match="No shipped model is named 'nobody'"):
        model("nobody")


def test_every_test_is_super_uniform_on_fresh_trained_strangers() -> None:
    """The checked-in study: two models trained for each pair alone, so the p-values are independent."""
    with (TABLES / "size.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for architecture in dict.fromkeys(row["architecture"] for row in rows):
        for test in EXACT_TESTS:
            found = [row[test.id] for row in rows if row["architecture"] == architecture and row[test.id]]
            if found:
                check_super_uniform([float(value) for value in found])
