"""What the command line writes and where: two faces of one record, nobody's files touched, exit statuses."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests import commands
from tests.commands import Run, check_refused
from tests.reports import CREATED
from verify import ClaimReport, Fingerprint, fingerprint, test_lineage
from verify.base import InputError
from verify.cli.output import no_pdf, write_report
from verify.render import FORMATS

models, run = commands.models, commands.run


# ---- what it writes


def test_report_files_are_two_faces_of_one_record(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """report.json reads back, and report.md is made of it."""
    result = run("lineage", models["child"], models["parent"], "-o", tmp_path / "deep" / "out", "--created", CREATED)
    assert (result.status, result.err) == (0, "")
    assert sorted(p.name for p in (tmp_path / "deep" / "out").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]
    report = ClaimReport.from_json(tmp_path / "deep" / "out" / "report.json")
    assert (report.verdict, report.created) == ("dependent", CREATED)
    assert (tmp_path / "deep" / "out" / "report.md").read_text("utf-8") == report.to_markdown()
    assert report.answer.word in result.out
    assert " ".join(report.answer.sentence.split()) in " ".join(result.out.split())


def test_json_is_canonical_and_round_trips(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """What is printed is what is written."""
    arguments = ("lineage", models["stranger"], models["parent"], "--created", CREATED, "--json")
    printed = run(*arguments)
    again = run(*arguments, "-o", tmp_path)
    assert printed.out == again.out == (tmp_path / "report.json").read_text("utf-8")
    report = ClaimReport.from_json(printed.out)
    assert report.to_json() + "\n" == printed.out
    assert report.verdict == "no_evidence"


def test_without_output_the_answer_is_printed(run: Run, models: dict[str, Path]) -> None:
    """And nothing else, on standard output."""
    result = run("lineage", models["child"], models["parent"])
    assert result.status == 0
    assert result.out.startswith(" RELATED  child (A), parent (B)\n")
    assert result.out.count("\n") < 25


def test_an_existing_folder_keeps_what_else_is_in_it(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """Old reports are replaced, other files are not touched."""
    reported(run, tmp_path, models["stranger"], models["parent"], "json")
    (tmp_path / "notes.txt").write_text("mine")
    assert run("lineage", models["child"], models["parent"], "-o", tmp_path, "-q").status == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "report.html", "report.json", "report.md"]
    ClaimReport.from_json(tmp_path / "report.json")


def digests_in(folder: Path) -> set[bytes]:
    """Reports that files of a folder are of, by the digest in the citation of each."""
    pages = [path.read_bytes().replace(b"<wbr>", b"") for path in folder.glob("report.*")]
    return {known for page in pages for known in KNOWN if known in page}


KNOWN: set[bytes] = set()
"""Digests of the reports that a test made."""


def reported(run: Run, folder: Path, a: Path, b: Path, names: str) -> set[bytes]:
    """Write a report; the digests that the folder's pages then bear."""
    assert run("lineage", a, b, "-o", folder, "--format", names, "--created", CREATED).status == 0
    if (folder / "report.json").exists():
        KNOWN.add(ClaimReport.from_json(folder / "report.json").digest.encode())
    return digests_in(folder)


@pytest.mark.parametrize("names", ["json", "md", "json,md", "tex,json"])
def test_no_page_of_another_pair_stays_in_a_folder(
    run: Run, models: dict[str, Path], tmp_path: Path, names: str
) -> None:
    """Whatever is written the second time; what is not of a report is not touched."""
    (first,) = reported(run, tmp_path, models["child"], models["parent"], "json,md,tex,html")
    mine = {"notes.txt": "mine", "report-of-mine.html": "mine", "report.docx": "mine", "report.json.dsse": "signed"}
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    second = reported(run, tmp_path, models["stranger"], models["parent"], names)
    assert first not in second
    assert {path.name for path in tmp_path.iterdir()} == mine.keys() | {f"report.{name}" for name in names.split(",")}
    assert all((tmp_path / name).read_text() == text for name, text in mine.items())


