"""The command line: what goes where, exit statuses, and one sentence for anything that cannot be used."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.checkpoints import raw_safetensors
from tests.models import child, config, weights, write
from verify import ClaimReport, SketchSpec, fingerprint, test_lineage
from verify.cli import main
from verify.cli.app import cli
from verify.cli.output import echo, echo_json, no_pdf, write_report
from verify.render import FORMATS

CREATED = "2026-01-31T12:00:00+00:00"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``verify`` in this process."""

    def call(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
        try:
            main()
            status: int = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A parent, its child, and a stranger."""
    root, c = tmp_path_factory.mktemp("models"), config()
    made = {"parent": weights(0, c), "child": child(weights(0, c), 1), "stranger": weights(2, c)}
    return {name: write(root / name, w, c) for name, w in made.items()}


# ---- what it writes


def test_report_files_are_two_faces_of_one_record(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """report.json reads back, and report.md is made of it."""
    result = run("lineage", models["child"], models["parent"], "-o", tmp_path / "deep" / "out", "--created", CREATED)
    assert (result.status, result.err) == (0, "")
    assert sorted(p.name for p in (tmp_path / "deep" / "out").iterdir()) == ["report.json", "report.md"]
    report = ClaimReport.from_json(tmp_path / "deep" / "out" / "report.json")
    assert (report.verdict, report.created) == ("dependent", CREATED)
    assert (tmp_path / "deep" / "out" / "report.md").read_text("utf-8") == report.to_markdown()
    assert report.finding in result.out


def test_json_is_canonical_and_round_trips(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """What is printed is what is written."""
    arguments = ("lineage", models["stranger"], models["parent"], "--created", CREATED, "--json")
    printed = run(*arguments)
    again = run(*arguments, "-o", tmp_path)
    assert printed.out == again.out == (tmp_path / "report.json").read_text("utf-8")
    report = ClaimReport.from_json(printed.out)
    assert report.to_json() + "\n" == printed.out
    assert report.verdict == "no_evidence"


def test_without_output_the_page_is_printed(run: Run, models: dict[str, Path]) -> None:
    """Markdown, on standard output."""
    result = run("lineage", models["child"], models["parent"])
    assert result.status == 0
    assert result.out.startswith("# Lineage claim report")


def test_an_existing_folder_keeps_what_else_is_in_it(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """Old reports are replaced, other files are not touched."""
    reported(run, tmp_path, models["stranger"], models["parent"], "json")
    (tmp_path / "notes.txt").write_text("mine")
    assert run("lineage", models["child"], models["parent"], "-o", tmp_path, "-q").status == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "report.json", "report.md"]
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
        monkeypatch.setitem(FORMATS, name, lambda report: f"verify-lineage {report.digest}".encode())

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


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, call: Callable[[], object]) -> str:
    """What is printed on a terminal of an encoding."""
    stream = io.TextIOWrapper(held := io.BytesIO(), encoding, write_through=True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        call()
    return held.getvalue().decode(encoding)


@pytest.mark.parametrize(
    "encoding", ["ascii", "latin-1", "cp1252", "cp437", "koi8-r", "shift-jis", "utf-8", "utf-16"]
)
def test_a_terminal_that_lacks_a_sign_gets_another(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Each sign by itself where the terminal has it, and no error anywhere; JSON stays the same value."""
    text = "p ≥ 10–3 × 2, “µ” … é 模 \U0001f600 \udcff ─│█ end"
    shown = printed(monkeypatch, encoding, lambda: echo(text))
    assert shown.startswith("p ")
    assert shown.endswith(" end\n")
    assert all(sign in shown for sign in text if sign != "\udcff" and decodes(sign, encoding))
    if encoding in ("ascii", "latin-1"):
        assert shown.startswith("p >= 10-3 ")
    value = {"≥ 模": '\U0001f600 " é'}
    assert (
        json.loads(printed(monkeypatch, encoding, lambda: echo_json(json.dumps(value, ensure_ascii=False)))) == value
    )


def decodes(sign: str, encoding: str) -> bool:
    return sign.encode(encoding, "ignore").decode(encoding) == sign


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_commands_print_on_such_a_terminal(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Files are UTF-8 all the same."""
    a, b = (tmp_path / f"{name}.safetensors" for name in ("stranger", "parent"))
    for file in (a, b):
        assert run("fingerprint", models[file.stem], "-o", file, "--effort", "screen").status == 0
    pair = ("lineage", a, b, "--created", CREATED)
    assert run(*pair, "-o", tmp_path).status == 0
    page, record = ((tmp_path / f"report.{name}").read_text("utf-8") for name in ("md", "json"))
    assert not page.isascii()
    said = {}
    for command in (pair, (*pair, "--json"), ("screen", a, b), ("replay", tmp_path / "report.json")):
        said[command] = printed(monkeypatch, encoding, lambda command=command: run(*command))
        assert "\N{REPLACEMENT CHARACTER}" not in said[command]
    assert len(said[pair].split()) == len(page.split())
    assert json.loads(said[*pair, "--json"]) == json.loads(record)


def test_help_is_ascii(run: Run) -> None:
    """It is printed before anything is known of the terminal."""
    for command in (*cli.commands, "panel build", "panel show", "panel audit", "cache clear", ""):
        assert run(*command.split(), "--help").out.isascii()


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
        for derived in ("digest", "citation", "limitations"):
            report.pop(derived)
    assert of_file == of_folder


def test_a_fingerprint_prints_its_record(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    """As JSON, if asked."""
    result = run("fingerprint", models["parent"], "-o", tmp_path / "x.safetensors", "--json")
    assert json.loads(result.out)["name"] == "parent"


def test_progress_goes_to_standard_error_only(
    run: Run, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only if somebody is there to see it."""
    arguments = ("lineage", models["child"], models["parent"], "--json", "--created", CREATED)
    silent = run(*arguments)
    assert silent.err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    seen = run(*arguments)
    assert "reading child" in seen.err
    assert seen.out == silent.out
    assert run(*arguments, "-q").err == ""


def test_help_and_version_are_no_errors(run: Run) -> None:
    """Nor is asking for nothing."""
    for arguments in ((), ("--help",), ("-h",), ("lineage", "-h")):
        result = run(*arguments)
        assert (result.status, result.err) == (0, "")
        assert "Usage: " in result.out
    assert "0.1.0" in run("--version").out


# ---- bad input


def hostile(name: str, root: Path) -> Path:
    """A model that cannot be used, by what is wrong with it."""
    good = write(root / name, weights(0, config()), config(), shards=2 if "index" in name or "shard" in name else 1)
    index = good / "model.safetensors.index.json"
    if name == "absent":
        return root / "nothing-here"
    if name == "missing shard":
        (good / "model-00001-of-00002.safetensors").unlink()
    if name == "truncated":
        content = (good / "model.safetensors").read_bytes()
        (good / "model.safetensors").write_bytes(content[:-100])
    if name == "empty file":
        (good / "model.safetensors").write_bytes(b"")
    if name == "config":
        (good / "config.json").write_text("{not json")
    if name == "config list":
        (good / "config.json").write_text("[1]")
    if name == "index json":
        index.write_text('{"weight_map": ')
    if name == "index list":
        index.write_text("[]")
    if name == "index outside":
        index.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    if name == "pickle":
        (good / "model.safetensors").unlink()
        (good / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    if name == "pickle file":
        (good / "model.pt").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
        return good / "model.pt"
    if name == "long name":
        return root / ("x" * 4000)
    if name == "two lines":
        return root / "a\nTraceback (most recent call last)\x1b[31m"
    if name == "other layout":
        save_file({"strange.weight": np.ones((2, 2), np.float32)}, good / "model.safetensors")
    if name == "fingerprint":
        path = root / "damaged.safetensors"
        path.write_bytes(raw_safetensors({"__metadata__": {"verify.fingerprint": "{}"}}))
        return path
    if name in ("sketch", "sketch version"):
        return other_sketch(good, root / "other.safetensors", "version" in name)
    if name == "token list":
        (good / "vocab.json").write_text('{"a": -1}')
    return good


def other_sketch(folder: Path, path: Path, version: bool) -> Path:
    """A fingerprint under another specification, or of a version that does not exist yet."""
    model = fingerprint(folder, sketch=SketchSpec(units=8))
    model.save(path)
    if version:
        record = model.record.model_dump(mode="json")
        record["sketch"]["version"] = 3
        save_file(load_file(path), path, metadata={"verify.fingerprint": json.dumps(record)})
    return path


HOSTILE = {
    "absent": "does not exist",
    "missing shard": "is missing",
    "truncated": "truncated",
    "empty file": "is empty",
    "config": "config.json is not valid JSON",
    "config list": "config.json",
    "index json": "index.json is not valid JSON",
    "index list": "index.json",
    "index outside": "inside the folder",
    "pickle": "is a pickle",
    "pickle file": "is a pickle",
    "long name": "does not exist",
    "two lines": "does not exist",
    "other layout": "is not understood",
    "fingerprint": "make it again",
    "sketch": "different sketches",
    "sketch version": "sketch.version as 3",
    "token list": "vocab.json",
}


def check_refused(result: Outcome, says: str, *places: Path) -> None:
    """One line on standard error, status 2, nothing printed and nothing left."""
    assert result.status == 2
    assert result.out == ""
    assert result.err.endswith("\n")
    assert result.err.count("\n") == 1
    assert says in result.err
    assert "Traceback (most recent call last):" not in result.err
    assert result.err.rstrip("\n").isprintable()
    for place in places:
        assert not place.exists()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("first", [True, False])
def test_an_unusable_model_is_one_line(
    run: Run, models: dict[str, Path], tmp_path: Path, name: str, first: bool
) -> None:
    """Whether it is A or B, and nothing is left where the report would have gone."""
    bad = hostile(name, tmp_path)
    pair = (bad, models["parent"]) if first else (models["parent"], bad)
    new, old = tmp_path / "new" / "deep", tmp_path / "old"
    check_refused(run("lineage", *pair, "-o", new), HOSTILE[name], new, new.parent)
    old.mkdir()
    check_refused(run("lineage", *pair, "-o", old), HOSTILE[name])
    assert list(old.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.startswith("sketch")])
def test_an_unusable_model_has_no_fingerprint(run: Run, tmp_path: Path, name: str) -> None:
    """Nor is a part of one left."""
    out = tmp_path / "new" / "fp.safetensors"
    check_refused(run("fingerprint", hostile(name, tmp_path), "-o", out), HOSTILE[name], out, out.parent)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fail-on", "guilty"], "'guilty'"),
        (["--fail-on", "dependent,Dependent"], "'Dependent'"),
        (["--alpha", "0"], "alpha"),
        (["--alpha", "1"], "alpha"),
        (["--alpha", "nan"], "alpha"),
        (["--alpha", "-inf"], "alpha"),
        (["--alpha", "small"], "small"),
        (["--searched", "1.5"], "1.5"),
        (["--created", "yesterday"], "created"),
        (["--chronology", "\udcff"], "chronology"),
        (["--panel-of-judges"], "--panel-of-judges"),
        (["--\x1b[31m\nx"], "No such option"),
        (["third"], "third"),
    ],
)
def test_an_unusable_option_is_one_line(
    run: Run, models: dict[str, Path], tmp_path: Path, options: list[str], says: str
) -> None:
    """And nothing is left."""
    out = tmp_path / "out"
    check_refused(run("lineage", models["child"], models["parent"], "-o", out, *options), says, out)


