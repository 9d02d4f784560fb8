"""Documents for other tools at the command line, and what is stated for a citation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests import commands
from tests.commands import Run, check_refused
from tests.reports import CREATED
from verify import ClaimReport, InputError, replay, test_lineage
from verify.replay.check import check

models, run = commands.models, commands.run


@pytest.fixture
def declared(models: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the child whose card declares the parent."""
    folder = tmp_path / "declared"
    folder.mkdir()
    for file in models["child"].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "README.md").write_text("---\nlicense: mit\nbase_model: o/parent\nbase_model_relation: finetune\n---\n")
    return folder


# ---- undeclared


def test_undeclared_is_an_outcome_to_fail_on(run: Run, models: dict[str, Path], declared: Path) -> None:
    """Of models that are related and do not say so; the verdict alone does not tell."""
    for a, fail_on, status in (
        (models["child"], "undeclared", 3),
        (declared, "undeclared", 0),
        (declared, "undeclared,dependent", 3),
        (models["stranger"], "undeclared", 0),
        (models["parent"], "undeclared", 3),
    ):
        assert run("lineage", a, models["parent"], "--fail-on", fail_on).status == status, (a, fail_on)
    check_refused(run("lineage", declared, models["parent"], "--fail-on", "hidden"), "similar_beyond_panel")


def test_a_screen_fails_on_undeclared_pairs(
    run: Run, models: dict[str, Path], declared: Path, tmp_path: Path
) -> None:
    """Two models are declared too where a chain of declared bases joins them: nobody hides a grandparent."""
    assert run("screen", declared, models["parent"], models["stranger"], "--fail-on", "undeclared").status == 0
    assert run("screen", models["child"], models["parent"], "--fail-on", "undeclared").status == 3
    assert run("screen", models["stranger"], models["parent"], "--fail-on", "undeclared").status == 0
    grandchild = tmp_path / "grandchild"
    shutil.copytree(declared, grandchild)
    (grandchild / "README.md").write_text("---\nbase_model: declared\n---\n")
    family = (grandchild, declared, models["parent"])
    assert run("lineage", grandchild, models["parent"], "--fail-on", "undeclared").status == 3
    assert run("screen", *family, "--fail-on", "undeclared").status == 0
    assert run("screen", *family, models["child"], "--fail-on", "undeclared").status == 3


def test_the_relation_that_a_card_declares_is_recorded(declared: Path, models: dict[str, Path]) -> None:
    """As the card has it; a report with one replays, and one of a card without it has the bytes that it had."""
    report = test_lineage(declared, models["parent"], created=CREATED)
    assert report.a.declared_relation == "finetune"
    assert check(report).agrees
    assert replay(report, declared, models["parent"]).agrees
    assert replay(report, models["child"], models["parent"]).agrees
    assert "declared_relation" not in test_lineage(models["child"], models["parent"], created=CREATED).to_json()


# ---- files


