"""Options from a named file: the command line wins, they are shown, and refused where unknown or hostile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import commands
from tests.commands import Run, check_refused
from tests.reports import CREATED
from verify.data import model

run = commands.run
A, B = str(model("fine-tuned")), str(model("reference"))


def written(folder: Path, text: str, name: str = "run.toml") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def level(said: commands.Outcome) -> float:
    found: float = json.loads(said.out)["evidence"][0]["alpha"]
    return found


def test_a_run_from_a_file_is_the_run_of_its_options(run: Run, tmp_path: Path) -> None:
    """The same bytes; and the file is said, with what was taken from it."""
    text = f"""
[lineage]
a = "{A}"
b = "{B}"
alpha = 1e-4
searched = 3
effort = "screen"
created = "{CREATED}"
chronology = "B is older."
fail-on = ["dependent", "identical"]
json = true
"""
    file = written(tmp_path, text)
    options = ("--alpha", "1e-4", "--searched", 3, "--effort", "screen", "--created", CREATED)
    plain = run(
        "lineage", A, B, *options, "--chronology", "B is older.", "--fail-on", "dependent,identical", "--json"
    )
    found = run("lineage", "--config", file)
    assert (found.status, found.out) == (plain.status, plain.out)
    assert found.status == 3
    assert found.err.startswith("From 'run.toml': a = ")
    for shown in ("alpha = 0.0001", "searched = 3", "effort = 'screen'", "fail-on = 'dependent,identical'"):
        assert shown in found.err


def test_the_command_line_wins_and_what_it_replaces_is_not_said(run: Run, tmp_path: Path) -> None:
    """Also for arguments."""
    text = f'[lineage]\na = "nowhere"\nb = "{B}"\nalpha = 0.5\neffort = "screen"\ntokenizer-a = "{B}"\n'
    file = written(tmp_path, text)
    found = run("lineage", A, "--config", file, "--alpha", "0.002", "--json")
    assert level(found) == 0.002
    assert "alpha" not in found.err
    assert "nowhere" not in found.err
    assert "effort = 'screen'" in found.err
    assert json.loads(found.out)["provenance"]["options"]["tokenizer_a"] == "given"


def test_no_file_is_read_unless_it_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyproject.toml changes no run by lying there; named, its table is [tool.verify.lineage]."""
    monkeypatch.chdir(tmp_path)
    file = written(
        tmp_path, "[tool.other]\nx = 1\n[tool.verify.lineage]\nalpha = 0.25\neffort = 'screen'\n", "pyproject.toml"
    )
    pair = ("lineage", A, B, "--created", CREATED, "--json")
    silent, named = run(*pair), run(*pair, "--config", file)
    assert (level(silent), silent.err) == (0.001, "")
    assert level(named) == 0.25
    assert named.err == "From 'pyproject.toml': alpha = 0.25, effort = 'screen'.\n"


def test_other_commands_take_their_tables(run: Run, tmp_path: Path) -> None:
    """One file for all."""
    scores = written(
        tmp_path,
        "a,b,score\n" + "".join(f"m{i},m{j},{(7 * i + j) % 11}\n" for i in range(9) for j in range(i)),
        "s.csv",
    )
    text = f"""
[screen]
models = ["{A}", "{B}"]
alpha = 0.01
json = true
[calibrate]
scores = "{scores}"
claim = ["m1", "m2"]
larger-is-closer = false
alpha = 0.05
json = true
[panel.build]
recipe = "nothing.toml"
output = "{tmp_path / "panel"}"
"""
    file = written(tmp_path, text)
    screened = run("screen", "--config", file)
    assert (screened.status, json.loads(screened.out)["alpha"]) == (0, 0.01)
    ranked = run("calibrate", "--config", file)
    assert (ranked.status, json.loads(ranked.out)["evidence"]["alpha"]) == (0, 0.05)
    built = run("panel", "build", "--config", file)
    assert built.status == 2
    assert "recipe = " in built.err
    assert "nothing.toml" in built.err.splitlines()[-1]


