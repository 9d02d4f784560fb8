"""A table of scores becomes a report: read strictly, ranked by a design fixed before, the same for the same table."""

from __future__ import annotations

import json
from hashlib import sha256
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from schemas.__main__ import HERE
from tests.calibrations import A, B, alike, long_csv, names, report, rows_of, square_csv, strangers, twins
from tests.claims import HOSTILE
from verify import CalibrationReport, InputError
from verify.calibrate.scale import on_scale
from verify.inference import false_match_bound, two_way_residual

RAW = ("pair", "row_a", "row_b", "stratum")


def facts(found: CalibrationReport) -> dict[str, Any]:
    """All that a report holds, but where its table came from, and its seal."""
    content = found.facts()
    content["evidence"].pop("source")
    content.pop("digest")
    return content


# ---- the table


@settings(max_examples=20)
@given(st.randoms(use_true_random=False), st.integers(0, 99))
def test_the_order_of_rows_and_of_names_in_them_does_not_matter(random: Any, seed: int) -> None:
    rows = rows_of(strangers(7, seed))
    shuffled = [(b, a, score) if random.random() < 0.5 else (a, b, score) for a, b, score in rows]
    random.shuffle(shuffled)
    assert report(shuffled).to_json() == report(rows).to_json()


def test_one_table_in_every_form_gives_one_result(tmp_path: Path) -> None:
    S = alike(7)
    rows, called = rows_of(S), names(7)
    nested = {a: {b: float(S[i, j]) for j, b in enumerate(called)} for i, a in enumerate(called)}
    forms: list[Any] = [
        {(a, b): score for a, b, score in rows},
        nested,
        long_csv(tmp_path / "long.csv", rows),
        str(square_csv(tmp_path / "square.csv", S)),
    ]
    expected = facts(report(rows))
    assert [facts(report(form)) for form in forms] == [expected] * 4
    assert facts(report(S, names=called)) == expected
    upper = [[name, *("" if j <= i else S[i, j] for j in range(7))] for i, name in enumerate(called)]
    assert facts(report(long_csv(tmp_path / "upper.csv", upper, ["", *called]))) == expected


def test_the_same_table_gives_the_same_bytes_and_names_its_file(tmp_path: Path) -> None:
    path = long_csv(tmp_path / "scores.csv", rows_of(alike(7)))
    first, second = report(path), report(path)
    assert first.to_json() == second.to_json()
    assert first == second
    for form in ("md", "tex", "html", "json"):
        assert first.to(form) == second.to(form)
    source = first.evidence.source
    assert (source.name, source.sha256) == ("scores.csv", sha256(path.read_bytes()).hexdigest())
    assert (source.models, source.pairs) == (7, 21)
    assert str(tmp_path) not in first.to_json()


def test_a_report_is_read_back_whole_and_an_altered_one_is_refused(tmp_path: Path) -> None:
    found = report(rows_of(alike(7)))
    found.to_json(tmp_path / "report.json")
    assert CalibrationReport.from_json(tmp_path / "report.json") == found
    with pytest.raises(InputError, match="altered"):
        CalibrationReport.from_json(found.to_json().replace('"score":9', '"score":8'))


# ---- ranks and scales


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([lambda x: x**3, np.exp, lambda x: 2 * x - 5]))
def test_increasing_functions_of_the_scores_leave_raw_ranks_alone(seed: int, function: Any) -> None:
    S = strangers(7, seed, tied=True)
    strata = dict.fromkeys(names(7), "one") | {"model-6": "two"}
    found = [report(rows_of(T), strata=strata, design="pair").ranks for T in (S, function(S))]
    assert [found[0][design] for design in RAW] == [found[1][design] for design in RAW]


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_smaller_scores_of_closer_models_are_the_same_with_another_sign(seed: int) -> None:
    S = strangers(7, seed)
    assert report(rows_of(-S), closer="smaller").ranks == report(rows_of(S)).ranks


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_new_names_leave_ranks_among_pairs_alone(seed: int) -> None:
    S = strangers(7, seed)
    other = [f"x{(5 * i) % 7}" for i in range(7)]
    renamed = report(rows_of(S, other), (other[0], other[1]))
    assert renamed.ranks == report(rows_of(S)).ranks


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_a_and_b_change_places(seed: int) -> None:
    S = strangers(7, seed)
    there, back = report(rows_of(S)).ranks, report(rows_of(S), (B, A)).ranks
    rank_of = [found[name].rank for found, name in ((there, "row_a"), (back, "row_b"))]
    assert rank_of[0] == rank_of[1]
    assert there["pair_larger"] == back["pair_larger"]


