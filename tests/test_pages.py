"""Pages and tables of benchmarks are what is made of their results, and of nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from fnmatch import fnmatch
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import pages, results
from benchmarks.pages.markdown import between, table

JSON = sorted(path.stem for path in results.TABLES.glob("*.json"))
UNSEEN = {
    "cost": ("rows.*.disk", "rows.2[4-9].*", "rows.3?.*"),  # small ones are rounded away; of a line a part is printed
    "peers": ("peers.*.answers.*.score",),  # only their order counts, and the extremes
    "screen_growth": ("dask.*.models", "tiles.*.level", "tiles.*.plan", "tiles.*.drawn.*"),  # their medians are shown
    "model_tracing": ("power.*.all_needed",),  # as many as of the sketch
    "twins": ("derived.*.rungs.pair", "derived.*.rungs.pair_residual", "derived.*.others.*"),  # the larger is shown
}
"""Numbers that are kept and not all printed."""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results, pages and README that a test may alter."""
    folder = shutil.copytree(results.TABLES, tmp_path / "tables")
    readme = shutil.copy(pages.README, tmp_path / "README.md")
    monkeypatch.setattr(results, "TABLES", folder)
    monkeypatch.setattr(pages, "README", Path(readme))
    return folder


def numbers(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the numbers of some content stand."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from numbers(value, (*at, key))
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield at


def altered(content: Any, at: tuple[Any, ...]) -> Any:
    """The content with one number made larger by more than any rounding."""
    made = deepcopy(content)
    *path, last = at
    inner = reduce(getitem, path, made)
    inner[last] += 1 + abs(inner[last])
    return made


def test_every_page_is_what_its_results_give() -> None:
    assert pages.stale() == [], "run `python -m benchmarks.pages`"


@pytest.mark.parametrize("name", JSON)
def test_every_number_of_the_results_is_on_the_page(name: str) -> None:
    """At most 25 of a file, evenly spread, each altered alone."""
    content, page, unseen = results.read(name), pages.PAGES[name], []
    places = list(numbers(content))
    for at in places[:: 1 + len(places) // 25]:
        try:
            text = page(altered(content, at))
        except (ValueError, TypeError):  # a share above one has no interval
            continue
        if text == page(content) and not any(
            fnmatch(".".join(map(str, at)), known) for known in UNSEEN.get(name, ())
        ):
            unseen.append(at)
    assert unseen == []


def test_an_altered_number_is_seen(copy: Path) -> None:
    results.write("screen", altered(results.read("screen"), ("cost", 0, "clock_seconds")))
    assert pages.stale() == ["screen.md"]
    assert (copy / "screen.md").read_text("utf-8") != pages.screen(results.read("screen"))


def test_a_number_altered_in_size_csv_is_seen(copy: Path) -> None:
    path = copy / "size.csv"
    head, first, *rest = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([head, ",".join([*first.split(",")[:-1], "-5.000000"]), *rest]) + "\n", "utf-8")
    assert pages.stale() == ["size.md"]


@pytest.mark.usefixtures("copy")
def test_one_changed_cost_is_seen_in_its_page_and_in_the_readme() -> None:
    content = results.read("cost")
    next(row for row in content["rows"] if row["how"] == "warm, line" and row["layers"] == 32)["cpu"] += 1
    results.write("cost", content)
    assert pages.stale() == ["cost.md", "README.md"]
    pages.write(["cost"])
    assert pages.stale() == []


def test_a_page_altered_by_hand_and_a_file_of_no_page_are_seen(copy: Path) -> None:
    page = copy / "truth.md"
    page.write_text(page.read_text("utf-8").replace("-0.2", "-0.3", 1), "utf-8")
    (copy / "forgotten.md").touch()
    assert sorted(pages.stale()) == ["forgotten.md", "truth.md"]


@pytest.mark.parametrize("name", JSON)
def test_results_are_written_as_they_are_read(copy: Path, name: str) -> None:
    before = (copy / f"{name}.json").read_text("utf-8")
    results.write(name, results.read(name))
    assert (copy / f"{name}.json").read_text("utf-8") == before


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@settings(max_examples=50)
@given(values)
def test_what_is_written_is_json_of_the_same_content(content: Any) -> None:
    assert json.loads(results.dumped(content)) == content


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        results.dumped({"x": [float("nan")]})


def test_results_that_are_not_there_are_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.json is not there; run the benchmark"):
        results.read("nothing")


def test_a_row_of_another_length_is_refused() -> None:
    assert table("lr", ["a", "b", "c"], [["x", 1, None]]) == ["| a | b | c |", "|---|---:|---:|", "| x | 1 |  |"]
    with pytest.raises(ValueError, match="2 cells under 3 headings"):
        table("l", ["a", "b", "c"], [["x", 1]])


def test_a_table_stands_between_its_marks() -> None:
    text = "a\n<!-- x -->\nold\n<!-- end -->\nb\n<!-- end -->"
    assert between(text, "x", ["new"]) == text.replace("old", "new")
    with pytest.raises(ValueError, match="<!-- y -->"):
        between(text, "y", [])
