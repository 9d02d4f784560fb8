"""Every command explains itself: options under headings, examples that parse, exit statuses, where to learn more."""

from __future__ import annotations

import logging
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests import commands
from tests.commands import Run, check_refused
from verify.base import NetworkError
from verify.cli.app import cli
from verify.cli.command import Explained, Group
from verify.data import model

models, run = commands.models, commands.run
ROOT = Path(__file__).parents[1]


def every_command(command: click.Command = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, one in getattr(command, "commands", {}).items():
        yield from every_command(one, (*path, name))


COMMANDS = list(every_command())


def found(path: tuple[str, ...]) -> Explained:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, Group)
        command = command.commands[name]
    assert isinstance(command, Explained)
    return command


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_has_headings_examples_statuses_and_a_page(
    run: Run, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    """On lines that fit, with every option in it once."""
    monkeypatch.setenv("COLUMNS", "100")
    text, command = run(*path, "--help").out, found(path)
    assert max(map(len, text.splitlines())) <= 100
    assert "\nExamples:\n" in text
    assert "\nExit status:\n  0 " in text
    assert "2    bad input" in text
    assert (ROOT / text.rsplit("Learn more: ", 1)[1].strip()).is_file()
    assert "..." not in re.sub(r",\.\.\.|\[ARGS\]\.\.\.|[A-Z]+\.\.\.", "", text)
    rows = [line.split("  ")[1] for line in text.splitlines() if line.startswith("  -")]
    told = [name.strip().split(" ")[0] for row in rows for name in row.replace(" / ", ", ").split(",")]
    for param in command.params:
        if isinstance(param, click.Option):
            assert [told.count(name) for name in (*param.opts, *param.secondary_opts)] == [1] * len(
                param.opts + param.secondary_opts
            )


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_examples_parse(path: tuple[str, ...]) -> None:
    """Each names a command that exists, with options that it has."""
    for line in found(path).examples:
        words = shlex.split(
            line.split("    ")[0].replace("$(", "").removeprefix('eval "').rstrip(')"'), comments=True
        )
        words = words[words.index("verify") + 1 :]
        if ">" in words:
            words = words[: words.index(">")]
        command: click.Command = cli
        while isinstance(command, Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known | {"--help"}
        assert command is not cli or not words


def test_a_group_alone_prints_its_help(run: Run) -> None:
    """And is no error."""
    assert run("panel") == run("panel", "--help")
    assert run() == run("--help")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("compare a b", "did you mean `verify lineage`? See `verify --help`."),
        ("linage a b", "did you mean `verify lineage`?"),
        ("check report.json", "did you mean `verify replay`?"),
        ("panel list", "did you mean `verify panel show`? See `verify panel --help`."),
        ("panel bild", "did you mean `verify panel build`?"),
        ("qqqqq", "verify has no command 'qqqqq'. See `verify --help`."),
        ("lineage a b --fail", "See `verify lineage --help`."),
        ("lineage a", "Missing argument 'B'. See `verify lineage --help`."),
        ("fingerprint a", "Missing option '-o' / '--output'. See `verify fingerprint --help`."),
    ],
)
def test_what_was_mistyped_is_answered_with_what_was_meant(run: Run, given: str, says: str) -> None:
    """In one line."""
    check_refused(run(*given.split()), says)


def test_help_says_that_the_verdict_is_symmetric(run: Run) -> None:
    """And what the two words mean, which only say which is which."""
    text = " ".join(run("lineage", "--help").out.split())
    assert "The verdict is the same whichever of the two is A" in text
    assert "whatever the verdict" in text


@pytest.mark.parametrize("where", [("-v", "lineage"), ("lineage", "-v"), ("-v", "lineage", "-v"), ("lineage", "-vv")])
def test_verbose_is_taken_before_and_after_the_command(run: Run, where: tuple[str, ...]) -> None:
    """Twice, wherever, shows more than once; each line once, and none in the next run."""
    pair = model("fine-tuned"), model("reference")
    said = run(*where, *pair, "--effort", "screen")
    steps, all_of_it = "reference: screen effort, 144896 bytes read", "reference: layer 1 of 4"
    assert said.err.count(steps) == 1
    assert said.err.count(all_of_it) == ("".join(where).count("v") == 2)
    assert run("lineage", *pair, "--effort", "screen").err == ""
    assert logging.getLogger("verify").handlers == []


