"""The first lines of a report: the right word for each verdict, numbers of the record, and no more than it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import commands, parts, renderings
from tests.commands import Run
from verify import ClaimReport, fingerprint, test_lineage
from verify.claim import Verdict
from verify.claim.answer import looked_at
from verify.cli.answer import spoken
from verify.data import model
from verify.statistics import EXACT_TESTS
from verify.wording import LATEST, VERSIONS
from verify.wording.forms import chance, share_at_least

report, reports = renderings.report, renderings.reports
models, run = commands.models, commands.run

WORDS = {
    "identical": "THE SAME MODEL",
    "dependent": "RELATED",
    "similar_beyond_panel": "MORE ALIKE THAN EXPECTED",
    "no_evidence": "NO SIGN OF A RELATION FOUND",
    "untestable": "CANNOT BE TESTED",
}


# ---- what it says


def test_every_verdict_has_its_word(report: ClaimReport) -> None:
    assert set(WORDS) == set(get_args(Verdict))
    assert report.answer.word == WORDS[report.verdict]


def test_it_fits_a_few_lines(report: ClaimReport) -> None:
    """The answer, and at most four lines on it, each of at most three sentences' length."""
    answer = report.answer
    assert [label for label, _ in answer.lines] in (
        ["Counted", "Chance", "Does not show", "Rests on"],
        ["Counted", "Does not show", "Rests on"],
        ["Does not show"],
    )
    assert all(len(line) < 420 for _, line in answer.lines)
    assert report.summary() == str(report)


def test_it_holds_no_identifier(report: ClaimReport) -> None:
    """Identifiers of verdicts and tests stay in the record."""
    shown = " ".join((report.answer.word, report.answer.sentence, *(line for _, line in report.answer.lines)))
    assert not re.findall(r"\w+_\w+", shown)
    assert "dependent" not in shown.replace("independent", "")


def test_only_an_exact_test_relates(report: ClaimReport) -> None:
    """Nothing else says that models are related; and that says on what it rests."""
    answer = report.answer
    related = "share a starting point" in answer.sentence
    assert related == (report.verdict == "dependent")
    if related:
        assert "if what this rests on holds" in answer.sentence
        assert "one random seed used by both is enough" in answer.sentence
        assert "means nothing" in answer.rests_on


def test_nothing_found_clears_nobody(reports: dict[str, ClaimReport]) -> None:
    """It says what a copy would have to have kept to be seen."""
    answer = reports["unrelated"].answer
    assert answer.does_not_show.startswith("That they are unrelated, independent or cleared.")
    able = [
        test.detectable_share
        for test in reports["unrelated"].exact
        if test.detectable_share is not None and all(count.law == "fixed_points" for count in test.counts)
    ]
    least = min(able)
    assert f"a chance of {share_at_least(least)} or more" in answer.does_not_show


def test_it_shows_the_least_likely_count(report: ClaimReport) -> None:
    """Beside what chance gives, and the p-value that the verdict rests on."""
    found = looked_at(report)
    if not found or report.verdict not in ("dependent", "no_evidence"):
        return
    best = min(found, key=lambda one: one.count.log10_p)
    assert f"{best.count.count:,} of {best.count.n:,}" in report.answer.count
    assert f"{best.expected:,g}" in report.answer.count
    assert report.log10_p is not None
    assert chance(report.log10_p) in report.answer.chance
    assert "This is not the chance that they are unrelated." in report.answer.chance


def test_the_panel_never_outruns_its_bound(reports: dict[str, ClaimReport]) -> None:
    """What is guaranteed comes first, and the sentence says what is not shown."""
    report = reports["obfuscated-all"]
    assert report.verdict == "similar_beyond_panel"
    assert "does not show that they are related: the exact tests found no sign of it" in report.answer.sentence
    assert re.search(r"at most \d+(\.\d)?% of the time", report.answer.chance)


def test_a_search_is_paid_for(reports: dict[str, ClaimReport]) -> None:
    assert "50 pairs of models searched" in reports["same-seed"].answer.chance


