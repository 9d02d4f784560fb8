"""The documentation is true: generated pages are current, blocks run, links lead somewhere, numbers are measured."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from math import log10
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import beta

from docs import api, exact_tests, pictures
from tests.code_blocks import Block, blocks, check, prints, run
from verify import ClaimReport
from verify.checkpoint.formats.registry import FORMATS
from verify.cli.app import cli

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "examples").glob("*/README.md")), ROOT / "examples" / "README.md", *DOCS]
RUN = [path for path in (ROOT / "README.md", *DOCS) if any(blocks(path.read_text("utf-8")))]
TABLES = ROOT / "benchmarks" / "tables"


def test_the_api_page_is_of_todays_names() -> None:
    assert api.PAGE.read_text("utf-8") == api.page(), "run `python -m docs.api`"


def test_the_page_of_exact_tests_is_of_todays_registry() -> None:
    written = exact_tests.PAGE.read_text("utf-8")
    assert written == exact_tests.exact_tests(), "run `python -m docs.exact_tests`"


def test_the_pictures_are_of_todays_results() -> None:
    drawn = pictures.drawn()
    assert {path for path in pictures.FOLDER.iterdir() if path.suffix == ".svg"} == set(drawn)
    assert [path.name for path, text in drawn.items() if path.read_text("utf-8") != text] == [], (
        "run `python -m docs.pictures`"
    )


# Code blocks.


@pytest.fixture
def formats_as_they_were() -> Iterator[None]:
    """A page that adds a format to the library adds it for itself."""
    kept = dict(FORMATS)
    yield
    FORMATS.clear()
    FORMATS.update(kept)


@pytest.mark.slow
@pytest.mark.usefixtures("formats_as_they_were")
@pytest.mark.parametrize("page", RUN, ids=lambda path: path.stem)
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(page.read_text("utf-8"), tmp_path)


def test_names_and_variables_last_for_a_page(tmp_path: Path) -> None:
    python = "```python\nx = 2\n```\n\n```python\nprint(x)\n```\n\n```text\n2\n```\n"
    shell = "```sh\nY=3\n```\n\n```sh\necho $Y\n```\n\n```text\n3\n```\n"
    run(python + "\n" + shell, tmp_path)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "expected"),
        ("```sh\necho a; false\n```\n", "status 1"),
        ("```sh\nfalse\necho a\n```\n", "status 1"),
        ("```text\nnothing printed this\n```\n", "no block before"),
        ("<!-- not run: slow -->\n```sh\necho 2\n```\n\n```text\n2\n```\n", "no block before"),
        ("```\nverify demo\n```\n", "no language"),
        ("    indented = 1\n", "no language"),
        ("```rust\nfn main() {}\n```\n", "'rust'"),
        ("```toml\na = \n```\n", "line 1"),
        ("<!-- not run: A stands for yours -->\n```python\nx = = 1\n```\n", "invalid syntax"),
        ("<!-- not run: A stands for yours -->\n```sh\nverify lineage A B --colour\n```\n", "no option --colour"),
        ("<!-- not run: A stands for yours -->\n```sh\nverify panel shew\n```\n", "no command 'shew'"),
        ("<!-- not run: A stands for yours -->\n```sh\nif verify\n```\n", "syntax error"),
    ],
)
def test_what_is_wrong_in_a_block_is_found(page: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=problem):
        run(page, tmp_path)


def test_the_statuses_of_the_page_are_those_of_the_commands() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    stated = {int(status) for status in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert stated == {status for command in (cli, *cli.commands.values()) for status in command.statuses}


def test_a_failing_block_stops_the_page(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        run("```python\n1 / 0\n```\n", tmp_path)


def test_a_block_is_left_out_only_for_a_reason(tmp_path: Path) -> None:
    assert [block.not_run for block in blocks("<!-- not run: -->\n```sh\nfalse\n```\n")] == [None]
    assert [block.not_run for block in blocks("<!-- not run: x -->\n\ntext\n\n```sh\nfalse\n```\n")] == [None]
    run("<!-- not run: it fails -->\n```sh\nverify lineage A B -o x && false\n```\n", tmp_path)


def test_an_option_that_takes_a_value_is_known_by_either_name() -> None:
    check(Block("sh", "verify calibrate s.csv --claim A B --smaller-is-closer # a distance\n", 1, "A"))
    check(Block("sh", "verify lineage A B -o x --effort=full | head\n", 1, "A"))


def test_dots_stand_for_anything_and_nothing_else_does() -> None:
    assert prints("a ... d\n", "a  b c\n d\n")
    assert not prints("a ... e\n", "a b c d\n")


# Links and navigation.


@pytest.mark.parametrize("source", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(source: Path) -> None:
    text = source.read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) + re.findall(r'<img src="([^":]+)"', text)
    assert [link for link in links if not (source.parent / link).exists()] == []


def test_every_page_is_in_the_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    assert [path.name for path in DOCS if path.stem != "index" and f"]({path.name})" not in index] == []


def test_every_table_is_among_the_results() -> None:
    results = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert [path.name for path in TABLES.glob("*.md") if f"/{path.name})" not in results] == []


def test_the_glossary_is_in_order() -> None:
    terms = re.findall(r"(?m)^\| \*\*(.+?)\*\* \|", (ROOT / "docs" / "glossary.md").read_text("utf-8"))
    assert terms == sorted(terms, key=lambda term: term.replace("\\", "").lower())
    assert {"anchor", "arrangement", "effort", "orbit", "rung", "sketch", "stratum", "twins"} <= set(terms)


# Words and numbers.


def test_the_guide_quotes_reports_that_are_there() -> None:
    """What How to read a report quotes stands in the examples, word for word."""
    guide = (ROOT / "docs" / "reading-a-report.md").read_text("utf-8")
    quotes = [" ".join(re.sub(r"(?m)^> ?", "", quote).split()) for quote in re.findall(r"(?:^>.*\n)+", guide, re.M)]
    said = [_answer(path) for path in (ROOT / "examples" / "reports").glob("*/report.json")]
    assert len(quotes) > 5
    assert [quote for quote in quotes if not any(_plain(quote) in text for text in said)] == []


def test_every_answer_is_explained() -> None:
    from verify.wording.v1.answers import ANSWERS

    words = {
        ANSWERS[f"answer.{verdict}"]: verdict
        for verdict in ("identical", "dependent", "similar_beyond_panel", "no_evidence", "untestable")
    }
    readme = (ROOT / "README.md").read_text("utf-8")
    tutorial = (ROOT / "docs" / "tutorial-two-models.md").read_text("utf-8")
    guide = (ROOT / "docs" / "reading-a-report.md").read_text("utf-8")
    for word, verdict in words.items():
        assert f"| {word} | `{verdict}` |" in readme
        assert f"| {word} | `{verdict}` |" in tutorial
        assert f"| **{word}** |" in guide


def test_the_numbers_of_the_readme_are_those_of_the_tables() -> None:
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    with (TABLES / "size.csv").open(encoding="utf-8") as file:
        pairs = [[float(p) for p in list(row.values())[2:] if p] for row in csv.DictReader(file)]
    called = sum(min(pair) + log10(len(pair)) <= -3 for pair in pairs)
    bound = beta.ppf(0.975, called + 1, len(pairs) - called)
    assert f"Of {len(pairs):,} newly trained pairs of unrelated models, five architectures, {called} were" in readme
    assert f"at most {100 * bound:.2f}%" in readme

    relatives = [model for model in _table("truth")["models"] if model["relation"] != "none"]
    found = [model for model in relatives if model["verdict"] == "dependent"]
    assert f"{len(found)} of {len(relatives)} relatives" in readme
    assert [model["model"] for model in relatives if model not in found] == ["obfuscated-all"]

    classes = json.loads((ROOT / "examples" / "dispute" / "results.json").read_text("utf-8"))["base_rate"]["classes"]
    apart = [classes[name] for name in ("grids", "opus")]
    reach, of = (sum(one[key] for one in apart) for key in ("reach", "pairs"))
    assert f"by {classes['derived']['reach']} of {classes['derived']['pairs']} pairs of which one" in readme
    assert f"by {reach} of {of} pairs that were trained apart" in readme
    alt = pictures.dispute().alt
    assert f"apart by one recipe: {reach} of {of} pairs" in alt
    assert f"other families: {classes['unrelated']['reach']} of {classes['unrelated']['pairs']} pairs" in alt
    assert f"made from the other: {classes['derived']['reach']} of {classes['derived']['pairs']} pairs" in alt


def test_one_change_is_found_by_four_tests_and_all_of_them_by_none() -> None:
    """What README.md and How to attack it say of hiding."""
    architectures = _table("hiding")["models"]
    attacks = (ROOT / "docs" / "attacks.md").read_text("utf-8")
    assert len(architectures) == 7
    assert "for seven\narchitectures" in attacks
    for row in (row for model in architectures for row in model["rows"]):
        found = [p for p in row["log10_p"].values() if p is not None and p <= -3]
        if row["change"] == "obfuscated-all":
            assert not found
        elif row["change"] != "obfuscated":  # several changes
            assert len(found) >= 4


def test_damage_and_training_hide_no_copy_and_what_hides_is_free_or_another_model() -> None:
    """What README.md and How to attack it say of evasion."""
    attacks = {attack["title"]: attack for attack in _table("evasion")["attacks"]}
    another = ("merged with a stranger", "distillation")
    for title, attack in attacks.items():
        for row in attack["rows"]:
            if title not in another and row["strength"] not in ("all but heads", "all changes"):
                assert row["related"] == row["pairs"], (title, row["strength"])
            if attack["free"]:
                assert row["cost"] == [0, 0, 0]
    of_merging = attacks["merged with a stranger"]["rows"]
    hidden = [float(row["strength"]) for row in of_merging if not row["related"]]
    assert hidden
    assert min(hidden) == 0.95
    assert [row["related"] for row in of_merging if row["strength"] == "0.9"] == [1]
    (everything,) = (r for a in attacks.values() for r in a["rows"] if r["strength"] == "all changes")
    assert everything["related"] == attacks["distillation"]["rows"][-1]["related"] == 0
    assert attacks["spreads of attention reversed"]["rows"][0]["spreads"] == -1


def test_every_test_that_can_reach_the_level_is_forged_for_nothing() -> None:
    """What README.md and How to attack it say of forgery."""
    found = _table("forgery")
    free = [row for row in found["rows"] if row["free"]]
    assert all(row["cost"] == [0, 0, 0] for row in free)
    aimed = {test: row for row in free for test in row["aims"] if row["log10_p"][test] <= -3}
    assert set(found["tests"]) - set(aimed) == {"head_identity"}
    rows = {row["title"]: row for row in free}
    by_weights = rows["units ordered to match, by weights"]
    assert by_weights["log10_p"]["unit_identity"] < -200
    assert by_weights["again"]["unit_identity"] > -3
    assert rows["rotary planes turned to match"]["again"]["rotary_phase"] > -3
    assert rows["spreads of attention copied"]["spreads"] == 1
    assert rows["spreads of attention copied"]["related"] == 0
    for test, of in found["sketches"].items():
        assert of["relatives"][1] >= 0.98 * of["relatives"][0], test
    for test in ("unit_identity", "value_identity", "response_identity"):
        lifts = found["lifts"][test]
        assert lifts["forged"][3] <= 1.5
        assert 1.7 <= lifts["relatives"][2] <= 2.5


def _table(name: str) -> Any:
    return json.loads((TABLES / f"{name}.json").read_text("utf-8"))


def _answer(path: Path) -> str:
    answer = ClaimReport.from_json(path).answer
    lines = " ".join(f"{label}. {line}" for label, line in answer.lines)
    return _plain(f"{answer.word}. {answer.sentence} {lines}")


def _plain(text: str) -> str:
    return " ".join(text.replace("*", "").split())
