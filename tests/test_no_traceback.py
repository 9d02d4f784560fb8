"""Whatever is typed, given or printed on: one sentence and status 2, never a traceback and never status 70."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from tests import commands
from tests.checkpoints import toy, write_checkpoint
from tests.commands import Run, check_refused
from tests.reports import CREATED
from tests.test_bounds import as_dangling
from verify.base import InputError, exists
from verify.panel import Panel, build_panel

models, run = commands.models, commands.run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models."""
    folder = tmp_path_factory.mktemp("place")
    for seed, name in enumerate("ab"):
        write_checkpoint(folder / name, toy(seed=seed))
    return folder


NO_FILE = {
    ("keygen", "-o", "/"): "'/' is a folder; give the path of a file",
    ("keygen", "-o", "."): "'.' is a folder",
    ("keygen", "-o", ".."): "'..' is a folder",
    ("sign", ".", "--key", "x"): "'.' is a folder",
    ("sign", "/", "--key", "x"): "'/' is a folder",
    ("sign", "r.json", "--key", "x", "-o", "/"): "'/' is a folder",
    ("fingerprint", "a", "-o", "."): "'.' is a folder",
    ("fingerprint", "a", "-o", "/"): "'/' is a folder",
    ("screen", "@.", "a"): "The list '.' cannot be read (Is a directory)",
    ("screen", "@/", "a"): "The list '/' cannot be read (Is a directory)",
}