def test_ties_count_against_the_claim() -> None:
    S = np.ones((7, 7))
    for found in report(rows_of(S)).ranks.values():
        assert (found.rank, found.log10_p) == (found.size, 0.0)
    rows, recipes = twins(5, 2, tied=True)
    flat = [(a, b, 0.1) for a, b, _ in rows]
    assert report(flat, recipes=recipes).log10_p == 0.0


def test_levels_of_models_are_taken_out_on_the_scale() -> None:
    """Products of positive levels are additive in logarithms: on that scale nothing is left but A and B."""
    level = np.array([9.0, 8.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    S = level[:, None] * level
    S[0, 1] = S[1, 0] = 1.2 * S[0, 1]
    assert report(rows_of(S), scale="log").ranks["pair_residual"].rank == 1
    T = two_way_residual(on_scale(S, "log"))
    assert np.unravel_index(np.nanargmax(T), T.shape) == (0, 1)
    S[0, 1] = S[1, 0] = 0.8 * level[0] * level[1]
    assert (
        report(rows_of(S), scale="log").ranks["pair_residual"].rank > report(rows_of(S)).ranks["pair_residual"].rank
    )


@pytest.mark.parametrize("scale", ["identity", "log", "logit", "fisher"])
@given(scores=st.lists(st.floats(1e-300, 1 - 1e-16), min_size=2, max_size=20))
def test_no_scale_changes_the_order_of_two_scores(scale: Any, scores: list[float]) -> None:
    made = on_scale(np.array(scores), scale)
    order = np.argsort(scores, kind="stable")
    assert (np.diff(made[order]) >= 0).all()
    assert (on_scale(np.array(scores), scale, smaller=True) == -made).all()


# ---- which design


def test_the_default_follows_from_what_is_declared() -> None:
    rows, (of_twins, recipes) = rows_of(alike(7)), twins(6, 3)
    assert report(rows).evidence.primary_design == "pair_larger"
    assert report(rows, strata=dict.fromkeys(names(7), "one")).evidence.primary_design == "own_kind"
    assert report(of_twins, recipes=recipes).evidence.primary_design == "twins"  # scores across recipes are missing
    called = sorted({name for row in of_twins for name in row[:2]})
    known = {frozenset(row[:2]) for row in of_twins}
    whole = of_twins + [(a, b, 0.0) for i, a in enumerate(called) for b in called[:i] if {a, b} not in known]
    found = report(whole, recipes=recipes)
    assert found.evidence.primary_design == "twins_and_pair_larger"
    assert not found.evidence.stated_design
    assert found.log10_p == max(found.ranks[name].log10_p for name in ("twins", "pair_larger"))
    assert report(whole, recipes=recipes, design="twins").evidence.stated_design


def test_no_two_models_of_a_recipe_are_strangers_of_one_another() -> None:
    """Over pairs, each recipe has one model: twins are closer than strangers."""
    rows, recipes = twins(6, 3)
    called = sorted({name for row in rows for name in row[:2]})
    known = {frozenset(row[:2]) for row in rows}
    rows += [(a, b, 0.0) for i, a in enumerate(called) for b in called[:i] if {a, b} not in known]
    assert report(rows, recipes=recipes).ranks["pair"].size == (2 + 6 + 3) * (2 + 6 + 2) // 2


def test_rows_and_twins_are_ranked_where_other_scores_are_missing() -> None:
    rows = [row for row in rows_of(alike(7)) if A in row]
    found = report(rows, design="row_a")
    assert found.ranks.keys() == {"row_a"}
    assert found.evidence.false_match is None
    assert "is not bounded" in found.finding
    with pytest.raises(
        InputError, match="has no score of 'other' and 'model-2', which the design 'pair_larger' reads"
    ):
        report(rows)
    of_twins, recipes = twins(6, 3)
    for i, row in enumerate(of_twins):
        with pytest.raises(InputError, match="has no score of"):
            report(of_twins[:i] + of_twins[i + 1 :] + [(*row[:2], None)], recipes=recipes)


def test_bounds_are_of_disjoint_pairs_and_of_recipes() -> None:
    match = report(rows_of(alike(12))).evidence.false_match
    assert (match.exceedances, match.pairs) == (0, 5)
    assert match.bound == pytest.approx(1 - 0.05 ** (1 / 5))
    rows, recipes = twins(9, 2)
    rows[0] = (A, B, 50.0)
    found = report(rows, recipes=recipes)
    assert found.evidence.false_match.bound == pytest.approx(1 - 0.05 ** (1 / 9))
    assert found.verdict == "similar_beyond_panel"
    searched = report(rows, recipes=recipes, searched=2)
    assert searched.evidence.false_match.bound == pytest.approx(2 * false_match_bound(0, 9))
    assert searched.log10_p == pytest.approx(log10(2 / 10))


def test_the_bound_counts_the_ties_that_the_rank_counts() -> None:
    """Equal up to rounding: three levels of thirds, read in another order, are no different score."""
    references = [f"ref-{k}" for k in range(3)]
    of_a, of_twin = [0.1, 0.2, 0.3], [0.3, 0.1, 0.2]
    rows = [(A, B, 0.7), ("r0-x", "r0-y", 0.7 - 2**-53)]
    for (x, y), levels in (((A, B), of_a), (("r0-x", "r0-y"), of_twin)):
        rows += [(one, ref, level) for one in (x, y) for ref, level in zip(references, levels, strict=True)]
    found = report(rows, recipes={"r0-x": "r0", "r0-y": "r0"}, alpha=0.5, design="twins")
    assert found.ranks["twins"].rank == 2
    assert found.evidence.false_match.exceedances == 1
    assert found.evidence.false_match.bound == 1.0


def test_a_family_is_represented_once_and_relatives_of_the_claim_are_left_out(tmp_path: Path) -> None:
    S = alike(12)
    called = names(12)
    rows = [
        [name, "kind", "clan" if i in (3, 4, 5) else "own" if i in (0, 6) else ""] for i, name in enumerate(called)
    ]
    strata = long_csv(tmp_path / "strata.csv", rows, ("name", "stratum", "family"))
    with pytest.raises(InputError, match="declared relatives"):
        report(rows_of(S), strata=strata)
    found = report(rows_of(S), strata=strata, one_per_family=True)
    left = {out.name: out.reason.code for out in found.evidence.left_out}
    assert len(found.evidence.models) == 12 - 3
    assert left["model-6"] == "calibration.left_out.relative"
    assert list(left.values()).count("panel.member.stands_for") == 2
    both = report(rows_of(S), relatives=[(A, B), (B, "model-6")], one_per_family=True)
    assert [out.name for out in both.evidence.left_out] == ["model-6"]
    pairs = [("model-3", "model-4"), ("model-4", "model-5"), (A, "model-6")]
    by_pairs = report(rows_of(S), relatives=pairs, one_per_family=True)
    assert [model.name for model in by_pairs.evidence.models] == [model.name for model in found.evidence.models]


def test_the_choice_from_a_family_or_recipe_is_blind_to_scores() -> None:
    pairs = [("model-3", "model-4")]
    chosen = {
        tuple(model.name for model in report(rows_of(strangers(12, seed)), relatives=pairs, one_per_family=True)
              .evidence.models)
        for seed in range(5)
    }  # fmt: skip
    assert len(chosen) == 1


# ---- its words


def test_the_guarantee_comes_first_then_p_then_its_condition() -> None:
    finding = report(rows_of(alike(12))).finding
    at = [finding.index(text) for text in ("With 95% confidence, at most 45.1%", "p = 0.015", "holds if A and B are")]
    assert at == sorted(at)
    assert "dependent" not in report(rows_of(alike(12))).to_json()


def test_no_page_calls_the_models_dependent_or_a_failure_independent() -> None:
    for S in (alike(12), strangers(12)):
        page = report(rows_of(S)).to_markdown()
        assert "dependent" not in page.replace("independen", "")
        assert "does not say that one model was derived from the other" in page
    assert "not evidence of independence" in page


def test_hostile_names_are_inert_in_every_format() -> None:
    for name in HOSTILE:
        called = [name.strip()[:150] or "x", B, *(f"{name.strip()[:100]}{i}" for i in range(5))]
        found = report(rows_of(alike(7), called), (called[0], B), score_name=name)
        page = found.to_html()
        assert "<script" not in page
        assert "<img" not in page
        found.to_markdown()
        found.to_latex()
        assert json.loads(found.to_json())["a"] == called[0]


def test_reports_obey_the_schema() -> None:
    schema = json.loads((HERE / "calibration-1.schema.json").read_text("utf-8"))
    rows, recipes = twins(6, 3)
    for found in (report(rows_of(alike(12))), report(rows, recipes=recipes)):
        Draft202012Validator(schema).validate(found.facts())
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate(found.facts() | {"verdict": "dependent"})


def test_the_record_holds_no_sentence() -> None:
    content = report(rows_of(alike(7))).facts()
    content.pop("software")

    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for item in value.values() for text in texts(item)]
        if isinstance(value, list):
            return [text for item in value for text in texts(item)]
        return [value] if isinstance(value, str) else []

    assert not [text for text in texts(content) if " " in text]
