"""The paper says what the code and the benchmarks say, number by number and theorem by theorem, and it typesets."""

from __future__ import annotations

import inspect
import re
import shutil
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
from click.testing import CliRunner

import verify
from benchmarks import results
from examples.dispute.generate import read_results
from paper import build
from paper.__main__ import main
from paper.build import HERE, PaperError, complaints, typeset
from paper.generate import generated, stale
from verify.statistics import EXACT_TESTS

SECTIONS = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "sections").glob("*.tex"))}
SOURCE = (HERE / "paper.tex").read_text("utf-8") + "".join(SECTIONS.values())
MEASURED = ("abstract", "problem", "experiments", "related", "limitations")
"""Sections that state measurements; the others state theorems, whose constants are not measured."""
ALLOWED = (
    r"arXiv:\d{4}\.\d{5}",
    r"\b(?:19|20)\d\d\b",  # years
    r"\bGPT\\nobreakdash-2\b",
    r"\\log_\{10\}",  # the base of a logarithm
    r"[(\[]0,1\]",  # where probabilities lie
)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return generated()


def theorems_of_the_code() -> set[str]:
    """Names in ``Theorem (name)`` of every docstring of the library."""
    sources = Path(verify.__file__).parent.rglob("*.py")
    return {name for path in sources for name in re.findall(r"Theorem \(([^)]+)\)", path.read_text("utf-8"))}


def test_generated_files_are_in_step_with_the_benchmarks(files: dict[str, str]) -> None:
    assert stale(files) == [], "run `python -m paper`"