def test_documents_are_written_together(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """Each under its own ending; the card with the badge that it shows; those of another pair go."""
    out = tmp_path / "out"
    names = "json,card,github,sarif,cyclonedx,spdx,intoto,bibtex,cff"
    assert run("lineage", models["child"], models["parent"], "-o", out, "--format", names).status == 0
    found = {path.name for path in out.iterdir()}
    assert found == {
        "report.json", "report.card.md", "report.badge.svg", "report.github.txt", "report.sarif", "report.cdx.json",
        "report.spdx.json", "report.intoto.json", "report.bib", "report.cff",
    }  # fmt: skip
    assert "(report.badge.svg)" in (out / "report.card.md").read_text()
    assert run("lineage", models["stranger"], models["parent"], "-o", out, "--format", "json,spdx").status == 0
    assert {path.name for path in out.iterdir()} == {"report.json", "report.spdx.json"}


def test_a_bibliography_of_somebody_else_is_not_overwritten(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor left beside a report, before any work."""
    (tmp_path / "report.bib").write_text("@book{x, title = {Mine}}")
    monkeypatch.setattr("verify.lineage.test_lineage", None)
    check_refused(run("lineage", models["child"], models["parent"], "-o", tmp_path), "is no page of a report")


def test_a_document_is_printed_and_rendered_alike(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """Without a folder, and later from the record, which holds no paths: they are given again."""
    pair = (models["child"], models["parent"], "--created", CREATED)
    printed = run("lineage", *pair, "--format", "sarif")
    assert (printed.status, printed.err) == (0, "")
    assert run("lineage", *pair, "-o", tmp_path / "one").status == 0
    report, again = tmp_path / "one" / "report.json", tmp_path / "two"
    given = ("--a", models["child"], "--b", models["parent"])
    assert run("render", report, "--format", "sarif,card", "-o", again, *given).status == 0
    assert (again / "report.sarif").read_text() == printed.out
    assert str(models["child"]) not in report.read_text()
    assert run("render", report, "--format", "sarif", "-o", tmp_path / "three").status == 0
    assert "physicalLocation" not in (tmp_path / "three" / "report.sarif").read_text()


def test_a_calibration_has_pages_only(run: Run, tmp_path: Path) -> None:
    """Its formats are named where another is asked for."""
    scores = tmp_path / "scores.csv"
    scores.write_text("a,b,score\nx,y,1\nx,z,2\ny,z,3\n")
    result = run("calibrate", scores, "--claim", "x", "y", "-o", tmp_path / "o", "--format", "spdx")
    check_refused(result, "give formats among md, tex, html, pdf, json.", tmp_path / "o")


# ---- who states it, and where


def test_authors_and_address_enter_no_test(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """They change the digest and nothing that was computed; a replay says that they are as stated."""
    pair = (models["child"], models["parent"], "--created", CREATED)
    stated = ("--author", "Lovelace, Ada", "--author", "A Laboratory", "--url", "https://example.org/r")
    assert run("lineage", *pair, *stated, "-o", tmp_path / "stated").status == 0
    assert run("lineage", *pair, "-o", tmp_path / "bare").status == 0
    report, bare = (ClaimReport.from_json(tmp_path / name / "report.json") for name in ("stated", "bare"))
    assert (report.authors, report.url) == (("Lovelace, Ada", "A Laboratory"), "https://example.org/r")
    added = {"authors", "url", "digest"}
    assert {k: v for k, v in report.facts().items() if k not in added} == {
        k: v for k, v in bare.facts().items() if k != "digest"
    }
    assert added & bare.facts().keys() == {"digest"}
    outcome = replay(report, models["child"], models["parent"])
    assert outcome.agrees
    assert {"$.authors*", "$.url"} <= {kind.field for kind in outcome.not_checkable}
    assert "Lovelace, Ada" in (tmp_path / "stated" / "report.md").read_text()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--author", ""),
        ("--author", " x"),
        ("--author", "a\nb"),
        ("--author", "x" * 201),
        ("--author", "\u202ex"),
        ("--url", "example.org"),
        ("--url", "javascript:alert(1)"),
        ("--url", "https://x/a b"),
        ("--url", "https://x/<script>"),
        ("--url", 'https://x/"'),
        ("--url", "https://x/\\"),
        ("--url", "https://x/{}"),
        ("--url", "https://x/\n"),
        ("--url", ""),
    ],
)
def test_what_is_no_name_or_address_is_refused(
    run: Run, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, option: str, value: str
) -> None:
    """Before the work, with what to give."""
    monkeypatch.setattr("verify.lineage.fingerprint", None, raising=False)
    check_refused(run("lineage", models["child"], models["parent"], option, value), "give a")


@pytest.mark.parametrize("url", ["javascript:x", "https://x/<b>", "https://x/\n", "https://x/}"])
def test_a_report_with_another_address_is_none(models: dict[str, Path], url: str) -> None:
    """However it was sealed: an address is shown as a link."""
    report = test_lineage(models["child"], models["parent"], created=CREATED)
    forged = report.model_copy(update={"url": url}).sealed()
    with pytest.raises(InputError, match="not a claim report"):
        ClaimReport.from_json(forged.to_json())
    assert json.loads(forged.to_json())["url"] == url
