"""The pictures of a report show its record: the places that are listed, and the laws that p-values rest on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import permutations, product
from math import factorial
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import renderings
from tests.renderings import hostile
from tests.replays import made
from tests.reports import sealed
from verify import ClaimReport, ReportError, replay
from verify.claim.answer import looked_at
from verify.data import model
from verify.inference import law_of_random_orders, law_of_signs, log10_p_fixed_points, log10_p_signs
from verify.render.chance_hill import chance_hills, hills, law_of, usual
from verify.render.drawing import Area, Dots, Drawing, Line, Text
from verify.render.identity_map import identity_map, shuffled
from verify.render.pictures import pictures
from verify.replay.check import check
from verify.statistics import Count, Places
from verify.statistics.remake import misplaced
from verify.statistics.result import MOST_INDICES

reports = renderings.reports
SIDE, TOP = 168.0, 20.0


@st.composite
def listed(draw: st.DrawFn) -> Places:
    """Matches of one to four groups."""
    sizes = tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=4)))
    best = tuple(draw(st.none() | st.integers(0, size - 1)) for size in sizes for _ in range(size))
    return Places(sizes=sizes, step=1, best=best)


# ---- the identity map


def test_only_the_first_test_with_places_lists_them(reports: dict[str, ClaimReport]) -> None:
    for name, report in reports.items():
        placed = [test.id for test in report.exact if test.places is not None]
        first = "value_identity" if name == "untestable" else "unit_identity"  # which refuses these two kinds of MLP
        assert placed == ([] if name == "identical" else [first])
        assert all(result.places is None for part in report.parts for result in part.results)


@pytest.mark.parametrize("name", ["related", "unrelated", "obfuscated-all"])
def test_dots_are_the_places_of_the_record(reports: dict[str, ClaimReport], name: str) -> None:
    """Each listed match is one dot of the left square, at its place, and every dot is one."""
    report = reports[name]
    places, drawing = report.tests["unit_identity"].places, identity_map(report)
    assert drawing is not None
    dots = [shape for shape in drawing.shapes if isinstance(shape, Dots)]
    assert [dot.role for dot in dots] == ["muted", "found"] * 2
    drawn = Counter(
        (round((x - 1) / SIDE, 6), round((TOP + SIDE - y) / SIDE, 6)) for dot in dots[:2] for x, y in dot.centres
    )
    expected = Counter(
        (round((place + 0.5) / places.sizes[group], 6), round((best + 0.5) / places.sizes[group], 6))
        for group, place, best in places.listed
        if best is not None
    )
    assert drawn == expected
    (count,) = report.tests["unit_identity"].counts
    assert len(dots[1].centres) == count.count
    assert f"On the diagonal, at the same place in both: {count.count};" in drawing.alt
    assert f"On the diagonal there: {len(dots[3].centres)}." in drawing.alt
    assert "simulated" in drawing.alt


@given(listed(), st.text())
def test_a_shuffle_moves_places_of_b_and_nothing_else(places: Places, seed: str) -> None:
    """One and the same order for all matches of a group: equal places stay equal, different ones different."""
    moved = shuffled(places, seed)
    assert [(group, place) for group, place, _ in moved] == [(group, place) for group, place, _ in places.listed]
    to: dict[tuple[int, int], int] = {}
    for (group, _, best), (_, _, now) in zip(places.listed, moved, strict=True):
        assert (best is None) == (now is None)
        if best is not None and now is not None:
            assert 0 <= now < places.sizes[group]
            assert to.setdefault((group, best), now) == now
    assert len({(group, now) for (group, _), now in to.items()}) == len(to)


def test_a_shuffle_is_uniform_and_the_same_for_one_seed() -> None:
    """All six orders of three are as frequent as chance allows, and the numbers are the same on every machine."""
    places = Places(sizes=(3,), step=1, best=(0, 1, 2))
    found = Counter(tuple(best for *_, best in shuffled(places, str(seed))) for seed in range(1200))
    assert set(found) == set(permutations(range(3)))
    chi2 = sum((n - 200) ** 2 / 200 for n in found.values())
    assert chi2 < 20.5  # of five degrees of freedom, once in a thousand
    large = Places(sizes=(8,), step=1, best=tuple(range(8)))
    assert [best for *_, best in shuffled(large, "sha256:0")] == PINNED


PINNED = [2, 5, 1, 7, 4, 6, 3, 0]


def test_where_nothing_was_compared_or_listed_no_map_is_drawn(reports: dict[str, ClaimReport]) -> None:
    assert pictures(reports["identical"]) == {}
    older = ClaimReport.from_json(json.dumps(unplaced(made("child"))))
    assert set(pictures(older)) == {"chance"}


# ---- its facts


def unplaced(report: ClaimReport) -> dict[str, Any]:
    """The content of a report made before places were listed, sealed."""
    content = report.content()
    for line in content["evidence"]:
        for result in line["results"]:
            result.pop("places", None)
    return json.loads(sealed(content))


def test_a_report_without_places_replays_alone_and_with_its_models() -> None:
    older = ClaimReport.from_json(json.dumps(unplaced(made("child"))))
    assert check(older).disagreements == ()
    found = replay(older, model("continued-3x"), model("reference"))
    assert (found.status, found.disagreements) == ("agrees", ())


def altered(name: str, change: dict[str, Any]) -> set[str]:
    """Fields that a check names after the places of the first test are changed."""
    content = made(name).content()
    places = content["evidence"][0]["results"][0]["places"]
    places.update(change)
    return {item.field for item in check(sealed(content)).disagreements}


def test_places_that_do_not_fit_the_counts_are_found() -> None:
    """One match more or less on the diagonal, other sizes, and places of a test that counts none."""
    places = made("child").tests["unit_identity"].places
    field = "$.evidence[exact].results[unit_identity].places"
    off = next(i for i, (_, place, best) in enumerate(places.listed) if best != place)
    best = list(places.best)
    best[off] = places.listed[off][1]
    assert altered("child", {"best": best}) == {field}
    best = list(places.best)
    best[0] = None
    assert altered("child", {"best": best}) == {field}
    assert altered("child", {"sizes": [sum(places.sizes[:2]), *places.sizes[2:]]}) == {field}
    content = made("child").content()
    first, *others = content["evidence"][0]["results"]
    signs = next(result for result in others if result["id"] == "sign_agreement")
    signs["places"] = first.pop("places")
    found = {item.field for item in check(sealed(content)).disagreements}
    assert found
    assert all(field.startswith("$.evidence[exact].results[sign_agreement].places") for field in found)


def test_places_that_fit_the_counts_are_checked_with_the_models() -> None:
    """A match off the diagonal that stands elsewhere agrees with the counts, and not with the weights."""
    content = made("child").content()
    places = content["evidence"][0]["results"][0]["places"]
    listed = made("child").tests["unit_identity"].places.listed
    off, best = next((i, best) for i, (_, place, best) in enumerate(listed) if best not in (place, None))
    places["best"][off] = next(x for x in range(64) if x not in (best, listed[off][1]))
    report = ClaimReport.from_json(sealed(content).decode())
    assert check(report).disagreements == ()
    found = replay(report, model("continued-3x"), model("reference"))
    assert [item.field for item in found.disagreements] == [
        f"$.evidence[exact].results[unit_identity].places.best[{off}]"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"step": 0},
        {"sizes": []},
        {"sizes": [0, 3]},
        {"best": [0]},
        {"best": [0, 1, 3]},
        {"sizes": [10**9], "step": 1},
        {"sizes": [2**53 - 1] * 2000, "best": []},
        {"sizes": [2**53 - 1] * 2000, "step": 2**60, "best": [None] * 16},
    ],
)
def test_impossible_places_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"places|group|at least|greater|match"):
        Places.model_validate({"sizes": [3], "step": 1, "best": [0, 1, 2]} | change)


@given(listed())
def test_a_list_fits_its_own_counts_and_no_others(places: Places) -> None:
    fixed = sum(best == place for _, place, best in places.listed)
    n, groups = len(places.best), len(places.sizes)

    def fits(count: int, n: int = n, groups: int = groups) -> bool:
        return (
            misplaced(places, [Count(law="fixed_points", count=count, n=n, groups=groups, log10_p=0.0)], ()) is None
        )

    assert fits(fixed)
    assert not fits(fixed + 1)
    assert not fits(fixed - 1)
    assert not fits(fixed, n=n + 1)
    assert not fits(fixed, groups=groups + 1)


def test_a_thinned_list_fits_what_the_rest_could_be() -> None:
    """Of 1000 indices every second is listed: the count may be of any of the others too."""
    places = Places(sizes=(600, 400), step=2, best=tuple(range(0, 600, 2)) + tuple(range(0, 400, 2)))

    def fits(count: int) -> bool:
        counts = [Count(law="fixed_points", count=count, n=1000, groups=2, log10_p=0.0)]
        return misplaced(places, counts, ()) is None

    assert [fits(count) for count in (499, 500, 1000, 1001)] == [False, True, True, False]


# ---- the chance hill


@pytest.mark.parametrize("sizes", [(1,), (2,), (4,), (3, 2), (1, 1, 4)])
def test_the_law_of_random_orders_is_that_of_all_orders(sizes: tuple[int, ...]) -> None:
    """Counted one by one."""
    every = product(*(list(permutations(range(size))) for size in sizes))
    found = Counter(sum(i == j for order in orders for i, j in enumerate(order)) for orders in every)
    total = np.prod([factorial(size) for size in sizes])
    expected = [found[k] / total for k in range(sum(sizes) + 1)]
    assert law_of_random_orders(sizes) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=60))
def test_the_bound_is_nowhere_below_the_law_that_is_drawn(sizes: list[int]) -> None:
    """The law sums to one, a group gives one on average, and the stated chance covers its tail."""
    law = law_of_random_orders(sizes)
    assert law.sum() == pytest.approx(1, abs=1e-9)
    assert law @ np.arange(len(law)) == pytest.approx(len(sizes), abs=1e-6)
    tail = np.cumsum(law[::-1])[::-1]
    for k, chance in enumerate(tail):
        assert chance <= 10 ** log10_p_fixed_points(k, len(sizes)) + 1e-9


def test_places_of_more_indices_than_there_can_be_are_refused_in_a_sentence() -> None:
    """Sizes whose sum no machine counts are no fault of the program."""
    content = made("child").content()
    content["evidence"][0]["results"][0]["places"] = {"sizes": [2**53 - 1] * 2000, "step": 1, "best": []}
    with pytest.raises(ReportError, match="places; give at most 2097152"):
        ClaimReport.from_json(sealed(content).decode())


def test_the_law_of_a_great_many_groups_is_found_on_a_window() -> None:
    """Of most groups that a record may have, of many sizes; of orders of one index, all are fixed."""
    sizes = [*range(1, 2001), *[1] * (MOST_INDICES - 2_001_000)]
    started = process_time()
    law = law_of_random_orders(sizes)
    assert process_time() - started < 5
    assert law.sum() == pytest.approx(1, abs=1e-6)
    assert law @ np.arange(len(law)) == pytest.approx(len(sizes), rel=1e-6)
    variance = law @ (np.arange(len(law)) - len(sizes)) ** 2.0
    assert variance == pytest.approx(1999, rel=1e-3)  # one for each group of two or more
    assert law_of_random_orders([1] * 5000)[-1] == pytest.approx(1)


def test_a_row_names_its_scale_and_its_ends(reports: dict[str, ClaimReport]) -> None:
    """Every axis starts at 0; the scale is named of those that are no linear ones."""
    drawing = chance_hills(reports["related"])
    assert drawing is not None
    words = [one.text for one in drawing.shapes if isinstance(one, Text)]
    counted = [test for test in reports["related"].exact if test.applicable]
    assert words.count("0") == len(counted)
    assert words.count("square-root scale") == sum(test.counts_fixed_points for test in counted)


def test_hills_of_a_record_of_any_number_of_tests_are_left_out(reports: dict[str, ClaimReport]) -> None:
    looked = looked_at(reports["related"])
    one = looked[0]
    many = [replace(one, test=one.test.model_copy(update={"id": f"x{n}"})) for n in range(45)]
    drawing = hills(many, reports["related"].wording)
    assert drawing is not None
    assert sum(isinstance(shape, Area) for shape in drawing.shapes) == 40
    assert "The hills of 5 more tests are left out." in drawing.caption


@given(st.integers(0, 400), st.data())
def test_the_tail_of_the_law_of_signs_is_its_p_value(pairs: int, data: st.DataObject) -> None:
    law, agreeing = law_of_signs(pairs), data.draw(st.integers(0, pairs))
    assert law.sum() == pytest.approx(1)
    assert law[agreeing:].sum() == pytest.approx(10 ** log10_p_signs(agreeing, pairs), rel=1e-9)


def test_what_is_usual_leaves_out_at_most_one_in_a_thousand() -> None:
    law = law_of_signs(100)
    low, high = usual(law)
    assert law[:low].sum() < 5e-4 <= law[: low + 1].sum()
    assert law[high + 1 :].sum() < 5e-4 <= law[high:].sum()


def test_hills_and_lines_stand_where_law_and_record_say(reports: dict[str, ClaimReport]) -> None:
    """One row for each test that applies, with its least likely count and the law of that count."""
    report = reports["related"]
    drawing = chance_hills(report)
    assert drawing is not None
    applied = [test for test in report.exact if test.applicable]
    lines = [one for one in drawing.shapes if isinstance(one, Line) and one.role == "accent"]
    areas = [one for one in drawing.shapes if isinstance(one, Area)]
    words = [one.text for one in drawing.shapes if isinstance(one, Text) and one.role == "accent"]
    assert len(lines) == len(areas) == len(words) == len(applied) == 8
    for test, line, hill, label in zip(applied, lines, areas, words, strict=True):
        one = min((one for one in looked_at(report) if one.test is test), key=lambda one: one.count.log10_p)
        assert label == f"{one.count.count} observed"
        share = one.count.count / one.count.n
        at = share if one.count.law == "signs" else share**0.5
        assert line.points[0][0] == pytest.approx(2 + 356 * at)
        law, (base, ys) = law_of(one), (hill.points[0][1], {round(y, 6) for _, y in hill.points})
        drawn = np.array([(base - y) / (base - min(ys)) for y in ys])
        assert drawn.max() == 1
        assert np.abs(drawn[:, None] - np.array([0, *law / law.max()])).min(1).max() < 1e-6
        assert f"{one.count.count} of {one.count.n} observed" in drawing.alt


def test_the_alternative_says_what_bounds_and_what_is_exact(reports: dict[str, ClaimReport]) -> None:
    alt = pictures(reports["related"])["chance"].alt
    assert ": 252 of 256 observed; by chance 4 on average, and 0 to 12 in all but 1 in 1,000 cases." in alt
    assert "the chance stated is an upper bound" in alt
    assert "fair coins" in alt


@pytest.mark.parametrize("count", [{"n": 10**15}, {"count": 10**9}, {"groups": 0}, {"groups": 10**12}, {"n": -1}])
def test_counts_that_cannot_be_are_not_drawn(reports: dict[str, ClaimReport], count: dict[str, int]) -> None:
    """A record that nobody has checked costs no memory and no traceback."""
    report = reports["unrelated"]
    content = report.content()
    for result in content["evidence"][0]["results"]:
        for one in result["counts"]:
            one.update(count if one["law"] == "fixed_points" else {"n": 10**15})
    drawing = chance_hills(ClaimReport.from_json(sealed(content).decode()))
    assert drawing is None


@pytest.mark.parametrize("text", ["<script>x</script>", r"\input{x}", "a" * 10_000, "模型", ""])
def test_pictures_of_a_hostile_record_are_drawn(reports: dict[str, ClaimReport], text: str) -> None:
    """Names stand in no drawing but as words; long ones are cut."""
    drawn = pictures(hostile(reports["related"], text))
    assert {"identity", "chance"} <= set(drawn)
    for drawing in drawn.values():
        assert isinstance(drawing, Drawing)
        for shape in drawing.shapes:
            assert not isinstance(shape, Text) or len(shape.text) < 100