def test_check_passes_on_what_is_checked_in_and_fails_on_anything_else(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert CliRunner().invoke(main, ["--check"]).exit_code == 0
    monkeypatch.setattr("paper.generate.HERE", tmp_path)
    assert sorted(stale(files)) == sorted(files)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    assert stale(files) == []
    (tmp_path / "tables" / "forgotten.tex").touch()
    (tmp_path / "numbers.tex").write_text("\\newcommand{\\SizePairs}{1000000}", "utf-8")
    assert sorted(stale(files)) == ["numbers.tex", "tables/forgotten.tex"]
    failed = CliRunner().invoke(main, ["--check"])
    assert failed.exit_code == 1
    assert "numbers.tex" in failed.output
    assert "Traceback" not in failed.output


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of the benchmarks that a test may alter."""
    folder = shutil.copytree(results.TABLES, tmp_path / "results")
    monkeypatch.setattr(results, "TABLES", folder)
    return folder


ALTERED = {
    "truth": (("models", 0, "log10_p", "unit_identity"), {"numbers.tex", "tables/truth.tex"}),
    "twins": (("rows", 4, "called", 1), {"numbers.tex", "tables/panel_size.tex"}),
    "power": (("rows", 0, "megabytes"), {"tables/power.tex"}),
    "panel_cost": (("rows", -1, "seconds"), {"numbers.tex", "tables/cost.tex"}),
    "model_tracing": (("log10_p", "phi_U"), {"numbers.tex"}),
    "peers": (("peers", 0, "answers", 0, "related"), {"tables/peers.tex"}),
    "screen": (("cost", -1, "passed"), {"numbers.tex"}),
    "evasion": (("attacks", -1, "rows", -1, "cost", 0), {"numbers.tex"}),
    "forgery": (("rows", 1, "log10_p", "unit_identity"), {"numbers.tex"}),
}
"""A number in each JSON, and the files that report it."""
TWINS = {
    "levels": ("panel_twins", 0, "quantiles", 1),
    "simulation": ("simulated", "verdict", 0),
    "derived": ("derived", 0, "score"),
}
"""Of the results on twins, a number in each other table that is made from them."""


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("table", TWINS)
def test_a_number_altered_in_the_results_on_twins_is_in_its_table(table: str) -> None:
    *path, last = TWINS[table]
    content = results.read("twins")
    reduce(getitem, path, content)[last] += 10
    results.write("twins", content)
    assert {name for name in stale(generated()) if name != "numbers.tex"} == {f"tables/{table}.tex"}


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("name", ALTERED)
def test_a_number_altered_in_the_results_is_seen(name: str) -> None:
    (*path, last), reported = ALTERED[name]
    content = results.read(name)
    inner = reduce(getitem, path, content)
    inner[last] -= 10
    results.write(name, content)
    assert set(stale(generated())) == reported


def test_a_number_altered_in_the_results_of_the_dispute_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    content = read_results()
    content["base_rate"]["classes"]["grids"]["reach"] += 1
    monkeypatch.setattr("paper.sources.read_results", lambda: content)
    assert stale(generated()) == ["numbers.tex"]


def test_a_number_altered_in_what_is_stated_of_the_first_rule_is_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (HERE / "first_rule.json").read_text("utf-8")
    (tmp_path / "first_rule.json").write_text(text.replace("15]", "14]"), "utf-8")
    monkeypatch.setattr("paper.sources.HERE", tmp_path)
    assert stale(generated()) == ["numbers.tex"]


def test_a_result_that_is_missing_is_one_sentence(tables: Path) -> None:
    (tables / "screen.json").unlink()
    failed = CliRunner().invoke(main, ["--check"])
    assert failed.exit_code == 1
    assert "screen.json is not there; run the benchmark" in failed.output
    assert "Traceback" not in failed.output


def test_no_source_of_the_paper_is_read_by_a_regular_expression() -> None:
    """Nor is one of a page: what is generated comes from JSON."""
    root = HERE.parent
    files = [
        path for folder in ("paper", "benchmarks/pages", "examples/dispute") for path in (root / folder).rglob("*.py")
    ]
    assert len(files) > 20
    assert [
        path.name for path in files if re.search(r"^\s*(?:import|from) re\b", path.read_text("utf-8"), re.M)
    ] == []


def test_the_theorems_of_the_code_are_those_of_the_paper_by_name_and_label() -> None:
    found = re.findall(r"\\begin\{theorem\}\[([^\]]+)\]\\label\{thm:([^}]+)\}", SOURCE)
    assert {name for name, _ in found} == theorems_of_the_code()
    assert all(label == name.lower().replace(" ", "-") for name, label in found)
    assert len(found) == SOURCE.count(r"\begin{theorem}")


@pytest.mark.parametrize("test", EXACT_TESTS, ids=lambda test: test.id)
def test_every_test_names_the_theorem_that_the_paper_gives_for_it(test: verify.statistics.Statistic) -> None:
    named = re.findall(r"``inference\.(\w+)``", inspect.getdoc(inspect.getmodule(test.run)) or "")
    theorems = {
        name
        for module in named
        for name in re.findall(r"Theorem \(([^)]+)\)", inspect.getdoc(getattr(verify.inference, module)) or "")
    }
    assert theorems
    (row,) = re.findall(
        rf"^\\test\{{{re.escape(test.id.replace('_', chr(92) + '_'))}\}} &(.*?)\\\\", SOURCE, re.M | re.S
    )
    cited = set(re.findall(r"\\ref\{(\w+:[\w-]+)\}", row))
    if "prop:stream" in cited:  # whose proof cites both
        proof = SOURCE[SOURCE.index(r"\label{prop:stream}") :].split(r"\end{proof}")[0]
        cited = set(re.findall(r"\\ref\{(thm:[\w-]+)\}", proof))
    assert cited == {"thm:" + name.replace(" ", "-") for name in theorems}


def test_everything_claimed_has_a_proof() -> None:
    for kind in ("theorem", "proposition", "lemma"):
        for after in SOURCE.split(rf"\end{{{kind}}}")[1:]:
            assert after.lstrip().startswith(r"\begin{proof}"), after[:200]


def test_labels_citations_tables_and_macros_exist_and_are_used(files: dict[str, str]) -> None:
    text = SOURCE + "".join(files.values())
    labels = re.findall(r"\\label\{([^}]+)\}", text)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"\\(?:eq)?ref\{([^}]+)\}", text)) <= set(labels)
    cited = {key for keys in re.findall(r"\\cite[pt]?\{([^}]+)\}", SOURCE) for key in keys.split(",")}
    assert cited == set(re.findall(r"@\w+\{([^,]+),", (HERE / "references.bib").read_text("utf-8")))
    inputs = {f"tables/{name}.tex" for name in re.findall(r"\\input\{tables/(\w+)\}", SOURCE)}
    assert inputs == {name for name in files if name.startswith("tables/")}
    macros = set(re.findall(r"\\newcommand\{\\(\w+)\}", files["numbers.tex"]))
    assert macros <= set(re.findall(r"\\([A-Za-z]+)", SOURCE))


def typed(text: str) -> list[str]:
    """Numbers typed by hand into a section, with what stands around them."""
    text = re.sub(r"(?<!\\)%.*", "", text)
    text = re.sub(r"\\(?:ref|label|input|cite[pt]?|begin|end)\{[^}]*\}(?:\[[^\]]*\])?", "", text)
    for allowed in ALLOWED:
        text = re.sub(allowed, "", text)
    return re.findall(r".{0,30}\d.{0,10}", text)


@pytest.mark.parametrize("section", MEASURED)
def test_no_number_is_typed_where_measurements_are_stated(section: str) -> None:
    assert typed(SECTIONS[section]) == []


@pytest.mark.parametrize("text", ["is $0.927$", "17 of 352", r"\test{x} at .05", r"$\log_{10}p=-4$", "4\\% of pairs"])
def test_a_typed_number_is_found(text: str) -> None:
    assert len(typed(text)) == 1


def test_no_path_of_a_machine_is_in_the_paper(files: dict[str, str]) -> None:
    assert not re.search(r"/(?:home|work|tmp|root|Users)/", SOURCE + "".join(files.values()))


def test_missing_tex_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build.shutil, "which", lambda _: None)
    with pytest.raises(PaperError, match="pdflatex was not found; install TeX"):
        typeset(tmp_path)


@pytest.mark.skipif(
    not (shutil.which("pdflatex") and shutil.which("bibtex")), reason="no TeX here: pdflatex or bibtex was not found"
)
def test_the_paper_typesets_without_complaint(tmp_path: Path) -> None:
    pdf = typeset(tmp_path)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert complaints(tmp_path) == []
