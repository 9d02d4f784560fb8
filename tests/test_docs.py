"""The documentation is true: its API page is today's, its example runs, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import api, exact_tests

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


@pytest.mark.parametrize("source", PAGES, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(source: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", source.read_text("utf-8"))
    assert [link for link in links if not (source.parent / link).exists()] == []


def test_every_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"(docs/{path.name})" not in text] == []