@pytest.mark.parametrize("arguments", NO_FILE, ids=" ".join)
def test_a_path_without_a_name_is_no_file(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Where a file is meant."""
    monkeypatch.chdir(place)
    before = sorted(place.iterdir())
    check_refused(run(*arguments), NO_FILE[arguments])
    assert sorted(place.iterdir()) == before


EMPTY = (
    ("lineage", "a", "b", "-o", ""),
    ("lineage", "a", "b", "--dated-b", "x", "--tsa", ""),
    ("screen", "a", "b", "-o", ""),
    ("fingerprint", "a", "-o", ""),
    ("panel", "build", "x.toml", "-o", ""),
    ("panel", "build", "", "-o", "p"),
    ("demo", "-o", ""),
    ("render", "r.json", "-o", ""),
    ("render", "", "-o", "x"),
    ("replay", ""),
    ("keygen", "-o", ""),
    ("sign", "", "--key", "x"),
    ("sign", "r.json", "--key", ""),
    ("sign", "r.json", "--key", "x", "-o", ""),
    ("check-signature", "", "--key", "x"),
    ("lineage", "a", "b", "--config", ""),
)


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_an_empty_text_is_no_path(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Not this folder, into which a script with an unset variable would write."""
    monkeypatch.chdir(place)
    before = sorted(place.iterdir())
    check_refused(run(*arguments), "an empty text is no path; give one")
    assert sorted(place.iterdir()) == before


def test_an_empty_model_is_left_out_of_a_screen(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not stand for the fingerprints of this folder."""
    monkeypatch.chdir(place)
    check_refused(run("screen", "", "a"), "1 of 2 models can be compared; give at least two: A model is given as an")


LONG = "x" * 5000


@pytest.mark.parametrize(
    "arguments",
    [
        ("lineage", LONG, "b"),
        ("lineage", "a", "b", "-o", LONG),
        ("lineage", "a", "b", "--panel", LONG),
        ("lineage", "a", "b", "--layout-a", LONG),
        ("lineage", "a", "b", "--tokenizer-a", LONG),
        ("lineage", "a", "b", "--config", LONG),
        ("lineage", "a", "b", "--format", LONG),
        ("lineage", "a", "b", "--alpha", "9" * 5000),
        ("lineage", "a", "b", "--workers", "9" * 4000),
        ("screen", f"@{LONG}", "a"),
        ("replay", LONG),
        ("sign", LONG, "--key", "x"),
        ("keygen", "-o", LONG),
        ("panel", "build", LONG, "-o", "p"),
        ("panel", "show", LONG),
        ("inspect", "http://[::1"),
        ("inspect", "http://host:99999999/"),
        ("inspect", f"http://{LONG}/"),
        ("inspect", "http://\u2100/"),
        (LONG,),
        ("lineage", f"--{LONG}"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_what_is_too_long_or_malformed_is_one_short_sentence(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """It is not repeated whole."""
    monkeypatch.chdir(place)
    said = run(*arguments)
    check_refused(said, "")
    assert len(said.err) < 700


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b", "", "."])
def test_whether_there_is_something_at_what_is_no_path(path: str) -> None:
    """There is nothing, and no error."""
    assert exists(Path(path)) == (path in ("", "."))


@pytest.mark.parametrize("model", ["", ".", "..", "/", "x" * 5000, r"x\u0000y", "../m", "nowhere"])
def test_a_recipe_beside_or_inside_its_model_builds_or_says_why(tmp_path: Path, model: str) -> None:
    """A member that cannot be is skipped; if none is left, that is one sentence."""
    write_checkpoint(tmp_path / "m", toy())
    write_checkpoint(tmp_path / "other", toy(seed=1))
    member = '[[member]]\nname = "x"\nmodel = "{}"\nfamily = "f"\nlicence = "MIT"\n'
    lines = member.format(model) + member.format("../other").replace('"x"', '"y"').replace('"f"', '"g"')
    (tmp_path / "m" / "r.toml").write_text(f'name = "t"\nversion = "1"\n{lines}')
    panel = build_panel(tmp_path / "m" / "r.toml", tmp_path / "p")
    built = [member.name for member in panel.record.members]
    skipped = [one.name for one in panel.record.excluded]
    assert sorted(built + skipped) == ["x", "y"]
    assert ("x" in built) == (model in ("", ".", "../m"))
    assert Panel.load(tmp_path / "p").record == panel.record


@pytest.mark.parametrize("model", ["", ".", "/", ".."])
def test_a_member_needs_a_name_that_its_model_has_not(tmp_path: Path, model: str) -> None:
    """One sentence before anything is read."""
    (tmp_path / "r.toml").write_text(
        f'name = "t"\nversion = "1"\n[[member]]\nmodel = "{model}"\nfamily = "f"\nlicence = "MIT"\n'
    )
    with pytest.raises(InputError, match="needs a `name`"):
        build_panel(tmp_path / "r.toml", tmp_path / "p")


SPOKEN = (
    ("lineage", "a", "b"),
    ("lineage", "a", "b", "--json"),
    ("lineage", "a", "b", "--dry-run"),
    ("screen", "a", "b", "c"),
    ("replay", "r/report.json"),
    ("render", "r/report.json", "--format", "md", "-o", "r"),
    ("inspect", "a"),
    ("inspect", "a", "--json"),
    ("fingerprint", "a", "-o", "a.safetensors"),
    ("panel", "show", "default"),
    ("calibrate", "scores.csv", "--claim", "é", "≥", "--alpha", "0.2"),
    ("cache",),
    ("completion", "bash"),
    ("inspect", "nicht-da-é≥模"),
    ("sign", "é≥模", "--key", "x"),
)


@pytest.mark.parametrize("encoding", ["cp1252", "cp437"])
def test_every_command_prints_on_every_console(
    run: Run, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Results and sentences, with names that the console lacks: the work is not lost for a sign."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        (tmp_path / name).symlink_to(place / name)
    write_checkpoint(tmp_path / "c", toy("gpt2"))
    names = ["é", "≥", *(f"模{n}" for n in range(8))]
    rows = [f"{a},{b},0.{n}{m}" for n, a in enumerate(names) for m, b in enumerate(names[:n])]
    (tmp_path / "scores.csv").write_text("a,b,score\n" + "\n".join(rows) + "\n", "utf-8")
    assert run("lineage", "a", "b", "-o", "r", "--created", CREATED).status == 0
    for arguments in SPOKEN:
        out, err = (
            io.TextIOWrapper(io.BytesIO(), encoding, errors, write_through=True)
            for errors in ("strict", "backslashreplace")
        )
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = run(*arguments).status
        said = err.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
        assert status == (2 if "nicht-da" in arguments[-1] or arguments[0] == "sign" else 0), (arguments, said)
        assert "Traceback" not in said


def test_a_dangling_card_is_no_error_at_the_command_line(run: Run, tmp_path: Path) -> None:
    """Nor is it for the document that would name its line."""
    folder = write_checkpoint(tmp_path / "m", toy())
    as_dangling(folder / "README.md")
    assert run("fingerprint", folder, "-o", tmp_path / "x.safetensors").status == 0


def test_an_interruption_while_the_command_is_loaded_is_one_line() -> None:
    """Whatever is being imported: there an exception may be taken for another one, such as a SyntaxError."""
    code = (
        "import os, signal, sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'verify.cli.output':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "            for _ in range(1000): pass\n"
        "            try: compile('x = 1', 'x', 'exec')\n"
        "            except KeyboardInterrupt: raise SyntaxError\n"
        "sys.meta_path.insert(0, Interrupts())\n"
        "from verify.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, "inspect", "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