def test_a_page_of_somebody_else_is_neither_removed_nor_left_beside(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before any work."""
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4 a thesis, sha256:none")
    monkeypatch.setattr("verify.lineage.test_lineage", None)
    check_refused(run("lineage", models["child"], models["parent"], "-o", tmp_path), "is no page of a report")
    assert [path.name for path in tmp_path.iterdir()] == ["report.pdf"]


@pytest.mark.parametrize("name", ["report.json", "report.md"])
def test_a_file_of_somebody_else_is_not_overwritten(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A file that happens to have the name of a page that would be written."""
    (tmp_path / name).write_text("mine")
    monkeypatch.setattr("verify.lineage.test_lineage", None)
    check_refused(run("lineage", models["child"], models["parent"], "-o", tmp_path), "would be lost")
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("target", ["model.safetensors", "config.json", "notes.txt"])
def test_a_fingerprint_replaces_nothing_but_a_fingerprint(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """Least of all the weights that it is made from, also through a link; and it is said before they are read."""
    model = tmp_path / "model"
    shutil.copytree(models["parent"], model)
    (model / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to(model / target)
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    made = fingerprint(model)
    monkeypatch.setattr("verify.fingerprint.fingerprint", None)
    for output in (model / target, tmp_path / "link"):
        check_refused(run("fingerprint", model, "-o", output), "is no fingerprint, and would be lost")
        with pytest.raises(InputError, match="would be lost"):
            made.save(output)
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before


def test_a_fingerprint_replaces_an_earlier_one_and_an_empty_file(
    run: Run, models: dict[str, Path], tmp_path: Path
) -> None:
    """As a file that was made for it is."""
    (tmp_path / "a").touch()
    for model in ("parent", "child"):
        assert run("fingerprint", models[model], "-o", tmp_path / "a").status == 0
        assert Fingerprint.load(tmp_path / "a") == fingerprint(models[model])


def test_a_signature_replaces_nothing_but_an_envelope(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """Such as weights or a configuration."""
    test_lineage(models["child"], models["parent"]).to_json(tmp_path / "report.json")
    assert run("keygen", "-o", tmp_path / "me").status == 0
    (tmp_path / "config.json").write_text("{}")
    signed = ("sign", tmp_path / "report.json", "--key", tmp_path / "me", "-o")
    check_refused(run(*signed, tmp_path / "config.json"), "would be lost")
    assert (tmp_path / "config.json").read_text() == "{}"
    assert [run(*signed, tmp_path / "envelope").status for _ in range(2)] == [0, 0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("command", ["replay", "render"])
def test_a_pipe_or_a_device_is_no_report(run: Run, tmp_path: Path, command: str) -> None:
    """It may never end."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        output = ["-o", tmp_path / "page"] if command == "render" else []
        check_refused(run(command, path, *output), "Not a regular file")


def test_pages_of_the_same_report_stay_where_one_is_added(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """And go where the record is of another one."""
    for name, a in (("one", "child"), ("two", "stranger")):
        reported(run, tmp_path / name, models[a], models["parent"], "json,md")
    assert run("render", tmp_path / "one" / "report.json", "--format", "html", "-o", tmp_path / "one").status == 0
    names = {"report.json", "report.md", "report.html"}
    assert {path.name for path in (tmp_path / "one").iterdir()} == names
    assert run("render", tmp_path / "two" / "report.json", "--format", "tex", "-o", tmp_path / "one").status == 0
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"report.tex"}


def test_a_pdf_tells_whose_it_is(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """By the digest in its metadata, whatever typeset it."""
    if no_pdf() is not None:
        pytest.skip("nothing here typesets a PDF")
    reported(run, tmp_path, models["child"], models["parent"], "json,pdf")
    assert run("render", tmp_path / "report.json", "--format", "md", "-o", tmp_path).status == 0
    assert (tmp_path / "report.pdf").exists()
    reported(run, tmp_path, models["stranger"], models["parent"], "json")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_an_interruption_leaves_pages_of_one_report(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it comes: all or some of the earlier one, or some or all of the new one, and no part of a file."""
    parent, *others = (fingerprint(models[name], effort="screen") for name in ("parent", "child", "stranger"))
    old, new = (test_lineage(a, parent, created=CREATED) for a in others)
    KNOWN.update(report.digest.encode() for report in (old, new))
    for name in FORMATS:
        drawn = replace(FORMATS[name], make=lambda report, *_: f"verify-lineage {report.digest}".encode())
        monkeypatch.setitem(FORMATS, name, drawn)

    def left(at: int) -> set[bytes]:
        """The reports that are there where the writing ends at some call to the file system."""
        folder, calls = tmp_path / str(at), count()
        write_report(old, folder, ["json", "md", "tex"])

        def interrupted(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                if next(calls) == at:
                    raise KeyboardInterrupt
                return real(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            for name in ("write_bytes", "unlink", "replace"):
                patch.setattr(Path, name, interrupted(getattr(Path, name)))
            with suppress(KeyboardInterrupt):
                write_report(new, folder, ["json", "html"])
        return digests_in(folder)

    found = [left(at) for at in range(12)]
    assert all(len(reports) <= 1 for reports in found)
    assert found[0] == {old.digest.encode()}
    assert found[-1] == {new.digest.encode()}


# ---- terminals


def test_a_fingerprint_is_not_made_again_at_another_effort(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """Asking for one is no silent copy of the other."""
    saved = tmp_path / "saved.safetensors"
    assert run("fingerprint", models["child"], "-o", saved, "--effort", "standard", "-q").status == 0
    same = run("fingerprint", saved, "-o", tmp_path / "same.safetensors", "--effort", "standard", "-q")
    other = run("fingerprint", saved, "-o", tmp_path / "other.safetensors", "--effort", "full", "-q")
    assert (same.status, other.status) == (0, 2)
    assert "made at standard effort, and full is asked for; give its weights" in other.err
    assert not (tmp_path / "other.safetensors").exists()


def test_options_are_recorded(run: Run, models: dict[str, Path]) -> None:
    """Level and chronology."""
    options = ("--alpha", "0.01", "--chronology", "B came first", "--json")
    report = ClaimReport.from_json(run("lineage", models["child"], models["parent"], *options).out)
    assert report.alpha == 0.01
    assert report.chronology == "B came first"


@pytest.mark.parametrize(
    ("a", "fail_on", "status"),
    [
        ("child", "dependent", 3),
        ("child", "identical, dependent", 3),
        ("child", "no_evidence,untestable", 0),
        ("child", ",", 0),
        ("stranger", "no_evidence", 3),
        ("stranger", "dependent,similar_beyond_panel", 0),
        ("parent", "identical", 3),
    ],
)
def test_chosen_verdicts_become_status_3(
    run: Run, models: dict[str, Path], tmp_path: Path, a: str, fail_on: str, status: int
) -> None:
    """And the report is written all the same."""
    result = run("lineage", models[a], models["parent"], "--fail-on", fail_on, "-o", tmp_path)
    assert (result.status, result.err) == (status, "")
    assert (tmp_path / "report.json").exists()


@pytest.mark.parametrize("a", ["child", "stranger", "parent"])
def test_fingerprints_give_the_same_report_as_folders(
    run: Run, models: dict[str, Path], tmp_path: Path, a: str
) -> None:
    """Whatever the file is called, and but for saying that fingerprints were read."""
    files = {name: tmp_path / file for name, file in ((a, "a.safetensors"), ("parent", "b.fingerprint"))}
    for name, file in files.items():
        made = run("fingerprint", models[name], "-o", file)
        assert (made.status, made.err) == (0, "")
        assert str(file) in made.out
    options = ("--created", CREATED, "--json")
    by_folder = run("lineage", models[a], models["parent"], *options)
    by_file = run("lineage", files[a], files["parent"], *options)
    assert by_folder.status == by_file.status == 0
    of_file, of_folder = json.loads(by_file.out), json.loads(by_folder.out)
    for report, stated in ((of_file, "fingerprint"), (of_folder, "weights")):
        assert [report[side].pop("read_from") for side in "ab"] == [stated] * 2
        for side in "ab":
            report[side].pop("arrays_sha256", None)
            report[side].pop("signed", None)
        report.pop("digest")
    assert of_file == of_folder


def test_a_fingerprint_prints_its_record(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """As JSON, if asked."""
    result = run("fingerprint", models["parent"], "-o", tmp_path / "x.safetensors", "--json")
    assert json.loads(result.out)["name"] == "parent"