REFUSED = {
    "[lineage]\nalpa = 0.1": "'run.toml' [lineage] has the unknown option 'alpa'; did you mean 'alpha'?",
    "[lineage]\npanel_alpha = 0.1": "did you mean 'panel-alpha'?",
    "[lineag]\nalpha = 0.1": "'run.toml' has the unknown table 'lineag'; did you mean 'lineage'?",
    "alpha = 0.1": "'run.toml' has the unknown table 'alpha'",
    "[screen]\nalpha = 0.1": "'run.toml' has no table [lineage]",
    "[[lineage]]\nalpha = 0.1": "'run.toml' has no table [lineage]",
    "[lineage]\nalpha = true": "sets alpha to True; give a number",
    "[lineage]\nalpha = '0.1'": "sets alpha to '0.1'; give a number",
    "[lineage]\nalpha = 2": "alpha is 2.0; give a number between 0 and 1",
    "[lineage]\nsearched = true": "sets searched to True; give a whole number",
    "[lineage]\nsearched = 1.5": "sets searched to 1.5; give a whole number",
    "[lineage]\njson = 1": "sets json to 1; give true or false",
    "[lineage]\nfamily = 'llama'": "sets family to 'llama'; give a list, each text",
    "[lineage]\neffort = 'huge'": "'huge' is not one of",
    "[lineage]\nfail-on = [1]": "sets fail-on to [1]; give a list of texts",
    "[lineage]\ntoken-a = 'hf_secret'": "holds a token; take it out",
    "[lineage]\nconfig = 'x'": "unknown option 'config'",
    "[lineage]\nfamily = ['x']": "--family has no effect without --panel",
    "[lineage": "it is not TOML",
    "[lineage]\neffort = 0x" + "F" * 6000: "cannot be read (it has an integer of more than 64 bits)",
    "[lineage]\nfamily = [[0x" + "F" * 6000 + "]]": "cannot be read (it has an integer of more than 64 bits)",
    "[lineage]\nalpha = 0x" + "F" * 6000: "cannot be read (it has an integer of more than 64 bits)",
    '[lineage]\noutput = "x\\u0000y"': "cannot be read (it has a text with a NUL character)",
    "[lineage]\nalpha = nan": "alpha is nan; give a number between 0 and 1",
    "[lineage]\nalpha = nan\ndry-run = true": "alpha is nan; give a number between 0 and 1",
    "[lineage]\npanel = 'default'\npanel-alpha = inf\ndry-run = true": "panel_alpha is inf; give a number",
    "x = " + "[" * 5000: "nested too deeply",
}


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_meant_is_refused_in_one_line(run: Run, tmp_path: Path, text: str) -> None:
    """Before anything is read; no secret is repeated."""
    said = run("lineage", A, B, "--config", written(tmp_path, text), "-o", tmp_path / "o")
    last = commands.Outcome(said.status, said.out, said.err.splitlines()[-1] + "\n")
    check_refused(last, REFUSED[text], tmp_path / "o")
    assert "hf_secret" not in said.err


def test_a_file_that_is_none_or_too_large_is_refused(run: Run, tmp_path: Path) -> None:
    """A folder, a device, a megabyte of spaces, bytes that are no text."""
    (tmp_path / "large.toml").write_bytes(b" " * 1_000_001)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for file, says in {
        tmp_path: "Is a directory",
        Path("/dev/zero"): "Not a regular file",
        tmp_path / "none.toml": "No such file",
        tmp_path / "large.toml": "more than 1000000 bytes",
        tmp_path / "bytes.toml": "it is not TOML",
    }.items():
        check_refused(run("lineage", A, B, "--config", file), says)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_no_text_shows_a_traceback(run: Run, tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, after a table or not."""
    for start in ("", "[lineage]\n"):
        (tmp_path / "x.toml").write_text(start + text, "utf-8", errors="replace")
        said = run("lineage", "absent-1", "absent-2", "--config", tmp_path / "x.toml")
        assert said.status == 2
        assert "Traceback" not in said.err
        assert said.err.isprintable() or all(line.isprintable() for line in said.err.splitlines())