def test_an_envelope_and_a_fingerprint_are_called_what_they_are(run: Run, tmp_path: Path) -> None:
    """Each with what to do."""
    (tmp_path / "r.dsse").write_text('{"payload": "", "payloadType": "x", "signatures": []}')
    check_refused(run("replay", tmp_path / "r.dsse"), "This is a signed envelope (DSSE) with a report in it")
    check_refused(run("render", tmp_path / "r.dsse", "-o", tmp_path / "o"), "`verify check-signature", tmp_path / "o")
    assert run("fingerprint", model("reference"), "-o", tmp_path / "f.safetensors").status == 0
    assert "f.safetensors is a fingerprint, not a model" in run("inspect", tmp_path / "f.safetensors").out
    assert '"content_sha256"' in run("inspect", tmp_path / "f.safetensors", "--json").out


def test_inspect_explains_its_fields(run: Run) -> None:
    """Those whose name does not."""
    text = run("inspect", model("reference")).out
    assert "odd_in_up True  (whether a unit with `up` and `down` negated computes the same)" in text
    assert "norm_offset 0  (added to each stored gain" in text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("lineage", "a", "b", "--family", "llama"), "--family has no effect without --panel"),
        (("lineage", "a", "b", "--corpus", "books"), "--corpus has no effect without --panel"),
        (("lineage", "a", "b", "--panel-alpha", "0.01"), "--panel-alpha has no effect without --panel"),
        (("replay", "r.json", "--revision-a", "main"), "--revision-a has no effect without --a"),
        (("replay", "r.json", "--a", "x", "--layout-b", "llama"), "--layout-b has no effect without --b"),
    ],
)
def test_options_without_effect_are_refused(run: Run, given: tuple[str, ...], says: str) -> None:
    """Before anything is read."""
    check_refused(run(*given), says)


def test_a_mistyped_path_is_said_to_be_no_path_here(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the name that is, if one is close; before what the Hub says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run2" / "final").mkdir(parents=True)
    monkeypatch.setattr("verify.checkpoint.places.find_on_hub", refuse)
    said = run("inspect", "run2/finl")
    check_refused(said, "'run2/finl' does not exist: there is no such folder or file here (there is 'final'), and of")
    check_refused(
        run("inspect", "run2/else"), "'run2/else' does not exist: there is no such folder or file here, and"
    )
    check_refused(run("inspect", "./run2/finl"), "does not exist (there is 'final'); give a folder")


def refuse(location: object) -> None:
    if not str(location).startswith("."):
        raise NetworkError("the Hub does not answer; try again later.")


def test_a_pdf_that_cannot_be_made_is_refused_before_the_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With nothing written, since half of what was asked for is not what was asked for."""
    monkeypatch.setattr("verify.cli.output.no_pdf", lambda: "there is no typesetter here; install one")
    check_refused(
        run("lineage", "a", "b", "-o", tmp_path / "o", "--format", "json,pdf"),
        "or leave it out; nothing was read",
        tmp_path / "o",
    )


def test_panel_show_says_what_members_are(run: Run) -> None:
    """Their shape, and what they were trained on."""
    text = run("panel", "show", "default").out
    assert "| member | family | stratum | model | trained on | licence | source |" in text
    assert "5 layers of width 64 | zoo-cpp |" in text


def test_the_extra_all_has_every_extra_for_users() -> None:
    """And none of those for development."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    (both,) = extras["all"]
    named = set(both.removeprefix("verify-lineage[").removesuffix("]").split(","))
    assert named == extras.keys() - {"all", "browser", "dev", "docs", "families", "notebook", "test", "zoo"}