def test_what_holds_of_a_part_is_said_of_a_part(tmp_path: Path) -> None:
    """A shared public tower is not the model: the word says so, and the sentence names the part."""
    weights = [{**parts.language(seed), **parts.tower(0)} for seed in (0, 1)]
    made = [parts.write(tmp_path / name, w) for name, w in zip("ab", weights, strict=True)]
    report = test_lineage(*made)
    assert report.verdict == "no_evidence"
    assert report.answer.word == "NO SIGN OF A RELATION FOUND IN ONE PART; ANOTHER IS THE SAME"
    assert "language model" in report.answer.sentence
    assert "image tower" in report.answer.sentence
    weights = [{**parts.language(0), **parts.tower(seed)} for seed in (0, 1)]
    weights[1] = {name: w + 1e-3 if name.startswith("language") else w for name, w in weights[1].items()}
    made = [parts.write(tmp_path / f"{name}2", w) for name, w in zip("ab", weights, strict=True)]
    assert test_lineage(*made).answer.word == "RELATED IN PART"


def test_a_fingerprint_states_its_digest(tmp_path: Path) -> None:
    """Equality that a fingerprint states is said to be stated."""
    given = fingerprint(model("reference")).save(tmp_path / "a.safetensors") or tmp_path / "a.safetensors"
    assert "states" in test_lineage(given, given).answer.rests_on
    assert "states" not in test_lineage(model("reference"), model("reference")).answer.rests_on


def test_every_exact_test_says_what_it_looks_at() -> None:
    phrases = VERSIONS[LATEST].PHRASES
    assert {f"looked.{test.id}" for test in EXACT_TESTS} <= phrases.keys()


# ---- chances


@given(st.floats(-400, 0))
def test_a_chance_is_rounded_up(log10_p: float) -> None:
    """The chance that is shown is never below the p-value, and at most a tenth of a decade or a hundredth above."""
    words = chance(log10_p)
    if match := re.fullmatch(r"less than 1 in 10\^(\d+)", words):
        shown = -float(match[1])
        assert log10_p <= shown < log10_p + 1
    else:
        match = re.fullmatch(r"([\d,]+) in ([\d,]+)", words)
        assert match
        of, among = (int(number.replace(",", "")) for number in match.groups())
        assert 10**log10_p <= of / among * (1 + 1e-6)
        assert of / among <= max(10**log10_p * 1.12, 10**log10_p + 0.01)


@given(st.floats(allow_nan=False))
def test_any_number_of_a_record_has_words(value: float) -> None:
    assert chance(min(0.0, value) if value < -(10**300) else value)


# ---- on a terminal


def test_colour_is_asked_for(run: Run, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Never to a file, unless asked; never under NO_COLOR, unless asked."""
    pair: tuple[Any, ...] = ("lineage", models["child"], models["parent"])
    assert "\x1b[" not in run(*pair).out
    coloured = run(*pair, "--color", "always").out
    assert coloured.startswith("\x1b[31m\x1b[1m\x1b[7m RELATED \x1b[0m ")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run(*pair).out
    assert run(*pair, "--color", "always").out == coloured


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_it_fits_the_terminal(report: ClaimReport, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = re.sub(r"\x1b\[\d+m", "", spoken(report, ["What next."])).split("\n")
    assert all(len(line) <= max(columns, 40) for line in lines[1:])
    joined = " ".join(" ".join(lines).split())
    for _, line in report.answer.lines:
        assert line in joined


def test_a_strangers_name_moves_no_cursor(reports: dict[str, ClaimReport]) -> None:
    named = renderings.hostile(reports["related"], "\x1b[2J\n<b>\u202e")
    shown = spoken(named, [])
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown


def test_one_text_can_be_printed(run: Run, models: dict[str, Path]) -> None:
    pair = ("lineage", models["stranger"], models["parent"], "--created", "2026-01-31T12:00:00+00:00")
    page = run(*pair, "--format", "md").out
    assert page.startswith("# Lineage report\n")
    assert run(*pair, "--format", "json").out == run(*pair, "--json").out
    assert run(*pair, "--format", "html").out.startswith("<!DOCTYPE html>")
    refused = run(*pair, "--format", "md,tex")
    assert refused.status == 2
    assert "give a folder with -o" in refused.err