@pytest.mark.parametrize("arguments", [("lineage",), ("lineage", "a"), ("fingerprint", "a"), ("no-such-command",)])
def test_missing_arguments_are_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    """Named by what is missing."""
    check_refused(run(*arguments), "")


def unusable(name: str, root: Path) -> Path:
    """A folder that no report can be written to."""
    (root / "file").write_text("mine")
    (root / "dangling").symlink_to(root / "nowhere" / "else")
    (root / "taken" / "report.md").mkdir(parents=True)
    return {
        "a file": root / "file",
        "below a file": root / "file" / "deep" / "out",
        "no device": Path("/proc/no/such/place"),
        "dangling link": root / "dangling",
        "too long": root / ("x" * 300),
        "report is a folder": root / "taken",
    }[name]


@pytest.mark.parametrize(
    "name", ["a file", "below a file", "no device", "dangling link", "too long", "report is a folder"]
)
def test_an_unusable_output_is_noticed_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No model is opened, and nothing is made or changed."""

    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("verify.lineage.test_lineage", unwanted)
    out = unusable(name, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    check_refused(run("lineage", "a", "b", "-o", out), "cannot be written")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "mine"


def test_a_fingerprint_that_cannot_be_written_is_noticed_before_the_work(run: Run, tmp_path: Path) -> None:
    """Said of the output, though the model does not exist either."""
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path, tmp_path / "file" / "x.safetensors", Path("/proc/no/x.safetensors")):
        check_refused(run("fingerprint", "absent", "-o", out), "cannot be written")


def test_a_folder_that_may_not_be_written_is_refused(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions are tried, not read: root, network disks and quotas have their own."""

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("verify.cli.output.TemporaryFile", denied)
    check_refused(
        run("lineage", models["child"], models["parent"], "-o", tmp_path / "o"), "Permission denied", tmp_path / "o"
    )


