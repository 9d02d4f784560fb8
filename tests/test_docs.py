"""The documentation is true: its API page is today's, its example runs, and its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from docs import api, exact_tests
from tests import commands
from verify.cli.app import cli
from verify.data import model

run = commands.run

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "examples" / "README.md", *(ROOT / "docs").glob("*.md")])


def test_the_api_page_is_of_todays_names() -> None:
    assert api.PAGE.read_text("utf-8") == api.page(), "run `python -m docs.api`"


def test_the_page_of_exact_tests_is_of_todays_registry() -> None:
    written = exact_tests.PAGE.read_text("utf-8")
    assert written == exact_tests.exact_tests(), "run `python -m docs.exact_tests`"


@pytest.mark.parametrize(
    ("page", "name"),
    [("own-statistics.md", "own"), ("own-statistics.md", "similarity"), ("calibrate.md", "calibrate")],
)
def test_the_example_of_a_page_runs(page: str, name: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    found = re.search(rf"<!-- {name} -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    exec(compile(found[1], page, "exec"), {"__name__": "example"})


def test_the_commands_of_the_page_of_the_command_line_run(
    run: commands.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder with a parent and a child, and the file of options that it shows."""
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    for name, shipped in (("child", "fine-tuned"), ("parent", "reference")):
        shutil.copytree(model(shipped), tmp_path / name)
    (options,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "run.toml").write_text(options, "utf-8")
    monkeypatch.chdir(tmp_path)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert len(lines) > 10
    for line in lines:
        assert (line, run(*shlex.split(line)[1:]).status) == (line, 0)


def test_the_statuses_of_the_page_are_those_of_the_commands() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    stated = {int(status) for status in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert stated == {status for command in (cli, *cli.commands.values()) for status in command.statuses}


@pytest.mark.parametrize("source", PAGES, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(source: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", source.read_text("utf-8"))
    assert [link for link in links if not (source.parent / link).exists()] == []


def test_every_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"(docs/{path.name})" not in text] == []
