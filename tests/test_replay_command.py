"""``verify replay`` and the formats of a report at the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests import replays
from tests.replays import PAIRS, Run, made, text
from tests.reports import CREATED, changed, sealed
from verify import ClaimReport, InputError
from verify.data import model
from verify.render import FORMATS
from verify.replay.agreement import Replay
from verify.replay.check import check

run = replays.run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made("child").to_json(tmp_path / "report.json")
    return tmp_path / "report.json"


def test_a_model_is_reached_as_it_was_for_the_report(run: Run, tmp_path: Path) -> None:
    """A layout that was stated is stated again, and asked for if it is not."""
    a, b, _ = PAIRS["child"]
    run("lineage", model(a), model(b), "--layout-a", "llama", "-o", tmp_path, "--format", "json")
    again = ("replay", tmp_path / "report.json", "--a", model(a), "--b", model(b))
    assert run(*again, "--layout-a", "llama")[0] == 0
    status, out, err = run(*again)
    assert (status, out) == (2, "")
    assert "For the report A was read with a layout ('llama'); give the same (--layout-a)." in err


def test_exit_statuses(run: Run, file: Path) -> None:
    """0 agrees, 1 disagrees and says where, 2 not a report, 4 agrees without the models that were required."""
    a, b, _ = PAIRS["child"]
    for models in ((), ("--a", model(a), "--b", model(b))):
        status, out, err = run("replay", file, *models)
        assert (status, err) == (0, "")
        assert out.startswith("Agrees with the weights of both models." if models else "The arithmetic follows from ")
        assert out.splitlines()[1].endswith("0 disagree")
        assert run("replay", file, *models, "--require-models")[0] == (0 if models else 4)
    status, out, err = run("replay", file, "--a", model(b), "--b", model(a))
    assert (status, err) == (1, "")
    assert "$.a.content_sha256" in out
    assert out.startswith("DISAGREES with both models.")
    file.write_bytes(file.read_bytes().replace(b'"verdict":"dependent"', b'"verdict":"untestable"'))
    status, out, err = run("replay", file)
    assert (status, err) == (1, "")
    assert "$.digest" in out
    assert "$.verdict" in out
    file.write_bytes(file.read_bytes()[:-9])
    status, out, err = run("replay", file)
    assert (status, out, err.count("\n")) == (2, "", 1)
    for arguments in (("absent",), (file.parent,), (file, "--a", model(a))):
        status, out, err = run("replay", *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)


def test_the_outcome_as_json(run: Run, file: Path) -> None:
    status, out, _ = run("replay", file, "--json")
    assert status == 0
    assert Replay.model_validate_json(out) == check(file.read_bytes())


def test_hostile_texts_are_inert_in_the_terminal(run: Run, file: Path) -> None:
    content = changed(json.loads(text("child")), "$.evidence[exact].asked.code", "\x1b[31m\n| a |\u202e" + "x" * 500)
    file.write_bytes(sealed(content))
    status, out, _ = run("replay", file)
    assert status == 1
    assert all(c == "\n" or c.isprintable() for c in out)


def test_an_old_report_is_rendered(run: Run, file: Path, tmp_path: Path) -> None:
    status, out, err = run("render", file, "--format", "md,tex,html,json", "-o", tmp_path / "out")
    assert (status, err) == (0, "")
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == ["report.html", "report.json", "report.md", "report.tex"]
    assert (tmp_path / "out" / "report.json").read_bytes() == file.read_bytes()
    assert (tmp_path / "out" / "report.md").read_text("utf-8") == made("child").to_markdown()
    assert str(tmp_path / "out" / "report.tex") in out


def test_an_altered_report_is_not_rendered(run: Run, file: Path, tmp_path: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"dependent", b"untestable"))
    status, out, err = run("render", file, "-o", tmp_path / "out")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "docx"], "'docx'"),
        (["--format", "md,fragment"], "'fragment'"),
        (["--format", ","], "names nothing"),
        (["--format", "json,pdf"], "neither pdflatex nor typst"),
    ],
)
def test_a_format_that_cannot_be_made_is_refused_before_the_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], says: str
) -> None:
    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("verify.lineage.test_lineage", unwanted)
    monkeypatch.setattr("verify.cli.output.shutil.which", lambda _: None)
    monkeypatch.setattr("verify.cli.output.find_spec", lambda _: None)
    for command in (("lineage", "a", "b"), ("render", "report.json")):
        status, out, err = run(*command, "-o", tmp_path / "out", *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert says in err
        assert not (tmp_path / "out").exists()


def test_formats_of_a_new_report(run: Run, tmp_path: Path) -> None:
    a, b, _ = PAIRS["child"]
    status, out, err = run(
        "lineage", model(a), model(b), "--format", "tex,json", "-o", tmp_path, "--created", CREATED
    )
    assert (status, err) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "report.tex"]
    assert str(tmp_path / "report.tex") in out
    assert (tmp_path / "report.json").read_bytes() == text("child")
    status, _, err = run("lineage", model(a), model(b), "--format", "tex,md")
    assert (status, err.count("\n")) == (2, 1)
    assert "-o" in err


def test_the_demo_says_what_it_left_out(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("verify.cli.output.shutil.which", lambda _: None)
    monkeypatch.setattr("verify.cli.output.find_spec", lambda _: None)
    status, out, err = run("demo", "-o", tmp_path)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].startswith("Left out report.pdf: there is neither")
    for pair in ("related", "unrelated"):
        names = sorted(path.name for path in (tmp_path / pair).iterdir())
        assert names == ["report.html", "report.json", "report.md", "report.tex"]


def test_what_is_computed_is_not_lost_for_want_of_a_typesetter(
    run: Run, monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path
) -> None:
    """A TeX that lacks a package is noticed late: the other files are there, and one sentence says what is not."""

    def broken(_: ClaimReport) -> bytes:
        raise InputError("A PDF needs more.")

    monkeypatch.setitem(FORMATS, "pdf", replace(FORMATS["pdf"], make=broken))
    monkeypatch.setattr("verify.cli.output.shutil.which", lambda _: "pdflatex")
    status, out, err = run("render", file, "--format", "pdf,md", "-o", tmp_path / "out")
    assert (status, out, err) == (2, "", "A PDF needs more.\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.md"]
    status, out, err = run("demo", "-o", tmp_path / "demo")
    assert (status, err) == (0, "")
    assert out.endswith("Left out report.pdf: A PDF needs more.\n")
