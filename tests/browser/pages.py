"""The pages that are looked at, each made anew from shipped models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.renderings import PAIRS
from tests.reports import CREATED
from verify import screen, test_lineage
from verify.data import model, models

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab


@dataclass(frozen=True)
class Page:
    """A page: its name, and how it is made."""

    name: str
    make: Callable[[Path], str]
    """Writes the page into an empty folder, and returns its address: of a file, or of a server on loopback."""
    ready: str = "main"
    """Selector of an element that is there once the page can be looked at."""
    runs: bool = False
    """Whether it may run scripts and load files that lie beside it."""
    check: Callable[[Tab], list[str]] = lambda _: []
    """Uses the page, under its own rules, and says what is wrong."""


def verdict(pair: str) -> Callable[[Path], str]:
    """The page of a report on two shipped models."""

    def make(folder: Path) -> str:
        a, b, options = PAIRS[pair]
        path = folder / "report.html"
        path.write_text(test_lineage(model(a), model(b), created=CREATED, **options).to_html(), "utf-8")
        return path.as_uri()

    return make


def screened(folder: Path) -> str:
    """The page of a screen of all shipped models."""
    path = folder / "screen.html"
    path.write_text(screen([model(name) for name in models()]).to_html(), "utf-8")
    return path.as_uri()


def sorts(tab: Tab) -> list[str]:
    """What is wrong with the sorting of a table, by keyboard alone: up, down, and numbers as numbers."""
    wrong, table = [], tab.locator("table.sortable").first
    for column, number in ((0, False), (5, True)):
        button = table.locator("thead th").nth(column).locator("button")
        for order in ("ascending", "descending"):
            button.focus()
            tab.keyboard.press("Enter")
            head = button.locator("..").get_attribute("aria-sort")
            cells = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
            key = float if number else str.casefold
            if head != order or cells != sorted(cells, key=key, reverse=order == "descending"):
                wrong.append(f"column {column}, {order}: aria-sort is {head}, {cells[:3]}")
    return wrong


PAGES = (
    Page("related", verdict("related")),
    Page("no-sign", verdict("unrelated")),
    Page("more-alike", verdict("obfuscated-all")),
    Page("the-same", verdict("identical")),
    Page("untestable", verdict("untestable")),
    Page("screen", screened, check=sorts),
)