def test_a_page_that_cannot_be_made_leaves_no_record(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files are made before either is written."""

    def broken(_: ClaimReport) -> bytes:
        raise OSError(5, "Input/output error", "template")

    monkeypatch.setitem(FORMATS, "md", broken)
    out = tmp_path / "out"
    check_refused(run("lineage", models["child"], models["parent"], "-o", out), "template", out)


def test_weights_that_are_not_finite_are_no_error(run: Run, tmp_path: Path, models: dict[str, Path]) -> None:
    """They are counted, and standard error stays silent."""
    w = child(weights(0, config()), 3)
    for number, name in (
        (float("nan"), "mlp.up_proj"),
        (float("inf"), "self_attn.v_proj"),
        (float("inf"), "mlp.down_proj"),
    ):
        w[f"model.layers.0.{name}.weight"][3] = number
    w["model.embed_tokens.weight"][60] = float("inf")
    result = run("lineage", write(tmp_path, w, config()), models["parent"], "--json")
    assert (result.status, result.err) == (0, "")
    report = ClaimReport.from_json(result.out)
    assert report.verdict == "dependent"
    assert report.a.non_finite == 3 * 24 + 40


def test_the_installed_command(models: dict[str, Path], tmp_path: Path) -> None:
    """As others run it: in its own process, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "verify", "lineage"]
    pairs = {"child": (3, ""), "absent": (2, "'absent' does not exist")}
    for a, (status, says) in pairs.items():
        arguments = [str(models.get(a, a)), str(models["parent"]), "-o", str(tmp_path / a), "--fail-on", "dependent"]
        result = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (result.returncode, result.stderr.count("\n")) == (status, int(status == 2))
        assert says in result.stderr
        assert (tmp_path / a).exists() == (status == 3)
